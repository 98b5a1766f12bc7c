"""A film that a form brings: larger than memory, so its bytes go on as they come.

Owns the reading of such a form: a few fields, then one file. The film goes to whoever seals it,
piece by piece, and never into a temporary file, where it would lie in the clear. Refuses a form
whose fields come after its file, since they say who may send it and what it is, and a sender who is
too slow for the thread that waits (`pace`).
"""

import asyncio
from collections import deque
from typing import BinaryIO, Final, cast

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from cctv_vault.errors import InvalidInputError
from web.pace import PACE, Pace, paced

_MOST_FIELD: Final = 80_000
_MOST_FIELDS: Final = 10
_BROKEN: Final = "the film broke off on its way; send it again"


class SentFilm:
    """A form that is read as it comes; call `begin` first."""

    def __init__(self, request: Request, pace: Pace = PACE) -> None:
        """Begin with a request whose body nobody has read, and the slowest it may come.

        Raises:
            HTTPException: It is no such form.
        """
        kind, options = parse_options_header(request.headers.get("content-type"))
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise HTTPException(415)
        self._stream = paced(request.stream(), pace)
        length = request.headers.get("content-length", "")
        self._announced = int(length) if length.isascii() and length.isdecimal() else 0
        self._fields: list[tuple[str, str | UploadFile]] = []
        self._file: str | None = None
        self._header, self._value, self._disposition = b"", b"", b""
        self._field, self._text = "", bytearray()
        self._in_file = self._whole = self._over = False
        self._pieces: deque[bytes] = deque()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._part_ends,
                "on_end": self._ends,
            },
        )

    @property
    def fields(self) -> FormData:
        """The fields that came before the film."""
        return FormData(self._fields)

    @property
    def announced(self) -> int:
        """How many bytes the whole form has, as its sender says; 0 where they do not."""
        return self._announced

    @property
    def name(self) -> str:
        """What the film is called.

        Raises:
            InvalidInputError: None was sent.
        """
        if not self._file:
            raise InvalidInputError("choose a file first")
        return self._file

    async def begin(self) -> None:
        """Read up to where the film begins.

        Raises:
            HTTPException: It is no such form.
            InvalidInputError: It broke off.
        """
        while self._file is None and not self._over:
            await self._read_on()

    def reader(self) -> BinaryIO:
        """The film, for a thread that seals it while this form's event loop runs."""
        return cast("BinaryIO", _Reader(self, asyncio.get_running_loop()))

    async def piece(self) -> bytes:
        """The next bytes of the film; empty at its end.

        Raises:
            InvalidInputError: It broke off.
        """
        while not self._pieces and not self._over:
            await self._read_on()
        return self._pieces.popleft() if self._pieces else b""

    async def drain(self, most: int) -> None:
        """Take what is left, so that a browser which still sends hears the answer; up to a limit.

        Raises:
            InvalidInputError: It broke off.
        """
        while most > 0 and (piece := await self.piece()):
            most -= len(piece)

    async def _read_on(self) -> None:
        try:
            chunk = await anext(self._stream, b"")
            if chunk:
                self._parser.write(chunk)
                return
        except ClientDisconnect:
            self._over = True
            raise InvalidInputError(_BROKEN) from None
        except InvalidInputError:  # too slow: nothing more is waited for
            self._over = True
            raise
        except ValueError:  # the parser's own errors are these
            raise HTTPException(400) from None
        if not self._whole and not self._over:
            self._over = True
            raise InvalidInputError(_BROKEN)
        self._over = True

    # --- what the parser meets ----------------------------------------------------------------

    def _part_begins(self) -> None:
        self._disposition, self._header, self._value = b"", b"", b""
        self._text.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        _bound(len(self._header))

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        _bound(len(self._value))

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._in_file = b"filename" in options
        if self._in_file:
            _bound(0 if self._file is None else _MOST_FIELD + 1)  # one film is enough
            self._file = options[b"filename"].decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._pieces.append(data[start:end])
        else:
            self._text += data[start:end]
            _bound(len(self._text))

    def _part_ends(self) -> None:
        if not self._in_file:
            _bound(0 if len(self._fields) < _MOST_FIELDS else _MOST_FIELD + 1)
            if self._file is None:
                self._fields.append((self._field, self._text.decode("utf-8", "replace")))
        self._in_file = False

    def _ends(self) -> None:
        self._whole = True


class _Reader:
    """A film's bytes as a file that is read once, forward, by another thread."""

    def __init__(self, film: SentFilm, loop: asyncio.AbstractEventLoop) -> None:
        self._film = film
        self._loop = loop
        self._left = bytearray()

    def read(self, size: int, /) -> bytes:
        """As many bytes as asked for, but at the end."""
        while len(self._left) < size:
            piece = asyncio.run_coroutine_threadsafe(self._film.piece(), self._loop).result()
            if not piece:
                break
            self._left += piece
        data = bytes(self._left[:size])
        del self._left[:size]
        return data


def _bound(length: int) -> None:
    """Refuse a form that holds more than any of ours does.

    Raises:
        HTTPException: It does.
    """
    if length > _MOST_FIELD:
        raise HTTPException(413)
