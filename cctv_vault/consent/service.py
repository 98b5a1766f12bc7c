"""Consent for course material: who is in an item, who allows what, and where it was published.

Owns the registers of people, texts, consents and publications. It refuses every act on footage of
surveillance (S6, S7, S9; no right and no reason helps), publishing past anybody's answer, and
reviving what a withdrawal ended. Names, contacts and places are sealed like every other name: they
end five years after they were last needed, and the log holds none of them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from cctv_vault.consent.rules import (
    PRODUCTION,
    Agreement,
    Channel,
    Item,
    Method,
    Obstacle,
    Verdict,
    consent_until,
    ends_purpose,
    giving_faults,
    item_until,
    left_out,
    place_faults,
    publishable,
)
from cctv_vault.custody.canonical import Json, canonical_json, parse_canonical
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import (
    ExpiredError,
    GateNotMetError,
    InvalidInputError,
    NotFoundError,
    ProhibitedError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.access import FootageAccess, Permit, PublishingCopy
from cctv_vault.footage.copies import PUBLICATION, CopyView
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.ids import reference
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.grants import LATE, Grants
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import Policies
from cctv_vault.schema import (
    Camera,
    Consent,
    ConsentText,
    ItemPeople,
    ItemPerson,
    Publication,
    Recording,
    Subject,
)
from cctv_vault.views import iso

PAGE: Final = 200
_LONGEST_LINE: Final = 300
_LONGEST_TEXT: Final = 20_000


@dataclass(frozen=True, repr=False)
class TextView:
    """A version of the text people consent to."""

    version: int
    document: str
    published_at: datetime
    published_by: str


@dataclass(frozen=True, repr=False)
class ConsentView:
    """One person's consent to one item on one channel; ``state`` is live, ended or withdrawn."""

    id: str
    subject: str
    item: str
    channel: str
    text_version: int
    method: str
    by_guardian: bool
    evidence: str
    given_at: datetime
    registered_at: datetime
    registered_by: str
    until: datetime
    withdrawn_at: datetime | None
    state: str


@dataclass(frozen=True, repr=False)
class SubjectView:
    """A person in course material; everything but the id is empty once its key has ended."""

    id: str
    name: str
    contact: str
    guardian: str
    child_until: date | None
    is_child: bool
    added_at: datetime
    items: tuple[str, ...]
    consents: tuple[ConsentView, ...]


@dataclass(frozen=True, repr=False)
class PublicationView:
    """Where an item stands; ``state`` is published, take-down (must go) or taken-down."""

    id: str
    item: str
    channel: str
    place: str
    published_at: datetime
    published_by: str
    until: datetime
    state: str
    ordered_down_at: datetime | None
    taken_down_at: datetime | None
    taken_down_by: str | None
    taken_down_how: str


@dataclass(frozen=True, repr=False)
class PersonView:
    """Somebody identifiable in an item, with the channels they agree to now."""

    id: str
    name: str
    is_child: bool
    channels: tuple[str, ...]


@dataclass(frozen=True)
class ChannelView:
    """Whether an item may be published on a channel now; else why not, and who has not agreed."""

    channel: str
    allowed: bool
    until: datetime | None
    obstacle: str | None
    missing: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class ItemView:
    """A course photograph or film: who is in it, where it may be shown and where it is.

    ``people`` is empty where nobody can be identified; that is a fact only where ``declared_at``
    is set. ``kept_until`` is None once its purpose has ended.
    """

    id: str
    camera: str
    kind: str
    started_at: datetime
    original_name: str
    kept_until: datetime | None
    declared_at: datetime | None
    declared_by: str | None
    people: tuple[PersonView, ...]
    channels: tuple[ChannelView, ...]
    consents: tuple[ConsentView, ...]
    publications: tuple[PublicationView, ...]


@dataclass(frozen=True, repr=False)
class Withdrawal:
    """What a withdrawal did: what it took back, which items it ended, and what must be removed.

    ``copies`` are those made for publishing, which must be destroyed.
    """

    subject: str
    consents: tuple[str, ...]
    items: tuple[str, ...]
    ended: tuple[str, ...]
    take_down: tuple[PublicationView, ...]
    copies: tuple[str, ...]


