"""Files under a passphrase: opened by Tink's reader and by ours, and by no other passphrase."""

import io
import os
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from storage.errors import PassphraseError
from storage.framing import FIRST_PLAIN, FULL_PLAIN, SEGMENT_BYTES
from storage.passphrase import ITERATIONS, MAGIC, PassphraseLock, UnlockedReader, is_locked
from storage.secret import SecretKey
from tests.storage.test_stream import BOUNDARIES, tink

PASSPHRASE = b"7K2M9Q4XHJ3WRT6P4NBD"
PREAMBLE = len(MAGIC) + 4 + 16


@pytest.fixture(scope="module")
def lock() -> PassphraseLock:
    return PassphraseLock(PASSPHRASE)


def locked(lock: PassphraseLock, plain: bytes) -> bytes:
    return lock.sealed(io.BytesIO(plain), len(plain)).read()


@pytest.mark.parametrize("size", BOUNDARIES)
def test_what_was_sealed_is_what_is_opened_whatever_its_length(
    lock: PassphraseLock, size: int
) -> None:
    plain = os.urandom(size)
    data = locked(lock, plain)
    assert lock.sealed(io.BytesIO(plain), size).size == len(data)
    opened = UnlockedReader(io.BytesIO(data), PASSPHRASE)
    assert (opened.size, opened.read()) == (size, plain)


def test_tink_opens_it_with_the_key_that_the_format_names(lock: PassphraseLock) -> None:
    plain = os.urandom(FIRST_PLAIN + FULL_PLAIN + 7)
    data = locked(lock, plain)
    preamble = data[:PREAMBLE]
    rounds, salt = struct.unpack_from(">I16s", preamble, len(MAGIC))
    assert rounds == ITERATIONS >= 600_000
    ikm = PBKDF2HMAC(SHA256(), 32, salt, rounds).derive(PASSPHRASE)
    reader = tink(SecretKey(ikm)).new_decrypting_stream(io.BytesIO(data[PREAMBLE:]), preamble)
    with reader as stream:
        assert stream.read() == plain


def test_it_is_read_anywhere_and_twice_alike(lock: PassphraseLock) -> None:
    plain = os.urandom(3 * SEGMENT_BYTES)
    data = locked(lock, plain)
    again = lock.sealed(io.BytesIO(plain), len(plain))
    opened = UnlockedReader(io.BytesIO(data), PASSPHRASE)
    for start in (0, PREAMBLE - 1, SEGMENT_BYTES, SEGMENT_BYTES + PREAMBLE, 2 * SEGMENT_BYTES + 9):
        again.seek(start)
        assert again.read(1000) == data[start : start + 1000]
        opened.seek(start)
        assert opened.read(1000) == plain[start : start + 1000]


def test_another_passphrase_or_a_change_anywhere_does_not_open(lock: PassphraseLock) -> None:
    plain = os.urandom(SEGMENT_BYTES + 100)
    data = locked(lock, plain)
    with pytest.raises(PassphraseError, match="wrong"):
        UnlockedReader(io.BytesIO(data), PASSPHRASE[:-1])
    for at in (
        3,
        len(MAGIC) + 3,
        len(MAGIC) + 8,
        PREAMBLE,
        PREAMBLE + 5,
        PREAMBLE + 35,
        900_000,
        -1,
    ):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(PassphraseError):
            UnlockedReader(io.BytesIO(changed), PASSPHRASE).read()


def test_what_was_cut_off_or_put_into_another_order_does_not_open(lock: PassphraseLock) -> None:
    data = locked(lock, os.urandom(3 * SEGMENT_BYTES))
    second, third = (PREAMBLE + each * SEGMENT_BYTES for each in (1, 2))
    swapped = (
        data[:second] + data[third : third + SEGMENT_BYTES] + data[second:third]
        + data[third + SEGMENT_BYTES :]
    )  # fmt: skip
    for forged in (data[:-1], data[:third], data[:10], b"", data + b"x", swapped):
        with pytest.raises(PassphraseError):
            UnlockedReader(io.BytesIO(forged), PASSPHRASE).read()


def test_a_file_that_asks_for_too_few_or_endless_rounds_is_not_tried(lock: PassphraseLock) -> None:
    data = locked(lock, b"x")
    for rounds in (1, 99_999, 10_000_001, 2**32 - 1):
        forged = data[: len(MAGIC)] + struct.pack(">I", rounds) + data[len(MAGIC) + 4 :]
        with pytest.raises(PassphraseError, match="version 1"):
            UnlockedReader(io.BytesIO(forged), PASSPHRASE)


def test_no_two_files_share_a_byte_beyond_the_rounds(tmp_path: Path) -> None:
    one, two = (locked(PassphraseLock(PASSPHRASE), b"the same") for _ in range(2))
    assert one[: len(MAGIC) + 4] == two[: len(MAGIC) + 4]
    assert one[len(MAGIC) + 4 : PREAMBLE] != two[len(MAGIC) + 4 : PREAMBLE]
    assert one[PREAMBLE + 1 :] != two[PREAMBLE + 1 :]
    path = tmp_path / "locked"
    path.write_bytes(one)
    with path.open("rb") as file:
        assert is_locked(file)
        assert file.tell() == 0
    assert not is_locked(io.BytesIO(b"PK\x03\x04"))
