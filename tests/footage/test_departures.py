"""kill -9 while footage leaves: nothing half stays outside, and the next start enters the end."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from cctv_vault.custody.events import Event
from cctv_vault.footage import outfile
from cctv_vault.footage.outfile import OutFile, part_of
from cctv_vault.schema import Intent
from cctv_vault.vault import Vault
from tests.shop import MANAGER, NOW, SYSTEM, film, open_shop, put, settings_of

# Dies in the middle of the copy ("writing"), right before it has its name ("naming") or right
# after ("named"); on a filesystem without unnamed files where that is asked for.
CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.shop import MANAGER, settings_of
from cctv_vault.footage import outfile
from cctv_vault.vault import Vault
folder, recording, where, unnamed = Path(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if unnamed == "no":
    outfile._unnamed = lambda _folder: None
if where == "writing":
    write = outfile.OutFile.write
    def half(file, data):
        write(file, data[:1000])
        os.fsync(file._file.fileno())
        die()
    outfile.OutFile.write = half
if where == "naming":
    outfile.OutFile._name = die
if where == "named":
    name = outfile.OutFile._name
    def then(file, path, descriptor):
        name(file, path, descriptor)
        die()
    outfile.OutFile._name = then
vault = Vault.open(settings_of(folder))
out = folder / "out" / "copy.mp4"
vault.access.export(MANAGER, recording, out, reason="stold", purpose="claim")
"""


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Path, str]:
    """A shop with one recording, and that recording."""
    vault = open_shop(tmp_path)
    put(tmp_path / "drop" / "kassa", "x_20260302_070000.mp4", film(1, 2.0))
    (outcome,) = vault.ingest.offer_all(SYSTEM, [tmp_path / "drop"])
    vault.close()
    (tmp_path / "out").mkdir()
    assert outcome.recording is not None
    return tmp_path, outcome.recording


def killed(repository: Path, shop: tuple[Path, str], where: str, unnamed: str) -> None:
    folder, recording = shop
    arguments = [repository, folder, recording, where, unnamed]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, arguments)], capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr.decode()


@pytest.mark.parametrize("unnamed", ["yes", "no"])
@pytest.mark.parametrize("where", ["writing", "naming", "named"])
def test_killed_while_a_copy_leaves_nothing_half_stays_and_the_next_start_enters_the_end(
    shop: tuple[Path, str], repository: Path, where: str, unnamed: str
) -> None:
    killed(repository, shop, where, unnamed)
    folder, recording = shop
    out = folder / "out"
    lying = {each.name for each in out.iterdir()}
    if where != "named":
        assert len(lying) == (0 if unnamed == "yes" else 1)
    vault = Vault.open(settings_of(folder))
    try:
        assert {each.name for each in out.iterdir()} == (
            {"copy.mp4"} if where == "named" else set()
        )
        copies = vault.access.copies.list(MANAGER)
        failed = vault.log.entries(event=Event.FOOTAGE_EXPORT_FAILED)
        if where == "writing":  # surely nothing is left of it
            assert copies == ()
            assert [entry.subject for entry in failed] == [recording]
            assert failed[0].facts["interrupted"] is True
        else:  # somebody may have found it whole, and carried it away
            (copy,) = copies
            assert copy.recordings == (recording,)
            assert failed == []
            (entry,) = vault.log.entries(event=Event.FOOTAGE_EXPORTED)
            assert entry.facts["interrupted"] is True
        with vault.database.read() as session:
            assert session.exec(select(Intent)).all() == []
        assert list((folder / "home" / "leaving").iterdir()) == []
        assert not vault.log.verify().findings
    finally:
        vault.close()


def test_a_copy_that_another_process_is_still_writing_is_left_alone(
    shop: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, recording = shop
    monkeypatch.setattr(outfile, "_unnamed", lambda _folder: None)
    first = Vault.open(settings_of(folder))
    write = OutFile.write

    def meanwhile(file: OutFile, data: bytes) -> int:
        Vault.open(settings_of(folder)).close()
        first.set_clock(SYSTEM, NOW + timedelta(days=1))
        Vault.open(settings_of(folder)).close()
        return write(file, data)

    monkeypatch.setattr(OutFile, "write", meanwhile)
    out = folder / "out" / "copy.mp4"
    first.access.export(MANAGER, recording, out, reason="stöld", purpose="claim")
    (copy,) = first.access.copies.list(MANAGER)
    assert copy.sha256
    assert [each.name for each in out.parent.iterdir()] == ["copy.mp4"]
    assert first.log.entries(event=Event.FOOTAGE_EXPORT_FAILED) == []
    first.close()


def test_a_half_file_on_a_medium_that_was_taken_away_counts_as_a_copy(
    shop: tuple[Path, str], repository: Path
) -> None:
    killed(repository, shop, "writing", "no")
    folder, _ = shop
    (folder / "out").rename(folder / "in-a-pocket")
    vault = Vault.open(settings_of(folder))
    (copy,) = vault.access.copies.list(MANAGER)
    assert copy.destroyed_confirmed_at is None
    vault.close()


def test_a_file_that_only_looks_half_is_nobodys_to_remove(
    shop: tuple[Path, str], repository: Path
) -> None:
    folder, _ = shop
    mine = folder / "out" / "copy.mp4.part"
    mine.write_bytes(b"mine")
    killed(repository, shop, "writing", "yes")
    Vault.open(settings_of(folder)).close()
    assert mine.read_bytes() == b"mine"


def test_a_file_has_no_name_until_it_is_whole_and_replaces_nothing(tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"
    with OutFile(target, part_of(target, "1")) as file:
        file.write(b"footage")
        assert list(tmp_path.iterdir()) == []
        file.finish()
    assert target.read_bytes() == b"footage"
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.stat().st_nlink == 1
