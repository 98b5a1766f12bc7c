"""Details: the commitment, and that it binds and hides."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.details import check_details, new_details
from cctv_vault.custody.errors import DetailsError

SALT = bytes(range(32))
VALUES: dict[str, Json] = {"name": "Ruth Ek", "reason": "stöld"}


def _commitment(blob: bytes) -> str:
    return hashlib.sha256(b"cctv-vault/details/v1\n" + blob).hexdigest()


def test_the_commitment_is_the_hash_of_prefix_salt_and_canonical_details() -> None:
    details = new_details({"b": 1, "a": "ö"}, SALT)

    assert details.blob == SALT + '{"a":"ö","b":1}'.encode()
    assert details.commitment == _commitment(SALT + '{"a":"ö","b":1}'.encode())


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-9, 9) | st.none(),
    ),
    st.binary(min_size=32, max_size=32),
)
def test_details_come_back_from_their_blob(values: dict[str, Json], salt: bytes) -> None:
    details = new_details(values, salt)

    assert check_details(details.blob, details.commitment) == values


@given(st.data())
def test_changing_any_byte_of_the_blob_breaks_the_commitment(data: st.DataObject) -> None:
    details = new_details(VALUES, SALT)
    at = data.draw(st.integers(0, len(details.blob) - 1))
    altered = bytearray(details.blob)
    altered[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(DetailsError, match="other details"):
        check_details(bytes(altered), details.commitment)


def test_the_same_details_under_another_salt_have_another_commitment() -> None:
    assert new_details(VALUES, SALT).commitment != new_details(VALUES, bytes(32)).commitment


def test_a_salt_of_another_length_and_values_without_form_are_refused() -> None:
    for salt in (b"", bytes(31), bytes(33)):
        with pytest.raises(DetailsError, match="salt"):
            new_details(VALUES, salt)
    with pytest.raises(DetailsError) as caught:
        new_details({"share": 0.5}, SALT)
    assert caught.value.where == "$.share"


@pytest.mark.parametrize("blob", [b"", bytes(31), SALT, SALT + b"{ }", SALT + b"[]", SALT + b"1"])
def test_a_blob_of_another_shape_is_refused_even_when_committed_to(blob: bytes) -> None:
    with pytest.raises(DetailsError):
        check_details(blob, _commitment(blob))


@given(st.binary(), st.text())
def test_no_blob_and_commitment_whatever_raise_another_error(blob: bytes, commitment: str) -> None:
    with pytest.raises(DetailsError):
        check_details(blob, commitment)
    with pytest.raises(DetailsError):
        check_details(blob, "\ud800")


def test_details_are_not_shown() -> None:
    details = new_details(VALUES, SALT)

    assert "Ruth" not in repr(details)
    with pytest.raises(DetailsError) as caught:
        check_details(details.blob, "0" * 64)
    assert "Ruth" not in str(caught.value)
