"""Commands on disclosure: request and package."""

import getpass
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from cctv_vault.cli.session import counted, read_json, session
from cctv_vault.disclosure.casefiles import Declaration
from cctv_vault.disclosure.codes import new_passphrase, passphrase_bytes
from cctv_vault.disclosure.results import ErasureView, YearOfAccess
from cctv_vault.disclosure.verification import Finding, verify_package
from cctv_vault.disclosure.verifypage import verify_page
from cctv_vault.footage.outfile import OutFile, check_target
from cctv_vault.views import to_json
from storage.errors import PassphraseError
from storage.passphrase import UnlockedReader, is_locked

request_app = typer.Typer(no_args_is_help=True, help="Disclosure requests.")

_VARIABLE = "CCTV_VAULT_PASSPHRASE"
_PassphraseFile = Annotated[
    Path | None,
    typer.Option(help=f"What holds the passphrase; else {_VARIABLE} or a prompt."),
]
_Id = Annotated[str, typer.Argument(metavar="ID")]
_Reason = Annotated[str, typer.Option(help="Why.")]


@request_app.command("file")
def request_file(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE.json")]
) -> None:
    """Register a request; the footage it asks for is frozen at once."""
    run = session(context)
    filed = run.vault.requests.file(run.actor, read_json(file))
    run.say(
        filed,
        f"Request {filed.id} is {filed.state}; {counted(filed.frozen, 'recording')} frozen.",
        *filed.remarks,
    )


@request_app.command("list")
def request_list(context: typer.Context) -> None:
    """All requests, the nearest deadline first."""
    run = session(context)
    run.table(
        run.vault.requests.list(run.actor),
        {
            "id": lambda r: r.id,
            "state": lambda r: r.state,
            "type": lambda r: r.requester_type,
            "ground": lambda r: r.ground_code,
            "received": lambda r: run.local(r.received_at),
            "deadline": lambda r: run.local(r.deadline_at),
        },
    )


@request_app.command("show")
def request_show(context: typer.Context, request_id: _Id) -> None:
    """One request: what is met, what is not and why, and its history."""
    run = session(context)
    detail = run.vault.requests.show(run.actor, request_id)
    run.say(
        detail,
        f"{detail.id} {detail.requester_type} on {detail.ground_code}: {detail.state}",
        *_access_told(detail.year),
        *_erasure_told(detail.erasure),
        *(
            f"what is asked for of {each.asked.camera} is told at {run.local(each.told.starts_at)} "
            f"to {run.local(each.told.ends_at)}: its clock was first measured "
            'afterwards (in an assessment, "clock": "measured")'
            for each in detail.told
        ),
        *run.gaps(detail.gaps),
        *(f"{'✓' if point.met else '✗'} {point.sentence}" for point in detail.checklist),
        *(f"{run.local(line.at)} {line.en}" for line in detail.history),
    )


@request_app.command("confirm")
def request_confirm(context: typer.Context, request_id: _Id) -> None:
    """Confirm a request from the portal, so that its freeze is no longer provisional."""
    _moved(context, request_id, "confirm")


@request_app.command("verify")
def request_verify(
    context: typer.Context,
    request_id: _Id,
    method: Annotated[str, typer.Option(help="call-back, in-person or signed-order.")],
    detail: Annotated[str, typer.Option(help="Which switchboard, what was seen.")],
) -> None:
    """Record how the requester was verified."""
    _moved(context, request_id, "verify", method, detail)


@request_app.command("clarify")
def request_clarify(context: typer.Context, request_id: _Id, text: str) -> None:
    """Ask the requester for what is missing."""
    _moved(context, request_id, "clarify", text)


@request_app.command("answer")
def request_answer(
    context: typer.Context,
    request_id: _Id,
    text: Annotated[str, typer.Argument(help="What the requester answered.")],
    ground: Annotated[str | None, typer.Option(help="The statute code, where it changes.")] = None,
    number: Annotated[str | None, typer.Option(help="The number of the matter.")] = None,
    document: Annotated[str | None, typer.Option(help="Which document was seen.")] = None,
    decision_maker: Annotated[str | None, typer.Option(help="Who made the decision.")] = None,
    due: Annotated[str | None, typer.Option(help="The day it states for the answer.")] = None,
    decided_at: Annotated[str | None, typer.Option(help="When an order was decided.")] = None,
    footage: Annotated[
        Path | None, typer.Option(help="JSON: the cameras and windows now asked for.")
    ] = None,
) -> None:
    """Record the answer to a clarification, and what it changes in the request."""
    _moved(
        context,
        request_id,
        "answer",
        text,
        ground=ground,
        number=number,
        document=document,
        decision_maker=decision_maker,
        due=due,
        decided_at=decided_at,
        footage=None if footage is None else read_json(footage),
    )


