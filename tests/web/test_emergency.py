"""A child is missing, somebody lies on the floor: from the first page to the folder, on a phone."""

import zipfile
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cctv_vault.disclosure.verification import verify_package
from tests.shop import SYSTEM
from tests.web.conftest import Person, Screen, Shop


@pytest.fixture(scope="module", autouse=True)
def siv(shop: Shop) -> Person:
    """Whoever is on duty and marked for it."""
    added = shop.vault.people.add(SYSTEM, "Siv", ["staff"], on_the_spot=True)
    shop.credentials["Siv"] = added.credential
    return shop.person("Siv")


def asked(person: Person, **changes: str | list[str]) -> httpx.Response:
    """The form, filled in at the counter."""
    fields: dict[str, str | list[str]] = {
        "kind": "danger",
        "at_stake": "Ett barn på sex år har gått från kassan.",
        "told": "Föräldern kom fram kl. 07.50.",
        "who": "sos-alarm",
        "officer": "operatör 7",
        "method": "call-back",
        "called": "112",
        "cameras": ["kassa"],
        "span": "other",
        "from-1": "2026-03-02T06:30:05",
        "to-1": "2026-03-02T06:30:25",
    }
    return person.post("/spot/emergency", **{**fields, **changes})


def test_in_a_minute_and_alone_somebody_gets_help_and_another_looks_at_it_afterwards(
    screen: Screen, tmp_path: Path
) -> None:
    shop, page = screen.shop, screen.signed_in("Siv")
    page.click("main a[href='/spot/emergency']")
    page.wait_for_selector("#at_stake")
    assert not page.is_visible("#called")
    screen.look(page, "emergency")
    page.locator("label.choice:has([value=danger])").click()
    page.fill("#at_stake", f"Ett barn har gått från kassan ({screen.name}).")
    page.fill("#told", "Föräldern kom fram till kassan.")
    page.locator("label.choice:has([value='sos-alarm'])").click()
    page.fill("#officer", "operatör 7")
    page.locator("label.choice:has([value='call-back'])").click()
    assert page.is_visible("#called")
    page.fill("#called", "112")
    page.locator("label.choice:has([name=cameras][value=gang])").click()
    page.locator("label.choice:has([name=span][value=other])").click()
    page.fill("#from-1", "2026-03-02T07:30:05")
    page.fill("#to-1", "2026-03-02T07:30:15")
    screen.look(page, "emergency-filled")
    page.locator("main form button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Hämta mappen")
    assert "Ett barn har gått" in page.inner_text("main")
    screen.look(page, "emergency-handed-over")
    with page.expect_download() as download:
        page.click("main a[download]")
    archive = tmp_path / "folder.zip"
    download.value.save_as(archive)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    case = page.url.rpartition("/")[2].partition("?")[0]
    assert verify_package(tmp_path / case / f"{case}.zip", allow_simulated=True).sound
    assert len(list((tmp_path / case).glob("*.png"))) == 3
    reviewer = screen.signed_in("Bo")
    reviewer.goto(f"{shop.base}/requests/{case}")
    assert "Föräldern kom fram till kassan." in reviewer.inner_text("main")
    screen.look(reviewer, "emergency-to-review")
    reviewer.check("input[name=answer][value=yes]")
    reviewer.fill("#review-reason", "Barnet hittades.")
    reviewer.locator("form:has(#review-reason) button").click()
    reviewer.wait_for_selector("text=Granskningen är införd.")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"who": "insurer"}, "Försäkringsbolag: utlämnande före beslut finns inte för denna"),
        ({"who": "media"}, "Ingen rättslig grund finns"),
        ({"at_stake": " "}, "vilket liv eller vilken hälsa som är i fara"),
        ({"method": ""}, "Ange hur den som ber är kontrollerad"),
        ({"called": ""}, "Ange hur den som ber är kontrollerad"),
        ({"kind": "missing", "who": "health"}, "endast till Polismyndigheten"),
        (
            {"from-1": "2026-03-02T04:30:00", "to-1": "2026-03-02T06:31:00"},
            "Högst 120 minuter lämnas ut utan beslut",
        ),
        (
            {"from-1": "2026-03-02T01:00:00", "to-1": "2026-03-02T01:10:00"},
            "Det finns inspelningar kvar i den tid som behövs",
        ),
    ],
)
def test_what_is_no_emergency_is_refused_in_words_and_keeps_what_was_typed(
    shop: Shop, siv: Person, changes: dict[str, str | list[str]], says: str
) -> None:
    before = len(shop.vault.requests.list(SYSTEM))
    siv.client.headers["Accept-Language"] = "sv"
    answer = asked(siv, **changes)
    siv.client.headers["Accept-Language"] = "en"
    assert answer.status_code == 409, answer.text
    assert says in answer.text
    assert 'value="operatör 7"' in answer.text
    assert 'href="/requests/new"' in answer.text
    assert len(shop.vault.requests.list(SYSTEM)) == before


def test_a_form_that_says_nothing_of_who_or_what_is_refused(siv: Person) -> None:
    nothing: list[str] = []
    assert asked(siv, cameras=nothing).status_code == 422
    for name, value in (("kind", ""), ("kind", "x"), ("who", ""), ("who", "the king")):
        assert asked(siv, **{name: value}).status_code == 422


def test_only_who_is_marked_for_it_finds_the_page(shop: Shop, siv: Person) -> None:
    for name in ("Sara", "Maria", "Petra", "Adam"):
        person = shop.person(name)
        assert 'href="/spot/emergency"' not in person.get("/").text
        assert person.get("/spot/emergency").status_code == 403
        assert asked(person).status_code == 403
    for page in ("/", "/spot", "/requests"):
        assert 'href="/spot/emergency"' in siv.get(page).text


@pytest.mark.parametrize(("kind", "ground"), [("missing", "6.1 d"), ("accident", "6.1 f")])
def test_not_crime_is_reached_from_the_same_page_and_from_the_portal(
    shop: Shop, siv: Person, kind: str, ground: str
) -> None:
    answer = asked(siv, kind=kind, who="police", method="in-person", cameras=["entre"])
    assert answer.status_code == 303, answer.text
    page = answer.headers["location"].partition("?")[0]
    shown = shop.vault.requests.show(SYSTEM, page.rpartition("/")[2])
    assert (shown.requester_type, shown.ground_code) == ("police-not-crime", f"GDPR {ground}")
    assert shown.body["requester"]["authority"] == "Polismyndigheten"
    assert "Ett barn på sex år" in siv.get(page).text
    with shop.portal() as stranger:
        form = stranger.get("/begaran").text
    assert 'value="police-not-crime"' in form
    assert 'value="emergency"' not in form


def test_a_review_that_nobody_made_stands_on_the_first_page(shop: Shop, siv: Person) -> None:
    answer = asked(siv, at_stake="Någon ligger på golvet.", cameras=["entre"])
    case = answer.headers["location"].partition("?")[0].rpartition("/")[2]
    # By the end of the next working day: that day is named, not the midnight after it.
    told = "To be reviewed by <strong>Tuesday 3 March 2026</strong>"
    assert told in siv.get(f"/spot/{case}").text
    shop.vault.set_clock(SYSTEM, shop.vault.clock.now() + timedelta(days=3))
    for each in ("Bo", "Maria"):
        if each in shop.people:  # their session has idled out
            shop.people.pop(each).client.close()
        first = shop.person(each).get("/").text
        assert f"/requests/{case}" in first
        assert "nobody else has reviewed the release in time" in first
