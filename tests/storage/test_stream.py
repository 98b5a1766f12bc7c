"""The streaming cipher: interoperation, boundaries, every kind of damage, death at any instant."""

import hashlib
import io
import os
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from tink import proto_keyset_format as keysets
from tink import secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

from storage.backend import BlobStore
from storage.directory import DirectoryStore
from storage.errors import (
    BlobExistsError,
    BlobMissingError,
    BlobTamperedError,
    BlobTruncatedError,
    SourceChangedError,
    StorageError,
    UnknownFormatError,
)
from storage.framing import (
    FIRST_PLAIN,
    FULL_PLAIN,
    HEADER_BYTES,
    SEGMENT_BYTES,
    SegmentHashes,
    plain_size,
)
from storage.merkle import leaf_hash, root_of
from storage.secret import SecretKey
from storage.stream import (
    SealedStream,
    SealWriter,
    SmallStream,
    StreamContext,
    delete_stream,
    open_sealed,
    seal,
    seal_together,
    stream_exists,
    stream_names,
    verify_blob,
)

NAME = "ab/abcdef/original"
HASHES = f"{NAME}.segments"
BOUNDARIES = [
    *(0, 1, FIRST_PLAIN - 1, FIRST_PLAIN, FIRST_PLAIN + 1),
    *(FIRST_PLAIN + FULL_PLAIN + i for i in (-1, 0, 1)),
    *(SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1),
    FIRST_PLAIN + 3 * FULL_PLAIN + 12345,
]
FOUR_SEGMENTS = FIRST_PLAIN + 2 * FULL_PLAIN + 1000
NOISE = os.urandom(BOUNDARIES[-1])
Put = Callable[[BlobStore, str, bytes], None]


def plain(size: int) -> bytes:
    return NOISE[:size]


def sealed(store: BlobStore, data: bytes, key: SecretKey, context: StreamContext) -> SealedStream:
    return seal(io.BytesIO(data), store, NAME, key, context)


def raw(store: BlobStore, name: str) -> bytes:
    return store.read(name, 0, store.size(name))


def opened(store: BlobStore, key: SecretKey, context: StreamContext, root: bytes | None) -> bytes:
    with open_sealed(store, NAME, key, context, segment_root=root) as reader:
        return reader.readall()


