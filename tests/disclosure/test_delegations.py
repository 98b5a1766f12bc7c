"""An approver lends the right to decide for dates: it holds only then, and reaches no own case."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from cctv_vault.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import Actor, Role
from tests.shop import SYSTEM

Shop = Any
DAY = timedelta(days=1)


def someone(shop: Shop, name: str, *roles: str, **marks: bool) -> Actor:
    """Somebody with an account."""
    shop.vault.people.add(SYSTEM, name, roles, **marks)
    return now_is(shop, name)


def now_is(shop: Shop, name: str) -> Actor:
    """Who they are now, with what was lent to them."""
    actor: Actor = shop.vault.people.asserted(name)
    return actor


def lend(shop: Shop, giver: Actor, taker: Actor, days: float = 3, after: float = 0) -> Any:  # noqa: ANN401
    """Lend the right to decide from so many days ahead, for so many."""
    start: datetime = shop.vault.clock.now() + after * DAY
    return shop.vault.people.delegations.give(giver, taker.id, start, start + days * DAY)


def test_the_right_to_decide_holds_between_its_dates_and_only_then(shop: Shop) -> None:
    bo, siv = someone(shop, "Bo", "approver"), someone(shop, "Siv", "staff")
    request = shop.assessed()
    lent = lend(shop, bo, siv, days=2, after=1)
    assert Role.APPROVER not in now_is(shop, "Siv").roles
    with pytest.raises(AccessDeniedError):
        shop.requests.decide(now_is(shop, "Siv"), request, approve=True, reason="För tidigt.")
    shop.pass_time(days=1)
    acting = now_is(shop, "Siv")
    assert acting.roles == {Role.STAFF, Role.APPROVER}
    assert acting.lent_by == {bo.id}
    shop.requests.decide(acting, request, approve=True, reason="Behövs.")
    (entry,) = shop.vault.log.entries(event="request.approved")
    assert (entry.actor, entry.facts["lent_by"]) == (siv.id, [bo.id])
    shop.pass_time(days=2)
    assert now_is(shop, "Siv").roles == {Role.STAFF}
    (given,) = shop.vault.log.entries(event="account.delegated")
    assert (given.subject, given.actor, given.facts["to"]) == (lent.id, bo.id, siv.id)


def test_who_had_a_part_in_a_case_decides_it_through_nobody_elses_hand(shop: Shop) -> None:
    bo = someone(shop, "Bo", "approver", "manager")
    siv = someone(shop, "Siv", "staff")
    request = shop.requests.file(bo, shop.body()).id
    shop.requests.verify(shop.handler, request, "call-back", "växeln")
    shop.requests.assess(shop.handler, request, "Stöld.", "Behövs.")
    lend(shop, bo, siv)
    for approve in (True, False):
        with pytest.raises(AccessDeniedError, match="whoever lent"):
            shop.requests.decide(now_is(shop, "Siv"), request, approve=approve, reason="Ja.")
    # Lent by somebody who had no part in it as well, it is theirs to decide.
    lend(shop, someone(shop, "Bea", "approver"), siv)
    assert shop.requests.decide(now_is(shop, "Siv"), request, approve=True, reason="Ja.").state
    shop.requests.revoke(shop.approver, request, "Fel tid.")
    manager = replace(now_is(shop, "Siv"), roles=frozenset({Role.MANAGER}))
    with pytest.raises(AccessDeniedError, match="cannot handle"):
        shop.requests.assess(manager, request, "Stöld.", "Behövs.")


def test_who_registered_or_handled_never_decides_with_a_lent_right(quick_shop: Shop) -> None:
    bo, mia = someone(quick_shop, "Bo", "approver"), someone(quick_shop, "Mia", "manager")
    lend(quick_shop, bo, mia)
    mine = quick_shop.requests.file(now_is(quick_shop, "Mia"), quick_shop.body()).id
    quick_shop.requests.verify(quick_shop.handler, mine, "call-back", "växeln")
    quick_shop.requests.assess(quick_shop.handler, mine, "Stöld.", "Behövs.")
    with pytest.raises(AccessDeniedError, match="somebody other than who registered"):
        quick_shop.requests.decide(now_is(quick_shop, "Mia"), mine, approve=True, reason="Ja.")
    handled = quick_shop.filed()
    quick_shop.requests.verify(now_is(quick_shop, "Mia"), handled, "call-back", "växeln")
    quick_shop.requests.assess(quick_shop.handler, handled, "Stöld.", "Behövs.")
    with pytest.raises(AccessDeniedError, match="somebody other than who registered"):
        quick_shop.requests.decide(now_is(quick_shop, "Mia"), handled, approve=True, reason="Ja.")


def test_on_the_spot_whoever_was_lent_it_is_called_and_reviews_nothing_of_the_lenders(
    quick_shop: Shop,
) -> None:
    bo = someone(quick_shop, "Bo", "approver", "staff", on_the_spot=True)
    siv = someone(quick_shop, "Siv", "staff")
    bea = someone(quick_shop, "Bea", "approver")
    lend(quick_shop, bea, siv)
    called = quick_shop.requests.call(bo, quick_shop.body(), officer_seen="kort visat")
    assert called.approvers == ("Bea", "Siv")
    quick_shop.pass_time(minutes=15)
    quick_shop.requests.hand_over(bo, called.id, None)
    for lent in quick_shop.vault.people.delegations.of(bea):
        quick_shop.vault.people.delegations.end(bea, lent.id)
    lend(quick_shop, bo, siv)
    with pytest.raises(AccessDeniedError, match="whoever lent"):
        quick_shop.requests.review(
            now_is(quick_shop, "Siv"), called.id, approve=True, reason="Rätt."
        )
    again = quick_shop.requests.call(bo, quick_shop.body(description="x"), officer_seen="kort")
    assert again.approvers == ("Bea",)


def test_a_lent_right_ends_when_it_is_taken_back_or_its_lender_goes(shop: Shop) -> None:
    bo, siv = someone(shop, "Bo", "approver"), someone(shop, "Siv", "staff")
    delegations = shop.vault.people.delegations
    lent = lend(shop, bo, siv)
    with pytest.raises(NotFoundError):
        delegations.end(siv, lent.id)
    assert delegations.end(bo, lent.id).live is False
    assert now_is(shop, "Siv").roles == {Role.STAFF}
    with pytest.raises(TransitionNotAllowedError):
        delegations.end(bo, lent.id)
    lend(shop, bo, siv)
    assert Role.APPROVER in now_is(shop, "Siv").roles
    shop.vault.people.disable(SYSTEM, "Bo")
    assert now_is(shop, "Siv").roles == {Role.STAFF}
    assert [each.live for each in delegations.of(siv)] == [False, False]


@pytest.mark.parametrize("approve", [True, False])
def test_who_signed_in_while_it_was_lent_decides_nothing_after_its_end(
    quick_shop: Shop,
    approve: bool,  # noqa: FBT001
) -> None:
    bo, siv = someone(quick_shop, "Bo", "approver"), someone(quick_shop, "Siv", "staff")
    lent = lend(quick_shop, bo, siv)
    before = now_is(quick_shop, "Siv")
    request = quick_shop.assessed()
    quick_shop.vault.people.delegations.end(bo, lent.id)
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.decide(before, request, approve=approve, reason="Beslut.")
    assert quick_shop.requests.show(quick_shop.officer, request).state == "assessed"


def test_who_signed_in_while_it_was_lent_reviews_nothing_after_its_end(quick_shop: Shop) -> None:
    bea, siv = someone(quick_shop, "Bea", "approver"), someone(quick_shop, "Siv", "staff")
    lent = lend(quick_shop, bea, siv)
    before = now_is(quick_shop, "Siv")
    body = quick_shop.body(requester__type="emergency", ground__code="GDPR 6.1 d")
    on_duty = replace(quick_shop.staff, on_the_spot=True)
    spot = quick_shop.requests.on_the_spot(on_duty, body, officer_seen="112", out_dir=None)
    quick_shop.vault.people.delegations.end(bea, lent.id)
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.review(before, spot.id, approve=True, reason="Rätt.")
    assert quick_shop.requests.show(quick_shop.officer, spot.id).state == "under-review"


def test_only_an_approver_lends_it_and_only_to_who_may_decide(quick_shop: Shop) -> None:
    bo, siv = someone(quick_shop, "Bo", "approver"), someone(quick_shop, "Siv", "staff")
    others = {
        role: someone(quick_shop, role, role)
        for role in ("dpo", "auditor", "administrator", "manager", "approver")
    }
    lend(quick_shop, bo, siv)
    nils = someone(quick_shop, "Nils", "staff")
    for giver in (now_is(quick_shop, "Siv"), others["manager"], nils):
        with pytest.raises(AccessDeniedError, match="only an approver"):
            lend(quick_shop, giver, nils)
    for taker in (
        bo,
        others["dpo"],
        others["auditor"],
        others["administrator"],
        others["approver"],
    ):
        with pytest.raises(InvalidInputError, match="never to"):
            lend(quick_shop, bo, taker)
    for days, after in ((0, 0), (-1, 0), (93, 0), (1, 400)):
        with pytest.raises(InvalidInputError, match="dates"):
            lend(quick_shop, bo, nils, days, after)
    takers = quick_shop.vault.people.delegations.takers(bo)
    assert [name for _, name in takers] == ["Nils", "Siv", "manager"]
    assert quick_shop.vault.people.delegations.takers(siv) == ()
    quick_shop.vault.people.disable(SYSTEM, "Nils")
    with pytest.raises(NotFoundError):
        lend(quick_shop, bo, nils)


def test_a_broad_request_stays_the_privacy_officers(quick_shop: Shop) -> None:
    bo, siv = someone(quick_shop, "Bo", "approver"), someone(quick_shop, "Siv", "staff")
    lend(quick_shop, bo, siv)
    request = quick_shop.assessed(matter__number=None)
    with pytest.raises(AccessDeniedError, match="privacy-officer"):
        quick_shop.requests.decide(now_is(quick_shop, "Siv"), request, approve=True, reason="Ja.")
