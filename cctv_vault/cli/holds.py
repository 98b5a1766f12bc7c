"""Commands on holds: place, show, release, extend, review."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from cctv_vault.cli.options import CameraList, From, Id, Reason, ReasonUnlessDry, To
from cctv_vault.cli.session import counted, reason_of, session
from cctv_vault.retention.holds import Ending, HoldOrder

hold_app = typer.Typer(no_args_is_help=True, help="Holds.")


@hold_app.command("place")
def hold_place(
    context: typer.Context,
    purpose: Annotated[str, typer.Option(help="A purpose of the policy that holds.")],
    camera: CameraList,
    start: From,
    end: To,
    reason: Reason,
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
        f"Hold {hold.id}: {counted(hold.recordings, 'recording')} kept "
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
def hold_show(context: typer.Context, hold_id: Id) -> None:
    """One hold."""
    run = session(context)
    hold = run.vault.holds.show(run.actor, hold_id)
    run.say(
        hold,
        f"{hold.id} {hold.purpose} ({hold.statute}): {counted(hold.recordings, 'recording')}",
        *(
            f"{window.camera}: {run.local(window.starts_at)} to {run.local(window.ends_at)}"
            for window in hold.windows
        ),
        f"reason: {hold.reason}",
    )


@hold_app.command("release")
def hold_release(
    context: typer.Context,
    hold_id: Id,
    reason: ReasonUnlessDry = None,
    dry_run: Annotated[bool, typer.Option(help="Tell what would go; release nothing.")] = False,
) -> None:
    """End a hold; a purpose that has ended is not revived by it."""
    run = session(context)
    why = reason_of(run, reason, dry_run=dry_run)
    ending = run.vault.holds.ending(run.actor, hold_id)
    if dry_run:
        run.say(ending, *goes(ending))
        return
    if not run.as_json and sys.stdin.isatty():
        run.say(None, *goes(ending))
        typer.confirm("Release it?", abort=True, err=True)
    released = run.vault.holds.release_as(run.actor, hold_id, why)
    run.say(released, f"{hold_id} is released.", *goes(ending))


def goes(ending: Ending) -> Iterator[str]:
    """What the end of a hold lets go, in a sentence."""
    yield (
        f"no longer kept by it: {counted(ending.recordings, 'recording')} ({ending.bytes} bytes); "
        f"kept by nothing else, and so expiring at once: {ending.at_once} of them "
        f"({ending.at_once_bytes} bytes)"
    )


@hold_app.command("extend")
def hold_extend(
    context: typer.Context,
    hold_id: Id,
    until: Annotated[str, typer.Option(help="New end of keeping.")],
    reason: Reason,
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
def hold_review(context: typer.Context, hold_id: Id, reason: Reason) -> None:
    """Say that a hold was looked at again and stays as it is; it lengthens nothing."""
    run = session(context)
    hold = run.vault.reviews.made(run.actor, hold_id, reason)
    run.say(
        hold,
        f"{hold_id} is reviewed"
        + (f"; the next review is {run.local(hold.review_at)}." if hold.review_at else "."),
    )


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(hold_app, name="hold")
