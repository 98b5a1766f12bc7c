"""kill -9 at any instant: every file is sealed exactly once, or still waits at its source."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import select

from cctv_vault.check import check_vault
from cctv_vault.custody.events import Event
from cctv_vault.schema import Intent, Recording
from cctv_vault.vault import Vault
from storage.stream import stream_names
from tests.shop import SYSTEM, film, open_shop, picture, put, settings_of

FILES = 50
KILLS = 25

# Dies right before the nth call that reaches the disk, in whatever thread that is; the index's
# statements and commits among them. Without a number it counts them.
CHILD = """
import itertools, os, signal, sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.shop import SYSTEM, settings_of
from cctv_vault.vault import Vault
folder, nth = Path(sys.argv[2]), int(sys.argv[3])
reaches = {"fsync", "fdatasync", "rename", "link", "unlink", "write", "commit", "execute", "mkdir"}
calls = itertools.count(1)
done = 0
def watch(frame, event, function):
    global done
    if event == "c_call" and function.__name__ in reaches:
        done = next(calls)
        if done == nth:
            os.kill(os.getpid(), signal.SIGKILL)
vault = Vault.open(settings_of(folder))
threading.setprofile(watch)
sys.setprofile(watch)
files = sorted(each for each in (folder / "drop").rglob("*") if each.is_file())
if sys.argv[4] == "together":
    vault.ingest.gather(on=True)
    for at in range(0, len(files), 16):
        vault.ingest.offer_together(SYSTEM, files[at:at + 16])
        vault.ingest.enter_gathered(at_least=10)
else:
    for path in files:
        vault.ingest.offer(SYSTEM, path)
vault.ingest.gather(on=False)
vault.ingest.enter_gathered()
sys.setprofile(None)
print(done)
vault.close()
"""


@pytest.mark.long
@pytest.mark.parametrize("how", ["alone", "together"])
def test_killed_at_any_instant_every_file_is_sealed_once_or_waits_at_its_source(
    tmp_path: Path, repository: Path, how: str
) -> None:
    shop, template = tmp_path / "shop", tmp_path / "template"
    open_shop(shop).close()
    contents = {}
    for number in range(FILES):
        data = b"nonsense %d" % number if number % 10 == 9 else picture(number)
        put(shop / "drop" / "kassa", f"x_20260302_07{number:02}00.jpg", data)
        contents[hashlib.sha256(data).digest()] = data
    shutil.copytree(shop, template)

    died = 0
    calls = int(_run(repository, shop, 0, how).stdout)
    for kill in range(KILLS):
        shutil.rmtree(shop)
        shutil.copytree(template, shop)
        # Spread over the whole run, and never at the same step of a file.
        nth = 1 + (calls - 1) * kill // KILLS + kill
        killed = _run(repository, shop, nth, how)
        assert killed.returncode in {-9, 0}, killed.stderr
        died += killed.returncode == -9
        vault = Vault.open(settings_of(shop))
        try:
            _check(vault, shop, contents)
            # And it goes on by itself.
            for outcome in vault.ingest.offer_all(SYSTEM, [shop / "drop"]):
                assert outcome.outcome in {"sealed", "quarantined"}
            assert _check(vault, shop, contents) == FILES
            assert vault.log.entries(event=Event.RECORDING_OFFERED_AGAIN) == []
            assert not vault.log.verify().findings
        finally:
            vault.close()
    assert died > KILLS * 0.8


@pytest.mark.long
def test_killed_at_any_instant_a_film_and_its_thumbnail_stay_together(
    tmp_path: Path, repository: Path
) -> None:
    shop, template = tmp_path / "shop", tmp_path / "template"
    open_shop(shop).close()
    names = {f"x_20260302_0700{at:02}" for at in (10, 30)}
    for number, name in enumerate(sorted(names)):
        put(shop / "drop" / "kassa", f"{name}.mp4", film(number + 1, 1.0))
        put(shop / "drop" / "kassa", f"{name}.jpg", picture(number))
    shutil.copytree(shop, template)

    calls = int(_run(repository, shop, 0, "alone").stdout)
    for kill in range(KILLS):
        shutil.rmtree(shop)
        shutil.copytree(template, shop)
        _run(repository, shop, 1 + (calls - 1) * kill // KILLS, "alone")
        vault = Vault.open(settings_of(shop))
        try:
            for outcome in vault.ingest.offer_all(SYSTEM, [shop / "drop"]):
                assert outcome.outcome == "sealed"
            rows = list(vault.catalogue.list(SYSTEM))
            assert {Path(each.original_name).stem for each in rows} == names
            assert [list(vault.catalogue.show(SYSTEM, each.id).beside) for each in rows] == [
                [".jpg"],
                [".jpg"],
            ]
            assert not [path for path in (shop / "drop").rglob("*") if path.is_file()]
            assert check_vault(vault, deep=True).sound
        finally:
            vault.close()


def _run(repository: Path, shop: Path, nth: int, how: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CHILD, repository, shop, str(nth), how],
        capture_output=True,
        text=True,
        check=False,
    )


def _check(vault: Vault, shop: Path, contents: dict[bytes, bytes]) -> int:
    """Rows and ciphertext are the same things, and each file is there once; how many are in."""
    waiting = [
        hashlib.sha256(path.read_bytes()).digest()
        for path in (shop / "drop").rglob("*")
        if path.is_file()
    ]
    with vault.database.read() as session:
        recordings = session.exec(select(Recording)).all()
        assert session.exec(select(Intent)).all() == []
    quarantined = vault.quarantine.list(SYSTEM)
    sealed = [each.sha256 for each in recordings] + [each.sha256 for each in quarantined]
    assert sorted((*waiting, *sealed)) == sorted(contents)
    kept = {each.id for each in recordings} | {each.id for each in quarantined}
    assert {name.split("/")[1] for name in stream_names(vault.store)} == kept
    for each in recordings:
        with vault.access.open_internal(each.id) as reader:
            assert reader.read() == contents[each.sha256]
    return len(sealed)
