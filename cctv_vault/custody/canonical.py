"""Canonical JSON (RFC 8785): one value, one sequence of bytes.

Owns what may be written into an entry or its details, and refuses whatever a reader in
another language could take for something else: fractions, integers beyond the 53 bits
of an IEEE 754 double, lone surrogates, keys that are not strings, and nesting so deep
that a parser might give up.  Reading is as strict as writing: bytes that are valid JSON
but not the canonical form of their value are refused, so that no entry has two forms.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn, TypeAlias

import rfc8785

from cctv_vault.custody.errors import CanonicalError

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What may be encoded.  A decoded value holds only None, bool, int, str, list, dict."""

MAX_INTEGER: Final = 2**53 - 1
"""Largest magnitude of an integer: the safe range of RFC 7493 section 2.2."""

MAX_DEPTH: Final = 32
"""Deepest nesting of lists and objects."""

_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_Where: TypeAlias = "tuple[_Where, str | int] | None"
"""The way to a value from the top: what holds it, and its key or index there."""
_ENCODE: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode


def plain_json(value: Json, *, below: int = 0) -> Json:
    """Copy a value into the plain types that its canonical form decodes to.

    The copy shares no list or dict with the original.  A float that is an integer
    becomes that integer; enumerations become their values; tuples become lists.

    Args:
        value: The value.
        below: How many levels of another value it will lie under.

    Raises:
        CanonicalError: The value has no canonical form here; `where` is a JSON path.
    """
    return _plain(value, None, MAX_DEPTH - below)


def canonical_json(value: Json) -> bytes:
    """Encode a value as canonical JSON in UTF-8.

    Raises:
        CanonicalError: The value has no canonical form here; `where` is a JSON path.
    """
    return encoded(_plain(value, None, MAX_DEPTH))


def encoded(plain: Json) -> bytes:
    """As `canonical_json`, of what holds nothing but what `plain_json` gave and plain text."""
    text = _ENCODE(plain)
    # Python's own is many times faster, and escapes alike; it sorts keys by code points, which is
    # the order of UTF-16 units in ASCII alone.
    return text.encode() if text.isascii() else rfc8785.dumps(plain)


def parse_canonical(data: bytes) -> Json:
    """Decode canonical JSON.

    Raises:
        CanonicalError: The bytes are not JSON, or not the canonical form of their value.
    """
    # The errors of the parsers carry the whole document, hence "from None" throughout.
    try:
        value: Json = json.loads(
            data.decode("utf-8"), parse_float=_refuse_number, parse_constant=_refuse_number
        )
    except UnicodeDecodeError as error:
        raise CanonicalError(f"byte {error.start}", "is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise CanonicalError(f"character {error.pos}", "is not JSON") from None
    except ValueError:  # int() refuses thousands of digits
        raise CanonicalError("$", "holds a number too long to be read") from None
    except RecursionError:
        raise CanonicalError("$", "is nested too deep") from None
    if canonical_json(value) != data:
        raise CanonicalError("$", "is JSON, but not in its canonical form")
    return value


def _refuse_number(_literal: str) -> NoReturn:
    # The canonical form of every number allowed here is an integer literal.
    raise CanonicalError("$", "holds a number that is not an integer")


def _plain(value: object, where: _Where, depth: int) -> Json:
    if value is None or isinstance(value, bool) or (type(value) is str and value.isascii()):
        return value
    if isinstance(value, str):
        return _text(value) if value.isascii() else _checked_text(value, _spelled(where))
    if isinstance(value, float):
        if not value.is_integer():  # also NaN and the infinities
            raise CanonicalError(_spelled(where), "a number must be an integer")
        value = int(value)
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise CanonicalError(_spelled(where), "an integer must lie within 53 bits")
        return int(value)
    if not isinstance(value, Mapping | list | tuple):
        raise CanonicalError(_spelled(where), f"a {type(value).__name__} cannot be JSON")
    if depth == 0:
        raise CanonicalError(_spelled(where), f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        return {
            key if type(key) is str and key.isascii() else _key(key, where): _plain(
                item, (where, key), depth - 1
            )
            for key, item in value.items()
        }
    return [_plain(item, (where, i), depth - 1) for i, item in enumerate(value)]


def _key(key: object, where: _Where) -> str:
    if not isinstance(key, str):
        holder = _spelled(where)
        raise CanonicalError(holder, f"a key must be a string, not a {type(key).__name__}")
    return _text(key) if key.isascii() else _checked_text(key, f"a key of {_spelled(where)}")


def _spelled(where: _Where) -> str:
    """A way as a JSON path."""
    if where is None:
        return "$"
    holder, step = where
    if isinstance(step, int):
        return f"{_spelled(holder)}[{step}]"
    # A field name of ours helps whoever reads the error; anything else could be content.
    return f"{_spelled(holder)}.{step if _FIELD_NAME.fullmatch(step) else '?'}"


def _text(value: str) -> str:
    return str.__str__(value)  # the plain string also of an enumeration's member


def _checked_text(value: str, where: str) -> str:
    text = _text(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise CanonicalError(where, "a string must not hold lone surrogates") from None
    return text
