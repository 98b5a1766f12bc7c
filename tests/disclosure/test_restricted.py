"""What somebody had restricted (Art. 18) does not leave, whatever was decided before."""

from datetime import datetime

import pytest

from cctv_vault.errors import OnHoldError
from cctv_vault.retention.holds import HoldOrder
from tests.disclosure.conftest import Shop


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
