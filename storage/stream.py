"""Sealing streams into a store, opening them, and checking them without a key.

Owns the order in which a sealing becomes durable and the diagnosis of damage. Refuses to return
from a sealing before what lies on the medium has been read back and found equal, and to hand
out a plain byte whose segment is not the one that was committed to.
"""

import contextlib
import hashlib
import io
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Final, Self, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage.backend import BlobStore
from storage.errors import (
    BlobTamperedError,
    BlobTruncatedError,
    SourceChangedError,
    StorageError,
)
from storage.framing import (
    FIRST_PLAIN,
    FULL_PLAIN,
    HASHES_SUFFIX,
    HEADER_BYTES,
    MAX_SEGMENTS,
    PREFIX_BYTES,
    SALT_BYTES,
    SEGMENT_BYTES,
    TAG_BYTES,
    SegmentHashes,
    StreamContext,
    locate,
    nonce,
    plain_size,
    segment_count,
    segment_span,
    stream_key,
)
from storage.merkle import leaf_hash
from storage.secret import SecretKey

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = [
    "SEGMENT_BYTES",
    "SealWriter",
    "SealedReader",
    "SealedStream",
    "SmallStream",
    "StreamContext",
    "delete_stream",
    "open_sealed",
    "seal",
    "seal_together",
    "stream_exists",
    "stream_names",
    "verify_blob",
]

_T = TypeVar("_T")
_D = TypeVar("_D")
# Segments under way at once in a sealing, and decrypted ones kept by a reader.
_SLOTS: Final = 4
_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class SealedStream:
    """What a sealing committed to; all of it may be public.

    Attributes:
        sha256: SHA-256 of the plain bytes.
        size: Plain bytes.
        ciphertext_size: Bytes of the blob.
        segment_count: Segments of the blob.
        segment_root: RFC 6962 root over the ciphertext segments.
    """

    sha256: bytes
    size: int
    ciphertext_size: int
    segment_count: int
    segment_root: bytes


@dataclass(frozen=True, slots=True)
class SmallStream:
    """A stream of one segment, about to be sealed: at most ``FIRST_PLAIN`` plain bytes, held whole.

    Attributes:
        name: The blob's name in the store; never tried before.
        key: The key of the object the stream belongs to.
        context: What the stream is bound to.
        data: All of its plain bytes.
    """

    name: str
    key: SecretKey = field(repr=False)
    context: StreamContext
    data: bytes = field(repr=False)


class _Slot:
    """One pair of buffers and the work that still reads them."""

    def __init__(self) -> None:
        self.plain = memoryview(bytearray(FULL_PLAIN))
        self.sealed = memoryview(bytearray(SEGMENT_BYTES))
        self.work: list[Future[None] | Future[bytes]] = []

    def wait(self) -> None:
        """Return when nothing reads the buffers any more."""
        for future in self.work:
            future.result()
        self.work.clear()


