"""A clock measured after the footage was sealed: the right minutes are found and handed over."""

from datetime import UTC, datetime, timedelta

import pytest

from cctv_vault.disclosure.windows import Told, Window
from cctv_vault.errors import AccessDeniedError, GateNotMetError, InvalidInputError
from tests.disclosure.conftest import Shop
from tests.disclosure.test_package import add_camera, taken_in, unzipped, window
from tests.shop import SYSTEM, film

TRUE = datetime.fromisoformat("2026-03-01T09:10:00+01:00")
HOUR = timedelta(hours=1)


def measured(shop: Shop, offset_s: float = -3600.0) -> None:
    shop.vault.register.measure_clock(
        SYSTEM, "sen", offset_s=offset_s, uncertainty_s=2, measured_at=TRUE.astimezone(UTC)
    )


def filmed(shop: Shop, at: datetime, number: int) -> None:
    """Twenty seconds of a true time, as the camera that is an hour behind names them."""
    taken_in(shop, "sen", {f"sen_{at - HOUR:%Y%m%d_%H%M%S}.mp4": film(number, 20)})


def span(at: datetime, seconds: float) -> Window:
    return Window("sen", at.astimezone(UTC), at.astimezone(UTC) + timedelta(seconds=seconds))


def late(shop: Shop) -> Shop:
    """A shop whose camera was found to be an hour behind when its film was sealed."""
    add_camera(shop, "sen")
    filmed(shop, TRUE, 5)
    measured(shop)
    return shop


def verified(shop: Shop, at: datetime, seconds: float) -> str:
    request = shop.filed(footage=[window("sen", at, seconds)])
    shop.requests.verify(shop.handler, request, "call-back", "växeln 114 14")
    return request


def assess(shop: Shop, request: str, at: datetime, seconds: float, **more: str) -> None:
    shop.requests.assess(
        shop.handler, request, "Anmäld.", "Behövs.", [{**window("sen", at, seconds), **more}]
    )


def test_the_true_minutes_are_found_where_the_camera_told_them_and_handed_over(shop: Shop) -> None:
    late(shop)
    request = verified(shop, TRUE, 10)
    detail = shop.requests.show(shop.handler, request)
    assert detail.told == (Told(span(TRUE, 10), span(TRUE - HOUR, 10)),)
    assert (len(detail.footage), detail.gone, detail.gaps) == (1, 0, ())
    assess(shop, request, TRUE, 10, clock="measured")
    detail = shop.requests.show(shop.handler, request)
    assert (detail.asked, detail.approved) == ((span(TRUE, 10),), (span(TRUE - HOUR, 10),))
    moved = shop.requests.decide(shop.approver, request, approve=True, reason="Behövs.")
    assert moved.state == "approved"  # all that was asked for
    out = shop.folder / "package.zip"
    prepared = shop.requests.prepare(shop.handler, request, out)
    assert (prepared.originals, prepared.clips) == (1, 1)
    _, record = unzipped(out)
    assert record["recordings"][0]["started_at"] == "2026-03-01T07:10:00Z"
    assert "visar de vad som hände 1 tim senare" in record["cameras"][0]["clock"]["sv"]


def test_what_was_sealed_on_either_side_of_the_measurement_is_handed_over_together(
    quick_shop: Shop,
) -> None:
    late(quick_shop)
    filmed(quick_shop, TRUE + timedelta(seconds=20), 6)  # the time that is taken off is known now
    at = TRUE + timedelta(seconds=10)
    request = verified(quick_shop, at, 20)
    assess(quick_shop, request, at, 20, clock="measured")
    detail = quick_shop.requests.show(quick_shop.officer, request)
    assert detail.approved == (span(at - HOUR, 20), span(at, 20))
    moved = quick_shop.requests.decide(quick_shop.approver, request, approve=True, reason="Ja.")
    assert moved.state == "approved"


