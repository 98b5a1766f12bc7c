"""Who is in an item and what they answer: people, texts, consents given and taken back.

It refuses a consent that proves nothing, and reviving what a withdrawal ended.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

from sqlmodel import Session, col, select

from cctv_vault.consent.desk import channel_of, items_of, line, refuse_faults, subject_row
from cctv_vault.consent.reading import Reading, text_view
from cctv_vault.consent.rules import (
    PRODUCTION,
    Channel,
    Method,
    consent_until,
    ends_purpose,
    giving_faults,
    left_out,
    publishable,
)
from cctv_vault.consent.views import ConsentView, ItemView, SubjectView, TextView, Withdrawal
from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.ids import reference
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Actor, Right
from cctv_vault.schema import (
    Consent,
    ConsentText,
    ItemPeople,
    ItemPerson,
    Publication,
    Recording,
    Subject,
)
from cctv_vault.views import iso

_LONGEST_TEXT: Final = 20_000


class Answers(Reading):
    """Registers of people, texts and consents."""

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
                "name": line(name, "name"),
                "contact": line(contact, "contact", empty=True),
                "guardian": line(guardian, "guardian", empty=True),
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
            return text_view(row)

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
            chosen = tuple(sorted({subject_row(session, each).id for each in people}))
            answered = {each.subject for each in item.agreements}
            refuse_faults(left_out(chosen, answered))
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
            subject = subject_row(session, subject_id)
            found = {each: self._known(act, each) for each in dict.fromkeys(items)}
            wanted = [channel_of(each).value for each in dict.fromkeys(channels)]
            if not found or not wanted:
                raise InvalidInputError("a consent needs at least one item and one channel")
            how = _method(method).value
            text = _text(session, text_version)
            given = now if given_at is None else given_at.astimezone(UTC)
            until, faults = self._term(act, subject, text, given, by_guardian=by_guardian)
            faults += [
                f"{subject_id} is not among the people declared to be in {each}"
                for each, (_, item) in found.items()
                if item.people is not None and subject_id not in item.people
            ]
            refuse_faults(faults)
            proof: dict[str, Json] = {
                "evidence": line(evidence, "evidence"),
                "by_guardian": by_guardian,
            }
            self._keep_known(act, subject)
            rows = []
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
                    _record(act, row, proof, recording.camera_code)
                    rows.append(row)
            session.flush()
            self._bound(act, [recording for recording, _ in found.values()])
            return tuple(self._consent_view(session, row, now) for row in rows)

    def _term(
        self, act: Act, subject: Subject, text: ConsentText, given: datetime, *, by_guardian: bool
    ) -> tuple[datetime, list[str]]:
        """How long a consent given then lasts, and what is wrong with it."""
        body = self._body(act.session, subject)
        of_age = self._of_age(body)
        period = self._policies.current(act.session, act.now).base(PRODUCTION).period
        if period is None:
            raise InvalidInputError("the policy gives course material no period")
        until = consent_until(period, given, of_age if by_guardian else None)
        return until, giving_faults(
            given=given,
            now=act.now,
            text_published=text.published_at,
            until=until,
            of_age=of_age,
            by_guardian=by_guardian,
            guardian=bool(body.get("guardian")),
        )

    def _keep_known(self, act: Act, subject: Subject) -> None:
        """What is known of somebody lasts as long as their newest answer, so it is sealed anew."""
        body = self._body(act.session, subject)
        subject.body_text = self._seal(act, body, f"subject/{subject.id}")
        act.session.add(subject)

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
            subject = subject_row(session, subject_id)
            only = {channel_of(each).value for each in channels}
            taken = [
                row
                for row in _live_consents(session, subject_id, now)
                if (not items or row.recording_id in items) and (not only or row.channel in only)
            ]
            touched = {row.recording_id for row in taken}
            if not only:
                touched |= {
                    each for each in items_of(session, subject_id) if not items or each in items
                }
            if not touched:
                raise InvalidInputError(f"{subject_id} has nothing there to take back")
            for row in taken:
                row.withdrawn_at, row.withdrawn_by = now, actor.id
                session.add(row)
            self._keep_known(act, subject)
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
                details={"words": line(words, "words", empty=True)} if words else None,
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


def _method(name: str) -> Method:
    try:
        return Method(name)
    except ValueError:
        raise InvalidInputError(
            f"{name!r} is no way to consent; choose one of {', '.join(Method)} (to have read a "
            "text is none, S9)"
        ) from None


def _record(act: Act, consent: Consent, proof: Mapping[str, Json], camera: str) -> None:
    act.record(
        Event.CONSENT_GIVEN,
        consent.id,
        facts={
            "item": consent.recording_id,
            "channel": consent.channel,
            "text": consent.text_version,
            "method": consent.method,
        },
        details={**proof, "given_at": iso(consent.given_at), "until": iso(consent.until)},
        also=(consent.subject_id, consent.recording_id, camera),
    )


def _live_consents(session: Session, subject_id: str, now: datetime) -> Sequence[Consent]:
    return session.exec(
        select(Consent).where(
            col(Consent.subject_id) == subject_id,
            col(Consent.withdrawn_at).is_(None),
            col(Consent.until) > now,
        )
    ).all()
