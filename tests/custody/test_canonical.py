"""Canonical JSON: the vectors of RFC 8785, and everything that is refused."""

import json
from enum import StrEnum

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.custody.canonical import (
    MAX_DEPTH,
    MAX_INTEGER,
    Json,
    canonical_json,
    parse_canonical,
    plain_json,
)
from cctv_vault.custody.errors import CanonicalError

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
_values: st.SearchStrategy[Json] = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_strings_are_escaped_as_in_rfc_8785_section_3_2_2() -> None:
    value = json.loads(
        r'{"string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/",'
        r' "literals": [null, true, false]}'
    )

    assert canonical_json(value) == (
        '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()
    )


def test_keys_are_sorted_by_utf_16_units_as_in_rfc_8785_section_3_2_3() -> None:
    value: Json = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }

    sorted_keys = list(json.loads(canonical_json(value)))

    assert sorted_keys == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(_values)
def test_what_is_encoded_is_what_a_library_of_rfc_8785_encodes(value: Json) -> None:
    assert canonical_json(value) == rfc8785.dumps(plain_json(value))


@given(st.dictionaries(st.text('\x00\x1f"\\/\x7f~aZ', max_size=4), st.text("\x00\b\t\n\v\f\r\x7f")))
def test_so_it_is_with_every_kind_of_ascii(value: dict[str, str]) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@given(_values)
def test_what_is_encoded_decodes_to_itself_and_only_one_way(value: Json) -> None:
    data = canonical_json(value)

    assert parse_canonical(data) == value
    assert canonical_json(parse_canonical(data)) == data
    assert plain_json(value) == value


def test_enumerations_tuples_and_whole_floats_become_plain() -> None:
    class Kind(StrEnum):
        VIDEO = "video"

    plain = plain_json({"kind": Kind.VIDEO, "pair": (1, 2.0), Kind.VIDEO: -0.0})

    assert plain == {"kind": "video", "pair": [1, 2], "video": 0}
    assert isinstance(plain, dict)
    assert {type(key) for key in plain} == {str}
    assert type(plain["kind"]) is str
    assert type(plain["video"]) is int


def test_a_plain_copy_shares_nothing_with_its_original() -> None:
    inner = [1]
    original: Json = {"inner": inner}

    copy = plain_json(original)
    inner.append(2)

    assert copy == {"inner": [1]}


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, 1.5]}, "$.a[1]"),
        ([float("nan")], "$[0]"),
        (float("inf"), "$"),
        (1e300, "$"),
        (MAX_INTEGER + 1, "$"),
        (-MAX_INTEGER - 1, "$"),
        ({"a": b"bytes"}, "$.a"),
        ({1: "number"}, "$"),
        ({"a": {None: 1}}, "$.a"),
        ("\ud800", "$"),
        ({"\udfff": 1}, "a key of $"),
        ({"a": {1, 2}}, "$.a"),
    ],
)
def test_what_has_no_canonical_form_is_refused_and_its_place_named(value: Json, where: str) -> None:
    with pytest.raises(CanonicalError) as caught:
        canonical_json(value)

    assert caught.value.where == where


def test_nesting_is_allowed_to_a_limit_and_refused_beyond_it() -> None:
    deepest: Json = 1
    for _ in range(MAX_DEPTH):
        deepest = [deepest]

    assert parse_canonical(canonical_json(deepest)) == deepest
    with pytest.raises(CanonicalError):
        canonical_json([deepest])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b' {"a":1}',
        b'{"a":1}\n',
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b"1.0",
        b"1e3",
        b"-0",
        b"1.5",
        b"NaN",
        b"Infinity",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\ud800"',
        b'"\x80"',
        b'\xef\xbb\xbf"a"',
        '"a"'.encode("utf-16"),
        b"9007199254740992",
        b"1" * 5000,
        b"[" * 100_000,
        b"[" * 100 + b"]" * 100,
    ],
)
def test_bytes_that_are_not_the_canonical_form_are_refused(data: bytes) -> None:
    with pytest.raises(CanonicalError):
        parse_canonical(data)


@given(st.binary() | st.text('{}[]",:0123456789.eE+-truefalsn\\u ').map(str.encode))
def test_any_bytes_are_either_canonical_or_refused(data: bytes) -> None:
    try:
        value = parse_canonical(data)
    except CanonicalError:
        return
    assert canonical_json(value) == data


def test_a_key_that_is_no_field_name_is_not_repeated_in_an_error() -> None:
    with pytest.raises(CanonicalError) as caught:
        canonical_json({"people": {"Ruth Ek\nforged line": 0.5}})

    assert caught.value.where == "$.people.?"


def test_an_error_does_not_repeat_the_content() -> None:
    with pytest.raises(CanonicalError) as caught:
        parse_canonical(b'{"name": "Ruth Ek"}')

    assert "Ruth" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
