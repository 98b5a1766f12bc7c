"""Each rule that docs/law.md names is switched off in turn, and the tests it names must fail.

In copies of the code, two at a time. That no other test fails is not looked at: a rule may well be
seen by many. What each rule's tests say while nothing is switched off is tried out first. All of it
takes about a hundred seconds of two cores.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from tools.make_law import Rule, rules, source_of

COPIES = 2
PARTS = ("cctv_vault", "docs", "storage", "tests", "tools", "web", "pyproject.toml")
_FAILED = re.compile(r"^(?:FAILED|ERROR) ([^\s\[]+)", re.MULTILINE)


def mutations() -> dict[tuple[str, str, str], list[Rule]]:
    """The rules by place and change: one that answers two clauses is switched off once."""
    found: dict[tuple[str, str, str], list[Rule]] = {}
    for rule in rules():
        found.setdefault((rule.where, *rule.off), []).append(rule)
    return found


def failing(folder: Path, tests: Sequence[str]) -> set[str]:
    """Which of these tests fail in a copy of the repository."""
    environment = {
        # Not what tells a test that it is one of a run side by side.
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
        "CCTV_VAULT_WITHOUT_SERVICES": "1",
        # A file changed twice in a second is compiled twice.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop("CCTV_VAULT_REQUIRE_SERVICES", None)
    ran = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "pytest", "-q", "--tb=no", "-rfE"),
            *("-p", "no:cacheprovider", *sorted(set(tests))),
        ],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode in {0, 1}, ran.stdout + ran.stderr
    return set(_FAILED.findall(ran.stdout))


def survivors(folder: Path, group: Sequence[Rule]) -> Iterator[str]:
    """The tests that pass although their rule is switched off."""
    rule = group[0]
    path = folder / rule.file
    before = path.read_text(encoding="utf-8")
    source = source_of(rule, folder)
    assert source is not None
    path.write_text(before.replace(source, source.replace(*rule.off)), encoding="utf-8")
    try:
        tests = [test for each in group for test in each.tests]
        failed = failing(folder, tests)
    finally:
        path.write_text(before, encoding="utf-8")
    for each in group:
        for test in each.tests:
            if test not in failed:
                yield f"{each.clause}: {test} passes without {rule.where}"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_without_a_rule_the_tests_that_name_it_fail(tmp_path: Path, repository: Path) -> None:
    free: SimpleQueue[Path] = SimpleQueue()
    for number in range(COPIES):
        folder = tmp_path / str(number)
        folder.mkdir()
        for part in PARTS:
            if (repository / part).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(repository / part, folder / part, ignore=ignored)
            else:
                shutil.copy(repository / part, folder / part)
        free.put(folder)

    def switched_off(group: Sequence[Rule]) -> list[str]:
        folder = free.get()
        try:
            return list(survivors(folder, group))
        finally:
            free.put(folder)

    everything = [test for rule in rules() for test in rule.tests]
    assert failing(tmp_path / "0", everything) == set()
    with ThreadPoolExecutor(COPIES) as workers:
        found = [each for some in workers.map(switched_off, mutations().values()) for each in some]
    assert found == []
