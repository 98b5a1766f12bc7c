"""Incidents, holds and reviews on their pages, over a time that the shared shop cannot let pass."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cctv_vault.check import check_vault
from cctv_vault.people.actors import Role
from tests.shop import NOW, SYSTEM, film, open_shop, person, put
from web.app import create_app

DAY = timedelta(days=1)
ROLES = {
    "Sara": "staff",
    "Maja": "manager",
    "Pia": "privacy-officer",
    "Adam": "administrator",
    "Bo": "approver",
}
_TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')


class Pages:
    """The staff's pages over a vault whose time the test moves; answers follow redirects."""

    def __init__(self, folder: Path) -> None:
        self.vault = open_shop(folder)
        path = put(folder / "drop" / "kassa", "20260302_073000.mp4", film(1, 4))
        self.recording = self.vault.ingest.offer(SYSTEM, path).recording
        self._app = create_app(self.vault)
        self._cookies: dict[str, httpx.Cookies] = {}
        self._tokens: dict[str, str] = {}
        self._credentials: dict[str, str] = {}
        for name, role in ROLES.items():
            added = self.vault.people.add(SYSTEM, name, [Role(role)])
            self._credentials[name] = str(added.credential)

    def get(self, name: str, path: str) -> str:
        self._sign_in(name)
        return self._ask(name, "GET", path, {}).text

    def post(self, name: str, path: str, **fields: str | list[str]) -> httpx.Response:
        self._sign_in(name)
        named = {key.removesuffix("_"): value for key, value in fields.items()}
        return self._ask(name, "POST", path, {"token": self._tokens[name], **named})

    def days(self, count: float) -> None:
        """Let days pass, and do what a serving vault does by itself."""
        self.vault.set_clock(SYSTEM, NOW + count * DAY)
        self.vault.reviews.remind(SYSTEM)
        self.vault.sweeper.run(SYSTEM)
        self.sign_out()

    def sign_out(self) -> None:
        """End everybody's session here: whoever acts next signs in first."""
        self._tokens.clear()

    def _sign_in(self, name: str) -> None:
        if name in self._tokens:
            return
        self._cookies[name] = httpx.Cookies()
        self._ask(name, "POST", "/sign-in", {"name": name, "credential": self._credentials[name]})
        token = _TOKEN.search(self._ask(name, "GET", "/", {}).text)
        assert token is not None
        self._tokens[name] = token[1]

    def _ask(
        self, name: str, method: str, path: str, fields: Mapping[str, object]
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(self._app),
                base_url="http://127.0.0.1",
                headers={"Accept-Language": "sv"},
                cookies=self._cookies[name],
                follow_redirects=True,
            ) as browser:
                answer = await browser.request(method, path, data=dict(fields) or None)
                self._cookies[name] = browser.cookies
                return answer

        return asyncio.run(ask())


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    pages = Pages(tmp_path)
    yield pages
    pages.vault.close()


def flagged(pages: Pages, name: str = "Sara") -> str:
    """The path of a new incident's page."""
    window = {"from_": "2026-03-02T07:00:00", "to": "2026-03-02T08:00:00"}
    answer = pages.post(
        name, "/incidents", cameras="kassa", title="Stöld", category="theft", **window
    )
    assert answer.status_code == 200, answer.text
    return answer.url.path


def test_a_review_is_called_for_on_the_first_page_and_on_the_incidents(pages: Pages) -> None:
    incident = flagged(pages)
    assert "Inget behöver omprövas nu." in pages.get("Maja", "/")
    pages.days(26)
    first = pages.get("Maja", "/")
    assert "Ska omprövas nu" in first
    assert f'href="{incident}"' in first
    assert "upphör annars vid sitt slut" in first
    assert "Ska omprövas nu" in pages.get("Maja", incident)
    assert "Omprövningen är införd." in pages.post(
        "Maja", f"{incident}/review", reason="utredningen pågår"
    ).text  # fmt: skip
    assert "Ska omprövas nu" not in pages.get("Maja", incident)
    assert "Inget behöver omprövas nu." in pages.get("Maja", "/")


