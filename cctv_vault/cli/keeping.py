"""Commands on keeping and ending: incident, hold, policy, sweep, certificate."""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from cctv_vault.cli.session import Session, session
from cctv_vault.clock import SystemClock
from cctv_vault.errors import ConfigError
from cctv_vault.footage.gaps import Gap
from cctv_vault.incidents.views import Reshaping
from cctv_vault.retention.certificates import verify_certificate
from cctv_vault.retention.forecast import HORIZON, Forecast, Proposal
from cctv_vault.retention.holds import Ending, HoldOrder
from cctv_vault.retention.letter import Sound, write_letter
from cctv_vault.retention.policy import Policy
from cctv_vault.retention.policy_check import check_policy
from cctv_vault.retention.publication import Publication
from cctv_vault.views import parse_time

_Id = Annotated[str, typer.Argument(metavar="ID")]
_Reason = Annotated[str, typer.Option(help="Why.")]
_CameraList = Annotated[list[str], typer.Option("--camera", help="One or more cameras.")]
_From = Annotated[str, typer.Option("--from", help="Start of the window.")]
_To = Annotated[str, typer.Option("--to", help="End of the window.")]

incident_app = typer.Typer(no_args_is_help=True, help="Incidents.")


def _length_of(gaps: Sequence[Gap]) -> str:
    total = sum((each.ends_at - each.starts_at for each in gaps), timedelta(0))
    return str(total).partition(".")[0] if gaps else ""


@incident_app.command("flag")
def incident_flag(
    context: typer.Context,
    camera: _CameraList,
    start: _From,
    end: _To,
    title: Annotated[str, typer.Option(help="In a few words; no names.")],
    category: Annotated[str, typer.Option(help="theft, robbery, threat, damage, accident …")],
    report_number: Annotated[str | None, typer.Option(help="The police report's number.")] = None,
    pre_roll: Annotated[int, typer.Option(help="Minutes before it to keep with it.")] = 0,
    post_roll: Annotated[int, typer.Option(help="Minutes after it to keep with it.")] = 0,
) -> None:
    """Keep a window over cameras as an incident."""
    run = session(context)
    incident = run.vault.incidents.flag(
        run.actor,
        cameras=tuple(camera),
        starts_at=run.time(start, *camera),
        ends_at=run.time(end, *camera),
        title=title,
        category=category,
        report_number=report_number,
        pre_roll=timedelta(minutes=pre_roll),
        post_roll=timedelta(minutes=post_roll),
    )
    run.say(
        incident,
        f"Incident {incident.id}: {incident.recordings} recordings kept until "
        f"{run.local(incident.until)}; review by {run.local(incident.review_at)}.",
        *run.gaps(incident.gaps),
    )


@incident_app.command("list")
def incident_list(context: typer.Context) -> None:
    """All incidents."""
    run = session(context)
    run.table(
        run.vault.incidents.list(run.actor),
        {
            "id": lambda i: i.id,
            "category": lambda i: i.category,
            "title": lambda i: i.title,
            "from": lambda i: run.local(i.starts_at),
            "to": lambda i: run.local(i.ends_at),
            "cameras": lambda i: ", ".join(i.cameras),
            "kept until": lambda i: run.local(i.until),
            "state": lambda i: i.state,
            "without footage": lambda i: _length_of(i.gaps),
        },
    )


@incident_app.command("show")
def incident_show(context: typer.Context, incident_id: _Id) -> None:
    """One incident with its notes."""
    run = session(context)
    incident = run.vault.incidents.show(run.actor, incident_id)
    run.say(
        incident,
        f"{incident.id} {incident.category}: {incident.title} ({incident.state})",
        f"{', '.join(incident.cameras)}, {run.local(incident.starts_at)} to "
        f"{run.local(incident.ends_at)}",
        f"{incident.recordings} recordings, kept until {run.local(incident.until)}",
        *([] if incident.confirmed else ["A second person must confirm it before then."]),
        *(f"requested in {each}" for each in incident.requests),
        *run.gaps(incident.gaps),
        *(f"{run.local(note.at)} {note.by}: {note.text}" for note in incident.notes),
    )


@incident_app.command("note")
def incident_note(context: typer.Context, incident_id: _Id, text: str) -> None:
    """Add a note; notes are never changed, only added to."""
    run = session(context)
    run.say(run.vault.incidents.note(run.actor, incident_id, text), "Noted.")


