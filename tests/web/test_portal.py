"""The portal as strangers meet it, and a request's whole way from there to a verified package."""

import asyncio
import io
import re
from datetime import timedelta

import httpx
import pytest

from cctv_vault.disclosure.verification import verify_package
from cctv_vault.disclosure.verifypage import verify_page
from cctv_vault.people.actors import PORTAL_ACTOR, Role
from tests.shop import SYSTEM, person
from tests.web.conftest import Shop
from web.portal.app import create_portal

REQUEST = {
    "type": "police",
    "authority": "Polismyndigheten",
    "unit": "Region Stockholm",
    "name": "Eva Exempel",
    "role": "utredare",
    "email": "eva@example.org",
    "phone": "114 14",
    "ground": "DSL 2:5",
    "number": "5000-K123456-26",
    "offence": "stöld",
    "from-1": "2026-03-02T06:30:05",
    "to-1": "2026-03-02T06:30:15",
    "description": "A man in a red jacket at the till.",
    "delivery": "link",
}
STAFF_PATHS = [
    "/incidents",
    "/log",
    "/sign-in",
    "/timeline",
    "/requests",
    "/api/footage",
    "/cameras",
]


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, pattern
    return match[1]


def file(portal: httpx.Client, **changes: str) -> tuple[str, str]:
    """File a request; its reference and code."""
    page = portal.post("/begaran", data={**REQUEST, **changes})
    assert page.status_code == 201
    reference, code = re.findall(r'<dd class="secret mono">([^<]+)</dd>', page.text)
    return reference, code


@pytest.mark.parametrize("path", STAFF_PATHS)
def test_the_staffs_pages_do_not_exist_at_the_portal(shop: Shop, path: str) -> None:
    with shop.portal() as portal:
        assert portal.get(path).status_code == 404
        assert portal.post(path, data={}).status_code in {404, 405}
        assert portal.get(f"/footage/{shop.recording()}/stream").status_code == 404


def test_the_portals_pages_do_not_exist_among_the_staffs(shop: Shop) -> None:
    for path in ("/begaran", "/status", "/hamta/x", "/kontrollera"):
        assert shop.person("Maria").get(path).status_code == 404


def test_a_session_means_nothing_at_the_portal(shop: Shop) -> None:
    with shop.portal() as portal:
        portal.cookies.update(dict(shop.person("Maria").client.cookies))
        assert "Maria" not in portal.get("/").text
        assert "set-cookie" not in portal.get("/begaran").headers


def test_a_stranger_is_not_told_which_cameras_there_are(shop: Shop) -> None:
    with shop.portal() as portal:
        for page in (
            portal.get("/").text,
            portal.get("/begaran").text,
            portal.post("/begaran", data={**REQUEST, "cameras": "nowhere", "to-1": ""}).text,
        ):
            assert "kassa" not in page
            assert "entre" not in page
            assert "Gången" not in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"from-1": "", "to-1": ""}, "from when"),
        ({"to-1": "2026-03-02T06:00:00"}, "ends before it starts"),
        ({"from-1": "2027-03-02T06:00:00", "to-1": "2027-03-02T07:00:00"}, "future"),
        ({"type": "burglar"}, "Choose who asks"),
        ({"ground": "SFS 1:1"}, "not a known statute"),
        ({"name": "", "authority": ""}, "who asks"),
        ({"name": "x" * 300}, "more than 200"),
    ],
)
def test_a_form_that_means_nothing_comes_back_with_what_was_typed(
    shop: Shop, changes: dict[str, str], said: str
) -> None:
    before = len(shop.vault.requests.list(SYSTEM))
    with shop.portal() as portal:
        answer = portal.post("/begaran", data={**REQUEST, **changes})
    assert answer.status_code == 422
    assert said in answer.text
    assert "A man in a red jacket" in answer.text
    assert len(shop.vault.requests.list(SYSTEM)) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"from-1": "", "to-1": ""}, "Ange från när och till när inspelningar begärs."),
        ({"to-1": "2026-03-02T06:00:00"}, "Tid 1: sluttiden kommer före starttiden."),
        ({"name": "", "authority": ""}, "Fyll i myndighet eller namn"),
        ({"name": "x" * 300}, "Texten i fältet namn är längre än 200 tecken."),
    ],
)
def test_a_form_is_refused_in_the_language_of_whoever_fills_it_in(
    shop: Shop, changes: dict[str, str], said: str
) -> None:
    with shop.portal(language="sv") as portal:
        answer = portal.post("/begaran", data={**REQUEST, **changes})
    assert said in answer.text
    assert '<span lang="en">' not in answer.text


