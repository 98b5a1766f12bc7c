"""The vault's side of the sandbox: starts jobs, feeds them bytes, takes their output and answer.

A parent process, started once and hardened, forks a fresh process for each job, so a crash, a limit
or a take-over ends with its job. Nothing is passed to it but one socket a job: no path, no file, no
environment. What a job answers is data from a stranger; callers check it before they use it.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol, Self

from cctv_vault.media.errors import (
    MediaCrashError,
    MediaError,
    MediaLimitError,
    MediaRefusedError,
    SandboxError,
)
from cctv_vault.media.limits import REFUSALS, Budget
from cctv_vault.media.wire import MAX_PAYLOAD, Kind, Message, receive, send

_START: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from cctv_vault.media.worker import main; main(int(sys.argv[2]))"
)
_START_TIMEOUT_S: Final = 60.0
_GRACE_S: Final = 30.0
# What a sentence of ours looks like: a job that was taken over must not pass footage out in one.
_SENTENCE: Final = re.compile(r"[A-Za-z0-9 ,;:()'×_-]{10,160}")


class ByteSource(Protocol):
    """A seekable source of bytes: an open file, or a sealed recording opened for reading."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes from the current position."""
        ...

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Moves the position, returns it from the start."""
        ...


class ByteSink(Protocol):
    """Where output goes."""

    def write(self, data: bytes, /) -> object:
        """Takes the bytes whole."""
        ...


class MediaSandbox:
    """Runs jobs on footage; safe to use from many threads at once. Close it, or use ``with``."""

    def __init__(self, *, nice: int = 0) -> None:
        """``nice`` is how far its jobs stand back behind everything else, 0 to 19."""
        self._nice = nice
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._closed = False
        self.confinement: Mapping[str, bool] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the jobs' parent; jobs under way lose their socket and end too."""
        with self._lock:
            self._closed = True
            self._stop()

    def run(
        self,
        operation: str,
        arguments: Mapping[str, Any],
        sources: Sequence[ByteSource],
        budget: Budget,
        out: ByteSink | None = None,
    ) -> dict[str, Any]:
        """Runs a job to its end and returns its answer; its output goes to ``out``.

        Raises:
            MediaRefusedError: the footage was refused, or used up its limits.
            SandboxError: no job can be run here.

        Whatever a source raises while it is read (a tampered blob) is raised here unchanged.
        """
        job = self.stream(operation, arguments, sources, budget)
        while True:
            try:
                chunk = next(job)
            except StopIteration as end:
                answer: dict[str, Any] = end.value
                return answer
            if out is not None:
                out.write(chunk)

    def stream(
        self,
        operation: str,
        arguments: Mapping[str, Any],
        sources: Sequence[ByteSource],
        budget: Budget,
    ) -> Generator[bytes, None, dict[str, Any]]:
        """Like ``run``, yielding output as it is made; the answer is the generator's value.

        Closing the generator early ends the job.
        """
        sizes = [source.seek(0, os.SEEK_END) for source in sources]
        job = {
            "operation": operation,
            "arguments": dict(arguments),
            "sizes": sizes,
            "cpu_s": budget.cpu_s,
            "wall_s": budget.wall_s,
        }
        with self._submit() as sock, _Feed(sources, sizes) as feed:
            sock.settimeout(budget.wall_s + _GRACE_S)
            send(sock, Kind.JOB, json.dumps(job).encode())
            written = 0
            while True:
                message = _next(sock)
                match message.kind:
                    case Kind.READ:
                        data = feed.read(message)
                        try:
                            send(sock, Kind.DATA, data)
                        except OSError:
                            continue  # the job is dead; the next message says of what
                        feed.read_on(message)
                    case Kind.WRITE | Kind.COPY:
                        written += message.length
                        if written > budget.output_bytes:
                            raise MediaLimitError("room")
                        yield from feed.output(message)
                    case Kind.RESULT:
                        return _answer(message.payload)
                    case Kind.ENDED:
                        raise _ended(message.payload)
                    case Kind.JOB | Kind.DATA:
                        raise MediaCrashError("it spoke out of turn")

    def _submit(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * 1024 * 1024)
        try:
            with theirs, self._lock:
                self._hand_over(theirs)
        except BaseException:
            ours.close()
            raise
        return ours

    def _hand_over(self, job: socket.socket) -> None:
        """Gives the worker the job's socket; a worker that is gone is started again, once."""
        for last_attempt in (False, True):
            control = self._control or self._start()
            try:
                socket.send_fds(control, [b"j"], [job.fileno()])
            except OSError as error:
                self._stop()
                if last_attempt:
                    raise SandboxError("the media worker cannot be started") from error
            else:
                return

    def _start(self) -> socket.socket:
        if self._closed:
            raise SandboxError("the media worker has been closed")
        control, theirs = socket.socketpair()
        root = Path(__file__).resolve().parents[2]
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, str(root), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # a Ctrl-C at the terminal is for the vault to handle
            )
        if self._nice:
            os.setpriority(os.PRIO_PROCESS, process.pid, self._nice)
        self._process, self._control = process, control
        control.settimeout(_START_TIMEOUT_S)
        try:
            ready = receive(control)
            held = json.loads(ready.payload)
        except (EOFError, OSError, ValueError) as error:
            self._stop()
            raise SandboxError(
                "the media worker did not start; check that PyAV is installed"
            ) from error
        self.confinement = {str(name): bool(value) for name, value in held.items()}
        return control

    def _stop(self) -> None:
        control, process = self._control, self._process
        self._control = self._process = None
        if control is not None:
            control.close()
        if process is not None:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _next(sock: socket.socket) -> Message:
    try:
        return receive(sock)
    except TimeoutError as error:
        raise MediaLimitError("time") from error
    except (EOFError, OSError) as error:
        raise SandboxError("the media worker went away in the middle of a job") from error
    except ValueError as error:
        raise MediaCrashError("it sent nonsense") from error


