"""Incidents (händelser): a window over cameras, flagged by a person and kept under a hold.

Owns the rows of ``incident`` and ``incident_note``. Titles, notes and report numbers are sealed.
It refuses windows that cannot mean anything and Swedish personal identity numbers in any text;
that people are told of by role or description is otherwise a matter of the house. Closing ends the
keeping and never lengthens it (table A). What a colleague is suspected of is kept for a day until a
second person confirms that the suspicion is concrete (S4).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault import ids
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.catalogue import Catalogue, Gap
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import RESTRICTED, is_privacy_officer
from cctv_vault.incidents.paragraph import Case, Filmed, paragraph
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right, Role
from cctv_vault.retention.extensions import extensions_of
from cctv_vault.retention.holds import Ending, HoldOrder, Holds, HoldView
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import Policies
from cctv_vault.retention.policy import CATEGORIES, IncidentCategory
from cctv_vault.retention.rules import HASTE_REACHES, extension_faults
from cctv_vault.schema import (
    Camera,
    CustodyEntry,
    Hold,
    HoldWindow,
    Incident,
    IncidentNote,
    Request,
    RequestWindow,
)
from cctv_vault.views import iso

PURPOSE: Final = "incident"
SAVE_NOW: Final = "save-now"
LONGEST_ROLL: Final = timedelta(hours=1)
"""How much before and after an incident can be kept with it at most."""
_UNCONFIRMED_FOR: Final = timedelta(hours=24)
_CONFIRMS: Final = frozenset({Role.PRIVACY_OFFICER, Role.APPROVER})
_NUMBER: Final = re.compile(r"(?<!\d)(?:19|20)?(\d{6})[-+]?(\d{4})(?!\d)")
_LONGEST_TITLE: Final = 200
_LONGEST_NOTE: Final = 20_000
_LONGEST_NUMBER: Final = 100


class Category(StrEnum):
    """What kind of incident it is."""

    THEFT = "theft"
    ROBBERY = "robbery"
    THREAT = "threat"
    DAMAGE = "damage"
    ACCIDENT = "accident"
    SAFETY = "safety"
    TRESPASS_BAN = "trespass-ban"
    EMPLOYEE_CRIME = "employee-crime"
    OTHER = "other"


@dataclass(frozen=True)
class NoteView:
    """A note; ``by`` is an account's pseudonym."""

    at: datetime
    by: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class IncidentView:
    """An incident as people and pages see it.

    ``state`` is open, closed, or lapsed where its time ran out. Texts are empty once their keys
    are gone. ``recordings`` and ``bytes`` count what it keeps now. ``gaps`` are the stretches of
    its window without footage, as known now, so that nobody takes a flag for footage; they are
    looked up when it is flagged and shown, and in lists while it is open.
    """

    id: str
    title: str = field(repr=False)
    category: str
    cameras: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime
    opened_by: str
    until: datetime | None
    review_at: datetime | None
    report_number: str | None = field(repr=False)
    closed_at: datetime | None
    closed_by: str | None
    state: str
    recordings: int
    bytes: int
    gone: int
    notes: tuple[NoteView, ...]
    hold_id: str
    gaps: tuple[Gap, ...] = ()
    call: str = ""
    """How loudly its review is called for: soon, due, missed; empty while it is not."""
    requests: tuple[str, ...] = ()
    """Requests for the same time on the same cameras, as far as the person may know of them."""
    confirmed: bool = True
    """False while a second person has not confirmed what a colleague is suspected of."""


@dataclass(frozen=True)
class Reshaping:
    """What other times or cameras did to an incident, or with ``dry_run`` would do.

    ``added`` recordings are kept from then on; ``gone`` are of the new window and past keeping;
    ``dropped`` are kept by it no longer.
    """

    cameras: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    added: int
    gone: int
    dropped: Ending
    dry_run: bool


@dataclass(frozen=True)
class Saved:
    """What was saved in haste and is still to be explained; it lapses at ``until``."""

    hold_id: str
    cameras: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    saved_at: datetime
    saved_by: str
    until: datetime | None
    recordings: int
    bytes: int


class _UndoneError(Exception):
    """Takes back, with its transaction, a change that was only tried."""

    def __init__(self, effect: Reshaping) -> None:
        self.effect = effect
        super().__init__()


