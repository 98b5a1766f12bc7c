"""Patterns of a site's own: how its camera names files, written as a name with fields in braces.

``{camera}_{Y}{M}{D}_{h}{m}{s}.mp4`` reads ``till_20260302_074500.mp4``. Owns the small language and
its translation. Refuses whatever could not be matched in bounded time: a field without a fixed
width must be followed by something fixed, and there are at most two in one file's or folder's name.

Fields: ``Y M D h m s`` (two digits, the year four; ``M? D? h?`` one or two), ``f`` (digits after
the second), ``ampm``, ``epoch`` (ten digits: seconds since 1970), ``length`` (seconds); ``camera
channel event`` and ``*`` (anything). ``end.`` before a part of time means the recording's end. A
pattern that begins with ``utc:`` tells UTC, otherwise times are the camera's own. ``/`` divides
folders, counted from the file.
"""

import re
from typing import Final, Literal

from cctv_vault.errors import InvalidInputError

_LONGEST: Final = 200
_LOOSE_IN_ONE: Final = 2
_ANYTHING: Final = r"[^/]{1,120}?"
_LOOSE: Final = {"camera": _ANYTHING, "event": _ANYTHING, "*": _ANYTHING}
_TIME: Final = {
    "Y": ("y", r"\d{4}"), "M": ("mo", r"\d\d"), "D": ("d", r"\d\d"),
    "h": ("h", r"\d\d"), "m": ("mi", r"\d\d"), "s": ("s", r"\d\d"),
    "M?": ("mo", r"\d\d?"), "D?": ("d", r"\d\d?"), "h?": ("h", r"\d\d?"),
    "f": ("frac", r"\d{1,6}"), "epoch": ("epoch", r"\d{10}"),
}  # fmt: skip
_START_ONLY: Final = {
    "channel": ("channel", r"\d{1,4}"),
    "ampm": ("ampm", "[ap]m"),
    "length": ("length", r"\d{1,5}"),
}
_TELLS: Final = ({"y", "mo", "d", "h", "mi", "s"}, {"epoch"})
_PART: Final = re.compile(r"\{([^{}]*)\}|([^{}])")


def is_pattern(text: str) -> bool:
    """Whether a camera's convention is a pattern of the site's own rather than a known name."""
    return "{" in text


def translate(text: str) -> tuple[Literal["local", "utc", "epoch"], re.Pattern[str]]:
    """The clock a pattern tells and the expression it stands for, with the groups of conventions.

    Raises:
        InvalidInputError: It cannot be used; the sentence says why.
    """
    utc = text.startswith("utc:")
    body = text.removeprefix("utc:").strip()
    if not body or len(body) > _LONGEST:
        raise InvalidInputError(f"a pattern has 1 to {_LONGEST} characters")
    if body.startswith("/") or body.endswith("/") or "//" in body:
        raise InvalidInputError("a pattern names a file, and folders above it where they matter")
    if "".join(match[0] for match in _PART.finditer(body)) != body:
        raise InvalidInputError("every { in a pattern needs its }, and fields hold no braces")
    groups: set[str] = set()
    names = [_name(part, groups) for part in body.split("/")]
    if not any(wanted <= groups for wanted in _TELLS):
        raise InvalidInputError("a pattern must tell the time: {Y} {M} {D} {h} {m} {s}, or {epoch}")
    # A name matches in one way or not at all: what stands in another changes nothing about it.
    expression = "/".join(rf"(?>{name}(?=/|\Z))" for name in names)
    clock: Literal["local", "utc", "epoch"] = (
        "epoch" if "epoch" in groups else "utc" if utc else "local"
    )
    return clock, re.compile(rf"(?:\A|/){expression}\Z", re.IGNORECASE)


def _name(part: str, groups: set[str]) -> str:
    """One file's or folder's name; adds to the groups there are."""
    pieces: list[str] = []
    loose, after_loose = 0, False
    for match in _PART.finditer(part):
        field, literal = match[1], match[2]
        is_loose = field in _LOOSE
        if is_loose and after_loose:
            raise InvalidInputError("two fields of no fixed width need something fixed between")
        loose, after_loose = loose + is_loose, is_loose
        pieces.append(re.escape(literal) if field is None else _field(field, groups))
    if loose > _LOOSE_IN_ONE:
        raise InvalidInputError(
            f"one name holds at most {_LOOSE_IN_ONE} fields of no fixed width (camera, event, *)"
        )
    return "".join(pieces)


def _field(field: str, groups: set[str]) -> str:
    if field == "*":
        return _ANYTHING
    plain = field.removeprefix("end.")
    if field in _LOOSE:
        group, expression = field, _ANYTHING
    elif plain in _TIME:
        group, expression = _TIME[plain]
        group = group if plain == field else f"e_{group}"
    elif field in _START_ONLY:
        group, expression = _START_ONLY[field]
    else:
        known = ", ".join((*_LOOSE, *_TIME, *_START_ONLY))
        raise InvalidInputError(f"there is no field {{{field}}}; the fields are {known}")
    if group in groups:
        raise InvalidInputError(f"the field {{{field}}} stands twice")
    groups.add(group)
    return f"(?P<{group}>{expression})"