class _Feed:
    """The sources of one job, read as it asks.

    Once it reads on and on, the next block is read while it works on the last one. A source is read
    by one thread at a time.
    """

    def __init__(self, sources: Sequence[ByteSource], sizes: Sequence[int]) -> None:
        self._sources, self._sizes = sources, sizes
        self._pool: ThreadPoolExecutor | None = None
        self._ahead: tuple[Message, Future[bytes]] | None = None
        self._next: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def read(self, message: Message) -> bytes:
        """What a job asked for."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            wait([ahead[1]])
            if ahead[0] == message:
                return ahead[1].result()
        return self._read(message)

    def read_on(self, message: Message) -> None:
        """Begin to read what comes after, where what was asked for came after the last."""
        place = (message.source, message.offset)
        following = replace(message, offset=message.offset + message.length)
        went_on, self._next = self._next == place, (following.source, following.offset)
        if went_on and following.offset < self._sizes[following.source]:
            self._pool = self._pool or ThreadPoolExecutor(1)
            self._ahead = (following, self._pool.submit(self._read, following))

    def output(self, message: Message) -> Iterator[bytes]:
        """What a job sent as its output, or named, in pieces as the source has them."""
        if message.kind == Kind.WRITE:
            yield message.payload
            return
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            wait([ahead[1]])
        source = self._placed(message)
        # A sealed recording gives what it has decrypted anyhow, without copying it.
        read = getattr(source, "piece", source.read)
        missing = message.length
        while missing > 0:
            part = read(min(missing, MAX_PAYLOAD))
            if not part:
                raise MediaCrashError("it named what is not there")
            missing -= len(part)
            yield part

    def _placed(self, message: Message) -> ByteSource:
        if message.source >= len(self._sources) or message.offset > self._sizes[message.source]:
            raise MediaCrashError("it asked for what it was not given")
        source = self._sources[message.source]
        source.seek(message.offset)
        return source

    def _read(self, message: Message) -> bytes:
        source = self._placed(message)
        parts: list[bytes] = []
        missing = message.length
        while missing > 0 and (part := source.read(missing)):
            parts.append(part)
            missing -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _answer(payload: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(payload)
    except ValueError as error:
        raise MediaCrashError("it answered nonsense") from error
    if not isinstance(answer, dict):
        raise MediaCrashError("it answered nonsense")
    refused = answer.get("refused")
    if refused is None:
        return answer
    if refused not in REFUSALS:
        raise MediaCrashError("it answered nonsense")
    if refused == "limits":
        raise MediaLimitError("memory")
    sentence = answer.get("sentence")
    if not isinstance(sentence, str) or not _SENTENCE.fullmatch(sentence):
        sentence = REFUSALS[refused]
    raise MediaRefusedError(refused, sentence)


def _ended(payload: bytes) -> MediaError:
    try:
        status = int(json.loads(payload)["status"])
    except (ValueError, KeyError, TypeError):
        return MediaCrashError("it ended unexplained")
    if not os.WIFSIGNALED(status):
        return MediaCrashError(f"exit {os.waitstatus_to_exitcode(status)}")
    number = os.WTERMSIG(status)
    match number:
        case signal.SIGALRM:
            return MediaLimitError("time")
        case signal.SIGXCPU:
            return MediaLimitError("processor time")
        case signal.SIGKILL:
            return MediaLimitError("memory")
        case _:
            return MediaCrashError(signal.Signals(number).name)