class SealWriter:
    """Seals bytes that are pushed into it, as by a producer of a zip file.

    The plain hash, the segment hashes and the cipher with the writing run in three threads over
    a ring of reused buffers; memory stays below 10 MiB whatever the size. A context manager
    that aborts unless `finish` returned. Not to be shared between threads. A name has one
    writer at a time; the directory store enforces that, elsewhere the caller's lease does.
    """

    def __init__(self, store: BlobStore, name: str, key: SecretKey, context: StreamContext) -> None:
        """Begin a stream with a fresh salt.

        Raises:
            BlobExistsError: The name is taken or being written.
            StorageUnavailableError: The store does not answer.
            ValueError: The name is not one for a stream.
        """
        if name.endswith(HASHES_SUFFIX):
            raise ValueError(f"a stream's name does not end in {HASHES_SUFFIX}")
        self._store, self._name = store, name
        salt, self._prefix = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(PREFIX_BYTES)
        self._header = bytes([HEADER_BYTES]) + salt + self._prefix
        self._cipher = AESGCM(stream_key(key, salt, context))
        self._plain_hash = hashlib.sha256()
        self._leaves: list[Future[bytes]] = []
        self._size = self._ciphertext_size = 0
        # More are made as they are needed: most files of a camera fit into one.
        self._slots = deque([_Slot()])
        self._filled = 0
        # A full segment waits here until it is known whether it is the last.
        self._full: _Slot | None = None
        self._hashers: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None
        self._out = store.create(name)
        self._committed: list[str] = []
        self._open = True
        try:
            # What a writer that died between its two commits left. A blob is never there
            # without its hash file, and this blob is not there.
            store.delete(name + HASHES_SUFFIX)
        except BaseException:
            self.abort()
            raise

    @property
    def size(self) -> int:
        """Plain bytes taken so far."""
        return self._size

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take plain bytes and return how many: all of them.

        Raises:
            StorageFullError: No room; the stream is aborted.
            StorageUnavailableError: The medium failed; the stream is aborted.
        """
        rest = memoryview(data).cast("B")
        taken = len(rest)
        while rest:
            room = self._room()
            count = min(len(room), len(rest))
            room[:count] = rest[:count]
            self._advance(count)
            rest = rest[count:]
        return taken

    def finish(self) -> SealedStream:
        """Seal the last segment, make all durable, read it back, and return the commitments.

        Raises:
            BlobExistsError: The name was taken meanwhile.
            BlobTamperedError: What was read back is not what was written.
            StorageFullError: No room.
            StorageUnavailableError: The medium failed.
        """
        self._require_open()
        try:
            if self._full is not None:
                self._encrypt(self._full, FULL_PLAIN if self._leaves else FIRST_PLAIN, last=True)
            else:
                self._encrypt(self._slots[0], self._filled, last=True)
            hashes = SegmentHashes(
                self._header,
                self._ciphertext_size,
                tuple(leaf.result() for leaf in self._leaves),
            )
            self._commit(hashes.to_bytes())
            _open_in_place(self._store, self._name, hashes, self._cipher)
            for slot in self._slots:
                slot.wait()
        except BaseException:
            self.abort()
            raise
        self._open = False
        self._stop()
        return SealedStream(
            self._plain_hash.digest(),
            self._size,
            self._ciphertext_size,
            len(self._leaves),
            hashes.root(),
        )

    def abort(self) -> None:
        """Leave nothing under the name. Does nothing after `finish` or a second time."""
        if not self._open:
            return
        self._open = False
        self._stop()
        # The error that led here is the one to be told; what cannot be removed now is not
        # indexed and goes with the next attempt or `delete_stream`.
        with contextlib.suppress(StorageError):
            self._out.abort()
        for name in reversed(self._committed):
            with contextlib.suppress(StorageError):
                self._store.delete(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()

    def fill_from(self, source: BinaryIO) -> int:
        """Take what one read of `source` gives, without copying it; 0 at its end.

        Raises:
            OSError: The source cannot be read; the stream is aborted.
            StorageError: As `write`.
        """
        room = self._room()
        try:
            count = _read_into(source, room)
        except BaseException:
            self.abort()
            raise
        self._advance(count)
        return count

    def _room(self) -> memoryview:
        """Return where the next plain bytes go; never empty."""
        self._require_open()
        capacity = FULL_PLAIN if self._leaves or self._full is not None else FIRST_PLAIN
        slot = self._slots[0]
        slot.wait()
        return slot.plain[self._filled : capacity]

    def _advance(self, count: int) -> None:
        """Take note that `count` bytes were put into `_room()`."""
        if not count:
            return
        try:
            capacity = FULL_PLAIN if self._leaves or self._full is not None else FIRST_PLAIN
            if self._full is not None:
                full, self._full = self._full, None
                self._encrypt(full, FULL_PLAIN if self._leaves else FIRST_PLAIN, last=False)
            self._filled += count
            self._size += count
            if self._filled == capacity:
                self._full = self._slots[0]
                self._slots.rotate(-1)
                if len(self._slots) < _SLOTS:
                    self._slots.appendleft(_Slot())
                self._filled = 0
        except BaseException:
            self.abort()
            raise

    def _encrypt(self, slot: _Slot, size: int, *, last: bool) -> None:
        index = len(self._leaves)
        if index == MAX_SEGMENTS:
            raise ValueError("a stream has at most 2^32 segments")
        start = 0 if index else HEADER_BYTES
        plain, sealed = slot.plain[:size], slot.sealed[: start + size + TAG_BYTES]
        if not index:
            sealed[:start] = self._header
        # Threads cost more than they save where there is but one segment.
        if self._hashers is None and not last:
            self._hashers = (ThreadPoolExecutor(1), ThreadPoolExecutor(1))
        slot.work.append(
            _submit(self._hashers and self._hashers[0], self._plain_hash.update, plain)
        )
        counter = nonce(self._prefix, index, last=last)
        self._cipher.encrypt_into(counter, plain, None, sealed[start:])
        leaf = _submit(self._hashers and self._hashers[1], leaf_hash, sealed)
        slot.work.append(leaf)
        self._leaves.append(leaf)
        self._ciphertext_size += len(sealed)
        self._out.write(sealed)

    def _commit(self, hash_file: bytes) -> None:
        # The hash file first: a blob in place has its hash file, always.
        beside = self._store.create(self._name + HASHES_SUFFIX)
        try:
            beside.write(hash_file)
            beside.commit()
        except BaseException:
            beside.abort()
            raise
        self._committed.append(self._name + HASHES_SUFFIX)
        self._out.commit()
        self._committed.append(self._name)

    def _stop(self) -> None:
        for hasher in self._hashers or ():
            hasher.shutdown(wait=True, cancel_futures=True)

    def _require_open(self) -> None:
        if not self._open:
            raise ValueError("this stream is finished or aborted")


def _read_into(source: BinaryIO, room: memoryview) -> int:
    readinto = getattr(source, "readinto", None)
    if readinto is not None:
        return int(readinto(room) or 0)
    data = source.read(len(room))
    room[: len(data)] = data
    return len(data)


def seal(
    source: BinaryIO,
    store: BlobStore,
    name: str,
    key: SecretKey,
    context: StreamContext,
    *,
    progress: Callable[[int], None] | None = None,
    expected_size: int | None = None,
) -> SealedStream:
    """Seal all of `source` under `name`; durable and read back on return.

    On any exception nothing is left under `name`.

    Args:
        source: Read from where it stands to its end.
        store: Where the blob goes.
        name: The blob's name in the store; not taken.
        key: The key of the object the stream belongs to.
        context: What the stream is bound to.
        progress: Called with the plain bytes taken so far.
        expected_size: Plain bytes the source must yield, where that is known.

    Raises:
        BlobExistsError: The name is taken or being written.
        BlobTamperedError: What was read back is not what was written.
        SourceChangedError: The source did not yield `expected_size` bytes.
        StorageFullError: No room.
        StorageUnavailableError: The medium failed.
        OSError: The source cannot be read.
    """
    with SealWriter(store, name, key, context) as writer:
        while writer.fill_from(source):
            if progress is not None:
                progress(writer.size)
            if expected_size is not None and writer.size > expected_size:
                break
        if expected_size not in {None, writer.size}:
            raise SourceChangedError(
                f"the source of {name} yielded {writer.size} bytes, not {expected_size}"
            )
        return writer.finish()


def seal_together(store: BlobStore, streams: Sequence[SmallStream]) -> list[SealedStream]:
    """Seal many small streams at once; all durable and read back on return.

    They become durable together, which costs a disk little more than one of them alone. On any
    exception nothing is left under their names.

    Raises:
        BlobExistsError: A name is taken or being written.
        BlobTamperedError: What was read back is not what was written.
        StorageFullError: No room.
        StorageUnavailableError: The medium failed.
        ValueError: One has more than a segment holds, or a name that is not for a stream.
    """
    made = [_sealed_whole(each) for each in streams]
    # The hash files first: a blob in place has its hash file, always.
    hash_files = [(each.hashes_name, each.hash_file) for each in made]
    blobs = [(each.name, each.blob) for each in made]
    store.put_together(hash_files, blobs)
    try:
        for small, each in zip(streams, made, strict=True):
            _open_small_in_place(store, small, each)
    except BaseException:
        for name, _ in (*blobs, *hash_files):
            with contextlib.suppress(StorageError):
                store.delete(name)
        raise
    return [each.stream for each in made]


@dataclass(frozen=True, slots=True)
class _SealedWhole:
    """A stream of one segment, sealed in memory: its two blobs, its cipher and its commitments."""

    name: str
    blob: bytes
    hashes: SegmentHashes
    hash_file: bytes
    cipher: AESGCM = field(repr=False)
    stream: SealedStream

    @property
    def hashes_name(self) -> str:
        return self.name + HASHES_SUFFIX


def _sealed_whole(stream: SmallStream) -> _SealedWhole:
    if len(stream.data) > FIRST_PLAIN:
        raise ValueError(f"a small stream has at most {FIRST_PLAIN} bytes")
    if stream.name.endswith(HASHES_SUFFIX):
        raise ValueError(f"a stream's name does not end in {HASHES_SUFFIX}")
    salt, prefix = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(PREFIX_BYTES)
    header = bytes([HEADER_BYTES]) + salt + prefix
    cipher = AESGCM(stream_key(stream.key, salt, stream.context))
    blob = header + cipher.encrypt(nonce(prefix, 0, last=True), stream.data, None)
    hashes = SegmentHashes(header, len(blob), (leaf_hash(blob),))
    digest = hashlib.sha256(stream.data).digest()
    commitments = SealedStream(digest, len(stream.data), len(blob), 1, hashes.root())
    return _SealedWhole(stream.name, blob, hashes, hashes.to_bytes(), cipher, commitments)


def _open_small_in_place(store: BlobStore, small: SmallStream, sealed: _SealedWhole) -> None:
    """As `_open_in_place`, of a stream whose plain bytes are still at hand to compare with."""
    blob = b"".join(store.read_back(sealed.name, SEGMENT_BYTES))
    hash_file = b"".join(store.read_back(sealed.hashes_name, SEGMENT_BYTES))
    if blob == sealed.blob and hash_file == sealed.hash_file:
        counter = nonce(sealed.hashes.header[1 + SALT_BYTES :], 0, last=True)
        with contextlib.suppress(InvalidTag):
            if sealed.cipher.decrypt(counter, blob[HEADER_BYTES:], None) == small.data:
                return
    _check_in_place(store, sealed.name, sealed.hashes)
    raise BlobTamperedError(sealed.name, "blob", "what was read back did not decrypt")


def open_sealed(
    store: BlobStore,
    name: str,
    key: SecretKey,
    context: StreamContext,
    *,
    segment_root: bytes | None = None,
) -> "SealedReader":
    """Open a stream for reading anywhere.

    The first and the last segment are read and decrypted at once, so that a wrong key, another
    context or another length fails here.

    Args:
        store: Where the blob is.
        name: The blob's name.
        key: The key it was sealed with.
        context: What it was bound to.
        segment_root: The root its sealing committed to; without it, the stream is checked
            against its hash file and the cipher's tags alone.

    Raises:
        BlobMissingError: The blob or its hash file is not there.
        BlobTamperedError: It is not what was sealed; `what` says what differs.
        BlobTruncatedError: Its end is missing.
        StorageUnavailableError: The medium failed.
        UnknownFormatError: Its version is not known here.
    """
    return SealedReader(store, name, key, context, segment_root)


class SealedReader(io.RawIOBase):
    """The plain bytes of a sealed stream; made by `open_sealed`.

    Seekable. A read decrypts only the segments it touches, each checked against its hash and
    then by the cipher's tag; four decrypted segments are kept. Not to be shared between threads.
    """

    def __init__(
        self,
        store: BlobStore,
        name: str,
        key: SecretKey,
        context: StreamContext,
        segment_root: bytes | None,
    ) -> None:
        """Open; see `open_sealed`."""
        super().__init__()
        self._store, self._name = store, name
        self._hashes = _checked_hashes(store, name, segment_root, from_medium=False)
        self._size = plain_size(self._hashes.ciphertext_size)
        self._position = 0
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        header = self._hashes.header
        self._prefix = header[1 + SALT_BYTES :]
        self._cipher = AESGCM(stream_key(key, header[1 : 1 + SALT_BYTES], context))
        for index in {len(self._hashes.leaves) - 1, 0}:
            self._segment(index)

    @property
    def size(self) -> int:
        """Plain bytes in the stream."""
        return self._size

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def seekable(self) -> bool:
        """Say that this can be sought in."""
        return True

    def tell(self) -> int:
        """Return the position in plain bytes."""
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a plain byte and return its position; beyond the end nothing is read.

        Raises:
            ValueError: The position is negative, `whence` unknown, or the reader closed.
        """
        self._check_open()
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        if whence not in bases or bases[whence] + offset < 0:
            raise ValueError(f"cannot seek to {offset} by {whence}")
        self._position = bases[whence] + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer, short only at the end of the stream.

        Raises:
            BlobMissingError: The blob was removed meanwhile.
            BlobTamperedError: A segment is not what was sealed.
            BlobTruncatedError: The blob was shortened meanwhile.
            StorageUnavailableError: The medium failed.
        """
        self._check_open()
        room = memoryview(buffer).cast("B")
        count = max(0, min(len(room), self._size - self._position))
        done = 0
        while done < count:
            index, place = locate(self._position)
            piece = memoryview(self._segment(index))[place : place + count - done]
            room[done : done + len(piece)] = piece
            done += len(piece)
            self._position += len(piece)
        return done

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, fewer only at the end; errors as `readinto`."""
        self._check_open()
        left = max(0, self._size - self._position)
        missing = left if size is None or size < 0 else min(size, left)
        pieces: list[memoryview] = []
        while missing > 0:
            index, place = locate(self._position)
            pieces.append(memoryview(self._segment(index))[place : place + missing])
            missing -= len(pieces[-1])
            self._position += len(pieces[-1])
        return b"".join(pieces)

    def piece(self, size: int, /) -> bytes:
        """Return at most `size` bytes, as many as one segment has; errors as `readinto`."""
        self._check_open()
        if size <= 0 or self._position >= self._size:
            return b""
        index, place = locate(self._position)
        segment = self._segment(index)
        part = segment[place : place + size]
        self._position += len(part)
        return part

    def readall(self) -> bytes:
        """Return all that is left."""
        rest = bytearray(max(0, self._size - self._position))
        self.readinto(rest)
        return bytes(rest)

    def close(self) -> None:
        """Forget the decrypted segments."""
        if not self.closed:
            # A reader whose opening failed has none.
            getattr(self, "_kept", {}).clear()
        super().close()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("this reader is closed")

    def _segment(self, index: int) -> bytes:
        """Return the plain bytes of a segment, checked by hash and tag."""
        if (plain := self._kept.get(index)) is not None:
            self._kept.move_to_end(index)
            return plain
        sealed = _checked_segment(self._store, self._name, self._hashes, index)
        counter = nonce(self._prefix, index, last=index == len(self._hashes.leaves) - 1)
        try:
            plain = self._cipher.decrypt(counter, sealed[0 if index else HEADER_BYTES :], None)
        except InvalidTag:
            raise BlobTamperedError(
                self._name, "key or context", "the ciphertext is as sealed, the tag does not fit"
            ) from None
        self._kept[index] = plain
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return plain


