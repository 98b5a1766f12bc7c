"""What is told of holds: to people who may know of them, and to whom a hold belongs.

A secret hold is not there for anyone who is not cleared, nor one about a colleague for anyone but
the privacy officer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select, true
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.errors import NotFoundError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import seen_by
from cctv_vault.people.actors import Actor, Right, Sight
from cctv_vault.retention.grants import live_clause
from cctv_vault.retention.hold_cover import HoldCover, hidden_behind, holding
from cctv_vault.retention.hold_views import Ending, HoldView
from cctv_vault.retention.rules import review_call
from cctv_vault.schema import Grant, Hold, Recording


class HoldReading(HoldCover):
    """Holds as the person who asks may know of them."""

    def list(self, actor: Actor, *, live_only: bool = False) -> tuple[HoldView, ...]:
        """The holds the person may know of, the newest first."""
        self._may_read(actor)
        now = self._ledger.clock.now()
        query = select(Hold).order_by(col(Hold.placed_at).desc(), col(Hold.id))
        query = query.where(seen_by(actor.sight))
        if live_only:
            query = query.where(holding(now))
        with self._database.read() as session:
            holds = session.execute(query).scalars().all()
            kept = self._kept(session, [each.id for each in holds], now, actor.sight)
            return tuple(self._view(session, each, now, kept=kept) for each in holds)

    def show(self, actor: Actor, hold_id: str) -> HoldView:
        """One hold.

        Raises:
            NotFoundError: There is none, or it is not for this person to know of.
        """
        self._may_read(actor)
        with (
            entered_if_refused(self._ledger, Event.HOLD_PLACED, actor, subject=hold_id),
            self._database.read() as session,
        ):
            now = self._ledger.clock.now()
            hold = self._visible(session, hold_id, actor)
            return self._view(
                session, hold, now, kept=self._kept(session, [hold_id], now, actor.sight)
            )

    def view(self, session: Session, hold_id: str, now: datetime) -> HoldView:
        """One hold, for the incident or request that owns it.

        Raises:
            NotFoundError: There is none.
        """
        hold = session.get(Hold, hold_id)
        if hold is None:
            raise NotFoundError("hold", hold_id)
        return self._view(session, hold, now)

    def ending(self, actor: Actor, hold_id: str) -> Ending:
        """What releasing a hold would do, before it is done.

        Raises:
            NotFoundError: There is none, or it is not for this person to know of.
        """
        self._may_read(actor)
        with self._database.read() as session:
            self._visible(session, hold_id, actor)
            return self.ending_of(session, hold_id, self._ledger.clock.now(), actor.sight)

    def ending_of(self, session: Session, hold_id: str, now: datetime, sight: Sight) -> Ending:
        """What ending a hold would do, for the incident or request that owns it."""
        return self.without(
            session, self.kept(session, hold_id, now), now, hold_id=hold_id, sight=sight
        )

    def kept(self, session: Session, hold_id: str, now: datetime) -> dict[str, int]:
        """What a hold keeps now: recordings, with their bytes."""
        rows = session.execute(
            select(col(Recording.id), col(Recording.size))
            .join(Grant, col(Grant.recording_id) == col(Recording.id))
            .where(col(Grant.hold_id) == hold_id, live_clause(now))
        )
        return {str(recording_id): int(size) for recording_id, size in rows}

    def without(
        self,
        session: Session,
        sizes: Mapping[str, int],
        now: datetime,
        *,
        hold_id: str,
        sight: Sight,
    ) -> Ending:
        """What becomes of recordings, given with their bytes, that a hold keeps no longer."""
        live = self._grants.live(session, list(sizes), now)
        gone = [
            size
            for recording_id, size in sizes.items()
            if all(
                each.hold_id == hold_id or not each.seen_by(sight)
                for each in live.get(recording_id, ())
            )
        ]
        return Ending(len(sizes), sum(sizes.values()), len(gone), sum(gone))

    def _may_read(self, actor: Actor) -> None:
        if actor.is_person:
            with entered_if_refused(self._ledger, Event.HOLD_PLACED, actor):
                actor.require(Right.REGISTER_READ)

    def _visible(self, session: Session, hold_id: str, actor: Actor) -> Hold:
        hold = session.get(Hold, hold_id)
        if (
            hold is None
            or (hold.gagged and not actor.sight.gagged)
            or (hold.about_staff and not actor.sight.staff)
        ):
            raise NotFoundError("hold", hold_id)
        return hold

    def _kept(
        self, session: Session, hold_ids: Sequence[str], now: datetime, sight: Sight
    ) -> dict[str, tuple[int, int]]:
        """For each hold how many recordings it keeps now, and their bytes.

        Whoever may see a hold about a colleague sees all of it; of any other hold, what is hidden
        by such a one is the privacy officer's to know.
        """
        rows = session.execute(
            select(
                col(Grant.hold_id),
                func.count(col(Grant.id)),
                func.coalesce(func.sum(col(Recording.size)), 0),
            )
            .join(Recording, col(Recording.id) == col(Grant.recording_id))
            .join(Hold, col(Hold.id) == col(Grant.hold_id))
            .where(
                col(Grant.hold_id).in_(hold_ids),
                live_clause(now),
                true() if sight.staff else ~hidden_behind(),
            )
            .group_by(col(Grant.hold_id))
        )
        return {str(hold_id): (int(count), int(size)) for hold_id, count, size in rows}

    def _view(
        self,
        session: Session,
        hold: Hold,
        now: datetime,
        *,
        gone: int = 0,
        kept: dict[str, tuple[int, int]] | None = None,
    ) -> HoldView:
        if kept is None:
            kept = self._kept(session, [hold.id], now, Sight())
        recordings, size = kept.get(hold.id, (0, 0))
        reason = (
            None if hold.reason_text is None else self._keyring.open_text(session, hold.reason_text)
        )
        live = hold.released_at is None and (hold.until is None or now < hold.until)
        call = review_call(now, placed=hold.placed_at, review=hold.review_at, until=hold.until)
        return HoldView(
            id=hold.id,
            purpose=hold.purpose,
            statute=hold.statute,
            windows=tuple(self._windows_of(session, hold.id)),
            reason=(reason or b"").decode(),
            placed_at=hold.placed_at,
            placed_by=hold.placed_by,
            until=hold.until,
            review_at=hold.review_at,
            gagged=hold.gagged,
            released_at=hold.released_at,
            released_by=hold.released_by,
            live=live,
            recordings=recordings,
            bytes=size,
            gone=gone,
            call=call.name.lower() if live and call else "",
        )
