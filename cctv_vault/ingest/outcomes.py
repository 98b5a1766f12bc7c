"""What became of a file that was offered, and what would become of it."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

OutcomeName = Literal["sealed", "late", "duplicate", "expired", "quarantined", "waiting", "failed"]

TOO_LATE: Final = "its purposes had ended before it arrived"
LEFT_ALONE: Final = "; it was left alone: name a purpose to take it in"


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    ``recording`` is the recording's id where there is one; ``reason`` says in a sentence whatever
    there is to say. ``retry_in_s`` is set on files that wait and may have settled then.
    """

    path: Path
    outcome: OutcomeName
    recording: str | None = None
    reason: str = ""
    retry_in_s: float | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Preview:
    """What offering a file would come to: whose it is, from when, and the outcome.

    Times and source are None where the file is no footage or cannot be looked at.
    """

    path: Path
    outcome: OutcomeName
    camera: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    time_source: str | None = None
    uncertainty_s: float | None = None
    recording: str | None = None
    reason: str = ""
