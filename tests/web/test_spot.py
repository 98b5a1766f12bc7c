"""The police are here: an employee alone on a Saturday at 22:40, with a phone."""

import re
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from cctv_vault.disclosure.verification import verify_package
from cctv_vault.people.actors import Actor
from tests.shop import SYSTEM, film, put
from tests.web.conftest import Person, Screen, Shop

SATURDAY = datetime.fromisoformat("2026-03-07T22:40:00+01:00")
_TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
_MOST_TAPS = 12
_OUTSIDE_THE_PAGE = 3
"""Open the fetched zip, unpack it, choose the stick: a browser cannot do these for anybody."""

SignIn = Callable[..., Person]


@pytest.fixture(scope="module", autouse=True)
def saturday(shop: Shop) -> Shop:
    """The shop on a Saturday night, with films of a quarter past ten and two marked for it."""
    shop.vault.set_clock(SYSTEM, SATURDAY)
    filmed(shop, "kassa", SATURDAY - timedelta(minutes=20))
    filmed(shop, "entre", SATURDAY - timedelta(minutes=20))
    for name in ("Siv", "Sixten"):
        added = shop.vault.people.add(SYSTEM, name, ["staff"], on_the_spot=True)
        shop.credentials[name] = added.credential
    return shop


@pytest.fixture
def sign_in(shop: Shop) -> Iterator[SignIn]:
    """A session of its own, which no other test has let idle; its first page in a language."""
    opened: list[httpx.Client] = []

    def signed_in(name: str, language: str = "en") -> Person:
        client = shop.stranger(language=language)
        opened.append(client)
        sent = {"name": name, "credential": shop.credentials[name]}
        assert client.post("/sign-in", data=sent).status_code == 303
        found = _TOKEN.search(client.get("/").text)
        assert found is not None
        return Person(client, found[1])

    yield signed_in
    for client in opened:
        client.close()


def filmed(shop: Shop, camera: str, at: datetime) -> None:
    """Half a minute of a camera, once the shop's own watcher has taken it in."""
    number = at.minute * 60 + at.second + len(camera)
    name = f"{at:%Y%m%d_%H%M%S}_A.mp4"
    put(shop.vault.settings.home.parent / "drop" / camera, name, film(number, 30))
    for _ in range(600):
        if list(shop.vault.catalogue.list(SYSTEM, cameras=(camera,), start=at)):
            return
        time.sleep(0.1)
    pytest.fail(f"{name} was not taken in")


def asked(shop: Shop, person: Person, **changes: str | list[str]) -> httpx.Response:
    """The form, filled in as at the counter, at the time it is now."""
    now = shop.vault.clock.now()
    fields: dict[str, str | list[str]] = {
        "who": "police",
        "seen": "yes",
        "officer": "Eva Ek, lpo Solna",
        "authority": "Polismyndigheten",
        "offence": "theft",
        "cameras": ["kassa"],
        "span": "other",
        "from-1": "2026-03-07T22:20:05",
        "to-1": "2026-03-07T22:20:25",
        "description": f"{now:%d %H:%M}",
    }
    return person.post("/spot", **{**fields, **changes})


