"""Every route there is, by every kind of visitor: what the applications themselves list."""

import re
from collections.abc import Iterator, Sequence

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import select
from sqlmodel import col
from starlette.routing import BaseRoute

from cctv_vault.schema import Account
from cctv_vault.vault import Vault
from tests.shop import SYSTEM
from tests.web.conftest import ROLES, Person, Shop
from web.app import create_app
from web.portal.app import create_portal

FENCE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
}
OPEN = {"/sign-in", "/language/{language}"}
"""What the staff's pages show to whoever is not signed in."""
FOR_ANYBODY = OPEN | {"/", "/me", "/sign-out", "/verify.html"}
"""What a person whose roles carry nothing more may open: themselves, and the way out."""
VIEWERS = {"Maria", "Bo", "Petra"}
READERS = VIEWERS | {"Dag", "Rut"}
ASKED = VIEWERS | {"Dag"}
REGISTERING = {"Sara", "Maria", "Petra"}
MAY: dict[str, set[str]] = {
    "/accounts": {"Adam"},
    "/api/footage": VIEWERS,
    "/api/incidents": ASKED | {"Sara", "Rut"},
    "/api/log/checkpoint": READERS,
    "/api/requests": ASKED,
    "/api/requests/{request}": ASKED,
    "/breaches": READERS,
    "/breaches/{breach}": READERS,
    "/cameras": set(ROLES) - {"Sara"},
    "/consents": READERS,
    "/consents/items/{item}": READERS,
    "/consents/people/{subject}": READERS,
    "/expiry": READERS,
    "/expiry/under-way": READERS,
    "/footage/window": VIEWERS,
    "/footage/window/stream": VIEWERS,
    "/footage/{recording}": VIEWERS,
    "/footage/{recording}/stream": VIEWERS,
    "/footage/{recording}/strip": VIEWERS,
    "/footage/{recording}/thumbnail": VIEWERS,
    "/holds": READERS | {"Sara"},
    "/holds/{hold}": READERS,
    "/incidents": READERS | {"Sara"},
    "/incidents/explain/{hold}": READERS | {"Sara"},
    "/incidents/{incident}": READERS | {"Sara"},
    "/log": READERS,
    "/log/checkpoint": READERS,
    "/log/entry/{index}": READERS,
    "/log/key": READERS,
    "/log/proof/{index}": READERS,
    "/log/tile/{path:path}": READERS,
    "/policy": READERS,
    "/policy/{version}.toml": READERS,
    "/quarantine": VIEWERS | {"Adam"},
    "/registers": READERS,
    "/registers/certificates": READERS,
    "/registers/certificates/{certificate}": READERS,
    "/registers/copies": READERS,
    "/registers/{register}": READERS,
    "/registers/{register}/{form}": READERS,
    "/requests": ASKED | {"Sara"},
    "/requests/new": REGISTERING,
    "/requests/{request}": ASKED,
    "/requests/{request}/files/{file}": ASKED,
    "/requests/{request}/letters/{kind}.pdf": ASKED,
    "/requests/{request}/medium": {"Maria", "Petra"},
    "/requests/{request}/package": {"Maria", "Petra"},
    "/spot": set(),
    "/spot/emergency": set(),
    "/spot/seizure": REGISTERING,
    "/spot/{request}": REGISTERING,
    "/spot/{request}/folder": REGISTERING,
    "/spot/{request}/state": REGISTERING,
    "/timeline": VIEWERS,
    "/timeline/at": VIEWERS,
    "/timeline/motion": VIEWERS,
}
"""Who may open what; for the rest a page does not open, whatever else is wrong with the wish."""


def routes(app: FastAPI, method: str) -> list[str]:
    """The paths an application answers a method at, but for its sheets and scripts."""
    return sorted({each.path for each in _all(app.routes) if method in (each.methods or ())})


