"""Commands on proof: log and check."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cctv_vault.cli.session import Session, counted, session
from cctv_vault.custody.events import Event
from cctv_vault.disclosure.registers import REGISTERS
from cctv_vault.people.actors import Right

log_app = typer.Typer(no_args_is_help=True, help="The custody log.")


def _reader(run: Session) -> None:
    """Reading as a person needs the right; the operating-system user has the file anyway."""
    if run.actor.is_person:
        with run.vault.ledger.act(Event.LOG_READ, run.actor):
            run.actor.require(Right.LOG_READ)


@log_app.command("show")
def log_show(
    context: typer.Context,
    subject: Annotated[str | None, typer.Option(help="Only entries on this thing.")] = None,
    limit: Annotated[int, typer.Option(help="How many of the newest.")] = 100,
) -> None:
    """Entries, oldest first."""
    run = session(context)
    _reader(run)
    entries = run.vault.visible_entries(run.actor, subject=subject, limit=limit)
    run.table(
        reversed(entries),
        {
            "#": lambda e: str(e.index),
            "time": lambda e: run.local(e.at),
            "event": lambda e: e.event,
            "subject": lambda e: e.subject or "",
            "actor": lambda e: e.actor,
        },
    )


@log_app.command("verify")
def log_verify(context: typer.Context) -> None:
    """Recompute the whole log and compare it with every checkpoint signed."""
    run = session(context)
    verdict = run.vault.log.verify()
    run.say(
        {**vars_of(verdict), "sound": verdict.sound},
        f"{counted(verdict.size, 'entry', 'entries')}, "
        f"{counted(verdict.checkpoints, 'checkpoint')}, root {verdict.root.hex()}",
        *verdict.findings,
        *(["the log is sound; anchored outside by: nobody"] if verdict.sound else []),
    )
    if not verdict.sound:
        run.fail(f"the log does not verify: {verdict.findings[0]}")


@log_app.command("checkpoint")
def log_checkpoint(context: typer.Context) -> None:
    """The newest checkpoint, signed."""
    run = session(context)
    note = run.vault.log.checkpoint(run.vault.clock.now())
    if run.as_json:
        run.say({"note": note})
    else:
        print(note, end="")  # noqa: T201


@log_app.command("proof")
def log_proof(
    context: typer.Context,
    index: int,
    output: Annotated[Path, typer.Option("-o", "--output", help="A .tlog-proof file.")],
) -> None:
    """The proof that an entry is in the signed log; the entry itself is written beside it."""
    run = session(context)
    proof = run.vault.log.proof(index, run.vault.clock.now())
    entry = run.vault.log.entries(after=index - 1, limit=1)[0]
    beside = output.with_name(output.name + ".entry.json")
    output.write_text(proof, encoding="utf-8")
    beside.write_bytes(entry.body)
    run.say(
        {"index": index, "proof": str(output), "entry": str(beside)},
        f"{output} proves that {beside} is entry {index} of {run.vault.origin}.",
    )


@log_app.command("key")
def log_key(context: typer.Context) -> None:
    """The public key that checks every signature of this vault."""
    run = session(context)
    key, certificate = run.vault.log.vkey, run.vault.home.documents.fingerprint
    run.say({"key": key, "document_certificate": certificate}, key)


register_app = typer.Typer(no_args_is_help=True, help="Registers, as files.")


@register_app.command("export")
def register_export(
    context: typer.Context,
    register: Annotated[
        str,
        typer.Argument(help="Which: deletions, disclosures, copies, breaches, art30, statistics."),
    ],
    form: Annotated[str, typer.Option("--format", help="pdf (PDF/A) or csv.")] = "csv",
    start: Annotated[
        str | None, typer.Option("--from", help="From when; 31 days back, or 365.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Until when; now where unset.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where; else standard output.")
    ] = None,
) -> None:
    """Write a register to a file: what was deleted, disclosed (refusals too), copied, processed."""
    run = session(context)
    there = ("deletions", *REGISTERS)
    if register not in there:
        raise typer.BadParameter(f"there is no register {register!r}; there is: {', '.join(there)}")
    since = None if start is None else run.time(start)
    until = None if end is None else run.time(end)
    if register == "deletions":
        whole = run.vault.deletions.export(run.actor, form, since, until)
    else:
        whole = run.vault.registers.export(run.actor, register, form, since, until)
    if output is None:
        sys.stdout.buffer.write(whole)
        return
    output.write_bytes(whole)
    run.say({"register": register, "file": str(output)}, f"{output} holds the register.")


def check(
    context: typer.Context,
    deep: Annotated[bool, typer.Option(help="Decrypt and hash every recording.")] = False,
) -> None:
    """Every invariant; a finding per line, named and located."""
    from cctv_vault.check import check_vault

    run = session(context)
    with run.progress("checking") as progress:
        report = check_vault(run.vault, deep=deep, progress=progress)
    run.say(
        report,
        *(f"{finding.level:<8} {finding.where}: {finding.sentence}" for finding in report.findings),
        f"{counted(report.recordings, 'recording')}, {counted(report.blobs, 'stream')}, "
        f"{counted(report.entries, 'log entry', 'log entries')}: "
        + ("sound" if report.sound else "NOT sound"),
    )
    if not report.sound:
        bad = next(finding for finding in report.findings if finding.level == "broken")
        run.fail(f"{bad.where}: {bad.sentence}")


def vars_of(verdict: object) -> dict[str, object]:
    """The fields of a slotted dataclass."""
    return {name: getattr(verdict, name) for name in getattr(type(verdict), "__slots__", ())}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(log_app, name="log")
    app.add_typer(register_app, name="register")
    app.command()(check)
