"""What a package's record claims, as far as a verifier holds it to that. Pure.

Owns the shape of ``data/record.json`` for a reader and the one form of its times. It refuses what
two readers could take for two things: a field told twice, a number longer than every reader keeps,
nesting without end. Whether a claim is true is not judged here. ``verifier/checks.js`` holds a
record to the same shape.
"""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, TypeGuard

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?Z", re.ASCII
)
MOST_DIGITS: Final = 40
"""Of an integer, its sign counted: fewer than any reader gives up at."""
MOST_DEPTH: Final = 64
# Bounds that every later sum and change of zone stays within.
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 8999


class ClaimError(ValueError):
    """The bytes are no record; the message says where, and holds nothing of them."""


def read_moment(text: object) -> datetime:
    """A time in the one form of records: ISO 8601 in UTC with ``Z``, microseconds where any.

    Raises:
        ValueError: It is anything else.
    """
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ValueError("must be a time in UTC with Z")
    moment = datetime.fromisoformat(text).astimezone(UTC)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError("lies outside the calendar")
    return moment


def is_moment(text: object, moment: datetime) -> bool:
    """Whether an entry tells this time."""
    try:
        return read_moment(text) == moment
    except ValueError:
        return False


_Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\z")]
_Time = Annotated[datetime, BeforeValidator(read_moment)]
_Short = Annotated[str, StringConstraints(max_length=1024)]
_Size = Annotated[int, BeforeValidator(lambda value: int(value) if _is_whole(value) else value)]
"""A number of bytes; JSON knows one kind of number, and 12.0 is 12."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Span(_Part):
    """A camera's time."""

    camera: _Short
    starts_at: _Time = Field(alias="from")
    ends_at: _Time = Field(alias="to")


class ClaimedRecording(_Part):
    """An original."""

    id: _Short
    camera: _Short
    file: _Short
    size: _Size
    sha256: _Hex
    segment_root: _Hex
    started_at: _Time
    ended_at: _Time


class ClaimedClip(Span):
    """A clip: what it is of, and what it shows."""

    file: _Short
    sha256: _Hex
    delivered_from: _Time
    delivered_to: _Time
    recordings: Annotated[tuple[_Short, ...], Field(strict=False)]


class _Source(_Part):
    id: _Short
    sha256: _Hex


class ClaimedMasked(_Part):
    """A film in which others are masked, and the originals it was made from."""

    camera: _Short
    file: _Short
    size: _Size
    sha256: _Hex
    made_from: Annotated[tuple[_Source, ...], Field(strict=False)]


class ClaimedFrame(_Part):
    """A chosen frame: the moment chosen, since when it was shown, and the original it is of."""

    camera: _Short
    file: _Short
    sha256: _Hex
    at: _Time
    shown_from: _Time
    recording: _Short
    source_sha256: _Hex


class _Request(_Part):
    id: _Short


class _Decision(_Part):
    decision: Literal["approved", "partly-approved", "before-decision"]


class _Destroyed(_Part):
    certificates: Annotated[tuple[_Short, ...], Field(strict=False)]


class _Custody(_Part):
    origin: _Short


class Claims(_Part):
    """The record."""

    format: Literal["cctv-vault/package/v1"]
    made_at: _Time
    simulated: bool
    request: _Request
    decision: _Decision
    approved: Annotated[tuple[Span, ...], Field(strict=False)]
    recordings: Annotated[tuple[ClaimedRecording, ...], Field(strict=False)]
    clips: Annotated[tuple[ClaimedClip, ...], Field(strict=False)]
    masked: Annotated[tuple[ClaimedMasked, ...], Field(strict=False)] = ()
    frames: Annotated[tuple[ClaimedFrame, ...], Field(strict=False)] = ()
    destroyed: _Destroyed = _Destroyed(certificates=())
    custody: _Custody


_SPANS: Final = TypeAdapter(list[Span])


def read_claims(data: bytes) -> Claims:
    """Read a record.

    Raises:
        ClaimError: It is not one.
    """
    try:
        # Not json.loads of bytes, which would guess at other encodings.
        record = json.loads(
            data.decode("utf-8"),
            parse_constant=_refuse,
            parse_int=_number,
            object_pairs_hook=_once,
        )
        _check_depth(record, MOST_DEPTH)
        return Claims.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ClaimError(f"{where}: {first['msg']}") from None
    except (ValueError, RecursionError):
        raise ClaimError("not JSON in UTF-8") from None


def spans_of(windows: object) -> set[tuple[str, datetime, datetime]] | None:
    """Windows as an entry tells them, comparable; None where they are malformed."""
    try:
        return comparable(_SPANS.validate_python(windows))
    except ValidationError:
        return None


def comparable(spans: Iterable[Span]) -> set[tuple[str, datetime, datetime]]:
    """Windows, so that those of an entry and those of a record can be compared."""
    return {(each.camera, each.starts_at, each.ends_at) for each in spans}


def decided_on(claims: Claims, camera: str, starts_at: datetime, ends_at: datetime) -> bool:
    """Whether footage lies in the time that was decided on; a still is one moment."""
    return any(
        span.camera == camera
        and starts_at < span.ends_at
        and (ends_at > span.starts_at or starts_at >= span.starts_at)
        for span in claims.approved
    )


def whole_seconds(span: timedelta) -> int:
    """Seconds, rounded up."""
    return -(-span // timedelta(seconds=1))


def _refuse(_constant: str) -> float:
    raise ValueError("no number")


def _number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError("a number too long for some reader")
    return int(digits)


def _once(fields: Sequence[tuple[str, object]]) -> dict[str, object]:
    told = dict(fields)
    if len(told) != len(fields):
        raise ValueError("a field told twice")
    return told


def _check_depth(value: object, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if not left:
        raise ValueError("nested too deep")
    for each in value.values() if isinstance(value, dict) else value:
        _check_depth(each, left - 1)


def _is_whole(value: object) -> TypeGuard[float]:
    return isinstance(value, float) and value.is_integer()
