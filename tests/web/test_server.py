"""`serve` as a process: it answers on both listeners, ends at a signal, says why it cannot."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.shop import open_shop


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def serve(folder: Path, repository: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "cctv_vault", "--home", str(folder / "home")),
            *("--keys", str(folder / "keys"), "serve", *arguments),
        ],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answers(address: str, process: subprocess.Popen[str]) -> httpx.Response:
    while process.poll() is None:
        try:
            return httpx.get(address)
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"serve ended before it answered: {process.communicate()[1]}")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_on_both_listeners_and_ends_cleanly_at_a_signal(
    tmp_path: Path, repository: Path, ending: signal.Signals
) -> None:
    open_shop(tmp_path).close()
    staff, portal = free_ports(2)
    process = serve(tmp_path, repository, "--port", str(staff), "--portal", f"127.0.0.1:{portal}")
    try:
        assert answers(f"http://127.0.0.1:{staff}/sign-in", process).status_code == 200
        secret = f"http://127.0.0.1:{portal}/hamta/a-secret-token"
        assert answers(secret, process).status_code == 200
        process.send_signal(ending)
        told, complained = process.communicate(timeout=60)
        assert process.returncode == 0, complained
        assert "a-secret-token" not in told + complained
    finally:
        process.kill()
        process.wait()


def test_serve_says_which_port_is_taken(tmp_path: Path, repository: Path) -> None:
    open_shop(tmp_path).close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = serve(tmp_path, repository, "--port", str(port))
        _, complained = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"127.0.0.1:{port}" in complained
    assert "Traceback" not in complained