class Incidents:
    """The incidents of one vault."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        holds: Holds,
        policies: Policies,
        catalogue: Catalogue,
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._holds = holds
        self._policies = policies
        self._catalogue = catalogue

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
            title = _text(title, "title", _LONGEST_TITLE)
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
            text = _text(text, "note", _LONGEST_NOTE)
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

    def extend(self, actor: Actor, incident_id: str, until: datetime, reason: str) -> IncidentView:
        """Keep longer, by at most 30 days beyond the present end, as the policy lets (table A).

        Raises:
            InvalidInputError: It would not be longer, or too much longer, or has no reason.
        """
        cameras = self._cameras(incident_id)
        with self._ledger.act(
            Event.INCIDENT_EXTENDED, actor, cameras=cameras, subject=incident_id
        ) as act:
            actor.require(Right.INCIDENT_MANAGE)
            self._ledger.require_time(act.session)
            incident = self._open(act.session, incident_id, actor)
            self._require_confirmed(act.session, incident)
            reason = _text(reason, "reason", _LONGEST_NOTE)
            purpose = self._policies.current(act.session, act.now).purpose(PURPOSE)
            present = self._holds.view(act.session, incident.hold_id, act.now).until or act.now
            if until <= present:
                raise InvalidInputError(
                    f"{incident_id} is kept until {iso(present)} already; close it to end sooner"
                )
            faults = extension_faults(
                purpose,
                roles=actor.roles,
                earlier=extensions_of(act.session, incident_id),
                placed=incident.opened_at,
                present=present,
                until=until,
            )
            if faults:
                raise InvalidInputError("; ".join(faults))
            self._lengthen(act, incident, until, reason)
            act.record(
                Event.INCIDENT_EXTENDED,
                incident_id,
                facts={"from": iso(present), "until": iso(until)},
                details={"reason": reason},
                also=(incident.hold_id,),
            )
            return self._view(act.session, incident, act.now)

    def set_report_number(self, actor: Actor, incident_id: str, number: str) -> IncidentView:
        """Enter the police report's number: 90 days from today (table A)."""
        cameras = self._cameras(incident_id)
        with self._ledger.act(
            Event.INCIDENT_EXTENDED, actor, cameras=cameras, subject=incident_id
        ) as act:
            actor.require(Right.INCIDENT_MANAGE)
            self._ledger.require_time(act.session)
            incident = self._open(act.session, incident_id, actor)
            self._require_confirmed(act.session, incident)
            self._enter_number(act, incident, number)
            return self._view(act.session, incident, act.now)

    def reshape(
        self,
        actor: Actor,
        incident_id: str,
        *,
        cameras: Iterable[str],
        starts_at: datetime,
        ends_at: datetime,
        reason: str,
        dry_run: bool = False,
    ) -> Reshaping:
        """Widen or narrow an incident to other times or cameras; ``dry_run`` only tells the effect.

        What the new window no longer covers is let go at once, and comes back for nothing.

        Raises:
            TransitionNotAllowedError: It has ended.
            InvalidInputError: The window cannot be, or there is no reason.
        """
        wanted = tuple(sorted(set(cameras)))
        locked = sorted({*wanted, *self._cameras(incident_id)})
        try:
            with self._ledger.act(
                Event.INCIDENT_CHANGED, actor, cameras=locked, subject=incident_id
            ) as act:
                actor.require(Right.INCIDENT_MANAGE)
                self._ledger.require_time(act.session)
                incident = self._open(act.session, incident_id, actor)
                reason = "" if dry_run else _text(reason, "reason", _LONGEST_NOTE)
                effect = self._reshaped(act, incident, wanted, (starts_at, ends_at), reason)
                if dry_run:
                    raise _UndoneError(replace(effect, dry_run=True))  # noqa: TRY301
        except _UndoneError as undone:
            return undone.effect
        return effect

    def confirm(self, actor: Actor, incident_id: str, reason: str) -> None:
        """Confirm as a second person that what a colleague is suspected of is concrete (S4).

        It is then kept as any incident, 30 days from its flag. Whoever confirms need not be allowed
        to see it: the privacy officer tells them the reference and what it rests on.

        Raises:
            AccessDeniedError: The same person again, or one who may not confirm.
            TransitionNotAllowedError: It has ended, is confirmed, or needs no confirmation.
        """
        cameras = self._cameras(incident_id)
        with self._ledger.act(
            Event.INCIDENT_CONFIRMED, actor, cameras=cameras, subject=incident_id
        ) as act:
            actor.require_person()
            if not actor.roles & _CONFIRMS:
                raise AccessDeniedError(
                    f"a suspicion is confirmed by {' or '.join(sorted(_CONFIRMS))}"
                )
            self._ledger.require_time(act.session)
            incident = act.session.get(Incident, incident_id)
            if incident is None or incident.category not in RESTRICTED:
                raise NotFoundError("incident that needs a second person", incident_id)
            if incident.opened_by == actor.id:
                raise AccessDeniedError("a second person confirms it, not who flagged it")
            own = Role.PRIVACY_OFFICER in actor.roles
            if not own and actor.lent_by == {incident.opened_by}:
                raise AccessDeniedError("whoever flagged it lends nobody the right to confirm it")
            if self._is_confirmed(act.session, incident):
                raise TransitionNotAllowedError(f"{incident_id} is confirmed already")
            reason = _text(reason, "reason", _LONGEST_NOTE)
            purpose = self._policies.current(act.session, act.now).purpose(PURPOSE)
            if purpose.period is not None:
                until = purpose.period.after(incident.opened_at)
                self._lengthen(act, incident, until, "confirmed by a second person")
            act.record(
                Event.INCIDENT_CONFIRMED,
                incident_id,
                details={"reason": reason},
                also=(incident.hold_id,),
            )

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
            title = _text(title, "title", _LONGEST_TITLE)
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

    def report_paragraph(
        self, actor: Actor, incident_id: str, *, controller: str, zone: str
    ) -> str:
        """A paragraph about an incident to paste into a police report, in Swedish."""
        view = self.show(actor, incident_id)
        with self._database.read() as session:
            cameras = [session.get_one(Camera, each) for each in view.cameras]
        kinds = {each.code: each.sv for each in self.categories()}
        return paragraph(
            Case(
                reference=view.id,
                kind=kinds.get(view.category, view.category),
                starts_at=view.starts_at,
                ends_at=view.ends_at,
                until=view.until if view.state == "open" else None,
                report_number=view.report_number,
                recordings=view.recordings,
            ),
            [
                Filmed(
                    each.name,
                    each.place,
                    each.clock_uncertainty_s,
                    tuple(
                        (gap.starts_at, gap.ends_at) for gap in view.gaps if gap.camera == each.code
                    ),
                )
                for each in cameras
            ],
            controller=controller,
            zone=zone,
        )

    def categories(self) -> tuple[IncidentCategory, ...]:
        """The categories there are: every vault's, then those of the policy in force."""
        return (*CATEGORIES, *self._policies.in_force().categories)

    def close(self, actor: Actor, incident_id: str, reason: str) -> IncidentView:
        """End an incident: what nothing else keeps is refused at once and goes with the sweep."""
        cameras = self._cameras(incident_id)
        with self._ledger.act(
            Event.INCIDENT_CLOSED, actor, cameras=cameras, subject=incident_id
        ) as act:
            actor.require(Right.INCIDENT_MANAGE)
            incident = self._open(act.session, incident_id, actor)
            reason = _text(reason, "reason", _LONGEST_NOTE)
            self._holds.release(act, incident.hold_id, reason)
            incident.closed_at, incident.closed_by = act.now, actor.id
            act.session.add(incident)
            act.session.flush()
            act.record(
                Event.INCIDENT_CLOSED,
                incident_id,
                facts={"lapsed": False},
                details={"reason": reason},
                also=(incident.hold_id,),
            )
            return self._view(act.session, incident, act.now)

    def list(self, actor: Actor, *, open_only: bool = False) -> tuple[IncidentView, ...]:
        """The incidents the person may know of, the newest first."""
        self._may_list(actor)
        now = self._ledger.clock.now()
        query = select(Incident).order_by(col(Incident.opened_at).desc(), col(Incident.id))
        if open_only:
            query = query.where(col(Incident.closed_at).is_(None))
        if not is_privacy_officer(actor):
            query = query.where(col(Incident.category).not_in(RESTRICTED))
        with self._database.read() as session:
            views = tuple(
                self._view(session, each, now) for each in session.execute(query).scalars()
            )
        return tuple(
            self._with_gaps(actor, each) if each.state == "open" else each
            for each in views
            if not open_only or each.state == "open"
        )

    def show(self, actor: Actor, incident_id: str) -> IncidentView:
        """One incident with its notes.

        Raises:
            NotFoundError: There is none, or it is not for this person to know of.
        """
        self._may_list(actor)
        with (
            entered_if_refused(self._ledger, Event.INCIDENT_FLAGGED, actor, subject=incident_id),
            self._database.read() as session,
        ):
            incident = self._known(session, incident_id, actor)
            view = self._view(session, incident, self._ledger.clock.now())
            if actor.may(Right.REQUEST_READ):
                view = replace(view, requests=_requests(session, view, cleared=actor.cleared))
        return self._with_gaps(actor, view)

    # --- inside -------------------------------------------------------------------------------

    def _with_gaps(self, actor: Actor, view: IncidentView) -> IncidentView:
        gaps = self._catalogue.gaps_for(actor, view.cameras, view.starts_at, view.ends_at)
        return replace(view, gaps=gaps)

    def _may_list(self, actor: Actor) -> None:
        """Who flags, or reads the registers, reads the incidents."""
        if actor.is_person and not actor.may(Right.INCIDENT_FLAG):
            with entered_if_refused(self._ledger, Event.INCIDENT_FLAGGED, actor):
                actor.require(Right.REGISTER_READ)

    def _category(self, session: Session, name: str, now: datetime) -> str:
        own = [each.code for each in self._policies.current(session, now).categories]
        if name not in (*Category, *own):
            raise InvalidInputError(
                f"there is no category {name!r}; choose one of {', '.join((*Category, *own))}"
            )
        return name

    def _is_confirmed(self, session: Session, incident: Incident) -> bool:
        if incident.category not in RESTRICTED:
            return True
        found = session.execute(
            select(col(CustodyEntry.leaf_index)).where(
                col(CustodyEntry.subject) == incident.id,
                col(CustodyEntry.event) == Event.INCIDENT_CONFIRMED.value,
            )
        )
        return found.first() is not None

    def _require_confirmed(self, session: Session, incident: Incident) -> None:
        if not self._is_confirmed(session, incident):
            raise TransitionNotAllowedError(
                f"a second person must confirm {incident.id} first; until then it is kept a day"
            )

    def _reshaped(
        self,
        act: Act,
        incident: Incident,
        cameras: tuple[str, ...],
        span: tuple[datetime, datetime],
        reason: str,
    ) -> Reshaping:
        session, hold_id = act.session, incident.hold_id
        before = self._holds.kept(session, hold_id, act.now)
        view = self._holds.change(
            act, hold_id, windows=tuple((each, *span) for each in cameras), reason=reason
        )
        after = self._holds.kept(session, hold_id, act.now)
        dropped = self._holds.without(
            session,
            {each: size for each, size in before.items() if each not in after},
            act.now,
            hold_id=hold_id,
            sight=act.actor.sight,
        )
        incident.starts_at, incident.ends_at = span
        session.add(incident)
        session.flush()
        added = len(after.keys() - before.keys())
        act.record(
            Event.INCIDENT_CHANGED,
            incident.id,
            facts={
                "cameras": list(cameras),
                "from": iso(span[0]),
                "to": iso(span[1]),
                "added": added,
                "dropped": dropped.recordings,
            },
            details={"reason": reason},
            also=(hold_id, *cameras),
        )
        return Reshaping(cameras, *span, added, view.gone, dropped, dry_run=False)

    def _enter_number(self, act: Act, incident: Incident, number: str) -> None:
        number = _text(number, "report number", _LONGEST_NUMBER)
        incident.report_number_text = self._sealed(act, incident.id, "report-number", number)
        incident.report_number_at = act.now
        purpose = self._policies.current(act.session, act.now).purpose(PURPOSE)
        hold = self._holds.view(act.session, incident.hold_id, act.now)
        until = hold.until or act.now
        if purpose.after_report is not None:
            until = max(until, purpose.after_report.after(act.now))
        act.session.add(incident)
        act.session.flush()
        if hold.until is not None and until > hold.until:
            self._lengthen(act, incident, until, "police report number entered")
        act.record(
            Event.INCIDENT_EXTENDED,
            incident.id,
            facts={
                "from": None if hold.until is None else iso(hold.until),
                "until": iso(until),
                "report_number": True,
            },
            details={"number": number},
            also=(incident.hold_id,),
        )

    def _lengthen(self, act: Act, incident: Incident, until: datetime, reason: str) -> None:
        """Move the end, and the review with it, as far before the end as the policy has it."""
        purpose = self._policies.current(act.session, act.now).purpose(PURPOSE)
        review = until
        if purpose.period is not None and purpose.review is not None:
            review = max(act.now, until - (purpose.period.elapsed - purpose.review.elapsed))
        self._holds.change(act, incident.hold_id, until=until, review_at=review, reason=reason)

    def _known(self, session: Session, incident_id: str, actor: Actor) -> Incident:
        incident = session.get(Incident, incident_id)
        if incident is None or (incident.category in RESTRICTED and not is_privacy_officer(actor)):
            raise NotFoundError("incident", incident_id)
        return incident

    def _open(self, session: Session, incident_id: str, actor: Actor) -> Incident:
        incident = self._known(session, incident_id, actor)
        if incident.closed_at is not None:
            raise TransitionNotAllowedError(
                f"{incident_id} was closed {iso(incident.closed_at)}; flag the window again if "
                "anything of it is still kept"
            )
        return incident

    def _cameras(self, incident_id: str) -> Sequence[str]:
        """The cameras whose locks an act on an incident takes."""
        now = self._ledger.clock.now()
        with self._database.read() as session:
            incident = session.get(Incident, incident_id)
            if incident is None:
                return ()
            hold = self._holds.view(session, incident.hold_id, now)
            return sorted({each.camera for each in hold.windows})

    def _sealed(self, act: Act, incident_id: str, what: str, text: str) -> int:
        binding = f"incident/{incident_id}/{what}"
        return self._keyring.seal_text(act.session, text.encode(), binding, act.now)

    def _opened(self, session: Session, text_id: int | None) -> str:
        data = None if text_id is None else self._keyring.open_text(session, text_id)
        return (data or b"").decode()

    def _view(
        self, session: Session, incident: Incident, now: datetime, *, gone: int = 0
    ) -> IncidentView:
        hold = self._holds.view(session, incident.hold_id, now)
        notes = session.execute(
            select(IncidentNote)
            .where(col(IncidentNote.incident_id) == incident.id)
            .order_by(col(IncidentNote.id))
        ).scalars()
        number = incident.report_number_text
        return IncidentView(
            id=incident.id,
            title=self._opened(session, incident.title_text),
            category=incident.category,
            cameras=tuple(sorted({each.camera for each in hold.windows})),
            starts_at=incident.starts_at,
            ends_at=incident.ends_at,
            opened_at=incident.opened_at,
            opened_by=incident.opened_by,
            until=hold.until,
            review_at=hold.review_at,
            report_number=None if number is None else self._opened(session, number),
            closed_at=incident.closed_at,
            closed_by=incident.closed_by,
            state=_state(incident, hold),
            recordings=hold.recordings,
            bytes=hold.bytes,
            gone=gone,
            notes=tuple(
                NoteView(each.at, each.by, self._opened(session, each.text)) for each in notes
            ),
            hold_id=incident.hold_id,
            call=hold.call,
            confirmed=self._is_confirmed(session, incident),
        )