class Consents:
    """The registers of consent of one vault."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        grants: Grants,
        policies: Policies,
        access: FootageAccess,
        zone: str,
    ) -> None:
        """All belong to the vault; ``zone`` is where a child's birthday begins."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._grants = grants
        self._policies = policies
        self._access = access
        self._zone = ZoneInfo(zone)

    # --- people and texts ---------------------------------------------------------------------

    def add_subject(
        self,
        actor: Actor,
        name: str,
        *,
        contact: str = "",
        child_until: date | None = None,
        guardian: str = "",
    ) -> SubjectView:
        """Enter a person; ``child_until`` is the day a child comes of age.

        Raises:
            AccessDeniedError: The person who acts keeps no consents.
            InvalidInputError: There is no name, or a child without a guardian.
        """
        with self._ledger.act(Event.SUBJECT_ADDED, actor) as act:
            actor.require(Right.CONSENT_KEEP)
            body: dict[str, Json] = {
                "name": _line(name, "name"),
                "contact": _line(contact, "contact", empty=True),
                "guardian": _line(guardian, "guardian", empty=True),
                "child_until": None if child_until is None else child_until.isoformat(),
            }
            if child_until is not None and not body["guardian"]:
                raise InvalidInputError("a child needs a guardian, who consents (S7)")
            subject_id = reference("P")
            row = Subject(
                id=subject_id,
                body_text=self._seal(act, body, f"subject/{subject_id}"),
                added_at=act.now,
                added_by=actor.id,
            )
            act.session.add(row)
            act.record(Event.SUBJECT_ADDED, subject_id, details=body)
            act.session.flush()
            return self._subject_view(act.session, row, act.now)

    def subjects(self, actor: Actor) -> tuple[SubjectView, ...]:
        """All people, by name."""
        self._may_read(actor)
        now = self._ledger.clock.now()
        with self._database.read() as session:
            views = [self._subject_view(session, row, now) for row in session.exec(select(Subject))]
        return tuple(sorted(views, key=lambda each: (each.name.casefold(), each.id)))

    def subject(self, actor: Actor, subject_id: str) -> SubjectView:
        """One person with every consent.

        Raises:
            NotFoundError: There is none.
        """
        self._may_read(actor)
        with (
            entered_if_refused(self._ledger, Event.CONSENT_GIVEN, actor, subject=subject_id),
            self._database.read() as session,
        ):
            now = self._ledger.clock.now()
            return self._subject_view(session, _subject(session, subject_id), now)

    def publish_text(self, actor: Actor, document: str) -> TextView:
        """Publish the next version of the text people consent to.

        Raises:
            AccessDeniedError: The person is not the privacy officer.
            InvalidInputError: It is empty, too long, or the version in force again.
        """
        with self._ledger.act(Event.CONSENT_TEXT_PUBLISHED, actor) as act:
            actor.require(Right.POLICY_PUBLISH)
            document = document.strip()
            if not document or len(document) > _LONGEST_TEXT:
                raise InvalidInputError(f"the text has between 1 and {_LONGEST_TEXT} characters")
            newest = _newest_text(act.session)
            if newest is not None and newest.document == document:
                raise InvalidInputError(f"that is version {newest.version} already")
            row = ConsentText(
                version=1 if newest is None else newest.version + 1,
                document=document,
                published_at=act.now,
                published_by=actor.id,
            )
            act.session.add(row)
            act.record(
                Event.CONSENT_TEXT_PUBLISHED, facts={"version": row.version, "text": document}
            )
            return _text_view(row)

    def texts(self, actor: Actor) -> tuple[TextView, ...]:
        """Every version of the text, the newest first."""
        self._may_read(actor)
        with self._database.read() as session:
            query = select(ConsentText).order_by(col(ConsentText.version).desc())
            return tuple(_text_view(row) for row in session.exec(query))

    # --- who is in an item --------------------------------------------------------------------

    def declare(self, actor: Actor, item_id: str, people: Sequence[str]) -> ItemView:
        """Say who can be identified in an item, all of them; an empty list says: nobody.

        Raises:
            ProhibitedError: It is footage of surveillance.
            NotFoundError: There is no such recording or person.
            ExpiredError: Its purpose has ended.
            InvalidInputError: Somebody is left out who has answered for it.
        """
        with self._acting(actor, Event.ITEM_DECLARED, item_id) as act:
            session = act.session
            recording, item = self._known(act, item_id)
            chosen = tuple(sorted({_subject(session, each).id for each in people}))
            answered = {each.subject for each in item.agreements}
            _refuse(left_out(chosen, answered))
            for row in session.exec(
                select(ItemPerson).where(col(ItemPerson.recording_id) == item_id)
            ):
                session.delete(row)
            session.flush()
            session.add_all(ItemPerson(recording_id=item_id, subject_id=each) for each in chosen)
            session.merge(
                ItemPeople(recording_id=item_id, declared_at=act.now, declared_by=actor.id)
            )
            session.flush()
            act.record(
                Event.ITEM_DECLARED,
                item_id,
                facts={"people": list(chosen), "nobody": not chosen},
                also=(recording.camera_code, *chosen),
            )
            return self._item_views(session, [recording], act.now)[0]

    # --- consent ------------------------------------------------------------------------------

    def give(
        self,
        actor: Actor,
        subject_id: str,
        *,
        items: Sequence[str],
        channels: Sequence[str],
        method: str,
        evidence: str,
        text_version: int | None = None,
        by_guardian: bool = False,
        given_at: datetime | None = None,
    ) -> tuple[ConsentView, ...]:
        """Enter what a person, or a child's guardian, has agreed to: each item on each channel.

        An item ends at the latest when the last consent of somebody in it has run out.

        Args:
            actor: Who enters it.
            subject_id: Who is in the items.
            items: Recordings of production.
            channels: Of `Channel`.
            method: Of `Method`.
            evidence: What shows it: where the signed paper lies, who heard it.
            text_version: The version of the text agreed to; None for the newest.
            by_guardian: Whether the guardian gave it.
            given_at: When it was given, UTC; None where it is given as it is entered.

        Raises:
            ProhibitedError: An item is footage of surveillance.
            NotFoundError: There is no such person, recording or version.
            ExpiredError: An item's purpose has ended.
            InvalidInputError: Something of it cannot be; all that is wrong is named.
        """
        with self._acting(actor, Event.CONSENT_GIVEN, subject_id) as act:
            self._ledger.require_time(act.session)
            session, now = act.session, act.now
            subject = _subject(session, subject_id)
            found = {each: self._known(act, each) for each in dict.fromkeys(items)}
            wanted = [_channel(each).value for each in dict.fromkeys(channels)]
            if not found or not wanted:
                raise InvalidInputError("a consent needs at least one item and one channel")
            how = _method(method).value
            text = _text(session, text_version)
            body = self._body(session, subject)
            of_age = self._of_age(body)
            given = now if given_at is None else given_at.astimezone(UTC)
            period = self._policies.current(session, now).base(PRODUCTION).period
            if period is None:
                raise InvalidInputError("the policy gives course material no period")
            until = consent_until(period, given, of_age if by_guardian else None)
            _refuse(
                giving_faults(
                    given=given,
                    now=now,
                    text_published=text.published_at,
                    until=until,
                    of_age=of_age,
                    by_guardian=by_guardian,
                    guardian=bool(body.get("guardian")),
                )
                + [
                    f"{subject_id} is not among the people declared to be in {each}"
                    for each, (_, item) in found.items()
                    if item.people is not None and subject_id not in item.people
                ]
            )
            proof: dict[str, Json] = {
                "evidence": _line(evidence, "evidence"),
                "by_guardian": by_guardian,
            }
            # What the register still needs to know of them lasts as long as their newest answer.
            subject.body_text = self._seal(act, body, f"subject/{subject_id}")
            session.add(subject)
            views = []
            for item_id, (recording, _) in found.items():
                for channel in wanted:
                    consent_id = reference("C")
                    row = Consent(
                        id=consent_id,
                        subject_id=subject_id,
                        recording_id=item_id,
                        channel=channel,
                        text_version=text.version,
                        method=how,
                        evidence_text=self._seal(act, proof, f"consent/{consent_id}"),
                        given_at=given,
                        registered_at=now,
                        registered_by=actor.id,
                        until=until,
                    )
                    session.add(row)
                    act.record(
                        Event.CONSENT_GIVEN,
                        consent_id,
                        facts={
                            "item": item_id,
                            "channel": channel,
                            "text": text.version,
                            "method": how,
                        },
                        details={**proof, "given_at": iso(given), "until": iso(until)},
                        also=(subject_id, item_id, recording.camera_code),
                    )
                    session.flush()
                    views.append(self._consent_view(session, row, now))
            self._bound(act, [recording for recording, _ in found.values()])
            return tuple(views)

    def withdraw(
        self,
        actor: Actor,
        subject_id: str,
        *,
        items: Sequence[str] = (),
        channels: Sequence[str] = (),
        words: str = "",
    ) -> Withdrawal:
        """Take consent back in one step: unpublish, delete, log (S8).

        Without ``items`` everything the person is in or ever agreed to, without ``channels`` all of
        them. No reason is asked for. An item for which nothing of their consent is left loses its
        purpose at once: it cannot be opened any more, the next sweep destroys its key, and nothing
        revives it. What must be taken down where it was published is told.

        Raises:
            NotFoundError: There is no such person.
            InvalidInputError: There is nothing of theirs to take back.
        """
        with self._acting(actor, Event.CONSENT_WITHDRAWN, subject_id) as act:
            session, now = act.session, act.now
            subject = _subject(session, subject_id)
            only = {_channel(each).value for each in channels}
            taken = [
                row
                for row in session.exec(
                    select(Consent).where(
                        col(Consent.subject_id) == subject_id,
                        col(Consent.withdrawn_at).is_(None),
                        col(Consent.until) > now,
                    )
                )
                if (not items or row.recording_id in items) and (not only or row.channel in only)
            ]
            touched = {row.recording_id for row in taken}
            if not only:
                touched |= {
                    each for each in _items_of(session, subject_id) if not items or each in items
                }
            if not touched:
                raise InvalidInputError(f"{subject_id} has nothing there to take back")
            for row in taken:
                row.withdrawn_at, row.withdrawn_by = now, actor.id
                session.add(row)
            body = self._body(session, subject)
            subject.body_text = self._seal(act, body, f"subject/{subject_id}")
            session.add(subject)
            session.flush()
            ended, down, copies = self._enforce(act, sorted(touched), subject_id)
            act.record(
                Event.CONSENT_WITHDRAWN,
                subject_id,
                facts={
                    "consents": sorted(row.id for row in taken),
                    "channels": sorted(only),
                    "items": sorted(touched),
                    "ended": list(ended),
                    "take_down": [row.id for row in down],
                    "copies": list(copies),
                },
                details={"words": _line(words, "words", empty=True)} if words else None,
                also=(
                    *sorted(touched),
                    *(row.id for row in taken),
                    *(row.id for row in down),
                    *copies,
                ),
            )
            return Withdrawal(
                subject=subject_id,
                consents=tuple(sorted(row.id for row in taken)),
                items=tuple(sorted(touched)),
                ended=ended,
                take_down=tuple(
                    self._publication_view(session, row, allowed=False) for row in down
                ),
                copies=copies,
            )

    # --- publishing ---------------------------------------------------------------------------

    def publish(self, actor: Actor, item_id: str, channel: str, place: str) -> PublicationView:
        """Record that an item is published somewhere; only where everybody in it agrees (S7).

        Raises:
            ProhibitedError: It is footage of surveillance, or the place is Google's.
            GateNotMetError: Nobody said who is in it, or somebody has not agreed.
            ExpiredError: Its purpose has ended.
        """
        with self._acting(actor, Event.ITEM_PUBLISHED, item_id) as act:
            self._ledger.require_time(act.session)  # a clock set back revives no consent
            session, now = act.session, act.now
            recording, item = self._known(act, item_id)
            where = _channel(channel).value
            _allowed(publishable(item, where, now), item_id, where)
            place = _line(place, "place", empty=True)
            faults = place_faults(place)
            if faults:
                raise (ProhibitedError if place else InvalidInputError)("; ".join(faults))
            until = publishable(item, where, now).until or now
            publication_id = reference("U")
            row = Publication(
                id=publication_id,
                recording_id=item_id,
                channel=where,
                place_text=self._seal(act, {"place": place}, f"publication/{publication_id}"),
                published_at=now,
                published_by=actor.id,
                until=until,
            )
            session.add(row)
            act.record(
                Event.ITEM_PUBLISHED,
                publication_id,
                facts={"item": item_id, "channel": where},
                details={"place": place, "until": iso(until)},
                also=(item_id, recording.camera_code, *sorted(item.people or ())),
            )
            session.flush()
            return self._publication_view(session, row, allowed=True)

    def export(self, actor: Actor, item_id: str, channel: str) -> PublishingCopy:
        """Take an item out to publish it on a channel (S7): its original, bit for bit.

        Only what may be published there is handed out, and only until the first of the consents it
        rests on ends: then the copy must be destroyed, and a withdrawal ends it at once. The log
        names the channel and the versions of the text that were agreed to.

        Raises:
            ProhibitedError: It is footage of surveillance.
            GateNotMetError: Nobody said who is in it, or somebody has not agreed.
            ExpiredError: Its purpose has ended.
        """

        def permit(act: Act) -> Permit:
            actor.require(Right.CONSENT_KEEP)
            self._ledger.require_time(act.session)
            _, item = self._known(act, item_id)
            where = _channel(channel).value
            verdict = publishable(item, where, act.now)
            _allowed(verdict, item_id, where)
            people = sorted(item.people or ())
            consents = act.session.exec(
                select(Consent.text_version).where(
                    col(Consent.recording_id) == item_id,
                    col(Consent.channel) == where,
                    col(Consent.subject_id).in_(people),
                    col(Consent.withdrawn_at).is_(None),
                    col(Consent.until) > act.now,
                )
            )
            facts: dict[str, Json] = {
                "channel": where,
                "people": list(people),
                "texts": sorted(set(consents)),
            }
            return Permit(where, verdict.until or act.now, facts)

        return self._access.publishing_copy(actor, item_id, f"publication: {channel}", permit)

    def copies_to_destroy(self, actor: Actor) -> tuple[CopyView, ...]:
        """Copies for publication that may be kept no longer and nobody has said are destroyed."""
        return tuple(
            each
            for each in self._access.copies.list(actor, open_only=True)
            if each.purpose.startswith(PUBLICATION) and each.end_at <= self._ledger.clock.now()
        )

    def confirm_taken_down(self, actor: Actor, publication_id: str, how: str) -> PublicationView:
        """A person confirms that a publication is gone, and how it was made sure.

        Raises:
            NotFoundError: There is no such publication.
            TransitionNotAllowedError: That was confirmed before.
        """
        with self._acting(actor, Event.ITEM_TAKEN_DOWN, publication_id) as act:
            session = act.session
            row = session.get(Publication, publication_id, with_for_update=True)
            if row is None:
                raise NotFoundError("publication", publication_id)
            if row.taken_down_at is not None:
                raise TransitionNotAllowedError(
                    f"that {publication_id} is taken down was confirmed {iso(row.taken_down_at)}"
                )
            detail = {"how": _line(how, "way it was taken down")}
            row.taken_down_at, row.taken_down_by = act.now, actor.id
            row.taken_down_text = self._seal(act, detail, f"publication/{publication_id}/down")
            session.add(row)
            act.record(
                Event.ITEM_TAKEN_DOWN,
                publication_id,
                facts={"item": row.recording_id, "channel": row.channel},
                details=detail,
                also=(row.recording_id,),
            )
            session.flush()
            return self._publication_view(session, row, allowed=False)

    def publications(self, actor: Actor, *, due_only: bool = False) -> tuple[PublicationView, ...]:
        """Where items were published, the newest first; ``due_only`` what must be taken down."""
        self._may_read(actor)
        now = self._ledger.clock.now()
        query = select(Publication).order_by(
            col(Publication.published_at).desc(), col(Publication.id)
        )
        if due_only:
            query = query.where(col(Publication.taken_down_at).is_(None))
        with self._database.read() as session:
            views = self._publication_views(session, session.exec(query).all(), now)
        return tuple(each for each in views if not due_only or each.state == "take-down")

    # --- telling of items ---------------------------------------------------------------------

    def items(self, actor: Actor, *, limit: int = PAGE) -> tuple[ItemView, ...]:
        """The newest items of production that are kept."""
        self._may_read(actor)
        now = self._ledger.clock.now()
        query = (
            select(Recording)
            .where(col(Recording.origin) == PRODUCTION, col(Recording.state) == "kept")
            .order_by(col(Recording.started_at).desc(), col(Recording.id))
            .limit(limit)
        )
        with self._database.read() as session:
            views = self._item_views(session, session.exec(query).all(), now)
        return tuple(each for each in views if each.kept_until is not None)

    def item(self, actor: Actor, item_id: str) -> ItemView:
        """One item, also after its purpose has ended.

        Raises:
            NotFoundError: There is no such recording.
            ProhibitedError: It is footage of surveillance.
        """
        self._may_read(actor)
        with (
            entered_if_refused(self._ledger, Event.CONSENT_GIVEN, actor, subject=item_id),
            self._database.read() as session,
        ):
            recording = _recording(session, item_id)
            return self._item_views(session, [recording], self._ledger.clock.now())[0]

    # --- inside: acting -----------------------------------------------------------------------

    @contextmanager
    def _acting(self, actor: Actor, event: Event, subject: str) -> Iterator[Act]:
        """An act of somebody who keeps consents, under the locks of the cameras of production."""
        with self._database.read() as session:
            codes = session.exec(select(Camera.code).where(Camera.origin == PRODUCTION)).all()
        with self._ledger.act(event, actor, cameras=codes, subject=subject) as act:
            actor.require(Right.CONSENT_KEEP)
            yield act

    def _known(self, act: Act, item_id: str) -> tuple[Recording, Item]:
        """An item of production whose purpose lives, with the facts the rules look at."""
        recording = _recording(act.session, item_id)
        item = self._facts(act.session, [recording], act.now)[item_id]
        if item.kept_until is None:
            raise ExpiredError(f"the purpose of {item_id} has ended, and nothing revives it")
        return recording, item

    def _enforce(
        self, act: Act, items: Sequence[str], subject_id: str
    ) -> tuple[tuple[str, ...], list[Publication], tuple[str, ...]]:
        """After a withdrawal: the items that end, and the publications and copies that must go."""
        session, now = act.session, act.now
        rows = session.exec(select(Recording).where(col(Recording.id).in_(items))).all()
        facts = self._facts(session, rows, now)
        ended = []
        for row in sorted(rows, key=lambda each: each.id):
            item = facts[row.id]
            if item.kept_until is not None and ends_purpose(item, subject_id, now):
                self._grants.end_base(session, row.id, now)
                act.record(
                    Event.CONSENT_PURPOSE_ENDED,
                    row.id,
                    facts={"because": "withdrawn"},
                    also=(subject_id, row.camera_code),
                )
                ended.append(row.id)
        self._bound(act, [row for row in rows if row.id not in ended])
        facts = self._facts(session, rows, now)
        down = []
        for each in session.exec(
            select(Publication)
            .where(
                col(Publication.recording_id).in_(items),
                col(Publication.taken_down_at).is_(None),
                col(Publication.ordered_down_at).is_(None),
            )
            .order_by(col(Publication.id))
        ):
            if not publishable(facts[each.recording_id], each.channel, now).allowed:
                each.ordered_down_at = now
                session.add(each)
                down.append(each)
        copies = [
            copy
            for each in rows
            for copy in self._access.copies.end_publication(
                act,
                each.id,
                [x for x in Channel if not publishable(facts[each.id], x.value, now).allowed],
            )
        ]
        session.flush()
        return tuple(ended), down, tuple(sorted(copies))

    def _bound(self, act: Act, rows: Sequence[Recording]) -> None:
        """No item is kept longer than everybody who agreed to it has agreed (table A)."""
        facts = self._facts(act.session, rows, act.now)
        for row in rows:
            agreed = facts[row.id].agreements
            self._grants.bound_base(act, row, partial(item_until, agreed))

    # --- inside: facts ------------------------------------------------------------------------

    def _facts(
        self, session: Session, recordings: Sequence[Recording], now: datetime
    ) -> dict[str, Item]:
        wanted = [row.id for row in recordings]
        live = self._grants.live(session, wanted, now)
        declared = set(
            session.exec(
                select(ItemPeople.recording_id).where(col(ItemPeople.recording_id).in_(wanted))
            )
        )
        people: dict[str, set[str]] = defaultdict(set)
        for person in session.exec(
            select(ItemPerson).where(col(ItemPerson.recording_id).in_(wanted))
        ):
            people[person.recording_id].add(person.subject_id)
        agreements: dict[str, list[Agreement]] = defaultdict(list)
        for row in session.exec(select(Consent).where(col(Consent.recording_id).in_(wanted))):
            agreements[row.recording_id].append(
                Agreement(row.subject_id, row.channel, row.until, row.withdrawn_at)
            )
        return {
            row.id: Item(
                origin=row.origin,
                people=frozenset(people[row.id]) if row.id in declared else None,
                # A hold keeps for its own purpose, and what came late waits for a request.
                kept_until=max(
                    (
                        each.until
                        for each in live.get(row.id, ())
                        if each.hold_id is None and each.until is not None and each.purpose != LATE
                    ),
                    default=None,
                ),
                agreements=tuple(agreements[row.id]),
            )
            for row in recordings
        }

    # --- inside: sealed -----------------------------------------------------------------------

    def _seal(self, act: Act, value: Mapping[str, Json], binding: str) -> int:
        return self._keyring.seal_text(act.session, canonical_json(value), binding, act.now)

    def _open(self, session: Session, text_id: int | None) -> dict[str, Any]:
        data = None if text_id is None else self._keyring.open_text(session, text_id)
        value = None if data is None else parse_canonical(data)
        return dict(value) if isinstance(value, Mapping) else {}

    def _body(self, session: Session, subject: Subject) -> dict[str, Any]:
        body = self._open(session, subject.body_text)
        if not body:
            raise ExpiredError(f"what was known of {subject.id} has ended; enter the person anew")
        return body

    def _of_age(self, body: Mapping[str, Any]) -> datetime | None:
        """When a child comes of age: the first moment of that day where the vault is."""
        text = body.get("child_until")
        if not isinstance(text, str):
            return None
        return datetime.combine(date.fromisoformat(text), time(), self._zone).astimezone(UTC)

    # --- inside: views ------------------------------------------------------------------------

    def _may_read(self, actor: Actor) -> None:
        if actor.is_person:
            with entered_if_refused(self._ledger, Event.CONSENT_GIVEN, actor):
                actor.require(Right.REGISTER_READ)

    def _subject_view(self, session: Session, row: Subject, now: datetime) -> SubjectView:
        body = self._open(session, row.body_text)
        of_age = self._of_age(body)
        rows = session.exec(
            select(Consent)
            .where(col(Consent.subject_id) == row.id)
            .order_by(col(Consent.registered_at), col(Consent.id))
        )
        return SubjectView(
            id=row.id,
            name=str(body.get("name", "")),
            contact=str(body.get("contact", "")),
            guardian=str(body.get("guardian", "")),
            child_until=None if of_age is None else date.fromisoformat(str(body["child_until"])),
            is_child=of_age is not None and now < of_age,
            added_at=row.added_at,
            items=tuple(sorted(_items_of(session, row.id))),
            consents=tuple(self._consent_view(session, each, now) for each in rows),
        )

    def _consent_view(self, session: Session, row: Consent, now: datetime) -> ConsentView:
        proof = self._open(session, row.evidence_text)
        ended = "live" if now < row.until else "ended"
        return ConsentView(
            id=row.id,
            subject=row.subject_id,
            item=row.recording_id,
            channel=row.channel,
            text_version=row.text_version,
            method=row.method,
            by_guardian=proof.get("by_guardian") is True,
            evidence=str(proof.get("evidence", "")),
            given_at=row.given_at,
            registered_at=row.registered_at,
            registered_by=row.registered_by,
            until=row.until,
            withdrawn_at=row.withdrawn_at,
            state=ended if row.withdrawn_at is None else "withdrawn",
        )

    def _publication_views(
        self, session: Session, rows: Sequence[Publication], now: datetime
    ) -> list[PublicationView]:
        wanted = {row.recording_id for row in rows if row.taken_down_at is None}
        recordings = [session.get_one(Recording, each) for each in sorted(wanted)]
        facts = self._facts(session, recordings, now)
        return [
            self._publication_view(
                session,
                row,
                allowed=row.recording_id in facts
                and publishable(facts[row.recording_id], row.channel, now).allowed,
            )
            for row in rows
        ]

    def _publication_view(
        self, session: Session, row: Publication, *, allowed: bool
    ) -> PublicationView:
        if row.taken_down_at is not None:
            state = "taken-down"
        else:
            state = "published" if allowed and row.ordered_down_at is None else "take-down"
        return PublicationView(
            id=row.id,
            item=row.recording_id,
            channel=row.channel,
            place=str(self._open(session, row.place_text).get("place", "")),
            published_at=row.published_at,
            published_by=row.published_by,
            until=row.until,
            state=state,
            ordered_down_at=row.ordered_down_at,
            taken_down_at=row.taken_down_at,
            taken_down_by=row.taken_down_by,
            taken_down_how=str(self._open(session, row.taken_down_text).get("how", "")),
        )

    def _item_views(
        self, session: Session, rows: Sequence[Recording], now: datetime
    ) -> list[ItemView]:
        facts = self._facts(session, rows, now)
        wanted = list(facts)
        declared = {
            each.recording_id: each
            for each in session.exec(
                select(ItemPeople).where(col(ItemPeople.recording_id).in_(wanted))
            )
        }
        consents: dict[str, list[ConsentView]] = defaultdict(list)
        for row in session.exec(
            select(Consent)
            .where(col(Consent.recording_id).in_(wanted))
            .order_by(col(Consent.registered_at), col(Consent.id))
        ):
            consents[row.recording_id].append(self._consent_view(session, row, now))
        published: dict[str, list[PublicationView]] = defaultdict(list)
        found = session.exec(
            select(Publication)
            .where(col(Publication.recording_id).in_(wanted))
            .order_by(col(Publication.published_at), col(Publication.id))
        ).all()
        for each in self._publication_views(session, found, now):
            published[each.item].append(each)
        person = self._person_of(session, now)
        return [
            ItemView(
                id=row.id,
                camera=row.camera_code,
                kind=row.kind,
                started_at=row.started_at,
                original_name="" if facts[row.id].kept_until is None else row.original_name,
                kept_until=facts[row.id].kept_until,
                declared_at=declared[row.id].declared_at if row.id in declared else None,
                declared_by=declared[row.id].declared_by if row.id in declared else None,
                people=tuple(
                    sorted(
                        (person(each, facts[row.id]) for each in facts[row.id].people or ()),
                        key=lambda each: (each.name.casefold(), each.id),
                    )
                ),
                channels=tuple(_channel_views(facts[row.id], now)),
                consents=tuple(consents[row.id]),
                publications=tuple(published[row.id]),
            )
            for row in rows
        ]

    def _person_of(self, session: Session, now: datetime) -> Callable[[str, Item], PersonView]:
        """Tells of somebody in an item; each sealed name is opened once."""
        bodies: dict[str, dict[str, Any]] = {}

        def person(subject_id: str, item: Item) -> PersonView:
            if subject_id not in bodies:
                body_text = session.get_one(Subject, subject_id).body_text
                bodies[subject_id] = self._open(session, body_text)
            of_age = self._of_age(bodies[subject_id])
            agreed = {
                each.channel
                for each in item.agreements
                if each.subject == subject_id and each.holds(now)
            }
            return PersonView(
                subject_id,
                str(bodies[subject_id].get("name", "")),
                of_age is not None and now < of_age,
                tuple(each.value for each in Channel if each.value in agreed),
            )

        return person