def test_a_hold_is_placed_and_released_with_what_goes_told_first(pages: Pages) -> None:
    window = {"from_": "2026-03-02T07:00:00", "to": "2026-03-02T08:00:00"}
    placed = pages.post("Maja", "/holds", purpose="claim", cameras="kassa", reason="krav", **window)
    hold = placed.url.path
    assert "Bevarandespärren gäller från och med nu." in placed.text
    assert "Nothing else" not in placed.text
    assert "inget gallras genom det här" in placed.text  # prevention still does
    pages.days(10)
    assert "1 inspelning bevaras av inget annat" in pages.get("Maja", hold)
    assert pages.post("Maja", f"{hold}/release", reason="").status_code == 422
    released = pages.post("Maja", f"{hold}/release", reason="kravet är reglerat")
    assert "Bevarandespärren är hävd." in released.text
    assert hold in pages.get("Maja", "/holds")


def test_an_overdue_claim_stays_on_the_first_page_until_the_officer_has_decided(
    pages: Pages,
) -> None:
    window = {"from_": "2026-03-02T07:00:00", "to": "2026-03-02T08:00:00"}
    hold = pages.post(
        "Pia", "/holds", purpose="claim", cameras="kassa", reason="krav", **window
    ).url.path
    pages.days(200)
    assert "Har inte setts över i tid" in pages.get("Pia", "/")
    assert pages.post("Maja", f"{hold}/review", reason="behövs").status_code == 403
    assert pages.post("Pia", f"{hold}/review", reason="processen pågår").status_code == 200
    assert "Har inte setts över i tid" not in pages.get("Pia", "/")


def test_a_form_that_places_no_hold_comes_back_with_what_was_typed(pages: Pages) -> None:
    window = {"from_": "2026-03-02T07:00:00", "to": "2026-03-02T08:00:00"}
    refused = pages.post(
        "Maja", "/holds", purpose="trespass-ban", cameras="kassa", reason="beslut 7", **window
    )
    assert refused.status_code == 422
    assert "beslut 7" in refused.text
    assert pages.post("Sara", "/holds", purpose="claim", **window).status_code == 403


def test_a_sweep_under_way_tells_on_its_page_how_far_it_has_come(pages: Pages) -> None:
    vault, seen = pages.vault, dict[str, str]()
    vault.set_clock(SYSTEM, NOW + 9 * DAY)
    pages.sign_out()
    assert pages.get("Maja", "/expiry/under-way").strip() == ""

    def tell(step: str, _done: int, _total: int) -> None:
        seen[step] = pages.get("Maja", "/expiry/under-way")

    vault.sweeper.run(SYSTEM, progress=tell)
    assert "Avförda inspelningar: 0." in seen["certified"]
    assert "Avförda inspelningar: 1." in seen["cleared"]
    assert "Gallring pågår" in seen["blobs-removed"]
    assert pages.get("Maja", "/expiry/under-way").strip() == ""
    assert "under-way" not in pages.get("Maja", "/expiry")


def test_the_page_on_cameras_says_why_a_cameras_files_wait_and_takes_the_answers(
    pages: Pages,
) -> None:
    vault = pages.vault
    text = vault.policies.show().document.replace("version = 1", "version = 2")
    asked = text.replace("in_simulated = false", "in_simulated = true")
    vault.publisher.publish(person(Role.PRIVACY_OFFICER), asked, vault.clock.now())
    waits = "Inget tas in från kameran förrän registret säger"
    assert pages.get("Maja", "/cameras").count(waits) == 2
    assert "Spara uppgifterna" not in pages.get("Maja", "/cameras")
    answers = {"purpose": "stöld vid kassan", "view": "disken", "sound": "no"}
    saved = pages.post("Adam", "/cameras/kassa/describe", **answers)
    assert "Uppgifterna om kameran är sparade." in saved.text
    assert saved.text.count(waits) == 1
    assert pages.post("Maja", "/cameras/kassa/describe", **answers).status_code == 403


