"""Personal-data breaches are entered, and what they ask for stands on the first page."""

from tests.web.conftest import Person, Screen, Shop

SAID = {
    "discovered_at": "2026-03-02T07:30",
    "what": "Ett usb-minne med bilder glömdes på bussen.",
    "categories": "Bilder från kassan av kunder.",
    "consequences": "Den som hittar minnet kan se vem som handlade.",
    "persons": "40",
}


def entered(petra: Person) -> str:
    """The page of a breach."""
    sent = petra.post("/breaches", **SAID)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"].partition("?")[0]


def test_a_breach_is_entered_and_waits_on_the_first_page_until_everything_stands(
    shop: Shop,
) -> None:
    petra, maria = shop.person("Petra"), shop.person("Maria")
    page = entered(petra)
    name = page.rpartition("/")[2]
    assert name in maria.get("/").text
    assert "Enter a personal-data breach" not in maria.get("/breaches").text
    assert maria.post("/breaches", **SAID).status_code == 403
    assert maria.post(f"{page}/close", reason="x").status_code == 403
    assert petra.post(f"{page}/close", reason="Klart.").status_code == 409
    assert petra.post(f"{page}/unreported", reason="Krypterat.").status_code == 303
    assert petra.post(f"{page}/told", text="Ingen risk.").status_code == 303
    assert petra.post(f"{page}/amend", measures="Nya rutiner.").status_code == 303
    assert name not in maria.get("/").text
    shown = petra.get(page).text
    assert "Nya rutiner." in shown
    assert "not reported" in shown
    assert petra.post(f"{page}/close", reason="Klart.").status_code == 303
    assert "Enter the report" not in petra.get(page).text
    assert f'href="{page}"' in maria.get("/registers/breaches").text
    assert petra.post("/breaches", **{**SAID, "persons": "många"}).status_code == 422


def test_the_pages_are_accessible_and_fit_the_screen(screen: Screen) -> None:
    petra = screen.shop.person("Petra")
    first = entered(petra)
    petra.post(f"{first}/report", at="2026-03-02T07:45", whole="no", number="IMY-2026-7")
    page = screen.signed_in("Petra")
    screen.look(page, "breach-overview")
    for name, path in (("breaches", "/breaches"), ("breach", entered(petra)), ("breach-2", first)):
        page.goto(f"{screen.shop.base}{path}")
        screen.look(page, name)
