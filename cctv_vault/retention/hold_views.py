"""A hold as it is ordered, as people see it, and what ending it would do."""

from dataclasses import dataclass, field
from datetime import datetime

from cctv_vault.retention.rules import Window


@dataclass(frozen=True)
class HoldOrder:
    """A hold as ordered: what to keep, why, and until when.

    ``windows`` are (camera, from, to) with ``to`` exclusive; ``until`` None means as long as the
    policy says, or open-ended with a review; ``document`` is the order itself, sealed.
    ``decided_at`` is when an order or a ban was decided, where that was before today: its time runs
    from there. ``over_15`` says that the person of a trespass ban is 15 or older. ``about_staff``
    is set by an incident about the controller's own staff.
    """

    purpose: str
    windows: tuple[tuple[str, datetime, datetime], ...]
    reason: str = field(repr=False)
    until: datetime | None = None
    review_at: datetime | None = None
    gagged: bool = False
    document: bytes | None = field(default=None, repr=False)
    hold_id: str | None = None
    decided_at: datetime | None = None
    over_15: bool = False
    about_staff: bool = False


@dataclass(frozen=True)
class Ending:
    """What ending or narrowing a hold would do, as the person who asks may know of it.

    ``recordings`` would be kept by it no longer; ``at_once`` of them nothing else keeps: they are
    refused from that moment and their keys go with the next sweep.
    """

    recordings: int
    bytes: int
    at_once: int
    at_once_bytes: int


@dataclass(frozen=True)
class HoldView:
    """A hold as people and pages see it.

    ``recordings`` and ``bytes`` count what it keeps now. ``gone`` counts recordings of its windows
    that no purpose kept any more when it was placed or changed; it is 0 on later views. What a
    suspicion against a colleague hides is gone, to all but the privacy officer.
    """

    id: str
    purpose: str
    statute: str
    windows: tuple[Window, ...]
    reason: str = field(repr=False)
    placed_at: datetime
    placed_by: str
    until: datetime | None
    review_at: datetime | None
    gagged: bool
    released_at: datetime | None
    released_by: str | None
    live: bool
    recordings: int
    bytes: int
    gone: int = 0
    call: str = ""
    """How loudly its review is called for: soon, due, missed; empty while it is not."""