def called(shop: Shop, person: Person, **changes: str | list[str]) -> str:
    """The page of a case that was just called for."""
    answer = asked(shop, person, **changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


def fetched(person: Person, page: str, into: Path) -> Path:
    """The folder of a case, unpacked by a program that is not ours."""
    answer = person.get(f"{page}/folder")
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    archive = into / "folder.zip"
    archive.write_bytes(answer.content)
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        opened.extractall(into)
    archive.unlink()
    (folder,) = into.iterdir()
    return folder


def test_alone_at_twenty_to_eleven_it_takes_at_most_twelve_taps(
    screen: Screen, tmp_path: Path
) -> None:
    shop, page = screen.shop, screen.open(screen.shop.base)
    taps = 0

    def tap(selector: str) -> None:
        nonlocal taps
        page.locator(selector).first.click()
        taps += 1

    def write(selector: str, text: str) -> None:
        tap(selector)
        page.keyboard.type(text)

    now = shop.vault.clock.now().astimezone(SATURDAY.tzinfo)
    filmed(shop, "kassa", now - timedelta(minutes=10))
    page.fill("#name", "Siv")
    page.fill("#credential", shop.credentials["Siv"])
    tap("main button")
    tap("main a[href='/spot']")
    screen.look(page, "spot")
    tap("text=Polisen står här och jag har sett")
    write("#officer", "Eva Ek, lpo Solna")
    tap("label.choice:has([name=offence][value=theft])")
    tap("label.choice:has([name=cameras][value=kassa])")
    tap("main form button")
    page.wait_for_selector("[data-waiting]")
    assert "Petra" in page.inner_text("main")
    assert page.inner_text("[data-clock]").startswith("1")
    screen.look(page, "spot-waiting")
    assert page.locator("main form").count() == 0

    shop.vault.set_clock(SYSTEM, shop.vault.clock.now() + timedelta(minutes=15))
    page.wait_for_selector("text=Lämna ut ensam")  # the page itself noticed
    screen.look(page, "spot-alone")
    tap("main form button")
    page.wait_for_selector("text=Hämta mappen")
    screen.look(page, "spot-handed-over")
    with page.expect_download() as download:
        tap("main a[download]")
    archive = tmp_path / "folder.zip"
    download.value.save_as(archive)
    assert taps + _OUTSIDE_THE_PAGE <= _MOST_TAPS

    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    case = page.url.rpartition("/")[2].partition("?")[0]
    names = {path.name.removeprefix(f"{case}-") for path in (tmp_path / case).iterdir()}
    assert {"kvitto.pdf", "report.pdf", f"{case}.zip"} <= names
    assert any(name.endswith(".mp4") for name in names)
    assert len([name for name in names if name.endswith(".png")]) == 3
    assert verify_package(tmp_path / case / f"{case}.zip", allow_simulated=True).sound
    assert shop.vault.requests.standing(_actor(shop, "Siv"), case).state == "under-review"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"who": "insurer"}, "Försäkringsbolag: utlämnande före beslut finns inte för denna"),
        ({"who": "media"}, "Ingen rättslig grund finns"),
        ({"seen": ""}, "Den som begär måste stå här och ha visat sin tjänstelegitimation"),
        (
            {"from-1": "2026-03-06T22:20:00", "to-1": "2026-03-07T22:20:00"},
            "På plats lämnas högst 60 minuter ut",
        ),
        ({"offence": ""}, "Ange vilket brott det gäller"),
        (
            {"from-1": "2026-03-07T12:00:00", "to-1": "2026-03-07T12:10:00"},
            "Det finns inspelningar kvar i den tid som behövs",
        ),
    ],
)
def test_an_insurer_a_day_and_an_absent_officer_are_refused_in_words(
    shop: Shop, sign_in: SignIn, changes: dict[str, str | list[str]], says: str
) -> None:
    siv = sign_in("Siv", "sv")
    before = len(shop.vault.requests.standings(_actor(shop, "Siv")))
    answer = asked(shop, siv, **changes)
    assert answer.status_code == 409
    assert says in answer.text
    assert ":." not in answer.text
    assert 'value="Eva Ek, lpo Solna"' in answer.text
    assert 'href="/requests/new"' in answer.text
    assert len(shop.vault.requests.standings(_actor(shop, "Siv"))) == before


def test_a_form_without_cameras_or_time_or_anybody_is_refused(shop: Shop, sign_in: SignIn) -> None:
    siv = sign_in("Siv")
    nothing: list[str] = []
    assert asked(shop, siv, cameras=nothing).status_code == 422
    for name, value in (("span", ""), ("who", "the king"), ("from-1", "")):
        assert asked(shop, siv, **{name: value}).status_code == 422


def test_a_time_read_off_the_picture_is_said_to_be_one(shop: Shop, sign_in: SignIn) -> None:
    siv = sign_in("Siv")
    assert 'name="clock"' in siv.get("/spot").text
    case = called(shop, siv, clock="picture", officer="Ola Ek, lpo Nacka").rpartition("/")[2]
    (window,) = shop.vault.requests.show(SYSTEM, case).body["footage"]
    assert window["clock"] == "picture"


def test_only_who_is_marked_for_it_finds_the_page(shop: Shop, sign_in: SignIn) -> None:
    for name in ("Sara", "Maria", "Petra"):
        person = sign_in(name)
        assert 'href="/spot"' not in person.get("/").text
        assert person.get("/spot").status_code == 403
        assert asked(shop, person).status_code == 403
    siv = sign_in("Siv")
    assert 'href="/spot"' in siv.get("/").text
    assert 'href="/spot"' in siv.get("/requests").text


