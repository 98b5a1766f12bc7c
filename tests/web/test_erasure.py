"""Erasure is asked for at the portal or the counter, and decided on the request's page."""

from tests.web.conftest import Person, Screen, Shop
from tests.web.test_deadlines import filed

EARLY = {"from-1": "2026-03-02T06:30:05", "to-1": "2026-03-02T06:30:15"}


def asked(person: Person, camera: str, name: str = "Anna Ek") -> str:
    """The page of a request for erasure that waits for its decision."""
    page = filed(person, type="data-subject", name=name, ground="GDPR 17", cameras=camera)
    person.post(f"{page}/verify", method="in-person", detail="legitimation")
    window = {"cameras": camera, "from-1": "2026-03-02T06:30:05", "to-1": "2026-03-02T06:30:25"}
    person.post(f"{page}/assess", facts="Handlade.", necessity="Behövs inte mer.", **window)
    return page


def test_the_privacy_officer_erases_what_the_page_says(shop: Shop) -> None:
    maria, petra = shop.person("Maria"), shop.person("Petra")
    page = asked(maria, "gang")
    shown = petra.get(page).text
    assert "Decide on erasure" in shown
    assert "Prepare the package" not in shown
    before = len(list(shop.vault.catalogue.list(shop.vault.people.asserted("Maria"))))
    refused = petra.post(f"{page}/decide", answer="no", reason="Nej.")
    assert refused.status_code == 409
    assert petra.post(f"{page}/decide", answer="yes", reason="Behövs inte.").status_code == 303
    shown = petra.get(page).text
    assert f"{page}/letters/erasure.pdf" in shown
    assert "decided on erasure: 0 recordings erased" in shown
    assert len(list(shop.vault.catalogue.list(shop.vault.people.asserted("Maria")))) == before


def test_a_refusal_names_its_exception(shop: Shop) -> None:
    maria, petra = shop.person("Maria"), shop.person("Petra")
    page = asked(maria, "kassa")
    said = petra.post(f"{page}/decide", answer="no", reason="Krav pågår.", exception="GDPR 17.3 e")
    assert said.status_code == 303
    assert "refused the request (GDPR 17.3 e)" in petra.get(page).text


def test_a_stranger_asks_for_erasure_and_nothing_is_frozen(shop: Shop) -> None:
    with shop.portal() as stranger:
        fields = {"type": "data-subject", "name": "Anna Ek", "ground": "GDPR 17", **EARLY}
        answered = stranger.post("/begaran", data=fields)
    assert answered.status_code == 201
    assert "Nothing is kept longer because of your request." in answered.text


def test_the_page_is_accessible_and_fits_the_screen(screen: Screen) -> None:
    maria = screen.shop.person("Maria")
    kept = filed(maria, type="police", authority="Polismyndigheten", ground="DSL 2:5")
    page = screen.signed_in("Petra")
    page.goto(f"{screen.shop.base}{asked(maria, 'kassa', screen.name)}")
    assert kept.rpartition("/")[2] in page.content()
    page.check("text=Behåll allt")
    screen.look(page, "request-erasure")
