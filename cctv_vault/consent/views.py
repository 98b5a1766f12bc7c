"""What people and pages see of consent: persons, texts, consents, items and publications."""

from dataclasses import dataclass
from datetime import date, datetime


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
