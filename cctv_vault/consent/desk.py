"""What every act on course material shares: who may act, its locks, the facts, what is sealed.

It refuses footage of surveillance to every act: it never rests on consent, and no right and no
reason helps (S6, S7, S9).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from cctv_vault.consent.rules import PRODUCTION, Agreement, Channel, Item, item_until
from cctv_vault.custody.canonical import Json, canonical_json, parse_canonical
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import ExpiredError, InvalidInputError, NotFoundError, ProhibitedError
from cctv_vault.footage.access import FootageAccess
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.grants import LATE, Grants
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.policies import Policies
from cctv_vault.schema import Camera, Consent, ItemPeople, ItemPerson, Recording, Subject

_LONGEST_LINE: Final = 300


class Desk:
    """The parts of the vault that consent uses, and how each act proceeds."""

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
        recording = item_row(act.session, item_id)
        item = self._facts(act.session, [recording], act.now)[item_id]
        if item.kept_until is None:
            raise ExpiredError(f"the purpose of {item_id} has ended, and nothing revives it")
        return recording, item

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

    def _bound(self, act: Act, rows: Sequence[Recording]) -> None:
        """No item is kept longer than everybody who agreed to it has agreed (table A)."""
        facts = self._facts(act.session, rows, act.now)
        for row in rows:
            agreed = facts[row.id].agreements
            self._grants.bound_base(act, row, partial(item_until, agreed))

    def _may_read(self, actor: Actor) -> None:
        if actor.is_person:
            with entered_if_refused(self._ledger, Event.CONSENT_GIVEN, actor):
                actor.require(Right.REGISTER_READ)

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


def item_row(session: Session, item_id: str) -> Recording:
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


def subject_row(session: Session, subject_id: str) -> Subject:
    """A person of the register.

    Raises:
        NotFoundError: There is none.
    """
    row = session.get(Subject, subject_id)
    if row is None:
        raise NotFoundError("person", subject_id)
    return row


def items_of(session: Session, subject_id: str) -> set[str]:
    """The items a person is declared to be in."""
    return set(
        session.exec(
            select(ItemPerson.recording_id).where(col(ItemPerson.subject_id) == subject_id)
        )
    )


def channel_of(name: str) -> Channel:
    """A channel by its name.

    Raises:
        InvalidInputError: There is none of that name.
    """
    try:
        return Channel(name)
    except ValueError:
        raise InvalidInputError(
            f"there is no channel {name!r}; choose one of {', '.join(Channel)}"
        ) from None


def line(text: str, what: str, *, empty: bool = False) -> str:
    """A line of free text without the space around it; ``what`` names it in a refusal.

    Raises:
        InvalidInputError: It is missing and may not be, or longer than 300 characters.
    """
    text = text.strip()
    if not text and not empty:
        raise InvalidInputError(f"the {what} is missing")
    if len(text) > _LONGEST_LINE:
        raise InvalidInputError(f"the {what} is longer than {_LONGEST_LINE} characters")
    return text


def refuse_faults(faults: Sequence[str]) -> None:
    """Name all that is wrong, where anything is.

    Raises:
        InvalidInputError: There is at least one fault.
    """
    if faults:
        raise InvalidInputError("; ".join(faults))