@incident_app.command("save-now")
def incident_save_now(
    context: typer.Context,
    camera: _CameraList,
    hours: Annotated[int, typer.Option(help="How far back.")] = 2,
) -> None:
    """Keep the last hours of cameras at once; without an explanation it lapses in a day."""
    run = session(context)
    saved = run.vault.incidents.save_now(run.actor, camera, timedelta(hours=hours))
    run.say(
        saved,
        f"{saved.recordings} recordings are kept until {run.local(saved.until)}; explain it before "
        f"then with 'incident explain {saved.hold_id}'.",
    )


@incident_app.command("unexplained")
def incident_unexplained(context: typer.Context) -> None:
    """What was saved at once and lapses unless somebody explains it."""
    run = session(context)
    run.table(
        run.vault.incidents.unexplained(run.actor),
        {
            "hold": lambda s: s.hold_id,
            "cameras": lambda s: ", ".join(s.cameras),
            "from": lambda s: run.local(s.starts_at),
            "to": lambda s: run.local(s.ends_at),
            "lapses": lambda s: run.local(s.until),
        },
    )


@incident_app.command("explain")
def incident_explain(
    context: typer.Context,
    hold_id: _Id,
    title: Annotated[str, typer.Option(help="In a few words; no names.")],
    category: Annotated[str, typer.Option(help="As for 'flag'.")],
) -> None:
    """Make an incident of what was saved at once."""
    run = session(context)
    found = run.vault.incidents.explain(run.actor, hold_id, title=title, category=category)
    run.say(found, f"Incident {found.id}: kept until {run.local(found.until)}.")


@incident_app.command("categories")
def incident_categories(context: typer.Context) -> None:
    """The categories there are; the policy can add some."""
    run = session(context)
    run.table(
        run.vault.incidents.categories(),
        {"code": lambda c: c.code, "svenska": lambda c: c.sv, "English": lambda c: c.en},
    )


@incident_app.command("change")
def incident_change(
    context: typer.Context,
    incident_id: _Id,
    camera: _CameraList,
    start: _From,
    end: _To,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Tell the effect; change nothing.")] = False,
) -> None:
    """Widen or narrow an incident; what it no longer covers is let go at once."""
    run = session(context)
    starts_at, ends_at = run.time(start, *camera), run.time(end, *camera)

    def reshape(*, dry: bool) -> Reshaping:
        return run.vault.incidents.reshape(
            run.actor,
            incident_id,
            cameras=camera,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason,
            dry_run=dry,
        )

    if not dry_run and not run.as_json and sys.stdin.isatty():
        run.say(None, *_effect_of(reshape(dry=True)))
        typer.confirm("Change it?", abort=True, err=True)
    done = reshape(dry=dry_run)
    run.say(done, *_effect_of(done))


def _effect_of(effect: Reshaping) -> Iterator[str]:
    yield (
        f"{effect.added} recordings are kept in addition"
        + (f"; {effect.gone} of the new window are past keeping" if effect.gone else "")
    )
    yield from _goes(effect.dropped)


@incident_app.command("confirm")
def incident_confirm(context: typer.Context, incident_id: _Id, reason: _Reason) -> None:
    """Confirm, as a second person, what a colleague is suspected of."""
    run = session(context)
    run.vault.incidents.confirm(run.actor, incident_id, reason)
    run.say({"id": incident_id, "confirmed": True}, f"{incident_id} is confirmed.")


@incident_app.command("paragraph")
def incident_paragraph(context: typer.Context, incident_id: _Id) -> None:
    """A paragraph to paste into a police report, in Swedish."""
    run = session(context)
    text = run.vault.incidents.report_paragraph(
        run.actor, incident_id, controller=run.vault.controller, zone=run.vault.zone
    )
    run.say({"id": incident_id, "paragraph": text}, text)


@incident_app.command("extend")
def incident_extend(
    context: typer.Context,
    incident_id: _Id,
    until: Annotated[str, typer.Option(help="New end of keeping.")],
    reason: _Reason,
) -> None:
    """Keep an incident's footage longer."""
    run = session(context)
    incident = run.vault.incidents.extend(run.actor, incident_id, run.time(until), reason)
    run.say(incident, f"{incident.id} is kept until {run.local(incident.until)}.")


