"""The page of cameras tells of each place's sign, and takes what was seen of it."""

from tests.web.conftest import Screen, Shop


def test_a_look_at_the_sign_is_entered_on_the_page_of_cameras(shop: Shop) -> None:
    maria = shop.person("Maria")
    assert "nobody has entered whether there is a sign" in maria.get("/cameras").text
    assert maria.post("/signs/butik", there="yes", place="").status_code == 422
    seen: dict[str, str | list[str]] = {
        "there": "yes",
        "place": "on the door",
        "says": ["controller", "purpose"],
    }
    assert maria.post("/signs/butik", **seen).status_code == 303
    shown = maria.get("/cameras").text
    assert "on the door" in shown
    assert "the sign does not say where more is to be read" in shown
    assert shop.person("Bo").post("/signs/butik", **seen).status_code == 403
    assert "Enter a look at it" not in shop.person("Bo").get("/cameras").text


def test_the_page_is_accessible_and_fits_the_screen(screen: Screen) -> None:
    page = screen.signed_in("Maria")
    page.goto(f"{screen.shop.base}/cameras")
    page.click("text=För in en kontroll")
    screen.look(page, "signs")
