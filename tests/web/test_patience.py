"""A listener waits only so long, and for so many: strangers who say nothing stop nobody's work."""

import itertools
import socket
import threading
from collections import deque
from collections.abc import Iterator

import httpx
import pytest

from tests.shop import open_shop
from web.patience import Patience
from web.server import Serving

_SHORT = Patience(most=8, begin_s=0.2, still_s=0.2, slow_s=0.2, stalled_s=0.2)
_HALVES = {
    "says nothing": b"",
    "half a request": b"GET / HTTP/1.1\r\nHost: x\r\nX-",
    "half a second request": b"GET /kontrollera HTTP/1.1\r\nHost: x\r\n\r\nGET",
    "half a form": b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nrefer",
}


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    vault = open_shop(tmp_path_factory.mktemp("patience"))
    serving = Serving(vault, "127.0.0.1", 0, ("127.0.0.1", 0), patience=_SHORT)
    running = threading.Thread(target=serving.run)
    running.start()
    yield serving
    serving.stop()
    running.join()
    vault.close()


def knock(serving: Serving, said: bytes = b"") -> socket.socket:
    assert serving.portal_port is not None
    connected = socket.create_connection(("127.0.0.1", serving.portal_port), timeout=60)
    connected.sendall(said)
    return connected


def until_it_ends(connected: socket.socket) -> bytes:
    """All that is answered until the other side hangs up; a test that waits here for ever fails."""
    whole = b""
    try:
        while piece := connected.recv(65536):
            whole += piece
    except ConnectionResetError:
        pass
    return whole


@pytest.mark.parametrize("said", _HALVES)
def test_who_does_not_go_on_is_hung_up_on(impatient: Serving, said: str) -> None:
    with knock(impatient, _HALVES[said]) as connected:
        assert until_it_ends(connected).count(b"HTTP/1.1 200") == said.count("second")


def test_a_form_that_drips_is_hung_up_on_though_it_never_stands_still(impatient: Serving) -> None:
    head, _, _ = _HALVES["half a form"].partition(b"Content-Length: 9")
    with knock(impatient, head + b"Content-Length: 9999\r\n\r\n") as connected:
        ended = threading.Event()

        def drip() -> None:
            while not ended.wait(0.05):
                try:
                    connected.sendall(b"x")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert b"200" not in until_it_ends(connected)
        finally:
            ended.set()
            dripping.join()


def test_who_takes_nothing_of_a_long_answer_is_hung_up_on(impatient: Serving) -> None:
    asked = b"GET /verify.html HTTP/1.1\r\nHost: x\r\n\r\n" * 200
    with socket.socket() as connected:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert impatient.portal_port is not None
        connected.connect(("127.0.0.1", impatient.portal_port))
        connected.settimeout(60)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            deque(map(connected.sendall, itertools.repeat(asked)), maxlen=0)


def test_beyond_so_many_nobody_is_let_in_and_the_house_goes_on(impatient: Serving) -> None:
    crowd = [knock(impatient, b"GET /") for _ in range(40)]
    try:
        assert httpx.get(f"http://127.0.0.1:{impatient.port}/sign-in").status_code == 200
        for each in crowd:
            until_it_ends(each)
        assert httpx.get(f"http://127.0.0.1:{impatient.portal_port}/").status_code == 200
    finally:
        for each in crowd:
            each.close()


def test_who_asks_at_an_ordinary_pace_meets_none_of_this(impatient: Serving) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{impatient.portal_port}") as client:
        for _ in range(30):
            assert client.get("/kontrollera").status_code == 200
            assert client.post("/status", data={"reference": "B-1"}).status_code in {403, 404}


def test_the_product_waits_longer_than_any_honest_sender_needs() -> None:
    assert Patience().begin_s >= 10
    assert Patience().still_s >= 30
