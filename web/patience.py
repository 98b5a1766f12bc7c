"""How long a listener waits for whoever connected, and for how many: before any page is asked for.

Owns the connection alone. A stranger who opens connections and says nothing, asks a byte at a time,
or takes nothing of the answer would otherwise keep each of them for ever, until the process could
open no file, footage among them. Refuses by hanging up; what a request means is not known here.
"""

import asyncio
from dataclasses import dataclass
from typing import ClassVar, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

_LEAST_PER_S: Final = 1024
"""Bytes of a form, on average, once it has taken `Patience.slow_s`: less than any network gives."""


@dataclass(frozen=True)
class Patience:
    """For how many a listener waits, and how long, in seconds.

    ``begin_s`` for a whole request head, ``still_s`` for the next bytes of a form, ``slow_s`` until
    its pace is looked at, ``stalled_s`` for a reader who takes nothing.
    """

    most: int = 256
    begin_s: float = 20
    still_s: float = 45
    slow_s: float = 60
    stalled_s: float = 120


PATIENCE: Final = Patience()


class _Patient(H11Protocol):
    """One connection."""

    patience: ClassVar[Patience] = PATIENCE
    _waiting: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _form_began: float | None = None
    _form_bytes: int = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let somebody in, or hang up where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.patience.most:
            transport.abort()
        else:
            self._wait(self.patience.begin_s)

    def data_received(self, data: bytes) -> None:
        """Take some bytes; the time for a whole head runs on, that for a form begins anew."""
        super().data_received(data)
        if getattr(self.cycle, "response_complete", True):
            return
        if not self.cycle.more_body:
            self._rest()
        elif self._keeps_pace(len(data)):
            self._wait(self.patience.still_s)
        else:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Wait for the next request, if there is one."""
        self._form_began, self._form_bytes = None, 0
        super().on_response_complete()
        self._wait(self.patience.begin_s)

    def pause_writing(self) -> None:
        """The other side takes nothing at present."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.patience.stalled_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._rest()
        if self._stalled is not None:
            self._stalled.cancel()
        super().connection_lost(exc)

    def _keeps_pace(self, count: int) -> bool:
        now = self.loop.time()
        self._form_began = now if self._form_began is None else self._form_began
        self._form_bytes += count
        took = now - self._form_began
        return took < self.patience.slow_s or self._form_bytes >= took * _LEAST_PER_S

    def _wait(self, seconds: float) -> None:
        self._rest()
        self._waiting = self.loop.call_later(seconds, self._give_up, seconds)

    def _give_up(self, seconds: float) -> None:
        if self.flow.read_paused:
            self._wait(seconds)  # it is we who are slow
        else:
            # Not closed, which would wait for what was not taken yet.
            self.transport.abort()

    def _rest(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def patient(patience: Patience) -> type[H11Protocol]:
    """The protocol of a listener that has this patience."""
    return type("Patient", (_Patient,), {"patience": patience})
