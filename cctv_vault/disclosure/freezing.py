"""The freeze that comes with a request, inside the act that moves it.

Owns which hold a request has, for how long, and what strangers may make the vault keep: a request
from the portal is kept provisionally, within 24 camera-hours and the site's byte budget, and where
the budget is full the unconfirmed request that keeps most yields first, so that no number of
forged requests keeps a genuine one from freezing.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select
from sqlmodel import Session, col

from cctv_vault.disclosure.cases import ASKED, windows_of
from cctv_vault.disclosure.legal import REQUESTERS
from cctv_vault.disclosure.workflow import (
    UNCONFIRMED_CAMERA_TIME,
    Action,
    Window,
    hold_end,
)
from cctv_vault.errors import InvalidInputError
from cctv_vault.ledger import Act
from cctv_vault.retention.grants import live_clause
from cctv_vault.retention.holds import HoldOrder, Holds, HoldView
from cctv_vault.schema import Camera, Grant, Hold, Recording, Request, Site

UNCONFIRMED: Final = "request-unconfirmed"
_FULL: Final = (
    "the place keeps no more for unconfirmed requests; what did not fit is kept only for its own "
    "purposes until staff confirm the request"
)


@dataclass(frozen=True)
class Freeze:
    """What is kept for a request now, what of its time was gone already, and what to say of it."""

    recordings: int = 0
    gone: int = 0
    remarks: tuple[str, ...] = ()


class Freezing:
    """Places, changes and ends the holds of requests."""

    def __init__(self, holds: Holds) -> None:
        """``holds`` belongs to the vault."""
        self._holds = holds

    def confirmed(self, act: Act, row: Request) -> Freeze:
        """Keep everything a confirmed request asks for, from receipt until it is decided (S11)."""
        rule = REQUESTERS[row.requester_type]
        if rule.hold_purpose is None:
            return Freeze()
        windows, remarks = stored_only(
            windows_of(act.session, row.id, ASKED), act.now, order=not rule.hands_over
        )
        hold = self._live(act.session, row, act.now)
        if hold is not None and hold.purpose == UNCONFIRMED:
            # Placed anew, not renamed: the new purpose has a term and a review of its own.
            fresh = self._place(act, row, rule.hold_purpose, windows)
            self._holds.release(act, hold.id, f"request {row.id} is confirmed")
        elif hold is not None:
            fresh = self._holds.change(
                act, hold.id, windows=_plain(windows), open_ended=rule.hands_over
            )
        else:
            fresh = self._place(act, row, rule.hold_purpose, windows)
        return Freeze(fresh.recordings, fresh.gone, remarks)

    def provisional(self, act: Act, row: Request) -> Freeze:
        """Keep what a stranger asks for, within what strangers may make the vault keep."""
        if REQUESTERS[row.requester_type].hold_purpose is None:
            return Freeze()
        asked = windows_of(act.session, row.id, ASKED)
        windows, remarks = within_camera_time(asked, UNCONFIRMED_CAMERA_TIME)
        if not windows:
            return Freeze(remarks=remarks)
        hold = self._place(act, row, UNCONFIRMED, windows)
        if not self._fits(act, hold.id, {each.camera for each in windows}):
            self._holds.release(act, hold.id, "the place keeps no more for unconfirmed requests")
            return Freeze(0, hold.gone, (*remarks, _FULL))
        return Freeze(hold.recordings, hold.gone, remarks)

    def moved(self, act: Act, row: Request, action: Action) -> None:
        """Let the freeze end as table A says after a decision, refusal, withdrawal or lapse."""
        until = hold_end(REQUESTERS[row.requester_type], action, act.now)
        hold = self._live(act.session, row, act.now)
        if until is None or hold is None:
            return
        if hold.purpose == UNCONFIRMED and hold.until is not None:
            # What strangers froze is never kept longer for being refused.
            until = min(until, hold.until)
        self._holds.change(act, hold.id, until=until, reason=f"request {row.id}: {action.value}")

    # --- inside -------------------------------------------------------------------------------

    def _place(self, act: Act, row: Request, purpose: str, windows: Sequence[Window]) -> HoldView:
        view = self._holds.place(
            act,
            HoldOrder(
                purpose=purpose,
                windows=_plain(windows),
                reason=f"request {row.id}",
                gagged=row.gagged,
            ),
        )
        row.hold_id = view.id
        act.session.add(row)
        act.session.flush()
        return view

    def _live(self, session: Session, row: Request, now: datetime) -> Hold | None:
        hold = None if row.hold_id is None else session.get(Hold, row.hold_id)
        if hold is None or hold.released_at is not None:
            return None
        return None if hold.until is not None and hold.until <= now else hold

    def _fits(self, act: Act, hold_id: str, cameras: AbstractSet[str]) -> bool:
        """Whether a new unconfirmed freeze may stay, once those that keep more have yielded.

        It is placed before others yield, so that what only they kept is not lost to it.
        """
        session = act.session
        codes = session.execute(
            select(col(Camera.site_code)).where(col(Camera.code).in_(cameras)).distinct()
        ).scalars()
        for code in codes.all():
            site = session.get(Site, code)
            budget = 0 if site is None else site.freeze_budget_bytes
            kept = _kept_by_unconfirmed(session, code, act.now)
            greedy = sorted(kept, key=lambda each: -kept[each])
            while _bytes_kept(session, code, act.now) > budget:
                most = greedy.pop(0)
                if kept[most] <= kept[hold_id]:
                    return False
                self._holds.release(
                    act, most, "yields to a smaller request: the place keeps no more unconfirmed"
                )
        return True


def stored_only(
    windows: Sequence[Window], now: datetime, *, order: bool
) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """What of the windows a freeze may cover.

    A preservation order reaches stored data only (RB 27:16), so its windows end now at the latest;
    any other freeze also catches what arrives later.
    """
    if not order or all(each.ends_at <= now for each in windows):
        return tuple(windows), ()
    return tuple(
        replace(each, ends_at=min(each.ends_at, now)) for each in windows if each.starts_at < now
    ), ("a preservation order reaches stored footage only; its window was cut at the present",)


def within_camera_time(
    windows: Iterable[Window], most: timedelta
) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """The first windows that together last no longer than ``most``, the last one cut to fit."""
    kept: list[Window] = []
    left = most
    cut = False
    for window in sorted(windows, key=lambda each: (each.starts_at, each.camera)):
        if left <= timedelta(0):
            cut = True
            break
        shorter = min(window.length, left)
        cut = cut or shorter < window.length
        kept.append(replace(window, ends_at=window.starts_at + shorter))
        left -= shorter
    hours = int(most.total_seconds()) // 3600
    remark = (
        f"until staff confirm the request, {hours} camera-hours of what it asks for are frozen",
    )
    return tuple(kept), remark if cut else ()


def _plain(windows: Sequence[Window]) -> tuple[tuple[str, datetime, datetime], ...]:
    if not windows:
        raise InvalidInputError("the request asks for no footage that could be kept")
    return tuple((each.camera, each.starts_at, each.ends_at) for each in windows)


def _unconfirmed(site: str, now: datetime) -> ColumnElement[bool]:
    return and_(col(Grant.purpose) == UNCONFIRMED, live_clause(now), col(Camera.site_code) == site)


def _kept_by_unconfirmed(session: Session, site: str, now: datetime) -> dict[str, int]:
    """The live unconfirmed freezes of a site, and the bytes each keeps."""
    rows = session.execute(
        select(col(Grant.hold_id), func.sum(col(Recording.size)))
        .join(Recording, col(Recording.id) == col(Grant.recording_id))
        .join(Camera, col(Camera.code) == col(Recording.camera_code))
        .where(_unconfirmed(site, now))
        .group_by(col(Grant.hold_id))
    )
    return {str(hold_id): int(size) for hold_id, size in rows}


def _bytes_kept(session: Session, site: str, now: datetime) -> int:
    """The bytes that unconfirmed freezes of a site keep together, each recording counted once."""
    each = (
        select(col(Recording.id), col(Recording.size))
        .join(Grant, col(Grant.recording_id) == col(Recording.id))
        .join(Camera, col(Camera.code) == col(Recording.camera_code))
        .where(_unconfirmed(site, now))
        .distinct()
        .subquery()
    )
    return int(session.execute(select(func.coalesce(func.sum(each.c.size), 0))).scalar_one())
