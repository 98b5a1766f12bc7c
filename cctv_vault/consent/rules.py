"""When course material may be published, how long a consent holds, what a withdrawal ends. Pure.

Owns S7 to S9: footage of surveillance never rests on consent and is never published, whatever
anybody answers; an item of production is published only while everybody who can be identified in
it agrees; reading a text is no consent.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cctv_vault.retention.policy import Period

PRODUCTION: Final = "production"
LONGEST: Final = Period.parse("24mo")
"""No consent holds longer, whatever the policy says (table A, course marketing)."""
_GOOGLE: Final = re.compile(
    r"(?:^|[\s/@.])(?:google|youtube|youtu\.be|goo\.gl|g\.page|blogspot|gmail)\b", re.IGNORECASE
)


class Channel(StrEnum):
    """Where course material may be published; each is agreed to by itself."""

    WEBSITE = "website"
    SOCIAL_MEDIA = "social-media"
    NEWSLETTER = "newsletter"
    PRINT = "print"
    IN_SHOP = "in-shop"


class Method(StrEnum):
    """How somebody said yes. To have read a text is none of them (S9)."""

    SIGNED = "signed"
    ELECTRONIC = "electronic"
    SPOKEN = "spoken"


class Obstacle(StrEnum):
    """Why an item may not be published."""

    SURVEILLANCE = "surveillance"
    ENDED = "ended"
    UNDECLARED = "undeclared"
    CONSENT = "consent"


@dataclass(frozen=True)
class Agreement:
    """One person's consent on one channel; times UTC, ``until`` exclusive."""

    subject: str
    channel: str
    until: datetime
    withdrawn_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.withdrawn_at is None and now < self.until


@dataclass(frozen=True)
class Item:
    """What decides about an item.

    ``people`` are those who can be identified in it, empty where that is nobody, None while nobody
    has said; ``kept_until`` is the end of its purpose, None where that has ended.
    """

    origin: str
    people: frozenset[str] | None
    kept_until: datetime | None
    agreements: tuple[Agreement, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Whether an item may be published on a channel, until when, or why not and who is missing."""

    obstacle: Obstacle | None
    until: datetime | None = None
    missing: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether nothing stands in the way."""
        return self.obstacle is None


def publishable(item: Item, channel: str, now: datetime) -> Verdict:
    """Whether an item may be published on a channel now (S7).

    Surveillance never; material whose purpose has ended never again; otherwise only where it is
    known who is in it and each of them agrees, or where that nobody is was declared.
    """
    if item.origin != PRODUCTION:
        return Verdict(Obstacle.SURVEILLANCE)
    if item.kept_until is None or item.kept_until <= now:
        return Verdict(Obstacle.ENDED)
    if item.people is None:
        return Verdict(Obstacle.UNDECLARED)
    ends: dict[str, datetime] = {}
    for each in item.agreements:
        if each.channel == channel and each.subject in item.people and each.holds(now):
            ends[each.subject] = max(each.until, ends.get(each.subject, each.until))
    missing = tuple(sorted(item.people - ends.keys()))
    if missing:
        return Verdict(Obstacle.CONSENT, missing=missing)
    return Verdict(None, min((item.kept_until, *ends.values())))


def ends_purpose(item: Item, subject: str, now: datetime) -> bool:
    """Whether an item's purpose ends once somebody took consent back: nothing of theirs is left."""
    return not any(each.subject == subject and each.holds(now) for each in item.agreements)


def item_until(agreements: Iterable[Agreement], base: datetime) -> datetime:
    """Until when an item is kept: its own period, but no longer than what each person agreed to.

    Whoever has agreed at all and not taken it back bounds it by the last of their consents: where
    that has run out nothing of their consent is left, and the item ends as if they had withdrawn
    (table A, course marketing). Nobody's silence bounds it.
    """
    ends: dict[str, datetime] = {}
    for each in agreements:
        if each.withdrawn_at is None:
            ends[each.subject] = max(each.until, ends.get(each.subject, each.until))
    return min((base, *ends.values()))


def consent_until(period: Period, given: datetime, of_age: datetime | None) -> datetime:
    """Until when a consent holds that was given at a moment (table A: at most 24 months).

    A guardian's ends on the day the child comes of age, when the answer is the child's own.
    """
    ends = [period.after(given), LONGEST.after(given)]
    return min(ends if of_age is None else [*ends, of_age])


def giving_faults(
    *,
    given: datetime,
    now: datetime,
    text_published: datetime,
    until: datetime,
    of_age: datetime | None,
    by_guardian: bool,
    guardian: bool,
) -> list[str]:
    """Why a consent cannot be entered, in words; empty where it can.

    Args:
        given: When it was given, UTC.
        now: UTC.
        text_published: When the version of the text was published, UTC.
        until: Its end as `consent_until` has it.
        of_age: When the person comes of age, None for an adult from the start.
        by_guardian: Whether a guardian gave it.
        guardian: Whether the register names a guardian.
    """
    faults = []
    child = of_age is not None and given < of_age
    if given > now:
        faults.append("a consent cannot be given in the future")
    if given < text_published:
        faults.append("that version of the text was not published when the consent was given")
    if child and not by_guardian:
        faults.append("for a child the guardian consents (S7)")
    if child and by_guardian and not guardian:
        faults.append("the register names no guardian of the child")
    if by_guardian and not child:
        faults.append("nobody consents for an adult")
    if until <= now:
        faults.append("it would have ended already")
    return faults


def place_faults(place: str) -> list[str]:
    """Why something cannot be published at a place, in words.

    What is published with Google is shared with Google, and this category never is (S19).
    """
    if not place.strip():
        return ["say where it is published, so that it can be taken down"]
    if _GOOGLE.search(place):
        return ["photographs and films are never shared with Google (S19)"]
    return []


def left_out(people: Iterable[str], answered: Iterable[str]) -> list[str]:
    """Why these cannot be all who are identifiable in an item, in words.

    Whoever answered for the item, yes or no, is in it: a withdrawal is not undone by leaving the
    person out.
    """
    return [
        f"{each} has answered for this item and stays among the people in it"
        for each in sorted(set(answered) - set(people))
    ]