@incident_app.command("report-number")
def incident_report_number(context: typer.Context, incident_id: _Id, number: str) -> None:
    """Enter the police report's number, which extends the keeping as the policy says."""
    run = session(context)
    incident = run.vault.incidents.set_report_number(run.actor, incident_id, number)
    run.say(incident, f"{incident.id} is kept until {run.local(incident.until)}.")


@incident_app.command("review")
def incident_review(context: typer.Context, incident_id: _Id, reason: _Reason) -> None:
    """Say that an incident was looked at again and is kept to its end; it lengthens nothing."""
    run = session(context)
    hold_id = run.vault.incidents.show(run.actor, incident_id).hold_id
    hold = run.vault.reviews.made(run.actor, hold_id, reason)
    run.say(hold, f"{incident_id} is reviewed; it is kept until {run.local(hold.until)}.")


@incident_app.command("close")
def incident_close(
    context: typer.Context,
    incident_id: _Id,
    reason: _Reason,
    dry_run: Annotated[bool, typer.Option(help="Tell what would go; close nothing.")] = False,
) -> None:
    """End an incident; what nothing else keeps goes with the next sweep."""
    run = session(context)
    hold_id = run.vault.incidents.show(run.actor, incident_id).hold_id
    ending = run.vault.holds.ending(run.actor, hold_id)
    if dry_run:
        run.say(ending, *_goes(ending))
        return
    if not run.as_json and sys.stdin.isatty():
        run.say(None, *_goes(ending))
        typer.confirm("Close it?", abort=True, err=True)
    incident = run.vault.incidents.close(run.actor, incident_id, reason)
    run.say(incident, f"{incident.id} is closed.", *_goes(ending))


hold_app = typer.Typer(no_args_is_help=True, help="Holds.")


@hold_app.command("place")
def hold_place(
    context: typer.Context,
    purpose: Annotated[str, typer.Option(help="A purpose of the policy that holds.")],
    camera: _CameraList,
    start: _From,
    end: _To,
    reason: _Reason,
    until: Annotated[str | None, typer.Option(help="When it ends; else by the policy.")] = None,
    document: Annotated[Path | None, typer.Option(help="The order or decision, sealed.")] = None,
    gagged: Annotated[bool, typer.Option(help="Only the cleared may know of it.")] = False,
    decided_at: Annotated[
        str | None, typer.Option(help="When the order or ban was decided; now where unset.")
    ] = None,
    over_15: Annotated[
        bool,
        typer.Option("--fifteen-or-older", help="The person of a trespass ban is 15 or older."),
    ] = False,
) -> None:
    """Hold footage that exists or is still to come."""
    run = session(context)
    starts_at, ends_at = run.time(start, *camera), run.time(end, *camera)
    hold = run.vault.holds.place_as(
        run.actor,
        HoldOrder(
            purpose=purpose,
            windows=tuple((code, starts_at, ends_at) for code in camera),
            reason=reason,
            until=None if until is None else run.time(until, *camera),
            document=None if document is None else document.read_bytes(),
            gagged=gagged,
            decided_at=None if decided_at is None else run.time(decided_at, *camera),
            over_15=over_15,
        ),
    )
    run.say(
        hold,
        f"Hold {hold.id}: {hold.recordings} recordings kept "
        + (f"until {run.local(hold.until)}" if hold.until else "until it is released")
        + (f"; review by {run.local(hold.review_at)}" if hold.review_at else ""),
    )


@hold_app.command("list")
def hold_list(context: typer.Context) -> None:
    """All holds."""
    run = session(context)
    run.table(
        run.vault.holds.list(run.actor),
        {
            "id": lambda h: h.id,
            "purpose": lambda h: h.purpose,
            "cameras": lambda h: ", ".join(sorted({window.camera for window in h.windows})),
            "recordings": lambda h: str(h.recordings),
            "until": lambda h: run.local(h.until) if h.until else "open-ended",
            "review": lambda h: run.local(h.review_at),
            "released": lambda h: run.local(h.released_at) if h.released_at else "",
        },
    )


@hold_app.command("show")
def hold_show(context: typer.Context, hold_id: _Id) -> None:
    """One hold."""
    run = session(context)
    hold = run.vault.holds.show(run.actor, hold_id)
    run.say(
        hold,
        f"{hold.id} {hold.purpose} ({hold.statute}): {hold.recordings} recordings",
        *(
            f"{window.camera}: {run.local(window.starts_at)} to {run.local(window.ends_at)}"
            for window in hold.windows
        ),
        f"reason: {hold.reason}",
    )