def test_less_of_it_is_a_part(quick_shop: Shop) -> None:
    request = verified(late(quick_shop), TRUE, 10)
    assess(quick_shop, request, TRUE, 5, clock="measured")
    moved = quick_shop.requests.decide(quick_shop.approver, request, approve=True, reason="Ja.")
    assert moved.state == "partly-approved"


def test_a_later_measurement_moves_nothing_that_was_sealed_before_it(quick_shop: Shop) -> None:
    request = verified(late(quick_shop), TRUE, 10)
    assess(quick_shop, request, TRUE, 10, clock="measured")
    measured(quick_shop, 0)
    found = quick_shop.requests.show(quick_shop.handler, request)
    assert found.told == (Told(span(TRUE, 10), span(TRUE - HOUR, 10)),)
    moved = quick_shop.requests.decide(quick_shop.approver, request, approve=True, reason="Ja.")
    assert moved.state == "approved"
    out = quick_shop.folder / "package.zip"
    quick_shop.requests.prepare(quick_shop.handler, request, out)
    _, record = unzipped(out)
    clock = record["cameras"][0]["clock"]
    assert "gick rätt inom 2 s" in clock["sv"]
    assert "före den första mätningen (2026-03-01 09:10 CET) är inte rättade" in clock["sv"]
    assert "visar de vad som hände 1 tim senare" in clock["sv"]
    assert "taken in before the first measurement" in clock["en"]


def test_what_was_sealed_right_stays_where_it_is_when_the_clock_is_set_right(
    quick_shop: Shop,
) -> None:
    add_camera(quick_shop, "sen")
    measured(quick_shop)
    filmed(quick_shop, TRUE, 5)
    filmed(quick_shop, TRUE + HOUR, 6)
    measured(quick_shop, 0)
    request = verified(quick_shop, TRUE, 10)
    assert quick_shop.requests.show(quick_shop.handler, request).told == ()


def test_where_recordings_of_both_kinds_lie_together_nothing_is_moved(quick_shop: Shop) -> None:
    late(quick_shop)
    filmed(quick_shop, TRUE - HOUR, 6)  # late, and sealed where the camera told the other one
    request = verified(quick_shop, TRUE, 10)
    assert quick_shop.requests.show(quick_shop.handler, request).told == ()
    with pytest.raises(InvalidInputError, match="outside what was asked for"):
        assess(quick_shop, request, TRUE - HOUR, 10, clock="measured")


def test_another_hour_is_not_offered_where_the_one_asked_for_never_came(quick_shop: Shop) -> None:
    add_camera(quick_shop, "sen")
    filmed(quick_shop, TRUE + HOUR, 5)  # told as what is asked for
    measured(quick_shop)
    request = verified(quick_shop, TRUE, 10)
    found = quick_shop.requests.show(quick_shop.handler, request)
    assert found.told == (Told(span(TRUE, 10), span(TRUE - HOUR, 10)),)
    assert found.footage == ()
    quick_shop.requests.assess(quick_shop.handler, request, "Anmäld.", "Behövs.")
    quick_shop.requests.decide(quick_shop.approver, request, approve=True, reason="Ja.")
    with pytest.raises(GateNotMetError):
        quick_shop.requests.prepare(quick_shop.handler, request)


def test_whoever_measured_the_clock_that_a_release_goes_by_does_not_decide_it(
    quick_shop: Shop,
) -> None:
    add_camera(quick_shop, "sen")
    filmed(quick_shop, TRUE, 5)
    quick_shop.vault.register.measure_clock(
        quick_shop.officer, "sen", offset_s=-3600, uncertainty_s=2, measured_at=TRUE.astimezone(UTC)
    )
    request = verified(quick_shop, TRUE, 10)
    assess(quick_shop, request, TRUE, 10, clock="measured")
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.decide(quick_shop.officer, request, approve=True, reason="Ja.")
    assess(quick_shop, request, TRUE, 10)  # by the camera's own time
    quick_shop.requests.decide(quick_shop.officer, request, approve=True, reason="Ja.")