@request_app.command("assess")
def request_assess(
    context: typer.Context,
    request_id: _Id,
    facts: Annotated[str, typer.Option(help="What the request rests on.")],
    necessity: Annotated[str, typer.Option(help="Why this footage is needed.")],
    footage: Annotated[
        Path | None, typer.Option(help="JSON: the cameras and windows really needed.")
    ] = None,
    heard: Annotated[
        str | None, typer.Option(help="Who of the personnel department was heard.")
    ] = None,
) -> None:
    """Assess facts, necessity and window; a second person then decides."""
    _moved(
        context,
        request_id,
        "assess",
        facts,
        necessity,
        footage=None if footage is None else read_json(footage),
        heard=heard,
    )


@request_app.command("prolong")
def request_prolong(context: typer.Context, request_id: _Id, reason: _Reason) -> None:
    """Put the answer to a request for access off by two months, once; then tell the requester."""
    _moved(context, request_id, "prolong", reason)


@request_app.command("charge")
def request_charge(
    context: typer.Context,
    request_id: _Id,
    kronor: Annotated[int, typer.Option(help="The fee in whole kronor; 0 lifts it.")],
    reason: _Reason,
    because: Annotated[str, typer.Option(help="unfounded or repetitive.")] = "",
) -> None:
    """Enter what a later request for access of the year costs, as the privacy officer."""
    _moved(context, request_id, "charge", kronor, because, reason)


@request_app.command("decide")
def request_decide(
    context: typer.Context,
    request_id: _Id,
    reason: _Reason,
    approve: Annotated[bool | None, typer.Option("--approve/--refuse")] = None,
    sound: Annotated[
        bool, typer.Option("--sound", help="Also the sound that the register forbids.")
    ] = False,
    exception: Annotated[
        str | None, typer.Option(help="Of an erasure: why it is kept, such as 'GDPR 17.3 e'.")
    ] = None,
) -> None:
    """Approve or refuse, as somebody who neither registered nor handled it."""
    if approve is None:
        session(context).fail("say --approve or --refuse", 2)
    _moved(
        context,
        request_id,
        "decide",
        approve=approve,
        reason=reason,
        sound=sound,
        exception=exception,
    )


@request_app.command("frame")
def request_frame(
    context: typer.Context,
    request_id: _Id,
    camera: Annotated[str, typer.Option(help="Of which camera.")],
    at: Annotated[str, typer.Option(help="The moment, with fractions of a second if need be.")],
    drop: Annotated[bool, typer.Option("--drop", help="Take a chosen frame out again.")] = False,
) -> None:
    """Choose the picture of a moment, to lie in the package as PNG."""
    run = session(context)
    act = run.vault.requests.drop_frame if drop else run.vault.requests.choose_frame
    moved = act(run.actor, request_id, camera, run.time(at, camera))
    run.say(moved, f"{camera} {at}: {'taken out' if drop else 'chosen'}.")


@request_app.command("prepare")
def request_prepare(
    context: typer.Context,
    request_id: _Id,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.zip")],
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Under a passphrase, which is shown this once.")
    ] = False,
) -> None:
    """Make the package of an approved request."""
    run = session(context)
    passphrase = new_passphrase() if encrypt else None
    with run.progress("preparing") as progress:
        package = run.vault.requests.prepare(
            run.actor, request_id, output.absolute(), progress=progress, passphrase=passphrase
        )
    told, opened_by = to_json(package), []
    if passphrase is not None:
        told["passphrase"] = passphrase
        opened_by = [
            f"Passphrase, shown only now, to travel another way: {passphrase}",
            "It opens with verify.html ('package page') or 'package open'; the hash is of the zip.",
        ]
    run.say(
        told,
        f"{output}: {package.size} bytes, SHA-256 {package.sha256.hex()}",
        *opened_by,
        "Anyone can verify it: cctv-vault package verify FILE",
    )


