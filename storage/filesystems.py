"""What a filesystem does with bytes that were overwritten: facts read from `/proc`, in words.

Owns the honest sentence about the worth of destroying a key file. Refuses to promise more than
the filesystem's type allows; it cannot see disk encryption, the drive's flash or a hypervisor's
snapshots, and says so.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_IN_PLACE: Final = {"ext2", "ext3", "ext4", "xfs", "jfs", "vfat", "exfat", "ntfs3"}
_COPY_ON_WRITE: Final = {"btrfs", "zfs", "bcachefs", "f2fs", "nilfs2"}
_MEMORY: Final = {"tmpfs", "ramfs"}
NETWORK: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "ncpfs", "davfs", "fuse"),
        *("virtiofs", "vboxsf", "vmhgfs", "prl_fs", "lustre", "beegfs", "gpfs", "gfs2", "ocfs2"),
        *("orangefs", "coda", "glusterfs"),
    }
)
"""Filesystems whose files another machine keeps, or a program in between."""
_TABLE: Final = Path("/proc/self/mountinfo")
_OCTAL: Final = re.compile(r"\\([0-7]{3})")
_SYNCHRONISED: Final = re.compile(
    r"dropbox|onedrive|nextcloud|owncloud|google ?drive|icloud|mobile documents|syncthing"
    r"|seafile|pcloud|^mega(sync)?$|resilio",
    re.IGNORECASE,
)
# Files by which synchronising programs mark a folder of theirs.
_SYNC_MARKS: Final = (".stfolder", ".dropbox", ".sync", ".owncloudsync.log")


@dataclass(frozen=True, slots=True)
class Filesystem:
    """The filesystem under a path.

    Attributes:
        kind: Its type as the kernel names it; empty where it cannot be found out.
        options: Its mount and superblock options.
    """

    kind: str
    options: frozenset[str]

    @property
    def worth(self) -> str:
        """One English sentence: what overwriting and unlinking a file is worth here."""
        if self.kind in _MEMORY:
            return (
                f"The key was overwritten in memory ({self.kind}), which kept no copy on a disk "
                "unless the machine swapped it out."
            )
        if self.kind in _IN_PLACE and "data=journal" not in self.options:
            return (
                f"The key was overwritten in place on {self.kind} and unlinked; what a drive "
                "keeps in worn or unmapped flash, or a snapshot beneath the filesystem holds, "
                "is beyond this program's reach."
            )
        if self.kind in _IN_PLACE:
            return (
                f"The key was overwritten and unlinked on {self.kind} with a data journal, which "
                "holds an old copy until the journal wraps around."
            )
        if self.kind in _COPY_ON_WRITE:
            return (
                f"The key was unlinked on {self.kind}, which writes to a new place: the old bytes "
                "stay on the device until they are reused, and in any snapshot."
            )
        if self.is_network:
            return (
                f"The key was overwritten and unlinked over the network ({self.kind}); what its "
                "server keeps is for the server's operator to say."
            )
        name = self.kind or "an unknown filesystem"
        return (
            f"The key was overwritten and unlinked on {name}; nothing is known here of the copies "
            "it may keep."
        )

    @property
    def is_network(self) -> bool:
        """Whether the files are kept by another machine, or by a program in between."""
        return self.kind in NETWORK or self.kind.startswith("fuse")

    def warnings(self, path: Path) -> list[str]:
        """Return why keys should not live here; empty where nothing is known against it."""
        found = []
        if self.kind in _COPY_ON_WRITE:
            found.append(
                f"{path} is on {self.kind}: snapshots and old blocks keep destroyed keys. "
                "Use a folder on ext4 or xfs, or one that is never snapshotted."
            )
        elif self.is_network:
            found.append(f"{path} is on {self.kind}, another machine's disk: use a local one.")
        elif self.kind in _MEMORY:
            found.append(
                f"{path} is in memory ({self.kind}): a restart destroys every key in it, and "
                "with them all footage."
            )
        elif self.kind not in _IN_PLACE:
            found.append(
                f"{path} is on {self.kind or 'an unknown filesystem'}, which may keep copies of "
                "destroyed keys: use a folder on ext4 or xfs."
            )
        elif "data=journal" in self.options:
            found.append(f"{path} is on {self.kind} with data=journal, which copies keys.")
        found += [
            f"{path} lies in {folder}, which looks synchronised: copies of keys leave this "
            "machine and outlive their destruction."
            for folder in (path, *path.parents)
            if _SYNCHRONISED.search(folder.name)
            or any((folder / mark).exists() for mark in _SYNC_MARKS)
        ]
        return found


def filesystem_of(path: Path, mountinfo: str | None = None) -> Filesystem:
    """Return the filesystem under an existing path.

    Args:
        path: The path, made absolute and free of links first.
        mountinfo: What `/proc/self/mountinfo` says (proc(5)); read from there by default.
    """
    return filesystem_at(path.resolve(), mountinfo)


def filesystem_at(path: Path, mountinfo: str | None = None) -> Filesystem:
    """As `filesystem_of`, of a path that is absolute and free of links as it stands.

    The path itself is not asked for anything: a share that does not answer holds nobody up.
    """
    if mountinfo is None:
        try:
            mountinfo = _TABLE.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            mountinfo = ""
    best, found = -1, Filesystem("", frozenset())
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, tail = before.split(" "), after.split(" ")
        # Spaces and the like in a mount point are written as octal escapes.
        point = Path(_OCTAL.sub(lambda code: chr(int(code[1], 8)), fields[4]))
        depth = len(point.parts)
        # A later mount on the same point covers the earlier one.
        if path.is_relative_to(point) and depth >= best:
            options = frozenset(f"{fields[5]},{tail[2]}".split(","))
            best, found = depth, Filesystem(tail[0], options)
    return found