@hold_app.command("release")
def hold_release(
    context: typer.Context,
    hold_id: _Id,
    reason: _Reason,
    dry_run: Annotated[bool, typer.Option(help="Tell what would go; release nothing.")] = False,
) -> None:
    """End a hold; a purpose that has ended is not revived by it."""
    run = session(context)
    ending = run.vault.holds.ending(run.actor, hold_id)
    if dry_run:
        run.say(ending, *_goes(ending))
        return
    if not run.as_json and sys.stdin.isatty():
        run.say(None, *_goes(ending))
        typer.confirm("Release it?", abort=True, err=True)
    released = run.vault.holds.release_as(run.actor, hold_id, reason)
    run.say(released, f"{hold_id} is released.", *_goes(ending))


def _goes(ending: Ending) -> Iterator[str]:
    yield (
        f"{ending.recordings} recordings ({ending.bytes} bytes) are no longer kept by it; nothing "
        f"else keeps {ending.at_once} of them ({ending.at_once_bytes} bytes): they expire at once"
    )


@hold_app.command("extend")
def hold_extend(
    context: typer.Context,
    hold_id: _Id,
    until: Annotated[str, typer.Option(help="New end of keeping.")],
    reason: _Reason,
    document: Annotated[Path | None, typer.Option(help="The new decision, sealed.")] = None,
) -> None:
    """Keep longer, as the policy lets: an order by 90 days once, as the privacy officer."""
    run = session(context)
    paper = None if document is None else document.read_bytes()
    hold = run.vault.holds.extend_as(run.actor, hold_id, run.time(until), reason, paper)
    run.say(hold, f"{hold_id} is kept until {run.local(hold.until)}.")


@hold_app.command("reviews")
def hold_reviews(context: typer.Context) -> None:
    """What must be looked at again soon, now, or was not."""
    run = session(context)
    run.table(
        run.vault.reviews.list(run.actor),
        {
            "hold": lambda r: r.hold_id,
            "purpose": lambda r: r.purpose,
            "belongs to": lambda r: r.incident or r.request or "",
            "review": lambda r: run.local(r.review_at),
            "call": lambda r: r.call,
            "if missed": lambda r: _IF_MISSED[r.if_missed],
            "until": lambda r: run.local(r.until) if r.until else "open-ended",
        },
    )


_IF_MISSED = {
    "ends": "it ends at its end",
    "escalates": "the privacy officer decides; it does not end by silence",
    "nothing": "it runs to its end",
}


@hold_app.command("review")
def hold_review(context: typer.Context, hold_id: _Id, reason: _Reason) -> None:
    """Say that a hold was looked at again and stays as it is; it lengthens nothing."""
    run = session(context)
    hold = run.vault.reviews.made(run.actor, hold_id, reason)
    run.say(
        hold,
        f"{hold_id} is reviewed"
        + (f"; the next review is {run.local(hold.review_at)}." if hold.review_at else "."),
    )


policy_app = typer.Typer(no_args_is_help=True, help="The retention policy.")


@policy_app.command("show")
def policy_show(
    context: typer.Context,
    number: Annotated[int | None, typer.Option("--version", help="Which version.")] = None,
    document: Annotated[
        bool, typer.Option(help="The document as published, to begin the next from.")
    ] = False,
) -> None:
    """The policy in force, or another version."""
    run = session(context)
    policy = run.vault.policies.show(number)
    if run.as_json:
        run.say(policy)
        return
    if document:
        sys.stdout.write(policy.document)
        return
    for each in policy.versions:
        run.say(
            None,
            f"version {each.version} ({each.state}): published {run.local(each.published_at)}, "
            f"in effect from {run.local(each.effective_at)}, SHA-256 {each.sha256}",
        )
    run.table(
        policy.purposes,
        {
            "code": lambda p: p.code,
            "ändamål": lambda p: p.sv,
            "statute": lambda p: p.statute,
            "period": lambda p: p.period_in_words,
        },
    )


@policy_app.command("letter")
def policy_letter(
    context: typer.Context,
    number: Annotated[int | None, typer.Option("--version", help="Which version.")] = None,
) -> None:
    """How sections 4 to 7 of the privacy policy would have to read, in Swedish."""
    run = session(context)
    shown = run.vault.policies.show(number)
    cameras = run.vault.register.cameras(run.actor)
    letter = write_letter(
        Policy.parse(shown.document),
        controller=run.vault.controller,
        effective_at=shown.effective_at,
        zone=run.vault.zone,
        sound=Sound(
            taken=tuple(each.name for each in cameras if each.sound == "yes"),
            unanswered=tuple(each.name for each in cameras if not each.sound),
        ),
    )
    if run.as_json:
        run.say(letter)
    else:
        sys.stdout.write(letter.text)


