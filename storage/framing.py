"""The layout of a sealed stream and of its hash file: arithmetic and encoding, no I/O.

Owns what `FORMAT.md` calls "Streams" and "Hash files". The cipher's framing is that of Google
Tink's streaming AEAD ``AES256_GCM_HKDF_1MB``; nothing here is invented beyond the hash file.
"""

import struct
from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.encoding import associated_data
from storage.errors import BlobTamperedError, BlobTruncatedError, UnknownFormatError
from storage.merkle import HASH_BYTES, root_of
from storage.secret import KEY_BYTES, SecretKey

SEGMENT_BYTES: Final = 1 << 20
TAG_BYTES: Final = 16
SALT_BYTES: Final = 32
PREFIX_BYTES: Final = 7
HEADER_BYTES: Final = 1 + SALT_BYTES + PREFIX_BYTES
# Plain bytes in the first segment, which the header shortens, and in each later full one.
FIRST_PLAIN: Final = SEGMENT_BYTES - HEADER_BYTES - TAG_BYTES
FULL_PLAIN: Final = SEGMENT_BYTES - TAG_BYTES
# The segment number in a nonce is a u32.
MAX_SEGMENTS: Final = 1 << 32

HASHES_SUFFIX: Final = ".segments"
_MAGIC: Final = b"CVLTSEG"
_VERSION: Final = 1
# Magic, version, segment size, segment count, ciphertext size, copy of the stream's header.
_HASHES_HEAD: Final = struct.Struct(f">7sBIIQ{HEADER_BYTES}s")


@dataclass(frozen=True, slots=True)
class StreamContext:
    """What a stream is bound to. It opens under no other vault, object or kind of stream.

    Attributes:
        vault_id: The vault.
        object_id: The recording, package or other thing the stream belongs to.
        stream: The kind: ``original``, ``thumbnail``, ``preview``, ``rendition``, ``package``…
    """

    vault_id: str
    object_id: str
    stream: str

    def associated_data(self) -> bytes:
        """Return the associated data of the stream (`FORMAT.md`, "Associated data")."""
        return associated_data("cctv-vault/stream/v1", self.vault_id, self.object_id, self.stream)


def stream_key(key: SecretKey, salt: bytes, context: StreamContext) -> bytes:
    """Return the AES key of one stream: HKDF-SHA256 of key, salt and associated data."""
    kdf = HKDF(SHA256(), KEY_BYTES, salt, context.associated_data())
    return kdf.derive(key.reveal())


def nonce(prefix: bytes, index: int, *, last: bool) -> bytes:
    """Return the nonce of segment `index`: ``prefix(7) || index(u32 BE) || last(1)``."""
    return prefix + struct.pack(">I?", index, last)


def segment_count(ciphertext_size: int) -> int:
    """Return how many segments a ciphertext of this size has."""
    return -(-ciphertext_size // SEGMENT_BYTES)


def segment_span(index: int, ciphertext_size: int) -> tuple[int, int]:
    """Return the offset and the length of a segment in the blob; the header is in segment 0."""
    start = index * SEGMENT_BYTES
    return start, min(SEGMENT_BYTES, ciphertext_size - start)


def plain_size(ciphertext_size: int) -> int:
    """Return the size of the plain bytes of a ciphertext.

    Raises:
        ValueError: No stream has this ciphertext size.
    """
    count = segment_count(ciphertext_size)
    size = ciphertext_size - HEADER_BYTES - count * TAG_BYTES
    # Only the empty stream has an empty last segment; more than one segment means more than
    # the first one holds.
    if size < 0 or count != (
        1 if size <= FIRST_PLAIN else 1 + -(-(size - FIRST_PLAIN) // FULL_PLAIN)
    ):
        raise ValueError(f"no stream is {ciphertext_size} bytes long")
    return size


def locate(position: int) -> tuple[int, int]:
    """Return the segment that holds a plain byte, and the byte's place in that segment."""
    if position < FIRST_PLAIN:
        return 0, position
    index, place = divmod(position - FIRST_PLAIN, FULL_PLAIN)
    return index + 1, place


@dataclass(frozen=True, slots=True)
class SegmentHashes:
    """A stream's hash file.

    Attributes:
        header: A copy of the stream's header, which tells a damaged header from a damaged
            segment and from another stream altogether.
        ciphertext_size: Size of the blob in bytes.
        leaves: The RFC 6962 leaf hash of each segment; the first covers the header as well.
    """

    header: bytes
    ciphertext_size: int
    leaves: tuple[bytes, ...]

    def root(self) -> bytes:
        """Return the RFC 6962 root over the segments."""
        return root_of(self.leaves)

    def to_bytes(self) -> bytes:
        """Return the bytes of the hash file (`FORMAT.md`, "Hash files")."""
        head = _HASHES_HEAD.pack(
            _MAGIC, _VERSION, SEGMENT_BYTES, len(self.leaves), self.ciphertext_size, self.header
        )
        return head + b"".join(self.leaves)

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Self:
        """Read a hash file; `name` is its own name, for errors.

        Raises:
            BlobTamperedError: It contradicts itself.
            BlobTruncatedError: Its end is missing.
            UnknownFormatError: Its version is not known here.
        """
        if len(data) < _HASHES_HEAD.size:
            raise BlobTruncatedError(name, size=len(data), expected=_HASHES_HEAD.size)
        magic, version, segment, count, size, header = _HASHES_HEAD.unpack_from(data)
        if magic != _MAGIC:
            raise BlobTamperedError(name, "segment hashes", "it is no hash file")
        if version != _VERSION:
            raise UnknownFormatError(f"{name} has format version {version}; this program knows 1")
        expected = _HASHES_HEAD.size + count * HASH_BYTES
        if (
            header[0] != HEADER_BYTES
            or segment != SEGMENT_BYTES
            or count != segment_count(size)
            or len(data) > expected
        ):
            raise BlobTamperedError(name, "segment hashes", "its header contradicts its length")
        if len(data) < expected:
            raise BlobTruncatedError(name, size=len(data), expected=expected)
        leaves = (
            data[at : at + HASH_BYTES] for at in range(_HASHES_HEAD.size, expected, HASH_BYTES)
        )
        return cls(header, size, tuple(leaves))
