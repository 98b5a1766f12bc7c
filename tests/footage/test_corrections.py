"""A recording's particulars are corrected by what is added beside them, and never written over."""

import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cctv_vault.errors import (
    AccessDeniedError,
    ExpiredError,
    InvalidInputError,
    NotFoundError,
)
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.vault import Vault
from cctv_vault.views import iso, to_json
from tests.shop import ENGINES, NOW, SYSTEM, Lay, film, open_shop, person, put, settings_of

MANAGER = person(Role.MANAGER, name="Maja")
OFFICER = person(Role.PRIVACY_OFFICER, name="Pia")
CLEARED = person(Role.PRIVACY_OFFICER, name="Clara", cleared=True)
FROM = NOW - timedelta(hours=1)
REASON = "Kablarna var omkastade efter ombyggnaden."


def furnish(folder: Path, url: str | None) -> Vault:
    """The shop with ten seconds of footage."""
    vault = open_shop(folder, url)
    name = f"{FROM:%Y%m%d_%H%M%S}.mp4"
    vault.ingest.offer(SYSTEM, put(folder / "drop" / "kassa", name, film(1, 10)))
    return vault


@pytest.fixture(params=ENGINES)
def vault(request: pytest.FixtureRequest, lay: Lay, tmp_path: Path) -> Iterator[Vault]:
    """The shop, once on each engine."""
    with lay(furnish, request.param, tmp_path) as url:
        vault = Vault.open(settings_of(tmp_path, url))
        yield vault
        vault.close()


@pytest.fixture
def quick(lay: Lay, tmp_path: Path) -> Iterator[Vault]:
    """The shop on SQLite alone."""
    with lay(furnish, "sqlite", tmp_path) as url:
        vault = Vault.open(settings_of(tmp_path, url))
        yield vault
        vault.close()


def recording(vault: Vault) -> str:
    """The id of the film."""
    return next(iter(vault.catalogue.list(MANAGER))).id


def test_a_correction_is_added_and_what_was_sealed_stays(vault: Vault) -> None:
    film_ = recording(vault)
    before = to_json(vault.catalogue.show(MANAGER, film_))
    vault.corrections.add(MANAGER, film_, "camera", "Det är lagret.", REASON)
    vault.corrections.add(OFFICER, film_, "camera", "Det är lagrets dörr.", "Sett på plats.")
    shown = vault.catalogue.show(MANAGER, film_)
    assert [(each.says, each.reason) for each in shown.corrections] == [
        ("Det är lagret.", REASON),
        ("Det är lagrets dörr.", "Sett på plats."),
    ]
    after = to_json(shown)
    for each in set(before) - {"corrections", "entries"}:
        assert after[each] == before[each]
    (first, _) = vault.log.entries(event="recording.corrected")
    assert (first.subject, first.facts) == (film_, {"particular": "camera"})
    assert vault.log.verify().findings == ()


def test_only_who_manages_footage_corrects_it_and_only_what_is_there(quick: Vault) -> None:
    film_ = recording(quick)
    for other in (person(Role.STAFF), person(Role.APPROVER), person(Role.ADMINISTRATOR)):
        with pytest.raises(AccessDeniedError):
            quick.corrections.add(other, film_, "camera", "x", "y")
    with pytest.raises(InvalidInputError, match="particular"):
        quick.corrections.add(MANAGER, film_, "started_at", "x", "y")
    with pytest.raises(InvalidInputError):
        quick.corrections.add(MANAGER, film_, "camera", "x", " ")
    with pytest.raises(InvalidInputError, match="personal identity number"):
        quick.corrections.add(MANAGER, film_, "content", "Visar 850709-9805.", "y")
    with pytest.raises(NotFoundError):
        quick.corrections.add(MANAGER, "nothing", "camera", "x", "y")
    quick.set_clock(SYSTEM, NOW + timedelta(days=6))
    with pytest.raises(ExpiredError):
        quick.corrections.add(MANAGER, film_, "camera", "x", "y")


def test_what_only_a_secret_order_keeps_is_corrected_in_secret(quick: Vault) -> None:
    film_ = recording(quick)
    order = HoldOrder(
        purpose="preservation-order",
        windows=(("kassa", FROM, NOW),),
        reason="föreläggande",
        gagged=True,
        decided_at=quick.clock.now(),
    )
    quick.holds.place_as(CLEARED, order)
    quick.set_clock(SYSTEM, NOW + timedelta(days=6))
    quick.sweeper.run(SYSTEM)
    with pytest.raises(ExpiredError):
        quick.corrections.add(OFFICER, film_, "camera", "x", "y")
    quick.corrections.add(CLEARED, film_, "camera", "Det är lagret.", REASON)
    assert quick.catalogue.show(OFFICER, film_).corrections == ()
    assert len(quick.catalogue.show(CLEARED, film_).corrections) == 1
    assert not quick.visible_entries(OFFICER, event="recording.corrected")


def test_both_stand_in_the_package(quick: Vault, tmp_path: Path) -> None:
    film_ = recording(quick)
    quick.corrections.add(MANAGER, film_, "camera", "Det är lagret.", REASON)
    body = {
        "requester": {"type": "police", "authority": "Polismyndigheten", "name": "Eva Exempel"},
        "ground": {"code": "DSL 2:5"},
        "matter": {"number": "5000-K123456-26", "offence": "stöld"},
        "footage": [{"cameras": ["kassa"], "from": iso(FROM), "to": iso(NOW)}],
    }
    request = quick.requests.file(MANAGER, body).id
    quick.requests.verify(MANAGER, request, "call-back", "114 14")
    quick.requests.assess(MANAGER, request, "Stöld.", "Behövs.")
    quick.requests.decide(OFFICER, request, approve=True, reason="Behövs.")
    quick.requests.prepare(MANAGER, request, tmp_path / "package.zip")
    with zipfile.ZipFile(tmp_path / "package.zip") as bag:
        name = next(each for each in bag.namelist() if each.endswith("data/record.json"))
        (told,) = json.loads(bag.read(name))["recordings"]
    assert told["camera"] == "kassa"
    (correction,) = told["corrections"]
    assert (correction["particular"], correction["says"]) == ("camera", "Det är lagret.")
    assert correction["reason"] == REASON
