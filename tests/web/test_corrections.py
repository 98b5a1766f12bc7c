"""A recording's page shows what was sealed and how it should read, and takes a correction."""

from tests.web.conftest import Screen, Shop

SAYS = {"particular": "camera", "says": "Det är lagret.", "reason": "Kablarna var omkastade."}


def test_a_correction_is_added_on_the_recordings_page(shop: Shop) -> None:
    maria, page = shop.person("Maria"), f"/footage/{shop.recording()}"
    assert maria.post(f"{page}/correct", **{**SAYS, "says": ""}).status_code == 422
    assert maria.post(f"{page}/correct", **SAYS).status_code == 303
    shown = maria.get(page).text
    assert "Det är lagret." in shown
    assert "Kablarna var omkastade." in shown
    assert shop.person("Bo").post(f"{page}/correct", **SAYS).status_code == 403
    assert "Add the correction" not in shop.person("Bo").get(page).text


def test_the_page_is_accessible_and_fits_the_screen(screen: Screen) -> None:
    film = screen.shop.recording("entre")
    screen.shop.person("Maria").post(f"/footage/{film}/correct", **SAYS)
    page = screen.signed_in("Maria")
    page.goto(f"{screen.shop.base}/footage/{film}")
    page.click("text=Rätta en uppgift")
    screen.look(page, "correction")
