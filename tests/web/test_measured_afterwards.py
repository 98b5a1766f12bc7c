"""A clock measured after the footage was sealed: the handler sees it, and the form corrects it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.disclosure.conftest import BODY
from tests.shop import MANAGER, SYSTEM, film, put
from tests.web.conftest import Screen, Shop, follow

TRUE = datetime.fromisoformat("2026-03-02T07:10:00+01:00")
HOUR = timedelta(hours=1)


def asked(shop: Shop, folder: Path, code: str) -> str:
    """A verified request for footage of a camera that was found to be an hour behind later on."""
    shop.vault.register.add_camera(SYSTEM, code, drop=folder, name="Lagret", view="porten")
    path = put(folder, f"{TRUE - HOUR:%Y%m%d_%H%M%S}.mp4", film(len(code), 20))
    assert shop.vault.ingest.offer(SYSTEM, path, camera=code).outcome == "sealed"
    shop.vault.register.measure_clock(SYSTEM, code, -3600, 2, TRUE.astimezone(UTC))
    window = {"cameras": [code], "from": TRUE.isoformat()}
    window["to"] = (TRUE + timedelta(seconds=10)).isoformat()
    request = shop.vault.requests.file(MANAGER, {**BODY, "footage": [window]}).id
    shop.vault.requests.verify(MANAGER, request, "call-back", "växeln 114 14")
    return request


@pytest.mark.parametrize(
    ("sent", "hour"), [({"clock": "measured"}, "06:10:00"), ({}, "07:10:00")], ids=["ticked", "not"]
)
def test_the_form_looks_where_the_camera_told_the_time_unless_it_is_told_not_to(
    shop: Shop, tmp_path: Path, sent: dict[str, str], hour: str
) -> None:
    code = "lager" if sent else "bakom"
    request = asked(shop, tmp_path, code)
    maria = shop.person("Maria")
    page = maria.get(f"/requests/{request}").text
    assert f"The clock of {code} was first measured when the pictures were already here" in page
    assert 'name="clock" value="measured" checked' in page
    answer = maria.post(
        f"/requests/{request}/assess",
        facts="Anmäld.",
        necessity="Behövs.",
        cameras=code,
        from__1="2026-03-02T07:10:00",
        to__1="2026-03-02T07:10:10",
        **sent,
    )
    assert answer.status_code == 303
    (approved,) = shop.vault.requests.show(SYSTEM, request).approved
    assert f"{approved.starts_at.astimezone(TRUE.tzinfo):%H:%M:%S}" == hour


def test_the_page_is_accessible_and_shows_where_to_look(screen: Screen, tmp_path: Path) -> None:
    request = asked(screen.shop, tmp_path, f"lagret-{screen.name}")
    page = screen.signed_in("Maria")
    page.goto(f"{screen.shop.base}/requests/{request}")
    assert "06:10:00" in page.inner_text(".notice")
    assert "Det finns inga inspelningar kvar" not in page.inner_text("main")
    screen.look(page, "request-measured-afterwards")
    page.fill("#facts", "Stölden är anmäld.")
    page.fill("#necessity", "Visar gärningspersonen.")
    follow(page, "text=För in bedömningen")
    screen.look(page, "request-measured-afterwards-assessed")
