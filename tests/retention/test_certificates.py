"""A certificate proves, to somebody with nothing else, what was destroyed."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cctv_vault.errors import AccessDeniedError, NotFoundError
from cctv_vault.gags import hidden_subjects
from cctv_vault.people.actors import Role
from cctv_vault.retention import certificates
from cctv_vault.retention.certificates import verify_certificate
from tests.retention.conftest import MONDAY, World, person

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def swept(world: World) -> tuple[str, list[str]]:
    gone = [world.record(each, MONDAY - HOUR) for each in ("kassa", "entre")]
    world.at(MONDAY + 5 * DAY)
    report = world.sweeper.run(world.manager)
    assert report.certificate_id is not None
    return world.certificates.document(world.manager, report.certificate_id), gone


def bad(document: str, **options: Any) -> list[str]:  # noqa: ANN401
    verdict = verify_certificate(document, **({"allow_simulated": True} | options))
    assert verdict.sound == all(each.level != "bad" for each in verdict.findings)
    return [each.sentence for each in verdict.findings if each.level == "bad"]


def test_a_certificate_verifies_alone_and_names_what_went(world: World) -> None:
    document, gone = swept(world)
    assert bad(document) == []
    assert bad(document, key=world.home.log.vkey) == []
    statement = json.loads(document)["certificate"]
    named = json.loads(document)["recordings"]
    assert {each["id"] for each in named["recordings"]} == set(gone)
    assert statement["keys"][0]["purpose"] == "prevention"
    assert [each["key"] for each in named["keys"]] == [each["key"] for each in statement["keys"]]
    assert world.home.roots.worth in statement["scope"]
    sentences = [each.sentence for each in verify_certificate(document).findings]
    assert "anchored outside by: nobody" in sentences


def test_the_certificate_stays_the_same_file(sqlite_world: World) -> None:
    world = sqlite_world
    document, _gone = swept(world)
    (view,) = world.certificates.list(world.manager)
    world.record("kassa", world.now() - HOUR)
    assert world.certificates.document(world.manager, view.id) == document
    assert world.certificates.show(world.manager, view.id) == view
    assert (view.keys, view.recordings) == (1, 2)


def test_a_simulated_vault_proves_nothing_unless_that_is_allowed(sqlite_world: World) -> None:
    document, _gone = swept(sqlite_world)
    verdict = verify_certificate(document)
    assert not verdict.sound
    assert "SIMULATED" in verdict.findings[-2].sentence


def test_another_vaults_key_does_not_verify_it(
    sqlite_world: World, make_world: Callable[[str | None], World]
) -> None:
    document, _gone = swept(sqlite_world)
    assert bad(document, key=make_world(None).home.log.vkey) != []
    assert bad(document, key="nonsense") != []


Lie = Callable[[dict[str, Any]], object]
LIES: dict[str, Lie] = {
    "a recording left out": lambda d: d["recordings"]["recordings"].pop(),
    "a recording of a key left out": lambda d: d["recordings"]["keys"][0]["recordings"].pop(),
    "no recordings": lambda d: d.pop("recordings"),
    "another time of a recording": lambda d: d["recordings"]["recordings"][0].update(to="never"),
    "another count": lambda d: d["certificate"]["keys"][0].update(copies=1),
    "a key left out": lambda d: d["certificate"]["keys"].pop(),
    "another controller": lambda d: d["certificate"].update(controller="Somebody Else AB"),
    "another vault": lambda d: d["certificate"].update(origin="cctv-vault/other"),
    "a claim added": lambda d: d["certificate"]["scope"].append("Nobody has a copy."),
    "another root": lambda d: d["certificate"]["sweep"].update(from_epoch=7),
    "the last entry left out": lambda d: d["custody"]["entries"].pop(),
    "the first entry left out": lambda d: d["custody"]["entries"].pop(0),
    "an entry emptied": lambda d: d["custody"]["entries"][0].update(entry="{}"),
    "no entries": lambda d: d["custody"].update(entries=[]),
    "no checkpoint": lambda d: d["custody"].pop("checkpoint"),
    "no custody": lambda d: d.pop("custody"),
    "no statement": lambda d: d.update(certificate=[]),
    "a key that is a number": lambda d: d["custody"].update(key=7),
    "entries that are numbers": lambda d: d["custody"].update(entries=[1, 2]),
}


@pytest.mark.parametrize("name", LIES)
def test_a_changed_certificate_is_found_out(sqlite_world: World, name: str) -> None:
    document = json.loads(swept(sqlite_world)[0])
    LIES[name](document)
    assert bad(json.dumps(document)) != []


@pytest.fixture(scope="module")
def sound_document() -> list[str]:
    """The certificate the fuzzing below starts from, kept from its first example."""
    return []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_no_file_makes_the_verification_fall_over(
    sqlite_world: World, sound_document: list[str], data: st.DataObject
) -> None:
    if not sound_document:
        sound_document.append(swept(sqlite_world)[0])
    document = sound_document[0]
    at = data.draw(st.integers(0, len(document) - 1))
    damaged = document[:at] + data.draw(st.text(max_size=3)) + document[at + 1 :]
    if damaged != document and json_of(damaged) != json_of(document):
        assert bad(damaged) != []
    bad(document[:at])


def json_of(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


@given(st.text() | st.recursive(st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_text_at_all_makes_it_fall_over(text: str) -> None:
    assert bad(text) != []


def test_it_is_there_as_soon_as_the_root_is_gone_and_names_recordings_when_all_is_done(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    gone = [world.record(each, MONDAY - HOUR) for each in ("kassa", "entre")]
    world.at(MONDAY + 5 * DAY)
    early: list[str] = []

    def look(step: str, _done: int, _total: int) -> None:
        if step == "certified":
            (view,) = world.certificates.list(world.manager)
            early.append(world.certificates.document(world.manager, view.id))

    report = world.sweeper.run(world.manager, progress=look)
    assert bad(early[0]) == []
    assert "recordings" not in json.loads(early[0])
    whole = world.certificates.document(world.manager, str(report.certificate_id))
    assert bad(whole) == []
    assert json.loads(whole)["certificate"] == json.loads(early[0])["certificate"]
    assert {each["id"] for each in json.loads(whole)["recordings"]["recordings"]} == set(gone)


def test_more_recordings_than_a_file_should_name_are_left_to_the_log(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "LISTED", 1)
    document, _gone = swept(sqlite_world)
    assert bad(document) == []
    named = json.loads(document)["recordings"]
    assert named["recordings"] == []
    assert "2 recordings are too many" in named["scope"][0]


def test_to_the_uncleared_the_end_of_a_gagged_hold_is_not_there(sqlite_world: World) -> None:
    world = sqlite_world
    world.record("kassa", MONDAY - HOUR)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY, gagged=True, purpose="preservation-order")
    world.at(MONDAY + 5 * DAY)
    seen = world.sweeper.run(world.manager).certificate_id
    world.holds.release_as(world.officer, hold, "beslutet är upphävt")
    kept_from = world.sweeper.run(world.officer).certificate_id
    assert seen is not None
    assert kept_from is not None

    assert [each.id for each in world.certificates.list(world.manager)] == [seen]
    with pytest.raises(NotFoundError):
        world.certificates.document(world.manager, kept_from)
    assert len(world.certificates.list(world.officer)) == 2
    assert bad(world.certificates.document(world.officer, kept_from)) == []
    hidden = hidden_subjects(world.home.database, world.manager)
    told = world.home.log.entries(event="key.destroyed", hidden=hidden)
    assert {each.facts["purpose"] for each in told} == {"prevention"}


def test_what_nothing_proves_does_not_stand_beside_what_is_proven(sqlite_world: World) -> None:
    document, _gone = swept(sqlite_world)
    said = '{"certificate": {"scope": ["Allt är raderat överallt."]}, ' + document.lstrip()[1:]
    assert [each.endswith("names a field twice") for each in bad(said)] == [True]
    more = json.dumps({**json.loads(document), "summary": "Allt är raderat överallt."})
    assert bad(more) == ["the file says things that are no part of a certificate"]


def test_who_reads_no_registers_reads_no_certificate(sqlite_world: World) -> None:
    world = sqlite_world
    swept(world)
    (view,) = world.certificates.list(world.manager)
    with pytest.raises(AccessDeniedError):
        world.certificates.document(person("Sam", Role.STAFF), view.id)
    with pytest.raises(NotFoundError):
        world.certificates.document(world.manager, "G-NOTHING")
