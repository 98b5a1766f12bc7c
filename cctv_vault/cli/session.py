"""What every command shares: the settings, who acts, the open vault, and how things are said.

Owns who acts, how the vault is opened, and output for people or as JSON. Exit status: 0 done and
sound, 1 refused or a check found something, 2 wrong usage.
"""

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from cctv_vault.disclosure.reportwords import cause_words
from cctv_vault.errors import AccessDeniedError, NotFoundError
from cctv_vault.footage.gaps import Gap
from cctv_vault.people.actors import Actor, system_actor
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault
from cctv_vault.views import in_local_time, parse_time, to_json

_WIDE = 250  # a file or a pipe has no edge; rows stay on one line


def _console(terminal: bool) -> Console:
    return Console(highlight=False, soft_wrap=True, width=None if terminal else _WIDE)


@dataclass
class Session:
    """One run of the command line."""

    settings: Settings
    as_json: bool
    out: Console = field(default_factory=lambda: _console(sys.stdout.isatty()))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))
    _vault: Vault | None = None
    _actor: Actor | None = None

    @property
    def vault(self) -> Vault:
        """The vault, opened at first use."""
        if self._vault is None:
            self._vault = Vault.open(self.settings)
        return self._vault

    def adopt(self, vault: Vault) -> None:
        """Use a vault that was just made."""
        self._vault = vault

    def close(self) -> None:
        """Close what was opened."""
        if self._vault is not None:
            self._vault.close()

    @property
    def os_user(self) -> str:
        """The operating-system user, which entries record beside the person."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return str(os.getuid())

    @property
    def actor(self) -> Actor:
        """Who acts: the named person, proven as the vault demands, or the operating-system user."""
        if self._actor is None:
            self._actor = self._prove()
        return self._actor

    def _prove(self) -> Actor:
        name = self.settings.user
        if not name:
            return system_actor(self.os_user)
        people = self.vault.people
        if self.vault.simulated:
            return people.asserted(name, os_user=self.os_user)
        if self.settings.token is not None:
            credential = self.settings.token.get_secret_value()
        elif sys.stdin.isatty():
            credential = getpass.getpass(f"{name}: ")
        else:
            raise AccessDeniedError(
                f"acting as {name} in a real vault needs their credential: set CCTV_VAULT_TOKEN"
            )
        return people.authenticate(name, credential, os_user=self.os_user)

    # --- times --------------------------------------------------------------------------------

    def time(self, text: str, *cameras: str) -> datetime:
        """A time given on the command line; a naive one is refused naming the camera's zone."""
        return parse_time(text, self._zone(cameras))

    def _zone(self, cameras: tuple[str, ...]) -> str:
        known = {camera.code: camera.zone for camera in self.vault.register.cameras(self.actor)}
        for code in cameras or tuple(known):
            if code in known:
                return str(known[code])
        return self.vault.zone

    def local(self, moment: datetime | None, zone: str = "") -> str:
        """A time for people: local, with its zone's offset."""
        if moment is None:
            return "–"
        return moment.astimezone(ZoneInfo(zone or self.vault.zone)).strftime("%Y-%m-%d %H:%M:%S %Z")

    def for_people(self, sentence: str) -> str:
        """A sentence with its times in UTC told on the vault's clocks, once a vault is open."""
        return sentence if self._vault is None else in_local_time(sentence, self._vault.zone)

    # --- saying things ------------------------------------------------------------------------

    def say(self, value: Any, *sentences: str) -> None:  # noqa: ANN401 - any view
        """One result: a JSON document, or sentences for people."""
        if self.as_json:
            print(json.dumps(to_json(value), ensure_ascii=False))  # noqa: T201
            return
        for sentence in sentences:
            self.out.print(sentence, markup=False)

    def stream(self, values: Iterable[Any], describe: Callable[[Any], str]) -> int:
        """Results as they come: JSON lines, or a line each; returns how many."""
        count = 0
        for value in values:
            count += 1
            if self.as_json:
                print(json.dumps(to_json(value), ensure_ascii=False), flush=True)  # noqa: T201
            else:
                self.out.print(describe(value), markup=False)
        return count

    def table(self, values: Iterable[Any], columns: dict[str, Callable[[Any], str]]) -> None:
        """Results as JSON lines, or as a table for people."""
        if self.as_json:
            self.stream(values, str)
            return
        grid = Table(box=None, pad_edge=False, header_style="bold")
        for name in columns:
            grid.add_column(name, overflow="fold")
        empty = True
        for value in values:
            empty = False
            grid.add_row(*(show(value) for show in columns.values()))
        self.out.print("nothing" if empty else grid)

    def gaps(self, gaps: Iterable[Gap]) -> Iterator[str]:
        """The stretches without footage, in words that nobody reads past."""
        for gap in gaps:
            span = f"{self.local(gap.starts_at)} to {self.local(gap.ends_at)}"
            yield f"NO FOOTAGE of {gap.camera} from {span}: {cause_words(gap.cause)['en']}"

    def fail(self, message: str, status: int = 1) -> NoReturn:
        """Say in one line on standard error what is wrong, and leave."""
        line = self.for_people(" ".join(message.split()))
        print(f"cctv-vault: {line}", file=sys.stderr)  # noqa: T201
        raise typer.Exit(status)

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """A progress bar over bytes, shown to people at a terminal only."""
        if self.as_json or not self.err.is_terminal:
            yield lambda _done: None
            return
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=self.err,
            transient=True,
        )
        with bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, advance=done)

    @contextmanager
    def steps(self, words: Mapping[str, str]) -> Iterator[Callable[[str, int, int], None] | None]:
        """A line that tells how far an act of several steps has come, as `progress`."""
        if self.as_json or not self.err.is_terminal:
            yield None
            return
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self.err,
            transient=True,
        )
        with bar:
            task = bar.add_task("", total=None)

            def tell(step: str, done: int, total: int) -> None:
                if step in words:
                    bar.update(task, description=words[step], completed=done, total=total)

            yield tell


def session(context: typer.Context) -> Session:
    """The run a command belongs to."""
    found = context.find_root().obj
    if not isinstance(found, Session):
        raise NotFoundError("session", "command line")
    return found


def counted(number: int, thing: str, things: str = "") -> str:
    """``1 recording``, ``2 recordings``; ``things`` where the plural has no plain s."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def reason_of(run: Session, reason: str | None, *, dry_run: bool) -> str:
    """The reason of an act; only what changes nothing needs none."""
    if reason is None and not dry_run:
        run.fail("say why with --reason; only --dry-run needs none", 2)
    return reason or ""


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """The JSON of a file given on the command line (``-`` is standard input)."""
    text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    return json.loads(text)
