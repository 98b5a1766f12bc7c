"""The two commands of a clone, wherever it lies and wherever they are called from."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SCRIPTS = ("run", "test", ".ci/run", "tools/environment", "tools/lock")
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    """A second clone, at a path with spaces, with an environment that finds this one's packages."""
    clone = tmp_path / "a clone with spaces"
    environment = clone / ".venv"
    here = Path(sysconfig.get_path("purelib"))
    there = environment / here.relative_to(repository / ".venv")
    there.mkdir(parents=True)
    (there / "cctv_vault.pth").write_text("../../../..\n")
    (there / "installed_for_the_first_clone.pth").write_text(f"{here}\n")
    (environment / "bin").mkdir()
    (environment / "bin/python").symlink_to((repository / ".venv/bin/python").readlink())
    shutil.copy(repository / ".venv/pyvenv.cfg", environment)
    for name in LOCKS:
        shutil.copy(repository / name, clone)
        shutil.copy(repository / name, environment / f"installed-{name}")
    for name in ("run", "test"):
        shutil.copy(repository / name, clone)
    shutil.copytree(repository / "tools", clone / "tools")
    for name in ("storage", "cctv_vault", "web"):
        (clone / name).symlink_to(repository / name)
    return clone


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_sound_bash(repository: Path, name: str) -> None:
    subprocess.run(["bash", "-n", repository / name], check=True)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_command_can_be_called_by_its_name(repository: Path, name: str) -> None:
    assert (repository / name).stat().st_mode & 0o111 == 0o111
    assert (repository / name).read_text().startswith("#!/usr/bin/env bash\n")


def test_run_works_from_any_folder_and_takes_nothing_of_ours_from_there(
    clone: Path, tmp_path: Path
) -> None:
    for name in ("web", "storage", "cctv_vault"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('taken from elsewhere')\n")
    link = tmp_path / "vault"
    link.symlink_to(clone / "run")

    for command in (clone / "run", link):
        done = subprocess.run(
            [command, "--help"], cwd=tmp_path, check=True, capture_output=True, text=True
        )

        assert "ingest" in done.stdout
        assert done.stderr == ""


# Asks the command line itself: --help answers only where every word and option before it is known.
ASK = """
import contextlib, io, json, sys
from cctv_vault.cli.main import main
for line in json.load(sys.stdin):
    sys.argv = ["cctv-vault", *line, "--help"]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = main()
    except SystemExit as end:
        status = end.code
    if status:
        print(line, said.getvalue())
"""


def test_every_command_in_the_documents_exists(repository: Path) -> None:
    pages = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md")]
    blocks = [
        block
        for page in pages
        for block in re.findall(
            r"^```sh\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE
        )
    ]
    inline = [code for page in pages for code in re.findall(r"`([^`\n]+)`", page.read_text())]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    calls = [
        words[1:]
        for words in (shlex.split(line, comments=True) for line in [*lines, *inline])
        # `cctv-vault COMMAND` stands for all of them.
        if words[:1] in (["./run"], ["cctv-vault"]) and not "".join(words[1:2]).isupper()
    ]
    assert len(calls) > 4

    done = subprocess.run(
        [sys.executable, "-I", "-c", ASK],
        input=json.dumps(calls),
        check=False,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_changed_lock_is_installed_once_and_an_equal_one_never(clone: Path) -> None:
    record = clone / "installed"
    uv = clone / ".uv/bin/uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(f'#!/bin/sh\necho "$@" >>"{record}"\n')
    uv.chmod(0o755)

    def set_up() -> int:
        subprocess.run([clone / "test", "--setup"], check=True, capture_output=True)
        return len(record.read_text().splitlines()) if record.exists() else 0

    assert set_up() == 0
    with (clone / LOCKS[1]).open("a") as lock:
        lock.write("# changed\n")

    assert set_up() == 1
    assert set_up() == 1
    assert "--require-hashes" in record.read_text()


def test_an_install_that_fails_is_said_and_tried_again(clone: Path) -> None:
    uv = clone / ".uv/bin/uv"
    uv.parent.mkdir(parents=True)
    uv.write_text("#!/bin/sh\nexit 1\n")
    uv.chmod(0o755)
    with (clone / LOCKS[0]).open("a") as lock:
        lock.write("# changed\n")

    for _ in range(2):
        done = subprocess.run(
            [clone / "run", "--help"], check=False, capture_output=True, text=True
        )

        assert done.returncode == 1
        assert "could not be made" in done.stderr
