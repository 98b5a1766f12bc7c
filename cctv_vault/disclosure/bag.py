"""A BagIt bag (RFC 8493) in one archive, written forward only.

Owns the bag's own files and the statement that binds them: the tag manifest lists every other
file's SHA-256 through the payload manifest, and ``manifest.note`` signs the tag manifest. So one
signature covers every byte of the package. What the payload means is not known here.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from cctv_vault.custody.notes import NoteSigner
from cctv_vault.disclosure.archive import ArchiveWriter, Sink, alike, checked_name
from cctv_vault.errors import PackageInvalidError
from cctv_vault.views import iso

PAYLOAD: Final = "data/"
DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MANIFEST: Final = "manifest-sha256.txt"
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"
NOTE: Final = "manifest.note"
FORMAT: Final = "cctv-vault/package/v1"
RECORD: Final = "data/record.json"
REPORT: Final = "data/report.pdf"
SYSTEM: Final = "data/system.pdf"
CHECKPOINT: Final = "data/custody/checkpoint.txt"
KEY: Final = "data/custody/key.txt"
_STATEMENT: Final = re.compile(
    rf"{FORMAT}\nrequest ([!-~]+)\nmade ([!-~]+)\n"
    rf"{re.escape(TAG_MANIFEST)} sha256:([0-9a-f]{{64}})\n[^\n]*\n"
)
_LARGE: Final = 2**31
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_MOST_STEM: Final = 100


@dataclass(frozen=True)
class Written:
    """A file of the bag: its path, size in bytes and SHA-256."""

    path: str
    size: int
    sha256: bytes


@dataclass(frozen=True)
class Statement:
    """What the signature of a package says: which request, when, and the tag manifest's hash."""

    request: str
    made_at: str
    tag_manifest: str

    def encode(self) -> str:
        """The text that is signed; of a shape no checkpoint has (five lines)."""
        return (
            f"{FORMAT}\nrequest {self.request}\nmade {self.made_at}\n"
            f"{TAG_MANIFEST} sha256:{self.tag_manifest}\n"
            "This signature covers every file of the package through its manifests.\n"
        )

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read a signed text back.

        Raises:
            PackageInvalidError: It is not a package's statement.
        """
        found = _STATEMENT.fullmatch(text)
        if found is None:
            raise PackageInvalidError("the signed statement is not one about a package")
        return cls(*found.groups())


class BagWriter:
    """Writes one bag; every byte passes through once."""

    def __init__(self, out: Sink, folder: str, made_at: datetime) -> None:
        """``folder`` is the one folder the archive unpacks to (RFC 8493, 4.1)."""
        self._zip = ArchiveWriter(out, made_at)
        self._folder = folder
        self._made_at = made_at
        self._written: dict[str, Written] = {}

    @property
    def written(self) -> Mapping[str, Written]:
        """The files so far, by path."""
        return self._written

    def add(self, path: str, data: bytes) -> Written:
        """A file whose bytes are known."""
        self._zip.add(f"{self._folder}/{path}", data)
        return self._note(Written(path, len(data), hashlib.sha256(data).digest()))

    @contextmanager
    def stream(self, path: str, expected: int) -> Iterator["Entry"]:
        """A file whose bytes are pushed; ``expected`` is about how many."""
        with self._zip.member(f"{self._folder}/{path}", large=expected >= _LARGE) as push:
            entry = Entry(push)
            yield entry
        self._note(Written(path, entry.size, entry.digest()))

    def finish(self, info: Mapping[str, str], signer: NoteSigner) -> tuple[bytes, int]:
        """Write the bag's own files and the signature over them.

        Returns the SHA-256 of the tag manifest and the size of the whole archive.
        """
        payload = [each for each in self._written.values() if each.path.startswith(PAYLOAD)]
        size = sum(each.size for each in payload)
        lines = {
            "Bag-Software-Agent": "cctv-vault",
            "Bagging-Date": f"{self._made_at:%Y-%m-%d}",
            "Payload-Oxum": f"{size}.{len(payload)}",
            **info,
        }
        self.add("bagit.txt", DECLARATION)
        self.add("bag-info.txt", "".join(f"{k}: {_line(v)}\n" for k, v in lines.items()).encode())
        self.add(MANIFEST, _manifest(payload))
        tags = [each for each in self._written.values() if not each.path.startswith(PAYLOAD)]
        listed = self.add(TAG_MANIFEST, _manifest(tags))
        statement = Statement(self._folder, iso(self._made_at), listed.sha256.hex())
        self.add(NOTE, signer.sign(statement.encode()).encode())
        return listed.sha256, self._zip.finish()

    def _note(self, written: Written) -> Written:
        self._written[written.path] = written
        return written


class Entry:
    """A file of the bag while it is written."""

    def __init__(self, push: Callable[[bytes], None]) -> None:
        self._push = push
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes, /) -> int:
        """Take the bytes whole."""
        self._push(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def digest(self) -> bytes:
        """SHA-256 of what was written so far."""
        return self._hash.digest()


def read_manifest(data: bytes, where: str) -> dict[str, str]:
    """A manifest's paths with their SHA-256 in hexadecimal.

    Raises:
        PackageInvalidError: A line is malformed or a path stands twice.
    """
    listed: dict[str, str] = {}
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise PackageInvalidError(f"{where} is not UTF-8") from None
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        found = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if found is None or not _is_name(found[2]) or found[2] in listed:
            raise PackageInvalidError(f"{where}, line {number}: malformed or a second time")
        listed[found[2]] = found[1]
    return listed


def safe_name(name: str, taken: set[str]) -> str:
    """A file name every system can unpack, like ``name`` and unlike all in ``taken``.

    Letters, digits and ``. _ -`` stay, everything else becomes ``_``; the verbatim name stands in
    the record. ``taken`` grows by the name as `alike` spells it.
    """
    plain = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    plain = re.sub(r"[^\w.-]", "_", plain).strip(". ") or "file"
    if _RESERVED.fullmatch(plain):
        plain = f"_{plain}"
    stem, dot, suffix = plain.rpartition(".")
    if not dot or len(suffix) > 10:  # noqa: PLR2004 - the longest suffix a camera uses
        stem, dot, suffix = plain, "", ""
    candidate = f"{stem[:_MOST_STEM]}{dot}{suffix}"
    number = 1
    while alike(candidate) in taken:
        number += 1
        candidate = f"{stem[:_MOST_STEM]}-{number}{dot}{suffix}"
    taken.add(alike(candidate))
    return candidate


def _is_name(path: str) -> bool:
    try:
        return checked_name(path) == path
    except ValueError:
        return False


def _line(value: str) -> str:
    return " ".join(value.split())


def _manifest(files: list[Written]) -> bytes:
    return "".join(f"{each.sha256.hex()}  {each.path}\n" for each in files).encode()
