"""The fences around reading hostile footage, each tried from the inside."""

import io
import json
import os
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cctv_vault.demo.cameras import SyntheticCamera
from cctv_vault.media import wire
from cctv_vault.media.errors import (
    MediaCrashError,
    MediaLimitError,
    MediaRefusedError,
    SandboxError,
)
from cctv_vault.media.limits import PICTURE, PROBE, REFUSALS, Budget
from cctv_vault.media.sandbox import MediaSandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[MediaSandbox]:
    with MediaSandbox() as opened:
        yield opened


_LONG = {"cpu_s": 3600, "wall_s": 3600}


class _Broken(io.BytesIO):
    """A source whose bytes turn out to be tampered with."""

    def read(self, _size: int | None = -1, /) -> bytes:
        raise RuntimeError("segment 3 does not verify")


def test_a_job_can_open_no_file_make_no_file_and_reach_nobody(sandbox: MediaSandbox) -> None:
    tried = sandbox.run("drill-confinement", {}, [], PROBE)

    assert tried == {"reads_files": False, "writes_files": False, "makes_sockets": False}


def test_what_the_kernel_granted_is_told(sandbox: MediaSandbox) -> None:
    sandbox.run("drill-confinement", {}, [], PROBE)

    assert set(sandbox.confinement) == {
        "undumpable",
        "no_new_privileges",
        "no_network",
        "no_files",
        "not_root",
    }
    assert sandbox.confinement["undumpable"]
    assert sandbox.confinement["no_new_privileges"]
    assert sandbox.confinement["not_root"]


