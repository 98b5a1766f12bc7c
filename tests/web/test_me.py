"""One's own settings: what one may do, and who decides in one's place for dates."""

import re

from tests.web.conftest import Screen, Shop

LENT = re.compile(r"/me/delegations/(D-[0-9A-Z]+)/end")


def test_an_approver_lends_the_right_to_decide_and_takes_it_back(shop: Shop) -> None:
    bo, sara = shop.person("Bo"), shop.person("Sara")
    account = shop.vault.people.asserted("Sara").id
    assert 'href="/me"' in bo.get("/").text
    assert f'value="{account}"' in bo.get("/me").text
    assert sara.get("/log").status_code == 403
    sent = {"taker": account, "from": "2026-03-02", "until": "2026-03-03"}
    assert bo.post("/me/delegations", **{**sent, "until": "i morgon"}).status_code == 422
    assert bo.post("/me/delegations", **{**sent, "until": "2026-03-01"}).status_code == 422
    assert bo.post("/me/delegations", **sent).status_code == 303
    shown = bo.get("/me").text
    assert "to Sara" in shown
    assert "Monday 2 March 2026 – Tuesday 3 March 2026" in shown
    # From her next page on she has an approver's rights, and cannot lend them on.
    assert sara.get("/log").status_code == 200
    hers = sara.get("/me").text
    assert "by Bo" in hers
    assert "holds now" in hers
    assert 'action="/me/delegations"' not in hers
    assert sara.post("/me/delegations", **sent).status_code == 403
    lent = LENT.search(shown)
    assert lent is not None
    assert sara.post(lent[0]).status_code == 404
    assert bo.post(lent[0]).status_code == 303
    assert sara.get("/log").status_code == 403
    assert "was taken back" in bo.get("/me").text
    assert bo.post(lent[0]).status_code in {404, 409}


def test_whoever_cannot_lend_is_not_offered_to(shop: Shop) -> None:
    for name in ("Maria", "Petra", "Dag", "Adam"):
        person = shop.person(name)
        page = person.get("/me")
        assert page.status_code == 200
        assert 'action="/me/delegations"' not in page.text
        taker = shop.vault.people.asserted("Sara").id
        refused = person.post(
            "/me/delegations", taker=taker, from_="2026-03-02", until="2026-03-03"
        )
        assert refused.status_code == 403


def test_the_page_is_accessible_and_fits_the_screen(screen: Screen) -> None:
    page = screen.signed_in("Bo")
    page.goto(f"{screen.shop.base}/me")
    screen.look(page, "me")
    page.select_option("#taker", label="Maria")
    page.fill("#until", "2026-03-06")
    page.click("main form button")
    page.wait_for_selector("text=Beslutsrätten är delegerad.")
    screen.look(page, "me-lent")