def test_filing_freezes_the_footage_and_tells_reference_and_code_once(shop: Shop) -> None:
    with shop.portal(language="sv") as portal:
        reference, code = file(portal)
        request = next(each for each in shop.vault.requests.list(SYSTEM) if each.id == reference)
        assert (request.state, request.via, request.language) == ("received", "portal", "sv")
        assert request.registered_by == PORTAL_ACTOR.id
        film = next(shop.vault.catalogue.list(SYSTEM, cameras=("kassa",)))
        assert film.held
        status = portal.post("/status", data={"reference": reference.lower(), "code": code})
        assert status.status_code == 200
        assert "mottagen" in status.text
        assert code not in status.text
        for wrong in (
            {"reference": reference, "code": "WRONG234"},
            {"reference": "B-X", "code": code},
        ):
            refused = portal.post("/status", data=wrong)
            assert refused.status_code == 404
            assert "mottagen" not in refused.text


def test_a_time_of_the_night_the_clocks_changed_is_kept_both_ways_and_asked_about(
    shop: Shop,
) -> None:
    night = {"from-1": "2025-10-26T02:10:00", "to-1": "2025-10-26T02:20:00", "clock": "picture"}
    with shop.portal(language="sv") as portal:
        page = portal.post("/begaran", data={**REQUEST, **night}).text
        assert "vilken du menar" in page
        reference = found(r'<dd class="secret mono">([^<]+)</dd>', page)
    asked = shop.vault.requests.show(SYSTEM, reference).asked
    assert {each.ends_at - each.starts_at for each in asked} == {timedelta(hours=1, minutes=10)}
    maria = shop.person("Maria")
    shown = maria.get(f"/requests/{reference}").text
    assert "ask which is meant" in shown
    assert "read off the picture" in shown


