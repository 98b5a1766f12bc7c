"""Clauses that no other room's tests show by themselves."""

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, update

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.intake import read_ground
from cctv_vault.disclosure.legal import PROHIBITED, REQUESTERS
from cctv_vault.disclosure.workflow import Action, RequestFacts, unmet
from cctv_vault.errors import GateNotMetError, InvalidInputError
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.retention.policies import default_policy_text
from cctv_vault.retention.policy import Policy
from cctv_vault.schema import Hold
from cctv_vault.vault import Vault
from cctv_vault.views import iso
from tests.shop import NOW, SYSTEM, film, open_shop, person, put

HANDLER = person(Role.MANAGER, name="Maja")
OFFICER = person(Role.PRIVACY_OFFICER, name="Pia")
FROM = NOW.astimezone(UTC) - timedelta(hours=1)
BODY: dict[str, Any] = {
    "requester": {"type": "police", "authority": "Polismyndigheten", "name": "Eva Exempel"},
    "ground": {"code": "DSL 2:5"},
    "matter": {"number": "5000-K123456-26", "offence": "stöld"},
    "footage": [{"cameras": ["kassa"], "from": iso(FROM), "to": iso(FROM + timedelta(seconds=5))}],
}


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """The shop with ten seconds of footage."""
    vault = open_shop(tmp_path)
    name = f"{FROM.astimezone(NOW.tzinfo):%Y%m%d_%H%M%S}.mp4"
    vault.ingest.offer(SYSTEM, put(tmp_path / "drop" / "kassa", name, film(1, 10)))
    yield vault
    vault.close()


@pytest.mark.parametrize("use", PROHIBITED)
def test_no_ground_admits_marketing_or_sale_or_google(use: str) -> None:
    """S6, S19: it cannot be named as a ground, and named it would pass no requester's gate."""
    with pytest.raises(InvalidInputError):
        read_ground(use)
    for type_ in REQUESTERS:
        facts = RequestFacts(type=type_, ground=use, registered_by="anna")
        for action in (Action.APPROVE, Action.RELEASE):
            assert "ground" in {point.code for point in unmet(action, facts)}


def test_surveillance_rests_on_no_consent() -> None:
    """S9: consent (GDPR 6.1 a) is the ground of course material alone."""
    policy = Policy.parse(default_policy_text())
    consent = [each.code for each in policy.purposes.values() if "6.1 a" in each.statute]
    assert consent == ["course-marketing"]
    assert policy.base("surveillance").code == "prevention"


def test_a_hold_without_an_end_needs_a_day_of_review(vault: Vault) -> None:
    """S10: nothing is kept without an end and without anybody looking."""
    order = HoldOrder(
        purpose="save-now", windows=(("kassa", FROM, NOW),), reason="krav", until=None
    )
    hold = vault.holds.place_as(HANDLER, order).id
    with vault.database.write() as session:
        session.execute(update(Hold).where(col(Hold.id) == hold).values(review_at=None))
    with (
        pytest.raises(InvalidInputError, match="day of review"),
        vault.ledger.act(Event.HOLD_CHANGED, HANDLER, cameras=["kassa"]) as act,
    ):
        vault.holds.change(act, hold, open_ended=True)


def test_a_requester_is_verified_only_by_a_way_that_counts_for_them(vault: Vault) -> None:
    """S12: identity is verified, in the way of table B."""
    court = {
        **BODY,
        "requester": {"type": "court", "authority": "Solna tingsrätt"},
        "ground": {"code": "RB 38:2", "document": "föreläggande"},
    }
    request = vault.requests.file(HANDLER, court).id
    with pytest.raises(GateNotMetError, match="does not verify"):
        vault.requests.verify(HANDLER, request, "in-person", "legitimation")
    assert vault.requests.verify(HANDLER, request, "signed-order", "läst").state == "verified"


def test_the_controller_stands_in_package_and_certificate(vault: Vault, tmp_path: Path) -> None:
    """S20: whose decision it was is told wherever it is proven."""
    request = vault.requests.file(HANDLER, BODY).id
    vault.requests.verify(HANDLER, request, "call-back", "114 14")
    vault.requests.assess(HANDLER, request, "Stöld.", "Behövs.")
    vault.requests.decide(OFFICER, request, approve=True, reason="Behövs.")
    vault.requests.prepare(HANDLER, request, tmp_path / "package.zip")
    with zipfile.ZipFile(tmp_path / "package.zip") as bag:
        name = next(each for each in bag.namelist() if each.endswith("data/record.json"))
        assert json.loads(bag.read(name))["controller"] == "Butiken AB"

    vault.set_clock(SYSTEM, NOW + timedelta(days=30))
    issued = vault.sweeper.run(SYSTEM).certificate_id
    assert issued is not None
    document = json.loads(vault.certificates.document(OFFICER, issued))
    assert document["certificate"]["controller"] == "Butiken AB"