def verify_blob(
    store: BlobStore,
    name: str,
    segment_root: bytes,
    *,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Check, without a key, that a blob on the medium is what its sealing committed to.

    Args:
        store: Where the blob is.
        name: The blob's name.
        segment_root: The root its sealing committed to.
        progress: Called with the ciphertext bytes read so far.

    Returns:
        The bytes of ciphertext read.

    Raises:
        BlobMissingError: The blob or its hash file is not there.
        BlobTamperedError: It is not what was sealed; `what` says what differs.
        BlobTruncatedError: Its end is missing.
        StorageUnavailableError: The medium failed.
        UnknownFormatError: Its version is not known here.
    """
    hashes = _checked_hashes(store, name, segment_root, from_medium=True)
    _read_back(store, name, hashes, progress)
    return hashes.ciphertext_size


def stream_exists(store: BlobStore, name: str) -> bool:
    """Say whether a stream lies under `name`, whole: its hash file was in place before it."""
    return store.exists(name)


def delete_stream(store: BlobStore, name: str) -> None:
    """Remove a stream and its hash file, durably; what is not there is removed already.

    The blob goes first, so that a blob in place has its hash file whenever this is cut short.
    """
    store.delete(name)
    store.delete(name + HASHES_SUFFIX)


def stream_names(store: BlobStore, prefix: str = "") -> Iterator[str]:
    """Yield the name of every stream of which a blob or a hash file is there, each once."""
    seen: set[str] = set()
    for blob in store.names(prefix):
        name = blob.removesuffix(HASHES_SUFFIX)
        if name not in seen:
            seen.add(name)
            yield name


def _load_hashes(store: BlobStore, name: str, *, from_medium: bool) -> SegmentHashes:
    beside = name + HASHES_SUFFIX
    if from_medium:
        data = b"".join(store.read_back(beside, SEGMENT_BYTES))
    else:
        data = store.read(beside, 0, store.size(beside))
    return SegmentHashes.from_bytes(data, beside)


def _checked_hashes(
    store: BlobStore, name: str, segment_root: bytes | None, *, from_medium: bool
) -> SegmentHashes:
    """Return a stream's hashes, under the committed root and fitting the blob's length."""
    size = store.size(name)
    hashes = _load_hashes(store, name, from_medium=from_medium)
    if segment_root is not None and hashes.root() != segment_root:
        raise _explain_root(store, name, hashes, segment_root)
    if size != hashes.ciphertext_size:
        raise _explain_size(store, name, hashes, size)
    try:
        plain_size(size)
    except ValueError as error:
        raise BlobTamperedError(name, "length", str(error)) from None
    return hashes


def _checked_segment(store: BlobStore, name: str, hashes: SegmentHashes, index: int) -> bytes:
    start, length = segment_span(index, hashes.ciphertext_size)
    sealed = store.read(name, start, length)
    if len(sealed) < length:
        size, expected = start + len(sealed), hashes.ciphertext_size
        raise BlobTruncatedError(name, size=size, expected=expected)
    _check_segment(name, hashes, index, sealed, leaf_hash(sealed))
    return sealed


def _check_segment(
    name: str, hashes: SegmentHashes, index: int, sealed: bytes, found: bytes
) -> None:
    """Compare a segment with its hash.

    Raises:
        BlobTamperedError: It differs; `what` is as narrow as the bytes allow.
    """
    if found == hashes.leaves[index]:
        if not index and sealed[:HEADER_BYTES] != hashes.header:
            raise BlobTamperedError(name, "segment hashes", "its copy of the header was changed")
        return
    if found in hashes.leaves:
        other = hashes.leaves.index(found)
        raise BlobTamperedError(name, "segment order", f"segment {other} lies at {index}")
    if not index and sealed[:HEADER_BYTES] != hashes.header:
        restored = leaf_hash(hashes.header + sealed[HEADER_BYTES:])
        what = "header" if restored == hashes.leaves[0] else "blob"
        raise BlobTamperedError(name, what)
    raise BlobTamperedError(name, f"segment {index}")


def _check_in_place(store: BlobStore, name: str, hashes: SegmentHashes) -> None:
    """Read a stream just put back from the medium and compare it with what was written."""
    _read_back(store, name, hashes, None)
    if _load_hashes(store, name, from_medium=True) != hashes:
        raise BlobTamperedError(name, "segment hashes", "the medium changed them")


def _open_in_place(store: BlobStore, name: str, hashes: SegmentHashes, cipher: AESGCM) -> None:
    """Read a stream just put back from the medium and decrypt it, which proves more than a hash.

    The tags hold every bit as its hash does against all who lack the key, at a fraction of the
    work, and what does not decrypt is found while its source is still there.
    """
    size, last = 0, len(hashes.leaves) - 1
    plain = memoryview(bytearray(FULL_PLAIN))
    prefix = hashes.header[1 + SALT_BYTES :]
    for index, sealed in enumerate(store.read_back(name, SEGMENT_BYTES)):
        size += len(sealed)
        if size > hashes.ciphertext_size:
            raise BlobTamperedError(name, "length", "bytes follow the last segment")
        start = 0 if index else HEADER_BYTES
        whole = segment_span(index, hashes.ciphertext_size)[1]
        if len(sealed) < whole or sealed[:start] != hashes.header[:start]:
            break
        try:
            cipher.decrypt_into(
                nonce(prefix, index, last=index == last),
                memoryview(sealed)[start:],
                None,
                plain[: whole - start - TAG_BYTES],
            )
        except InvalidTag:
            break
    else:
        if size == hashes.ciphertext_size:
            if _load_hashes(store, name, from_medium=True) != hashes:
                raise BlobTamperedError(name, "segment hashes", "the medium changed them")
            return
    # What befell it is told by the hashes; where they find nothing, it went wrong before them.
    _check_in_place(store, name, hashes)
    raise BlobTamperedError(name, "blob", "what was read back did not decrypt")


def _submit(pool: ThreadPoolExecutor | None, work: Callable[[_D], _T], data: _D) -> Future[_T]:
    """Have something done by a pool, or at once where there is none."""
    if pool is not None:
        return pool.submit(work, data)
    done: Future[_T] = Future()
    done.set_result(work(data))
    return done


def _read_back(
    store: BlobStore,
    name: str,
    hashes: SegmentHashes,
    progress: Callable[[int], None] | None,
) -> None:
    """Read a blob from the medium and compare every segment, hashing on two threads."""
    leaves, size = len(hashes.leaves), 0
    under_way: deque[tuple[int, bytes, Future[bytes]]] = deque()

    def check_oldest() -> None:
        index, sealed, found = under_way.popleft()
        _check_segment(name, hashes, index, sealed, found.result())

    with contextlib.ExitStack() as stack:
        hashers = stack.enter_context(ThreadPoolExecutor(2)) if leaves > 1 else None
        for index, sealed in enumerate(store.read_back(name, SEGMENT_BYTES)):
            size += len(sealed)
            if size > hashes.ciphertext_size:
                raise BlobTamperedError(name, "length", "bytes follow the last segment")
            under_way.append((index, sealed, _submit(hashers, leaf_hash, sealed)))
            if len(under_way) >= _SLOTS:
                check_oldest()
            if progress is not None:
                progress(size)
        while under_way and (len(under_way) > 1 or size == hashes.ciphertext_size):
            check_oldest()
    if size != hashes.ciphertext_size or segment_count(size) != leaves:
        raise BlobTruncatedError(name, size=size, expected=hashes.ciphertext_size)


def _explain_root(
    store: BlobStore, name: str, hashes: SegmentHashes, segment_root: bytes
) -> BlobTamperedError:
    """Say which of blob and hash file is not under the committed root, reading the whole blob."""
    leaves = tuple(leaf_hash(segment) for segment in store.read_back(name, SEGMENT_BYTES))
    blob = SegmentHashes(hashes.header, hashes.ciphertext_size, leaves)
    if blob.root() == segment_root:
        return BlobTamperedError(name, "segment hashes", "the blob itself is as sealed")
    if leaves == hashes.leaves:
        return BlobTamperedError(name, "root", "another stream lies under this name")
    return BlobTamperedError(name, "segment hashes", "and the blob is not as sealed either")


def _explain_size(
    store: BlobStore, name: str, hashes: SegmentHashes, size: int
) -> BlobTamperedError | BlobTruncatedError:
    """Say why a blob is not as long as its hash file records."""
    header = store.read(name, 0, min(size, HEADER_BYTES))
    if header != hashes.header[: len(header)]:
        return BlobTamperedError(name, "blob", "another stream lies under this name")
    count = segment_count(size)
    if count and count == len(hashes.leaves):
        start, length = segment_span(count - 1, size)
        if leaf_hash(store.read(name, start, length)) == hashes.leaves[-1]:
            return BlobTamperedError(name, "segment hashes", "its record of the size was changed")
    if size < hashes.ciphertext_size:
        return BlobTruncatedError(name, size=size, expected=hashes.ciphertext_size)
    return BlobTamperedError(name, "length", "bytes were added")