@pytest.mark.parametrize(
    ("drill", "budget", "error", "told"),
    [
        ("drill-spin", Budget(1, 60, 0), MediaLimitError, "processor time"),
        ("drill-spin", Budget(60, 1, 0), MediaLimitError, "more time"),
        ("drill-hoard", PROBE, MediaLimitError, "memory"),
        ("drill-crash", PROBE, MediaCrashError, "SIGSEGV"),
        ("no such operation", PROBE, MediaCrashError, "exit 1"),
    ],
)
def test_a_job_beyond_its_limits_ends_alone_and_says_how(
    sandbox: MediaSandbox, drill: str, budget: Budget, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        sandbox.run(drill, {}, [], budget)

    assert sandbox.run("drill-confinement", {}, [], PROBE)


def test_a_crashing_file_does_not_delay_or_spoil_the_others(sandbox: MediaSandbox) -> None:
    refused: list[str] = []

    def look() -> None:
        try:
            sandbox.run("probe", {}, [io.BytesIO(b"no footage")], PROBE)
        except MediaRefusedError as error:
            refused.append(error.reason_code)

    def crash() -> None:
        with pytest.raises(MediaCrashError):
            sandbox.run("drill-crash", {}, [], PROBE)

    threads = [threading.Thread(target=target) for target in (look, crash) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refused == ["not-media"] * 8


def test_an_error_of_the_source_reaches_the_caller_unchanged(sandbox: MediaSandbox) -> None:
    with pytest.raises(RuntimeError, match="segment 3"):
        sandbox.run("probe", {}, [_Broken(b"x" * 100)], PROBE)


def test_a_worker_that_was_killed_is_started_again() -> None:
    with MediaSandbox() as sandbox:
        sandbox.run("drill-confinement", {}, [], PROBE)
        process = sandbox._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

        assert sandbox.run("drill-confinement", {}, [], PROBE)
        assert sandbox._process is not process


def test_a_closed_sandbox_runs_nothing_and_leaves_no_process_behind() -> None:
    sandbox = MediaSandbox()
    sandbox.run("drill-confinement", {}, [], PROBE)
    process = sandbox._process
    assert process is not None

    sandbox.close()

    assert process.returncode is not None
    with pytest.raises(SandboxError):
        sandbox.run("drill-confinement", {}, [], PROBE)


def test_the_worker_sees_nothing_of_the_vaults_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CCTV_VAULT_TOKEN", "a credential")
    with MediaSandbox() as sandbox:
        sandbox.run("drill-confinement", {}, [], PROBE)
        assert sandbox._process is not None
        pid = sandbox._process.pid
        # The worker cannot be looked into, except by root, who sees that nothing is there.
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
                assert b"credential" not in file.read()
        except PermissionError:
            assert os.geteuid() != 0


def test_output_beyond_the_budget_ends_the_job(sandbox: MediaSandbox) -> None:
    still = SyntheticCamera("a", "aisle").still(datetime(2026, 3, 1, tzinfo=UTC))
    small = Budget(PICTURE.cpu_s, PICTURE.wall_s, 100)

    with pytest.raises(MediaLimitError, match="room"):
        sandbox.run("poster", {"offset_s": 0.0, "width": 480}, [io.BytesIO(still)], small)


@contextmanager
def _job_that_says(data: bytes) -> Iterator[MediaSandbox]:
    """A sandbox whose job has been taken over and says what it likes."""
    ours, theirs = socket.socketpair()
    with theirs, MediaSandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        patch.setattr(sandbox, "_submit", lambda: ours)
        yield sandbox


def _message(kind: int, payload: bytes = b"", source: int = 0, length: int | None = None) -> bytes:
    return (
        struct.pack(">BBQI", kind, source, 0, len(payload) if length is None else length) + payload
    )


@pytest.mark.parametrize(
    "data",
    [
        _message(99),
        _message(wire.Kind.RESULT, b"not json"),
        _message(wire.Kind.RESULT, b"[1, 2]"),
        _message(wire.Kind.RESULT, b'{"refused": "a reason of my own"}'),
        _message(wire.Kind.READ, source=7, length=10),
        _message(wire.Kind.READ, length=10)[:2] + b"\xff" * 8 + b"\x00\x00\x00\x0a",
        _message(wire.Kind.WRITE, length=0xFFFF_FFFF),
        _message(wire.Kind.JOB, b"{}"),
        _message(wire.Kind.ENDED, b'{"status": "fine"}'),
    ],
)
def test_a_job_that_was_taken_over_is_not_believed(data: bytes) -> None:
    with _job_that_says(data) as sandbox, pytest.raises(MediaCrashError):
        sandbox.run("probe", {}, [io.BytesIO(b"x" * 100)], PROBE)


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ({"source": 7, "length": 10}, MediaCrashError),
        ({"length": 200}, MediaCrashError),
        ({"length": 0xFFFF_FFFF}, MediaLimitError),
    ],
)
def test_a_job_that_was_taken_over_copies_nothing_that_is_not_there(
    place: dict[str, int], error: type[Exception]
) -> None:
    with _job_that_says(_message(wire.Kind.COPY, b"", **place)) as sandbox, pytest.raises(error):
        sandbox.run("cut", {}, [io.BytesIO(b"x" * 100)], Budget(1, 1, 1000), io.BytesIO())


@pytest.mark.parametrize("sentence", ["x" * 100_000, "a face: /9j/4AAQSkZJRg==", 7, None])
def test_a_job_that_was_taken_over_passes_nothing_out_in_its_sentence(sentence: object) -> None:
    answer = json.dumps({"refused": "not-media", "sentence": sentence}).encode()
    with (
        _job_that_says(_message(wire.Kind.RESULT, answer)) as sandbox,
        pytest.raises(MediaRefusedError) as caught,
    ):
        sandbox.run("probe", {}, [io.BytesIO(b"x")], PROBE)

    assert caught.value.sentence == REFUSALS["not-media"]


def test_a_job_nobody_waits_for_any_more_is_ended() -> None:
    with MediaSandbox() as sandbox:
        with sandbox._submit() as sock:
            job = {"operation": "drill-spin", "arguments": {}, "sizes": [], **_LONG}
            wire.send(sock, wire.Kind.JOB, json.dumps(job).encode())
        assert sandbox._process is not None
        pid = sandbox._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        while children.read_text():
            sandbox.run("drill-confinement", {}, [], PROBE)