def _channel_views(item: Item, now: datetime) -> Iterable[ChannelView]:
    for channel in Channel:
        verdict = publishable(item, channel.value, now)
        yield ChannelView(
            channel.value,
            verdict.allowed,
            verdict.until,
            None if verdict.obstacle is None else verdict.obstacle.value,
            verdict.missing,
        )


def _allowed(verdict: Verdict, item_id: str, channel: str) -> None:
    """Raise unless an item may be published on a channel."""
    if verdict.obstacle is Obstacle.UNDECLARED:
        raise GateNotMetError(
            f"{item_id} is not published",
            ("say first who can be identified in it, or that nobody can",),
        )
    if verdict.obstacle is not None:
        raise GateNotMetError(
            f"{item_id} is not published on {channel}",
            tuple(f"{each} has not agreed to it" for each in verdict.missing),
        )


def _recording(session: Session, item_id: str) -> Recording:
    """A recording that consent can be about.

    Raises:
        NotFoundError: There is none.
        ProhibitedError: It is footage of surveillance; no override exists (S6, S7, S9).
    """
    row = session.get(Recording, item_id)
    if row is None:
        raise NotFoundError("recording", item_id)
    if row.origin != PRODUCTION:
        raise ProhibitedError(
            f"{item_id} is footage of surveillance: it never rests on consent and is never "
            "published or used for marketing (S6, S7, S9)"
        )
    return row


