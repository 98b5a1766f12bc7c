"""What a colleague is suspected of is the privacy officer's alone, and so is what only that keeps.

Whoever is suspected may be the manager on duty: nothing they can open, list, count or read in the
log may tell them that footage of them is kept.
"""

from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from cctv_vault.errors import ExpiredError, NotFoundError, OnHoldError, TransitionNotAllowedError
from cctv_vault.people.actors import Actor, Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.vault import Vault
from cctv_vault.views import iso, to_json
from tests.shop import MANAGER, NOW, SYSTEM, film, open_shop, person, put

OFFICER = person(Role.PRIVACY_OFFICER, name="Pia")
APPROVER = person(Role.APPROVER, name="Bo")
BEGAN = NOW.astimezone(UTC) - timedelta(hours=1)
WINDOW = (BEGAN, BEGAN + timedelta(minutes=1))
DAY = timedelta(days=1)


@pytest.fixture
def vault(tmp_path: Path, database_url: str | None) -> Iterator[Vault]:
    vault = open_shop(tmp_path, database_url)
    vault.register.measure_clock(SYSTEM, "kassa", 0.0, 1.0, NOW)
    yield vault
    vault.close()


@pytest.fixture
def recording(vault: Vault, tmp_path: Path) -> str:
    path = put(tmp_path / "drop" / "kassa", "20260302_070000.mp4", film(1, 5))
    found = vault.ingest.offer(SYSTEM, path).recording
    assert found is not None
    return found


@pytest.fixture
def suspicion(vault: Vault, recording: str) -> str:
    """A confirmed incident about a colleague, over the recording."""
    assert recording
    found = vault.incidents.flag(
        OFFICER,
        cameras=["kassa"],
        starts_at=WINDOW[0],
        ends_at=WINDOW[1],
        title="kassadifferens",
        category="employee-crime",
    )
    vault.incidents.confirm(APPROVER, found.id, "två har sett samma sak")
    return found.id


def told(vault: Vault, actor: Actor, recording: str) -> str:
    """All a person is told of a recording, with its entries."""
    return str(to_json(vault.catalogue.show(actor, recording)))


def test_while_everybody_may_see_the_footage_its_grants_do_not_tell(
    vault: Vault, recording: str, suspicion: str
) -> None:
    hold = vault.incidents.show(OFFICER, suspicion).hold_id
    assert hold in told(vault, OFFICER, recording)
    for words in (hold, suspicion, "employee"):
        assert words not in told(vault, MANAGER, recording)
    (seen,) = vault.catalogue.list(MANAGER)
    assert not seen.held
    assert seen.expires_at is not None
    assert seen.expires_at - NOW <= 5 * DAY
    (lane,) = vault.catalogue.lane(
        MANAGER, camera="kassa", start=WINDOW[0], end=WINDOW[1]
    ).stretches
    assert not lane.held
    assert {each.purpose for each in vault.forecaster.look(MANAGER).days[5].leaving} <= {
        "prevention"
    }


def test_once_only_the_suspicion_keeps_it_it_has_expired_to_everybody_else(
    vault: Vault, recording: str, suspicion: str
) -> None:
    vault.set_clock(SYSTEM, NOW + 6 * DAY)
    assert [each.recording for each in vault.sweeper.run(MANAGER, dry_run=True).due] == [recording]
    assert vault.sweeper.run(OFFICER, dry_run=True).due == ()
    swept = vault.sweeper.run(MANAGER)
    assert (swept.recordings, [each.recording for each in swept.due]) == (1, [recording])
    for actor in (MANAGER, APPROVER):
        assert list(vault.catalogue.list(actor)) == []
        assert vault.catalogue.show(actor, recording).state == "expired"
        assert suspicion not in told(vault, actor, recording)
        with pytest.raises(ExpiredError, match="no purpose keeps it"):
            vault.access.open(actor, recording, "tittar")
        with pytest.raises(ExpiredError):
            vault.access.thumbnail(actor, recording)
        with pytest.raises(NotFoundError, match="empty"):
            vault.access.play_window(
                actor, camera="kassa", start=WINDOW[0], end=WINDOW[1], reason="tittar"
            )
        assert vault.forecaster.look(actor).recordings == 0
    (kept,) = vault.catalogue.list(OFFICER)
    assert kept.held
    vault.access.open(OFFICER, recording, "utreder").close()
    assert vault.forecaster.look(OFFICER).recordings == 1
    looks = [each.event for each in vault.visible_entries(MANAGER, event="footage.viewed")]
    assert looks == []
    assert len(vault.visible_entries(OFFICER, event="footage.viewed")) == 1