def test_one_button_saves_now_and_the_explanation_may_follow(pages: Pages) -> None:
    saved = pages.post("Sara", "/incidents/save-now", cameras=["kassa", "entre"], hours="2")
    assert "Sparat. Förklara nu eller inom ett dygn." in saved.text
    explain = saved.url.path
    first = pages.get("Sara", "/")
    assert f'href="{explain}"' in first
    answer = pages.post("Sara", explain, title="", category="threat")
    assert answer.status_code == 422
    done = pages.post("Sara", explain, title="hot i kassan", category="threat")
    assert "Det sparade är nu en händelse." in done.text
    assert "hot i kassan" in done.text
    assert explain not in pages.get("Sara", "/")
    pages.days(10)
    assert pages.get("Sara", explain).count("Gör en händelse av det") == 0


def test_an_incident_is_narrowed_after_the_effect_was_shown(pages: Pages) -> None:
    incident = flagged(pages)  # the clock was never measured: 75 minutes either way
    pages.days(10)
    form = {"cameras": "kassa", "from_": "2026-03-02T05:00:00", "to": "2026-03-02T05:10:00"}
    assert "1 inspelning bevaras av inget annat" in pages.get("Maja", incident)  # by closing it
    shown = pages.post("Maja", f"{incident}/change", **form, do="preview")
    assert "1 inspelning hör inte längre till händelsen." in shown.text
    assert "1 inspelning bevaras av inget annat" in shown.text
    assert "2026-03-02 07:00:00–08:00:00 CET" in pages.get("Maja", incident)
    assert pages.post("Maja", f"{incident}/change", **form, do="change").status_code == 422
    done = pages.post("Maja", f"{incident}/change", **form, do="change", reason="fel tid")
    assert "Händelsens tider och kameror är ändrade." in done.text
    assert "2026-03-02 05:00:00–05:10:00 CET" in done.text


def test_an_incidents_page_has_a_paragraph_for_the_police_and_its_requests(pages: Pages) -> None:
    incident = flagged(pages)
    body = {
        "requester": {"type": "police", "name": "Eva Exempel", "authority": "Polismyndigheten"},
        "ground": {"code": "DSL 2:5"},
        "matter": {"number": "5000-K123456-26", "offence": "stöld"},
        "footage": [
            {
                "cameras": ["kassa"],
                "from": "2026-03-02T07:20:00+01:00",
                "to": "2026-03-02T07:40:00+01:00",
            }
        ],
    }
    request = pages.vault.requests.file(person(Role.MANAGER), body)
    shown = pages.get("Maja", incident)
    assert f'href="/requests/{request.id}"' in shown
    assert "klockan har aldrig kontrollerats" in shown
    assert request.id not in pages.get("Sara", incident)


def test_a_suspicion_is_confirmed_by_a_second_person_on_the_page(pages: Pages) -> None:
    window = {"from_": "2026-03-02T07:00:00", "to": "2026-03-02T08:00:00"}
    flag = {"cameras": "kassa", "title": "svinn", "category": "employee-crime", **window}
    assert pages.post("Maja", "/incidents", **flag).status_code == 403
    incident = pages.post("Pia", "/incidents", **flag).url.path
    assert "En andra person måste bekräfta" in pages.get("Pia", incident)
    assert "Bekräfta en misstanke" not in pages.get("Maja", "/incidents")
    form = {"reference": incident.rpartition("/")[2], "reason": "kvitton saknas"}
    assert "Misstanken är bekräftad." in pages.post("Bo", "/incidents/confirm", **form).text
    assert "En andra person måste bekräfta" not in pages.get("Pia", incident)


def test_a_disk_nearing_full_stands_on_the_first_page_and_is_explained(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Disken blir full" not in pages.get("Maja", "/")
    assert "räcker de närmaste 31 dagarna" in pages.get("Maja", "/expiry")
    reserve = pages.vault.settings.reserve_bytes
    monkeypatch.setattr(pages.vault.store, "free_bytes", lambda: reserve + 1)
    assert "Disken blir full" in pages.get("Maja", "/")
    told = pages.get("Maja", "/expiry")
    assert "Publicera en policy med kortare tid" in told
    assert "Inget som bevaras tas bort i förtid" in told
    assert "Disken blir full" not in pages.get("Sara", "/")
    (found,) = [x for x in check_vault(pages.vault).findings if x.where == "disk"]
    assert found.level == "warning"
