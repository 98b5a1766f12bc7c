"""Gallring tells which windows would stay, and for which hold, before anything is cut."""

from datetime import UTC, timedelta
from pathlib import Path

from cctv_vault.people.actors import Role
from cctv_vault.retention.policies import default_policy_text
from tests.shop import MANAGER, NOW, SYSTEM, film, person, put
from tests.web.conftest import Shop

WINDOW_ONLY = (
    default_policy_text()
    .replace("version = 1\n", "version = 2\n", 1)
    .replace('code = "incident"\n', 'code = "incident"\nkeep = "window"\n')
)


def test_the_page_tells_what_would_be_cut_to_a_window(shop: Shop, tmp_path: Path) -> None:
    vault = shop.vault
    officer = person(Role.PRIVACY_OFFICER, name="Pia")
    vault.publisher.publish(officer, WINDOW_ONLY, vault.clock.now())
    vault.register.measure_clock(SYSTEM, "kassa", 0.0, 1.0, NOW)
    path = put(tmp_path, "20260302_074500.mp4", film(91, 30))
    assert vault.ingest.offer(SYSTEM, path, camera="kassa").outcome == "sealed"
    began = NOW.astimezone(UTC) - timedelta(minutes=15)
    incident = vault.incidents.flag(
        MANAGER,
        cameras=["kassa"],
        starts_at=began + timedelta(seconds=10),
        ends_at=began + timedelta(seconds=15),
        title="Stöld",
        category="theft",
    )
    assert 'id="narrowed"' not in shop.person("Maria").get("/expiry").text
    vault.set_clock(SYSTEM, NOW + timedelta(days=6))
    page = shop.person("Petra").get("/expiry").text  # who signs in now: a session has an end
    section = page[page.index('id="narrowed"') :].partition("</section>")[0]
    assert f'href="/holds/{incident.hold_id}"' in section
    assert "07:45:09" in section
    assert "07:45:16" in section
