"""The certificate of one recording proves, alone, what was destroyed of it here."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    AccessDeniedError,
    NotFoundError,
    OnHoldError,
    TransitionNotAllowedError,
)
from cctv_vault.retention.certificates import verify_certificate
from cctv_vault.schema import Camera, FootageCopy
from tests.retention.conftest import MONDAY, World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def gone(world: World) -> str:
    """A recording that prevention and then a claim had kept, among others that went with it."""
    recording = world.record("kassa", MONDAY - HOUR)
    for _ in range(3):
        world.record("entre", MONDAY - HOUR)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY)
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)
    world.holds.release_as(world.officer, hold, "kravet är reglerat")
    world.sweeper.run(world.manager)
    return recording


def bad(document: str) -> list[str]:
    verdict = verify_certificate(document, allow_simulated=True)
    return [each.sentence for each in verdict.findings if each.level == "bad"]


def test_it_names_every_purpose_and_key_and_verifies_alone(world: World) -> None:
    recording = gone(world)
    document = world.certificates.make(world.manager, recording)
    assert bad(document) == []
    statement = json.loads(document)["certificate"]
    assert statement["controller"] == "AllCall International AB"
    assert statement["recording"]["id"] == recording
    assert [each["purpose"] for each in statement["purposes"]] == ["prevention", "claim"]
    assert [each["purpose"] for each in statement["keys"]] == ["prevention", "claim"]
    said = [x.sentence for x in verify_certificate(document, allow_simulated=True).findings]
    assert any("(claim) had kept" in each for each in said)
    assert bad(world.certificates.document(world.manager, statement["id"])) == []
    assert world.certificates.show(world.manager, statement["id"]).recording == recording
    assert statement["id"] in {each.subject for each in world.home.log.entries(subject=recording)}


def test_it_says_where_the_recording_may_still_be(sqlite_world: World) -> None:
    world = sqlite_world
    recording = gone(world)
    scope = json.loads(world.certificates.make(world.manager, recording))["certificate"]["scope"]
    told = " ".join(scope)
    assert world.home.roots.worth in scope
    assert "Source file: removed by the vault" in told
    assert "How long the recorder of kassa keeps its own copy is not in the register" in told
    assert "none made by this vault" in told
    assert "Copies for internal use: none were made." in scope
    assert "Released to nobody outside." in scope

    with world.home.ledger.act(Event.FOOTAGE_EXPORT_INTENDED, world.manager) as act:
        text = world.home.keyring.seal_text(act.session, b"x", "copy", act.now)
        act.session.add(
            FootageCopy(
                id="K-1",
                recordings=[recording],
                purpose="claim",
                reason_text=text,
                made_at=MONDAY,
                made_by="u-x",
                sha256=b"s" * 32,
                end_at=MONDAY + 30 * DAY,
            )
        )
        camera = act.session.get_one(Camera, "kassa")
        camera.recorder_retention_days = 14
        act.session.add(camera)
        act.record(Event.FOOTAGE_EXPORT_INTENDED, "K-1", also=(recording,))
    scope = json.loads(world.certificates.make(world.manager, recording))["certificate"]["scope"]
    told = " ".join(scope)
    assert "K-1, made at 2026-03-02T08:00:00Z: its destruction is not confirmed" in told
    assert "The recorder of kassa keeps its own copy for 14 d." in scope


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another recording": lambda d: d["certificate"]["recording"].update(id="somebody-elses"),
    "a key left out": lambda d: d["certificate"]["keys"].pop(),
    "no keys": lambda d: d["certificate"].update(keys=[]),
    "another time": lambda d: d["certificate"]["keys"][0].update(deleted_at="2026-01-01T00:00:00Z"),
    "a path cut short": lambda d: d["certificate"]["keys"][0]["path"].clear(),
    "a claim added": lambda d: d["certificate"]["scope"].append("Nobody has a copy."),
    "recordings named": lambda d: d.update(recordings={"keys": [], "recordings": [], "scope": []}),
    **{
        f"entry {n} left out": lambda d, n=n: d["custody"]["entries"].pop(n)  # type: ignore[misc]
        for n in (0, 1, 2, 3, 4, 6, 7, -1)
    },
}


@pytest.fixture(scope="module")
def sound_document() -> list[str]:
    """The certificate the lies are told about."""
    return []


@pytest.mark.parametrize("name", LIES)
def test_a_changed_certificate_is_found_out(
    sqlite_world: World, sound_document: list[str], name: str
) -> None:
    if not sound_document:
        recording = gone(sqlite_world)
        sound_document.append(sqlite_world.certificates.make(sqlite_world.manager, recording))
    document = json.loads(sound_document[0])
    LIES[name](document)
    assert bad(json.dumps(document)) != []


def test_what_is_kept_or_not_yet_swept_is_not_certified(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    with pytest.raises(OnHoldError, match="prevention"):
        world.certificates.make(world.manager, recording)
    world.at(MONDAY + 5 * DAY)
    with pytest.raises(TransitionNotAllowedError, match="next sweep"):
        world.certificates.make(world.manager, recording)
    world.sweeper.run(world.manager)
    assert bad(world.certificates.make(world.manager, recording)) == []
    with pytest.raises(NotFoundError):
        world.certificates.make(world.manager, "nothing")
    with pytest.raises(AccessDeniedError):
        world.certificates.make(world.staff, recording)


def test_a_gagged_hold_does_not_betray_itself_in_a_certificate(sqlite_world: World) -> None:
    world = sqlite_world
    kept, free = (world.record(each, MONDAY - HOUR) for each in ("kassa", "entre"))
    world.claim("kassa", MONDAY - HOUR, MONDAY, gagged=True, purpose="preservation-order")
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)
    told = []
    for each in (kept, free):
        document = json.loads(world.certificates.make(world.manager, each))
        assert bad(json.dumps(document)) == []
        told.append([document["certificate"]["purposes"], document["certificate"]["scope"]])
    assert json.dumps(told[0]).replace("kassa", "entre") == json.dumps(told[1])
    with pytest.raises(OnHoldError, match="preservation-order"):
        world.certificates.make(world.officer, kept)
