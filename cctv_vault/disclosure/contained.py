"""The files of a package that somebody brought, out of its zip or its unpacked folder.

Owns the reading, as strict as the writing was; whatever it is given may be hostile. It follows no
link and unpacks nothing. What the files mean is not known here. ``verifier/archive.js`` reads the
same way in a browser.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from cctv_vault.disclosure.archive import Member, checked_name, read_archive, read_member
from cctv_vault.errors import PackageInvalidError

_CHUNK: Final = 1024 * 1024
_MOST_FILES: Final = 1_000_000
STRAY: Final = r"\._.*|\.ds_store|thumbs\.db|desktop\.ini"
"""Names, in any case, of what computers put into folders that were merely looked at."""
_STRAY: Final = re.compile(STRAY, re.IGNORECASE)


class Contained(Protocol):
    """A package's files by their path in the bag."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Each file's size in bytes, in the order of the package."""

    @property
    def crcs(self) -> Mapping[str, int]:
        """The CRC-32 the container gives of a file, where it gives one."""

    @property
    def strays(self) -> Sequence[str]:
        """Files beside them that a computer's own system put there, which nobody reads."""

    @property
    def folder(self) -> str | None:
        """The folder the package unpacks to; None where the name may have been changed since."""

    @property
    def made_at(self) -> datetime | None:
        """When the container says it was made."""

    def read(self, path: str) -> Iterator[bytes]:
        """A file's bytes, in pieces.

        Raises:
            PackageInvalidError: The file ends too early.
            OSError: It cannot be read.
        """


@dataclass(frozen=True)
class Zipped:
    """A package as it was handed over."""

    file: BinaryIO
    members: Mapping[str, Member]
    folder: str
    made_at: datetime
    sizes: Mapping[str, int] = field(init=False)
    crcs: Mapping[str, int] = field(init=False)
    strays: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Spell out what the members say."""
        sizes = {path: member.size for path, member in self.members.items()}
        object.__setattr__(self, "sizes", sizes)
        crcs = {path: member.crc for path, member in self.members.items()}
        object.__setattr__(self, "crcs", crcs)

    def read(self, path: str) -> Iterator[bytes]:
        """A member's bytes, in pieces."""
        return read_member(self.file, self.members[path])


@dataclass(frozen=True)
class Unpacked:
    """A package that was unpacked: the top folder of the bag, and each file's name on the disk."""

    top: Path
    names: Mapping[str, str]
    sizes: Mapping[str, int]
    strays: Sequence[str]
    crcs: Mapping[str, int] = field(default_factory=dict)
    folder: None = None
    made_at: None = None

    def read(self, path: str) -> Iterator[bytes]:
        """A file's bytes, in pieces."""
        # Not through a link that was put there since the folder was read.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.top / self.names[path], flags)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            while piece := file.read(_CHUNK):
                yield piece


def open_zip(file: BinaryIO) -> Zipped:
    """The package in a zip.

    Raises:
        PackageInvalidError: It is not exactly in the form packages are written in.
    """
    archive = read_archive(file)
    folders = {member.name.partition("/")[0] for member in archive.members}
    if len(folders) != 1 or any("/" not in member.name for member in archive.members):
        raise PackageInvalidError("the zip must hold exactly one folder")
    members = {member.name.partition("/")[2]: member for member in archive.members}
    return Zipped(file, members, folders.pop(), archive.made_at)


def open_folder(top: Path) -> Unpacked:
    """The package in a folder it was unpacked to.

    Raises:
        PackageInvalidError: The folder holds a link, a device, or a name no package has.
        OSError: It cannot be read.
    """
    names: dict[str, str] = {}
    sizes: dict[str, int] = {}
    strays: list[str] = []
    waiting = [top]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                name = Path(entry.path).relative_to(top).as_posix()
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    waiting.append(Path(entry.path))
                    continue
                if not stat.S_ISREG(found.st_mode):
                    raise PackageInvalidError("the folder holds a link, or what is no file")
                path = _path(name)
                if _STRAY.fullmatch(entry.name):
                    strays.append(path)
                    continue
                if path in names:
                    raise PackageInvalidError("the folder holds two files of one name")
                names[path], sizes[path] = name, found.st_size
        if len(sizes) > _MOST_FILES:
            raise PackageInvalidError("the folder holds more files than a package can")
    return Unpacked(top, names, dict(sorted(sizes.items())), sorted(strays))


def _path(name: str) -> str:
    # Some systems store an accent apart from its letter; the package writes them as one (NFC).
    try:
        return checked_name(unicodedata.normalize("NFC", name))
    except ValueError:
        raise PackageInvalidError("a file has a name no package has") from None
