"""The story told on the terminal: it holds, it says so only where it does, it leaves nothing."""

import zipfile
from pathlib import Path

import pytest

from cctv_vault.demo.shop import temporary_folder
from cctv_vault.demo.story import flip_a_byte, tell


def test_every_step_of_the_story_holds_with_drawn_cameras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Somebody else's vault is named in the environment, and must not be touched.
    monkeypatch.setenv("CCTV_VAULT_HOME", str(tmp_path / "real"))
    monkeypatch.setenv("CCTV_VAULT_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    lines: list[str] = []

    assert tell(None, lines.append), "\n".join(lines)

    assert not [line for line in lines if "✗" in line]
    assert any("Anders, a second person, approves" in line for line in lines)
    assert not list(tmp_path.iterdir())


def test_the_story_ends_at_the_step_that_does_not_hold(tmp_path: Path) -> None:
    # A folder with no film in it: the first real file cannot arrive.
    (tmp_path / "cctv").mkdir()
    lines: list[str] = []

    assert not tell(tmp_path, lines.append)

    assert lines[-1].lstrip().startswith("✗")


def test_a_temporary_folder_is_gone_with_everything_in_it() -> None:
    with temporary_folder() as folder:
        (folder / "home").mkdir(mode=0o700)
        (folder / "home" / "root.key").write_bytes(b"key")
        assert folder.stat().st_mode & 0o077 == 0

    assert not folder.exists()


def test_exactly_one_bit_of_the_largest_file_is_flipped(tmp_path: Path) -> None:
    whole, damaged = tmp_path / "whole.zip", tmp_path / "damaged.zip"
    with zipfile.ZipFile(whole, "w") as bag:
        bag.writestr("small.txt", b"x" * 10)
        bag.writestr("data/large.bin", b"y" * 1000)

    assert flip_a_byte(whole, damaged) == "data/large.bin"

    pairs = zip(whole.read_bytes(), damaged.read_bytes(), strict=True)
    assert [(one ^ other).bit_count() for one, other in pairs if one != other] == [1]
    with zipfile.ZipFile(damaged) as bag:
        assert bag.testzip() == "data/large.bin"
