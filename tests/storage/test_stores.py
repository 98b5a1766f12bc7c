"""What every blob store promises, whatever is beneath it."""

import os
from collections.abc import Callable

import pytest

from storage.backend import BlobStore, checked_name
from storage.errors import BlobExistsError, BlobMissingError

Put = Callable[[BlobStore, str, bytes], None]
CHUNK = 1 << 20


def test_a_blob_is_there_after_commit_and_not_before(store: BlobStore) -> None:
    data = os.urandom(3 * CHUNK + 17)
    writer = store.create("ab/x/original")
    writer.write(data[:5])
    writer.write(memoryview(data)[5 : 2 * CHUNK])
    writer.write(bytearray(data[2 * CHUNK :]))
    assert not store.exists("ab/x/original")
    assert list(store.names()) == []

    writer.commit()

    assert store.exists("ab/x/original")
    assert store.size("ab/x/original") == len(data)
    assert b"".join(store.read_back("ab/x/original", CHUNK)) == data


def test_the_buffer_handed_over_may_be_reused_at_once(store: BlobStore) -> None:
    buffer = bytearray(b"a" * CHUNK)
    writer = store.create("x")
    for letter in b"abcdefghijkl":
        buffer[:] = bytes([letter]) * CHUNK
        writer.write(buffer)
    buffer[:] = b"!" * CHUNK
    writer.commit()

    assert store.read("x", 0, 12 * CHUNK) == b"".join(
        bytes([letter]) * CHUNK for letter in b"abcdefghijkl"
    )


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK, 9 * CHUNK + 1])
def test_read_back_gives_full_chunks_and_then_the_rest(
    store: BlobStore, put: Put, size: int
) -> None:
    data = os.urandom(size)
    put(store, "x", data)

    pieces = list(store.read_back("x", CHUNK))

    assert b"".join(pieces) == data
    assert all(len(piece) == CHUNK for piece in pieces[:-1])
    assert all(pieces)


def test_ranges_are_short_only_at_the_end(store: BlobStore, put: Put) -> None:
    put(store, "x", b"0123456789")

    assert store.read("x", 0, 4) == b"0123"
    assert store.read("x", 3, 4) == b"3456"
    assert store.read("x", 8, 4) == b"89"
    assert store.read("x", 10, 4) == b""
    assert store.read("x", 99, 4) == b""
    assert store.read("x", 3, 0) == b""


def test_an_empty_blob_is_a_blob(store: BlobStore, put: Put) -> None:
    put(store, "x", b"")

    assert (store.exists("x"), store.size("x"), store.read("x", 0, 9)) == (True, 0, b"")


def test_what_is_not_there_is_missing(store: BlobStore, put: Put) -> None:
    put(store, "ab/x", b"1")

    for name in ("y", "ab", "ab/y", "cd/x"):
        for act in (
            lambda name=name: store.read(name, 0, 1),
            lambda name=name: store.size(name),
            lambda name=name: list(store.read_back(name, CHUNK)),
        ):
            with pytest.raises(BlobMissingError) as caught:
                act()
            assert caught.value.name == name
        assert not store.exists(name)
        store.delete(name)
    assert list(store.names()) == ["ab/x"]


def test_a_name_is_taken_once(store: BlobStore, put: Put) -> None:
    put(store, "x", b"first")

    with pytest.raises(BlobExistsError):
        store.create("x")

    assert store.read("x", 0, 9) == b"first"


def test_of_two_writers_of_one_name_at_most_one_succeeds(store: BlobStore) -> None:
    first = store.create("x")
    first.write(b"first")
    try:
        second = store.create("x")
    except BlobExistsError as error:
        assert error.being_written  # noqa: PT017 - whether it is raised here is the store's choice
        first.commit()
    else:
        second.write(b"second")
        first.commit()
        with pytest.raises(BlobExistsError):
            second.commit()
        second.abort()

    assert store.read("x", 0, 9) == b"first"


def test_an_aborted_blob_leaves_nothing_and_its_name_free(store: BlobStore, put: Put) -> None:
    for size in (0, 5, 9 * CHUNK):
        writer = store.create("ab/x")
        writer.write(bytes(size))
        writer.abort()
        writer.abort()
        assert list(store.names()) == []
        assert store.sweep_partial() == 0

    put(store, "ab/x", b"1")
    assert list(store.names()) == ["ab/x"]


def test_abort_after_commit_does_nothing(store: BlobStore) -> None:
    writer = store.create("x")
    writer.write(b"1")
    writer.commit()
    writer.abort()

    assert store.read("x", 0, 9) == b"1"
    with pytest.raises(ValueError, match="committed or aborted"):
        writer.write(b"2")


def test_names_are_listed_by_any_prefix(store: BlobStore, put: Put) -> None:
    names = {"ab/abc/original", "ab/abc/original.segments", "ab/abd/original", "cd/x", "top"}
    for name in names:
        put(store, name, b"1")

    assert set(store.names()) == names
    assert set(store.names("ab/")) == {name for name in names if name.startswith("ab/")}
    assert set(store.names("ab/abc")) == {"ab/abc/original", "ab/abc/original.segments"}
    assert set(store.names("ab/abc/orig")) == {"ab/abc/original", "ab/abc/original.segments"}
    assert set(store.names("t")) == {"top"}
    assert set(store.names("zz/")) == set()
    assert set(store.names("top/")) == set()


def test_deleting_may_be_repeated_and_takes_one_name_alone(store: BlobStore, put: Put) -> None:
    for name in ("ab/x/one", "ab/x/two"):
        put(store, name, b"1")

    store.delete("ab/x/one")
    store.delete("ab/x/one")

    assert list(store.names()) == ["ab/x/two"]


BAD_NAMES = [
    *("", "/", "/x", "x/", "a//b", ".", "..", "../x", "a/../b", "a/.hidden", ".x", "-x", "_x"),
    *("a b", "a\nb", "a\0b", "ä", "x" * 129, "/".join("abcdefghi"), "a\\b", "x\n"),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_never_leaves_the_store_or_hides_in_it(store: BlobStore, name: str) -> None:
    for act in (
        lambda: store.create(name),
        lambda: store.read(name, 0, 1),
        lambda: list(store.read_back(name, CHUNK)),
        lambda: store.size(name),
        lambda: store.exists(name),
        lambda: store.delete(name),
    ):
        with pytest.raises(ValueError, match="a blob name"):
            act()
    if name:
        with pytest.raises(ValueError, match="a blob name"):
            list(store.names(f"{name}/../"))


def test_good_names_are_good() -> None:
    for name in ("x", "ab/abcdef/original", "0/1.2_3-4", "x" * 128):
        assert checked_name(name) == name


def test_a_store_says_what_it_is_and_what_room_it_has(store: BlobStore) -> None:
    assert store.description
    free = store.free_bytes()
    assert free is None or free > 0


def test_blobs_put_together_are_all_there_or_none(store: BlobStore, put: Put) -> None:
    blobs = [(f"ab/{number}/original", os.urandom(number)) for number in range(40)]

    store.put_together(blobs)

    assert sorted(store.names()) == sorted(name for name, _ in blobs)
    for name, data in blobs:
        assert b"".join(store.read_back(name, CHUNK)) == data
    put(store, "cd/taken", b"first")
    with pytest.raises(BlobExistsError):
        store.put_together([("cd/1", b"1"), ("cd/2", b"2"), ("cd/taken", b"other"), ("cd/3", b"3")])
    assert sorted(store.names("cd/")) == ["cd/taken"]
    assert store.read("cd/taken", 0, 9) == b"first"