@policy_app.command("check")
def policy_check(
    context: typer.Context,
    file: Path,
    published_at: Annotated[
        str | None, typer.Option(help="When it was or will be published; now where unset.")
    ] = None,
) -> None:
    """Every fault of a policy document, with its line; with a vault, also against its cameras.

    Its form is checked first, what it means once its form is right.
    """
    run = session(context)
    text = file.read_text(encoding="utf-8")
    note = ""
    try:
        now = run.vault.clock.now()
        checked = run.vault.policies.check(
            text, now if published_at is None else run.time(published_at)
        )
    except ConfigError as error:
        note = f"not compared with any register: {error}"
        now = SystemClock().now()
        moment = now if published_at is None else parse_time(published_at, "Europe/Stockholm")
        checked = check_policy(text, published_at=moment)
    if checked.policy is None:
        note = "what the document means is checked once its form is mended; more may follow"
    found = (*checked.faults, *checked.recorders)
    run.say(
        {"sound": checked.sound, "faults": found, "note": note},
        *(f"{file}:{each.line}: {each.sentence}" for each in found),
        *([note] if note else []),
        *(["The policy holds."] if checked.sound else []),
    )
    if not checked.sound:
        count = (
            "a fault; the line above names it"
            if len(found) == 1
            else f"{len(found)} faults; the lines above name them"
        )
        run.fail(f"the policy has {count}")


@policy_app.command("publish")
def policy_publish(
    context: typer.Context,
    file: Path,
    published_at: Annotated[str, typer.Option(help="When it was or will be made public.")],
    dry_run: Annotated[bool, typer.Option(help="Tell what it would do; publish nothing.")] = False,
) -> None:
    """Publish a version: in force no earlier than that, never longer for what was recorded."""
    run = session(context)
    text, moment = file.read_text(encoding="utf-8"), run.time(published_at)
    publisher = run.vault.publisher
    if not dry_run and not run.as_json and sys.stdin.isatty():
        run.say(None, *_effect(run, publisher.preview(run.actor, text, moment)))
        typer.confirm("Publish it?", abort=True, err=True)
    act = publisher.preview if dry_run else publisher.publish
    published = act(run.actor, text, moment)
    run.say(published, *_effect(run, published))


def _effect(run: Session, published: Publication) -> Iterator[str]:
    effect = published.effect
    yield (
        f"Version {published.version} {'would take' if published.dry_run else 'takes'} effect "
        f"{run.local(published.effective_at)}; SHA-256 {published.sha256}"
    )
    yield (
        f"{effect.recordings} recordings ({effect.bytes} bytes) go sooner than they would have, "
        f"{effect.at_once} of them when it takes effect"
    )
    for going in effect.days:
        yield f"  {going.day}: {going.recordings} recordings, {going.bytes} bytes"
    for hold_id in effect.holds:
        yield f"  the hold {hold_id} ends sooner"
    for warning in published.warnings:
        yield f"warning: {warning.sentence}"


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
    yield f"now: {ahead.recordings} recordings, {decimal(ahead.bytes)}"
    for each in ahead.open_ended:
        yield f"kept without an end: {each.purpose}, {each.recordings}, {decimal(each.bytes)}"
    yield f"coming in: {decimal(ahead.rate)} a day, as in the last days"
    for period in ahead.closed:
        yield (
            f"{period.site} is closed from {period.first} and open again on {period.back}: "
            f"about {period.recordings} recordings ({decimal(period.bytes)}) go before that"
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
            f"{report.recordings} recordings {verb}; {report.keys_destroyed} keys "
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
            "of": lambda c: c.recording or f"a sweep, {c.recordings} recordings",
        },
    )


@certificate_app.command("show")
def certificate_show(context: typer.Context, certificate_id: _Id) -> None:
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
    app.add_typer(incident_app, name="incident")
    app.add_typer(hold_app, name="hold")
    app.add_typer(policy_app, name="policy")
    app.command()(sweep)
    app.command()(forecast)
    app.add_typer(certificate_app, name="certificate")
