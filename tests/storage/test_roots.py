"""The key folder: made whole, never replaced, destroyed for good, honest about its disk."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.errors import (
    KeyTamperedError,
    KeyUnavailableError,
    StorageUnavailableError,
    UnknownFormatError,
)
from storage.filesystems import Filesystem, filesystem_of
from storage.roots import RootFolder

Deaths = Callable[[Callable[[], object]], Iterator[int]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_new_folder_has_the_first_epoch_and_a_signing_key_and_keeps_them(folder: Path) -> None:
    made = RootFolder.create(folder, "vault-1")
    opened = RootFolder.open(folder, "vault-1")

    assert made.epochs() == opened.epochs() == [1]
    assert made.load(1) == opened.load(1)
    assert made.signing_seed() == opened.signing_seed()
    assert made.load(1) != made.signing_seed()


def test_two_vaults_never_share_a_key(tmp_path: Path) -> None:
    one = RootFolder.create(tmp_path / "one", "v")
    two = RootFolder.create(tmp_path / "two", "v")

    assert one.load(1) != two.load(1)
    assert one.signing_seed() != two.signing_seed()


def test_nobody_else_may_look_into_the_folder(folder: Path) -> None:
    old = os.umask(0)
    try:
        RootFolder.create(folder, "v").create_epoch(2)
    finally:
        os.umask(old)

    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_in_use_is_refused_and_untouched(folder: Path, tmp_path: Path) -> None:
    made = RootFolder.create(folder, "v")
    key = made.load(1)
    with pytest.raises(KeyUnavailableError, match="not empty"):
        RootFolder.create(folder, "v")
    assert made.load(1) == key

    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "note").write_text("mine")
    with pytest.raises(KeyUnavailableError, match="not empty"):
        RootFolder.create(tmp_path / "other", "v")
    assert (tmp_path / "other" / "note").read_text() == "mine"


def test_a_missing_foreign_or_strange_folder_is_refused_with_what_to_do(
    folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyUnavailableError, match="--keys"):
        RootFolder.open(folder, "v")
    folder.mkdir()
    with pytest.raises(KeyUnavailableError, match="--keys"):
        RootFolder.open(folder, "v")
    RootFolder.create(folder, "v")
    with pytest.raises(KeyUnavailableError, match="of vault v, not of w"):
        RootFolder.open(folder, "w")
    (folder / "vault").write_text("cctv-vault keys 2\nv\n")
    with pytest.raises(UnknownFormatError):
        RootFolder.open(folder, "v")
    (folder / "vault").write_bytes(b"\xff\xfe")
    with pytest.raises(KeyUnavailableError, match="cannot be read"):
        RootFolder.open(folder, "v")
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyUnavailableError, match="--keys"):
        RootFolder.open(tmp_path / "file", "v")
    for bad in ("", "a\nb"):
        with pytest.raises(ValueError, match="printable"):
            RootFolder.create(tmp_path / "new", bad)


def test_epochs_come_and_go_each_by_itself(folder: Path) -> None:
    roots = RootFolder.create(folder, "v")
    roots.create_epoch(2)
    second = roots.load(2)

    with pytest.raises(KeyUnavailableError, match="already"):
        roots.create_epoch(2)
    roots.destroy(1)
    roots.destroy(1)

    assert roots.epochs() == [2]
    assert roots.load(2) == second
    with pytest.raises(KeyUnavailableError, match=r"no root-00000001\.key"):
        roots.load(1)
    for bad in (0, -1, 10**8):
        with pytest.raises(ValueError, match="an epoch is"):
            roots.create_epoch(bad)


def test_a_destroyed_key_was_overwritten_where_it_lay(folder: Path) -> None:
    roots = RootFolder.create(folder, "v")
    material = roots.load(1).reveal()
    # A second name for the same file shows what is left of it after its own name is gone.
    witness = folder.parent / "witness"
    witness.hardlink_to(folder / "root-00000001.key")
    assert material in witness.read_bytes()

    roots.destroy(1)

    assert material not in witness.read_bytes()
    assert witness.stat().st_size == 72


def test_every_step_is_durable_before_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = RootFolder.create(folder, "v")
    done: list[str] = []

    def noting(name: str, real: Callable[[int], None]) -> Callable[[int], None]:
        def call(handle: int) -> None:
            done.append(f"{name} {Path(f'/proc/self/fd/{handle}').readlink().name}")
            real(handle)

        return call

    real_rename, real_unlink = Path.rename, Path.unlink

    def rename(self: Path, to: Path) -> Path:
        done.append("rename")
        return real_rename(self, to)

    def unlink(self: Path) -> None:
        done.append("unlink")
        real_unlink(self)

    monkeypatch.setattr(os, "fsync", noting("sync", os.fsync))
    monkeypatch.setattr(os, "fdatasync", noting("sync", os.fdatasync))
    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(Path, "unlink", unlink)

    roots.create_epoch(2)
    assert done == ["sync .root-00000002.key.partial", "rename", "sync keys"]
    done.clear()
    roots.destroy(1)
    assert done == ["sync root-00000001.key", "unlink", "sync keys"]


def test_every_byte_of_a_key_file_counts(folder: Path) -> None:
    roots = RootFolder.create(folder, "v")
    path = folder / "root-00000001.key"
    good = path.read_bytes()

    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises((KeyTamperedError, UnknownFormatError)):
            roots.load(1)
    for bad in (b"", good[:-1], good + b"\0", os.urandom(72)):
        path.write_bytes(bad)
        with pytest.raises(KeyTamperedError):
            roots.load(1)


def test_key_files_cannot_be_exchanged(folder: Path, tmp_path: Path) -> None:
    roots = RootFolder.create(folder, "v")
    roots.create_epoch(2)
    one, two = folder / "root-00000001.key", folder / "root-00000002.key"
    one.write_bytes(two.read_bytes())
    with pytest.raises(KeyTamperedError):
        roots.load(1)

    RootFolder.create(tmp_path / "other", "w")
    (folder / "signing.key").write_bytes((tmp_path / "other" / "signing.key").read_bytes())
    with pytest.raises(KeyTamperedError):
        RootFolder.open(folder, "v")


def test_making_a_folder_killed_at_any_change_can_be_done_again(
    tmp_path: Path, deaths: Deaths
) -> None:
    for number in deaths(lambda: RootFolder.create(tmp_path / "keys", "v")):
        keys = tmp_path / "keys"
        try:
            made = RootFolder.open(keys, "v")
        except KeyUnavailableError:
            made = RootFolder.create(keys, "v")
        assert made.epochs() == [1], number
        assert {path.name for path in keys.iterdir()} == {
            *("vault", "signing.key", "root-00000001.key")
        }
        for path in keys.iterdir():
            path.unlink()


def test_an_epoch_whose_making_was_killed_is_whole_or_absent(folder: Path, deaths: Deaths) -> None:
    roots = RootFolder.create(folder, "v")
    first = roots.load(1)

    for _ in deaths(lambda: roots.create_epoch(2)):
        opened = RootFolder.open(folder, "v")
        assert opened.load(1) == first
        if 2 in opened.epochs():
            opened.load(2)
            opened.destroy(2)
        else:
            assert not list(folder.glob(".*"))


def test_a_destruction_killed_at_any_change_is_finished_by_repeating_it(
    folder: Path, deaths: Deaths
) -> None:
    roots = RootFolder.create(folder, "v")
    roots.create_epoch(2)
    material = roots.load(1).reveal()
    good = (folder / "root-00000001.key").read_bytes()

    for _ in deaths(lambda: roots.destroy(1)):
        opened = RootFolder.open(folder, "v")
        opened.destroy(1)
        assert opened.epochs() == [2]
        assert not [path for path in folder.iterdir() if material in path.read_bytes()]
        (folder / "root-00000001.key").write_bytes(good)


def test_a_half_destroyed_key_is_no_key(folder: Path) -> None:
    roots = RootFolder.create(folder, "v")
    (folder / "root-00000001.key").write_bytes(os.urandom(72))

    with pytest.raises(KeyTamperedError, match="half destroyed"):
        roots.load(1)
    assert roots.epochs() == [1], "it is still to be destroyed"


def test_open_modes_are_warned_of(folder: Path) -> None:
    roots = RootFolder.create(folder, "v")
    before = roots.warnings()
    (folder / "signing.key").chmod(0o640)
    folder.chmod(0o755)

    new = [warning for warning in roots.warnings() if warning not in before]

    assert len(new) == 2
    assert all("chmod" in warning for warning in new)


def test_a_folder_gone_is_unavailable(folder: Path) -> None:
    roots = RootFolder.create(folder, "v")
    folder.rename(folder.parent / "gone")

    with pytest.raises(StorageUnavailableError):
        roots.epochs()
    with pytest.raises(StorageUnavailableError):
        roots.create_epoch(2)
    with pytest.raises(KeyUnavailableError):
        roots.load(1)


@pytest.mark.parametrize(
    ("kind", "options", "says", "warns"),
    [
        ("ext4", "rw,relatime", "in place on ext4", None),
        ("xfs", "rw", "in place on xfs", None),
        ("ext4", "rw,data=journal", "data journal", "data=journal"),
        ("btrfs", "rw", "any snapshot", "snapshots"),
        ("zfs", "rw", "any snapshot", "snapshots"),
        ("tmpfs", "rw", "in memory", "restart"),
        ("nfs4", "rw", "server", "another machine"),
        ("fuse.sshfs", "rw", "server", "another machine"),
        ("overlay", "rw", "nothing is known", "overlay"),
        ("", "", "unknown filesystem", "unknown filesystem"),
    ],
)
def test_the_worth_of_destroying_is_told_by_filesystem(
    tmp_path: Path, kind: str, options: str, says: str, warns: str | None
) -> None:
    filesystem = Filesystem(kind, frozenset(options.split(",")))

    assert says in filesystem.worth
    found = filesystem.warnings(Path("/srv/vault-keys"))
    if warns is None:
        assert found == []
    else:
        assert warns in " ".join(found)


@pytest.mark.parametrize(
    "path",
    [
        *("/home/k/Dropbox/keys", "/home/k/OneDrive - Butiken AB/keys", "/home/k/Nextcloud/a/b"),
        *("/home/k/Google Drive/keys", "/Users/k/Library/Mobile Documents/keys", "/home/k/MEGA/x"),
    ],
)
def test_a_synchronised_folder_is_warned_of_by_name(path: str) -> None:
    assert "synchronised" in " ".join(Filesystem("ext4", frozenset()).warnings(Path(path)))


def test_a_synchronised_folder_is_warned_of_by_its_mark(tmp_path: Path) -> None:
    (tmp_path / ".stfolder").mkdir()

    found = Filesystem("ext4", frozenset()).warnings(tmp_path / "keys")

    assert "synchronised" in " ".join(found)
    assert Filesystem("ext4", frozenset()).warnings(Path("/srv/Omega/keys")) == []


def test_the_filesystem_is_that_of_the_nearest_and_latest_mount(tmp_path: Path) -> None:
    here = tmp_path.resolve()
    (here / "with space").mkdir()
    space = str(here / "with space").replace(" ", "\\040")
    table = (
        "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,data=ordered\n"
        f"2 1 8:2 / {here} rw - xfs /dev/sdb1 rw\n"
        f"3 1 8:3 / {space} rw,noatime - btrfs /dev/sdc1 rw\n"
        f"4 1 8:4 / {space} rw - zfs tank/keys rw\n"
        f"5 1 8:5 / {here}x rw - tmpfs tmpfs rw\n"
    )

    assert filesystem_of(Path("/"), table) == Filesystem(
        "ext4", frozenset({"rw", "relatime", "data=ordered"})
    )
    assert filesystem_of(here, table).kind == "xfs"
    assert filesystem_of(here / "with space", table).kind == "zfs"
    assert filesystem_of(here, "").kind == ""
    assert filesystem_of(here).kind, "this machine tells"
