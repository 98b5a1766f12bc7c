"""Runs the command line as a person or a script does, in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cctv_vault.cli.main import main

T0 = "2026-03-02T08:00:00+01:00"


@dataclass(frozen=True)
class Ran:
    """What one command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401
        """The one document."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """``run("site", "list")`` in a home of this test's own."""

    def command(*words: object, user: str | None = None) -> Ran:
        capsys.readouterr()
        who = ["--as", user] if user else []
        status = main(["--home", str(tmp_path / "home"), *who, *map(str, words)])
        said = capsys.readouterr()
        return Ran(status, said.out, said.err)

    return command


@pytest.fixture
def shop(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A simulated vault with the camera ``kassa``, anna (manager), bo (approver), sam (staff)."""
    monkeypatch.setenv("CCTV_VAULT_SETTLE_S", "0")
    assert run("init", "--simulated-clock", T0).status == 0
    for name, role in (("anna", "manager"), ("bo", "approver"), ("sam", "staff")):
        assert run("user", "add", name, "--role", role).status == 0
    assert run("camera", "add", "kassa", "--drop", tmp_path / "drop").status == 0
    return run
