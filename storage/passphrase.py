"""Files under a passphrase, for a medium that is carried: sealed and opened anywhere, as streams.

Owns what `FORMAT.md` calls "Files under a passphrase": the cipher of every other stream, under a
key that PBKDF2 makes of a passphrase, so that a browser's own cryptography can undo it. How hard a
passphrase is to guess is the caller's to see to.
"""

import io
import secrets
import struct
from abc import abstractmethod
from typing import TYPE_CHECKING, BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from storage.errors import PassphraseError
from storage.framing import (
    FIRST_PLAIN,
    FULL_PLAIN,
    HEADER_BYTES,
    PREFIX_BYTES,
    SALT_BYTES,
    SEGMENT_BYTES,
    TAG_BYTES,
    locate,
    nonce,
    plain_size,
    segment_count,
    segment_span,
)
from storage.secret import KEY_BYTES, SecretKey

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC: Final = b"cctv-vault/passphrase/v1\n"
ITERATIONS: Final = 600_000
"""Rounds of PBKDF2-HMAC-SHA256, as OWASP's password storage cheat sheet asks (2023)."""

_HEAD: Final = struct.Struct(f">{len(MAGIC)}sI16s")
# A file may name its rounds; too few are no protection, too many only keep the reader busy.
_ROUNDS: Final = range(100_000, 10_000_001)
FORM: Final = {
    "magic": MAGIC.decode(),
    "rounds": [_ROUNDS.start, _ROUNDS.stop - 1],
    "segment": SEGMENT_BYTES,
    "tag": TAG_BYTES,
    "header": HEADER_BYTES,
    "salt": SALT_BYTES,
}
"""The figures of the format, for a reader that is written in another language."""


class PassphraseLock:
    """One passphrase with fresh salts: for one content, which may be sealed several times alike."""

    def __init__(self, passphrase: bytes) -> None:
        """Derive the key; this takes a good part of a second, by design."""
        salt, stream_salt = secrets.token_bytes(16), secrets.token_bytes(SALT_BYTES)
        self._prefix = secrets.token_bytes(PREFIX_BYTES)
        preamble = _HEAD.pack(MAGIC, ITERATIONS, salt)
        self._head = preamble + bytes([HEADER_BYTES]) + stream_salt + self._prefix
        self._cipher = _cipher(passphrase, preamble, stream_salt)

    def sealed(self, plain: BinaryIO, size: int) -> "LockedReader":
        """Return the ciphertext of `size` plain bytes, made as it is read; it closes `plain`."""
        return LockedReader(plain, size, self._head, self._prefix, self._cipher)


class _Pieces(io.RawIOBase):
    """Bytes that are made piece by piece; the piece that was made last is kept."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        super().__init__()
        self._source = source
        self._size = size
        self._position = 0
        self._made: tuple[int, bytes] | None = None

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self._size

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def seekable(self) -> bool:
        """Say that this can be sought in."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move and return the position; beyond the end nothing is read.

        Raises:
            ValueError: The position is negative or `whence` unknown.
        """
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        if whence not in bases or bases[whence] + offset < 0:
            raise ValueError(f"cannot seek to {offset} by {whence}")
        self._position = bases[whence] + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer, short only at the end."""
        room = memoryview(buffer).cast("B")
        count = max(0, min(len(room), self._size - self._position))
        done = 0
        while done < count:
            index, place = self._locate(self._position)
            if self._made is None or self._made[0] != index:
                self._made = index, self._make(index)
            piece = memoryview(self._made[1])[place : place + count - done]
            room[done : done + len(piece)] = piece
            done += len(piece)
            self._position += len(piece)
        return done

    @abstractmethod
    def _locate(self, position: int) -> tuple[int, int]:
        """Return the piece that holds a byte, and its place in that piece."""

    @abstractmethod
    def _make(self, index: int) -> bytes:
        """Return a piece."""

    def _read(self, offset: int, length: int) -> bytes:
        self._source.seek(offset)
        data = self._source.read(length)
        if len(data) != length:
            raise PassphraseError("the file ends too early")
        return data


