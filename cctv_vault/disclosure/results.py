"""What the services of disclosure answer with: frozen values, safe to show to who asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from cctv_vault.disclosure.fees import Earlier
from cctv_vault.disclosure.legal import Words
from cctv_vault.disclosure.windows import Moment, Told, Window
from cctv_vault.disclosure.workflow import Point
from cctv_vault.footage.gaps import Gap
from cctv_vault.footage.listing import RecordingView


@dataclass(frozen=True, repr=False)
class Filed:
    """A request that was received.

    ``code`` shows its status and is given this once. ``frozen`` counts the recordings kept for it,
    ``gone`` those of its time that had expired before it came; ``certificates`` prove that.
    """

    id: str
    code: str
    state: str
    frozen: int
    gone: int
    certificates: tuple[str, ...]
    remarks: tuple[str, ...]

    def __repr__(self) -> str:
        """Without the code, which a traceback or a log would otherwise keep."""
        return f"Filed(id={self.id!r}, state={self.state!r})"


@dataclass(frozen=True)
class Moved:
    """Where a request stands after an act."""

    id: str
    state: str
    frozen: int = 0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreparedPackage:
    """A package that waits: size and hash of the whole zip; ``until`` is when its key ends."""

    id: str
    state: str
    package_id: str
    size: int
    sha256: bytes
    tag_manifest: bytes
    originals: int
    clips: int
    withheld: int
    frames: int
    until: datetime


@dataclass(frozen=True, repr=False)
class Released:
    """A release; ``token`` and ``code`` only for a link, and only this once."""

    id: str
    state: str
    channel: str
    token: str | None = None
    code: str | None = None
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        """Without token and code."""
        return f"Released(id={self.id!r}, channel={self.channel!r})"


@dataclass(frozen=True)
class Collected:
    """A package opened for whoever may have it; close the reader.

    ``again`` opens it anew while it is sent: it raises once link or package have ended.
    """

    reader: BinaryIO = field(repr=False)
    again: Callable[[], BinaryIO] = field(repr=False)
    size: int
    sha256: bytes
    name: str


@dataclass(frozen=True)
class Called:
    """A request on the spot that those who may approve were called for.

    ``approvers`` are their names; from ``alone_from`` the person on duty may hand over alone, which
    is at once where there is nobody to call. ``bound`` is the earlier request whose refusal binds
    this one, so that nobody hands over alone at all; empty where none does.
    """

    id: str
    state: str
    asked_at: datetime
    alone_from: datetime
    approvers: tuple[str, ...] = field(repr=False)
    bound: str = ""


@dataclass(frozen=True)
class OnTheSpot:
    """What was handed over on the spot, and what is owed for it.

    ``review_by`` is when another person must have reviewed it, None where one approved it before;
    ``number_by`` when the case number must have followed, None where it is there.
    """

    id: str
    state: str
    files: tuple[str, ...]
    sha256: bytes
    review_by: datetime | None
    number_by: datetime | None


@dataclass(frozen=True)
class RequestView:
    """A request in a list.

    ``asked_at`` is when those who may approve were called; ``number_due_at`` when a case number is
    owed; ``attention`` what stands on the first page until it is mended: ``deadline``, ``review``,
    ``number`` where that is overdue, ``disapproved``, and ``hidden`` where the privacy officer
    alone sees, and can hand over, some of what is asked for.
    """

    id: str
    state: str
    requester_type: str
    ground_code: str
    via: str
    language: str
    delivery: str
    site: str | None
    received_at: datetime
    deadline_at: datetime | None
    overdue: bool
    gagged: bool
    registered_by: str
    handled_by: str | None
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None
    channel: str | None
    hold_id: str | None
    asked_at: datetime | None
    number_due_at: datetime | None
    prolonged_at: datetime | None
    attention: tuple[str, ...]


@dataclass(frozen=True)
class PointView:
    """A requirement as a page shows it; ``sentence`` is the English one."""

    code: str
    met: bool
    words: Words
    citation: str

    @property
    def sentence(self) -> str:
        """In English, with where it comes from."""
        return self.words.en + (f" ({self.citation})" if self.citation else "")

    @classmethod
    def of(cls, point: Point) -> "PointView":
        """From the workflow's."""
        return cls(point.code, point.met, point.words, point.citation)


@dataclass(frozen=True, repr=False)
class HistoryLine:
    """One act on a request as a sentence, with the log entry that proves it."""

    index: int
    at: datetime
    event: str
    sv: str
    en: str

    def __repr__(self) -> str:
        """Without names and words."""
        return f"HistoryLine(index={self.index}, event={self.event!r})"


@dataclass(frozen=True, repr=False)
class YearOfAccess:
    """How a request for access stands in its calendar year (S13).

    ``earlier`` are requests of the year that seem to be of the same person and count; ``kronor`` is
    what this one costs, None where it is free, with the reason of GDPR 12.5 and a person's own.
    """

    year: int
    earlier: tuple[Earlier, ...]
    kronor: int | None
    because: str | None
    reason: str | None

    def __repr__(self) -> str:
        """Without what a person wrote."""
        return f"YearOfAccess(year={self.year!r}, kronor={self.kronor!r})"


@dataclass(frozen=True)
class HeldView:
    """A hold that forbids to erase: its purpose, the case it is of, how many recordings."""

    hold_id: str
    purpose: str
    belongs_to: str | None
    recordings: int


@dataclass(frozen=True)
class ErasureView:
    """What an erasure that was asked for reaches: ``free`` can be ended, ``held`` cannot.

    ``course`` counts course material, which ends when whoever is in it takes their consent back.
    """

    free: tuple[str, ...]
    held: tuple[HeldView, ...]
    held_recordings: int
    course: int


@dataclass(frozen=True)
class PackageView:
    """A package of a request."""

    id: str
    state: str
    size: int
    sha256: bytes
    created_at: datetime
    until: datetime


@dataclass(frozen=True, repr=False)
class RequestDetail(RequestView):
    """Everything about a request, for those who handle, decide and advise.

    ``actions`` are what the table allows from here; who may do them is asked when they do.
    ``told`` is where recordings tell what was asked for in true time, where that is elsewhere.
    ``footage`` are the recordings left in the time wanted; ``gone`` counts those that expired.
    """

    body: dict[str, Any]
    asked: tuple[Window, ...]
    approved: tuple[Window, ...]
    told: tuple[Told, ...]
    checklist: tuple[PointView, ...]
    history: tuple[HistoryLine, ...]
    footage: tuple[RecordingView, ...]
    gaps: tuple[Gap, ...]
    gone: int
    certificates: tuple[str, ...]
    frozen_until: datetime | None
    facts: str | None
    necessity: str | None
    frames: tuple[Moment, ...]
    decision_reason: str | None
    verification_method: str | None
    received_by: str | None
    review_approved: bool | None
    year: YearOfAccess | None
    erasure: ErasureView | None
    exception: str | None
    packages: tuple[PackageView, ...]
    actions: tuple[str, ...]

    def __repr__(self) -> str:
        """Without what people wrote."""
        return f"RequestDetail(id={self.id!r}, state={self.state!r})"


@dataclass(frozen=True)
class StatusView:
    """What the portal tells whoever has reference and code; ``words`` in the request's language."""

    id: str
    state: str
    words: str
    received_at: datetime
    deadline_at: datetime | None
