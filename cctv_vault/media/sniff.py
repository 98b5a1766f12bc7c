"""Inside the sandbox: what a file is, by its own bytes, before any library sees it.

The demuxer is chosen here and named to PyAV, so a playlist, a script or a disc image never reaches
a parser made for it, whatever the file is called. What is not recognised is refused.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.limits import MAX_STILL_PIXELS
from cctv_vault.media.remote import RemoteFile

_HEAD: Final = 64 * 1024
_MOV_BOXES: Final = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof"}
)
_PICTURE_BRANDS: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
_MAX_BOXES: Final = 100_000
_TS_PACKET: Final = 188
_TS_SYNC: Final = 0x47
_EBML_SEGMENT: Final = b"\x18\x53\x80\x67"
_PLAYLISTS: Final = (b"#EXTM3U", b"ffconcat", b"<MPD", b"[playlist]")
_ARCHIVES: Final = (
    *(b"PK\x03\x04", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08", b"BZh"),
    *(b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"),
)
_TAR: Final = slice(257, 262), b"ustar"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame, T.81 B.1
_JPEG_SCAN: Final = 0xDA
_JPEG_MARK: Final = 0xFF


@dataclass(frozen=True)
class Sniffed:
    """What a file is: the demuxer to use, or the picture's coding and size."""

    demuxer: str  # libavformat's short name; "jpeg" and "png" for stills
    still: bool = False
    width: int = 0
    height: int = 0
    faults: tuple[str, ...] = field(default=())
    open_ended: bool = False  # whether more may follow without anything before it changing


