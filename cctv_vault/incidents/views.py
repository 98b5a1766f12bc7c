"""What people and pages see of incidents, and the categories every vault has."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cctv_vault.footage.gaps import Gap
from cctv_vault.retention.holds import Ending


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
