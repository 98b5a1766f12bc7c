"""What is told of course material: who is in it, what they allow, and where it stands.

Names, contacts and places are opened here alone; what has ended is told as empty.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlmodel import Session, col, select

from cctv_vault.consent.desk import Desk, item_row, items_of, subject_row
from cctv_vault.consent.rules import PRODUCTION, Channel, Item, publishable
from cctv_vault.consent.views import (
    ChannelView,
    ConsentView,
    ItemView,
    PersonView,
    PublicationView,
    SubjectView,
    TextView,
)
from cctv_vault.custody.events import Event
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.people.actors import Actor
from cctv_vault.schema import Consent, ConsentText, ItemPeople, Publication, Recording, Subject

PAGE: Final = 200


class Reading(Desk):
    """People, texts, items and publications, as those who may read the registers see them."""

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
            return self._subject_view(session, subject_row(session, subject_id), now)

    def texts(self, actor: Actor) -> tuple[TextView, ...]:
        """Every version of the text, the newest first."""
        self._may_read(actor)
        with self._database.read() as session:
            query = select(ConsentText).order_by(col(ConsentText.version).desc())
            return tuple(text_view(row) for row in session.exec(query))

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
            recording = item_row(session, item_id)
            return self._item_views(session, [recording], self._ledger.clock.now())[0]

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
            items=tuple(sorted(items_of(session, row.id))),
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


def text_view(row: ConsentText) -> TextView:
    """A version of the text as people see it."""
    return TextView(row.version, row.document, row.published_at, row.published_by)
