"""The living shop, started as a person starts it."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest


@dataclass(frozen=True)
class Shop:
    """A shop that was opened: its addresses, its home and the credential of its accounts."""

    staff: str
    portal: str
    home: Path
    word: str
    wait_for: Callable[[str], None]
    end: Callable[[signal.Signals], int]


@contextmanager
def opened(port: int) -> Iterator[Shop]:
    process = subprocess.Popen(
        [sys.executable, "-m", "cctv_vault", "demo", "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONUNBUFFERED": "1"},
    )
    said: list[str] = []
    assert process.stdout is not None
    lines = process.stdout

    def wait_for(words: str) -> None:
        for line in lines:
            said.append(line)
            if words in line:
                return
        pytest.fail("the shop closed by itself:\n" + "".join(said))

    def end(how: signal.Signals) -> int:
        process.send_signal(how)
        said.extend(lines)
        return process.wait()

    try:
        wait_for("drawing")
        text = "".join(said)
        staff, portal = re.findall(r"http://127\.0\.0\.1:\d+/", text)[:2]
        home = re.search(r"Home\s+(\S+)", text)
        word = re.search(r"credential (\S+)", text)
        assert home
        assert word
        yield Shop(staff, portal, Path(home[1]), word[1], wait_for, end)
    finally:
        process.kill()
        process.wait()
        lines.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_pages_are_up_before_the_history_and_nothing_is_left_behind(
    how: signal.Signals,
) -> None:
    with opened(18_400) as shop:
        assert httpx.get(shop.staff, follow_redirects=True).status_code == httpx.codes.OK
        assert httpx.get(shop.portal + "begaran").status_code == httpx.codes.OK
        assert shop.home.is_dir()

        assert shop.end(how) == 0

        assert not shop.home.parent.exists()


def test_a_port_that_is_taken_gives_way_to_the_next_pair() -> None:
    with ExitStack() as stack:
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = taken.getsockname()[1]
        shop = stack.enter_context(opened(port))

        assert int(shop.staff.rstrip("/").rpartition(":")[2]) != port
        assert httpx.get(shop.staff, follow_redirects=True).status_code == httpx.codes.OK


@pytest.mark.long
def test_the_shop_has_a_past_cases_in_every_state_and_goes_on_recording() -> None:
    with opened(18_500) as shop:
        shop.wait_for("in place")
        with httpx.Client(base_url=shop.staff, follow_redirects=True) as maja:
            form = maja.get("/sign-in")
            hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form.text))
            page = maja.post(
                "/sign-in",
                data={**hidden, "name": "maja", "credential": shop.word},
                headers={"Origin": shop.staff.rstrip("/"), "Accept-Language": "sv"},
            )
            assert page.status_code == httpx.codes.OK
            requests = maja.get("/requests", headers={"Accept-Language": "sv"}).text
            for state in ("bedömd", "mottagen", "kvitterad"):
                assert state in requests
            incidents = maja.get("/incidents").text
            assert "Stöld ur hyllan" in incidents

        before = len(list(shop.home.glob("blobs/**/original")))
        while len(list(shop.home.glob("blobs/**/original"))) < before + 4:
            time.sleep(0.5)
            assert httpx.get(shop.staff, follow_redirects=True).status_code == httpx.codes.OK
