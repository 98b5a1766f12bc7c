"""What went wrong elsewhere, and was fined: each case as it would go here.

ICO v Greater Manchester Police: two hours were missing from footage "retained" for a case, and
nobody had looked. AEPD v a hotel: footage expired while a request for it lay unanswered. And what
both have in common with a shop: the recorder that uploads a day late.
"""

import asyncio
import json
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cctv_vault.cli.main import main
from cctv_vault.disclosure.verification import verify_package
from cctv_vault.people.actors import PORTAL_ACTOR, Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.vault import Vault
from cctv_vault.views import iso
from tests.shop import NOW, SYSTEM, film, open_shop, person, picture, put
from web.app import create_app

HANDLER = person(Role.MANAGER, name="Maja")
APPROVER = person(Role.APPROVER, name="Anders")
HOUR = timedelta(hours=1)
FROM = datetime(2026, 3, 1, 20, tzinfo=UTC)  # Sunday, 21:00 in the shop
TO = FROM + 4 * HOUR
LOST = (FROM + HOUR, FROM + 3 * HOUR)
BODY: dict[str, Any] = {
    "requester": {"type": "police", "authority": "Polismyndigheten", "name": "Eva Exempel"},
    "ground": {"code": "DSL 2:5"},
    "matter": {"number": "5000-K123456-26", "offence": "stöld"},
    "footage": [{"cameras": ["kassa"], "from": iso(FROM), "to": iso(TO)}],
}


@pytest.fixture
def vault(tmp_path: Path, database_url: str | None) -> Iterator[Vault]:
    vault = open_shop(tmp_path, database_url)
    for code in ("kassa", "entre"):
        vault.register.measure_clock(
            SYSTEM, code, offset_s=0, uncertainty_s=1, measured_at=NOW.astimezone(UTC)
        )
    yield vault
    vault.close()


def arrives(vault: Vault, folder: Path, at: datetime, number: int, *, hours: float = 0) -> str:
    """Footage of ``kassa``: a still, or an hour told by its name."""
    local = at.astimezone(NOW.tzinfo)
    if hours:
        ends = local + hours * HOUR
        name = f"Ch01_{local:%Y%m%d%H%M%S}_{ends:%Y%m%d%H%M%S}.mp4"
        path = put(folder / "late", name, film(number, 1))
    else:
        path = put(folder / "late", f"{local:%Y%m%d_%H%M%S}.jpg", picture(number))
    outcome = vault.ingest.offer(SYSTEM, path, camera="kassa")
    assert outcome.recording is not None, outcome
    return outcome.recording


def kept(vault: Vault) -> set[str]:
    return {each.id for each in vault.catalogue.list(HANDLER)}