def test_who_answers_decides_from_a_phone_and_nobody_waits(
    shop: Shop, sign_in: SignIn, tmp_path: Path
) -> None:
    siv, bo = sign_in("Siv"), sign_in("Bo")
    page = called(shop, siv, number="5000-K123456-26")
    case = page.rpartition("/")[2]
    assert "Bo, Petra" in siv.get(page).text
    waiting = siv.get(f"{page}/state").json()
    assert waiting == {"state": "assessed", "left": 900}
    assert siv.post(f"{page}/hand-over").status_code == 409
    assert siv.get(f"{page}/folder").status_code == 409

    assert bo.post(f"/requests/{case}/decide", answer="yes", reason="Behövs.").status_code == 303

    assert siv.get(f"{page}/state").json()["state"] == "approved"
    assert "Approved by Bo" in siv.get(page).text
    assert siv.post(f"{page}/hand-over").status_code == 303
    done = siv.get(page).text
    assert "Nothing. It is done." in done
    folder = fetched(siv, page, tmp_path)
    assert verify_package(folder / f"{case}.zip", allow_simulated=True).sound
    assert (folder / f"{case}-kvitto.pdf").read_bytes().startswith(b"%PDF")
    fetched_again = siv.get(f"{page}/folder")
    assert fetched_again.status_code == 200
    exported = shop.vault.log.entries(subject=case, event="footage.exported")
    assert len([each for each in exported if each.subject == case]) == 2


@pytest.fixture(scope="module")
def elsewhere(shop: Shop) -> str:
    """A camera at a place of its own: a no binds the place it was said at for the visit."""
    vault, drop = shop.vault, shop.vault.settings.home.parent / "drop" / "kista"
    vault.register.add_site(SYSTEM, "kista", name="Kista")
    vault.register.add_camera(SYSTEM, "kista", drop=drop, site="kista", name="Kista", view="disken")
    filmed(shop, "kista", SATURDAY - timedelta(minutes=20))
    return "kista"


def test_a_no_is_told_with_its_reason_and_nothing_leaves(
    shop: Shop, sign_in: SignIn, elsewhere: str
) -> None:
    siv, petra = sign_in("Siv"), sign_in("Petra")
    page = called(shop, siv, cameras=[elsewhere])
    case = page.rpartition("/")[2]
    petra.post(f"/requests/{case}/decide", answer="no", reason="Begär skriftligt.")
    shown = siv.get(page).text
    assert "Refused by Petra" in shown
    assert "Begär skriftligt." in shown
    assert siv.post(f"{page}/hand-over").status_code == 409
    # Asked again for the minutes beside it: it is said at once that nobody goes on alone.
    beside = {"from-1": "2026-03-07T22:20:10", "to-1": "2026-03-07T22:21:00"}
    again = called(shop, siv, cameras=[elsewhere], **beside)
    shown = siv.get(again).text
    assert f"Request {case} was about the same matter" in shown
    assert "Petra" in shown
    assert "hand-over" not in shown
    assert siv.get(f"{again}/state").json()["left"] == 0
    assert siv.post(f"{again}/hand-over").status_code == 409


def test_the_page_of_who_is_bound_by_a_no_says_so_and_fits_the_screen(
    screen: Screen, elsewhere: str
) -> None:
    requests = screen.shop.vault.requests
    item = {"from": "2026-03-07T22:20:00+01:00", "to": "2026-03-07T22:20:20+01:00"}
    body = {
        "requester": {"type": "police", "authority": "Polismyndigheten", "name": "Eva Ek"},
        "ground": {"code": "DSL 2:5"},
        "matter": {"offence": "stöld"},
        "footage": [{"cameras": [elsewhere], **item}],
    }
    siv = _actor(screen.shop, "Siv")
    now = len(requests.standings(siv))  # words that no call before had
    first = requests.call(siv, {**body, "description": f"{now} nej"}, officer_seen="kort")
    requests.decide(_actor(screen.shop, "Petra"), first.id, approve=False, reason="Skriftligt.")
    second = requests.call(siv, {**body, "description": f"{now} igen"}, officer_seen="kort")
    page = screen.signed_in("Siv")
    page.goto(f"{screen.shop.base}/spot/{second.id}")
    assert first.id in page.inner_text("main")
    screen.look(page, "spot-bound")


def test_only_who_saw_the_card_hands_over_and_fetches(shop: Shop, sign_in: SignIn) -> None:
    siv, sixten = sign_in("Siv"), sign_in("Sixten")
    page = called(shop, siv, number="5000-K1-26", cameras=["entre"])
    for path in (page, f"{page}/state", f"{page}/folder"):
        assert sixten.get(path).status_code == 403
    assert sixten.post(f"{page}/hand-over").status_code == 403
    assert page not in sixten.get("/spot").text
    assert page in siv.get("/spot").text


