"""What somebody had restricted (Art. 18) does not leave, whatever was decided before."""

from collections import deque
from dataclasses import replace
from datetime import datetime

import pytest

from cctv_vault.errors import NotFoundError, OnHoldError, TransitionNotAllowedError
from cctv_vault.retention.holds import HoldOrder
from tests.disclosure.conftest import Shop
from tests.shop import SYSTEM


def restrict(shop: Shop) -> str:
    (footage,) = shop.body()["footage"]
    span = (datetime.fromisoformat(footage["from"]), datetime.fromisoformat(footage["to"]))
    windows = tuple((camera, *span) for camera in footage["cameras"])
    order = HoldOrder("restriction", windows, "bestrider riktigheten")
    return shop.vault.holds.place_as(shop.officer, order).id


def test_a_prepared_package_waits_until_the_restriction_is_lifted(shop: Shop) -> None:
    out, package = shop.prepared()
    hold = restrict(shop)
    request = package.id
    with pytest.raises(OnHoldError, match=hold):
        shop.requests.release(shop.handler, request, "in-person")
    with pytest.raises(OnHoldError):
        shop.requests.open_package(shop.handler, request)
    assert shop.requests.show(shop.handler, request).state == "prepared"

    shop.vault.holds.release_as(shop.officer, hold, "uppgiften visade sig riktig")
    shop.requests.open_package(shop.handler, request).reader.close()
    shop.requests.release(shop.handler, request, "in-person")
    assert out.exists()


def test_nothing_is_packed_while_a_restriction_is_in_force(quick_shop: Shop) -> None:
    request = quick_shop.approved()
    restrict(quick_shop)
    with pytest.raises(OnHoldError):
        quick_shop.requests.prepare(quick_shop.handler, request, quick_shop.folder / "nej.zip")
    assert not (quick_shop.folder / "nej.zip").exists()
    assert "on-hold" in quick_shop.refusals()


def linked(shop: Shop) -> tuple[str, str, str]:
    """A request released by link: its reference, the link's token and the code."""
    _, package = shop.prepared(f"{len(list(shop.folder.iterdir()))}.zip")
    released = shop.requests.release(shop.handler, package.id, "link")
    return package.id, str(released.token), str(released.code)


def test_a_released_link_is_not_collected_while_a_restriction_is_in_force(shop: Shop) -> None:
    request, token, code = linked(shop)
    hold = restrict(shop)
    with pytest.raises(TransitionNotAllowedError, match="cannot be collected") as refused:
        shop.requests.collect(token, code)
    # A stranger learns neither what stops it nor that somebody had it restricted.
    assert hold not in str(refused.value)
    assert "restrict" not in str(refused.value)
    assert "request.collected" not in shop.events(request)
    assert "transition-not-allowed" in shop.refusals()

    shop.vault.holds.release_as(shop.officer, hold, "uppgiften visade sig riktig")
    shop.requests.collect(token, code).reader.close()
    assert shop.events(request)[-1] == "request.collected"


def test_what_is_being_fetched_breaks_off_where_it_is_restricted_meanwhile(shop: Shop) -> None:
    _, token, code = linked(shop)
    collected = shop.requests.collect(token, code)
    collected.again().close()
    restrict(shop)
    with pytest.raises(TransitionNotAllowedError):
        collected.again()
    collected.reader.close()


def test_what_staff_fetch_for_a_medium_breaks_off_too(shop: Shop) -> None:
    _, package = shop.prepared()
    collected = shop.requests.open_package(shop.handler, package.id)
    collected.again().close()
    hold = restrict(shop)
    with pytest.raises(OnHoldError, match=hold):
        collected.again()
    collected.reader.close()


def test_a_folder_at_the_counter_is_not_fetched_while_a_restriction_is_in_force(
    quick_shop: Shop,
) -> None:
    sara = replace(quick_shop.staff, on_the_spot=True)
    called = quick_shop.requests.call(sara, quick_shop.body(), officer_seen="kort")
    quick_shop.pass_time(minutes=20)
    quick_shop.requests.hand_over(sara, called.id, None)
    folder = quick_shop.requests.open_folder(sara, called.id)
    restrict(quick_shop)
    with pytest.raises(OnHoldError):
        quick_shop.requests.open_folder(sara, called.id)
    with pytest.raises(OnHoldError):
        deque(folder.pieces, maxlen=0)


def test_a_restriction_stops_a_package_whose_footage_is_gone_here(quick_shop: Shop) -> None:
    # The freeze ends 14 days after the decision; a link that was made a day later outlives it.
    request = quick_shop.approved()
    quick_shop.pass_time(days=1)
    quick_shop.requests.prepare(quick_shop.handler, request)
    released = quick_shop.requests.release(quick_shop.handler, request, "link")
    token, code = str(released.token), str(released.code)
    quick_shop.pass_time(days=13, hours=2)
    quick_shop.vault.sweeper.run(SYSTEM)
    assert not list(quick_shop.vault.catalogue.list(quick_shop.handler, cameras=("kassa",)))
    quick_shop.requests.collect(token, code).reader.close()
    restrict(quick_shop)
    with pytest.raises(TransitionNotAllowedError):
        quick_shop.requests.collect(token, code)


def test_a_link_of_a_revoked_release_is_dead(shop: Shop) -> None:
    request, token, code = linked(shop)
    collected = shop.requests.collect(token, code)
    with pytest.raises(TransitionNotAllowedError, match="has left"):
        shop.requests.revoke(shop.approver, request, "fel ärende")
    for again in (lambda: shop.requests.collect(token, code), collected.again):
        with pytest.raises(NotFoundError):
            again()
    collected.reader.close()

    second, token, code = linked(shop)
    shop.requests.revoke(shop.approver, second, "fel ärende")
    with pytest.raises(NotFoundError):
        shop.requests.collect(token, code)
