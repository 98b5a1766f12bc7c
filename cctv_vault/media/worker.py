"""Inside the sandbox: the parent of the jobs, and the life of one job.

Owns the order of giving things up. ``main`` imports everything first, because nothing can be opened
afterwards, then leaves network, files and privileges, and forks a process for each socket it is
handed. A job's process sets its own limits before it reads a byte of footage.
"""

import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NoReturn

import av
import av.logging

from cctv_vault.hardening import confine_worker
from cctv_vault.media import cutting, motion, picture, probing
from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.limits import MEMORY_BYTES
from cctv_vault.media.remote import Output, RemoteFile
from cctv_vault.media.wire import Kind, receive, send

_Operation = Callable[[dict[str, Any], list[RemoteFile], Output], dict[str, Any]]


def _confinement(_: dict[str, Any], __: list[RemoteFile], ___: Output) -> dict[str, Any]:
    """Tries what a job must not be able to do, and says what happened."""
    attempts: dict[str, Callable[[], None]] = {
        "reads_files": lambda: os.close(os.open("/proc/self/status", os.O_RDONLY)),
        "writes_files": lambda: os.mkdir(f"{os.sep}cctv-vault-{os.getpid()}"),  # noqa: PTH102
        "makes_sockets": lambda: socket.socket().close(),
    }
    tried: dict[str, bool] = {}
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            tried[name] = False
        else:
            tried[name] = True
    return tried


def _spin(_: dict[str, Any], __: list[RemoteFile], ___: Output) -> NoReturn:
    """A job that never ends, to see that its limits end it."""
    while True:
        pass


def _hoard(_: dict[str, Any], __: list[RemoteFile], ___: Output) -> dict[str, Any]:
    """A job that wants more memory than it may have."""
    return {"bytes": len(bytearray(2 * MEMORY_BYTES))}


def _crash(_: dict[str, Any], __: list[RemoteFile], ___: Output) -> dict[str, Any]:
    """A job that dies as a broken decoder would."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


OPERATIONS: Final[dict[str, _Operation]] = {
    "probe": probing.probe,
    "stills": probing.stills,
    "cut": cutting.cut,
    "begins": cutting.begins,
    "poster": picture.poster,
    "motion": motion.motion,
    "frame": picture.frame,
    # The drills by which `check` and the tests see that the fences stand.
    "drill-confinement": _confinement,
    "drill-spin": _spin,
    "drill-hoard": _hoard,
    "drill-crash": _crash,
}


def main(control_fd: int) -> None:
    """Serves jobs until the vault closes its end of ``control_fd``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    av.logging.set_level(av.logging.ERROR)
    # All before files are given up: PyAV imports parts of itself when it first meets a stream.
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name not in {"av.__main__", "av.datasets"}:
            importlib.import_module(module.name)
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    picture.warm_up()
    motion.warm_up()
    with socket.socket(fileno=control_fd) as control:
        send(control, Kind.RESULT, json.dumps(confine_worker()).encode())
        jobs: dict[int, socket.socket] = {}
        poll = select.poll()
        poll.register(control, select.POLLIN)
        poll.register(wake_read, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            # Before anything is closed or opened, while descriptors mean what they meant.
            _give_up(jobs, poll, ready)
            if wake_read in ready:
                os.read(wake_read, 4096)
                _bury(jobs, poll)
            if control.fileno() in ready:
                message, fds, _, _ = socket.recv_fds(control, 1, 1)
                if not message:
                    return
                sock = socket.socket(fileno=fds[0])
                pid = os.fork()
                if pid == 0:
                    # Other jobs' sockets carry other people's footage.
                    for other in (control, *jobs.values()):
                        other.close()
                    signal.set_wakeup_fd(-1)
                    os.close(wake_read)
                    os.close(wake_write)
                    _live(sock)
                jobs[pid] = sock
                poll.register(sock, 0)  # for the hang-up alone; the words are the job's


def _give_up(jobs: dict[int, socket.socket], poll: select.poll, ready: set[int]) -> None:
    """Ends the jobs whose answer nobody waits for any more."""
    for pid, sock in jobs.items():
        if sock.fileno() in ready:
            poll.unregister(sock)
            os.kill(pid, signal.SIGKILL)


def _bury(jobs: dict[int, socket.socket], poll: select.poll) -> None:
    """Collects ended jobs and tells the vault how each one ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        with jobs.pop(pid) as sock:
            with suppress(KeyError):  # given up before
                poll.unregister(sock)
            sock.settimeout(0)  # a vault that no longer listens must not stop the others
            try:
                send(sock, Kind.ENDED, json.dumps({"status": status}).encode())
            except OSError:
                continue


def _live(sock: socket.socket) -> NoReturn:
    """The whole life of one job; never returns to the parent's code."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        job = json.loads(receive(sock).payload)
        _limit(job["cpu_s"], job["wall_s"])
        files = [RemoteFile(sock, number, size) for number, size in enumerate(job["sizes"])]
        send(sock, Kind.RESULT, json.dumps(_perform(job, files, Output(sock))).encode())
        code = 0
    except BaseException:  # noqa: BLE001 - what went wrong may hold content; the status tells enough
        code = 1
    finally:
        os._exit(code)


def _perform(job: dict[str, Any], files: list[RemoteFile], out: Output) -> dict[str, Any]:
    try:
        return OPERATIONS[job["operation"]](job["arguments"], files, out)
    except MediaRefusedError as refusal:
        return {"refused": refusal.reason_code, "sentence": refusal.sentence}
    except MemoryError:
        return {"refused": "limits"}
    except av.error.FFmpegError as error:
        if isinstance(error, OSError) and error.errno == 12:  # noqa: PLR2004 - ENOMEM
            return {"refused": "limits"}
        return {"refused": "undecodable"}


def _limit(cpu_s: int, wall_s: int) -> None:
    """Limits the kernel enforces, in C code too; the alarm's default action ends the process."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, wall_s)
    for what, limit, last in (
        (resource.RLIMIT_AS, MEMORY_BYTES, MEMORY_BYTES),
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),  # a signal that says why, then one that ends it
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_NOFILE, 0, 0),  # what is open stays open; nothing is opened any more
    ):
        resource.setrlimit(what, (limit, last))
