"""The fixed form of the zip: any zip program reads it, and not one byte of it can differ."""

import io
import struct
import zipfile
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.disclosure.archive import ArchiveWriter, checked_name, read_archive, read_member
from cctv_vault.errors import PackageInvalidError

MADE = datetime(2026, 3, 1, 8, 0, 2, tzinfo=UTC)


def small() -> bytes:
    out = io.BytesIO()
    writer = ArchiveWriter(out, MADE)
    writer.add("B/bagit.txt", b"declared")
    with writer.member("B/LÄS MIG.txt", large=False) as push:
        push(b"en ")
        push(b"rad")
    with writer.member("B/data/film", large=True) as push:
        push(b"x" * 300)
    writer.add("B/empty", b"")
    assert writer.finish() == len(out.getvalue())
    return out.getvalue()


def holds(data: bytes) -> bool:
    """Whether a strict reader and its checksums accept the bytes."""
    file = io.BytesIO(data)
    members = read_archive(file).members
    return all(zlib.crc32(b"".join(read_member(file, each))) == each.crc for each in members)


def test_any_zip_program_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(small())) as opened:
        assert opened.testzip() is None
        assert opened.read("B/LÄS MIG.txt") == b"en rad"
        assert [info.file_size for info in opened.infolist()] == [8, 6, 300, 0]
        assert opened.infolist()[0].date_time == (2026, 3, 1, 8, 0, 2)


def test_what_is_written_is_read_back() -> None:
    file = io.BytesIO(small())
    archive = read_archive(file)
    assert archive.made_at == MADE
    found = {each.name: b"".join(read_member(file, each)) for each in archive.members}
    assert found["B/data/film"] == b"x" * 300


def test_every_flipped_bit_is_found() -> None:
    data = small()
    assert holds(data)
    for at in range(len(data)):
        for bit in (1, 128):
            changed = bytearray(data)
            changed[at] ^= bit
            try:
                accepted = holds(bytes(changed))
            except PackageInvalidError:
                continue
            assert not accepted, at


def test_every_truncation_and_extension_is_found() -> None:
    data = small()
    for end in range(len(data)):
        with pytest.raises(PackageInvalidError):
            read_archive(io.BytesIO(data[:end]))
    for changed in (data + b"\0", b"\0" + data, data[:200] + b"\0" + data[200:]):
        with pytest.raises(PackageInvalidError):
            read_archive(io.BytesIO(changed))


def test_a_zip_of_another_program_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("B/bagit.txt", b"declared")
    with pytest.raises(PackageInvalidError):
        read_archive(out)


@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "a//b", "a/./b", "C:x", "a\\b", "a\nb", "a/", "", "x" * 2000, "a/b ", "a."],
)
def test_a_name_that_could_lead_outside_is_never_written(name: str) -> None:
    with pytest.raises(ValueError, match="plain relative path"):
        checked_name(name)


@pytest.mark.parametrize("name", [b"../../../xx", b"/B/bagit.tx", b"B//bagit.tx", b"B\\bagit.txt"])
def test_an_archive_with_such_a_name_is_refused(name: bytes) -> None:
    with pytest.raises(PackageInvalidError):
        read_archive(io.BytesIO(small().replace(b"B/bagit.txt", name)))


def test_two_members_that_one_system_would_take_for_one_are_refused() -> None:
    out = io.BytesIO()
    writer = ArchiveWriter(out, MADE)
    writer.add("B/a.txt", b"1")
    writer.add("B/A.TXT", b"2")
    writer.finish()
    with pytest.raises(PackageInvalidError, match="two members"):
        read_archive(out)


def test_a_directory_that_claims_to_be_huge_is_not_read_into_memory() -> None:
    data = bytearray(small())
    tail = len(data) - (56 + 20 + 22)
    struct.pack_into("<QQQQ", data, tail + 24, 2**60, 2**60, 2**62, 0)
    with pytest.raises(PackageInvalidError):
        read_archive(io.BytesIO(bytes(data)))


@given(st.binary(max_size=400))
def test_anything_at_all_is_answered_with_the_one_error(data: bytes) -> None:
    with pytest.raises(PackageInvalidError):
        read_archive(io.BytesIO(data))
