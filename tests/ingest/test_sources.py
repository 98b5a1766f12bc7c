import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.ingest.journal import SealingJournal
from cctv_vault.ingest.mounts import filesystem_of, is_network
from cctv_vault.ingest.settling import Settling
from cctv_vault.ingest.sources import (
    Identity,
    SourceBusyError,
    escape_name,
    is_unfinished_name,
    open_source,
    remove_source,
    unescape_name,
)
from tests.shop import put

# What is hard to tell apart from an escape is made likely.
pieces = st.one_of(
    st.binary(max_size=4), st.sampled_from([b"\\", b"\\\\", b"udc80", b"\\udcff", b"u", b"\xff"])
)
names = st.lists(pieces, max_size=8).map(b"".join).filter(lambda name: b"\0" not in name)


@given(names)
def test_any_name_survives_as_text_that_any_database_holds(raw: bytes) -> None:
    name = os.fsdecode(raw)
    kept = escape_name(name)

    kept.encode("utf-8")
    assert unescape_name(kept) == name


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\\")))
def test_a_name_in_utf_8_is_kept_as_it_is(name: str) -> None:
    assert escape_name(name) == name


def test_a_source_is_removed_only_while_it_is_the_same_file(tmp_path: Path) -> None:
    path = put(tmp_path, "a", b"one")
    identity = Identity.of(path.stat())
    assert remove_source(tmp_path / "b", identity).outcome == "gone"
    assert remove_source(tmp_path / "no" / "b", identity).outcome == "gone"
    path.unlink()
    put(tmp_path, "a", b"two!")

    assert remove_source(path, identity).outcome == "kept"
    assert path.read_bytes() == b"two!"
    assert remove_source(path, Identity.of(path.stat())).outcome == "removed"
    assert not path.exists()


def test_a_file_that_takes_a_sources_place_in_the_last_moment_keeps_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, "a", b"one")
    identity = Identity.of(path.stat())
    rename = os.rename

    def too_late(name: str, aside: str, **folders: int) -> None:
        path.unlink()
        put(tmp_path, "a", b"two!")
        monkeypatch.setattr(os, "rename", rename)
        rename(name, aside, **folders)

    monkeypatch.setattr(os, "rename", too_late)
    assert remove_source(path, identity).outcome == "kept"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert path.read_bytes() == b"two!"


def test_what_was_set_aside_when_its_remover_died_is_removed_or_gets_its_name_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for replaced in (False, True):
        path = put(tmp_path, "a", b"one")
        identity = Identity.of(path.stat())
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", dies)
            with pytest.raises(KeyboardInterrupt):
                remove_source(path, identity)
        (aside,) = tmp_path.iterdir()
        assert is_unfinished_name(aside.name)  # which nobody takes in
        if replaced:
            aside.write_bytes(b"two!")
        assert remove_source(path, identity).outcome == ("kept" if replaced else "removed")
        assert [each.read_bytes() for each in tmp_path.iterdir()] == ([b"two!"] * replaced)


def test_a_link_put_in_the_place_of_a_source_is_not_followed(tmp_path: Path) -> None:
    target = put(tmp_path, "target", b"one")
    identity = Identity.of(target.stat())
    link = tmp_path / "link"
    link.symlink_to(target)

    assert remove_source(link, identity).outcome == "kept"
    assert target.exists()


def test_a_folder_that_became_a_link_leads_nowhere(tmp_path: Path) -> None:
    victim = put(tmp_path / "elsewhere", "a", b"one")
    identity = Identity.of(victim.stat())
    (tmp_path / "drop").symlink_to(tmp_path / "elsewhere")
    path = tmp_path / "drop" / "a"

    with pytest.raises(SourceBusyError), open_source(path):
        pass
    assert remove_source(path, identity).outcome == "kept"
    assert victim.exists()


def test_a_file_settles_by_its_change_time_which_nobody_sets_back(tmp_path: Path) -> None:
    path = put(tmp_path, "a", b"one")
    os.utime(path, (0, 0))

    with open_source(path) as source:
        with pytest.raises(SourceBusyError) as waiting:
            Settling(60.0).check(source)
        assert waiting.value.retry_in_s is not None
        assert 0 < waiting.value.retry_in_s <= 60
        Settling(0.0).check(source)


def test_a_file_from_the_future_has_to_be_seen_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, "a", b"one")
    os.utime(path, (2**33, 2**33))
    clock = [0.0]
    monkeypatch.setattr("cctv_vault.ingest.settling.monotonic", lambda: clock[0])
    settling = Settling(3.0)
    with open_source(path) as source:
        with pytest.raises(SourceBusyError):
            settling.check(source)
        clock[0] = 3.0
        settling.check(source)


def test_the_filesystem_is_that_of_the_innermost_mount() -> None:
    assert filesystem_of(Path("/proc/self")) == "proc"
    assert filesystem_of(Path("/dev/shm/x")) == "tmpfs"  # noqa: S108 - in memory is the point
    assert [is_network(kind) for kind in ("nfs4", "cifs", "fuse.sshfs")] == [True] * 3
    assert [is_network(kind) for kind in ("ext4", "tmpfs", "fuseblk", "")] == [False] * 4


def test_an_id_is_written_down_before_it_is_given_out(tmp_path: Path) -> None:
    journal = SealingJournal(tmp_path)
    given_out = [journal.new_id() for _ in range(300)]

    assert len(set(given_out)) == 300
    (file,) = tmp_path.iterdir()
    assert set(given_out) <= set(file.read_text().split())
    journal.close()


def test_the_journal_of_a_living_process_is_left_alone_and_a_dead_ones_is_read(
    tmp_path: Path,
) -> None:
    living = SealingJournal(tmp_path)
    known = living.new_id()
    reader = SealingJournal(tmp_path)
    assert list(reader.abandoned()) == []

    # A process that dies gives up its lock and nothing else; the last line may be cut short.
    descriptor = living._descriptor
    assert descriptor is not None
    os.write(descriptor, b"cut-sho")
    os.close(descriptor)
    (ids,) = reader.abandoned()

    assert known in ids
    assert "cut-sho" not in ids
    assert list(tmp_path.iterdir()) == []


def test_a_journal_whose_objects_are_all_settled_goes_with_its_process(tmp_path: Path) -> None:
    for settled in (True, False):
        journal = SealingJournal(tmp_path)
        object_id = journal.new_id()
        if settled:
            journal.settled(object_id)
        journal.close()
        assert len(list(tmp_path.iterdir())) == (0 if settled else 1)
