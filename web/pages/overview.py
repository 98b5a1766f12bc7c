"""Översikt: what needs me today? One click from each line to where it is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.disclosure.workflow import FINISHED, State
from cctv_vault.footage.copies import CopyView
from cctv_vault.footage.register import CameraView
from cctv_vault.health.service import HealthView
from cctv_vault.people.actors import Right
from web.desk import Here, Visit
from web.pages.incidents import camera_options
from web.pages.requests import disclosure_words

router = APIRouter()
_SOON: Final = timedelta(days=3)


@dataclass(frozen=True)
class Latest:
    """A camera's newest footage, and how the camera is."""

    camera: CameraView
    recording: str | None
    at: datetime | None
    health: HealthView


@router.get("/")
def overview(visit: Here) -> Response:
    """What the person may see of what needs somebody."""
    vault, may = visit.vault, visit.actor.may
    context: dict[str, object] = dict.fromkeys(
        (
            "requests",
            "attention",
            "unexplained",
            "camera_options",
            "incidents",
            "cameras",
            "reviews",
            "soon",
            "log_size",
            "alarm",
            "breaches",
            "full_at",
            "copies",
        )
    )
    if may(Right.REQUEST_READ):
        found = vault.requests.list(visit.actor)
        waiting = [each for each in found if State(each.state) not in FINISHED]
        context["requests"] = waiting
        context["attention"] = [each for each in found if each.attention]
        context |= disclosure_words(visit)
    if may(Right.INCIDENT_FLAG):
        context |= {
            "unexplained": vault.incidents.unexplained(visit.actor),
            "camera_options": camera_options(visit),
        }
    if may(Right.INCIDENT_FLAG) or may(Right.REGISTER_READ):
        context["incidents"] = vault.incidents.list(visit.actor, open_only=True)
    if may(Right.FOOTAGE_LIST) or may(Right.SETUP):
        context["cameras"] = _latest(visit)
    if may(Right.INCIDENT_MANAGE) or may(Right.REGISTER_READ):
        context["reviews"] = vault.reviews.list(visit.actor)
    if may(Right.FOOTAGE_LIST):
        context["soon"] = vault.catalogue.leaving(visit.actor, _SOON)
        context["soon_days"] = _SOON.days
    if may(Right.REGISTER_READ) or may(Right.CLOCK_ATTEST):
        context["alarm"] = vault.sweeper.clock_verdict().alarm
    if may(Right.REGISTER_READ):
        context["copies"] = _copies_due(visit)
        ahead = vault.forecaster.look(visit.actor)
        context["breaches"] = [each for each in vault.breaches.list(visit.actor) if each.calls]
        context["full_at"] = ahead.full_at if ahead.alarm else None
    if may(Right.LOG_READ):
        context["log_size"] = vault.log.size()
    return visit.page("overview.html", context)


def _copies_due(visit: Visit) -> list[CopyView]:
    """The copies that must be destroyed now or soon, the nearest end first."""
    soon = visit.vault.clock.now() + _SOON
    found = visit.vault.access.copies.list(visit.actor, open_only=True)
    return sorted((each for each in found if each.end_at <= soon), key=lambda each: each.end_at)


def _latest(visit: Visit) -> list[Latest]:
    health = {each.camera: each for each in visit.vault.health.list(visit.actor)}
    shown = []
    for camera in visit.vault.register.cameras(visit.actor):
        newest = None
        if visit.actor.may(Right.FOOTAGE_LIST):
            found = visit.vault.catalogue.list(
                visit.actor, cameras=(camera.code,), limit=1, newest_first=True
            )
            newest = next(found, None)
        last = camera.last_arrival_at
        shown.append(
            Latest(
                camera,
                newest.id if newest else None,
                newest.ended_at if newest else last,
                health[camera.code],
            )
        )
    return shown
