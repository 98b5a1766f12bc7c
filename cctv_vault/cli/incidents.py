"""Commands on incidents: flag, save now, explain, change, close."""

import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated

import typer

from cctv_vault.cli.holds import goes
from cctv_vault.cli.options import CameraList, From, Id, Reason, ReasonUnlessDry, To
from cctv_vault.cli.session import counted, reason_of, session
from cctv_vault.footage.gaps import Gap
from cctv_vault.incidents.views import Reshaping

incident_app = typer.Typer(no_args_is_help=True, help="Incidents.")


def _length_of(gaps: Sequence[Gap]) -> str:
    total = sum((each.ends_at - each.starts_at for each in gaps), timedelta(0))
    return str(total).partition(".")[0] if gaps else ""


@incident_app.command("flag")
def incident_flag(
    context: typer.Context,
    camera: CameraList,
    start: From,
    end: To,
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
        f"Incident {incident.id}: {counted(incident.recordings, 'recording')} kept until "
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
def incident_show(context: typer.Context, incident_id: Id) -> None:
    """One incident with its notes."""
    run = session(context)
    incident = run.vault.incidents.show(run.actor, incident_id)
    run.say(
        incident,
        f"{incident.id} {incident.category}: {incident.title} ({incident.state})",
        f"{', '.join(incident.cameras)}, {run.local(incident.starts_at)} to "
        f"{run.local(incident.ends_at)}",
        f"{counted(incident.recordings, 'recording')}, kept until {run.local(incident.until)}",
        *([] if incident.confirmed else ["A second person must confirm it before then."]),
        *(f"requested in {each}" for each in incident.requests),
        *run.gaps(incident.gaps),
        *(f"{run.local(note.at)} {note.by}: {note.text}" for note in incident.notes),
    )


@incident_app.command("note")
def incident_note(context: typer.Context, incident_id: Id, text: str) -> None:
    """Add a note; notes are never changed, only added to."""
    run = session(context)
    run.say(run.vault.incidents.note(run.actor, incident_id, text), "Noted.")


@incident_app.command("save-now")
def incident_save_now(
    context: typer.Context,
    camera: CameraList,
    hours: Annotated[int, typer.Option(help="How far back.")] = 2,
) -> None:
    """Keep the last hours of cameras at once; without an explanation it lapses in a day."""
    run = session(context)
    saved = run.vault.incidents.save_now(run.actor, camera, timedelta(hours=hours))
    run.say(
        saved,
        f"{counted(saved.recordings, 'recording')} kept until {run.local(saved.until)}; explain it "
        f"before then with 'incident explain {saved.hold_id}'.",
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
    hold_id: Id,
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
    incident_id: Id,
    camera: CameraList,
    start: From,
    end: To,
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
        f"{counted(effect.added, 'recording')} kept in addition"
        + (f"; {effect.gone} of the new window are past keeping" if effect.gone else "")
    )
    yield from goes(effect.dropped)


@incident_app.command("confirm")
def incident_confirm(context: typer.Context, incident_id: Id, reason: Reason) -> None:
    """Confirm, as a second person, what a colleague is suspected of."""
    run = session(context)
    run.vault.incidents.confirm(run.actor, incident_id, reason)
    run.say({"id": incident_id, "confirmed": True}, f"{incident_id} is confirmed.")


@incident_app.command("paragraph")
def incident_paragraph(context: typer.Context, incident_id: Id) -> None:
    """A paragraph to paste into a police report, in Swedish."""
    run = session(context)
    text = run.vault.incidents.report_paragraph(
        run.actor, incident_id, controller=run.vault.controller, zone=run.vault.zone
    )
    run.say({"id": incident_id, "paragraph": text}, text)


@incident_app.command("extend")
def incident_extend(
    context: typer.Context,
    incident_id: Id,
    until: Annotated[str, typer.Option(help="New end of keeping.")],
    reason: Reason,
) -> None:
    """Keep an incident's footage longer."""
    run = session(context)
    incident = run.vault.incidents.extend(run.actor, incident_id, run.time(until), reason)
    run.say(incident, f"{incident.id} is kept until {run.local(incident.until)}.")


@incident_app.command("report-number")
def incident_report_number(context: typer.Context, incident_id: Id, number: str) -> None:
    """Enter the police report's number, which extends the keeping as the policy says."""
    run = session(context)
    incident = run.vault.incidents.set_report_number(run.actor, incident_id, number)
    run.say(incident, f"{incident.id} is kept until {run.local(incident.until)}.")


@incident_app.command("review")
def incident_review(context: typer.Context, incident_id: Id, reason: Reason) -> None:
    """Say that an incident was looked at again and is kept to its end; it lengthens nothing."""
    run = session(context)
    hold_id = run.vault.incidents.show(run.actor, incident_id).hold_id
    hold = run.vault.reviews.made(run.actor, hold_id, reason)
    run.say(hold, f"{incident_id} is reviewed; it is kept until {run.local(hold.until)}.")


@incident_app.command("close")
def incident_close(
    context: typer.Context,
    incident_id: Id,
    reason: ReasonUnlessDry = None,
    dry_run: Annotated[bool, typer.Option(help="Tell what would go; close nothing.")] = False,
) -> None:
    """End an incident; what nothing else keeps goes with the next sweep."""
    run = session(context)
    why = reason_of(run, reason, dry_run=dry_run)
    hold_id = run.vault.incidents.show(run.actor, incident_id).hold_id
    ending = run.vault.holds.ending(run.actor, hold_id)
    if dry_run:
        run.say(ending, *goes(ending))
        return
    if not run.as_json and sys.stdin.isatty():
        run.say(None, *goes(ending))
        typer.confirm("Close it?", abort=True, err=True)
    incident = run.vault.incidents.close(run.actor, incident_id, why)
    run.say(incident, f"{incident.id} is closed.", *goes(ending))


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(incident_app, name="incident")
