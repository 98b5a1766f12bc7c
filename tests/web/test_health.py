"""The health of cameras on the pages: a word and an icon for each, and what is to be done."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cctv_vault.schema import CameraHealth
from cctv_vault.vault import Vault
from cctv_vault.views import iso
from tests.shop import NOW, SYSTEM, open_shop
from tests.web.conftest import Shop
from web.server import Serving


@pytest.fixture(autouse=True, scope="module")
def _looks_once() -> Iterator[None]:
    """The served shop looks when it opens, and then no more: here faults are set by hand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.server._LOOK_S", 3600.0)
        yield


def suffers(vault: Vault, code: str, faults: Sequence[tuple[str, dict[str, int]]]) -> None:
    """A camera of which these faults were found."""
    vault.health.look(SYSTEM)
    since = {"since": iso(NOW), "found_at": iso(NOW)}
    with vault.database.write() as session:
        row = session.get_one(CameraHealth, code)
        row.faults = [{"fault": name, **since, "figures": figures} for name, figures in faults]
        session.add(row)


def test_cameras_are_looked_after_from_when_the_pages_are_served(tmp_path: Path) -> None:
    vault = open_shop(tmp_path)
    assert {each.state for each in vault.health.list(SYSTEM)} == {"unwatched"}
    serving = Serving(vault, "127.0.0.1", 0)
    running = threading.Thread(target=serving.run)
    running.start()
    try:
        while {each.state for each in vault.health.list(SYSTEM)} != {"new"}:
            assert running.is_alive()
    finally:
        serving.stop()
        running.join()
        vault.close()


def test_of_each_camera_its_condition_is_told_in_a_word(shop: Shop) -> None:
    suffers(shop.vault, "gang", [])
    for path in ("/", "/cameras"):
        assert "Learning its habits" in shop.person("Maria").get(path).text
    assert "Learning its habits" in shop.person("Adam").get("/").text
    assert "Learning its habits" not in shop.person("Sara").get("/").text


@pytest.mark.parametrize(
    ("fault", "figures", "said"),
    [
        ("silent", {"expected": 17}, "About 17 files usually come in that time."),
        ("unreadable", {"files": 1}, "1 file has come since and is in quarantine."),
        ("black", {"light": 8, "covered": 0}, "The picture is black"),
        ("black", {"light": 90, "covered": 1}, "The picture is covered"),
        ("frozen", {}, "Nothing in the picture changes any more."),
        ("moved", {"likeness_percent": 31}, "Sees something else than before"),
        ("late", {"late_s": 7300, "usual_s": 6}, "They come 2 h 1 min after they ended"),
        ("clock", {"shift_s": -184}, "moved by about 3 min 4 s"),
        ("clock", {"ahead": 1}, "lie after their arrival"),
        ("clock", {"apart_s": 95}, "differ by about 1 min 35 s"),
        ("clock", {"drift_s": 40}, "it has run off by about 40 s"),
    ],
)
def test_each_fault_is_told_on_both_pages_with_what_shows_it(
    shop: Shop, fault: str, figures: dict[str, int], said: str
) -> None:
    suffers(shop.vault, "entre", [(fault, figures)])
    try:
        maria = shop.person("Maria")
        first = maria.get("/").text
        assert said in first
        assert 'href="/cameras#camera-entre"' in first
        assert said in maria.get("/cameras").text
    finally:
        suffers(shop.vault, "entre", [])


def test_whoever_manages_says_with_a_reason_that_a_new_view_is_right(shop: Shop) -> None:
    suffers(shop.vault, "kassa", [("moved", {"likeness_percent": 31})])
    maria = shop.person("Maria")
    assert 'action="/cameras/kassa/view"' in maria.get("/cameras").text
    assert 'action="/cameras/kassa/view"' not in shop.person("Rut").get("/cameras").text

    assert shop.person("Rut").post("/cameras/kassa/view", reason="nya hyllor").status_code == 403
    assert maria.post("/cameras/kassa/view", reason=" ").status_code == 422
    answer = maria.post("/cameras/kassa/view", reason="nya hyllor")
    assert answer.status_code == 303
    assert "counts as right" in maria.get(answer.headers["location"]).text
    assert "Sees something else" not in maria.get("/cameras").text
