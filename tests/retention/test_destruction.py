"""Destroying a key is real: no copy of the home opens what has expired (invariant 4)."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import VaultError
from cctv_vault.footage.streams import ORIGINAL, blob_name, stream_context
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import Grant, PurposeKey, table
from storage.directory import DirectoryStore
from storage.errors import KeyUnavailableError, StorageError
from storage.roots import RootFolder
from storage.secret import SecretKey
from storage.stream import open_sealed
from storage.wrapping import unwrap
from tests.retention.conftest import MONDAY, World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PIECE = 48


class Thief:
    """Somebody with a copy of the whole home from before, and the key folder of today."""

    def __init__(self, world: World, copy: Path) -> None:
        self._vault_id = world.home.vault_id
        self._roots = RootFolder.open(world.home.settings.key_folder, self._vault_id)
        self._database = Database(f"sqlite:///{copy / 'index.db'}")
        self._store = DirectoryStore(copy / "blobs")

    def open(self, recording_id: str) -> bytes | None:
        """Try every wrapped key of the recording under every root there is."""
        with self._database.read() as session:
            grants = session.execute(
                select(table(Grant)).where(
                    col(Grant.recording_id) == recording_id, col(Grant.wrapped_key).is_not(None)
                )
            ).all()
            assert grants, "the copy is from before the sweep"
            keys = {x.id: x for x in session.execute(select(table(PurposeKey)))}
        for grant in grants:
            for key in self._recording_keys(grant, keys[grant.purpose_key_id]):
                with open_sealed(
                    self._store,
                    blob_name(recording_id, ORIGINAL),
                    key,
                    stream_context(self._vault_id, recording_id, ORIGINAL),
                ) as reader:
                    return reader.readall()
        return None

    def _recording_keys(self, grant: Any, row: Any) -> Iterator[SecretKey]:  # noqa: ANN401
        for epoch in self._roots.epochs():
            try:
                purpose = unwrap(
                    row.wrapped,
                    self._roots.load(epoch),
                    vault_id=self._vault_id,
                    kind="purpose",
                    wrapping_id=f"root-{row.root_epoch}",
                    wrapped_id=row.id,
                )
                yield unwrap(
                    grant.wrapped_key,
                    purpose,
                    vault_id=self._vault_id,
                    kind="recording",
                    wrapping_id=row.id,
                    wrapped_id=grant.recording_id,
                )
            except StorageError:
                continue


def copied(world: World, tmp_path: Path) -> Path:
    world.home.database.scrub_free_pages()
    return Path(shutil.copytree(world.home.settings.home, tmp_path / "copy"))


def everything(world: World) -> bytes:
    """Every byte of the home: blobs, database, its free pages, WAL and lock."""
    return b"\0".join(
        path.read_bytes() for path in sorted(world.home.settings.home.rglob("*")) if path.is_file()
    )


def test_the_thief_of_this_test_opens_what_has_not_expired(
    sqlite_world: World, tmp_path: Path
) -> None:
    world = sqlite_world
    recording = world.record("kassa", MONDAY - HOUR)
    thief = Thief(world, copied(world, tmp_path))
    assert thief.open(recording) == world.contents[recording]


def test_a_copy_of_the_home_with_todays_keys_does_not_open_what_expired(
    sqlite_world: World, tmp_path: Path
) -> None:
    world = sqlite_world
    gone = world.record("entre", MONDAY - HOUR)
    kept = world.record("kassa", MONDAY - HOUR)
    world.claim("kassa", MONDAY - HOUR, MONDAY)
    thief = Thief(world, copied(world, tmp_path))
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)

    assert thief.open(gone) is None
    assert world.readable(kept)


def test_nor_what_was_dropped_from_a_hold_that_keeps_others(
    sqlite_world: World, tmp_path: Path
) -> None:
    world = sqlite_world
    dropped = world.record("kassa", MONDAY - 3 * HOUR)
    kept = world.record("kassa", MONDAY - HOUR)
    hold = world.claim("kassa", MONDAY - 4 * HOUR, MONDAY)
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)  # prevention ends; the hold keeps both
    thief = Thief(world, copied(world, tmp_path))
    with world.home.ledger.act(Event.HOLD_CHANGED, world.officer, cameras=["kassa"]) as act:
        world.holds.change(act, hold, windows=(("kassa", MONDAY - HOUR, MONDAY),))
    world.sweeper.run(world.manager)

    assert thief.open(dropped) is None
    assert thief.open(kept) is None
    assert world.readable(kept)


def test_nothing_of_it_is_left_in_home_database_free_pages_or_wal(sqlite_world: World) -> None:
    world = sqlite_world
    gone = [world.record("entre", MONDAY - n * HOUR) for n in range(1, 30)]
    kept = world.record("kassa", MONDAY - HOUR)
    world.claim("kassa", MONDAY - HOUR, MONDAY)
    with world.home.database.read() as session:
        wrapped = session.execute(
            select(col(Grant.wrapped_key)).where(col(Grant.recording_id).in_(gone))
        ).scalars()
        purposes = session.execute(
            select(col(PurposeKey.wrapped)).where(col(PurposeKey.purpose) == "prevention")
        ).scalars()
        wrappings = [bytes(each) for each in (*wrapped, *purposes) if each is not None]
    assert all(each in everything(world) for each in wrappings)

    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)
    left = everything(world)
    for recording in gone:
        assert world.keys[recording] not in left
        content = world.contents[recording]
        assert not any(content[n : n + PIECE] in left for n in range(0, len(content), PIECE))
    assert not any(each in left for each in wrappings)
    assert b"a-name-that-must-not-stay" in left  # of what is kept
    assert left.count(b"a-name-that-must-not-stay") <= 2
    assert world.keys[kept] not in left


def test_an_old_root_is_gone_from_memory_and_folder(world: World) -> None:
    recording = world.record("entre", MONDAY - HOUR)
    with world.home.database.read() as session:
        old = session.execute(
            select(table(PurposeKey)).where(col(PurposeKey.purpose) == "prevention")
        ).one()
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)
    assert not world.home.keyring.opens(old)
    with pytest.raises(KeyUnavailableError):
        world.home.roots.load(old.root_epoch)
    with pytest.raises(VaultError):
        world.read(recording)
    assert not Keyring(world.home.vault_id, world.home.roots).opens(old)
