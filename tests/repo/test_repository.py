"""What the repository itself promises, whatever is in its packages."""

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

APACHE_2_0 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.fixture(scope="module")
def tracked(repository: Path) -> list[Path]:
    """The files of the repository, those not committed yet included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return [repository / name for name in listed if name and (repository / name).is_file()]


def lines_matching(files: list[Path], pattern: str) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if re.search(pattern, line)
    ]


def locked(path: Path) -> dict[str, list[str]]:
    """What a lock holds: each pinned requirement with its hashes."""
    entries: dict[str, list[str]] = {}
    requirement = ""
    for line in path.read_text().splitlines():
        part = line.removesuffix("\\").strip()
        if line.startswith(" "):
            entries[requirement].append(part.removeprefix("--hash="))
        else:
            requirement = part
            entries[requirement] = []
    return entries


def test_no_file_names_a_folder_of_the_machine_it_was_written_on(tracked: list[Path]) -> None:
    assert not lines_matching(tracked, r"(^|[^A-Za-z0-9_.-])/(work|root|farm)/[A-Za-z.]")


def test_no_file_names_a_package_index(tracked: list[Path]) -> None:
    hosts = r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org"

    assert not lines_matching(tracked, hosts + r'|https?://[^ "]*/(simple|packages)/')


def test_no_code_holds_the_place_of_something_real(tracked: list[Path]) -> None:
    # Broken up, so that this line is not found by itself.
    words = "|".join(
        ("TO" + "DO", "FIX" + "ME", "XX" + "X", "raise NotImplemented" + "Error", "for" + " now")
    )
    code = [path for path in tracked if path.suffix in {".py", ".js", ".css", ".sh", ".html"}]

    assert not lines_matching(code, rf"\b({words})\b")


def test_no_real_camera_file_was_copied_in(tracked: list[Path], media: Path | None) -> None:
    if media is None:
        pytest.skip("no folder of real camera files beside this clone")
    real = {path.stat().st_size: path for path in media.rglob("*") if path.is_file()}
    same_size = [path for path in tracked if path.stat().st_size in real]
    hashes = {hashlib.sha256(path.read_bytes()).digest() for path in real.values()}

    assert not [
        path
        for path in same_size
        if path.stat().st_size and hashlib.sha256(path.read_bytes()).digest() in hashes
    ]


def test_the_licence_is_apache_2_0(repository: Path) -> None:
    assert hashlib.sha256((repository / "LICENSE").read_bytes()).hexdigest() == APACHE_2_0


def test_the_changelog_names_the_version_in_pyproject(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]

    assert f"## [{project['version']}]" in (repository / "CHANGELOG.md").read_text()


def test_every_link_between_documents_leads_somewhere(tracked: list[Path]) -> None:
    broken = [
        f"{page}: {target}"
        for page in tracked
        if page.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert not broken


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_everything_with_hashes_and_names_no_address(
    repository: Path, name: str
) -> None:
    for requirement, hashes in locked(repository / name).items():
        assert re.match(r"[a-z0-9-]+(\[[a-z]+\])?==[0-9]\S*( ; .+)?$", requirement)
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", entry) for entry in hashes), requirement


def test_the_product_is_locked_to_what_the_tests_run_on(repository: Path) -> None:
    product, tested = (locked(repository / name) for name in LOCKS)

    # Hashes too: one file, one content.
    assert product.items() <= tested.items()


def test_the_locks_satisfy_what_pyproject_asks_for(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())
    wanted = {
        LOCKS[0]: project["project"]["dependencies"],
        LOCKS[1]: project["project"]["dependencies"] + project["dependency-groups"]["dev"],
    }
    for name, requirements in wanted.items():
        pinned = [entry.split(" ;")[0].split("==") for entry in locked(repository / name)]
        for requirement in map(Requirement, requirements):
            versions = [version for package, version in pinned if package == requirement.name]
            assert versions, f"{name} lacks {requirement}; run tools/lock"
            assert all(Version(version) in requirement.specifier for version in versions)