@request_app.command("release")
def request_release(
    context: typer.Context,
    request_id: _Id,
    channel: Annotated[str, typer.Option(help="link, usb or in-person.")],
) -> None:
    """Release a prepared package."""
    run = session(context)
    released = run.vault.requests.release(run.actor, request_id, channel)
    run.say(
        released,
        f"{request_id} is {released.state}.",
        *(
            [
                f"Link, shown only now: /hamta/{released.token}",
                f"Code, to travel another way: {released.code}",
            ]
            if released.token
            else []
        ),
    )


@request_app.command("receipt")
def request_receipt(
    context: typer.Context,
    request_id: _Id,
    by: Annotated[str, typer.Option(help="Who received it.")],
) -> None:
    """Record that the package was received."""
    _moved(context, request_id, "receipt", by)


@request_app.command("withdraw")
def request_withdraw(context: typer.Context, request_id: _Id, reason: _Reason) -> None:
    """The requester withdraws."""
    _moved(context, request_id, "withdraw", reason)


@request_app.command("revoke")
def request_revoke(context: typer.Context, request_id: _Id, reason: _Reason) -> None:
    """Take an approval or a link back before the package was collected."""
    _moved(context, request_id, "revoke", reason)


@request_app.command("reopen")
def request_reopen(context: typer.Context, request_id: _Id, reason: _Reason) -> None:
    """Take up a refused, withdrawn or closed request again."""
    _moved(context, request_id, "reopen", reason)


@request_app.command("close")
def request_close(context: typer.Context, request_id: _Id, reason: _Reason = "") -> None:
    """Close a request that is done."""
    _moved(context, request_id, "close", reason)


@request_app.command("attach")
def request_attach(
    context: typer.Context, request_id: _Id, file: Annotated[Path, typer.Argument(metavar="FILE")]
) -> None:
    """Add a document that came with a request: an order, a mandate, a power of attorney."""
    run = session(context)
    with file.open("rb") as source:
        added = run.vault.case_files.add(run.actor, request_id, file.name, source)
    run.say(added, f"{added.id}: {added.media_type}, {added.size} bytes")


@request_app.command("masked")
def request_masked(
    context: typer.Context,
    request_id: _Id,
    file: Annotated[Path, typer.Argument(metavar="FILE.mp4")],
    camera: Annotated[str, typer.Option(help="Of which camera it is.")],
    by: Annotated[str, typer.Option(help="Who masked the others in it.")],
    how: Annotated[str, typer.Option(help="How they did it.")],
) -> None:
    """Add a film in which others are masked; it is handed over in place of the originals."""
    run = session(context)
    declared = Declaration(camera, by, how)
    with file.open("rb") as source:
        added = run.vault.case_files.add_masked(
            run.actor, request_id, file.name, source, declared, size=file.stat().st_size
        )
    run.say(added, f"{added.id}: {added.media_type}, {added.size} bytes, of {camera}")


@request_app.command("files")
def request_files(
    context: typer.Context,
    request_id: _Id,
    take: Annotated[str | None, typer.Option(help="The id of one to be written out.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE")] = None,
) -> None:
    """The files of a request, or one of them written out."""
    run = session(context)
    if take is None or output is None:
        run.table(
            run.vault.case_files.list(run.actor, request_id),
            {
                "id": lambda f: f.id,
                "kind": lambda f: f.kind,
                "name": lambda f: f.name,
                "type": lambda f: f.media_type,
                "bytes": lambda f: str(f.size),
            },
        )
        return
    check_target(output.absolute())
    found = run.vault.case_files.open(run.actor, request_id, take)
    with closing(found.reader) as reader, OutFile(output.absolute()) as out:
        while chunk := reader.read(1 << 20):
            out.write(chunk)
        out.finish()
    run.say({"id": take, "file": output, "sha256": found.sha256}, f"{output}: {found.size} bytes")


