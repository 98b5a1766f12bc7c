"""The layout of c2sp.org/tlog-tiles: how a log's tree and entries are cut into files.

Owns names, shapes and the way from a subtree to the tile that holds it.  It stores
nothing and hashes only within one tile; where tiles lie is the caller's affair.

Tile `n` of level `l` holds up to 256 hashes, hash `i` being the RFC 6962 root of the
256**l entries from (256 * n + i) * 256**l on.  Only the last tile of a level may be
partial, and only complete tiles are hashed into the level above.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from cctv_vault.custody.errors import TileError
from storage.merkle import root_of

TILE_WIDTH: Final = 256
TILE_HEIGHT: Final = 8
HASH_BYTES: Final = 32
MAX_ENTRY_BYTES: Final = 0xFFFF
"""Longest entry a bundle can hold: its length is an unsigned 16-bit number."""

_MAX_LEVEL: Final = 63
_LENGTH_BYTES: Final = 2
_PATH_ELEMENT: Final = 1000  # three decimal digits, so that no folder grows large

ReadTile: TypeAlias = Callable[[int, int, int], Sequence[bytes]]
"""(level, tile, width) -> exactly `width` hashes from the tile's beginning."""


def tile_width(level: int, tile: int, size: int) -> int:
    """How many hashes a tile has in a log of `size` entries: 0 (absent) to 256 (full)."""
    hashes = size >> (TILE_HEIGHT * level)
    return min(TILE_WIDTH, max(0, hashes - tile * TILE_WIDTH))


def tile_path(level: int, tile: int, width: int = TILE_WIDTH) -> str:
    """The name of a hash tile below a log's prefix, such as `tile/0/x001/067.p/12`.

    Raises:
        TileError: No tile has such a level, number or width.
    """
    if not 0 <= level <= _MAX_LEVEL:
        raise TileError(f"level {level}", f"must lie in 0..{_MAX_LEVEL}")
    return f"tile/{level}/{_number(tile, width)}"


def entries_path(tile: int, width: int = TILE_WIDTH) -> str:
    """The name of an entry bundle below a log's prefix, such as `tile/entries/x001/067`.

    Raises:
        TileError: No bundle has such a number or width.
    """
    return f"tile/entries/{_number(tile, width)}"


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """The bytes of a tile: its hashes one after the other.

    Raises:
        TileError: There are none or too many, or one is not 32 bytes.
    """
    _check_hashes("tile", hashes)
    return b"".join(hashes)


def decode_tile(data: bytes) -> list[bytes]:
    """The hashes of a tile.

    Raises:
        TileError: The bytes are not 1 to 256 hashes.
    """
    if len(data) % HASH_BYTES:
        raise TileError("tile", f"{len(data)} bytes are no whole number of hashes")
    hashes = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
    _check_hashes("tile", hashes)
    return hashes


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of an entry bundle: each entry after its length as a big-endian u16.

    Raises:
        TileError: There are none or too many entries, or one is too long.
    """
    if not 0 < len(entries) <= TILE_WIDTH:
        raise TileError("bundle", f"must hold 1 to {TILE_WIDTH} entries")
    for number, entry in enumerate(entries):
        if len(entry) > MAX_ENTRY_BYTES:
            raise TileError(f"bundle entry {number}", f"exceeds {MAX_ENTRY_BYTES} bytes")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        TileError: The bytes are not 1 to 256 entries, or end within one.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        end = start + int.from_bytes(data[at:start], "big")
        if end > len(data):
            raise TileError(f"bundle entry {len(entries)}", "is cut off")
        entries.append(data[start:end])
        at = end
    if not 0 < len(entries) <= TILE_WIDTH:
        raise TileError("bundle", f"must hold 1 to {TILE_WIDTH} entries")
    return entries


class TileReader:
    """Answers with the root of any complete subtree of a log, from its tiles.

    Keeps the tiles it has read, so use one for a proof or a few, then let it go.
    """

    def __init__(self, size: int, read_tile: ReadTile) -> None:
        """Read a log of `size` entries; `read_tile` gets the width the tile then had."""
        self._size = size
        self._read_tile = read_tile
        self._tiles: dict[tuple[int, int], Sequence[bytes]] = {}

    def subtree(self, level: int, index: int) -> bytes:
        """The root over the 2**level entries from index * 2**level on.

        Raises:
            TileError: The log does not hold that subtree whole, or the tile that was
                read has another shape than a log of this size has.
        """
        if level < 0 or index < 0 or (index + 1) << level > self._size:
            raise TileError(f"subtree {index} of level {level}", "is not whole in this log")
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        tile, offset = divmod(first, TILE_WIDTH)
        return root_of(self._tile(tile_level, tile)[offset : offset + (1 << height)])

    def _tile(self, level: int, tile: int) -> Sequence[bytes]:
        held = self._tiles.get((level, tile))
        if held is not None:
            return held
        width = tile_width(level, tile, self._size)
        hashes = self._read_tile(level, tile, width)
        where = f"tile {tile} of level {level}"
        if len(hashes) != width:
            raise TileError(where, f"has {len(hashes)} hashes, not {width}")
        _check_hashes(where, hashes)
        self._tiles[level, tile] = hashes
        return hashes


def _check_hashes(where: str, hashes: Sequence[bytes]) -> None:
    if not 0 < len(hashes) <= TILE_WIDTH:
        raise TileError(where, f"must have 1 to {TILE_WIDTH} hashes")
    if any(len(each) != HASH_BYTES for each in hashes):
        raise TileError(where, f"a hash must have {HASH_BYTES} bytes")


def _number(tile: int, width: int) -> str:
    if tile < 0:
        raise TileError(f"tile {tile}", "cannot have a negative number")
    if not 0 < width <= TILE_WIDTH:
        raise TileError(f"tile {tile}", f"a width lies in 1..{TILE_WIDTH}")
    higher, last = divmod(tile, _PATH_ELEMENT)
    name = f"{last:03d}"
    while higher:
        higher, element = divmod(higher, _PATH_ELEMENT)
        name = f"x{element:03d}/{name}"
    return name if width == TILE_WIDTH else f"{name}.p/{width}"