def sniff(file: RemoteFile) -> Sniffed:
    """Recognises a file.

    Raises:
        MediaRefusedError: ``empty``, ``not-media``, ``playlist``, ``unfinished``,
            ``animated-gif``, ``unknown-codec`` or ``too-large-picture``.
    """
    if file.size == 0:
        raise MediaRefusedError("empty", "the file is empty")
    file.seek(0)
    head = file.read(_HEAD)
    if head[4:8] in _MOV_BOXES:
        return _mov(file, head)
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg(file)
    if head.startswith(_PNG):
        return _png(head)
    choices: tuple[tuple[bool, Callable[[], Sniffed]], ...] = (
        (head.startswith(b"\x1a\x45\xdf\xa3"), lambda: _matroska(file, head)),
        (head.startswith(b"RIFF") and head[8:11] == b"AVI", lambda: _avi(file, head)),
        (_is_transport_stream(head), lambda: _transport_stream(file, head)),
        (head.startswith((b"IMKH", b"\x00\x00\x01\xba")), lambda: _program_stream(file)),
        (head.startswith((b"DAHUA", b"DHAV")), lambda: Sniffed("dhav", open_ended=True)),
        (head.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01")), lambda: _raw(head)),
        (
            head.startswith(b"--") and b"image/jpeg" in head[:1024],
            lambda: Sniffed("mpjpeg", open_ended=True),
        ),
    )
    for matches, look in choices:
        if matches:
            return look()
    raise _refusal(head)


def _refusal(head: bytes) -> MediaRefusedError:
    """What is said of a file that begins as no footage does."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(_PLAYLISTS) or b"<MPD" in text[:512]:
        return MediaRefusedError(
            "playlist", "this is a playlist that points to footage elsewhere, not footage"
        )
    if head.startswith((b"BM", b"II*\0", b"MM\0*")) or head[8:12] == b"WEBP":
        return MediaRefusedError(
            "unknown-codec",
            "WebP, BMP and TIFF pictures are not supported; set the camera to JPEG",
        )
    if head.startswith(b"GIF8"):
        return MediaRefusedError("animated-gif", "this is a GIF, which no camera records in")
    if head.startswith(_ARCHIVES) or head[_TAR[0]] == _TAR[1]:
        return MediaRefusedError(
            "not-media", "this is an archive: unpack it, and put what it holds into the folder"
        )
    return MediaRefusedError("not-media", "the content is neither video nor a picture")


def _mov(file: RemoteFile, head: bytes) -> Sniffed:
    brands = head[8:64]
    if head[4:8] == b"ftyp" and brands.startswith(_PICTURE_BRANDS):
        raise MediaRefusedError(
            "unknown-codec", "HEIC and AVIF pictures are not supported; set the camera to JPEG"
        )
    kinds: set[bytes] = set()
    position, cut = 0, False
    for _ in range(_MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:  # noqa: PLR2004 - ISO/IEC 14496-12, 4.2: size and type
            cut = cut or len(header) > 0
            break
        size, kind = struct.unpack(">I4s", header[:8])
        if size == 1 and len(header) == 16:  # noqa: PLR2004 - the 64-bit size follows
            size = struct.unpack(">Q", header[8:])[0]
        if kind == b"\0\0\0\0":  # padding after the end
            break
        kinds.add(kind)
        if size == 0:  # to the end of the file
            break
        cut = position + size > file.size
        if size < 8 or cut:  # noqa: PLR2004
            break
        position += size
    file.seek(0)
    if b"moov" not in kinds:
        raise MediaRefusedError(
            "unfinished",
            "the index of this MP4 file (moov) is missing: the camera never finished it, "
            "or it has not been sent whole",
        )
    return Sniffed("mov", faults=_cut_short(cut), open_ended=b"moof" in kinds)


def _matroska(file: RemoteFile, head: bytes) -> Sniffed:
    start = head.find(_EBML_SEGMENT, 0, 4096)
    if start < 0:
        return Sniffed("matroska", open_ended=True)
    first = head[start + 4] if start + 4 < len(head) else 0
    length = 9 - first.bit_length()  # RFC 8794, 4: the leading zeros tell the length
    field_end = start + 4 + length
    if first == 0 or field_end > len(head):
        return Sniffed("matroska", open_ended=True)
    value = int.from_bytes(head[start + 4 : field_end], "big") & ((1 << (7 * length)) - 1)
    unknown = value == (1 << (7 * length)) - 1
    cut = not unknown and field_end + value > file.size
    return Sniffed("matroska", faults=_cut_short(cut), open_ended=unknown)


def _avi(file: RemoteFile, head: bytes) -> Sniffed:
    return Sniffed("avi", faults=_cut_short(8 + int(struct.unpack("<I", head[4:8])[0]) > file.size))


def _is_transport_stream(head: bytes) -> bool:
    return any(
        len(head) > offset + 2 * step and all(head[offset + n * step] == _TS_SYNC for n in range(3))
        for offset, step in ((0, _TS_PACKET), (4, _TS_PACKET + 4))
    )


def _transport_stream(file: RemoteFile, head: bytes) -> Sniffed:
    step = _TS_PACKET if head[_TS_PACKET] == _TS_SYNC and head[0] == _TS_SYNC else _TS_PACKET + 4
    return Sniffed("mpegts", faults=_cut_short(file.size % step != 0), open_ended=True)


def _program_stream(file: RemoteFile) -> Sniffed:
    """Looks whether the last packet is there whole (ISO/IEC 13818-1, 2.5.3)."""
    start = max(0, file.size - _HEAD - 6)
    file.seek(start)
    tail = file.read(_HEAD + 6)
    file.seek(0)
    last = max(tail.rfind(b"\x00\x00\x01" + bytes([code])) for code in (0xBD, *range(0xC0, 0xF0)))
    if last < 0 or last + 6 > len(tail):
        return Sniffed("mpeg", faults=_cut_short(last >= 0), open_ended=True)
    length = struct.unpack_from(">H", tail, last + 4)[0]
    cut = start + last + 6 + length > file.size
    return Sniffed("mpeg", faults=_cut_short(cut), open_ended=True)


def _raw(head: bytes) -> Sniffed:
    """A bare elementary stream, by the first start code that only one coding can have."""
    position = head.find(b"\x00\x00\x01")
    while 0 <= position < len(head) - 4:
        code = head[position + 3]
        if code == 0xB3:  # noqa: PLR2004 - sequence header, ISO/IEC 13818-2
            return Sniffed("mpegvideo", open_ended=True)
        if code in {0xB0, 0xB5, 0xB6} or code == 0x20:  # noqa: PLR2004 - ISO/IEC 14496-2
            return Sniffed("m4v", open_ended=True)
        if code & 0x80:
            break
        if code & 0x1F in {5, 7, 8} and head[position + 4] != 0x01:  # H.264, 7.4.1: IDR, SPS, PPS
            return Sniffed("h264", open_ended=True)
        if code >> 1 in {32, 33, 34}:  # H.265, 7.4.2.2: VPS, SPS, PPS
            return Sniffed("hevc", open_ended=True)
        position = head.find(b"\x00\x00\x01", position + 3)
    raise MediaRefusedError("not-media", "the content is neither video nor a picture")


def _jpeg(file: RemoteFile) -> Sniffed:
    """Reads the frame header (ITU-T T.81, B.2.2) so that a bomb is known before it is decoded."""
    position = 2
    for _ in range(_MAX_BOXES):
        file.seek(position)
        marker = file.read(9)
        if len(marker) < 4 or marker[0] != _JPEG_MARK:  # noqa: PLR2004
            break
        if marker[1] == _JPEG_MARK:  # a fill byte
            position += 1
        elif marker[1] in _JPEG_ALONE:
            position += 2
        elif marker[1] in _JPEG_FRAMES and len(marker) == 9:  # noqa: PLR2004
            height, width = struct.unpack(">HH", marker[5:9])
            _refuse_bomb(width, height)
            return _jpeg_end(file, width, height)
        elif marker[1] == _JPEG_SCAN:
            break
        else:
            position += 2 + struct.unpack(">H", marker[2:4])[0]
    raise MediaRefusedError("undecodable", "this JPEG picture has no readable frame header")


def _jpeg_end(file: RemoteFile, width: int, height: int) -> Sniffed:
    file.seek(max(0, file.size - 4096))
    whole = b"\xff\xd9" in file.read(4096)
    file.seek(0)
    return Sniffed("jpeg", still=True, width=width, height=height, faults=_cut_short(not whole))


def _png(head: bytes) -> Sniffed:
    if len(head) < 24 or head[12:16] != b"IHDR":  # noqa: PLR2004 - ISO/IEC 15948, 11.2.2
        raise MediaRefusedError("undecodable", "this PNG picture has no readable header")
    width, height = struct.unpack(">II", head[16:24])
    _refuse_bomb(width, height)
    return Sniffed("png", still=True, width=width, height=height)


def _refuse_bomb(width: int, height: int) -> None:
    if width * height > MAX_STILL_PIXELS:
        raise MediaRefusedError(
            "too-large-picture",
            f"the picture claims {width} × {height} pixels; no camera's has more than "
            f"{MAX_STILL_PIXELS // 1_000_000} million",
        )
    if width == 0 or height == 0:
        raise MediaRefusedError("undecodable", "the picture claims no size")


def _cut_short(cut: bool) -> tuple[str, ...]:  # noqa: FBT001
    return ("cut-short",) if cut else ()
