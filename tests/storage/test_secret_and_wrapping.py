"""Keys in memory show nothing; wrapped keys open only where they belong."""

import copy
import pickle
from collections.abc import Callable

import pytest

from storage.errors import BlobTamperedError, KeyTamperedError, UnknownFormatError
from storage.secret import SecretKey
from storage.wrapping import WRAPPED_BYTES, Wrapping, open_bytes, seal_bytes, unwrap, wrap

IDS = {"vault_id": "v", "kind": "purpose", "wrapping_id": "root-1", "wrapped_id": "purpose-1"}
PLACE = {"vault_id": "v", "kind": "details", "wrapping_id": "month-1", "object_id": "entry-1"}


def test_a_key_shows_nothing_of_itself() -> None:
    key = SecretKey(b"k" * 32)

    assert "kkkk" not in f"{key} {key!r}"
    assert not hasattr(key, "__dict__")
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            leak(key)


def test_keys_are_equal_by_content_and_hashed_by_identity() -> None:
    one, same, other = SecretKey(b"k" * 32), SecretKey(b"k" * 32), SecretKey.generate()

    assert one == same
    assert one != other
    assert one != b"k" * 32
    assert hash(one) != hash(same)


def test_a_key_is_exactly_32_bytes() -> None:
    assert len(SecretKey.generate().reveal()) == 32
    for size in (0, 16, 31, 33):
        with pytest.raises(ValueError, match="32 bytes"):
            SecretKey(b"k" * size)


def test_a_wrapped_key_opens_under_its_own_key_and_ids_alone() -> None:
    key, under = SecretKey.generate(), SecretKey.generate()
    wrapped = wrap(key, under, **IDS)

    assert len(wrapped) == WRAPPED_BYTES == 61
    assert key.reveal() not in wrapped
    assert unwrap(wrapped, under, **IDS) == key
    with pytest.raises(KeyTamperedError):
        unwrap(wrapped, SecretKey.generate(), **IDS)
    for name in IDS:
        with pytest.raises(KeyTamperedError):
            unwrap(wrapped, under, **{**IDS, name: "other"})


def test_every_bit_and_the_length_of_a_wrapped_key_count() -> None:
    key, under = SecretKey.generate(), SecretKey.generate()
    wrapped = wrap(key, under, **IDS)

    for at in range(len(wrapped)):
        bad = wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
        with pytest.raises((KeyTamperedError, UnknownFormatError)):
            unwrap(bad, under, **IDS)
    for bad in (b"", wrapped[:1], wrapped[:28], wrapped[:-1], wrapped + b"\0"):
        with pytest.raises(KeyTamperedError):
            unwrap(bad, under, **IDS)


def test_an_unknown_version_is_not_guessed_at() -> None:
    under = SecretKey.generate()

    with pytest.raises(UnknownFormatError, match="version 2"):
        unwrap(b"\x02" + bytes(60), under, **IDS)
    with pytest.raises(UnknownFormatError, match="version 2"):
        open_bytes(b"\x02" + bytes(60), under, **PLACE)


def test_wrapping_many_keys_is_wrapping_each() -> None:
    key, under = SecretKey.generate(), SecretKey.generate()
    shared = {name: IDS[name] for name in ("vault_id", "kind", "wrapping_id")}
    many = Wrapping(under, **shared)

    assert unwrap(many.wrap(key, "one"), under, **shared, wrapped_id="one") == key
    assert many.unwrap(wrap(key, under, **shared, wrapped_id="two"), "two") == key
    wrapped = many.wrap(key, "one")
    bad = [wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :] for at in range(61)]
    for each in (*bad, b"", wrapped[:-1], wrapped + b"\0"):
        with pytest.raises((KeyTamperedError, UnknownFormatError)):
            many.unwrap(each, "one")
    with pytest.raises(KeyTamperedError):
        many.unwrap(wrapped, "two")


def test_two_wrappings_of_one_key_share_no_nonce() -> None:
    key, under = SecretKey.generate(), SecretKey.generate()

    assert wrap(key, under, **IDS)[1:13] != wrap(key, under, **IDS)[1:13]


@pytest.mark.parametrize("data", [b"", b"x", bytes(100_000)])
def test_a_small_value_opens_under_its_own_key_and_place_alone(data: bytes) -> None:
    under = SecretKey.generate()
    sealed = seal_bytes(data, under, **PLACE)

    assert len(sealed) == len(data) + 29
    assert open_bytes(sealed, under, **PLACE) == data
    wrong: list[Callable[[], bytes]] = [
        lambda: open_bytes(sealed, SecretKey.generate(), **PLACE),
        lambda: open_bytes(sealed[:-1], under, **PLACE),
        lambda: open_bytes(b"", under, **PLACE),
        lambda: open_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]), under, **PLACE),
    ]
    for act in wrong:
        with pytest.raises(BlobTamperedError) as caught:
            act()
        assert caught.value.what == "value"
    for name in PLACE:
        with pytest.raises(BlobTamperedError):
            open_bytes(sealed, under, **{**PLACE, name: "other"})


def test_a_wrapped_key_is_no_value_and_a_value_no_wrapped_key() -> None:
    key, under = SecretKey.generate(), SecretKey.generate()
    names = {"vault_id": "v", "kind": "k", "wrapping_id": "w"}

    with pytest.raises(BlobTamperedError):
        open_bytes(wrap(key, under, **names, wrapped_id="i"), under, **names, object_id="i")
    with pytest.raises(KeyTamperedError):
        unwrap(
            seal_bytes(key.reveal(), under, **names, object_id="i"),
            under,
            **names,
            wrapped_id="i",
        )