def test_all_that_was_asked_is_taken_from_where_it_is_told(quick_shop: Shop) -> None:
    request = verified(late(quick_shop), TRUE, 10)
    quick_shop.requests.assess(quick_shop.handler, request, "Anmäld.", "Behövs.")
    assert quick_shop.requests.show(quick_shop.handler, request).approved == (
        span(TRUE - HOUR, 10),
    )


def test_the_camera_s_time_and_the_true_one_are_not_handed_over_together(
    quick_shop: Shop,
) -> None:
    request = verified(late(quick_shop), TRUE, 10)
    both = [window("sen", TRUE, 10), {**window("sen", TRUE, 10), "clock": "measured"}]
    with pytest.raises(InvalidInputError, match="overlap"):
        quick_shop.requests.assess(quick_shop.handler, request, "Anmäld.", "Behövs.", both)
    both[0] = window("sen", TRUE - HOUR, 10)
    both[1] = window("sen", TRUE, 10)
    with pytest.raises(InvalidInputError, match="outside what was asked for"):
        quick_shop.requests.assess(quick_shop.handler, request, "Anmäld.", "Behövs.", both)


def test_an_erasure_reaches_what_is_told_of_the_time_and_nothing_else(quick_shop: Shop) -> None:
    late(quick_shop)
    filmed(quick_shop, TRUE + HOUR, 6)
    request = quick_shop.filed(
        requester__type="data-subject",
        ground__code="GDPR 17",
        footage=[window("sen", TRUE, 10)],
    )
    found = quick_shop.requests.show(quick_shop.officer, request)
    (at,) = {each.started_at for each in found.footage}
    assert at == (TRUE - HOUR).astimezone(UTC)
    assert found.erasure is not None
    assert len(found.erasure.free) == 1


def test_no_other_hour_may_be_named_than_the_one_that_was_measured(quick_shop: Shop) -> None:
    request = verified(late(quick_shop), TRUE, 10)
    with pytest.raises(InvalidInputError, match="outside what was asked for"):
        assess(quick_shop, request, TRUE + HOUR, 10)
    with pytest.raises(InvalidInputError, match="outside what was asked for"):
        assess(quick_shop, request, TRUE - HOUR, 20)
    assess(quick_shop, request, TRUE - HOUR, 10, clock="measured")  # as the page plays it
    approved = quick_shop.requests.show(quick_shop.handler, request).approved
    assert approved == (span(TRUE - HOUR, 10),)


def test_a_clock_that_was_right_when_the_footage_was_sealed_moves_nothing(
    quick_shop: Shop,
) -> None:
    add_camera(quick_shop, "sen")
    measured(quick_shop)
    filmed(quick_shop, TRUE, 5)
    request = verified(quick_shop, TRUE, 10)
    assert quick_shop.requests.show(quick_shop.handler, request).told == ()
    assess(quick_shop, request, TRUE, 10, clock="measured")
    assert quick_shop.requests.show(quick_shop.handler, request).approved == (span(TRUE, 10),)


def test_a_time_read_off_the_picture_is_found_there_already(quick_shop: Shop) -> None:
    late(quick_shop)
    off_picture = {**window("sen", TRUE - HOUR, 10), "clock": "picture"}
    request = quick_shop.filed(footage=[off_picture])
    detail = quick_shop.requests.show(quick_shop.handler, request)
    assert (detail.asked, detail.told) == ((span(TRUE - HOUR, 10),), ())
    quick_shop.requests.clarify(quick_shop.handler, request, "Vilken kamera?")
    quick_shop.requests.answer(quick_shop.handler, request, "Denna.", footage=[off_picture])
    assert quick_shop.requests.show(quick_shop.handler, request).told == ()


def test_footage_that_expired_is_told_as_gone_from_where_it_was(quick_shop: Shop) -> None:
    late(quick_shop)
    quick_shop.pass_time(days=10)
    request = quick_shop.filed(footage=[window("sen", TRUE, 10)])
    found = quick_shop.requests.show(quick_shop.handler, request)
    assert (found.footage, found.gone) == ((), 1)