def test_its_end_is_swept_out_of_sight(vault: Vault, recording: str, suspicion: str) -> None:
    vault.set_clock(SYSTEM, NOW + 6 * DAY)
    vault.sweeper.run(MANAGER)
    before = [to_json(each) for each in vault.visible_entries(MANAGER)]
    certificates = vault.certificates.list(MANAGER)
    register = vault.deletions.report(MANAGER).rows
    vault.incidents.close(OFFICER, suspicion, "reglerat")
    swept = vault.sweeper.run(OFFICER)
    assert [to_json(each) for each in vault.visible_entries(MANAGER)] == before
    assert vault.certificates.list(MANAGER) == certificates
    assert vault.deletions.report(MANAGER).rows == register
    vault.set_clock(SYSTEM, NOW + 7 * DAY)
    assert "incident" in {each.purpose for each in vault.deletions.report(OFFICER).rows}
    assert swept.alarm is None
    with pytest.raises(ExpiredError):
        vault.access.open(OFFICER, recording, "utreder")


def test_what_the_house_asks_for_finds_nothing_there_and_what_the_law_bids_keep_does(
    vault: Vault, recording: str, suspicion: str
) -> None:
    assert suspicion
    vault.set_clock(SYSTEM, NOW + 6 * DAY)
    claim = HoldOrder(purpose="claim", windows=(("kassa", *WINDOW),), reason="krav")
    placed = vault.holds.place_as(MANAGER, claim)
    assert (placed.recordings, placed.gone) == (0, 1)
    vault.requests.file(
        MANAGER,
        {
            "requester": {"type": "police", "authority": "Polisen", "name": "Eva Exempel"},
            "ground": {"code": "DSL 2:5", "document": "begäran"},
            "matter": {"number": "5000-K123456-26", "offence": "stöld"},
            "footage": [{"cameras": ["kassa"], "from": iso(WINDOW[0]), "to": iso(WINDOW[1])}],
        },
    )
    # Kept for who asked; but asking for it lets nobody see what they could not see before.
    assert list(vault.catalogue.list(MANAGER)) == []
    assert suspicion not in told(vault, MANAGER, recording)
    grants = vault.catalogue.show(OFFICER, recording).grants
    assert {each.purpose for each in grants} == {"incident", "request"}


def test_whoever_measures_a_clock_changes_nothing_of_it_and_learns_nothing(
    vault: Vault, recording: str, suspicion: str
) -> None:
    vault.set_clock(SYSTEM, NOW + 6 * DAY)
    vault.sweeper.run(MANAGER)
    vault.register.measure_clock(
        MANAGER, "kassa", offset_s=30, uncertainty_s=5, measured_at=NOW + 6 * DAY
    )
    assert list(vault.catalogue.list(MANAGER)) == []
    grants = vault.catalogue.show(OFFICER, recording).grants
    assert [each.hold_id for each in grants] == [vault.incidents.show(OFFICER, suspicion).hold_id]


def test_no_certificate_says_that_it_is_destroyed_while_it_is_kept(
    vault: Vault, recording: str, suspicion: str
) -> None:
    vault.set_clock(SYSTEM, NOW + 6 * DAY)
    vault.sweeper.run(MANAGER)
    with pytest.raises(TransitionNotAllowedError) as refused:
        vault.certificates.make(MANAGER, recording)
    assert suspicion not in str(refused.value)
    with pytest.raises(OnHoldError):
        vault.certificates.make(OFFICER, recording)


def test_a_policy_that_shortens_it_tells_of_it_to_who_may_know(
    vault: Vault, recording: str, suspicion: str
) -> None:
    assert recording
    hold = vault.incidents.show(OFFICER, suspicion).hold_id
    text = vault.policies.show().document.replace("version = 1\n", "version = 2\n", 1)
    shorter = text.replace('period = "30d"', 'period = "10d"', 1).replace(
        'review = "25d"', 'review = "8d"', 1
    )
    assert hold in vault.publisher.preview(OFFICER, shorter, vault.clock.now()).effect.holds
    assert vault.publisher.preview(MANAGER, shorter, vault.clock.now()).effect.holds == ()
