"""Erasure that somebody in the picture asks for: carried out, or refused with its exception."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cctv_vault.disclosure.legal import REQUESTERS, rule_of
from cctv_vault.disclosure.workflow import Action, RequestFacts, State, may_close, unmet
from cctv_vault.errors import (
    AccessDeniedError,
    ExpiredError,
    GateNotMetError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import PORTAL_ACTOR, Role
from cctv_vault.retention.holds import HoldOrder
from tests.disclosure.conftest import FROM, TO
from tests.shop import person

Shop = Any
ANNA = {
    "requester__type": "data-subject",
    "requester__authority": None,
    "requester__name": "Anna Ek",
    "ground__code": "GDPR 17",
}
WINDOW = (("kassa", datetime.fromisoformat(FROM), datetime.fromisoformat(TO)),)


def assessed(shop: Shop, **changes: object) -> str:
    """A request for erasure that waits for its decision."""
    request: str = shop.filed(**{**ANNA, **changes})
    shop.requests.verify(shop.handler, request, "in-person", "legitimation visad")
    shop.requests.assess(shop.handler, request, "Hon handlade den dagen.", "Behövs inte mer.")
    return request


def kept(shop: Shop) -> list[str]:
    """The recordings of the till that a manager finds."""
    return [each.id for each in shop.vault.catalogue.list(shop.handler, cameras=("kassa",))]


def claim(shop: Shop) -> str:
    """A hold over what is asked for, placed by the privacy officer."""
    order = HoldOrder(purpose="claim", windows=WINDOW, reason="krav")
    return str(shop.vault.holds.place_as(shop.officer, order).id)


@pytest.fixture
def words(program: Callable[[str, str], Path], tmp_path: Path) -> Callable[[bytes], str]:
    """The text of a PDF, by a program that is not ours."""
    tool = program("pdftotext", "poppler-utils")

    def read(pdf: bytes) -> str:
        file = tmp_path / "letter.pdf"
        file.write_bytes(pdf)
        run = subprocess.run([tool, file, "-"], check=True, capture_output=True, text=True)
        return " ".join(run.stdout.split())

    return read


def test_nothing_is_erased_before_it_was_assessed_and_the_attempt_is_entered(
    quick_shop: Shop,
) -> None:
    request = quick_shop.filed(**ANNA)
    with pytest.raises(TransitionNotAllowedError):
        quick_shop.requests.decide(quick_shop.officer, request, approve=True, reason="Ja.")
    assert "transition-not-allowed" in quick_shop.refusals()
    assert quick_shop.requests.show(quick_shop.officer, request).footage


def test_erasure_has_the_evidence_of_its_row_and_hands_nothing_over() -> None:
    rule, row = rule_of("data-subject", "GDPR 17"), REQUESTERS["data-subject"]
    assert (rule.methods, rule.approvers, rule.deadline) == (
        *(row.methods, row.approvers),
        row.deadline,
    )
    assert (rule.hands_over, rule.hold_purpose) == (False, None)
    assert rule_of("police", "GDPR 17") is REQUESTERS["police"]


def test_erasure_opens_no_gate_to_footage_and_no_other_request_is_one_to_erasure() -> None:
    asks = RequestFacts(type="data-subject", ground="GDPR 17", registered_by="anna")
    for action in (Action.APPROVE, Action.PREPARE, Action.RELEASE, Action.HAND_OVER_VITAL):
        assert unmet(action, asks)
    access = replace(asks, ground="GDPR 15", verification="in-person", facts_stated=True)
    assert [point.code for point in unmet(Action.ERASE, access)] == ["path"]
    assert [point.code for point in unmet(Action.ERASE, asks)] == [
        *("requester", "facts", "necessity", "window")
    ]
    assert not may_close(State.CONFIRMED, asks)


def test_what_nobody_needs_is_erased_at_once_and_destroyed_by_the_next_sweep(
    shop: Shop, words: Callable[[bytes], str]
) -> None:
    request = assessed(shop)
    before = kept(shop)
    detail = shop.requests.show(shop.officer, request)
    assert (len(detail.erasure.free), detail.erasure.held) == (2, ())
    assert detail.hold_id is None
    moved = shop.requests.decide(shop.officer, request, approve=True, reason="Behövs inte.")
    assert moved.state == "closed"
    gone = set(before) - set(kept(shop))
    assert gone == set(detail.erasure.free)
    for each in gone:
        with pytest.raises((NotFoundError, ExpiredError)):
            shop.vault.access.open(shop.officer, each, "kontroll")

    certificate = shop.vault.sweeper.run(shop.handler).certificate_id
    told = words(shop.vault.letters.write(shop.handler, request, "erasure"))
    assert "Beslut om radering" in told
    assert "2 inspelningar raderas" in told
    assert certificate in told
    (entry,) = shop.vault.log.entries(event="request.erased")
    assert (entry.facts["recordings"], entry.facts["held"]) == (2, 0)
    register = shop.vault.registers.read(shop.officer, "disclosures").register
    assert any("raderat" in row for row in register.rows)
    assert shop.vault.log.verify().findings == ()


def test_what_a_hold_keeps_is_not_erased_and_the_rest_needs_its_exception(
    shop: Shop, words: Callable[[bytes], str]
) -> None:
    hold = claim(shop)
    request = assessed(shop, language="en")
    reach = shop.requests.show(shop.officer, request).erasure
    assert (reach.free, reach.held_recordings) == ((), 2)
    assert [(each.hold_id, each.purpose) for each in reach.held] == [(hold, "claim")]
    with pytest.raises(GateNotMetError, match="Article 17"):
        shop.requests.decide(shop.officer, request, approve=True, reason="Krav pågår.")
    shop.requests.decide(
        *(shop.officer, request),
        approve=False,
        reason="The claim is open.",
        exception="GDPR 17.3 e",
    )
    assert len(kept(shop)) == 3
    told = words(shop.vault.letters.write(shop.handler, request, "refusal"))
    assert "decided not to erase" in told
    assert "The claim is open." in told
    assert "Article 17.3 e: legal claims" in told
    assert "Article 77" in told


def test_a_refusal_without_an_exception_is_none(quick_shop: Shop) -> None:
    request = assessed(quick_shop)
    for exception in (None, "GDPR 17.3 z", ""):
        with pytest.raises(GateNotMetError):
            quick_shop.requests.decide(
                *(quick_shop.officer, request),
                approve=False,
                reason="Nej.",
                exception=exception,
            )
    with pytest.raises(GateNotMetError, match="nothing is kept"):
        quick_shop.requests.decide(
            *(quick_shop.officer, request),
            approve=True,
            reason="Ja.",
            exception="GDPR 17.3 e",
        )


def test_part_is_erased_where_a_hold_keeps_the_rest(
    quick_shop: Shop, words: Callable[[bytes], str]
) -> None:
    half = datetime.fromisoformat("2026-03-01T09:00:21+01:00")
    order = HoldOrder(purpose="claim", windows=((*WINDOW[0][:2], half),), reason="krav")
    quick_shop.vault.holds.place_as(quick_shop.officer, order)
    later = {"cameras": ["kassa"], "from": FROM, "to": "2026-03-01T09:00:59+01:00"}
    request = assessed(quick_shop, footage=[later])
    reach = quick_shop.requests.show(quick_shop.officer, request).erasure
    assert (len(reach.free), reach.held_recordings) == (1, 2)
    quick_shop.requests.decide(
        *(quick_shop.officer, request),
        approve=True,
        reason="Resten behövs för kravet.",
        exception="GDPR 17.3 e",
    )
    assert quick_shop.requests.show(quick_shop.officer, request).decision == "partly-erased"
    told = words(quick_shop.vault.letters.write(quick_shop.handler, request, "erasure"))
    assert "radera en del" in told
    assert "2 inspelningar behålls" in told
    assert "Box 8114" in told


def test_who_handled_it_never_erases_and_an_approver_cannot(quick_shop: Shop) -> None:
    request = assessed(quick_shop)
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.decide(quick_shop.handler, request, approve=True, reason="Ja.")
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.decide(quick_shop.approver, request, approve=True, reason="Ja.")
    own = quick_shop.requests.file(quick_shop.officer, quick_shop.body(**ANNA)).id
    quick_shop.requests.verify(quick_shop.officer, own, "in-person", "legitimation")
    quick_shop.requests.assess(quick_shop.officer, own, "Handlade.", "Behövs inte.")
    with pytest.raises(AccessDeniedError, match="somebody other"):
        quick_shop.requests.decide(quick_shop.officer, own, approve=True, reason="Ja.")
    with pytest.raises(TransitionNotAllowedError):
        quick_shop.requests.close(quick_shop.handler, quick_shop.filed(**ANNA), "Bort.")


def test_what_a_secret_order_keeps_neither_forbids_nor_shows(quick_shop: Shop) -> None:
    cleared = person(Role.PRIVACY_OFFICER, name="Clara", cleared=True)
    order = HoldOrder(
        purpose="preservation-order",
        windows=WINDOW,
        reason="föreläggande",
        gagged=True,
        decided_at=quick_shop.vault.clock.now(),
    )
    quick_shop.vault.holds.place_as(cleared, order)
    request = assessed(quick_shop)
    for officer in (quick_shop.officer, cleared):
        reach = quick_shop.requests.show(officer, request).erasure
        assert (len(reach.free), reach.held) == (2, ())
    quick_shop.requests.decide(cleared, request, approve=True, reason="Behövs inte.")
    assert quick_shop.requests.show(quick_shop.officer, request).decision == "erased"
    assert len(kept(quick_shop)) == 1
    quick_shop.vault.sweeper.run(quick_shop.handler)
    secret = quick_shop.vault.catalogue.list(cleared, cameras=("kassa",))
    assert len(list(secret)) == 3


def test_a_stranger_asks_and_nothing_is_kept_longer_for_it(quick_shop: Shop) -> None:
    footage = [{"from": FROM, "to": TO}]
    body = quick_shop.body(**ANNA, footage=footage)
    filed = quick_shop.requests.file(PORTAL_ACTOR, body)
    assert filed.frozen == 0
    detail = quick_shop.requests.show(quick_shop.officer, filed.id)
    assert (detail.hold_id, str(detail.deadline_at)[:10]) == (None, "2026-04-02")


def test_a_wish_that_turns_out_to_be_erasure_lets_its_freeze_go(quick_shop: Shop) -> None:
    request = quick_shop.filed(**{**ANNA, "ground__code": None})
    hold = quick_shop.requests.show(quick_shop.officer, request).hold_id
    quick_shop.requests.clarify(quick_shop.handler, request, "Se bilderna, eller radera dem?")
    quick_shop.requests.answer(quick_shop.handler, request, "Radera.", ground="GDPR 17")
    assert quick_shop.vault.holds.show(quick_shop.officer, hold).released_at is not None
    assert len(quick_shop.requests.show(quick_shop.officer, request).erasure.free) == 2


def test_copies_taken_out_before_are_named_to_whoever_decides(
    quick_shop: Shop, tmp_path: Path
) -> None:
    quick_shop.vault.access.export(
        quick_shop.handler,
        kept(quick_shop)[0],
        tmp_path / "copy.mp4",
        reason="polisanmälan",
        purpose="police-report",
    )
    request = assessed(quick_shop)
    moved = quick_shop.requests.decide(
        quick_shop.officer, request, approve=True, reason="Behövs inte."
    )
    (copy,) = quick_shop.vault.access.copies.list(quick_shop.officer)
    assert any(copy.id in remark for remark in moved.remarks)
