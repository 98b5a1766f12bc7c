"""Saving first and explaining after: the last hours of cameras, kept for a day (table A).

It refuses to reach back further than a day, and explains nothing that has lapsed.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.gags import RESTRICTED
from cctv_vault.incidents.desk import PURPOSE, Desk
from cctv_vault.incidents.freetext import LONGEST_TITLE, checked_text
from cctv_vault.incidents.views import IncidentView, Saved
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.holds import HoldOrder, HoldView
from cctv_vault.retention.rules import HASTE_REACHES
from cctv_vault.schema import Hold, HoldWindow, Incident

SAVE_NOW: Final = "save-now"


class Haste(Desk):
    """What is saved in haste, until it is an incident or lapses."""

    def save_now(
        self, actor: Actor, cameras: Iterable[str], back: timedelta = timedelta(hours=2)
    ) -> Saved:
        """Keep the last hours of cameras in one act; unexplained it lapses in a day (table A).

        Raises:
            InvalidInputError: It reaches back by nothing, or by more than a day.
        """
        if not timedelta(0) < back <= HASTE_REACHES:
            raise InvalidInputError("save now reaches back by at most 24 hours")
        now = self._ledger.clock.now()
        windows = tuple((each, now - back, now) for each in dict.fromkeys(cameras))
        hold = self._holds.place_as(
            actor, HoldOrder(purpose=SAVE_NOW, windows=windows, reason="saved now, to be explained")
        )
        return _saved(hold)

    def unexplained(self, actor: Actor) -> tuple[Saved, ...]:
        """What was saved in haste and has no explanation yet, what lapses first before the rest."""
        self._may_list(actor)
        now = self._ledger.clock.now()
        with self._database.read() as session:
            ids_ = session.execute(
                select(col(Hold.id))
                .where(
                    col(Hold.purpose) == SAVE_NOW,
                    col(Hold.released_at).is_(None),
                    col(Hold.until) > now,
                    col(Hold.gagged).is_(False),
                )
                .order_by(col(Hold.until), col(Hold.id))
            ).scalars()
            return tuple(_saved(self._holds.view(session, each, now)) for each in ids_.all())

    def explain(self, actor: Actor, hold_id: str, *, title: str, category: str) -> IncidentView:
        """Make an incident of what was saved in haste; it counts from now as any flag does.

        Raises:
            NotFoundError: Nothing was saved under that id, or it has lapsed.
        """
        with self._database.read() as session:
            held = session.execute(
                select(col(HoldWindow.camera_code)).where(col(HoldWindow.hold_id) == hold_id)
            )
            cameras = sorted(set(held.scalars()))
        with self._ledger.act(
            Event.INCIDENT_EXPLAINED, actor, cameras=cameras, subject=hold_id
        ) as act:
            session = act.session
            actor.require(Right.INCIDENT_FLAG)
            self._ledger.require_time(session)
            hold = session.get(Hold, hold_id, with_for_update=True, populate_existing=True)
            if hold is None or hold.purpose != SAVE_NOW or hold.gagged:
                raise NotFoundError("saved footage", hold_id, "it has lapsed or was never there")
            kind = self._category(session, category, act.now)
            if kind in RESTRICTED:
                raise InvalidInputError("what a colleague is suspected of is flagged by itself")
            title = checked_text(title, "title", LONGEST_TITLE)
            purpose = self._policies.current(session, act.now).purpose(PURPOSE)
            until = None if purpose.period is None else purpose.period.after(act.now)
            review = None if purpose.review is None else purpose.review.after(act.now)
            view = self._holds.change(
                act,
                hold_id,
                purpose=PURPOSE,
                until=until,
                open_ended=until is None,
                review_at=review,
                reason=f"explained as {kind}",
            )
            incident_id = ids.reference("H")
            incident = Incident(
                id=incident_id,
                hold_id=hold_id,
                category=kind,
                title_text=self._sealed(act, incident_id, "title", title),
                starts_at=min(each.starts_at for each in view.windows),
                ends_at=max(each.ends_at for each in view.windows),
                opened_at=act.now,
                opened_by=actor.id,
            )
            session.add(incident)
            session.flush()
            act.record(
                Event.INCIDENT_EXPLAINED,
                incident_id,
                facts={"category": kind, "cameras": list(cameras), "hold": hold_id},
                details={"title": title},
                also=(hold_id, *cameras),
            )
            found = self._view(session, incident, act.now)
        return self._with_gaps(actor, found)


def _saved(hold: HoldView) -> Saved:
    return Saved(
        hold_id=hold.id,
        cameras=tuple(sorted({each.camera for each in hold.windows})),
        starts_at=min(each.starts_at for each in hold.windows),
        ends_at=max(each.ends_at for each in hold.windows),
        saved_at=hold.placed_at,
        saved_by=hold.placed_by,
        until=hold.until,
        recordings=hold.recordings,
        bytes=hold.bytes,
    )