class LockedReader(_Pieces):
    """A file under a passphrase, as its bytes are read."""

    def __init__(
        self, plain: BinaryIO, size: int, head: bytes, prefix: bytes, cipher: AESGCM
    ) -> None:
        """See `PassphraseLock.sealed`."""
        segments = 1 if size <= FIRST_PLAIN else 1 + -(-(size - FIRST_PLAIN) // FULL_PLAIN)
        super().__init__(plain, len(head) + size + segments * TAG_BYTES)
        self._head, self._prefix, self._cipher = head, prefix, cipher
        self._plain_size, self._segments = size, segments

    def close(self) -> None:
        """Close what it reads from."""
        if not self.closed:
            self._made = None
            self._source.close()
        super().close()

    def _locate(self, position: int) -> tuple[int, int]:
        behind = position - _HEAD.size
        if behind < SEGMENT_BYTES:
            return 0, position
        return divmod(behind, SEGMENT_BYTES)

    def _make(self, index: int) -> bytes:
        start = FIRST_PLAIN + (index - 1) * FULL_PLAIN if index else 0
        plain = self._read(
            start, min(FULL_PLAIN if index else FIRST_PLAIN, self._plain_size - start)
        )
        counter = nonce(self._prefix, index, last=index == self._segments - 1)
        box = self._cipher.encrypt(counter, plain, None)
        return box if index else self._head + box


class UnlockedReader(_Pieces):
    """The plain bytes of a file under a passphrase; seekable. The file stays its owner's."""

    def __init__(self, file: BinaryIO, passphrase: bytes) -> None:
        """Open and try the first and the last segment.

        Raises:
            PassphraseError: The passphrase is wrong, or the file is not what was sealed.
        """
        size = file.seek(0, io.SEEK_END)
        super().__init__(file, 0)
        start = _HEAD.size
        if size < start + HEADER_BYTES + TAG_BYTES:
            raise PassphraseError("the file ends too early")
        preamble, header = self._read(0, start), self._read(start, HEADER_BYTES)
        if header[0] != HEADER_BYTES:
            raise PassphraseError("the file's header is that of none")
        self._ciphertext = size - start
        try:
            self._size = plain_size(self._ciphertext)
        except ValueError:
            raise PassphraseError("the file's length is that of none") from None
        self._prefix = header[1 + SALT_BYTES :]
        self._cipher = _cipher(passphrase, preamble, header[1 : 1 + SALT_BYTES])
        for index in {segment_count(self._ciphertext) - 1, 0}:
            self._make(index)

    def _locate(self, position: int) -> tuple[int, int]:
        return locate(position)

    def _make(self, index: int) -> bytes:
        start, length = segment_span(index, self._ciphertext)
        sealed = self._read(_HEAD.size + start, length)
        counter = nonce(self._prefix, index, last=start + length == self._ciphertext)
        try:
            return self._cipher.decrypt(counter, sealed[0 if index else HEADER_BYTES :], None)
        except InvalidTag:
            raise PassphraseError("the passphrase is wrong, or the file was changed") from None


def is_locked(file: BinaryIO) -> bool:
    """Say whether a file is one under a passphrase; it stands at its beginning afterwards."""
    file.seek(0)
    found = file.read(len(MAGIC)) == MAGIC
    file.seek(0)
    return found


def _cipher(passphrase: bytes, preamble: bytes, stream_salt: bytes) -> AESGCM:
    magic, rounds, salt = _HEAD.unpack(preamble)
    if magic != MAGIC or rounds not in _ROUNDS:
        raise PassphraseError("this is no file under a passphrase of version 1")
    key = SecretKey(PBKDF2HMAC(SHA256(), KEY_BYTES, salt, rounds).derive(passphrase))
    return AESGCM(HKDF(SHA256(), KEY_BYTES, stream_salt, preamble).derive(key.reveal()))
