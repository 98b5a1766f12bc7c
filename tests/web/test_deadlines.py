"""What a request owes is done on its page: a later answer, a case number, when it was decided."""

from dataclasses import replace
from datetime import timedelta

from tests.shop import SYSTEM
from tests.web.conftest import Person, Screen, Shop

WINDOW = {"from-1": "2026-03-02T06:30:05", "to-1": "2026-03-02T06:30:25"}


def filed(person: Person, **fields: str) -> str:
    """The page of a request that somebody registered."""
    sent = person.post("/requests", **{"cameras": "kassa", "delivery": "usb", **WINDOW, **fields})
    assert sent.status_code == 303, sent.text
    return sent.headers["location"].partition("?")[0]


def test_an_answer_is_put_off_once_and_a_letter_tells_of_it(shop: Shop) -> None:
    maria = shop.person("Maria")
    page = filed(maria, type="data-subject", name="Anna Ek", ground="GDPR 15")
    shown = maria.get(page).text
    assert "Prolong the answer" in shown
    assert maria.post(f"{page}/prolong", reason=" ").status_code == 422
    done = maria.post(f"{page}/prolong", reason="Många kameror.")
    assert "Now write the letter of it." in maria.get(done.headers["location"]).text
    shown = maria.get(page).text
    assert "Prolong the answer" not in shown
    assert f"{page}/letters/prolonging.pdf" in shown
    assert maria.post(f"{page}/prolong", reason="En gång till.").status_code == 409
    police = filed(maria, type="police", authority="Polismyndigheten", ground="DSL 2:5")
    assert "Prolong the answer" not in maria.get(police).text
    assert maria.post(f"{police}/prolong", reason="Nej.").status_code == 409
    assert shop.person("Bo").post(f"{page}/prolong", reason="x").status_code in {403, 409}


def owing(shop: Shop, name: str) -> str:
    """The page of a case that went out on the spot without its number."""
    shop.vault.people.add(SYSTEM, name, ["staff"], on_the_spot=True)
    on_duty = shop.vault.people.asserted(name)
    body = {
        "requester": {"type": "police", "authority": "Polismyndigheten"},
        "ground": {"code": "DSL 2:5"},
        "matter": {"offence": "stöld"},
        "footage": [
            {
                "cameras": ["kassa"],
                "from": "2026-03-02T06:30:05+01:00",
                "to": "2026-03-02T06:30:25+01:00",
            }
        ],
    }
    called = shop.vault.requests.call(on_duty, body, officer_seen="tjänstekort")
    petra = replace(shop.vault.people.asserted("Petra"), means="password")
    shop.vault.requests.decide(petra, called.id, approve=True, reason="Ja.")
    shop.vault.requests.hand_over(on_duty, called.id, None)
    return f"/requests/{called.id}"


def test_the_case_number_is_entered_on_the_page(shop: Shop) -> None:
    page, maria = owing(shop, "Siv"), shop.person("Maria")
    assert "Enter the case number" in maria.get(page).text
    assert maria.post(f"{page}/number", number="").status_code == 422
    assert maria.post(f"{page}/number", number="5000-K77-26").status_code == 303
    shown = maria.get(page).text
    assert "5000-K77-26" in shown
    assert "Enter the case number" not in shown
    assert maria.post(f"{page}/number", number="5000-K78-26").status_code == 409


def test_an_order_is_registered_with_when_it_was_decided(shop: Shop) -> None:
    maria = shop.person("Maria")
    order = {"type": "preservation-order", "authority": "Åklagaren", "ground": "RB 27:16"}
    page = filed(maria, **order, decided_at="2026-03-02T07:00")
    shown = maria.get(page).text
    assert "2026-03-02 07:00 CET" in shown
    request = page.rpartition("/")[2]
    until = shop.vault.requests.show(shop.vault.people.asserted("Maria"), request).frozen_until
    assert until is not None
    assert shop.vault.clock.now() - timedelta(hours=1) == until - timedelta(days=90)
    wrong = maria.post(
        "/requests", cameras="kassa", **WINDOW, **order, decided_at="2026-03-02T09:00"
    )
    assert wrong.status_code == 422
    maria.post(f"{page}/clarify", text="När?")
    maria.post(f"{page}/answer", text="Nyss.", decided_at="2026-03-02T07:30")
    assert "2026-03-02 07:30 CET" in maria.get(page).text


def test_the_pages_are_accessible_and_fit_the_screen(screen: Screen) -> None:
    maria = screen.shop.person("Maria")
    access = filed(maria, type="data-subject", name="Anna Ek", ground="GDPR 15")
    page = screen.signed_in("Maria")
    page.goto(f"{screen.shop.base}{access}")
    page.click("text=Förläng svarstiden")
    screen.look(page, "request-prolong")
    page.goto(f"{screen.shop.base}{owing(screen.shop, f'Sixten {screen.name}')}")
    screen.look(page, "request-number-owed")
