"""Nobody decides about what they had a part in, by whatever way the part came about."""

from typing import Any

import pytest

from cctv_vault.errors import AccessDeniedError, InvalidInputError
from cctv_vault.people.actors import PORTAL_ACTOR

Shop = Any


def handled(shop: Shop, request: str) -> None:
    shop.requests.verify(shop.handler, request, "call-back", "växeln 114 14")
    shop.requests.assess(shop.handler, request, "Anmäld stöld.", "Behövs.")


def test_who_entered_the_answer_does_not_approve_it(quick_shop: Shop) -> None:
    request = quick_shop.filed(ground__code=None)
    quick_shop.requests.clarify(quick_shop.handler, request, "Vilket lagrum?")
    quick_shop.requests.answer(quick_shop.officer, request, "DSL 2:5", ground="DSL 2:5")
    handled(quick_shop, request)

    with pytest.raises(AccessDeniedError):
        quick_shop.requests.decide(quick_shop.officer, request, approve=True, reason="Behövs.")
    quick_shop.requests.decide(quick_shop.approver, request, approve=True, reason="Behövs.")


def test_who_confirmed_a_strangers_request_does_not_approve_it(quick_shop: Shop) -> None:
    request = quick_shop.requests.file(PORTAL_ACTOR, quick_shop.body()).id
    quick_shop.requests.confirm(quick_shop.officer, request)
    handled(quick_shop, request)

    with pytest.raises(AccessDeniedError):
        quick_shop.requests.decide(quick_shop.officer, request, approve=True, reason="Behövs.")


def test_a_request_everybody_knows_of_does_not_become_a_secret_one(quick_shop: Shop) -> None:
    request = quick_shop.filed(requester__type="preservation-order", ground__code="RB 27:16")
    quick_shop.requests.clarify(quick_shop.handler, request, "Gäller tystnadsplikt?")

    with pytest.raises(InvalidInputError, match="a request of its own"):
        quick_shop.requests.answer(quick_shop.handler, request, "Ja.", ground="RB 27:16 a")
    assert quick_shop.requests.show(quick_shop.handler, request).ground_code == "RB 27:16"
