"""Single pictures out of a recording: posters and thumbnails as JPEG, exact frames as PNG."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final, Protocol, TypeVar

from cctv_vault.footage.look import RoomLook, read_look
from cctv_vault.media.errors import MediaCrashError
from cctv_vault.media.limits import PICTURE
from cctv_vault.media.sandbox import ByteSource, MediaSandbox

POSTER_WIDTH: Final = 480


@dataclass(frozen=True)
class Picture:
    """A picture and where in its recording it lies.

    ``offset_s`` is its true time in seconds after the recording's first picture; ``pts`` its time
    stamp in the container in units of ``time_base`` seconds, None where the container has none;
    ``number`` counts the recording's pictures from 1, where a very frame was asked for;
    ``look`` is what it says of the camera, where that was asked.
    """

    data: bytes
    media_type: str
    width: int
    height: int
    offset_s: float
    pts: int | None
    time_base: Fraction | None
    number: int | None = None
    look: RoomLook | None = None


class Film(Protocol):
    """What is asked of a recording to find the picture of a moment."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def kind(self) -> str:
        """Video or still."""

    @property
    def started_at(self) -> datetime:
        """When its first picture was shown."""

    @property
    def ended_at(self) -> datetime:
        """When its last one ended."""


_Film = TypeVar("_Film", bound=Film)


def film_at(recordings: Iterable[_Film], at: datetime) -> _Film | None:
    """The film of one camera that shows a moment: of several the one that began last."""
    found = [
        each
        for each in recordings
        if each.kind == "video" and each.started_at <= at < each.ended_at
    ]
    return max(found, key=lambda each: (each.started_at, each.id), default=None)


class _Gathered:
    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes, /) -> None:
        self.parts.append(data)


def poster(
    sandbox: MediaSandbox,
    file: ByteSource,
    *,
    offset_s: float = 0.0,
    width: int = POSTER_WIDTH,
    look: bool = False,
) -> Picture:
    """The key frame at or before ``offset_s``, turned upright, at most ``width`` pixels wide.

    Raises:
        MediaRefusedError: nothing in the file can be shown.
    """
    arguments = {"offset_s": offset_s, "width": width, "look": look}
    return _picture(sandbox, "poster", file, arguments, "image/jpeg")


def exact_frame(sandbox: MediaSandbox, file: ByteSource, *, offset_s: float) -> Picture:
    """The very frame shown at ``offset_s``, in its full size, without loss after decoding.

    Raises:
        MediaRefusedError: nothing in the file can be shown.
    """
    return _picture(sandbox, "frame", file, {"offset_s": offset_s}, "image/png")


def _picture(
    sandbox: MediaSandbox,
    operation: str,
    file: ByteSource,
    arguments: dict[str, Any],
    media_type: str,
) -> Picture:
    gathered = _Gathered()
    answer = sandbox.run(operation, arguments, [file], PICTURE, gathered)
    try:
        base = answer["time_base"]
        return Picture(
            data=b"".join(gathered.parts),
            media_type=media_type,
            width=int(answer["width"]),
            height=int(answer["height"]),
            offset_s=timedelta(seconds=answer["offset_s"]).total_seconds(),  # refuses NaN
            pts=None if answer["pts"] is None else int(answer["pts"]),
            time_base=None if base is None else Fraction(str(base)),
            number=None if answer.get("number") is None else int(answer["number"]),
            look=read_look(answer),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise MediaCrashError("it answered nonsense") from error
