"""Tidslinje: what footage there is, and what happened; a window over it is played or flagged."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, RedirectResponse, Response

from cctv_vault.custody.events import Event
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.footage.gaps import Gap, Stretch
from cctv_vault.footage.motion import curve
from cctv_vault.footage.register import CameraView
from cctv_vault.people.actors import Right
from web.desk import Here, Visit
from web.lanes import SPANS, Scale, covering
from web.pages.incidents import flag_form
from web.words import day_words, read_time, span_words

router = APIRouter()
_DEFAULT_SPAN: Final = "24h"
_LOOK_AHEAD: Final = SPANS["31d"]
_POINTS: Final = 480
_TODAY: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Band:
    """A span that lies over a lane: an incident or a hold."""

    starts_at: datetime
    ends_at: datetime
    label: str
    href: str


@dataclass(frozen=True)
class Lane:
    """One camera's footage in the time shown."""

    camera: CameraView
    stretches: tuple[Stretch, ...]
    gaps: tuple[Gap, ...]
    incidents: tuple[Band, ...]
    holds: tuple[Band, ...]


@router.get("/timeline")
def timeline(
    visit: Here,
    start: Annotated[str, Query(alias="from")] = "",
    span: str = _DEFAULT_SPAN,
    camera: Annotated[list[str] | None, Query()] = None,
) -> Response:
    """The lanes of the chosen cameras (all, where none is chosen) from a time on."""
    visit.require(Right.FOOTAGE_LIST, event=Event.FOOTAGE_VIEWED)
    return visit.page("timeline.html", view(visit, start, span, tuple(camera or ())))


@router.get("/timeline/at")
def at(visit: Here, camera: str, at: str) -> Response:
    """The recording that shows an instant, or the next one."""
    visit.require(Right.FOOTAGE_LIST, event=Event.FOOTAGE_VIEWED)
    moment = read_time(at, visit.vault.register.camera(visit.actor, camera).zone)
    found = covering(
        tuple(
            visit.vault.catalogue.list(
                visit.actor, cameras=(camera,), start=moment, end=moment + _LOOK_AHEAD, limit=1
            )
        ),
        moment,
    )
    if found is None:
        raise NotFoundError("recording", at, "there is none at that time or after it")
    offset = max(0.0, (moment - found.started_at).total_seconds())
    return RedirectResponse(f"/footage/{found.id}?t={offset:.1f}", status_code=303)


@router.get("/timeline/motion")
def motion(
    visit: Here, camera: str, start: Annotated[str, Query(alias="from")], to: str
) -> Response:
    """How much moved in a camera's footage, in equal parts of a window; null where unmeasured."""
    zone = visit.vault.register.camera(visit.actor, camera).zone
    begins, ends = read_time(start, zone), read_time(to, zone)
    tracks = visit.vault.access.motion(visit.actor, camera=camera, start=begins, end=ends)
    return JSONResponse({"motion": curve(tracks, begins, ends, _POINTS)})


def view(visit: Visit, start: str, span: str, chosen: tuple[str, ...]) -> dict[str, object]:
    """Everything the page shows; also around the form of an incident that was refused."""
    if span not in SPANS:
        raise InvalidInputError(f"{span!r} is no length; choose {', '.join(SPANS)}")
    vault, zone, now = visit.vault, visit.vault.zone, visit.vault.clock.now()
    # Where no time is named: the days up to today, or the last of less than a day.
    scale = Scale.of(read_time(start, zone) if start else now - SPANS[span] + _TODAY, span, zone)
    cameras = vault.register.cameras(visit.actor)
    shown = tuple(each for each in cameras if not chosen or each.code in chosen)
    incidents = vault.incidents.list(visit.actor)
    holds = vault.holds.list(visit.actor)
    lanes = []
    for each in shown:
        drawn = vault.catalogue.lane(
            visit.actor, camera=each.code, start=scale.start, end=scale.end
        )
        lanes.append(
            Lane(
                each,
                drawn.stretches,
                drawn.gaps,
                tuple(
                    Band(one.starts_at, one.ends_at, one.title, f"/incidents/{one.id}")
                    for one in incidents
                    if each.code in one.cameras
                    and one.starts_at < scale.end
                    and one.ends_at > scale.start
                ),
                tuple(
                    Band(window.starts_at, window.ends_at, hold.purpose, "")
                    for hold in holds
                    for window in hold.windows
                    if hold.released_at is None
                    and window.camera == each.code
                    and window.starts_at < scale.end
                    and window.ends_at > scale.start
                ),
            )
        )
    return {
        "scale": scale,
        "heading": _heading(visit, scale, span),
        "length": span,
        "span_options": [(each, visit.words.text(f"span.{each}")) for each in SPANS],
        "cameras": cameras,
        "chosen": chosen,
        "lanes": tuple(lanes),
        "earlier": scale.moved(-1),
        "later": scale.moved(1),
        **flag_form(visit),
    }


def _heading(visit: Visit, scale: Scale, span: str) -> str:
    if SPANS[span] == SPANS["24h"]:
        return day_words(scale.start, scale.zone, visit.words.language)
    return span_words(scale.start, scale.end, scale.zone)
