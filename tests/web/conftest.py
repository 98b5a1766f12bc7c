"""The shop's pages as they are served: real listeners, a real vault with footage, real accounts."""

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from cctv_vault.demo.cameras import SyntheticCamera
from cctv_vault.vault import Vault
from tests.chromium import ARGUMENTS
from tests.shop import SYSTEM, film, open_shop, picture, put
from web.server import Serving

ROLES = {
    "Sara": "staff",
    "Maria": "manager",
    "Bo": "approver",
    "Petra": "privacy-officer",
    "Dag": "dpo",
    "Rut": "auditor",
    "Adam": "administrator",
}
SCREENS = {"desk": (1280, 860), "phone": (360, 740)}
_MAYBE_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_STATE = """({
  films: [...document.querySelectorAll("video")].map((film) => ({
    ready: film.readyState, network: film.networkState, at: film.currentTime, of: film.duration,
    seeking: film.seeking, error: film.error?.message,
  })),
  fetched: performance.getEntriesByType("resource").map((each) => [
    each.name, each.responseStatus, Math.round(each.startTime), Math.round(each.responseEnd),
  ]),
})"""
_TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')


@dataclass
class Person:
    """Somebody signed in, with the token their forms carry."""

    client: httpx.Client
    token: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return self.client.get(path, headers=headers)

    def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        """Send a form of a page; ``__`` in a field's name is a hyphen, a last ``_`` is dropped."""
        named = {name.replace("__", "-").removesuffix("_"): value for name, value in fields.items()}
        return self.client.post(path, data={"token": self.token, **named})


@dataclass
class Shop:
    """The served shop."""

    vault: Vault
    base: str
    portal_base: str
    credentials: dict[str, str]
    people: dict[str, Person] = field(default_factory=dict)
    addresses: Iterator[int] = field(default_factory=itertools.count)

    def stranger(self, *, language: str = "en") -> httpx.Client:
        """A browser that is not signed in."""
        return httpx.Client(base_url=self.base, headers={"Accept-Language": language})

    def portal(self, *, language: str = "en") -> httpx.Client:
        """A stranger's browser at the portal, at an address of its own: filings are counted."""
        number = next(self.addresses)
        return httpx.Client(
            base_url=self.portal_base,
            headers={"Accept-Language": language},
            transport=httpx.HTTPTransport(
                local_address=f"127.1.{number // 250}.{number % 250 + 1}"
            ),
        )

    def person(self, name: str) -> Person:
        """Somebody signed in; the same session each time."""
        if name not in self.people:
            client = self.stranger()
            form = {"name": name, "credential": self.credentials[name]}
            assert client.post("/sign-in", data=form).status_code == 303
            found = _TOKEN.search(client.get("/").text)
            assert found is not None
            self.people[name] = Person(client, found[1])
        return self.people[name]

    def recording(self, camera: str = "kassa") -> str:
        """The id of a camera's first recording."""
        return next(self.vault.catalogue.list(SYSTEM, cameras=(camera,))).id


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Three cameras with films of the early morning, a still, and one person of each role."""
    folder = tmp_path_factory.mktemp("web")
    vault = open_shop(folder)
    credentials = {
        name: vault.people.add(SYSTEM, name, [role]).credential for name, role in ROLES.items()
    }
    _record(vault, folder / "drop")
    serving = Serving(vault, "127.0.0.1", 0, ("127.0.0.1", 0))
    running = threading.Thread(target=serving.run)
    running.start()
    found = Shop(
        vault,
        f"http://127.0.0.1:{serving.port}",
        f"http://127.0.0.1:{serving.portal_port}",
        credentials,
    )
    yield found
    for person in found.people.values():
        person.client.close()
    serving.stop()
    running.join()
    vault.close()


def _record(vault: Vault, drop: Path) -> None:
    put(drop / "kassa", "20260302_063000_A.mp4", film(1, 20))
    put(drop / "kassa", "20260302_063020_A.mp4", film(2, 20))
    put(drop / "entre", "20260302_063000_A.mp4", film(3, 20))
    put(drop / "entre", "20260302_064500_A.jpg", picture(4))
    vault.register.add_camera(SYSTEM, "gang", drop=drop / "gang", name="Gången", view="hyllorna")
    began = datetime(2026, 3, 2, 7, 30, tzinfo=ZoneInfo(vault.zone))
    SyntheticCamera("gang", "aisle").write(drop / "gang" / "20260302_073000_A.mp4", began, 20)
    outcomes = list(vault.ingest.offer_all(SYSTEM, sorted(drop.rglob("*.*"))))
    assert {each.outcome for each in outcomes} == {"sealed"}


# --- in a browser


@pytest.fixture(scope="module")
def browser(program: Callable[[str, str], Path]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=program("chromium", "chromium"), args=ARGUMENTS
        )
        yield launched
        launched.close()


@pytest.fixture(params=SCREENS)
def screen(
    request: pytest.FixtureRequest, browser: Browser, shop: Shop, repository: Path
) -> Iterator["Screen"]:
    opened: list[BrowserContext] = []

    def open_context() -> BrowserContext:
        width, height = SCREENS[request.param]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if request.param == "phone" else "light",
            locale="sv-SE",
            timezone_id="Europe/Stockholm",
        )
        opened.append(context)
        return context

    yield Screen(shop, open_context, repository / "test-artefacts", request.param)
    for context in opened:
        context.close()


class Screen:
    """One size of screen: opens it for a person, and looks hard at every page."""

    def __init__(
        self, shop: Shop, open_context: Callable[[], BrowserContext], pictures: Path, name: str
    ) -> None:
        self.shop = shop
        self._open_context = open_context
        self._pictures = pictures
        self.name = name
        self._axe = Axe()
        pictures.mkdir(exist_ok=True)

    def open(self, base: str) -> Page:
        """A window of its own; whatever it complains of fails the test."""
        page = self._open_context().new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
        page.goto(base)
        return page

    def signed_in(self, name: str) -> Page:
        """A window in which somebody is signed in."""
        page = self.open(self.shop.base)
        page.fill("#name", name)
        page.fill("#credential", self.shop.credentials[name])
        page.click("main button")
        page.wait_for_selector("nav a[aria-current=page]", state="attached")
        return page

    def look(self, page: Page, name: str) -> None:
        """Keep a picture; nothing may be inaccessible or wider than the screen."""
        page.wait_for_load_state("networkidle")
        page.screenshot(path=self._pictures / f"{self.name}-{name}.png", full_page=True)
        violations = self._axe.run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in violations] == []
        assert page.evaluate(_MAYBE_WIDE) <= 0, f"{name} is wider than the screen"


def follow(page: Page, selector: str) -> None:
    """Click on what leads to another page, and be there: a click alone may return before it."""
    with page.expect_navigation():
        page.click(selector)


def until(page: Page, expression: str) -> None:
    """Wait for something to be true in the page, whose policy lets nobody evaluate text there."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"this did not become true: {expression}; {page.evaluate(_STATE)}")
