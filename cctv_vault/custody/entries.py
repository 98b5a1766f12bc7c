"""Entries: the public part of one act or refusal, as it stands in the log forever.

Owns the fields and their one encoding, canonical JSON.  It does not know what an event
means.  Nothing here can be erased, so nothing here may be personal data: an actor and a
subject are opaque identifiers, facts are numbers, times, hashes and codes, and whatever
names or describes a person goes into the details that the entry only commits to.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from cctv_vault.custody.canonical import Json, encoded, parse_canonical, plain_json
from cctv_vault.custody.errors import CanonicalError, EntryError
from cctv_vault.custody.tiles import MAX_ENTRY_BYTES

ENTRY_VERSION: Final = 1
MAX_IDENTIFIER: Final = 200
"""Longest subject, actor, means or event, in characters."""

_FIELDS: Final = frozenset({"v", "at", "event", "subject", "actor", "facts", "details"})
_ACTOR_FIELDS: Final = frozenset({"id", "means"})
_AT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_EVENT: Final = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*")
_COMMITMENT: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted: an opaque identifier, and by what means that was known.

    Attributes:
        id: A person's or a process's identifier in the vault, never a name.
        means: How the identity was established, such as `session`, `asserted`, `system`.
    """

    id: str
    means: str

    def __post_init__(self) -> None:
        """Refuse what is not an identifier."""
        _check_identifier(self.id, "actor.id")
        _check_identifier(self.means, "actor.means")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the log.

    Attributes:
        at: When the act took place, UTC.
        event: Dotted lower-case name of what happened: `area.act`.
        subject: Identifier of what it happened to, or None where that is the vault.
        actor: Who acted.
        facts: Public facts of the act, with a canonical JSON form; no personal data.
        details: Hexadecimal commitment to details kept elsewhere, or None.
        v: Version of this encoding.

    Raises:
        EntryError: A field is not what it must be; `where` names it.
    """

    at: datetime
    event: str
    actor: Actor
    subject: str | None = None
    facts: Mapping[str, Json] = field(default_factory=dict, hash=False)
    details: str | None = None
    v: int = ENTRY_VERSION

    def __post_init__(self) -> None:
        """Refuse what could not be read back as it was written."""
        if type(self.v) is not int or self.v != ENTRY_VERSION:
            raise EntryError("v", f"version {ENTRY_VERSION} is the only one known here")
        if self.at.utcoffset() != timedelta(0):
            raise EntryError("at", "must be a time in UTC, not a local or a naive one")
        _check_identifier(self.event, "event")
        if not _EVENT.fullmatch(self.event):
            raise EntryError("event", "must read area.act in lower case")
        if self.subject is not None:
            _check_identifier(self.subject, "subject")
        if self.details is not None and not _COMMITMENT.fullmatch(self.details):
            raise EntryError("details", "must be 64 lower-case hexadecimal digits")
        # A copy, so that an entry cannot change after it was made or hashed.
        object.__setattr__(self, "facts", _plain_facts(self.facts))

    def to_bytes(self) -> bytes:
        """The entry as it is hashed into the log.

        Raises:
            EntryError: It is longer than an entry bundle can hold.
        """
        at = self.at.replace(tzinfo=None).isoformat(timespec="microseconds")
        # All of it was looked at when the entry was made.
        data = encoded(
            {
                "v": self.v,
                "at": at + "Z",
                "event": self.event,
                "subject": self.subject,
                "actor": {"id": self.actor.id, "means": self.actor.means},
                "facts": self.facts,
                "details": self.details,
            }
        )
        if len(data) > MAX_ENTRY_BYTES:
            raise EntryError("facts", f"make the entry longer than {MAX_ENTRY_BYTES} bytes")
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read an entry; every field must be there, and no other.

        Raises:
            EntryError: The bytes are not exactly what `to_bytes` would write.
        """
        if len(data) > MAX_ENTRY_BYTES:
            raise EntryError("entry", f"is longer than {MAX_ENTRY_BYTES} bytes")
        try:
            value = parse_canonical(data)
        except CanonicalError as error:
            raise EntryError(error.where, error.what) from error
        if not isinstance(value, dict):
            raise EntryError("entry", "must be an object")
        if type(value.get("v")) is not int or value["v"] != ENTRY_VERSION:
            raise EntryError("v", f"version {ENTRY_VERSION} is the only one known here")
        _check_fields(value, _FIELDS, "entry")
        actor = value["actor"]
        if not isinstance(actor, dict):
            raise EntryError("actor", "must be an object")
        _check_fields(actor, _ACTOR_FIELDS, "actor")
        subject, details = value["subject"], value["details"]
        return cls(
            at=_parse_at(value["at"]),
            event=_text(value["event"], "event"),
            subject=None if subject is None else _text(subject, "subject"),
            actor=Actor(_text(actor["id"], "actor.id"), _text(actor["means"], "actor.means")),
            facts=_plain_facts(value["facts"]),
            details=None if details is None else _text(details, "details"),
        )


def _plain_facts(facts: object) -> dict[str, Json]:
    if not isinstance(facts, Mapping):
        raise EntryError("facts", "must be an object")
    try:
        plain = plain_json(facts, below=1)
    except CanonicalError as error:
        raise EntryError(f"facts {error.where}", error.what) from error
    return dict(plain) if isinstance(plain, dict) else {}


def _check_identifier(text: str, where: str) -> None:
    if not 0 < len(text) <= MAX_IDENTIFIER or not text.isprintable():
        raise EntryError(where, f"must be 1 to {MAX_IDENTIFIER} printable characters")


def _check_fields(value: Mapping[str, Json], names: frozenset[str], where: str) -> None:
    if missing := sorted(names - value.keys()):
        raise EntryError(where, f"lacks {', '.join(missing)}")
    if extra := len(value.keys() - names):
        raise EntryError(where, f"has {extra} field(s) that version {ENTRY_VERSION} has not")


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise EntryError(where, "must be a string")
    return value


def _parse_at(value: Json) -> datetime:
    text = _text(value, "at")
    if not _AT.fullmatch(text):
        raise EntryError("at", "must read YYYY-MM-DDThh:mm:ss.ffffffZ")
    try:
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError:
        raise EntryError("at", "is not a date and time that exists") from None
