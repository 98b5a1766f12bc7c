"""Requests that strangers forge neither fill the place nor push a genuine one out of its freeze."""

from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.check import check_vault
from cctv_vault.disclosure.shares import Wish, share_out
from cctv_vault.people.actors import PORTAL_ACTOR
from cctv_vault.schema import Site
from cctv_vault.vault import Vault
from tests.shop import SYSTEM, picture, put

Shop = Any
EIGHT = datetime.fromisoformat("2026-03-01T08:00:00+01:00")
STILLS = 20
FORGED = 200
STILL = 1 << 16


def minutes(camera: str, first: float, count: float) -> list[dict[str, Any]]:
    """A window that catches that many stills, whose clocks are known to a second."""
    start = EIGHT + timedelta(minutes=first, seconds=-10)
    end = start + timedelta(minutes=count)
    return [{"cameras": [camera], "from": start.isoformat(), "to": end.isoformat()}]


def padded(number: int) -> bytes:
    """A picture of ``STILL`` bytes: what follows its end is ignored by who shows it."""
    return picture(number).ljust(STILL, b"\0")


@pytest.fixture
def place(quick_shop: Shop) -> Shop:
    """A shop with a still each minute of two cameras, all of one size."""
    for number, code in enumerate(("kassa", "entre")):
        for minute in range(STILLS):
            at = EIGHT + timedelta(minutes=minute)
            still = padded(number * STILLS + minute)
            put(quick_shop.folder / "drop" / code, f"{at:%Y%m%d_%H%M%S}.jpg", still)
        folder = quick_shop.folder / "drop" / code
        outcomes = list(quick_shop.vault.ingest.offer_all(SYSTEM, [folder], camera=code))
        assert {each.outcome for each in outcomes} == {"sealed"}
    return quick_shop


def set_budget(vault: Vault, size: int) -> None:
    with vault.database.write() as session:
        site = session.get(Site, "butik")
        assert site is not None
        site.freeze_budget_bytes = size
        session.add(site)


def kept_for(shop: Shop, request: str) -> int:
    hold = next(
        each
        for each in shop.vault.holds.list(shop.officer)
        if each.reason == f"request {request}" and each.released_at is None
    )
    return int(hold.recordings)


def test_200_forged_requests_push_no_genuine_one_out_and_keep_none_from_freezing(
    place: Shop,
) -> None:
    set_budget(place.vault, 31 * STILL)
    confirmed = place.filed(footage=minutes("entre", 15, 5))
    before = place.requests.file(
        PORTAL_ACTOR, place.body(footage=minutes("kassa", 0, 10)), sender="192.0.2.1"
    )
    assert before.frozen == 10

    # Each a little smaller than the genuine one, and together far more than the place keeps.
    for number in range(FORGED):
        camera = ("kassa", "entre")[number % 2]
        forged = place.body(footage=minutes(camera, number % 12, 9))
        place.requests.file(PORTAL_ACTOR, forged, sender="198.51.100.7")
    after = place.requests.file(
        PORTAL_ACTOR, place.body(footage=minutes("entre", 8, 10)), sender="203.0.113.9"
    )

    assert after.frozen == 10
    assert kept_for(place, before.id) == 10
    assert kept_for(place, after.id) == 10
    assert kept_for(place, confirmed) == 5
    unconfirmed = [
        each
        for each in place.vault.holds.list(place.officer, live_only=True)
        if each.purpose == "request-unconfirmed"
    ]
    assert sum(each.bytes for each in unconfirmed) >= 20 * STILL
    # Nor do they stop intake.
    put(place.folder / "drop" / "kassa", "20260302_075900.jpg", picture(99))
    (outcome,) = place.vault.ingest.offer_all(
        SYSTEM, [place.folder / "drop" / "kassa"], camera="kassa"
    )
    assert outcome.outcome == "sealed"
    assert not [each for each in check_vault(place.vault).findings if each.level == "broken"]


def test_what_arrives_later_cannot_make_strangers_requests_keep_more_than_the_budget(
    place: Shop,
) -> None:
    set_budget(place.vault, 3 * STILL)
    ahead = [
        {
            "cameras": ["kassa"],
            "from": "2026-03-02T07:59:00+01:00",
            "to": "2026-03-02T08:59:00+01:00",
        }
    ]
    request = place.requests.file(PORTAL_ACTOR, place.body(footage=ahead), sender="192.0.2.1").id
    place.pass_time(minutes=30)
    for minute in range(20):
        put(
            place.folder / "drop" / "kassa",
            f"20260302_08{minute:02}00.jpg",
            padded(200 + minute),
        )
    list(place.vault.ingest.offer_all(SYSTEM, [place.folder / "drop" / "kassa"], camera="kassa"))
    assert kept_for(place, request) == 20

    place.requests.lapse_due(SYSTEM)

    assert kept_for(place, request) == 3
    put(place.folder / "drop" / "kassa", "20260302_082500.jpg", padded(300))
    list(place.vault.ingest.offer_all(SYSTEM, [place.folder / "drop" / "kassa"], camera="kassa"))
    assert kept_for(place, request) == 3
    # Staff who confirm it get all that is still there.
    place.requests.confirm(place.staff, request)
    assert kept_for(place, request) == 21


