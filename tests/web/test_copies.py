"""The page of copies: who has one, why, until when, and that it is gone."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.shop import SYSTEM
from tests.web.conftest import Person, Screen, Shop

TakeOut = Callable[..., str]


@pytest.fixture
def take_out(shop: Shop, tmp_path: Path) -> TakeOut:
    """Take a copy out as Maria; its id."""
    maria = shop.vault.people.asserted("Maria")

    def taken(purpose: str = "technical-fault", reason: str = "bilden flimrar") -> str:
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.mp4"
        recording = shop.recording("gang")
        return shop.vault.access.export(
            maria, recording, out, reason=reason, purpose=purpose
        ).copy_id

    return taken


def signed_in(shop: Shop, name: str) -> Person:
    """Signed in anew: another test may have let the session idle out."""
    if name in shop.people:
        shop.people.pop(name).client.close()
    return shop.person(name)


@pytest.fixture(scope="module", autouse=True)
def flagged(shop: Shop) -> None:
    """The aisle's film outlives the days that these tests take."""
    found = next(shop.vault.catalogue.list(SYSTEM, cameras=("gang",)))
    shop.vault.incidents.flag(
        shop.vault.people.asserted("Maria"),
        cameras=["gang"],
        starts_at=found.started_at,
        ends_at=found.ended_at,
        title="flimmer",
        category="other",
    )


def test_who_has_a_copy_and_why_stands_there_until_its_destruction_is_confirmed(
    shop: Shop, take_out: TakeOut
) -> None:
    copy, maria = take_out(), signed_in(shop, "Maria")
    page = maria.get("/registers/copies").text
    for words in (copy, "bilden flimrar", "technical fault", "Maria", "To be destroyed by"):
        assert words in page
    assert maria.post(f"/registers/copies/{copy}").status_code == 303
    page = maria.get("/registers/copies").text
    assert f'action="/registers/copies/{copy}"' not in page
    assert "Confirmed destroyed" in page
    assert maria.post(f"/registers/copies/{copy}").status_code == 422
    assert maria.post("/registers/copies/K-NOTTHERE").status_code == 404
    (entry,) = shop.vault.log.entries(event="copy.destruction-confirmed", subject=copy)
    assert entry.facts == {"in_time": True}


def test_who_may_only_read_registers_confirms_nothing(shop: Shop, take_out: TakeOut) -> None:
    copy = take_out()
    for name in ("Bo", "Rut", "Dag"):
        person = signed_in(shop, name)
        page = person.get("/registers/copies").text
        assert copy in page
        assert f'action="/registers/copies/{copy}"' not in page
        assert person.post(f"/registers/copies/{copy}").status_code == 403
    for name in ("Sara", "Adam"):
        assert signed_in(shop, name).get("/registers/copies").status_code == 403


def test_what_a_reader_sees_of_a_reason_is_text(shop: Shop, take_out: TakeOut) -> None:
    take_out(reason="<script>alert(1)</script>")
    assert "<script>alert" not in signed_in(shop, "Maria").get("/registers/copies").text


def test_a_copy_whose_end_has_passed_stands_on_the_first_page(
    screen: Screen, take_out: TakeOut
) -> None:
    shop, copy = screen.shop, take_out("internal-review", "svinn vid kassan")
    early = screen.signed_in("Maria")
    assert copy not in early.inner_text("main")
    shop.vault.set_clock(SYSTEM, shop.vault.clock.now() + timedelta(days=14, minutes=1))
    page = screen.signed_in("Maria")
    assert copy in page.inner_text("section[aria-labelledby=copies]")
    screen.look(page, "overview-copies")
    page.click(f"section[aria-labelledby=copies] a[href$='{copy}']")
    page.wait_for_selector(f"#copy-{copy}")
    assert "ingen har bekräftat det" in page.inner_text("[role=alert]")
    screen.look(page, "copies")
    page.locator(f"#copy-{copy} button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Att kopian är förstörd står i förteckningen.")
    assert "efter sin tid" in page.inner_text("section[aria-labelledby=gone]")
    screen.look(page, "copies-confirmed")