@request_app.command("letter")
def request_letter(
    context: typer.Context,
    request_id: _Id,
    kind: Annotated[
        str,
        typer.Option(
            help="receipt, clarification, refusal, approval, erasure, prolonging or handover."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.pdf")],
) -> None:
    """Write a letter to the requester, as PDF in their language."""
    run = session(context)
    check_target(output.absolute())
    pdf = run.vault.letters.write(run.actor, request_id, kind)
    with OutFile(output.absolute()) as file:
        file.write(pdf)
        file.finish()
    run.say({"id": request_id, "kind": kind, "file": output}, f"{output}: {len(pdf)} bytes")


@request_app.command("on-the-spot")
def request_on_the_spot(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.json")],
    officer_seen: Annotated[str, typer.Option(help="What was checked: the card, where, when.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR")],
    method: Annotated[
        str, typer.Option(help="in-person; in an emergency also call-back.")
    ] = "in-person",
) -> None:
    """Release to an officer who stands in the shop, once those who may approve were called."""
    run = session(context)
    spot = run.vault.requests.on_the_spot(
        run.actor,
        read_json(file),
        officer_seen=officer_seen,
        out_dir=output.absolute(),
        method=method,
    )
    owed = []
    if spot.review_by is not None:
        owed.append(f"Another person reviews it by {run.local(spot.review_by)}.")
    if spot.number_by is not None:
        owed.append(f"The case number follows by {run.local(spot.number_by)}.")
    run.say(spot, f"{spot.id}: handed over in {output}.", *owed)


@request_app.command("number")
def request_number(context: typer.Context, request_id: _Id, number: str) -> None:
    """Enter the case number that was to follow a release on the spot."""
    _moved(context, request_id, "enter_number", number)


@request_app.command("review")
def request_review(
    context: typer.Context,
    request_id: _Id,
    reason: _Reason,
    approve: Annotated[bool | None, typer.Option("--approve/--disapprove")] = None,
) -> None:
    """Review a release that was made without a second person."""
    if approve is None:
        session(context).fail("say --approve or --disapprove", 2)
    run = session(context)
    moved = run.vault.requests.review(run.actor, request_id, approve=approve, reason=reason)
    said = (
        "the release is approved."
        if approve
        else "the release is disapproved; that stands on the first page until somebody who had no "
        "part in it closes the case, and in the register for good."
    )
    run.say(moved, f"{request_id}: {said}")


@request_app.command("taken")
def request_taken(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.json")],
    officer_seen: Annotated[str, typer.Option(help="What was checked: the card, where, when.")],
) -> None:
    """Record that the police took a thing that holds footage; what it showed is frozen here."""
    run = session(context)
    taken = run.vault.requests.record_taken(run.actor, read_json(file), officer_seen=officer_seen)
    reviewed = (
        [] if taken.review_by is None else [f"It is reviewed by {run.local(taken.review_by)}."]
    )
    run.say(taken, f"{taken.id} is {taken.state}.", *reviewed)


@request_app.command("measure")
def request_measure(
    context: typer.Context,
    request_id: _Id,
    taken: Annotated[str | None, typer.Option(help="What was taken.")] = None,
    protocol: Annotated[str | None, typer.Option(help="The number of its protocol.")] = None,
    notified_on: Annotated[str | None, typer.Option(help="The day of the notice.")] = None,
    court_on: Annotated[str | None, typer.Option(help="The day a court reviews it.")] = None,
) -> None:
    """Enter what became known of a seizure, search or copying; the rest stays as it was."""
    known = {
        "taken": taken,
        "protocol": protocol,
        "notified_on": notified_on,
        "court_on": court_on,
    }
    _moved(
        context,
        request_id,
        "note_measure",
        {name: text for name, text in known.items() if text is not None},
    )


def _erasure_told(reach: ErasureView | None) -> list[str]:
    """What an erasure that is asked for would reach."""
    if reach is None:
        return []
    held = (
        f"{counted(each.recordings, 'recording')} kept by {each.hold_id} ({each.purpose})"
        for each in reach.held
    )
    return [f"{counted(len(reach.free), 'recording')} can be erased", *held]


def _access_told(year: YearOfAccess | None) -> list[str]:
    """How a request for access stands in its year."""
    if year is None:
        return []
    earlier = ", ".join(f"{each.id} (same {', '.join(each.shared)})" for each in year.earlier)
    cost = f"costs {year.kronor} kronor ({year.because})" if year.kronor else "free of charge"
    return [f"{cost}; earlier in {year.year}: {earlier or 'none'}"]


def _moved(
    context: typer.Context, request_id: str, action: str, *words: object, **named: object
) -> None:
    run = session(context)
    moved = getattr(run.vault.requests, action)(run.actor, request_id, *words, **named)
    run.say(moved, f"{request_id} is {moved.state}.", *moved.remarks)


package_app = typer.Typer(no_args_is_help=True, help="Packages, as a stranger checks them.")


@package_app.command("verify")
def package_verify(
    context: typer.Context,
    file: Path,
    key: Annotated[Path | None, typer.Option(help="The pinned public key.")] = None,
    allow_simulated: Annotated[bool, typer.Option()] = False,
    passphrase_file: _PassphraseFile = None,
) -> None:
    """Verify a package, zipped, encrypted or unpacked, with nothing but its own files."""
    run = session(context)
    verdict = verify_package(
        file,
        key=None if key is None else key.read_text(encoding="utf-8").strip(),
        allow_simulated=allow_simulated,
        passphrase=_passphrase(file, passphrase_file),
    )
    run.say(
        verdict,
        *(f"{f.level:<4} {_told(f)}" for f in verdict.findings),
    )
    if not verdict.sound:
        worst = next(f for f in verdict.findings if f.level == "bad")
        run.fail(f"the package does not verify: {_told(worst)}")


@package_app.command("open")
def package_open(
    context: typer.Context,
    file: Path,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.zip")],
    passphrase_file: _PassphraseFile = None,
) -> None:
    """Decrypt an encrypted package to a new file."""
    run = session(context)
    check_target(output.absolute())
    with file.open("rb") as source:
        if not is_locked(source):
            run.fail(f"{file} is not an encrypted package")
        secret = passphrase_bytes(_passphrase(file, passphrase_file))
        try:
            opened = UnlockedReader(source, secret)
            with OutFile(output.absolute()) as out:
                while chunk := opened.read(1 << 20):
                    out.write(chunk)
                out.finish()
        except PassphraseError as error:
            run.fail(f"{file} was not opened: {error}")
    run.say({"file": output, "size": opened.size}, f"{output}: {opened.size} bytes")


@package_app.command("page")
def package_page(
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="verify.html")],
) -> None:
    """Write the page that verifies a package, and opens an encrypted one, in any browser."""
    run = session(context)
    check_target(output.absolute())
    with OutFile(output.absolute()) as out:
        out.write(verify_page().content)
        out.finish()
    run.say({"file": output}, f"{output}: to lie beside the package")


