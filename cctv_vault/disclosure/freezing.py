"""The freeze that comes with a request, inside the act that moves it.

Owns which hold a request has, for how long, and what strangers may make the vault keep: a request
from the portal is kept provisionally, within 24 camera-hours and the place's byte budget, which
those who sent such requests share equally (`shares`). What staff have confirmed is no part of that
and never yields.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select
from sqlmodel import Session, col

from cctv_vault.disclosure.cases import ASKED, windows_of
from cctv_vault.disclosure.legal import rule_of
from cctv_vault.disclosure.shares import Wish, share_out
from cctv_vault.disclosure.windows import Window
from cctv_vault.disclosure.workflow import UNCONFIRMED_CAMERA_TIME, Action, hold_end
from cctv_vault.errors import InvalidInputError
from cctv_vault.ledger import Act
from cctv_vault.retention.grants import UNCONFIRMED, live_clause
from cctv_vault.retention.holds import HoldOrder, Holds, HoldView
from cctv_vault.schema import Camera, Grant, Hold, HoldWindow, Recording, Request, Site

_FULL: Final = (
    "the place keeps no more for unconfirmed requests; what did not fit is kept only for its own "
    "purposes until staff confirm the request"
)
_CUT: Final = (
    "a preservation order reaches stored footage only; its window was cut at the time it was "
    "decided, or at the present"
)
_SPENT: Final = (
    "some of it was frozen once for a request that nobody confirmed; it is not frozen again until "
    "staff confirm this one"
)
_YIELDS: Final = "the place keeps no more for unconfirmed requests: each sender has an equal share"

SenderOf = Callable[[Session, Request], str]
"""Where a request from a stranger came from, as far as that can be told."""


@dataclass(frozen=True)
class Freeze:
    """What is kept for a request now, what of its time was gone already, and what to say of it."""

    recordings: int = 0
    gone: int = 0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """A recording that an unconfirmed freeze keeps: its bytes, and where in time it may lie."""

    id: str
    size: int
    camera: str
    started_at: datetime
    uncertainty_s: float
    clock_offset_s: float


class Freezing:
    """Places, changes and ends the holds of requests."""

    def __init__(self, holds: Holds) -> None:
        """``holds`` belongs to the vault."""
        self._holds = holds

    def confirmed(self, act: Act, row: Request, decided_at: datetime | None = None) -> Freeze:
        """Keep everything a confirmed request asks for, from receipt until it is decided (S11).

        ``decided_at`` is when a preservation order was decided, where that is known: it keeps what
        was stored then, and its ninety days run from there and not from receipt (RB 27:16).
        """
        rule = rule_of(row.requester_type, row.ground_code)
        hold = self._live(act.session, row, act.now)
        if rule.hold_purpose is None:
            if hold is not None:
                self._holds.release(act, hold.id, f"request {row.id} asks for erasure")
            return Freeze()
        order = not rule.hands_over
        decided_at = decided_at if order else None
        windows, remarks = stored_only(
            windows_of(act.session, row.id, ASKED), decided_at or act.now, order=order
        )
        if order and not windows:
            raise InvalidInputError(
                "the window lies wholly after the order was decided; an order reaches stored "
                "footage only (RB 27:16)"
            )
        if hold is not None and (hold.purpose == UNCONFIRMED or decided_at is not None):
            # Placed anew, not renamed: the new purpose has a term and a review of its own.
            fresh = self._place(act, row, rule.hold_purpose, windows, decided_at)
            self._holds.release(act, hold.id, f"request {row.id} is confirmed")
        elif hold is not None:
            fresh = self._holds.change(
                act, hold.id, windows=_plain(windows), open_ended=rule.hands_over
            )
        else:
            fresh = self._place(act, row, rule.hold_purpose, windows, decided_at)
        return Freeze(fresh.recordings, fresh.gone, remarks)

    def provisional(self, act: Act, row: Request, sender_of: SenderOf) -> Freeze:
        """Keep what a stranger asks for, within what strangers may make the vault keep.

        It is placed before others yield, so that what only they kept is not lost to it.
        """
        if rule_of(row.requester_type, row.ground_code).hold_purpose is None:
            return Freeze()
        asked = windows_of(act.session, row.id, ASKED)
        windows, remarks = within_camera_time(asked, UNCONFIRMED_CAMERA_TIME)
        if not windows:
            return Freeze(remarks=remarks)
        hold = self._place(act, row, UNCONFIRMED, windows)
        cameras = {each.camera for each in windows}
        sites = select(col(Camera.site_code)).where(col(Camera.code).in_(cameras)).distinct()
        for site in act.session.execute(sites).scalars().all():
            self.share(act, site, sender_of)
        left = self._holds.view(act.session, hold.id, act.now)
        if left.recordings < hold.recordings:
            remarks = (*remarks, _FULL)
        if self._holds.spent(act.session, hold.id, act.now):
            remarks = (*remarks, _SPENT)
        return Freeze(left.recordings, hold.gone, remarks)

    def share(self, act: Act, site: str, sender_of: SenderOf) -> None:
        """Let the unconfirmed freezes of a place yield to each other until its budget holds.

        The act has the locks of all the place's cameras.
        """
        session = act.session
        budget = budget_of(session, site)
        if bytes_kept(session, site, act.now) <= budget:
            return
        kept = _kept_by_unconfirmed(session, site, act.now)
        frozen_for = {
            row.hold_id: row
            for row in session.execute(
                select(Request).where(col(Request.hold_id).in_(kept))
            ).scalars()
        }
        oldest = sorted(kept, key=lambda each: (_received(frozen_for.get(each)), each))
        allotted = share_out(
            [
                Wish(
                    hold,
                    sender_of(session, frozen_for[hold]) if hold in frozen_for else "",
                    tuple((each.id, each.size) for each in kept[hold]),
                )
                for hold in oldest
            ],
            budget,
        )
        for hold in oldest:
            yields = kept[hold][allotted[hold] :]
            if yields:
                self._narrow(act, hold, yields)

    def moved(self, act: Act, row: Request, action: Action) -> None:
        """Let the freeze end as table A says after a decision, refusal, withdrawal or lapse."""
        until = hold_end(rule_of(row.requester_type, row.ground_code), action, act.now)
        hold = self._live(act.session, row, act.now)
        if until is None or hold is None:
            return
        if hold.purpose == UNCONFIRMED and hold.until is not None:
            # What strangers froze is never kept longer for being refused.
            until = min(until, hold.until)
        self._holds.change(act, hold.id, until=until, reason=f"request {row.id}: {action.value}")

    def kept(self, act: Act, row: Request) -> set[str]:
        """The recordings that a request's freeze keeps now."""
        if row.hold_id is None:
            return set()
        return set(self._holds.kept(act.session, row.hold_id, act.now))

    # --- inside -------------------------------------------------------------------------------

    def _place(
        self,
        act: Act,
        row: Request,
        purpose: str,
        windows: Sequence[Window],
        decided_at: datetime | None = None,
    ) -> HoldView:
        view = self._holds.place(
            act,
            HoldOrder(
                purpose=purpose,
                windows=_plain(windows),
                reason=f"request {row.id}",
                gagged=row.gagged,
                decided_at=decided_at,
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

    def _narrow(self, act: Act, hold_id: str, yields: Sequence[Kept]) -> None:
        """Let a hold end, on each camera, before the first of the recordings it may not keep."""
        session = act.session
        ends: dict[str, datetime] = {}
        measured = select(col(Camera.code), col(Camera.clock_offset_s)).where(
            col(Camera.code).in_({each.camera for each in yields})
        )
        offsets = {str(code): float(offset) for code, offset in session.execute(measured)}
        rows = session.execute(select(HoldWindow).where(col(HoldWindow.hold_id) == hold_id))
        windows = rows.scalars().all()
        widened = {each.camera_code: each.widened_s for each in windows}
        for each in yields:
            # As far ahead of the recording as a hold reaches beyond its windows.
            slack = max(widened.get(each.camera, 0.0), each.uncertainty_s)
            slack += abs(offsets[each.camera] - each.clock_offset_s)
            end = each.started_at - timedelta(seconds=slack)
            ends[each.camera] = min(end, ends.get(each.camera, end))
        left = tuple(
            (
                each.camera_code,
                each.starts_at,
                min(each.ends_at, ends.get(each.camera_code, each.ends_at)),
            )
            for each in windows
        )
        left = tuple(each for each in left if each[1] < each[2])
        if left:
            self._holds.change(act, hold_id, windows=left, reason=_YIELDS)
        else:
            self._holds.release(act, hold_id, _YIELDS)


def stored_only(
    windows: Sequence[Window], now: datetime, *, order: bool
) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """What of the windows a freeze may cover.

    A preservation order reaches stored data only (RB 27:16), so its windows end at the latest when
    it was decided, or ``now``; any other freeze also catches what arrives later.
    """
    if not order or all(each.ends_at <= now for each in windows):
        return tuple(windows), ()
    return tuple(
        replace(each, ends_at=min(each.ends_at, now)) for each in windows if each.starts_at < now
    ), (_CUT,)


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


def _kept_by_unconfirmed(session: Session, site: str, now: datetime) -> dict[str, list[Kept]]:
    """The live unconfirmed freezes of a site, and what each keeps in order of time."""
    found: dict[str, list[Kept]] = {}
    for hold_id, *kept in session.execute(
        select(
            col(Grant.hold_id),
            col(Recording.id),
            col(Recording.size),
            col(Recording.camera_code),
            col(Recording.started_at),
            col(Recording.uncertainty_s),
            col(Recording.clock_offset_s),
        )
        .join(Recording, col(Recording.id) == col(Grant.recording_id))
        .join(Camera, col(Camera.code) == col(Recording.camera_code))
        .where(_unconfirmed(site, now))
        .order_by(col(Recording.started_at), col(Recording.camera_code), col(Recording.id))
    ):
        found.setdefault(str(hold_id), []).append(Kept(*kept))
    return found


def _received(row: Request | None) -> datetime:
    return datetime.min.replace(tzinfo=UTC) if row is None else row.received_at


def budget_of(session: Session, site: str) -> int:
    """What unconfirmed requests may make a place keep at once, in bytes."""
    row = session.get(Site, site)
    return 0 if row is None else row.freeze_budget_bytes


def bytes_kept(session: Session, site: str, now: datetime) -> int:
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