def test_a_stranger_who_asks_anew_each_week_keeps_nothing_for_ever(place: Shop) -> None:
    window = minutes("kassa", 0, 10)
    first = place.requests.file(PORTAL_ACTOR, place.body(footage=window), sender="192.0.2.1")
    assert first.frozen == 10
    for week in range(1, 5):
        place.pass_time(days=6)
        shifted = minutes("kassa", 0.01 * week, 10)
        again = place.requests.file(
            PORTAL_ACTOR, place.body(footage=shifted), sender=f"198.51.100.{week}"
        )
        # On the sixth day the first is still live; from the seventh on it is staff's to say.
        assert again.frozen == (10 if week == 1 else 0), week
        place.requests.lapse_due(SYSTEM)
        place.vault.sweeper.run(SYSTEM)
    live = list(place.vault.catalogue.list(place.handler, cameras=("kassa",), start=EIGHT))
    assert [each for each in live if each.started_at < EIGHT + timedelta(minutes=10)] == []


def test_what_strangers_had_frozen_once_is_frozen_again_as_soon_as_staff_confirm(
    place: Shop,
) -> None:
    window = minutes("kassa", 0, 10)
    asked = place.body(footage=window)
    place.requests.file(PORTAL_ACTOR, asked, sender="192.0.2.1")
    place.vault.incidents.flag(
        place.officer,
        cameras=["kassa"],
        starts_at=EIGHT - timedelta(minutes=1),
        ends_at=EIGHT + timedelta(minutes=12),
        title="stöld",
        category="theft",
    )
    place.pass_time(days=8)
    place.requests.lapse_due(SYSTEM)
    genuine = place.requests.file(PORTAL_ACTOR, asked, sender="203.0.113.9")
    assert genuine.frozen == 0
    assert any("until staff confirm" in each for each in genuine.remarks)
    # Neither the clock's measuring nor time lets it in by the back door.
    place.vault.register.measure_clock(
        SYSTEM, "kassa", offset_s=0, uncertainty_s=2, measured_at=place.vault.clock.now()
    )
    assert kept_for(place, genuine.id) == 0
    place.requests.confirm(place.handler, genuine.id)
    assert kept_for(place, genuine.id) == 10


def test_a_request_that_was_confirmed_takes_nothing_from_the_next_one(place: Shop) -> None:
    asked = place.body(footage=minutes("kassa", 0, 10))
    first = place.requests.file(PORTAL_ACTOR, asked, sender="192.0.2.1")
    place.requests.confirm(place.handler, first.id)
    place.pass_time(days=8)
    second = place.requests.file(PORTAL_ACTOR, asked, sender="203.0.113.9")
    assert second.frozen == 10


def test_where_a_request_came_from_is_told_to_nobody(place: Shop) -> None:
    filed = place.requests.file(PORTAL_ACTOR, place.body(), sender="192.0.2.1")
    shown = place.requests.show(place.officer, filed.id)
    assert "192.0.2.1" not in str(shown)
    for entry in place.vault.log.entries(subject=filed.id):
        assert "192.0.2.1" not in str(entry)


recordings = st.lists(
    st.tuples(st.integers(0, 60).map(str), st.just(10)), unique_by=lambda each: each[0], max_size=20
)


@given(
    st.lists(st.tuples(st.integers(0, 4).map(str), recordings), max_size=25), st.integers(0, 900)
)
def test_who_asks_for_no_more_than_a_share_keeps_all_of_it(
    asked: list[tuple[str, list[tuple[str, int]]]], budget: int
) -> None:
    wishes = [Wish(str(n), sender, tuple(kept)) for n, (sender, kept) in enumerate(asked)]
    allotted = share_out(wishes, budget)

    paid = {r for w in wishes for r, _ in w.recordings[: allotted[w.hold]]}
    assert len(paid) * 10 <= budget
    senders = {wish.sender for wish in wishes}
    for wish in wishes:
        own = sum(1 for each in wishes if each.sender == wish.sender)
        sizes = list(accumulate(size for _, size in wish.recordings))
        if sizes and sizes[-1] <= budget // (len(senders) * own) - 10:
            assert allotted[wish.hold] == len(wish.recordings)
    if len({r for w in wishes for r, _ in w.recordings}) * 10 <= budget:
        assert allotted == {wish.hold: len(wish.recordings) for wish in wishes}


def test_many_small_requests_of_one_sender_take_one_senders_share() -> None:
    genuine = Wish("genuine", "a", tuple((f"g{n}", 10) for n in range(10)))
    forged = [Wish(f"f{n}", "b", tuple((f"{n}-{k}", 10) for k in range(9))) for n in range(200)]
    for wishes in ([genuine, *forged], [*forged, genuine]):
        allotted = share_out(wishes, 200)
        assert allotted["genuine"] == 10
        assert sum(allotted.values()) == 20
    # Also from the same address it is cut, not pushed out.
    same = [Wish(each.hold, "a", each.recordings) for each in forged]
    assert share_out([*same, genuine], 10 * 201)["genuine"] == 1
