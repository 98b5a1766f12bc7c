"""What a hold covers: its windows, widened by doubt about clocks, and the recordings they match.

It grants what matches, ends what a moved window no longer covers, and never drops anything because
a clock was measured. What a suspicion against a colleague hides is told apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.ledger import Act, Ledger
from cctv_vault.retention.grants import Grants, live_clause
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.rules import ARRIVAL, UNMEASURED_S, Span, Window, is_within, matches
from cctv_vault.schema import Camera, Grant, Hold, HoldWindow, Recording


class HoldCover:
    """Windows of holds over cameras, and what they keep."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        grants: Grants,
        policies: Policies,
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._grants = grants
        self._policies = policies

    def clock_changed(self, act: Act, camera: str) -> int:
        """After a camera's clock was measured: holds on it may gain recordings, never lose them.

        Call inside the act of measuring, which holds the camera's lock, after the camera's row is
        written. Returns how many grants were added.
        """
        session = act.session
        session.flush()
        row = session.get(Camera, camera)
        if row is None:
            raise NotFoundError("camera", camera)
        uncertainty = UNMEASURED_S if row.clock_uncertainty_s is None else row.clock_uncertainty_s
        added = 0
        for hold in session.execute(
            select(Hold)
            .join(HoldWindow, col(HoldWindow.hold_id) == col(Hold.id))
            .where(col(HoldWindow.camera_code) == camera, holding(act.now))
            .distinct()
        ).scalars():
            for window in session.execute(
                select(HoldWindow).where(
                    col(HoldWindow.hold_id) == hold.id, col(HoldWindow.camera_code) == camera
                )
            ).scalars():
                window.widened_s = max(window.widened_s, uncertainty)
                session.add(window)
            session.flush()
            matching = self._matching(session, self._window_rows(session, hold.id, camera))
            granted, _gone = self._grants.for_hold(
                act, hold, matching, self._policies.current(session, act.now)
            )
            added += len(granted)
        return added

    def spent(self, session: Session, hold_id: str, now: datetime) -> int:
        """How much a stranger's hold leaves unkept since strangers had it kept once (`Grants`)."""
        hold = session.get_one(Hold, hold_id)
        matching = self._matching(session, self._window_rows(session, hold_id))
        return len(self._grants.spent(session, hold, matching, now))

    def behind(self, session: Session, hold_id: str, now: datetime) -> Sequence[str]:
        """What a hold keeps that a suspicion against a colleague hides; empty for one about one."""
        rows = session.execute(
            select(col(Grant.recording_id))
            .join(Hold, col(Hold.id) == col(Grant.hold_id))
            .where(col(Grant.hold_id) == hold_id, live_clause(now), hidden_behind())
            .order_by(col(Grant.id))
        )
        return rows.scalars().all()

    def _cover(
        self,
        act: Act,
        hold: Hold,
        windows: Sequence[Window],
        widened: Mapping[str, float] = MappingProxyType({}),
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Write a hold's windows and grant what matches them.

        ``widened`` is how wide each camera's windows were before, in seconds: that never shrinks.
        """
        session = act.session
        for each in windows:
            camera = session.get(Camera, each.camera)
            if camera is None:
                known = session.execute(select(col(Camera.code)).order_by(col(Camera.code)))
                raise NotFoundError(
                    "camera", each.camera, f"the cameras are {', '.join(known.scalars())}"
                )
            measured = camera.clock_uncertainty_s
            session.add(
                HoldWindow(
                    hold_id=hold.id,
                    camera_code=each.camera,
                    starts_at=each.starts_at,
                    ends_at=each.ends_at,
                    widened_s=max(
                        UNMEASURED_S if measured is None else measured,
                        widened.get(each.camera, 0.0),
                    ),
                )
            )
        session.flush()
        matching = self._matching(session, self._window_rows(session, hold.id))
        return self._grants.for_hold(act, hold, matching, self._policies.current(session, act.now))

    def _move(
        self, act: Act, hold: Hold, windows: Sequence[Window]
    ) -> tuple[Sequence[str], Sequence[str], int]:
        """Replace a hold's windows: grant what is new, end what is no longer covered."""
        session = act.session
        before = self._window_rows(session, hold.id)
        # A clock that was corrected since may have widened the old windows, and caught what its
        # newest reading would not: that stays as long as the window does.
        narrowed = {
            each.camera_code
            for each in before
            if not is_within(Window(each.camera_code, each.starts_at, each.ends_at), windows)
        }
        widest: dict[str, float] = {}
        for old in before:
            widest[old.camera_code] = max(old.widened_s, widest.get(old.camera_code, 0.0))
            session.delete(old)
        session.flush()
        granted, gone = self._cover(act, hold, windows, widest)
        covered = set(self._matching(session, self._window_rows(session, hold.id)))
        held = session.execute(
            select(col(Grant.recording_id))
            .join(Recording, col(Recording.id) == col(Grant.recording_id))
            .where(
                col(Grant.hold_id) == hold.id,
                live_clause(act.now),
                col(Recording.camera_code).in_(narrowed),
            )
        ).scalars()
        dropped = sorted(set(held) - covered)
        ended = 0
        if dropped:
            ended = self._grants.end_hold(session, hold.id, act.now, dropped)
        return granted, gone, ended

    def _matching(self, session: Session, windows: Iterable[HoldWindow]) -> Sequence[str]:
        """The recordings, kept or expired, that may show something of any of the windows."""
        found: dict[str, None] = {}
        for row in windows:
            offset = session.execute(
                select(col(Camera.clock_offset_s)).where(col(Camera.code) == row.camera_code)
            ).scalar_one()
            widest = session.execute(
                select(
                    func.max(col(Recording.uncertainty_s)),
                    func.min(col(Recording.clock_offset_s)),
                    func.max(col(Recording.clock_offset_s)),
                ).where(
                    col(Recording.camera_code) == row.camera_code, col(Recording.state) == "kept"
                )
            ).one()
            uncertainty, low, high = (float(each or 0.0) for each in widest)
            drift = max(abs(offset - low), abs(offset - high)) if widest[1] is not None else 0.0
            slack = timedelta(seconds=max(row.widened_s, uncertainty) + drift)
            window = Window(row.camera_code, row.starts_at, row.ends_at)
            candidates = session.execute(
                select(
                    col(Recording.id),
                    col(Recording.started_at),
                    col(Recording.ended_at),
                    col(Recording.uncertainty_s),
                    col(Recording.clock_offset_s),
                    col(Recording.time_source),
                ).where(
                    col(Recording.camera_code) == row.camera_code,
                    col(Recording.started_at) < row.ends_at + slack,
                    col(Recording.ended_at) >= row.starts_at - slack,
                )
            )
            for each in candidates:
                span = Span(each.started_at, each.ended_at, each.uncertainty_s)
                # What arrival told does not move with the camera's clock.
                drift_s = 0.0 if each.time_source == ARRIVAL else offset - each.clock_offset_s
                if matches(window, row.widened_s, span, drift_s=drift_s):
                    found[each.id] = None
        return list(found)

    def _told(
        self, act: Act, hold: Hold, covered: tuple[Sequence[str], Sequence[str]]
    ) -> tuple[Sequence[str], Sequence[str]]:
        """What a hold granted and what was gone, as everybody may be told of it.

        What a suspicion against a colleague hides has an entry of its own, hidden with that.
        """
        granted, gone = covered
        hidden = [each for each in self.behind(act.session, hold.id, act.now) if each in granted]
        if not hidden:
            return covered
        theirs = (
            select(col(Grant.hold_id))
            .join(Hold, col(Hold.id) == col(Grant.hold_id))
            .where(col(Grant.recording_id).in_(hidden), col(Hold.about_staff))
            .distinct()
        )
        act.record(
            Event.HOLD_CHANGED,
            hold.id,
            facts={"recordings": len(hidden), "restricted": True},
            also=(*sorted(act.session.execute(theirs).scalars()), *hidden),
        )
        return [each for each in granted if each not in hidden], [*gone, *hidden]

    def _window_rows(
        self, session: Session, hold_id: str, camera: str | None = None
    ) -> Sequence[HoldWindow]:
        query = select(HoldWindow).where(col(HoldWindow.hold_id) == hold_id)
        if camera is not None:
            query = query.where(col(HoldWindow.camera_code) == camera)
        return session.execute(query.order_by(col(HoldWindow.id))).scalars().all()

    def _windows_of(self, session: Session, hold_id: str) -> Sequence[Window]:
        return [
            Window(each.camera_code, each.starts_at, each.ends_at)
            for each in self._window_rows(session, hold_id)
        ]


def asked_windows(given: Iterable[tuple[str, datetime, datetime]]) -> tuple[Window, ...]:
    """The windows of an order, (camera, from, to) each.

    Raises:
        InvalidInputError: A time has no offset.
    """
    windows = tuple(Window(*each) for each in given)
    if any(each.starts_at.tzinfo is None or each.ends_at.tzinfo is None for each in windows):
        raise InvalidInputError("the times of a window need an offset")
    return windows


def holding(now: datetime) -> Any:  # noqa: ANN401 - an SQL clause
    """That a hold keeps: neither released nor past its end."""
    return col(Hold.released_at).is_(None) & or_(col(Hold.until).is_(None), col(Hold.until) > now)


def hidden_behind() -> ColumnElement[bool]:
    """Grants of holds that are no secret, of what a suspicion against a colleague hides."""
    return and_(col(Grant.about_staff), col(Hold.about_staff).is_(False))
