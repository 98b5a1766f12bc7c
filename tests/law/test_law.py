"""docs/law.md is what the code says of itself."""

from pathlib import Path

from tools.make_law import faults, parts, render, rules


def test_every_rule_cites_its_clause_and_every_test_named_is_there() -> None:
    assert list(faults()) == []


def test_the_page_is_written_from_the_registry(repository: Path) -> None:
    """After a change: PATH=.venv/bin:$PATH python tools/make_law.py."""
    assert (repository / "docs" / "law.md").read_text(encoding="utf-8") == render()


def test_every_clause_and_every_row_of_both_tables_is_answered() -> None:
    clauses, purposes, requesters = ([row.id for row in rows] for _, rows in parts() if rows)
    assert clauses == [f"S{number}" for number in range(1, 21)]
    assert len(purposes) == 16
    assert len(requesters) == 14
    assert len(rules()) > 50
