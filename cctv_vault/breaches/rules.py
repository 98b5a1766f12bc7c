"""What the law asks after a personal-data breach, and by when (GDPR 33, 34). Pure.

Owns the 72 hours, the four weeks of a supplement, and what must stand in the register before a
breach is closed. It judges no risk: who is told, and who is not, is a person's reason.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

REPORT_WITHIN: Final = timedelta(hours=72)
"""From when the controller knew of it until IMY is told, or it stands why not (GDPR 33.1)."""
SUPPLEMENT_WITHIN: Final = timedelta(weeks=4)
"""From a first report that did not hold everything until the rest is there (IMY)."""
SOON: Final = timedelta(hours=24)
"""How long before its end a term is shown as near (D)."""


@dataclass(frozen=True)
class BreachFacts:
    """Where a breach stands.

    ``reported_at`` is when IMY was told, ``unreported`` that it stands why they are not;
    ``whole`` whether the report held everything, or the rest was sent later. ``told`` is whether it
    stands when the persons concerned were told, or why they are not.
    """

    discovered_at: datetime
    reported_at: datetime | None = None
    unreported: bool = False
    whole: bool = False
    told: bool = False
    measures: bool = False
    closed: bool = False


@dataclass(frozen=True)
class Call:
    """What is still owed: ``report``, ``supplement`` or ``persons``, and by when."""

    what: str
    due_at: datetime
    overdue: bool
    near: bool


def report_by(discovered_at: datetime) -> datetime:
    """By when IMY is to be told (S16, GDPR 33.1)."""
    return discovered_at + REPORT_WITHIN


def is_late(discovered_at: datetime, reported_at: datetime) -> bool:
    """Whether a report came after the 72 hours, and so has to say why (GDPR 33.1)."""
    return reported_at > report_by(discovered_at)


def calls(facts: BreachFacts, now: datetime) -> tuple[Call, ...]:
    """What a breach still asks for, the nearest first; nothing once it is closed (S16).

    The persons concerned are told without undue delay (GDPR 34.1), which has no number: it is
    called for with the report.
    """
    if facts.closed:
        return ()
    owed: dict[str, datetime] = {}
    if facts.reported_at is None and not facts.unreported:
        owed["report"] = report_by(facts.discovered_at)
    if facts.reported_at is not None and not facts.whole:
        owed["supplement"] = facts.reported_at + SUPPLEMENT_WITHIN
    if not facts.told:
        owed["persons"] = report_by(facts.discovered_at)
    found = (Call(what, due, due < now, now >= due - SOON) for what, due in owed.items())
    return tuple(sorted(found, key=lambda each: (each.due_at, each.what != "report")))


def missing(facts: BreachFacts) -> tuple[str, ...]:
    """What must stand in the register before a breach is closed (GDPR 33.5)."""
    owed = [each.what for each in calls(facts, facts.discovered_at)]
    return (*owed, *(() if facts.measures else ("measures",)))