def _state(incident: Incident, hold: HoldView) -> str:
    if incident.closed_at is None:
        return "open" if hold.live else "lapsed"
    return "lapsed" if incident.closed_at == hold.until else "closed"


def _requests(session: Session, view: IncidentView, *, cleared: bool) -> tuple[str, ...]:
    """The requests whose windows meet the incident's on a camera of it."""
    query = (
        select(col(Request.id))
        .join(RequestWindow, col(RequestWindow.request_id) == col(Request.id))
        .where(
            col(RequestWindow.camera_code).in_(view.cameras),
            col(RequestWindow.starts_at) < view.ends_at,
            col(RequestWindow.ends_at) > view.starts_at,
        )
        .order_by(col(Request.received_at), col(Request.id))
    )
    if not cleared:
        query = query.where(col(Request.gagged).is_(False))
    return tuple(dict.fromkeys(session.execute(query).scalars()))


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


def _check_roll(pre_roll: timedelta, post_roll: timedelta) -> None:
    if not all(timedelta(0) <= each <= LONGEST_ROLL for each in (pre_roll, post_roll)):
        raise InvalidInputError("at most an hour before and after is kept with an incident")


def _text(text: str, what: str, longest: int) -> str:
    text = text.strip()
    if not text:
        raise InvalidInputError(f"the {what} is empty")
    if len(text) > longest:
        raise InvalidInputError(f"the {what} is longer than {longest} characters")
    if any(_is_person_number("".join(each)) for each in _NUMBER.findall(text)):
        raise InvalidInputError(
            f"the {what} holds a personal identity number; tell of people by role or description"
        )
    return text


def _is_person_number(ten: str) -> bool:
    """Whether ten digits are a Swedish personal or coordination number, by date and check digit."""
    month, day = int(ten[2:4]), int(ten[4:6])
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(ten)]
    luhn = sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0  # noqa: PLR2004
    return luhn and 1 <= month <= 12 and 1 <= (day - 60 if day > 60 else day) <= 31  # noqa: PLR2004


def _may_know(actor: Actor, category: str) -> None:
    """Raise where somebody flags what a colleague is suspected of (S4: no monitoring of staff)."""
    if category in RESTRICTED and not is_privacy_officer(actor):
        raise AccessDeniedError(
            f"{category} needs concrete suspicion and is flagged by the privacy officer"
        )