def _passphrase(package: Path, file: Path | None) -> str:
    """What opens a package: from a file, the environment or the terminal; empty if it is plain."""
    if file is not None:
        return file.read_text(encoding="utf-8")
    given = os.environ.get(_VARIABLE)
    if given is not None or not sys.stdin.isatty() or not package.is_file():
        return given or ""
    with package.open("rb") as source:
        return getpass.getpass("passphrase: ") if is_locked(source) else ""


def _told(finding: Finding) -> str:
    file = f"{finding.file}: " if finding.file else ""
    told = file + finding.sentence + (f" ({finding.detail})" if finding.detail else "")
    # Whoever forged the package chose its names: none may steer the terminal.
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in told)


outbox_app = typer.Typer(no_args_is_help=True, help="Messages by mail and webhook.")


@outbox_app.command("list")
def outbox_list(context: typer.Context) -> None:
    """The newest messages, sent and waiting, without whom they are for."""
    run = session(context)
    run.table(
        run.vault.outbox.list(run.actor),
        {
            "id": lambda m: m.id,
            "channel": lambda m: m.channel,
            "notice": lambda m: m.notice,
            "about": lambda m: m.about or "",
            "attempts": lambda m: str(m.attempts),
            "sent": lambda m: run.local(m.sent_at),
            "failure": lambda m: m.failure,
        },
    )


@outbox_app.command("send")
def outbox_send(context: typer.Context) -> None:
    """Remind of what is due, and send what waits, as `serve` does by itself."""
    run = session(context)
    run.vault.remind(run.actor)
    sent = run.vault.outbox.deliver(run.actor)
    run.say({"sent": sent}, f"{counted(sent, 'message')} left.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(outbox_app, name="outbox")
    app.add_typer(request_app, name="request")
    app.add_typer(package_app, name="package")
