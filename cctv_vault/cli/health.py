"""Commands on the health of cameras: how each is, and that what one sees now is right."""

from typing import Annotated

import typer

from cctv_vault.cli.session import Session, session
from cctv_vault.errors import NotFoundError
from cctv_vault.health.service import FaultView, HealthView
from cctv_vault.people.actors import system_actor

_STATES = {
    "well": "well",
    "faulty": "FAULTY",
    "learning": "its habits are being learned",
    "new": "has not sent anything yet",
    "unwatched": "not watched just now: serve does that",
    "production": "course material is not watched",
}
_FAULTS = {
    "silent": "sends nothing; files that usually come in that time: about {expected}",
    "unreadable": "sends what cannot be read; files in quarantine since: {files}",
    "black": "the picture is black or covered, at an hour at which it usually is not",
    "frozen": "the picture is frozen: nothing in it changes any more",
    "moved": "sees something else than before: turned, covered, or the room was changed",
    "late": "its files come {late_s} s after they ended, against {usual_s} s usually",
    "shift_s": "its clock is wrong: the times of its files moved by about {shift_s} s",
    "ahead": "its clock runs ahead: the times of its files lie after their arrival",
    "apart_s": "its clock is wrong: names and content of its files differ by about {apart_s} s",
    "drift_s": "its clock has run off by about {drift_s} s since it was measured",
}


def camera_health(
    context: typer.Context,
    code: Annotated[str | None, typer.Argument(help="One camera; all without.")] = None,
) -> None:
    """How the cameras are; exit status 1 where one is faulty."""
    run = session(context)
    found = _found(run, code)
    if run.vault.simulated or any(each.state == "unwatched" for each in found):
        run.vault.health.look(system_actor(run.os_user))
        found = _found(run, code)
    run.stream(found, lambda each: _described(run, each))
    faulty = [each.camera for each in found if each.faults]
    if faulty:
        run.fail(f"to be seen to: {', '.join(faulty)}")


def camera_accept_view(
    context: typer.Context,
    code: str,
    reason: Annotated[str, typer.Option(help="Why it sees something else.")],
) -> None:
    """Say that what a camera sees now is right: it was turned, or the room was changed."""
    run = session(context)
    health = run.vault.health.accept_view(run.actor, code, reason)
    run.say(health, f"What {code} sees now counts as right.")


def register(camera_app: typer.Typer) -> None:
    """Add these commands to those on cameras."""
    camera_app.command("health")(camera_health)
    camera_app.command("accept-view")(camera_accept_view)


def _found(run: Session, code: str | None) -> tuple[HealthView, ...]:
    health = run.vault.health.list(run.actor)
    found = tuple(each for each in health if code in {None, each.camera})
    if code is not None and not found:
        known = ", ".join(each.camera for each in health)
        raise NotFoundError("camera", code, f"the cameras are {known or 'none yet'}")
    return found


def _described(run: Session, health: HealthView) -> str:
    lines = [f"{health.camera}: {_STATES[health.state]}"]
    lines += [f"  since {run.local(each.since)}: {_said(each)}" for each in health.faults]
    return "\n".join(lines)


def _said(fault: FaultView) -> str:
    kind = next(iter(fault.figures)) if fault.fault == "clock" else fault.fault
    return _FAULTS[kind].format(**fault.figures)
