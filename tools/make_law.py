#!/usr/bin/env python3
"""Writes docs/law.md from docs/law.toml and from what the code itself cites.

Owns the way from a clause to the rule that implements it and the tests that would fail without
it. Refuses a rule that does not cite its clause where it stands, a test that is not there, and a
clause that is said to be there without either. What it is worth is measured by
tests/law/test_mutations.py, which switches off each rule in turn, as `off` says.

Usage: python tools/make_law.py [--check]
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TOP: Final = Path(__file__).resolve().parent.parent
STATES: Final = ("there", "partly", "not yet")


@dataclass(frozen=True)
class Rule:
    """A place in the code, the clause it answers, its tests, and how to switch it off."""

    clause: str
    where: str
    tests: tuple[str, ...]
    off: tuple[str, str]

    @property
    def file(self) -> str:
        """The file, from the top of the repository."""
        return self.where.partition("::")[0]

    @property
    def name(self) -> str:
        """What it is called in that file."""
        return self.where.partition("::")[2]


@dataclass(frozen=True)
class Row:
    """A clause: what it asks, how far it is met, and by which rules."""

    id: str
    asks: str
    state: str
    says: str
    cites: str
    rules: tuple[Rule, ...]


def parts(top: Path = TOP) -> list[tuple[dict[str, Any], tuple[Row, ...]]]:
    """The parts of docs/law.toml with their rows."""
    document = tomllib.loads((top / "docs" / "law.toml").read_text(encoding="utf-8"))
    return [
        (part, tuple(_row(each, part.get("cites", "")) for each in part.get("row", ())))
        for part in document["part"]
    ]


def _row(row: dict[str, Any], cites: str) -> Row:
    return Row(
        id=row["id"],
        asks=row["asks"],
        state=row["state"],
        says=row.get("says", ""),
        cites=cites or row["id"],
        rules=tuple(
            Rule(row["id"], each["where"], tuple(each["tests"]), (each["off"][0], each["off"][1]))
            for each in row.get("rule", ())
        ),
    )


def rules(top: Path = TOP) -> list[Rule]:
    """Every rule that a clause names."""
    return [rule for _, rows in parts(top) for row in rows for rule in row.rules]


def span(text: str, name: str, *, toml: bool) -> tuple[int, int] | None:
    """The first and the last character of a named thing, its comments and its words included.

    A name is a function, ``Class.method``, a constant, ``row:`` and the ``type`` of a row of table
    B, or in a policy the ``code`` of a purpose, which is a row of table A.
    """
    if toml:
        found = re.search(
            rf'^\[\[purpose\]\]\ncode = "{re.escape(name)}"\n(?:.+\n?)*', text, re.MULTILINE
        )
        return found.span() if found else None
    body = ast.parse(text).body
    table, row = name.startswith("row:"), name.removeprefix("row:")
    nodes = _row_of_a_table(body, row) if table else _named(body, name)
    if not nodes:
        return None
    lines = text.splitlines(keepends=True)
    first = nodes[0].lineno
    decorators = getattr(nodes[0], "decorator_list", [])
    first = min([first, *(each.lineno for each in decorators)])
    while first > 1 and lines[first - 2].lstrip().startswith("#"):
        first -= 1
    last = max(each.end_lineno or 0 for each in nodes)
    return sum(map(len, lines[: first - 1])), sum(map(len, lines[:last]))


def _named(body: list[ast.stmt], name: str) -> list[ast.stmt]:
    head, _, rest = name.partition(".")
    for index, node in enumerate(body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == head:
            return _named(node.body, rest) if rest else [node]
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if any(isinstance(each, ast.Name) and each.id == head for each in targets):
            after = body[index + 1 : index + 2]
            # The words below a constant belong to it.
            if (
                after
                and isinstance(after[0], ast.Expr)
                and isinstance(after[0].value, ast.Constant)
            ):
                return [node, *after]
            return [node]
    return []


def _row_of_a_table(body: list[ast.stmt], name: str) -> list[ast.expr]:
    for node in (each for statement in body for each in ast.walk(statement)):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "type" and getattr(keyword.value, "value", None) == name:
                    return [node]
    return []


def source_of(rule: Rule, top: Path = TOP) -> str | None:
    """The text of a rule, or None where there is none of that name."""
    path = top / rule.file
    if not path.exists():
        return None
    text = path.read_text(encoding="utf-8")
    at = span(text, rule.name, toml=path.suffix == ".toml")
    return text[at[0] : at[1]] if at else None


def faults(top: Path = TOP) -> Iterator[str]:
    """What is wrong with the registry, in words."""
    for _, rows in parts(top):
        for row in rows:
            if row.state not in STATES:
                yield f"{row.id}: there is no state {row.state!r}"
            if row.state == "there" and not row.rules:
                yield f"{row.id}: it is said to be there, but no rule and no test is named"
            if row.state == "not yet" and row.rules:
                yield f"{row.id}: it is said to be missing, but rules are named"
            if row.state != "there" and not row.says:
                yield f"{row.id}: say what is missing"
            for rule in row.rules:
                yield from _faults_of(rule, row, top)


def _faults_of(rule: Rule, row: Row, top: Path) -> Iterator[str]:
    source = source_of(rule, top)
    if source is None:
        yield f"{row.id}: there is no {rule.where}"
        return
    if not re.search(rf"\b{row.cites}\b", source):
        yield f"{row.id}: {rule.where} does not cite {row.cites}"
    if source.count(rule.off[0]) != 1:
        yield f"{row.id}: {rule.where} does not hold exactly once: {rule.off[0]!r}"
    if not rule.tests:
        yield f"{row.id}: {rule.where} is shown by no test"
    for test in rule.tests:
        path, _, name = test.partition("::")
        file = top / path
        if not file.exists() or not _named(ast.parse(file.read_text(encoding="utf-8")).body, name):
            yield f"{row.id}: there is no test {test}"


def render(top: Path = TOP) -> str:
    """The page."""
    document: list[str] = []
    for part, rows in parts(top):
        document.append(part["text"].strip())
        if rows:
            document += [
                "| | asks | state | rule | shown by |\n|---|---|---|---|---|\n"
                + "\n".join(_line(row) for row in rows)
            ]
    return "\n\n".join(document) + "\n"


def _line(row: Row) -> str:
    state = row.state + (f": {row.says}" if row.says else "")
    where = ", ".join(dict.fromkeys(f"`{_shown(rule)}`" for rule in row.rules))
    tests = ", ".join(dict.fromkeys(f"`{test}`" for rule in row.rules for test in rule.tests))
    return f"| {row.id} | {row.asks} | {state} | {where} | {tests} |"


def _shown(rule: Rule) -> str:
    if rule.file.endswith(".toml"):
        return rule.file
    in_table = rule.name.startswith("row:")
    return f"{rule.file}::{'REQUESTERS' if in_table else rule.name.rpartition('.')[2]}"


def main() -> int:
    """Write the page, or with --check only say whether it is up to date."""
    wrong = list(faults())
    for each in wrong:
        print(each, file=sys.stderr)  # noqa: T201
    if wrong:
        return 1
    page = TOP / "docs" / "law.md"
    if "--check" in sys.argv:
        return page.read_text(encoding="utf-8") != render()
    page.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
