"""What access costs stands on the request's page, where the privacy officer enters a fee."""

from tests.web.conftest import Person, Screen, Shop
from tests.web.test_deadlines import filed


def asking(person: Person, name: str) -> str:
    """The page of a request for access whose requester was verified."""
    page = filed(person, type="data-subject", name=name, ground="GDPR 15")
    person.post(f"{page}/verify", method="in-person", detail="legitimation")
    return page


def test_the_second_of_a_year_is_told_and_only_the_privacy_officer_charges(shop: Shop) -> None:
    maria, petra = shop.person("Maria"), shop.person("Petra")
    first, second = asking(maria, "Ture Två"), asking(maria, "Ture Två")
    assert "The first in 2026" in petra.get(first).text
    shown = petra.get(second).text
    assert first.rpartition("/")[2] in shown
    assert "Enter the fee" in shown
    assert "Enter the fee" not in petra.get(first).text
    assert "Enter the fee" not in maria.get(second).text
    fee = {"kronor": "200", "because": "repetitive", "reason": "Samma minut."}
    assert maria.post(f"{second}/charge", **fee).status_code == 403
    assert petra.post(f"{first}/charge", **fee).status_code == 409
    assert petra.post(f"{second}/charge", **{**fee, "kronor": "mycket"}).status_code == 422
    assert petra.post(f"{second}/charge", **fee).status_code == 303
    shown = petra.get(second).text
    assert "Fee 200 kronor" in shown
    assert "Samma minut." in shown
    assert petra.post(f"{second}/charge", kronor="0", reason="Fel av oss.").status_code == 303
    assert "Fee 200 kronor" not in petra.get(second).text


def test_the_page_is_accessible_and_fits_the_screen(screen: Screen) -> None:
    maria = screen.shop.person("Maria")
    name = f"Anna {screen.name}"
    asking(maria, name)
    second = asking(maria, name)
    page = screen.signed_in("Petra")
    page.goto(f"{screen.shop.base}{second}")
    page.click("text=Ta ut en avgift")
    screen.look(page, "request-fee")
