"""Seizure, search and copying: recorded as it happened, decided by nobody here, reviewed after."""

from pathlib import Path
from typing import Any

import pytest

from cctv_vault.disclosure.verification import verify_package
from cctv_vault.errors import (
    AccessDeniedError,
    GateNotMetError,
    InvalidInputError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import Role
from tests.shop import person

Shop = Any
SEEN = "tjänstekort visat i butiken"


def taking(shop: Shop, **changes: object) -> dict[str, Any]:
    """What the police take, decided by a prosecutor."""
    body: dict[str, Any] = shop.body(
        **{
            "requester__type": "seizure",
            "ground__code": "RB 27:1",
            "ground__decision_maker": "åklagare Åsa Berg",
            "matter__offence": None,
            **changes,
        }
    )
    return {**body, "measure": {"taken": "inspelare Hikvision, serienummer 7", **MEASURE}}


MEASURE = {"protocol": "BE-2026-14"}


def test_a_thing_that_is_taken_is_recorded_frozen_and_reviewed_and_nothing_leaves(
    shop: Shop,
) -> None:
    taken = shop.requests.record_taken(shop.staff, taking(shop), officer_seen=SEEN)
    assert (taken.state, taken.files) == ("under-review", ())
    shown = shop.requests.show(shop.officer, taken.id)
    assert shown.body["measure"] == {
        "taken": "inspelare Hikvision, serienummer 7",
        "protocol": "BE-2026-14",
    }
    assert shown.packages == ()
    assert shown.frozen_until is not None
    assert len(shown.footage) == 2
    (entry,) = shop.vault.log.entries(event="request.released")
    assert entry.facts["channel"] == "compelled"
    assert "Hikvision" not in str(entry.facts)
    assert entry.details["taken"].startswith("inspelare")
    assert shop.requests.standing(shop.staff, taken.id).size is None
    with pytest.raises(AccessDeniedError):
        shop.requests.review(
            person(Role.PRIVACY_OFFICER, name="Sara"), taken.id, approve=True, reason="Jag."
        )
    assert shop.requests.review(shop.approver, taken.id, approve=True, reason="Rätt.").state


def test_a_copy_that_is_taken_is_a_package_in_a_folder(quick_shop: Shop, tmp_path: Path) -> None:
    body = taking(quick_shop, ground__code="RB 27:17 a")
    spot = quick_shop.requests.on_the_spot(
        quick_shop.staff, body, officer_seen=SEEN, out_dir=tmp_path / "usb"
    )
    assert verify_package(tmp_path / "usb" / f"{spot.id}.zip", allow_simulated=True).sound
    again = quick_shop.requests.open_folder(quick_shop.staff, spot.id)
    assert sum(len(piece) for piece in again.pieces) == again.size


@pytest.mark.parametrize(
    ("changes", "seen", "says"),
    [
        ({"ground__decision_maker": None}, SEEN, "who decided the measure"),
        ({"ground__code": "DSL 2:5"}, SEEN, "statute"),
        ({}, " ", "must stand here"),
        ({"requester__type": "insurer", "ground__code": "GDPR 6.1 f"}, SEEN, "only what the law"),
        ({"requester__type": "police"}, SEEN, "only what the law"),
    ],
)
def test_what_nobody_decided_or_nobody_came_for_is_not_taken(
    quick_shop: Shop, changes: dict[str, object], seen: str, says: str
) -> None:
    body = taking(quick_shop, **changes)
    if changes.get("requester__type"):
        del body["measure"]
    with pytest.raises(GateNotMetError, match=says):
        quick_shop.requests.record_taken(quick_shop.staff, body, officer_seen=seen)
    assert quick_shop.requests.list(quick_shop.officer) == ()
    assert quick_shop.refusals() == ["gate-not-met"]


def test_it_must_say_what_was_taken_and_only_a_measure_has_one(quick_shop: Shop) -> None:
    body = taking(quick_shop)
    wrong: tuple[object, ...] = (None, {}, {"protocol": "BE-1"})
    for measure in wrong:
        with pytest.raises(InvalidInputError, match="what was taken"):
            quick_shop.requests.record_taken(
                quick_shop.staff, {**body, "measure": measure}, officer_seen=SEEN
            )
    for measure in ({"taken": "x", "who": "y"}, {"taken": "x", "court_on": "i morgon"}, "x"):
        with pytest.raises(InvalidInputError, match="measure"):
            quick_shop.requests.record_taken(
                quick_shop.staff, {**body, "measure": measure}, officer_seen=SEEN
            )
    with pytest.raises(InvalidInputError, match="measure"):
        quick_shop.requests.file(quick_shop.handler, {**quick_shop.body(), "measure": MEASURE})


def test_what_becomes_known_later_is_entered_and_changes_nothing_else(shop: Shop) -> None:
    taken = shop.requests.record_taken(shop.staff, taking(shop), officer_seen=SEEN)
    known = {"notified_on": "2026-03-05", "court_on": "2026-03-12"}
    shop.requests.note_measure(shop.staff, taken.id, known)
    shop.requests.note_measure(shop.handler, taken.id, {"protocol": "BE-2026-15"})
    measure = shop.requests.show(shop.officer, taken.id).body["measure"]
    assert measure == {
        "taken": "inspelare Hikvision, serienummer 7",
        "protocol": "BE-2026-15",
        **known,
    }
    entries = list(shop.vault.log.entries(event="request.measure-noted"))
    assert [entry.facts for entry in entries] == [
        {"fields": ["court_on", "notified_on"]},
        {"fields": ["protocol"]},
    ]
    with pytest.raises(AccessDeniedError):
        shop.requests.note_measure(
            person(Role.STAFF, name="Nils"), taken.id, {"protocol": "BE-2026-16"}
        )
    with pytest.raises(InvalidInputError, match="fill in"):
        shop.requests.note_measure(shop.staff, taken.id, {"protocol": " "})
    with pytest.raises(TransitionNotAllowedError, match="no seizure"):
        shop.requests.note_measure(shop.handler, shop.filed(), {"protocol": "BE-1"})
