"""What a colleague is suspected of: nobody comes to see or fetch it by having it asked for.

The request's own freeze keeps it; whether it may be seen is judged as if that were not there. It is
held all the same, and leaves through the privacy officer.
"""

import io
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cctv_vault.errors import (
    AccessDeniedError,
    ExpiredError,
    GateNotMetError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import PORTAL_ACTOR, Actor
from cctv_vault.retention.holds import HoldOrder
from tests.shop import SYSTEM

Shop = Any
SEEN = "tjänstekort visat i butiken"
FROM, TO = (
    datetime.fromisoformat(each)
    for each in ("2026-03-01T09:00:00+01:00", "2026-03-01T09:01:00+01:00")
)
SEIZURE = {
    "requester__type": "seizure",
    "ground__code": "RB 27:17 a",
    "ground__decision_maker": "åklagare Åsa Berg",
}


def suspect(shop: Shop) -> str:
    """A confirmed suspicion against a colleague over all of the till's footage."""
    found = shop.vault.incidents.flag(
        shop.officer,
        cameras=["kassa"],
        starts_at=FROM,
        ends_at=TO,
        title="kassadifferens",
        category="employee-crime",
    )
    shop.vault.incidents.confirm(shop.approver, found.id, "två har sett samma sak")
    return str(found.id)


@pytest.fixture
def shop(quick_shop: Shop) -> Shop:
    """On SQLite: what an engine decides of it is tried in tests/core."""
    return quick_shop


@pytest.fixture
def suspicion(shop: Shop) -> str:
    """Once nothing else keeps it."""
    incident = suspect(shop)
    shop.pass_time(days=6)
    shop.vault.sweeper.run(SYSTEM)
    return incident


@pytest.fixture
def on_duty(shop: Shop) -> Actor:
    staff: Actor = shop.staff
    return replace(staff, on_the_spot=True)


def seen_by(shop: Shop, actor: Actor) -> int:
    return len(list(shop.vault.catalogue.list(actor, cameras=("kassa",))))


def originals(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [name for name in archive.namelist() if "/data/originals/" in name]


def test_a_seizure_recorded_by_staff_holds_it_and_gives_them_nothing(
    shop: Shop, suspicion: str, tmp_path: Path
) -> None:
    body = shop.body(**SEIZURE)
    with pytest.raises(GateNotMetError, match="there is footage left in the window"):
        shop.requests.on_the_spot(shop.staff, body, officer_seen=SEEN, out_dir=None)
    (request,) = shop.requests.list(shop.officer)
    assert (request.state, request.attention) == ("verified", ("hidden",))
    assert shop.requests.list(shop.handler)[0].attention == ()
    with pytest.raises(TransitionNotAllowedError, match="no folder"):
        shop.requests.open_folder(shop.staff, request.id)
    assert seen_by(shop, shop.handler) == 0
    assert seen_by(shop, shop.officer) == 3
    # The suspicion ends: what the law bade keep is kept on, and is no more to be seen than before.
    shop.vault.incidents.close(shop.officer, suspicion, "överlämnat")
    shop.vault.sweeper.run(shop.officer)
    assert seen_by(shop, shop.handler) == 0
    assert seen_by(shop, shop.officer) == 2

    spot = shop.requests.on_the_spot(
        shop.officer, body, officer_seen=SEEN, out_dir=tmp_path / "usb"
    )

    packed = (tmp_path / "usb" / f"{spot.id}.zip").read_bytes()
    assert len(originals(packed)) == 2


def test_a_thing_taken_keeps_it_and_lets_nobody_see_it(shop: Shop, suspicion: str) -> None:
    assert suspicion
    body = shop.body(**SEIZURE) | {"measure": {"taken": "en inspelare"}}
    taken = shop.requests.record_taken(shop.staff, body, officer_seen=SEEN)
    assert seen_by(shop, shop.handler) == 0
    assert shop.requests.show(shop.handler, taken.id).footage == ()
    assert len(shop.requests.show(shop.officer, taken.id).footage) == 2


def test_the_police_at_the_counter_get_it_from_the_privacy_officer_and_nobody_else(
    shop: Shop, suspicion: str, on_duty: Actor
) -> None:
    assert suspicion
    for _ in range(2):
        with pytest.raises(GateNotMetError, match="there is footage left in the window"):
            shop.requests.call(on_duty, shop.body(), officer_seen=SEEN)
    (request,) = (each.id for each in shop.requests.list(shop.officer))
    assert seen_by(shop, shop.handler) == 0
    shop.requests.assess(shop.officer, request, "Anmäld stöld.", "Tjugofem sekunder.")
    shop.requests.decide(shop.approver, request, approve=True, reason="Behövs.")
    with pytest.raises(GateNotMetError, match="footage left"):
        shop.requests.prepare(shop.handler, request)
    out = io.BytesIO()
    shop.requests.prepare(shop.officer, request, out)
    assert len(originals(out.getvalue())) == 2
    # Sealed and waiting it is no more theirs than it was, nor is one in its place.
    requests = shop.requests
    for act, how in (
        (requests.open_package, ()),
        (requests.release, ("link",)),
        (requests.prepare, ()),
    ):
        with pytest.raises(AccessDeniedError, match="privacy officer"):
            act(shop.handler, request, *how)
    released = shop.requests.release(shop.officer, request, "link")
    with shop.requests.collect(released.token, released.code).reader as reader:
        assert len(originals(reader.read())) == 2


@pytest.mark.parametrize("way", ["staff", "portal"])
def test_a_request_keeps_it_and_lets_nobody_see_it(shop: Shop, suspicion: str, way: str) -> None:
    assert suspicion
    filed = shop.requests.file(PORTAL_ACTOR if way == "portal" else shop.handler, shop.body())
    if way == "portal":
        assert filed.frozen == 2  # whoever asks is not told that it is gone
        shop.requests.confirm(shop.handler, filed.id)
    assert seen_by(shop, shop.handler) == 0
    shown = shop.requests.show(shop.handler, filed.id)
    assert (shown.footage, shown.gone) == ((), 2)
    (left,) = [point for point in shown.checklist if point.code == "footage"]
    assert not left.met
    hold = shop.vault.holds.show(shop.handler, shown.hold_id)
    assert hold.recordings == 0
    assert shop.vault.holds.show(shop.officer, shown.hold_id).recordings == 2
    recording = shop.requests.show(shop.officer, filed.id).footage[0].id
    with pytest.raises(ExpiredError):
        shop.vault.access.open(shop.handler, recording, "tittar")
    placed = [
        entry
        for entry in shop.vault.visible_entries(shop.handler, event="hold.placed")
        if recording in str(entry)
    ]
    assert placed == []
    told = str(shop.vault.visible_entries(shop.handler, event="hold.changed"))
    assert "restricted" not in told
    assert "restricted" in str(shop.vault.visible_entries(shop.officer, event="hold.changed"))


def test_asked_for_while_all_could_see_it_it_is_seen_no_longer_than_without_the_request(
    shop: Shop,
) -> None:
    suspect(shop)
    request = shop.filed()
    assert seen_by(shop, shop.handler) == 3
    shop.pass_time(days=6)
    shop.vault.sweeper.run(SYSTEM)
    assert seen_by(shop, shop.handler) == 0
    assert len(shop.requests.show(shop.officer, request).footage) == 2


def test_what_is_not_suspected_is_seen_as_long_as_the_request_keeps_it(shop: Shop) -> None:
    request = shop.filed()
    shop.pass_time(days=6)
    shop.vault.sweeper.run(SYSTEM)
    assert seen_by(shop, shop.handler) == 2
    assert len(shop.requests.show(shop.handler, request).footage) == 2


@pytest.mark.parametrize("purpose", ["save-now", "claim", "incident"])
def test_what_the_privacy_officer_keeps_for_the_house_shows_it_to_nobody_else(
    shop: Shop, suspicion: str, purpose: str
) -> None:
    assert suspicion
    if purpose == "incident":
        shop.vault.incidents.flag(
            shop.officer,
            cameras=["kassa"],
            starts_at=FROM,
            ends_at=TO,
            title="stöld",
            category="theft",
        )
    elif purpose == "claim":
        order = HoldOrder(purpose="claim", windows=(("kassa", FROM, TO),), reason="krav")
        shop.vault.holds.place_as(shop.officer, order)
    else:
        shop.vault.incidents.save_now(shop.officer, ["kassa"], timedelta(hours=2))
    assert seen_by(shop, shop.handler) == 0