def test_the_number_and_the_signed_receipt_follow(shop: Shop, sign_in: SignIn) -> None:
    siv = sign_in("Siv")
    page = called(shop, siv, cameras=["kassa", "gang"])
    shop.vault.set_clock(SYSTEM, shop.vault.clock.now() + timedelta(minutes=15))
    assert siv.post(f"{page}/hand-over").status_code == 303
    assert "The case number is to be entered by" in siv.get(page).text
    receipt = siv.client.post(
        f"{page}/documents",
        data={"token": siv.token},
        files={"file": ("kvitto.jpg", b"\xff\xd8\xff\xe0 signed", "image/jpeg")},
    )
    assert receipt.status_code == 303
    assert siv.post(f"{page}/number", number=" ").status_code == 422
    assert siv.post(f"{page}/number", number="5000-K77-26").status_code == 303
    assert "The case number is to be entered by" not in siv.get(page).text
    # A day later the officer is long gone: the folder is no longer anybody's to fetch.
    shop.vault.set_clock(SYSTEM, shop.vault.clock.now() + timedelta(hours=13))
    again = sign_in("Siv")
    assert again.get(f"{page}/folder").status_code == 409
    assert "/folder" not in again.get(page).text


def _actor(shop: Shop, name: str) -> Actor:
    return shop.vault.people.asserted(name)


def seized(person: Person, **changes: str | list[str]) -> httpx.Response:
    """The form of a seizure, filled in."""
    fields: dict[str, str | list[str]] = {
        "seen": "yes",
        "officer": "Eva Ek, lpo Solna",
        "authority": "Polismyndigheten",
        "ground": "RB 27:4",
        "decision_maker": "Eva Ek",
        "takes": "copy",
        "taken": "kopia av kassans kamera",
        "cameras": ["kassa"],
        "span": "other",
        "from-1": "2026-03-07T22:20:05",
        "to-1": "2026-03-07T22:20:25",
    }
    return person.post("/spot/seizure", **{**fields, **changes})


def test_a_copy_taken_by_force_of_law_is_recorded_and_fetched_by_anyone_on_duty(
    shop: Shop, sign_in: SignIn, tmp_path: Path
) -> None:
    sara = sign_in("Sara")  # no mark is needed for what nobody may refuse
    assert 'href="/spot/seizure"' in sara.get("/requests").text
    answer = seized(sara)
    assert answer.status_code == 303, answer.text
    page = answer.headers["location"].partition("?")[0]
    case = page.rpartition("/")[2]
    folder = fetched(sara, page, tmp_path)
    assert verify_package(folder / f"{case}.zip", allow_simulated=True).sound
    assert sara.post(f"{page}/measure", protocol="BE-2026-7", court_on="x").status_code == 422
    assert sara.post(f"{page}/measure", protocol="BE-2026-7").status_code == 303
    assert "BE-2026-7" in sara.get(page).text
    petra = sign_in("Petra")
    shown = petra.get(f"/requests/{case}").text
    assert "BE-2026-7" in shown
    assert "kopia av kassans kamera" in shown
    assert petra.post(f"/requests/{case}/measure", court_on="2026-03-20").status_code == 303
    assert "2026-03-20" in petra.get(f"/requests/{case}").text
    assert petra.post(f"/requests/{case}/review", answer="yes", reason="Ok").status_code == 303


def test_a_thing_is_taken_without_a_package_and_only_on_somebodys_decision(
    sign_in: SignIn,
) -> None:
    sara = sign_in("Sara", "sv")
    refusals: tuple[tuple[dict[str, str | list[str]], str], ...] = (
        ({"decision_maker": ""}, "Det är angivet vem som har beslutat om åtgärden"),
        ({"seen": ""}, "måste stå här"),
        ({"ground": ""}, "Rättslig grund som kan bära utlämnandet är angiven"),
    )
    for changes, says in refusals:
        refused = seized(sara, takes="thing", **changes)
        assert refused.status_code == 409
        assert says in refused.text
    assert seized(sara, takes="thing", taken="").status_code == 422
    answer = seized(sara, takes="thing", taken="inspelare, serienummer 7")
    page = answer.headers["location"].partition("?")[0]
    shown = sara.get(page).text
    assert "inspelare, serienummer 7" in shown
    assert "/folder" not in shown
    assert sara.get(f"{page}/folder").status_code == 404


def test_the_pages_of_a_seizure_are_accessible_and_fit_the_screen(screen: Screen) -> None:
    page = screen.signed_in("Sara")
    page.goto(f"{screen.shop.base}/spot/seizure")
    screen.look(page, "seizure")
    page.locator("label.choice:has([value='RB 27:1'])").click()
    page.locator("label.choice:has([name=seen])").click()
    page.locator("label.choice:has([value=thing])").click()
    page.locator("label.choice:has([name=cameras][value=kassa])").click()
    page.fill("#officer", "Eva Ek, lpo Solna")
    page.fill("#decision_maker", "åklagare Åsa Berg")
    page.fill("#taken", "inspelare, serienummer 7")
    page.click("main form button")
    page.wait_for_selector("#measure")
    screen.look(page, "seizure-recorded")
