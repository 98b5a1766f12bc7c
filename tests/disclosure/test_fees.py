"""Access is free once a calendar year, and later unless one person answers for why it is not."""

from dataclasses import replace
from typing import Any

import pytest

from cctv_vault.disclosure.fees import Asker, FeeFacts, fee_faults
from cctv_vault.errors import AccessDeniedError, GateNotMetError, InvalidInputError
from cctv_vault.people.actors import PORTAL_ACTOR

Shop = Any
ANNA = {
    "requester__type": "data-subject",
    "requester__authority": None,
    "requester__name": "Anna Ek",
    "requester__email": "anna@example.org",
    "requester__phone": "070-123 45 67",
    "ground__code": "GDPR 15",
}


def verified(shop: Shop, **changes: object) -> str:
    """A request for access whose requester was verified."""
    request: str = shop.filed(**{**ANNA, **changes})
    shop.requests.verify(shop.handler, request, "in-person", "legitimation visad i kassan")
    return request


def earlier(shop: Shop, request: str) -> list[tuple[str, tuple[str, ...]]]:
    """What the request's page tells of the year."""
    year = shop.requests.show(shop.officer, request).year
    return [(each.id, each.shared) for each in year.earlier]


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ({"name": "  anna   EK "}, ("name",)),
        ({"name": "A. Ek", "email": "Anna@Example.org "}, ("email",)),
        ({"name": "A. Ek", "phone": "+46 70 123 45 67"}, ("phone",)),
        ({"name": "A. Ek", "phone": "0046701234567"}, ("phone",)),
        ({"name": "Anna Ekman", "email": "ekman@example.org", "phone": "070-765 43 21"}, ()),
        ({}, ()),
    ],
)
def test_one_person_is_known_by_name_mail_or_telephone_however_written(
    other: dict[str, str], shared: tuple[str, ...]
) -> None:
    anna = {"name": "Anna Ek", "email": "anna@example.org", "phone": "070-123 45 67"}
    assert Asker.of(anna).shared(Asker.of(other)) == shared


def test_what_nobody_wrote_is_alike_in_nobody() -> None:
    assert Asker.of({}).shared(Asker.of({"name": None, "email": ""})) == ()


SECOND = FeeFacts(
    access=True, unanswered=True, earlier=1, charged=False, kronor=200, because="repetitive"
)


@pytest.mark.parametrize(
    "facts",
    [
        replace(SECOND, access=False),
        replace(SECOND, unanswered=False),
        replace(SECOND, earlier=0),
        replace(SECOND, because=""),
        replace(SECOND, because="second this year"),
        replace(SECOND, kronor=0),
    ],
)
def test_a_fee_has_every_condition_of_the_law_and_of_the_policy(facts: FeeFacts) -> None:
    assert not fee_faults(SECOND)
    assert len(fee_faults(facts)) == 1


def test_the_second_in_a_calendar_year_is_told_and_free_unless_charged(shop: Shop) -> None:
    first = verified(shop)
    second = verified(shop, requester__name="A. Ek")
    assert earlier(shop, first) == []
    assert earlier(shop, second) == [(first, ("email", "phone"))]
    assert shop.requests.show(shop.officer, second).year.kronor is None

    with pytest.raises(AccessDeniedError, match="privacy officer"):
        shop.requests.charge(shop.approver, second, 200, "repetitive", "Tolfte gången.")
    with pytest.raises(AccessDeniedError):
        shop.requests.charge(shop.handler, second, 200, "repetitive", "Tolfte gången.")
    with pytest.raises(InvalidInputError):
        shop.requests.charge(shop.officer, second, 200, "repetitive", " ")
    with pytest.raises(GateNotMetError, match="first request of a calendar year is free"):
        shop.requests.charge(shop.officer, first, 200, "repetitive", "Vidlyftig.")
    shop.requests.charge(shop.officer, second, 200, "repetitive", "Samma minut som i förra.")

    year = shop.requests.show(shop.officer, second).year
    assert (year.kronor, year.because, year.reason) == (
        *(200, "repetitive"),
        "Samma minut som i förra.",
    )
    (entry,) = shop.vault.log.entries(event="request.charged")
    assert entry.facts == {"kronor": 200, "because": "repetitive"}
    register = shop.vault.registers.read(shop.officer, "disclosures").register
    assert any("avgift 200 kronor" in row[-1] for row in register.rows)

    shop.requests.charge(shop.officer, second, 0, "", "Hon hade fel datum förra gången.")
    assert shop.requests.show(shop.officer, second).year.kronor is None
    assert shop.vault.log.verify().findings == ()


def test_the_year_is_a_calendar_year_of_the_shop(quick_shop: Shop) -> None:
    verified(quick_shop)
    quick_shop.pass_time(days=304, hours=14, minutes=59)  # 31 December, 22:59 in Stockholm
    second = verified(quick_shop)
    assert len(earlier(quick_shop, second)) == 1
    quick_shop.pass_time(hours=1, minutes=2)
    third = verified(quick_shop)
    assert earlier(quick_shop, third) == []


def test_forged_withdrawn_and_refused_requests_use_up_nobodys_free_one(quick_shop: Shop) -> None:
    body = quick_shop.body(**ANNA, footage=[{**quick_shop.body()["footage"][0], "cameras": []}])
    quick_shop.requests.file(PORTAL_ACTOR, body)
    gone = verified(quick_shop)
    quick_shop.requests.withdraw(quick_shop.handler, gone, "Ångrade sig.")
    quick_shop.requests.close(quick_shop.handler, gone)
    refused = verified(quick_shop)
    quick_shop.requests.assess(quick_shop.handler, refused, "Söker sig själv.", "Behövs.")
    quick_shop.requests.decide(quick_shop.officer, refused, approve=False, reason="Syns inte.")
    quick_shop.requests.close(quick_shop.handler, refused)
    quick_shop.filed()
    assert earlier(quick_shop, verified(quick_shop)) == []


def test_what_the_police_ask_for_has_no_year_and_no_fee(quick_shop: Shop) -> None:
    request = quick_shop.filed()
    assert quick_shop.requests.show(quick_shop.officer, request).year is None
    with pytest.raises(GateNotMetError, match="one's own data"):
        quick_shop.requests.charge(quick_shop.officer, request, 200, "unfounded", "Nej.")


def test_no_fee_is_put_on_what_is_answered(quick_shop: Shop) -> None:
    verified(quick_shop)
    second = verified(quick_shop)
    quick_shop.requests.assess(quick_shop.handler, second, "Söker sig själv.", "Behövs.")
    quick_shop.requests.decide(quick_shop.officer, second, approve=True, reason="Hon syns.")
    with pytest.raises(GateNotMetError, match="answered"):
        quick_shop.requests.charge(quick_shop.officer, second, 200, "repetitive", "Sent.")
