"""The pictures on a page that is about footage: the first of each recording, for who may see them.

Whoever may not look gets none, and the page asks for none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cctv_vault.people.actors import Right
from web.desk import Visit

MOST: Final = 8
"""Pictures on a page: more say no more."""


@dataclass(frozen=True)
class Picture:
    """A recording's picture; ``begins_s`` is where in it the window begins, in whole seconds."""

    recording: str
    camera: str
    started_at: datetime
    ended_at: datetime
    begins_s: int


def pictures_of(visit: Visit, windows: Iterable[tuple[str, datetime, datetime]]) -> list[Picture]:
    """The pictures of windows (camera, from, to), as many of each camera as there is room for."""
    windows = list(windows)
    if not (
        windows and visit.actor.may(Right.FOOTAGE_VIEW) and visit.actor.may(Right.FOOTAGE_LIST)
    ):
        return []
    each_may = max(1, MOST // len(windows))
    return [
        Picture(
            recording=found.id,
            camera=camera,
            started_at=found.started_at,
            ended_at=found.ended_at,
            begins_s=max(0, int((start - found.started_at).total_seconds())),
        )
        for camera, start, end in windows[:MOST]
        for found in visit.vault.catalogue.list(
            visit.actor, cameras=(camera,), start=start, end=end, limit=each_may
        )
    ]


def newest_of(visit: Visit, camera: str) -> Picture | None:
    """The newest picture of a camera; None where there is none for this person."""
    if not (visit.actor.may(Right.FOOTAGE_VIEW) and visit.actor.may(Right.FOOTAGE_LIST)):
        return None
    every = visit.vault.catalogue.list(visit.actor, cameras=(camera,), limit=1, newest_first=True)
    found = next(every, None)
    if found is None:
        return None
    return Picture(found.id, camera, found.started_at, found.ended_at, 0)