def _subject(session: Session, subject_id: str) -> Subject:
    row = session.get(Subject, subject_id)
    if row is None:
        raise NotFoundError("person", subject_id)
    return row


def _items_of(session: Session, subject_id: str) -> set[str]:
    return set(
        session.exec(
            select(ItemPerson.recording_id).where(col(ItemPerson.subject_id) == subject_id)
        )
    )


def _newest_text(session: Session) -> ConsentText | None:
    query = select(ConsentText).order_by(col(ConsentText.version).desc()).limit(1)
    return session.exec(query.with_for_update()).first()


def _text(session: Session, version: int | None) -> ConsentText:
    row = _newest_text(session) if version is None else session.get(ConsentText, version)
    if row is None:
        raise NotFoundError(
            "consent text", "newest" if version is None else str(version), "publish one first"
        )
    return row


def _text_view(row: ConsentText) -> TextView:
    return TextView(row.version, row.document, row.published_at, row.published_by)


def _channel(name: str) -> Channel:
    try:
        return Channel(name)
    except ValueError:
        raise InvalidInputError(
            f"there is no channel {name!r}; choose one of {', '.join(Channel)}"
        ) from None


def _method(name: str) -> Method:
    try:
        return Method(name)
    except ValueError:
        raise InvalidInputError(
            f"{name!r} is no way to consent; choose one of {', '.join(Method)} (to have read a "
            "text is none, S9)"
        ) from None


def _line(text: str, what: str, *, empty: bool = False) -> str:
    text = text.strip()
    if not text and not empty:
        raise InvalidInputError(f"the {what} is missing")
    if len(text) > _LONGEST_LINE:
        raise InvalidInputError(f"the {what} is longer than {_LONGEST_LINE} characters")
    return text


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise InvalidInputError("; ".join(faults))
