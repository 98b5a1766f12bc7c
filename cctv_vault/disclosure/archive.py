"""A zip file in one fixed form: written forward only, and read as strictly as it was written.

Owns the layout (APPNOTE 6.3.10): members are stored, never compressed; they follow one another
from byte 0 without a gap; the central directory repeats them in that order; nothing stands between
or behind. A reader rebuilds every header from what it found and compares, so that no byte outside
the members' own content can differ unnoticed. What a member means is not known here.
"""

import io
import re
import struct
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final, Protocol

from cctv_vault.errors import PackageInvalidError

_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<4sHHHHIIH")
_END64: Final = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR64: Final = struct.Struct("<4sIQI")
_DESCRIPTOR: Final = struct.Struct("<4sIII")
_DESCRIPTOR64: Final = struct.Struct("<4sIQQ")
_EXTRA64: Final = struct.Struct("<HHQQ")
_EXTRA64_OFFSET: Final = struct.Struct("<HHQQQ")

_UTF8: Final = 0x0800
_LATER: Final = 0x0008  # sizes and CRC follow the data
_MADE_BY: Final = 0x032D  # Unix, version 4.5
_FILE_0644: Final = 0o100644 << 16
_LIMIT: Final = 0xFFFF_FFFF
_PLAIN_VERSION: Final = 20
_LARGE_VERSION: Final = 45
_CHUNK: Final = 1024 * 1024
_MOST_MEMBERS: Final = 1_000_000
_MOST_NAME: Final = 1024
_MOST_DIRECTORY: Final = 256 * 1024 * 1024
_SAFE_NAME: Final = re.compile(
    r"[^/\x00-\x1f\x7f-\x9f\\:*?\"<>|]+(?:/[^/\x00-\x1f\x7f-\x9f\\:*?\"<>|]+)*"
)


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take the bytes whole."""
        ...


@dataclass(frozen=True)
class Member:
    """One file of an archive: where its bytes lie in it. ``large`` members may pass 4 GiB."""

    name: str
    offset: int
    size: int
    crc: int
    header: int
    later: bool
    large: bool


@dataclass(frozen=True)
class Archive:
    """What a strictly read archive holds, in its order."""

    members: tuple[Member, ...]
    made_at: datetime


class ArchiveWriter:
    """Writes an archive forward; not to be shared between threads."""

    def __init__(self, out: Sink, made_at: datetime) -> None:
        """``made_at`` stands in every header, in UTC and to two seconds."""
        self._out = out
        self._stamp = _dos_stamp(made_at)
        self._at = 0
        self._members: list[Member] = []

    @contextmanager
    def member(self, name: str, *, large: bool) -> Iterator[Callable[[bytes], None]]:
        """A file whose bytes are pushed; ``large`` where it may pass 4 GiB.

        Raises:
            ValueError: The name cannot be stored, or more was written than announced.
        """
        header = self._at
        start = Member(checked_name(name), 0, 0, 0, header, later=True, large=large)
        self._put(_local_header(start, self._stamp))
        offset, crc = self._at, 0

        def push(data: bytes) -> None:
            nonlocal crc
            crc = zlib.crc32(data, crc)
            self._put(data)

        yield push
        whole = Member(name, offset, self._at - offset, crc, header, later=True, large=large)
        if whole.size >= _LIMIT and not large:
            raise ValueError("a member that passes 4 GiB must be announced as large")
        self._put(_descriptor(whole))
        self._members.append(whole)

    def add(self, name: str, data: bytes) -> None:
        """A file whose bytes are known."""
        crc = zlib.crc32(data)
        before = Member(checked_name(name), 0, len(data), crc, self._at, later=False, large=False)
        self._put(_local_header(before, self._stamp))
        member = Member(name, self._at, len(data), crc, before.header, later=False, large=False)
        self._put(data)
        self._members.append(member)

    def finish(self) -> int:
        """Write the directory; the size of the whole archive."""
        start = self._at
        for member in self._members:
            self._put(_central_header(member, self._stamp))
        self._put(_end(len(self._members), start, self._at - start))
        return self._at

    def _put(self, data: bytes) -> None:
        self._out.write(data)
        self._at += len(data)


def archived_size(members: Iterable[tuple[str, int]]) -> int:
    """How large an archive of such names and sizes becomes, each written as a `large` member."""
    at = directory = count = 0
    for name, size in members:
        member = Member(name, 0, size, 0, at, later=True, large=True)
        at += len(_local_header(member, 0)) + size + len(_descriptor(member))
        directory += len(_central_header(member, 0))
        count += 1
    return at + directory + len(_end(count, at, directory))


def read_archive(file: BinaryIO) -> Archive:
    """Read an archive written by `ArchiveWriter`, and refuse any other.

    Raises:
        PackageInvalidError: It is not exactly in that form; the message says where.
    """
    size = file.seek(0, io.SEEK_END)
    count, start, length, end = _read_end(file, size)
    if start + length != end:
        raise PackageInvalidError("the zip directory does not end where the archive's end begins")
    directory = _read(file, start, length)
    members: list[Member] = []
    stamp: int | None = None
    at = position = 0
    for number in range(count):
        found, found_stamp, used = _read_central(directory, at, number)
        stamp = found_stamp if stamp is None else stamp
        if found.header != position:
            raise PackageInvalidError(f"member {number}: bytes lie before it that are no member")
        member, position = _read_local(file, found, stamp, start)
        if directory[at : at + used] != _central_header(member, stamp):
            raise PackageInvalidError(f"{member.name}: its directory entry was changed")
        members.append(member)
        at += used
    if at != length or position != start:
        raise PackageInvalidError("the zip holds bytes that belong to no member")
    names = {alike(member.name) for member in members}
    if len(names) != len(members):
        raise PackageInvalidError("the zip holds two members of one name")
    return Archive(tuple(members), _moment(stamp or 0))


def read_member(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """The bytes of a member, in pieces.

    Raises:
        PackageInvalidError: The file ends within it.
    """
    file.seek(member.offset)
    left = member.size
    while left:
        piece = file.read(min(left, _CHUNK))
        if not piece:
            raise PackageInvalidError(f"{member.name}: the file ends within it")
        left -= len(piece)
        yield piece


def checked_name(name: str) -> str:
    """The name, if every system can unpack it below the folder it is meant for.

    Raises:
        ValueError: It is absolute, climbs, or holds a character some system refuses or stores
            otherwise.
    """
    parts = name.split("/")
    if (
        not _SAFE_NAME.fullmatch(name)
        or not unicodedata.is_normalized("NFC", name)
        or len(name.encode("utf-8", "replace")) > _MOST_NAME
        or any(part in {".", ".."} or part[-1] in ". " or part[0] == " " for part in parts)
    ):
        raise ValueError("a member's name must be a plain relative path")
    return name


def alike(name: str) -> str:
    """A name as some system may take it for another: whatever its case and its accents' form.

    In steps that a browser has too; an i without its dot meets one with it.
    """
    return unicodedata.normalize("NFC", name.lower().upper().lower())


# --- the form ---------------------------------------------------------------------------------


def _local_header(member: Member, stamp: int) -> bytes:
    name = member.name.encode()
    extra = b""
    sizes = (0, 0, 0) if member.later else (member.crc, member.size, member.size)
    if member.large:
        extra = _EXTRA64.pack(1, 16, 0, 0)
        sizes = (0, _LIMIT, _LIMIT)
    return (
        _LOCAL.pack(
            b"PK\x03\x04",
            _LARGE_VERSION if member.large else _PLAIN_VERSION,
            _UTF8 | (_LATER if member.later else 0),
            0,
            *(stamp & 0xFFFF, stamp >> 16),
            *sizes,
            *(len(name), len(extra)),
        )
        + name
        + extra
    )


def _descriptor(member: Member) -> bytes:
    form = _DESCRIPTOR64 if member.large else _DESCRIPTOR
    return form.pack(b"PK\x07\x08", member.crc, member.size, member.size)


def _central_header(member: Member, stamp: int) -> bytes:
    name = member.name.encode()
    extra = b""
    size, header = member.size, member.header
    if member.large or header >= _LIMIT:
        extra = _EXTRA64_OFFSET.pack(1, 24, size, size, header)
        size = header = _LIMIT
    return (
        _CENTRAL.pack(
            b"PK\x01\x02",
            _MADE_BY,
            _LARGE_VERSION if member.large else _PLAIN_VERSION,
            _UTF8 | (_LATER if member.later else 0),
            0,
            *(stamp & 0xFFFF, stamp >> 16),
            *(member.crc, size, size),
            *(len(name), len(extra), 0, 0, 0),
            *(_FILE_0644, header),
        )
        + name
        + extra
    )


def _end(count: int, start: int, length: int) -> bytes:
    # Always with the 64-bit records: one form for every size.
    at = start + length
    return (
        _END64.pack(
            b"PK\x06\x06",
            _END64.size - 12,
            *(_MADE_BY, _LARGE_VERSION, 0, 0, count, count, length, start),
        )
        + _LOCATOR64.pack(b"PK\x06\x07", 0, at, 1)
        + _END.pack(b"PK\x05\x06", 0, 0, *(2 * [min(count, 0xFFFF)]), *(2 * [_LIMIT]), 0)
    )


_TAIL: Final = _END64.size + _LOCATOR64.size + _END.size


def _read_end(file: BinaryIO, size: int) -> tuple[int, int, int, int]:
    """How many members, where the directory starts, its length, and where it ends."""
    if size < _TAIL:
        raise PackageInvalidError("the file is too short to be a package, or not a zip")
    tail = _read(file, size - _TAIL, _TAIL)
    fields = _END64.unpack_from(tail)
    count, length, start = fields[7], fields[8], fields[9]
    end = size - _TAIL
    if start > end or length > min(end, _MOST_DIRECTORY) or count > _MOST_MEMBERS:
        raise PackageInvalidError("the end of the zip is not whole: truncated or not a package")
    if tail != _end(count, start, length):
        raise PackageInvalidError("the end of the zip was changed, truncated, or is no package's")
    return count, start, length, end


def _read_central(directory: bytes, at: int, number: int) -> tuple[Member, int, int]:
    if at + _CENTRAL.size > len(directory):
        raise PackageInvalidError(f"member {number}: its directory entry is cut off")
    fields = _CENTRAL.unpack_from(directory, at)
    flags, time, date, crc, size = fields[3], fields[5], fields[6], fields[7], fields[9]
    name_length, extra_length, header = fields[10], fields[11], fields[16]
    used = _CENTRAL.size + name_length + extra_length
    raw = directory[at + _CENTRAL.size : at + used]
    if fields[0] != b"PK\x01\x02" or len(raw) != name_length + extra_length:
        raise PackageInvalidError(f"member {number}: its directory entry is malformed")
    name = _decoded_name(raw[:name_length], number)
    extra = raw[name_length:]
    if len(extra) == _EXTRA64_OFFSET.size:
        size, header = _EXTRA64_OFFSET.unpack(extra)[3:]
    member = Member(
        name,
        0,
        size,
        crc,
        header,
        later=bool(flags & _LATER),
        large=fields[2] == _LARGE_VERSION,
    )
    return member, time | date << 16, used


def _read_local(file: BinaryIO, found: Member, stamp: int, limit: int) -> tuple[Member, int]:
    """The member with the place of its bytes, and where the next one begins."""
    header = _local_header(found, stamp)
    offset = found.header + len(header)
    after = _descriptor(found) if found.later else b""
    end = offset + found.size + len(after)
    if end > limit:
        raise PackageInvalidError(f"{found.name}: its size reaches beyond the members")
    if _read(file, found.header, len(header)) != header:
        raise PackageInvalidError(f"{found.name}: its header was changed")
    if after and _read(file, offset + found.size, len(after)) != after:
        raise PackageInvalidError(f"{found.name}: the record behind it was changed")
    member = Member(
        found.name,
        offset,
        found.size,
        found.crc,
        found.header,
        later=found.later,
        large=found.large,
    )
    return member, end


def _decoded_name(raw: bytes, number: int) -> str:
    try:
        return checked_name(raw.decode("utf-8"))
    except ValueError:
        raise PackageInvalidError(
            f"member {number}: its name could lead outside the package or is not readable"
        ) from None


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    data = file.read(length)
    if len(data) != length:
        raise PackageInvalidError("the file ends too early")
    return data


def _dos_stamp(moment: datetime) -> int:
    utc = moment.astimezone(UTC)
    date = (max(utc.year, 1980) - 1980) << 9 | utc.month << 5 | utc.day
    return date << 16 | utc.hour << 11 | utc.minute << 5 | utc.second // 2


def _moment(stamp: int) -> datetime:
    date, time = stamp >> 16, stamp & 0xFFFF
    try:
        return datetime(
            1980 + (date >> 9),
            date >> 5 & 15,
            date & 31,
            time >> 11,
            time >> 5 & 63,
            (time & 31) * 2,
            tzinfo=UTC,
        )
    except ValueError:
        raise PackageInvalidError("the zip's time stamp is no time") from None
