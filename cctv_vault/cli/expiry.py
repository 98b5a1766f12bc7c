"""Commands on ending: what leaves when, the sweep, and the proof of deletion."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from cctv_vault.cli.options import Id
from cctv_vault.cli.session import Session, counted, session
from cctv_vault.retention.certificates import verify_certificate
from cctv_vault.retention.forecast import HORIZON, Forecast, Proposal

_PROPOSED = {
    Proposal.SHORTEN: "publish a policy that keeps footage for less time",
    Proposal.REVIEW: "review the holds; what is released early goes with the next sweep",
    Proposal.RECORD_LESS: "record less: a lower bit rate, or only movement",
    Proposal.ADD_DISK: "add a disk",
}


def forecast(context: typer.Context) -> None:
    """What leaves when and for which purpose, when the disk is full, and what may be done."""
    run = session(context)
    ahead = run.vault.forecaster.look(run.actor)
    if run.as_json:
        run.say(ahead)
        return
    run.table(
        (each for day in ahead.days for each in day.leaving),
        {
            "day": lambda x: x.day.isoformat(),
            "purpose": lambda x: x.purpose,
            "recordings": lambda x: str(x.recordings),
            "size": lambda x: decimal(x.bytes),
        },
    )
    run.say(None, *_ahead(run, ahead))


def _ahead(run: Session, ahead: Forecast) -> Iterator[str]:
    yield f"now: {counted(ahead.recordings, 'recording')}, {decimal(ahead.bytes)}"
    for each in ahead.open_ended:
        yield f"kept without an end: {each.purpose}, {each.recordings}, {decimal(each.bytes)}"
    yield f"coming in: {decimal(ahead.rate)} a day, as in the last days"
    for period in ahead.closed:
        yield (
            f"{period.site} is closed from {period.first} and open again on {period.back}: "
            f"about {counted(period.recordings, 'recording')} ({decimal(period.bytes)}) before that"
        )
    if ahead.full_at is None:
        yield f"the disk is not full within {HORIZON.days} days"
        return
    yield f"THE DISK WILL BE FULL at {run.local(ahead.full_at)}: intake stops, nothing goes early"
    yield "what may be done:"
    for one in ahead.suggestions:
        yield f"  {_PROPOSED[one.what]}" + (
            "" if one.frees is None else f" ({decimal(one.frees)} at most)"
        )


_STEPS = {
    "moving": "moving keys that stay",
    "keys-deleted": "deleted keys that are due",
    "rewrapping": "wrapping the other keys anew",
    "root-destroyed": "destroyed the old root",
    "certified": "issued the certificate",
    "clearing": "clearing rows",
    "removing-blobs": "removing ciphertext",
}


def sweep(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option(help="Tell what is due; destroy nothing.")] = False,
) -> None:
    """Destroy the keys of what is due, and then what they sealed."""
    run = session(context)
    if not dry_run:
        run.vault.reviews.remind(run.actor)
    with run.steps(_STEPS) as progress:
        report = run.vault.sweeper.run(run.actor, dry_run=dry_run, progress=progress)
    if run.as_json:
        run.say(report)
    else:
        for item in report.due:
            run.out.print(
                f"{item.recording}  {item.camera}  {run.local(item.started_at)}  "
                f"{item.purpose} ended {run.local(item.until)}",
                markup=False,
            )
        for cut in report.narrowed:
            windows = ", ".join(f"{run.local(a)} to {run.local(b)}" for a, b in cut.windows)
            run.out.print(
                f"{cut.recording}  {cut.camera}  {run.local(cut.started_at)}  only {windows} "
                f"stays, for {', '.join(cut.holds)}; the rest goes with the original's key",
                markup=False,
            )
        if len(report.due) < report.recordings:
            run.out.print(f"and {report.recordings - len(report.due)} more")
        verb = "would expire" if dry_run else "expired"
        run.out.print(
            f"{counted(report.recordings, 'recording')} {verb}; "
            f"{counted(report.keys_destroyed, 'key')} "
            f"{'would be ' if dry_run else ''}destroyed"
            + (f"; {len(report.narrowed)} would be cut to windows" if report.narrowed else "")
            + (f"; certificate {report.certificate_id}" if report.certificate_id else "")
        )
    if report.alarm:
        run.fail(report.alarm)


certificate_app = typer.Typer(no_args_is_help=True, help="Proof of deletion.")


@certificate_app.command("list")
def certificate_list(context: typer.Context) -> None:
    """All certificates."""
    run = session(context)
    run.table(
        run.vault.certificates.list(run.actor),
        {
            "id": lambda c: c.id,
            "made": lambda c: run.local(c.created_at),
            "of": lambda c: c.recording or f"a sweep, {counted(c.recordings, 'recording')}",
        },
    )


@certificate_app.command("show")
def certificate_show(context: typer.Context, certificate_id: Id) -> None:
    """A certificate, whole: the file a stranger can verify."""
    run = session(context)
    sys.stdout.write(run.vault.certificates.document(run.actor, certificate_id))


@certificate_app.command("make")
def certificate_make(
    context: typer.Context,
    recording: Annotated[str, typer.Argument(help="The recording's id.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where; else standard output.")
    ] = None,
) -> None:
    """Certify what was destroyed of one recording: a file a stranger can verify."""
    run = session(context)
    document = run.vault.certificates.make(run.actor, recording)
    if output is None:
        sys.stdout.write(document)
        return
    output.write_text(document, encoding="utf-8")
    statement = json.loads(document)["certificate"]
    run.say(
        {"id": statement["id"], "file": str(output)},
        f"{output} certifies the destruction of {recording} ({statement['id']}).",
        *statement["scope"],
    )


@certificate_app.command("verify")
def certificate_verify(
    context: typer.Context,
    file: Path,
    key: Annotated[Path | None, typer.Option(help="The pinned public key.")] = None,
    allow_simulated: Annotated[bool, typer.Option()] = False,
) -> None:
    """Verify a certificate with nothing but the file."""
    run = session(context)
    verdict = verify_certificate(
        file.read_text(encoding="utf-8", errors="replace"),
        key=None if key is None else key.read_text(encoding="utf-8").strip(),
        allow_simulated=allow_simulated,
    )
    run.say(verdict, *(f"{f.level:<4} {f.sentence}" for f in verdict.findings))
    if not verdict.sound:
        run.fail("the certificate does not verify; the lines above say why")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(sweep)
    app.command()(forecast)
    app.add_typer(certificate_app, name="certificate")
