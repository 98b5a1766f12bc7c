"""The administrator's handbook and the page on the law, held against what is there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from cctv_vault.cli.main import app
from cctv_vault.settings import Settings


@pytest.fixture(scope="module")
def handbook(repository: Path) -> str:
    return (repository / "docs" / "administrator.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def law(repository: Path) -> str:
    return (repository / "docs" / "law.md").read_text(encoding="utf-8")


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - the option parser's
    """Every command that does something, by its words."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def table_rows(document: str) -> list[list[str]]:
    """The cells of every row of every table."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in document.splitlines()
        if line.startswith("|") and not re.fullmatch(r"[|: -]+", line)
    ]


def test_every_command_and_every_option_stands_in_the_handbook(handbook: str) -> None:
    rows = table_rows(handbook)
    missing: list[str] = []
    for words, command in commands(typer.main.get_command(app)):
        row = next((cells for cells in rows if f"`{words}`" in cells[0]), None)
        if row is None:
            missing.append(words)
            continue
        said = set(re.findall(r"--[a-z0-9-]+", " ".join(row)))
        options = {
            each for param in command.params for each in (*param.opts, *param.secondary_opts)
        }
        missing += [
            f"{words} {option}"
            for option in sorted(options)
            # A switch's own opposite needs no word: whoever leaves --deep out has it.
            if option.startswith("--") and not option.startswith(("--help", "--no-"))
            if option not in said
        ]
    assert not missing


def test_the_handbook_names_no_command_and_no_option_that_is_not_there(handbook: str) -> None:
    known = dict(commands(typer.main.get_command(app)))
    section = re.split(r"\n##+ ", handbook.split("## Commands", 1)[1])[0]
    wrong: list[str] = []
    for cells in table_rows(section)[1:]:
        named = re.findall(r"`([a-z][a-z -]*)`", cells[0])
        wrong += [each for each in named if each not in known]
        options = {
            option
            for each in named
            if each in known
            for param in known[each].params
            for option in (*param.opts, *param.secondary_opts)
        }
        wrong += [
            f"{cells[0]} {each}"
            for each in re.findall(r"--[a-z-]+", " ".join(cells[1:]))
            if each not in options
        ]
    assert not wrong


def test_every_setting_stands_in_the_handbook_and_no_other(handbook: str) -> None:
    section = handbook.split("## Settings", 1)[1].split("\n## ", 1)[0]
    documented = {cells[0].strip("`") for cells in table_rows(section)[1:]}

    assert documented == {f"CCTV_VAULT_{name.upper()}" for name in Settings.model_fields}


def test_the_defaults_in_the_handbook_are_those_of_the_settings(handbook: str) -> None:
    section = handbook.split("## Settings", 1)[1].split("\n## ", 1)[0]
    said = {cells[0].strip("`"): cells[1].strip("`") for cells in table_rows(section)[1:]}
    for name, setting in Settings.model_fields.items():
        if isinstance(setting.default, int | float):
            assert float(said[f"CCTV_VAULT_{name.upper()}"]) == setting.default, name


def test_every_requirement_of_the_law_has_its_row(law: str) -> None:
    first_cells = {cells[0] for cells in table_rows(law)}

    assert {f"S{number}" for number in range(1, 21)} <= first_cells


def test_what_the_page_on_the_law_points_to_exists(law: str, repository: Path) -> None:
    wrong: list[str] = []
    for name in sorted(set(re.findall(r"`((?:cctv_vault|web|storage|tests)/[^`]+)`", law))):
        path, _, member = name.partition("::")
        file = repository / path
        if not file.exists() or (member and member not in names_in(file)):
            wrong.append(name)
    assert not wrong


def names_in(file: Path) -> set[str]:
    """What a module defines: functions, classes, and assigned names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name):
            names.add(node.id)
    return names
