"""Incidents (händelser): a window over cameras, flagged by a person and kept under a hold.

Owns the rows of ``incident`` and ``incident_note``, and the composition of the room: what was saved
in haste is explained by `haste`, what becomes of a flag is `changing`'s, and `reading` tells.
Titles, notes and report numbers are sealed. It refuses windows that cannot mean anything.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.errors import AccessDeniedError, InvalidInputError
from cctv_vault.gags import RESTRICTED, is_privacy_officer
from cctv_vault.incidents.changing import Changing
from cctv_vault.incidents.desk import PURPOSE
from cctv_vault.incidents.freetext import LONGEST_NOTE, LONGEST_TITLE, checked_text
from cctv_vault.incidents.haste import Haste
from cctv_vault.incidents.reading import Reading
from cctv_vault.incidents.views import IncidentView
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.schema import Incident, IncidentNote
from cctv_vault.views import iso

LONGEST_ROLL: Final = timedelta(hours=1)
"""How much before and after an incident can be kept with it at most."""
_UNCONFIRMED_FOR: Final = timedelta(hours=24)


class Incidents(Haste, Changing, Reading):
    """The incidents of one vault."""

    def flag(
        self,
        actor: Actor,
        *,
        cameras: Iterable[str],
        starts_at: datetime,
        ends_at: datetime,
        title: str,
        category: str,
        report_number: str | None = None,
        pre_roll: timedelta = timedelta(0),
        post_roll: timedelta = timedelta(0),
    ) -> IncidentView:
        """Keep a window over cameras as an incident: 30 days, 90 with a police report number.

        Only what was flagged moves to this purpose, the rest keeps its own (S4). ``pre_roll`` and
        ``post_roll`` of the time before and after are kept with it.

        Raises:
            InvalidInputError: The window, category or title cannot be.
            NotFoundError: There is no such camera.
            AccessDeniedError: The person may not flag, or not this category.
        """
        wanted = tuple(dict.fromkeys(cameras))
        with self._ledger.act(Event.INCIDENT_FLAGGED, actor, cameras=wanted) as act:
            actor.require(Right.INCIDENT_FLAG)
            self._ledger.require_time(act.session)
            kind = self._category(act.session, category, act.now)
            _may_know(actor, kind)
            title = checked_text(title, "title", LONGEST_TITLE)
            _check_roll(pre_roll, post_roll)
            held = (starts_at - pre_roll, ends_at + post_roll)
            incident_id = ids.reference("H")
            hold = self._holds.place(
                act,
                HoldOrder(
                    purpose=PURPOSE,
                    windows=tuple((each, *held) for each in wanted),
                    # Not the title: who may see a hold need not see what happened.
                    reason=f"incident {incident_id}",
                    until=act.now + _UNCONFIRMED_FOR if kind in RESTRICTED else None,
                    about_staff=kind in RESTRICTED,
                ),
            )
            incident = Incident(
                id=incident_id,
                hold_id=hold.id,
                category=kind,
                title_text=self._sealed(act, incident_id, "title", title),
                starts_at=starts_at,
                ends_at=ends_at,
                opened_at=act.now,
                opened_by=actor.id,
            )
            act.session.add(incident)
            act.session.flush()
            act.record(
                Event.INCIDENT_FLAGGED,
                incident_id,
                facts={
                    "category": kind,
                    "cameras": list(wanted),
                    "from": iso(starts_at),
                    "to": iso(ends_at),
                    "kept_from": iso(held[0]),
                    "kept_to": iso(held[1]),
                    "hold": hold.id,
                    "recordings": hold.recordings,
                    "gone": hold.gone,
                },
                details={"title": title},
                also=(hold.id, *wanted),
            )
            if report_number is not None:
                self._require_confirmed(act.session, incident)
                self._enter_number(act, incident, report_number)
            view = self._view(act.session, incident, act.now, gone=hold.gone)
        return self._with_gaps(actor, view)

    def note(self, actor: Actor, incident_id: str, text: str) -> IncidentView:
        """Add a note; a wrong one is corrected by a new one (S14)."""
        with self._ledger.act(Event.INCIDENT_NOTED, actor, subject=incident_id) as act:
            actor.require(Right.INCIDENT_FLAG)
            incident = self._known(act.session, incident_id, actor)
            text = checked_text(text, "note", LONGEST_NOTE)
            act.session.add(
                IncidentNote(
                    incident_id=incident_id,
                    at=act.now,
                    by=actor.id,
                    text=self._sealed(act, incident_id, "note", text),
                )
            )
            act.session.flush()
            act.record(Event.INCIDENT_NOTED, incident_id, details={"text": text})
            return self._view(act.session, incident, act.now)


def _check_roll(pre_roll: timedelta, post_roll: timedelta) -> None:
    if not all(timedelta(0) <= each <= LONGEST_ROLL for each in (pre_roll, post_roll)):
        raise InvalidInputError("at most an hour before and after is kept with an incident")


def _may_know(actor: Actor, category: str) -> None:
    """Raise where somebody flags what a colleague is suspected of (S4: no monitoring of staff)."""
    if category in RESTRICTED and not is_privacy_officer(actor):
        raise AccessDeniedError(
            f"{category} needs concrete suspicion and is flagged by the privacy officer"
        )
