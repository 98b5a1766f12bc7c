"""On which line of a TOML document each of its settings stands. Pure.

`tomllib` tells no positions. A statement is the fewest lines from where it begins that `tomllib`
reads by themselves, so nothing here knows TOML's grammar.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final

Path = tuple[str | int, ...]
"""The way to a setting: ``("purpose", 0, "period")``; the number counts an array of tables."""

_LONGEST_STATEMENT: Final = 500
_ARRAY: Final = re.compile(r"\s*\[\[")
_HEADER: Final = re.compile(r"\s*\[")


def lines_of(text: str) -> dict[Path, int]:
    """The line, counted from 1, of every table and every setting of a sound TOML document.

    Settings in an inline table stand where the statement begins that holds them.
    """
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, statement, value in _statements(text):
        if _HEADER.match(statement):
            names = _only_path(value)
            table = ()
            for each in names[:-1]:
                table += (each,)
                if table in counts:
                    table += (counts[table] - 1,)
            table += names[-1:]
            if _ARRAY.match(statement):
                counts[table] = counts.get(table, 0) + 1
                table += (counts[table] - 1,)
            found.setdefault(table, number)
        else:
            for path in _paths(value):
                found.setdefault(table + path, number)
    return found


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a setting, or of the nearest thing around it that is there."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    start, held = 1, ""
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not held:
            start = number
        held += line
        try:
            value = tomllib.loads(held)
        except tomllib.TOMLDecodeError:
            if number - start >= _LONGEST_STATEMENT:
                return
            continue
        if value:
            yield start, held, value
        held = ""


def _only_path(value: Any) -> Path:  # noqa: ANN401 - whatever a header makes
    """The names of a header, whose statement makes nothing but them."""
    names: Path = ()
    while value:
        if isinstance(value, list):
            value = value[0]
            continue
        (name, value), *_ = value.items()
        names += (name,)
    return names


def _paths(value: dict[str, Any]) -> Iterator[Path]:
    for name, inner in value.items():
        yield (name,)
        if isinstance(inner, dict):
            for path in _paths(inner):
                yield (name, *path)
