"""Entries: one encoding, read strictly."""

import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.custody.canonical import MAX_INTEGER, Json, canonical_json
from cctv_vault.custody.entries import MAX_IDENTIFIER, Actor, Entry
from cctv_vault.custody.errors import EntryError
from cctv_vault.custody.events import Event

AT = datetime(2026, 11, 23, 8, 30, 0, 1500, tzinfo=UTC)
ACTOR = Actor("person-7", "session")
ENTRY = Entry(
    at=AT,
    event=Event.RECORDING_SEALED,
    subject="recording-1",
    actor=ACTOR,
    facts={"size": 12, "sha256": "ab", "streams": ["original"]},
    details="0a" * 32,
)
ENCODED = (
    b'{"actor":{"id":"person-7","means":"session"},"at":"2026-11-23T08:30:00.001500Z",'
    b'"details":"' + b"0a" * 32 + b'","event":"recording.sealed",'
    b'"facts":{"sha256":"ab","size":12,"streams":["original"]},"subject":"recording-1","v":1}'
)

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_identifiers = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)
_entries = st.builds(
    Entry,
    at=st.datetimes(timezones=st.just(UTC)),
    event=st.sampled_from(Event),
    subject=st.none() | _identifiers,
    actor=st.builds(Actor, _identifiers, _identifiers),
    facts=st.dictionaries(
        _text, _text | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.lists(st.booleans())
    ),
    details=st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
)


def _fields(**changed: Json) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(ENCODED)
    return {**fields, **changed}


def test_an_entry_has_exactly_these_bytes() -> None:
    assert ENTRY.to_bytes() == ENCODED
    assert Entry.from_bytes(ENCODED) == ENTRY


@given(_entries)
def test_any_entry_comes_back_from_its_bytes(entry: Entry) -> None:
    again = Entry.from_bytes(entry.to_bytes())

    assert again == entry
    assert again.to_bytes() == entry.to_bytes()
    assert again.at.tzinfo is UTC


@pytest.mark.parametrize("event", Event)
def test_every_event_of_the_vocabulary_can_be_entered(event: Event) -> None:
    entry = Entry(at=AT, event=event, actor=ACTOR)

    assert Entry.from_bytes(entry.to_bytes()).event == event


def test_an_entry_does_not_change_with_the_facts_it_was_made_from() -> None:
    cameras: list[str] = ["a"]
    facts: dict[str, Json] = {"cameras": cameras}
    entry = Entry(at=AT, event=Event.HOLD_PLACED, actor=ACTOR, facts=facts)
    before = entry.to_bytes()

    cameras.append("b")
    facts["more"] = 1

    assert entry.to_bytes() == before


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"at": AT.replace(tzinfo=None)}, "at"),
        ({"at": datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))}, "at"),
        ({"event": "sealed"}, "event"),
        ({"event": "Recording.sealed"}, "event"),
        ({"event": "recording."}, "event"),
        ({"event": "recording.sealed\n"}, "event"),
        ({"event": "a." + "b" * MAX_IDENTIFIER}, "event"),
        ({"subject": ""}, "subject"),
        ({"subject": "line\nbreak"}, "subject"),
        ({"subject": "\ud800"}, "subject"),
        ({"subject": "s" * (MAX_IDENTIFIER + 1)}, "subject"),
        ({"facts": {"share": 0.5}}, "facts $.share"),
        ({"facts": ["list"]}, "facts"),
        ({"details": "0A" * 32}, "details"),
        ({"details": "0a" * 31}, "details"),
        ({"v": 2}, "v"),
        ({"v": True}, "v"),
    ],
)
def test_an_entry_that_could_not_be_read_back_is_never_made(
    changed: dict[str, Any], where: str
) -> None:
    fields: dict[str, Any] = {"at": AT, "event": Event.LOG_READ, "actor": ACTOR, **changed}

    with pytest.raises(EntryError) as caught:
        Entry(**fields)

    assert caught.value.where == where


@pytest.mark.parametrize(("who", "means"), [("", "session"), ("a\tb", "session"), ("a", "")])
def test_an_actor_is_an_identifier_and_a_means(who: str, means: str) -> None:
    with pytest.raises(EntryError, match="actor"):
        Actor(who, means)


def test_an_entry_too_long_for_a_bundle_is_refused_both_ways() -> None:
    long = Entry(at=AT, event=Event.LOG_READ, actor=ACTOR, facts={"x": "x" * 65_536})

    with pytest.raises(EntryError, match="65535"):
        long.to_bytes()
    with pytest.raises(EntryError, match="65535"):
        Entry.from_bytes(canonical_json(_fields(facts={"x": "x" * 65_536})))


@pytest.mark.parametrize("name", json.loads(ENCODED))
def test_an_entry_that_lacks_a_field_is_refused(name: str) -> None:
    fields = _fields()
    del fields[name]

    with pytest.raises(EntryError, match=rf"\b{name}\b"):
        Entry.from_bytes(canonical_json(fields))


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        (_fields(more=1), "entry"),
        (_fields(actor={"id": "a", "means": "b", "name": "c"}), "actor"),
        (_fields(actor={"id": "a"}), "actor"),
        (_fields(actor="a"), "actor"),
        (_fields(actor={"id": 1, "means": "b"}), "actor.id"),
        (_fields(v=2), "v"),
        (_fields(v=True), "v"),
        (_fields(v="1"), "v"),
        (_fields(at=1), "at"),
        (_fields(at="2026-11-23T08:30:00Z"), "at"),
        (_fields(at="2026-11-23T08:30:00.000000+00:00"), "at"),
        (_fields(at="2026-02-30T08:30:00.000000Z"), "at"),
        (_fields(at="0000-01-01T00:00:00.000000Z"), "at"),
        (_fields(at="2026-11-23T24:00:00.000000Z"), "at"),
        (_fields(at="2026-11-23T08:30:60.000000Z"), "at"),
        (_fields(event=None), "event"),
        (_fields(subject=1), "subject"),
        (_fields(facts=None), "facts"),
        (_fields(facts=[]), "facts"),
        (_fields(details=1), "details"),
        ([], "entry"),
        (None, "entry"),
    ],
)
def test_a_malformed_entry_is_refused_and_the_field_named(fields: Json, where: str) -> None:
    with pytest.raises(EntryError) as caught:
        Entry.from_bytes(canonical_json(fields))

    assert caught.value.where == where


def test_an_entry_in_another_than_its_canonical_form_is_refused() -> None:
    for data in (ENCODED + b"\n", ENCODED.replace(b":1}", b":1.0}"), ENCODED.replace(b",", b", ")):
        with pytest.raises(EntryError):
            Entry.from_bytes(data)


@given(st.data())
def test_any_change_to_an_entry_is_another_entry_or_refused(data: st.DataObject) -> None:
    altered = bytearray(ENCODED)
    altered[data.draw(st.integers(0, len(ENCODED) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        entry = Entry.from_bytes(bytes(altered))
    except EntryError:
        return
    assert entry != ENTRY
    assert entry.to_bytes() == bytes(altered)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
)


@given(
    st.dictionaries(st.sampled_from(sorted(json.loads(ENCODED))), _json).map(
        lambda changed: canonical_json(_fields(**changed))
    )
    | st.binary()
)
def test_no_bytes_whatever_raise_another_error(data: bytes) -> None:
    with contextlib.suppress(EntryError):
        assert Entry.from_bytes(data).to_bytes() == data
