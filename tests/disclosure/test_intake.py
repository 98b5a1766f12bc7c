"""Reading a request strictly: what it means, and that nothing else gets in."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.disclosure.intake import Places, cameras_meant, read_note, read_request
from cctv_vault.errors import InvalidInputError, NotFoundError, VaultError

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
PLACES = Places(
    {
        "kassa": ("solna", "Europe/Stockholm"),
        "entre": ("solna", "Europe/Stockholm"),
        "bar": ("abo", "Europe/Helsinki"),
    },
    {"solna": "Europe/Stockholm", "abo": "Europe/Helsinki"},
)
ITEM = {"from": "2026-03-01T09:00:00+01:00", "to": "2026-03-01T09:10:00+01:00"}


def body(*items: dict[str, Any]) -> dict[str, Any]:
    return {
        "requester": {"type": "police", "authority": "Polismyndigheten"},
        "ground": {"code": "dsl 2:5"},
        "footage": list(items),
    }


def test_times_are_read_into_utc_and_the_code_into_its_one_spelling() -> None:
    filing = read_request(body({"cameras": ["kassa"], **ITEM}), PLACES, NOW, public=False)
    (window,) = filing.windows
    assert window.starts_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert (filing.ground, filing.language, filing.delivery) == ("DSL 2:5", "sv", "link")
    assert (filing.site, filing.places_named) == ("solna", True)


def test_a_place_stands_for_all_its_cameras() -> None:
    filing = read_request(body({"site": "solna", **ITEM}), PLACES, NOW, public=True)
    assert [window.camera for window in filing.windows] == ["entre", "kassa"]
    assert not filing.places_named


def test_a_time_read_off_the_picture_is_corrected_for_each_cameras_clock() -> None:
    places = replace(PLACES, offsets={"kassa": -3600.0, "entre": 90.0})
    filing = read_request(
        body({"site": "solna", "clock": "picture", **ITEM}), places, NOW, public=True
    )
    assert filing.off_picture
    assert [(each.camera, each.starts_at, each.ends_at) for each in filing.windows] == [
        (
            "entre",
            datetime(2026, 3, 1, 7, 58, 30, tzinfo=UTC),
            datetime(2026, 3, 1, 8, 8, 30, tzinfo=UTC),
        ),
        ("kassa", datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 3, 1, 9, 10, tzinfo=UTC)),
    ]
    assert filing.to_body()["footage"][0]["from"] == ITEM["from"]


@pytest.mark.parametrize("wrong", [{"clock": "wall"}, {"doubtful": "yes"}])
def test_what_a_time_is_must_be_one_of_what_is_known(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        read_request(body({"site": "solna", **ITEM, **wrong}), PLACES, NOW, public=True)


def test_where_there_are_several_places_one_must_be_named() -> None:
    with pytest.raises(InvalidInputError, match="abo, solna"):
        read_request(body(ITEM), PLACES, NOW, public=True)


def test_a_stranger_is_not_told_which_cameras_there_are() -> None:
    asked = body({"cameras": ["lager"], **ITEM})
    with pytest.raises(NotFoundError) as public:
        read_request(asked, PLACES, NOW, public=True)
    assert "kassa" not in str(public.value)
    with pytest.raises(NotFoundError, match="kassa"):
        read_request(asked, PLACES, NOW, public=False)


def test_a_camera_of_another_place_than_the_one_named_is_refused() -> None:
    with pytest.raises(NotFoundError):
        read_request(body({"site": "abo", "cameras": ["kassa"], **ITEM}), PLACES, NOW, public=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("x" * 4001, "4000"),
        ("a\0b", "not text"),
        ("a\u202eb", "not text"),
    ],
)
def test_what_people_write_is_text_of_a_sensible_length(text: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        read_note(text, "the reason")


def test_who_asks_is_not_shown_by_a_traceback() -> None:
    asked = body({"cameras": ["kassa"], **ITEM})
    asked["requester"]["name"] = "Eva Exempel"
    assert "Eva" not in repr(read_request(asked, PLACES, NOW, public=False))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["requester", "ground", "footage", "type", "code", "from", "to", "cameras", "site"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(anything)
def test_whatever_arrives_is_refused_with_words_or_means_something(value: object) -> None:
    cameras_meant(value, PLACES)
    try:
        filing = read_request(value, PLACES, NOW, public=False)
    except VaultError:
        return
    assert filing.windows


@given(
    st.sampled_from(["requester", "ground", "matter", "footage", "description", "delivery"]),
    anything,
)
def test_one_wrong_field_never_gets_past(name: str, value: object) -> None:
    asked = json.loads(json.dumps(body({"cameras": ["kassa"], **ITEM})))
    asked[name] = value
    try:
        read_request(asked, PLACES, NOW, public=True)
    except VaultError:
        return
    assert name in {"matter", "description", "delivery", "ground"}