def tink(key: SecretKey) -> streaming_aead.StreamingAead:
    """Google's own implementation, holding our raw key."""
    streaming_aead.register()
    params = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingParams(
        ciphertext_segment_size=SEGMENT_BYTES, derived_key_size=32, hkdf_hash_type=common_pb2.SHA256
    )
    value = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(
        version=0, params=params, key_value=key.reveal()
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    entry = keyset.key.add(status=tink_pb2.ENABLED, key_id=1, output_prefix_type=tink_pb2.RAW)
    entry.key_data.type_url = "type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey"
    entry.key_data.value = value.SerializeToString()
    entry.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    handle = keysets.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    primitive: streaming_aead.StreamingAead = handle.primitive(streaming_aead.StreamingAead)
    return primitive


class Kept(io.BytesIO):
    """A file whose bytes outlive its closing."""

    kept = b""

    def close(self) -> None:
        if not self.closed:
            self.kept = self.getvalue()
        super().close()


@pytest.mark.parametrize("size", BOUNDARIES)
def test_google_tink_opens_what_we_seal_and_our_commitments_are_true(
    store: BlobStore, key: SecretKey, context: StreamContext, size: int
) -> None:
    done = sealed(store, plain(size), key, context)
    blob = raw(store, NAME)

    with tink(key).new_decrypting_stream(io.BytesIO(blob), context.associated_data()) as stream:
        assert stream.read() == plain(size)
    segments = [blob[at : at + SEGMENT_BYTES] for at in range(0, len(blob), SEGMENT_BYTES)]
    assert done == SealedStream(
        sha256=hashlib.sha256(plain(size)).digest(),
        size=size,
        ciphertext_size=len(blob),
        segment_count=len(segments),
        segment_root=root_of([leaf_hash(segment) for segment in segments]),
    )


@pytest.mark.parametrize("size", BOUNDARIES)
def test_we_open_what_google_tink_seals(
    store: BlobStore, key: SecretKey, context: StreamContext, put: Put, size: int
) -> None:
    target = Kept()
    with tink(key).new_encrypting_stream(target, context.associated_data()) as stream:
        stream.write(plain(size))
    blob = target.kept
    segments = [blob[at : at + SEGMENT_BYTES] for at in range(0, len(blob), SEGMENT_BYTES)]
    hashes = SegmentHashes(
        blob[:HEADER_BYTES], len(blob), tuple(leaf_hash(segment) for segment in segments)
    )
    put(store, HASHES, hashes.to_bytes())
    put(store, NAME, blob)

    assert opened(store, key, context, hashes.root()) == plain(size)


@pytest.mark.parametrize("size", BOUNDARIES)
def test_every_boundary_length_survives_and_is_verified_without_a_key(
    store: BlobStore, key: SecretKey, context: StreamContext, size: int
) -> None:
    done = sealed(store, plain(size), key, context)
    seen: list[int] = []

    assert opened(store, key, context, done.segment_root) == plain(size)
    assert opened(store, key, context, None) == plain(size)
    assert verify_blob(store, NAME, done.segment_root, progress=seen.append) == (
        done.ciphertext_size
    )
    assert seen[-1] == done.ciphertext_size


def test_the_same_bytes_sealed_twice_share_nothing(
    store: BlobStore, key: SecretKey, context: StreamContext
) -> None:
    first = sealed(store, plain(5000), key, context)
    blob = raw(store, NAME)
    delete_stream(store, NAME)

    second = sealed(store, plain(5000), key, context)

    assert first.segment_root != second.segment_root
    assert blob[1:HEADER_BYTES] != raw(store, NAME)[1:HEADER_BYTES]


@pytest.mark.parametrize("size", [1, FIRST_PLAIN + 1])
def test_another_key_or_context_does_not_open_and_says_so(
    store: BlobStore, key: SecretKey, context: StreamContext, size: int
) -> None:
    root = sealed(store, plain(size), key, context).segment_root
    others = [
        (SecretKey.generate(), context),
        (key, StreamContext("vault-2", context.object_id, context.stream)),
        (key, StreamContext(context.vault_id, "recording-2", context.stream)),
        (key, StreamContext(context.vault_id, context.object_id, "preview")),
    ]

    for other_key, other in others:
        with pytest.raises(BlobTamperedError) as caught:
            open_sealed(store, NAME, other_key, other, segment_root=root)
        assert caught.value.what == "key or context"


def test_contexts_that_read_alike_when_joined_are_told_apart() -> None:
    assert (
        StreamContext("a", "bc", "original").associated_data()
        != StreamContext("ab", "c", "original").associated_data()
    )
    with pytest.raises(ValueError, match="1 to 65535"):
        StreamContext("", "bc", "original").associated_data()


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


LAST = 3 * SEGMENT_BYTES
FLIPS = [
    *((at, "header") for at in (0, 1, 32, 33, HEADER_BYTES - 1)),
    *((at, "segment 0") for at in (HEADER_BYTES, 70000, SEGMENT_BYTES - 16, SEGMENT_BYTES - 1)),
    *((SEGMENT_BYTES + at, "segment 1") for at in (0, 5000, SEGMENT_BYTES - 1)),
    *((2 * SEGMENT_BYTES + at, "segment 2") for at in (0, SEGMENT_BYTES - 16)),
    *((LAST + at, "segment 3") for at in (0, 999, 1000, 1015)),
]


@pytest.mark.parametrize(("at", "what"), FLIPS)
@pytest.mark.parametrize("rooted", [True, False])
def test_a_flipped_bit_in_the_blob_is_named_with_and_without_a_key(
    *,
    store: BlobStore,
    key: SecretKey,
    context: StreamContext,
    put: Put,
    at: int,
    what: str,
    rooted: bool,
) -> None:
    root = sealed(store, plain(FOUR_SEGMENTS), key, context).segment_root
    put(store, NAME, flipped(raw(store, NAME), at))

    with pytest.raises(BlobTamperedError) as reading:
        opened(store, key, context, root if rooted else None)
    with pytest.raises(BlobTamperedError) as scrubbing:
        verify_blob(store, NAME, root)

    assert (reading.value.what, scrubbing.value.what) == (what, what)


def test_a_damaged_segment_does_not_keep_the_others_from_being_read(
    store: BlobStore, key: SecretKey, context: StreamContext, put: Put
) -> None:
    root = sealed(store, plain(FOUR_SEGMENTS), key, context).segment_root
    put(store, NAME, flipped(raw(store, NAME), SEGMENT_BYTES + 17))

    with open_sealed(store, NAME, key, context, segment_root=root) as reader:
        assert reader.read(1000) == plain(1000)
        reader.seek(FIRST_PLAIN + FULL_PLAIN)
        assert reader.read() == plain(FOUR_SEGMENTS)[FIRST_PLAIN + FULL_PLAIN :]
        reader.seek(FIRST_PLAIN)
        with pytest.raises(BlobTamperedError, match="segment 1"):
            reader.read(1)


@pytest.mark.parametrize("size", [1000, FOUR_SEGMENTS])
def test_every_byte_of_the_hash_files_header_and_of_its_hashes_counts(
    folder_store: DirectoryStore, key: SecretKey, context: StreamContext, put: Put, size: int
) -> None:
    root = sealed(folder_store, plain(size), key, context).segment_root
    good = raw(folder_store, HASHES)

    for at in range(len(good)):
        put(folder_store, HASHES, flipped(good, at))
        for act in (
            lambda: open_sealed(folder_store, NAME, key, context, segment_root=root),
            lambda: verify_blob(folder_store, NAME, root),
        ):
            with pytest.raises((BlobTamperedError, BlobTruncatedError, UnknownFormatError)) as bad:
                act()
            if isinstance(bad.value, BlobTamperedError):
                assert bad.value.what == "segment hashes"
            elif isinstance(bad.value, BlobTruncatedError):
                assert bad.value.name == HASHES


def test_a_hash_file_cut_short_or_lengthened_or_missing_is_named(
    store: BlobStore, key: SecretKey, context: StreamContext, put: Put
) -> None:
    root = sealed(store, plain(FOUR_SEGMENTS), key, context).segment_root
    good = raw(store, HASHES)

    for size in (0, 10, 64, 64 + 32, len(good) - 1):
        put(store, HASHES, good[:size])
        with pytest.raises(BlobTruncatedError) as short:
            opened(store, key, context, root)
        assert short.value.name == HASHES
    put(store, HASHES, good + b"\0")
    with pytest.raises(BlobTamperedError, match="segment hashes"):
        opened(store, key, context, root)
    store.delete(HASHES)
    with pytest.raises(BlobMissingError) as missing:
        opened(store, key, context, root)
    assert missing.value.name == HASHES


@pytest.mark.parametrize("rooted", [True, False])
@pytest.mark.parametrize(
    "size",
    [
        *(0, 1, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 16, 5000),
        *(SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1),
        *(2 * SEGMENT_BYTES, LAST, LAST + 16, LAST + 1015),
    ],
)
def test_a_blob_cut_at_any_place_is_truncated(
    *,
    store: BlobStore,
    key: SecretKey,
    context: StreamContext,
    put: Put,
    size: int,
    rooted: bool,
) -> None:
    root = sealed(store, plain(FOUR_SEGMENTS), key, context).segment_root
    whole = raw(store, NAME)
    put(store, NAME, whole[:size])

    with pytest.raises(BlobTruncatedError) as reading:
        opened(store, key, context, root if rooted else None)
    with pytest.raises(BlobTruncatedError) as scrubbing:
        verify_blob(store, NAME, root)

    for caught in (reading.value, scrubbing.value):
        assert (caught.size, caught.expected) == (size, len(whole))


def test_a_blob_and_its_hash_file_cut_together_are_found_by_root_and_by_cipher(
    store: BlobStore, key: SecretKey, context: StreamContext, put: Put
) -> None:
    root = sealed(store, plain(FOUR_SEGMENTS), key, context).segment_root
    blob = raw(store, NAME)[: 2 * SEGMENT_BYTES]
    hashes = SegmentHashes.from_bytes(raw(store, HASHES), HASHES)
    put(store, HASHES, SegmentHashes(hashes.header, len(blob), hashes.leaves[:2]).to_bytes())
    put(store, NAME, blob)

    with pytest.raises(BlobTamperedError, match="root"):
        opened(store, key, context, root)
    with pytest.raises(BlobTamperedError, match="root"):
        verify_blob(store, NAME, root)
    with pytest.raises(BlobTamperedError, match="key or context"):
        opened(store, key, context, None)


@pytest.mark.parametrize("extra", [b"\0", b"x" * SEGMENT_BYTES, NOISE[: SEGMENT_BYTES - 1016]])
@pytest.mark.parametrize("size", [1000, FOUR_SEGMENTS, FIRST_PLAIN + FULL_PLAIN])
def test_a_blob_with_bytes_added_is_too_long(
    *, store: BlobStore, key: SecretKey, context: StreamContext, put: Put, size: int, extra: bytes
) -> None:
    root = sealed(store, plain(size), key, context).segment_root
    put(store, NAME, raw(store, NAME) + extra)

    for act in (
        lambda: opened(store, key, context, root),
        lambda: verify_blob(store, NAME, root),
    ):
        with pytest.raises(BlobTamperedError) as caught:
            act()
        assert caught.value.what == "length"


def test_exchanged_segments_are_out_of_order(
    store: BlobStore, key: SecretKey, context: StreamContext, put: Put
) -> None:
    root = sealed(store, plain(FOUR_SEGMENTS), key, context).segment_root
    blob = raw(store, NAME)
    one, two = (blob[i * SEGMENT_BYTES : (i + 1) * SEGMENT_BYTES] for i in (1, 2))
    put(store, NAME, blob[:SEGMENT_BYTES] + two + one + blob[LAST:])

    for act in (
        lambda: opened(store, key, context, root),
        lambda: verify_blob(store, NAME, root),
    ):
        with pytest.raises(BlobTamperedError, match="segment 2 lies at 1") as caught:
            act()
        assert caught.value.what == "segment order"


@pytest.mark.parametrize("size", [1000, FOUR_SEGMENTS])
@pytest.mark.parametrize("with_hashes", [True, False])
def test_another_objects_blob_under_this_name_is_known_as_such(
    *,
    store: BlobStore,
    key: SecretKey,
    context: StreamContext,
    put: Put,
    size: int,
    with_hashes: bool,
) -> None:
    root = sealed(store, plain(FOUR_SEGMENTS), key, context).segment_root
    other = StreamContext("vault-1", "recording-2", "original")
    seal(io.BytesIO(plain(size)), store, "cd/other", key, other)
    put(store, NAME, raw(store, "cd/other"))
    if with_hashes:
        put(store, HASHES, raw(store, "cd/other.segments"))

    for act in (
        lambda: opened(store, key, context, root),
        lambda: verify_blob(store, NAME, root),
    ):
        with pytest.raises(BlobTamperedError) as caught:
            act()
        assert caught.value.what == ("root" if with_hashes else "blob")
    with pytest.raises(BlobTamperedError) as unrooted:
        opened(store, key, context, None)
    assert unrooted.value.what == ("key or context" if with_hashes else "blob")


def test_an_unknown_version_of_the_hash_file_is_not_guessed_at(
    store: BlobStore, key: SecretKey, context: StreamContext, put: Put
) -> None:
    root = sealed(store, b"x", key, context).segment_root
    good = raw(store, HASHES)
    put(store, HASHES, good[:7] + b"\x02" + good[8:])

    with pytest.raises(UnknownFormatError, match="version 2"):
        opened(store, key, context, root)


def test_only_sizes_that_a_stream_can_have_are_streams() -> None:
    for size in BOUNDARIES:
        count = 1 if size <= FIRST_PLAIN else 1 + -(-(size - FIRST_PLAIN) // FULL_PLAIN)
        assert plain_size(HEADER_BYTES + size + 16 * count) == size
    for impossible in (0, 40, 55, SEGMENT_BYTES + 1, SEGMENT_BYTES + 16, 2 * SEGMENT_BYTES + 16):
        with pytest.raises(ValueError, match="no stream"):
            plain_size(impossible)


@pytest.fixture(scope="module")
def long_stream(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[DirectoryStore, SecretKey, StreamContext, bytes]:
    store = DirectoryStore(tmp_path_factory.mktemp("long"))
    key, context = SecretKey.generate(), StreamContext("v", "o", "original")
    return store, key, context, sealed(store, NOISE, key, context).segment_root


near_borders = st.builds(
    lambda segment, by: max(0, FIRST_PLAIN + segment * FULL_PLAIN + by),
    st.integers(-1, 4),
    st.integers(-40, 40),
)
positions = near_borders | st.integers(0, len(NOISE) + 100)


@given(st.lists(st.tuples(positions, st.integers(0, 2), st.integers(0, 1_500_000)), max_size=8))
def test_any_seeks_and_reads_give_what_a_plain_file_gives(
    long_stream: tuple[DirectoryStore, SecretKey, StreamContext, bytes],
    steps: list[tuple[int, int, int]],
) -> None:
    store, key, context, root = long_stream
    expected = io.BytesIO(NOISE)

    with open_sealed(store, NAME, key, context, segment_root=root) as reader:
        assert reader.size == len(NOISE)
        for position, whence, count in steps:
            target = position - (0, expected.tell(), len(NOISE))[whence]
            assert reader.seek(target, whence) == expected.seek(target, whence)
            assert reader.read(count) == expected.read(count)
            assert reader.tell() == expected.tell()


def test_reading_touches_only_the_segments_it_needs(
    folder_store: DirectoryStore, key: SecretKey, context: StreamContext
) -> None:
    root = sealed(folder_store, plain(BOUNDARIES[-1]), key, context).segment_root
    reads: list[int] = []

    class Watched(DirectoryStore):
        def read(self, name: str, offset: int, length: int) -> bytes:
            if name == NAME:
                reads.append(offset // SEGMENT_BYTES)
            return super().read(name, offset, length)

    watched = Watched(Path(folder_store.description.removeprefix("folder ")))
    with open_sealed(watched, NAME, key, context, segment_root=root) as reader:
        assert sorted(reads) == [0, 4], "opening proves the first and the last segment"
        reader.seek(FIRST_PLAIN + FULL_PLAIN - 5)
        reader.read(10)
        assert reads[2:] == [1, 2]
        reader.seek(0)
        reader.read(10)
        assert reads[2:] == [1, 2], "what was decrypted lately is kept"


def test_a_reader_refuses_what_a_file_refuses(
    store: BlobStore, key: SecretKey, context: StreamContext
) -> None:
    sealed(store, b"abc", key, context)
    reader = open_sealed(store, NAME, key, context)

    assert (reader.readable(), reader.seekable(), reader.writable()) == (True, True, False)
    for offset, whence in ((-1, 0), (-4, 2), (0, 3)):
        with pytest.raises(ValueError, match="cannot seek"):
            reader.seek(offset, whence)
    assert reader.seek(100) == 100
    assert reader.read(1) == b""
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.seek(0)
    with pytest.raises(ValueError, match="closed"):
        reader.readinto(bytearray(1))


def test_a_blob_removed_or_cut_under_a_reader_is_an_error_and_not_an_end(
    store: BlobStore, key: SecretKey, context: StreamContext, put: Put
) -> None:
    root = sealed(store, plain(FOUR_SEGMENTS), key, context).segment_root
    blob = raw(store, NAME)

    with open_sealed(store, NAME, key, context, segment_root=root) as reader:
        put(store, NAME, blob[: SEGMENT_BYTES + 5])
        reader.seek(FIRST_PLAIN)
        with pytest.raises(BlobTruncatedError):
            reader.read(1)
        delete_stream(store, NAME)
        with pytest.raises(BlobMissingError):
            reader.read(1)


@given(st.lists(st.integers(0, 700_000), max_size=6))
def test_pieces_pushed_in_any_sizes_make_the_same_stream(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    store = DirectoryStore(tmp_path_factory.mktemp("pushed"))
    key, context = SecretKey.generate(), StreamContext("v", "o", "package")
    total = sum(sizes)
    with SealWriter(store, NAME, key, context) as writer:
        at = 0
        for size in sizes:
            assert writer.write(memoryview(NOISE)[at : at + size]) == size
            at += size
            assert writer.size == at
        done = writer.finish()

    assert (done.size, done.sha256) == (total, hashlib.sha256(plain(total)).digest())
    assert opened(store, key, context, done.segment_root) == plain(total)


def test_no_buffer_is_reused_before_it_is_hashed(
    folder_store: DirectoryStore, key: SecretKey, context: StreamContext
) -> None:
    class Slow:
        """A hash whose thread always falls behind."""

        def __init__(self) -> None:
            self.inner = hashlib.sha256()

        def update(self, data: memoryview) -> None:
            time.sleep(0.01)
            self.inner.update(data)

        def digest(self) -> bytes:
            return self.inner.digest()

    with SealWriter(folder_store, NAME, key, context) as writer:
        writer._plain_hash = Slow()  # type: ignore[assignment]
        for _ in range(3):
            writer.write(plain(3 * SEGMENT_BYTES))
        done = writer.finish()

    assert done.sha256 == hashlib.sha256(plain(3 * SEGMENT_BYTES) * 3).digest()


def test_a_writer_that_is_left_without_finish_leaves_nothing(
    store: BlobStore, key: SecretKey, context: StreamContext
) -> None:
    with SealWriter(store, NAME, key, context) as writer:
        writer.write(plain(3 * SEGMENT_BYTES))

    assert list(store.names()) == []
    assert store.sweep_partial() == 0
    for act in (lambda: writer.write(b"x"), writer.finish):
        with pytest.raises(ValueError, match="finished or aborted"):
            act()


def test_a_finished_writer_is_not_undone_by_leaving_or_aborting(
    store: BlobStore, key: SecretKey, context: StreamContext
) -> None:
    with SealWriter(store, NAME, key, context) as writer:
        writer.write(b"abc")
        writer.finish()
        writer.abort()

    assert opened(store, key, context, None) == b"abc"


class Failing(io.RawIOBase):
    """A source whose disk breaks after three segments."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 3

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self.left -= 1
        if not self.left:
            raise OSError(5, "broken")
        return len(buffer)


def test_a_source_that_breaks_or_changes_leaves_nothing(
    store: BlobStore, key: SecretKey, context: StreamContext
) -> None:
    with pytest.raises(OSError, match="broken"):
        seal(Failing(), store, NAME, key, context)  # type: ignore[arg-type]
    for expected in (4, 6):
        with pytest.raises(SourceChangedError, match=f"not {expected}"):
            seal(io.BytesIO(b"12345"), store, NAME, key, context, expected_size=expected)

    assert list(store.names()) == []
    assert seal(io.BytesIO(b"12345"), store, NAME, key, context, expected_size=5).size == 5


def test_progress_counts_the_plain_bytes(
    store: BlobStore, key: SecretKey, context: StreamContext
) -> None:
    seen: list[int] = []

    seal(io.BytesIO(plain(FOUR_SEGMENTS)), store, NAME, key, context, progress=seen.append)

    assert seen == sorted(set(seen))
    assert seen[-1] == FOUR_SEGMENTS


def test_a_stream_is_never_sealed_over_another(
    store: BlobStore, key: SecretKey, context: StreamContext
) -> None:
    root = sealed(store, b"first", key, context).segment_root

    with pytest.raises(BlobExistsError):
        sealed(store, b"second", key, context)

    assert opened(store, key, context, root) == b"first"


def test_a_stream_may_not_be_named_like_a_hash_file(
    store: BlobStore, key: SecretKey, context: StreamContext
) -> None:
    with pytest.raises(ValueError, match="does not end in"):
        SealWriter(store, HASHES, key, context)


def test_a_medium_that_changes_what_is_written_is_caught_before_the_sealing_returns(
    tmp_path: Path, key: SecretKey, context: StreamContext
) -> None:
    class Lying(DirectoryStore):
        def read_back(self, name: str, chunk: int) -> Iterator[bytes]:
            for piece in super().read_back(name, chunk):
                yield flipped(piece, len(piece) // 2) if name == self.lies else piece

        lies = ""

    store = Lying(tmp_path / "lying")
    for lies in (NAME, HASHES):
        store.lies = lies
        with pytest.raises(BlobTamperedError):
            sealed(store, plain(FOUR_SEGMENTS), key, context)
        assert list(store.names()) == [], "nothing is left of a sealing that failed"


def test_what_memory_damaged_before_it_was_hashed_does_not_pass_for_sealed(
    folder_store: DirectoryStore, key: SecretKey, context: StreamContext
) -> None:
    """Hash and medium agree then: only the key tells that the footage is lost."""

    class Faulty:
        def __init__(self, cipher: AESGCM) -> None:
            self.cipher, self.decrypt_into = cipher, cipher.decrypt_into

        def encrypt_into(
            self, nonce: bytes, data: memoryview, also: bytes | None, out: memoryview
        ) -> int:
            length = self.cipher.encrypt_into(nonce, data, also, out)
            out[7] ^= 1
            return length

    with SealWriter(folder_store, NAME, key, context) as writer:
        writer._cipher = Faulty(writer._cipher)  # type: ignore[assignment]
        writer.write(plain(FOUR_SEGMENTS))
        with pytest.raises(BlobTamperedError, match="did not decrypt"):
            writer.finish()
    assert list(folder_store.names()) == []


def smalls(sizes: list[int], key: SecretKey) -> list[SmallStream]:
    return [
        SmallStream(
            f"ab/object-{number}/original",
            key,
            StreamContext("vault-1", f"object-{number}", "original"),
            plain(size),
        )
        for number, size in enumerate(sizes)
    ]


def test_streams_sealed_together_are_those_sealed_alone(store: BlobStore, key: SecretKey) -> None:
    streams = smalls([0, 1, 1000, FIRST_PLAIN], key)

    results = seal_together(store, streams)

    salts = set()
    for each, result in zip(streams, results, strict=True):
        with open_sealed(
            store, each.name, key, each.context, segment_root=result.segment_root
        ) as reader:
            assert reader.readall() == each.data
        assert verify_blob(store, each.name, result.segment_root) == result.ciphertext_size
        salts.add(raw(store, each.name)[:HEADER_BYTES])
        alone = seal(io.BytesIO(each.data), store, f"{each.name}-alone", key, each.context)
        assert (alone.sha256, alone.size, alone.ciphertext_size, alone.segment_count) == (
            result.sha256,
            result.size,
            result.ciphertext_size,
            result.segment_count,
        )
    assert len(salts) == len(streams)


def test_a_stream_of_two_segments_is_not_small(store: BlobStore, key: SecretKey) -> None:
    with pytest.raises(ValueError, match="at most"):
        seal_together(store, smalls([1, FIRST_PLAIN + 1], key))
    with pytest.raises(ValueError, match="does not end in"):
        seal_together(
            store, [SmallStream(HASHES, key, StreamContext("vault-1", "x", "original"), b"1")]
        )
    assert list(store.names()) == []


def test_of_streams_sealed_together_none_is_left_where_the_medium_changes_one(
    tmp_path: Path, key: SecretKey
) -> None:
    class Lying(DirectoryStore):
        def read_back(self, name: str, chunk: int) -> Iterator[bytes]:
            for piece in super().read_back(name, chunk):
                yield flipped(piece, len(piece) // 2) if name == self.lies else piece

        lies = ""

    store = Lying(tmp_path / "lying")
    streams = smalls([10, 1000, 100], key)
    for lies in (streams[1].name, f"{streams[2].name}.segments"):
        store.lies = lies
        with pytest.raises(BlobTamperedError):
            seal_together(store, streams)
        assert list(store.names()) == []


def test_sealings_together_killed_at_any_change_leave_whole_streams_or_what_can_be_removed(
    tmp_path: Path, key: SecretKey, deaths: Callable[[Callable[[], object]], Iterator[int]]
) -> None:
    store = DirectoryStore(tmp_path / "blobs")
    streams = smalls([1000, 10, 100], key)
    whole = 0

    for _ in deaths(lambda: seal_together(store, streams)):
        store.sweep_partial()
        for each in streams:
            if stream_exists(store, each.name):
                whole += 1
                with open_sealed(store, each.name, key, each.context) as reader:
                    assert reader.readall() == each.data
            delete_stream(store, each.name)
        assert [path.name for path in (tmp_path / "blobs").rglob("*")] == [".cctv-vault-blobs"]

    assert whole, "some deaths come after a blob is in place"


def test_deleting_a_stream_takes_both_files_and_may_be_repeated(
    store: BlobStore, key: SecretKey, context: StreamContext
) -> None:
    sealed(store, b"abc", key, context)
    assert stream_exists(store, NAME)
    assert list(stream_names(store)) == [NAME]

    for _ in range(2):
        delete_stream(store, NAME)
        assert not stream_exists(store, NAME)
        assert list(store.names()) == []


def test_memory_stays_bounded_whatever_the_size(
    folder_store: DirectoryStore, key: SecretKey, context: StreamContext
) -> None:
    class Zeros(io.RawIOBase):
        left = 64 * SEGMENT_BYTES

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            count = min(self.left, len(buffer))
            self.left -= count
            return count

    tracemalloc.start()
    try:
        seal(Zeros(), folder_store, NAME, key, context)  # type: ignore[arg-type]
        buffer = bytearray(SEGMENT_BYTES)
        with open_sealed(folder_store, NAME, key, context) as reader:
            while reader.readinto(buffer):
                pass
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


def test_no_plain_byte_and_no_key_reaches_the_disk(
    tmp_path: Path, folder_store: DirectoryStore, key: SecretKey, context: StreamContext
) -> None:
    sealed(folder_store, b"a face at the till " * 100_000, key, context)

    stored = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(stored) == 3
    for data in stored:
        assert b"a face" not in data
        assert key.reveal() not in data


@pytest.mark.parametrize("size", [1000, FIRST_PLAIN + 5 * FULL_PLAIN])
def test_a_sealing_killed_at_any_change_leaves_nothing_or_all_and_can_be_tried_again(
    tmp_path: Path,
    key: SecretKey,
    context: StreamContext,
    deaths: Callable[[Callable[[], object]], Iterator[int]],
    size: int,
) -> None:
    store = DirectoryStore(tmp_path / "blobs")
    data = os.urandom(size)
    whole = 0

    for _ in deaths(lambda: sealed(store, data, key, context)):
        assert store.sweep_partial() <= 2
        if stream_exists(store, NAME):
            whole += 1
            assert opened(store, key, context, None) == data
            delete_stream(store, NAME)
        # Also with the hash file of the dead attempt still there.
        root = sealed(store, data, key, context).segment_root
        assert opened(store, key, context, root) == data
        delete_stream(store, NAME)
        assert [path.name for path in (tmp_path / "blobs").rglob("*")] == [".cctv-vault-blobs"]

    assert whole, "some deaths come after the blob is in place"


def test_a_deletion_killed_at_any_change_leaves_a_whole_stream_or_none(
    tmp_path: Path,
    key: SecretKey,
    context: StreamContext,
    deaths: Callable[[Callable[[], object]], Iterator[int]],
) -> None:
    store = DirectoryStore(tmp_path / "blobs")
    sealed(store, b"abc", key, context)

    for _ in deaths(lambda: delete_stream(store, NAME)):
        if stream_exists(store, NAME):
            assert opened(store, key, context, None) == b"abc"
        delete_stream(store, NAME)
        assert list(store.names()) == []
        sealed(store, b"abc", key, context)


def test_errors_of_storage_are_one_family_and_tell_no_content() -> None:
    error = BlobTamperedError("ab/x", "segment 3", "detail")

    assert isinstance(error, StorageError)
    assert str(error) == "blob ab/x is damaged: segment 3 (detail)"


def test_nonces_count_segments_and_mark_the_last(
    store: BlobStore, key: SecretKey, context: StreamContext
) -> None:
    """The layout of FORMAT.md, decrypted by hand with nothing of ours but the key derivation."""
    sealed(store, plain(FOUR_SEGMENTS), key, context)
    blob = raw(store, NAME)
    length, salt, prefix = blob[0], blob[1:33], blob[33:40]
    cipher = AESGCM(HKDF(SHA256(), 32, salt, context.associated_data()).derive(key.reveal()))

    assert length == HEADER_BYTES
    joined = b""
    for index in range(4):
        part = blob[index * SEGMENT_BYTES : (index + 1) * SEGMENT_BYTES]
        nonce = prefix + struct.pack(">IB", index, index == 3)
        joined += cipher.decrypt(nonce, part[0 if index else 40 :], None)
    assert joined == plain(FOUR_SEGMENTS)