def gaps_of(listed: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(each["starts_at"], each["ends_at"], each["cause"]) for each in listed]


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What the command line says on the vault of this test, which is closed meanwhile."""

    def run(*words: str) -> str:
        capsys.readouterr()
        folders = ["--home", str(tmp_path / "home"), "--keys", str(tmp_path / "keys")]
        assert main([*folders, "--as", "Maja", *words]) == 0
        return capsys.readouterr().out

    return run


def test_two_hours_missing_from_retained_footage_are_impossible_to_miss(
    tmp_path: Path, said: Callable[..., str]
) -> None:
    """ICO v GMP: whoever flags, lists, opens, requests, packs or verifies is told of the gap."""
    vault = open_shop(tmp_path)
    vault.people.add(SYSTEM, "Maja", [Role.MANAGER])
    vault.register.measure_clock(
        SYSTEM, "kassa", offset_s=0, uncertainty_s=1, measured_at=NOW.astimezone(UTC)
    )
    arrives(vault, tmp_path, FROM, 1, hours=1)
    arrives(vault, tmp_path, FROM + 3 * HOUR, 2, hours=1)
    missing = [(iso(LOST[0]), iso(LOST[1]), "silent")]

    flagged = vault.incidents.flag(
        HANDLER, cameras=("kassa",), starts_at=FROM, ends_at=TO, title="Rån", category="robbery"
    )
    assert [(each.starts_at, each.ends_at) for each in flagged.gaps] == [LOST]
    request = vault.requests.file(HANDLER, BODY).id
    vault.requests.verify(HANDLER, request, "call-back", "114 14")
    vault.requests.assess(HANDLER, request, "Rån.", "Behövs.")
    vault.requests.decide(APPROVER, request, approve=True, reason="Behövs.")
    package = tmp_path / "package.zip"
    vault.requests.prepare(HANDLER, request, package)
    with zipfile.ZipFile(package) as bag:
        name = next(each for each in bag.namelist() if each.endswith("data/record.json"))
        record = json.loads(bag.read(name))
    assert [(each["from"], each["to"], each["cause"]) for each in record["gaps"]] == missing
    assert verify_package(package, key=vault.log.vkey, allow_simulated=True).sound
    pages = {
        page: shown(vault, f"/{page}")
        for page in (f"requests/{request}", f"incidents/{flagged.id}")
    }
    vault.close()

    for page, text in pages.items():
        assert text.count('class="mark gap"') == 1, page
    for words in (("incident", "show", flagged.id), ("request", "show", request)):
        assert "NO FOOTAGE of kassa from 2026-03-01 22:00" in said(*words)
        assert gaps_of(json.loads(said(*words, "--json"))["gaps"]) == missing
    assert "2:00:00" in said("incident", "list")
    (line,) = said("incident", "list", "--json").splitlines()
    assert gaps_of(json.loads(line)["gaps"]) == missing
    window = ("--from", iso(FROM), "--to", iso(TO))
    found = said("footage", "gaps", "--camera", "kassa", *window, "--json").splitlines()
    assert gaps_of([json.loads(each) for each in found]) == missing


def shown(vault: Vault, page: str) -> str:
    """A page as a manager sees it."""
    added = vault.people.add(SYSTEM, f"Eva{vault.log.size()}", [Role.MANAGER])

    async def visit() -> httpx.Response:
        pages = httpx.ASGITransport(create_app(vault))
        async with httpx.AsyncClient(transport=pages, base_url="http://127.0.0.1") as browser:
            form = {"name": added.name, "credential": str(added.credential)}
            await browser.post("/sign-in", data=form)
            return await browser.get(page)

    answer = asyncio.run(visit())
    assert answer.status_code == 200
    return answer.text


def test_a_request_freezes_before_expiry_can_win_the_race_also_in_the_same_second(
    vault: Vault, tmp_path: Path
) -> None:
    """AEPD v hotel: what was there when the request came is there when it is answered."""
    recording = arrives(vault, tmp_path, FROM, 1)
    (view,) = vault.catalogue.list(HANDLER)
    ends = view.expires_at
    assert ends is not None
    vault.set_clock(SYSTEM, ends - timedelta(microseconds=1))

    filed = vault.requests.file(PORTAL_ACTOR, BODY)

    assert (filed.frozen, filed.gone) == (1, 0)
    vault.set_clock(SYSTEM, ends)
    assert vault.sweeper.run(SYSTEM).recordings == 0
    assert kept(vault) == {recording}
    vault.requests.confirm(HANDLER, filed.id)
    vault.set_clock(SYSTEM, ends + timedelta(days=60))
    assert vault.sweeper.run(SYSTEM).recordings == 0
    assert kept(vault) == {recording}


def test_a_request_that_comes_a_moment_too_late_is_told_so_and_freezes_nothing(
    vault: Vault, tmp_path: Path
) -> None:
    recording = arrives(vault, tmp_path, FROM, 1)
    (view,) = vault.catalogue.list(HANDLER)
    assert view.expires_at is not None
    vault.set_clock(SYSTEM, view.expires_at)

    filed = vault.requests.file(HANDLER, BODY)

    assert (filed.frozen, filed.gone) == (0, 1)
    assert "had expired" in " ".join(filed.remarks)
    vault.set_clock(SYSTEM, view.expires_at + HOUR)
    assert [each.recording for each in vault.sweeper.run(SYSTEM).due] == [recording]


def test_a_sweep_and_a_request_at_once_leave_the_footage_frozen(
    vault: Vault, tmp_path: Path
) -> None:
    """Both at the last moment, on two threads: whoever is first, the request has it."""
    recording = arrives(vault, tmp_path, FROM, 1)
    (view,) = vault.catalogue.list(HANDLER)
    assert view.expires_at is not None
    vault.set_clock(SYSTEM, view.expires_at - timedelta(microseconds=1))

    with ThreadPoolExecutor(2) as both:
        sweep = both.submit(vault.sweeper.run, SYSTEM)
        filing = both.submit(vault.requests.file, HANDLER, BODY)
        assert (sweep.result().recordings, filing.result().frozen) == (0, 1)

    vault.set_clock(SYSTEM, view.expires_at + HOUR)
    vault.sweeper.run(SYSTEM)
    assert kept(vault) == {recording}


@pytest.mark.parametrize("by", ["incident", "hold", "request"])
def test_a_hold_on_a_camera_whose_upload_is_late_still_catches_it(
    vault: Vault, tmp_path: Path, by: str
) -> None:
    """The recorder sends Sunday's film on Friday: without the hold it would stay for a day."""
    if by == "incident":
        vault.incidents.flag(
            HANDLER, cameras=("kassa",), starts_at=FROM, ends_at=TO, title="Rån", category="robbery"
        )
    elif by == "hold":
        windows = (("kassa", FROM, TO),)
        order = HoldOrder(purpose="more-coming", windows=windows, reason="Polisen ringde.")
        vault.holds.place_as(HANDLER, order)
    else:
        vault.requests.file(HANDLER, BODY)
    vault.set_clock(SYSTEM, NOW + timedelta(days=4, hours=4))
    vault.sweeper.run(SYSTEM)

    caught = arrives(vault, tmp_path, FROM + HOUR, 1, hours=1)
    beside = arrives(vault, tmp_path, FROM - 2 * HOUR, 2, hours=1)

    assert kept(vault) == {caught, beside}
    vault.set_clock(SYSTEM, vault.clock.now() + timedelta(days=1, minutes=15))
    assert [each.recording for each in vault.sweeper.run(SYSTEM).due] == [beside]
    assert kept(vault) == {caught}
