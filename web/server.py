"""`serve`: pages, portal, watcher and sweep in one process, ended cleanly by one signal.

Addresses hold tokens and references, so there is no access log. The sweep runs beside the pages:
what is due is refused by itself from its exact end, the sweep destroys what opened it.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

from cctv_vault.errors import ConfigError, VaultError
from cctv_vault.people.actors import system_actor
from cctv_vault.vault import Vault
from web.app import create_app
from web.patience import PATIENCE, Patience, patient
from web.portal.app import create_portal

_LOG: Final = logging.getLogger("cctv_vault.web")
_GRACE_S: Final = 5
_POST_S: Final = 10.0
_LOOK_S: Final = 60.0


class _Listener(uvicorn.Server):
    """One listener; signals are left to `serve`, because there may be two of these."""

    def __init__(self, app: FastAPI, at: socket.socket, patience: Patience) -> None:
        """``at`` listens already, so whoever connects from now on is answered."""
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                log_config=None,
                server_header=False,
                http=patient(patience),
                ws="none",
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self._at = at
        self.port: int = at.getsockname()[1]

    async def run_until_told(self, stop: Callable[[], None]) -> None:
        """Serve; where this ends, ``stop`` ends the others."""
        try:
            await self.serve(sockets=[self._at])
        finally:
            stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield


class Serving:
    """Everything `serve` runs; made with its listeners open, so whoever connects is answered."""

    def __init__(
        self,
        vault: Vault,
        host: str,
        port: int,
        portal: tuple[str, int] | None = None,
        *,
        patience: Patience = PATIENCE,
    ) -> None:
        """Open the listeners; port 0 takes any that is free.

        Raises:
            ConfigError: A listener cannot be opened.
        """
        self._vault = vault
        self._sockets = contextlib.ExitStack()
        self._ended = threading.Event()
        with contextlib.ExitStack() as opened:
            at = opened.enter_context(_socket(host, port))
            self._staff = _Listener(create_app(vault), at, patience)
            self._portal: _Listener | None = None
            if portal is not None:
                at = opened.enter_context(_socket(*portal))
                self._portal = _Listener(create_portal(vault), at, patience)
            self._sockets = opened.pop_all()

    @property
    def port(self) -> int:
        """The port of the staff's pages."""
        return self._staff.port

    @property
    def portal_port(self) -> int | None:
        """The port of the portal, where there is one."""
        return self._portal.port if self._portal else None

    def run(self) -> None:
        """Serve until `stop`, or in the main thread SIGTERM or SIGINT; then end cleanly."""
        sweeping = threading.Thread(target=_sweep, args=(self._vault, self._ended), name="sweep")
        posting = threading.Thread(target=_post, args=(self._vault, self._ended), name="post")
        watching = threading.Thread(target=_look, args=(self._vault, self._ended), name="health")
        watcher = self._vault.watcher()
        with self._sockets:
            watcher.start()
            sweeping.start()
            posting.start()
            watching.start()
            try:
                asyncio.run(self._listen())
            finally:
                self._ended.set()
                watcher.stop()
                sweeping.join()
                posting.join()
                watching.join()

    def stop(self) -> None:
        """End `run`, from any thread; it finishes what it is answering."""
        for listener in self._listeners():
            listener.should_exit = True

    def _listeners(self) -> list[_Listener]:
        return [each for each in (self._staff, self._portal) if each is not None]

    async def _listen(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for each in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(each, self.stop)
        await asyncio.gather(*(each.run_until_told(self.stop) for each in self._listeners()))


def serve(
    vault: Vault,
    host: str = "127.0.0.1",
    port: int = 8080,
    portal: tuple[str, int] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigError: A listener cannot be opened.
    """
    Serving(vault, host, port, portal).run()


def _socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"nothing can listen on {host}:{port}: {os.strerror(error.errno or 0)}; choose another "
            "port, or end the program that has this one"
        ) from None


def _post(vault: Vault, stop: threading.Event) -> None:
    """Send what is to be told; beside the sweep, so that a slow mail server delays nothing."""
    while vault.outbox.carries and not stop.wait(_POST_S):
        try:
            vault.remind(system_actor())
            vault.outbox.deliver(system_actor())
        except VaultError as error:
            _LOG.error("messages were not sent: %s", error.code)
        except Exception as error:  # noqa: BLE001 - one failed round must not be the last
            _LOG.error("sending messages failed: %s", type(error).__name__)


def _look(vault: Vault, stop: threading.Event) -> None:
    """Look after the cameras; apart from the rest, so that nothing slow makes one seem silent."""
    while not stop.is_set():
        try:
            vault.health.look(system_actor())
        except VaultError as error:
            _LOG.error("the cameras were not looked after: %s", error.code)
        except Exception as error:  # noqa: BLE001 - one failed round must not be the last
            _LOG.error("looking after the cameras failed: %s", type(error).__name__)
        stop.wait(_LOOK_S)


def _sweep(vault: Vault, stop: threading.Event) -> None:
    while not stop.wait(vault.settings.sweep_s):
        try:
            vault.requests.lapse_due(system_actor())
            vault.reviews.remind(system_actor())
            report = vault.sweeper.run(system_actor())
        except VaultError as error:
            _LOG.error("the sweep did not finish: %s", error.code)
        except Exception as error:  # noqa: BLE001 - one failed sweep must not be the last
            _LOG.error("the sweep failed: %s", type(error).__name__)
        else:
            if report.alarm:
                _LOG.warning("the sweep raises an alarm; see the page on expiry")