def _all(listed: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    for each in listed:
        if isinstance(each, APIRoute):
            yield each
        else:  # what was included keeps its own list; a mounted folder has none
            router = getattr(each, "original_router", None)
            yield from _all(router.routes if router else ())


@pytest.fixture(scope="module")
def named(shop: Shop) -> dict[str, str]:
    """Something that is there for each name in a path."""
    maria = shop.person("Maria")
    window = {"from_": "2026-03-02T06:30:00", "to": "2026-03-02T06:31:00"}
    incident = maria.post("/incidents", cameras="kassa", title="x", category="theft", **window)
    hold = maria.post("/holds", purpose="claim", cameras="kassa", reason="krav", **window)
    request = maria.post(
        "/requests",
        type="police",
        authority="Polismyndigheten",
        ground="DSL 2:5",
        cameras="kassa",
        from__1="2026-03-02T06:30:05",
        to__1="2026-03-02T06:30:15",
    )
    said = {"what": "x", "categories": "x", "consequences": "x"}
    breach = shop.person("Petra").post("/breaches", discovered_at="2026-03-02T06:30:00", **said)
    assert [each.status_code for each in (incident, hold, request, breach)] == [303] * 4
    file = {"file": ("order.pdf", b"%PDF-1.7\n%%EOF\n", "application/pdf")}
    at = f"/requests/{_last(request)}"
    maria.client.post(f"{at}/documents", data={"token": maria.token}, files=file)
    (document,) = set(re.findall(rf"{at}/files/(\w+)", maria.get(at).text))
    last = {each: _last(page) for each, page in (("incident", incident), ("hold", hold))}
    return {
        **last,
        "request": _last(request),
        "breach": _last(breach),
        "file": document,
        "recording": shop.recording(),
        "camera": "kassa",
        "index": "0",
        "version": "1",
        "register": "disclosures",
        "form": "csv",
        "kind": "receipt",
        "language": "sv",
        "path": "0/000.p/1",
        "act": "verify",
        "token": "x" * 43,
    }


def _last(page: httpx.Response) -> str:
    return page.headers["location"].partition("?")[0].rpartition("/")[2]


def filled(path: str, named: dict[str, str]) -> str:
    """A path with what is there, or with what is not where nothing is."""
    return re.sub(r"\{(\w+)(?::path)?\}", lambda name: named.get(name[1], "nothing-there"), path)


@pytest.fixture(scope="module")
def nobody(shop: Shop) -> Person:
    """Somebody with an account whose right to look at anything was taken: no role is left."""
    credential = shop.vault.people.add(SYSTEM, "Nils", ["administrator"]).credential
    _strip(shop.vault, "Nils")
    shop.credentials["Nils"] = credential
    return shop.person("Nils")


def _strip(vault: Vault, name: str) -> None:
    with vault.database.write() as session:
        row = session.execute(select(Account).where(col(Account.name) == name)).scalar_one()
        row.roles = []


def test_each_page_says_who_may_open_it(shop: Shop) -> None:
    listed = set(MAY) | FOR_ANYBODY - {"/sign-out"}
    found = set(routes(create_app(shop.vault), "GET"))
    assert found - listed == set(), "say in MAY who may open each new page"
    assert listed - found == set()


def fenced(answer: httpx.Response) -> bool:
    return all(answer.headers.get(name) == value for name, value in FENCE.items()) and (
        "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        and "'unsafe-inline'" not in answer.headers["content-security-policy"].partition("sha")[0]
    )


def test_whoever_is_not_signed_in_gets_nothing_by_any_way(
    shop: Shop, named: dict[str, str]
) -> None:
    app, before = create_app(shop.vault), shop.vault.log.size()
    with shop.stranger() as stranger:
        for method in ("GET", "POST"):
            for path in set(routes(app, method)) - OPEN:
                answer = stranger.request(method, filled(path, named))
                wanted = {401} if path.startswith("/api/") else {303}
                assert answer.status_code in wanted | ({403} if method == "POST" else set()), path
                if answer.status_code == 303:
                    assert answer.headers["location"].startswith("/sign-in?target=")
                assert fenced(answer), path
                assert "set-cookie" not in answer.headers
    assert shop.vault.log.size() == before


def test_no_change_is_made_without_the_token_of_the_session(
    shop: Shop, named: dict[str, str]
) -> None:
    maria, petra = shop.person("Maria"), shop.person("Petra")
    before = shop.vault.log.size()
    for path in set(routes(create_app(shop.vault), "POST")) - OPEN:
        at = filled(path, named)
        for answer in (
            maria.client.post(at, data={"token": petra.token}),
            maria.client.post(at, data={"text": "x"}, files={"file": b"x"}),
            maria.client.post(at, json={"token": maria.token}),
        ):
            assert answer.status_code in {400, 403, 415, 422}, path
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        answer = maria.client.post(at, data={"token": maria.token}, headers=elsewhere)
        assert answer.status_code == 403, path
    assert shop.vault.log.size() == before


@pytest.mark.parametrize("name", ROLES)
def test_each_role_opens_its_own_pages_and_no_others(
    shop: Shop, named: dict[str, str], name: str
) -> None:
    for path, allowed in MAY.items():
        answer = shop.person(name).get(filled(path, named))
        assert fenced(answer), path
        if name in allowed:
            assert answer.status_code in {200, 303, 403, 404, 409, 410, 422}, path
        else:
            assert answer.status_code in {403, 404, 409, 422}, path


def test_who_has_no_role_opens_nothing_and_changes_nothing(
    shop: Shop, named: dict[str, str], nobody: Person
) -> None:
    app = create_app(shop.vault)
    for path in set(routes(app, "GET")) - FOR_ANYBODY:
        assert nobody.get(filled(path, named)).status_code in {401, 403, 404, 422}, path
    for path in set(routes(app, "POST")) - FOR_ANYBODY:
        answer = nobody.post(filled(path, named), text="x", reason="x", name="x")
        assert answer.status_code in {403, 404, 415, 422}, path


@pytest.mark.parametrize("name", ["Sara", "Petra", "Adam"])
def test_an_empty_form_is_refused_in_words_wherever_it_is_sent(
    shop: Shop, named: dict[str, str], name: str
) -> None:
    for path in set(routes(create_app(shop.vault), "POST")) - FOR_ANYBODY:
        answer = shop.person(name).post(filled(path, named))
        assert answer.status_code < 500, path
        assert fenced(answer), path


def test_the_portal_answers_everything_behind_the_same_fence_and_keeps_no_session(
    shop: Shop, named: dict[str, str]
) -> None:
    app = create_portal(shop.vault)
    for method in ("GET", "POST"):
        for path in routes(app, method):
            with shop.portal() as portal:
                portal.cookies.update(dict(shop.person("Petra").client.cookies))
                answer = portal.request(method, filled(path, named))
            assert answer.status_code < 500, path
            assert fenced(answer), path
            assert ("set-cookie" in answer.headers) == (path == "/language/{language}"), path
            assert "kassa" not in answer.text, path
    staff = set(routes(create_app(shop.vault), "GET")) - {
        "/",
        "/verify.html",
        "/language/{language}",
    }
    with shop.portal() as portal:
        portal.cookies.update(dict(shop.person("Petra").client.cookies))
        for path in staff:
            assert portal.get(filled(path, named)).status_code == 404, path