def test_an_orders_day_of_decision_is_asked_for_and_the_form_stays_short(shop: Shop) -> None:
    order = {
        **REQUEST,
        "type": "preservation-order",
        "ground": "RB 27:16",
        "decision_maker": "Åklagare Åsa Berg",
        "decided_at": "2026-03-01T15:30",
        "description": "Order.",
    }
    with shop.portal() as portal:
        page = portal.get("/begaran").text
        names = set(re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', page))
        filed = portal.post("/begaran", data=order)
    assert "decided_at" in names
    further = {each for each in names if each.rpartition("-")[2] in {"2", "3", "4", "5"}}
    steps = len(re.findall(r'<fieldset class="step"', page))
    assert len(names - further) + steps <= 25
    assert filed.status_code in {200, 201}
    reference = found(r'<dd class="secret mono">([^<]+)</dd>', filed.text)
    shown = shop.vault.requests.show(SYSTEM, reference)
    assert shown.body["ground"]["decided_at"] == "2026-03-01T14:30:00Z"


def test_a_stranger_who_guesses_a_camera_learns_nothing(shop: Shop) -> None:
    told = set()
    with shop.portal() as portal:
        for guess in ("kassa", "nowhere"):
            page = portal.post("/begaran", data={**REQUEST, "cameras": guess, "type": "media"})
            told.add((page.status_code, re.sub(r"[0-9A-Z-]{8,10}", "", page.text)))
    assert len(told) == 1


@pytest.mark.parametrize("type_", ["seizure", "emergency"])
def test_what_does_not_come_by_form_is_not_taken_by_a_form_somebody_made(
    shop: Shop, type_: str
) -> None:
    before = len(shop.vault.requests.list(SYSTEM))
    with shop.portal() as portal:
        assert f'value="{type_}"' not in portal.get("/begaran").text
        answer = portal.post("/begaran", data={**REQUEST, "type": type_})
    assert answer.status_code == 422
    assert "Choose who asks." in answer.text
    assert len(shop.vault.requests.list(SYSTEM)) == before


def test_an_order_that_nobody_here_could_see_is_not_taken_in_silence(shop: Shop) -> None:
    order = {"type": "preservation-order", "ground": "RB 27:16 a"}
    everything = person(Role.PRIVACY_OFFICER, cleared=True)
    before = {each.id for each in shop.vault.requests.list(everything)}
    with shop.portal() as portal:
        answer = portal.post("/begaran", data={**REQUEST, **order})
        assert answer.status_code == 422
        assert "Nobody here may receive an order" in answer.text
        assert {each.id for each in shop.vault.requests.list(everything)} == before
        # Somebody is cleared, and it is taken; gone again, and it is not.
        shop.vault.people.add(SYSTEM, "Clara", ["privacy-officer"], cleared=True)
        reference, _ = file(portal, **order)
        assert {each.id for each in shop.vault.requests.list(everything)} == before | {reference}
        shop.vault.people.disable(SYSTEM, "Clara")
        assert portal.post("/begaran", data={**REQUEST, **order}).status_code == 422


def test_media_are_refused_at_once_and_told_so(shop: Shop) -> None:
    with shop.portal() as portal:
        reference, code = file(portal, type="media", ground="", authority="Tidningen")
        status = portal.post("/status", data={"reference": reference, "code": code})
    assert "The request is refused" in status.text


def test_a_request_goes_from_the_portal_by_two_persons_to_a_package_that_verifies(
    shop: Shop,
) -> None:
    maria, bo = shop.person("Maria"), shop.person("Bo")
    with shop.portal() as portal:
        reference, code = file(portal)
        path = f"/requests/{reference}"
        assert "A man in a red jacket" in maria.get(path).text
        assert maria.post(f"{path}/confirm").status_code == 303
        verified = maria.post(f"{path}/verify", method="call-back", detail="114 14, 08:05")
        assert verified.headers["location"] == f"{path}?done=request-verify"
        assessed = maria.post(
            f"{path}/assess",
            facts="Theft reported",
            necessity="Shows the theft",
            cameras=["kassa"],
            from__1="2026-03-02T06:30:05",
            to__1="2026-03-02T06:30:15",
        )
        assert assessed.status_code == 303
        own = maria.post(f"{path}/decide", answer="yes", reason="clear")
        assert own.status_code == 403
        assert "approved" not in found(r'<span class="mark">([^<]+)</span>', maria.get(path).text)
        assert bo.post(f"{path}/decide", reason="clear").status_code == 422
        assert bo.post(f"{path}/decide", answer="yes", reason="clear").status_code == 303
        assert maria.post(f"{path}/prepare").status_code == 303
        released = maria.post(f"{path}/release", channel="link")
        link = found(r'<dd class="secret mono">(/hamta/[^<]+)</dd>', released.text)
        pickup = found(r'<dd class="secret mono">(\d{8})</dd>', released.text)
        assert link not in maria.get(path).text
        assert maria.get(f"{path}/package").status_code == 409
        assert portal.get(link).status_code == 200
        wrong = portal.post(link, data={"code": "00000000"})
        assert wrong.status_code == 403
        collected = portal.post(link, data={"code": pickup})
        assert collected.headers["content-type"] == "application/zip"
        assert collected.headers["cache-control"] == "no-store"
        assert int(collected.headers["content-length"]) == len(collected.content)
        verdict = verify_package(io.BytesIO(collected.content), key=None, allow_simulated=True)
        assert verdict.sound, verdict.findings
        assert (
            "released" in portal.post("/status", data={"reference": reference, "code": code}).text
        )
    page = maria.get(path).text
    for name in ("Maria", "Bo"):
        assert name in page
    assert maria.post(f"{path}/receipt", by="Eva Exempel").status_code == 303
    assert maria.post(f"{path}/close").status_code == 303


def test_a_handed_over_package_is_downloaded_by_who_handles_it(shop: Shop) -> None:
    maria, petra, sara = (shop.person(each) for each in ("Maria", "Petra", "Sara"))
    fields = {name.replace("-", "__"): value for name, value in REQUEST.items()}
    registered = maria.post("/requests", **{**fields, "delivery": "usb"}, cameras=["kassa"])
    path = registered.headers["location"].partition("?")[0]
    maria.post(f"{path}/verify", method="in-person", detail="service card")
    maria.post(
        f"{path}/assess",
        facts="Theft",
        necessity="Shows it",
        cameras=["kassa"],
        from__1=REQUEST["from-1"],
        to__1=REQUEST["to-1"],
    )
    assert petra.post(f"{path}/decide", answer="yes", reason="clear").status_code == 303
    assert maria.post(f"{path}/prepare").status_code == 303
    assert maria.post(f"{path}/release", channel="usb").status_code == 303
    package = maria.get(f"{path}/package")
    assert package.headers["content-disposition"].startswith("attachment; filename=")
    assert verify_package(io.BytesIO(package.content), key=None, allow_simulated=True).sound
    page = maria.get(f"{path}/medium").text
    secret = found(r'<p class="secret mono" id="passphrase">([^<]+)</p>', page)
    assert secret not in maria.get(f"{path}/medium").text
    locked = maria.post(f"{path}/package", passphrase=secret)
    assert locked.headers["content-disposition"].endswith('.zip.locked"')
    assert len(locked.content) == int(locked.headers["content-length"])
    assert secret not in maria.get(path).text
    opened = verify_package(io.BytesIO(locked.content), allow_simulated=True, passphrase=secret)
    assert opened.sound
    assert maria.post(f"{path}/package", passphrase="hemligt").status_code == 422
    assert maria.get("/verify.html").content.startswith(b"<!doctype html>")
    assert sara.get(f"{path}/medium").status_code == 403
    assert sara.post(f"{path}/package", passphrase=secret).status_code == 403
    assert sara.get(f"{path}/package").status_code == 403
    assert sara.get(path).status_code == 403


def test_staff_register_a_request_without_seeing_those_of_others(shop: Shop) -> None:
    sara = shop.person("Sara")
    fields = {name.replace("-", "__"): value for name, value in REQUEST.items()}
    registered = sara.post("/requests", **fields, cameras=["kassa"])
    assert registered.status_code == 200
    reference = found(r'<dd class="secret mono">(B-[^<]+)</dd>', registered.text)
    assert reference not in sara.get("/requests").text
    assert reference in shop.person("Maria").get("/requests").text
    assert sara.post(f"/requests/{reference}/fly").status_code == 404


def test_the_page_that_verifies_is_served_as_it_lies_in_every_package(shop: Shop) -> None:
    with httpx.Client(base_url=shop.portal_base) as stranger:
        assert 'href="/verify.html"' in stranger.get("/kontrollera").text
        served = stranger.get("/verify.html")
    assert served.content == verify_page().content
    policy = served.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "frame-ancestors 'none'" in policy


def test_one_address_cannot_flood_the_portal(shop: Shop) -> None:
    app = create_portal(shop.vault, filings=1, look_ups=1)

    async def post(address: str, path: str) -> int:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://portal") as stranger:
            return (await stranger.post(path, data={"reference": "B-X", "code": "1"})).status_code

    async def posts(address: str) -> list[int]:
        return [await post(address, path) for path in ("/begaran", "/status", "/hamta/x") * 2]

    assert asyncio.run(posts("192.0.2.1")) == [422, 404, 429, 429, 429, 429]
    assert asyncio.run(posts("192.0.2.2"))[:2] == [422, 404]
