"""A sound package, and every way somebody could tamper with one."""

import base64
import io
import json
import math
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import rfc8785

from cctv_vault.custody.notes import NoteSigner
from cctv_vault.disclosure.archive import ArchiveWriter, read_archive, read_member
from cctv_vault.disclosure.bag import BagWriter
from storage.secret import SecretKey

ORIGINAL: Final = "data/originals/kassa/20260301_090000.mp4"
FRAME: Final = "data/frames/kassa_20260301T080012.100000Z.png"
CLIP: Final = "data/clips/kassa_20260301T080005Z_20260301T080030Z.mp4"
RECORD: Final = "data/record.json"
CHECKPOINT: Final = "data/custody/checkpoint.txt"
KEY: Final = "data/custody/key.txt"
NOTE: Final = "manifest.note"
_TAGS: Final = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"}

Tamper = Callable[["Sample"], bytes]


@dataclass(frozen=True)
class Sample:
    """A sound package, the key it is signed with, and the signer itself."""

    data: bytes
    signer: NoteSigner
    folder: str
    made_at: datetime
    files: Mapping[str, bytes]

    def rezipped(self, files: Mapping[str, bytes], folder: str = "") -> bytes:
        """The same zip with other files, its manifests and signature untouched."""
        out = io.BytesIO()
        writer = ArchiveWriter(out, self.made_at)
        for path, data in files.items():
            writer.add(f"{folder or self.folder}/{path}", data)
        writer.finish()
        return out.getvalue()

    def resigned(self, files: Mapping[str, bytes], signer: NoteSigner | None = None) -> bytes:
        """A whole new bag of these files, signed: what only a holder of a key can make."""
        out = io.BytesIO()
        writer = BagWriter(out, self.folder, self.made_at)
        for path, data in files.items():
            if path not in _TAGS and path != NOTE:
                writer.add(path, data)
        writer.finish({}, signer or self.signer)
        return out.getvalue()

    def edited(self, edit: Callable[[dict[str, Any]], None]) -> bytes:
        """The package with another record, everything signed anew with the vault's own key."""
        record = json.loads(self.files[RECORD])
        edit(record)
        return self.resigned({**self.files, RECORD: json.dumps(record).encode()})

    def without(self, *paths: str) -> dict[str, bytes]:
        """All files but these."""
        return {path: data for path, data in self.files.items() if path not in paths}

    def unpacked(self, top: Path, files: Mapping[str, bytes] | None = None) -> Path:
        """The files in a folder, as an unzip program leaves them; the bag's top."""
        for path, data in (self.files if files is None else files).items():
            at = top / self.folder / path
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(data)
        return top / self.folder

    @property
    def classes(self) -> dict[str, str]:
        """One file of each class, by a name for the class."""
        entry = next(path for path in self.files if "/entries/" in path)
        named = {"entry": entry, "original": ORIGINAL, "clip": CLIP, "proof": proof_of(entry)}
        named["frame"] = FRAME
        single = {
            "readme": "READ ME.txt",
            "report": "data/report.pdf",
            "system": "data/system.pdf",
            "record": RECORD,
        }
        kept = {"key": KEY, "checkpoint": CHECKPOINT, "note": NOTE, "page": "verify.html"}
        return {**named, **single, **kept, **{each.partition(".")[0]: each for each in _TAGS}}


def read_sample(data: bytes, signer: NoteSigner) -> Sample:
    """A package as a sample."""
    file = io.BytesIO(data)
    archive = read_archive(file)
    files = {
        member.name.partition("/")[2]: b"".join(read_member(file, member))
        for member in archive.members
    }
    folder = archive.members[0].name.partition("/")[0]
    return Sample(data, signer, folder, archive.made_at, files)


def proof_of(entry: str) -> str:
    """The path of an entry's proof."""
    return entry.replace("/entries/", "/proofs/").replace(".json", ".tlog-proof")


def flipped(data: bytes, at: int = -1) -> bytes:
    """The bytes with one bit of the one at ``at`` (the middle one where negative) changed."""
    changed = bytearray(data)
    changed[len(changed) // 2 if at < 0 else at] ^= 1
    return bytes(changed)


# --- what anybody can do to a file --------------------------------------------------------------


def _by_class(
    verb: str, act: Callable[[Sample, str], dict[str, bytes]], code: Mapping[str, str]
) -> Iterator[tuple[str, tuple[Tamper, str]]]:
    for name in (
        *("entry", "original", "clip", "frame", "proof", "readme", "report", "system", "record"),
        *(
            "key",
            "checkpoint",
            "note",
            "page",
            "bagit",
            "bag-info",
            "manifest-sha256",
            "tagmanifest-sha256",
        ),
    ):

        def tamper(sample: Sample, name: str = name) -> bytes:
            return sample.rezipped(act(sample, sample.classes[name]))

        yield f"{name} {verb}", (tamper, code.get(name, code[""]))


def _renamed(sample: Sample, path: str) -> dict[str, bytes]:
    return {f"{each}.old" if each == path else each: data for each, data in sample.files.items()}


def _added(path: str) -> Tamper:
    return lambda sample: sample.rezipped({**sample.files, path: b"new"})


def _content_only(path: str, content: bytes) -> Tamper:
    return lambda sample: sample.rezipped({**sample.files, path: content})


def _footage_byte(sample: Sample) -> bytes:
    return flipped(sample.data, sample.data.index(sample.files[ORIGINAL]) + 1000)


def _compressed(sample: Sample) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path, data in sample.files.items():
            zipped.writestr(f"{sample.folder}/{path}", data)
    return out.getvalue()


def _other_folder(sample: Sample) -> bytes:
    return sample.rezipped(sample.files, folder="B-OTHER111")


def _one_more_line(sample: Sample) -> bytes:
    more = sample.files[NOTE] + "— nobody AAAAAAAA\n".encode()
    return sample.rezipped({**sample.files, NOTE: more})


def _moved(seconds: int) -> Tamper:
    def tamper(sample: Sample) -> bytes:
        moved = replace(sample, made_at=sample.made_at + timedelta(seconds=seconds))
        return moved.rezipped(sample.files)

    return tamper


def _large(sample: Sample) -> bytes:
    out = io.BytesIO()
    writer = ArchiveWriter(out, sample.made_at)
    for path, data in sample.files.items():
        with writer.member(f"{sample.folder}/{path}", large=True) as push:
            push(data)
    writer.finish()
    return out.getvalue()


def _two_folders(sample: Sample) -> bytes:
    out = io.BytesIO()
    writer = ArchiveWriter(out, sample.made_at)
    for folder in (sample.folder, "B-OTHER111"):
        writer.add(f"{folder}/bagit.txt", sample.files["bagit.txt"])
    writer.finish()
    return out.getvalue()


# --- what only a forger with a key can do -------------------------------------------------------


def _others_key(sample: Sample) -> bytes:
    signer = NoteSigner("stranger/simulated", SecretKey.generate())
    return sample.resigned({**sample.files, KEY: f"{signer.vkey}\n".encode()}, signer)


def _forged_checkpoint(sample: Sample) -> bytes:
    lines = sample.files[CHECKPOINT].decode().split("\n")
    lines[1] = str(int(lines[1]) + 1)
    return sample.resigned({**sample.files, CHECKPOINT: "\n".join(lines).encode()})


def _smaller_checkpoint(sample: Sample) -> bytes:
    origin, size, root, *_ = sample.files[CHECKPOINT].decode().split("\n")
    forged = sample.signer.sign(f"{origin}\n{int(size) - 1}\n{root}\n")
    return sample.resigned({**sample.files, CHECKPOINT: forged.encode()})


def _proof_of_another(sample: Sample) -> bytes:
    proofs = sorted(path for path in sample.files if path.endswith(".tlog-proof"))
    return sample.resigned({**sample.files, proofs[0]: sample.files[proofs[1]]})


def _other_entry(sample: Sample) -> bytes:
    entry = sample.classes["entry"]
    changed = sample.files[entry].replace(b"2026", b"2025", 1)
    return sample.resigned({**sample.files, entry: changed})


def _loose_entry(sample: Sample) -> bytes:
    entry = sample.classes["entry"]
    return sample.resigned({**sample.files, entry: sample.files[entry] + b"\n"})


def _moved_entry(sample: Sample) -> bytes:
    entry = sample.classes["entry"]
    names = {entry: "data/custody/entries/9999.json"}
    names[proof_of(entry)] = "data/custody/proofs/9999.tlog-proof"
    return sample.resigned({names.get(path, path): data for path, data in sample.files.items()})


def _without_event(event: str) -> Tamper:
    def tamper(sample: Sample) -> bytes:
        found = [
            path
            for path, data in sample.files.items()
            if "/entries/" in path and json.loads(data)["event"] == event
        ]
        assert found
        return sample.resigned(sample.without(*found, *map(proof_of, found)))

    return tamper


def _without_log(sample: Sample) -> bytes:
    return sample.resigned({path: d for path, d in sample.files.items() if "/entries/" not in path})


def _relogged(edit: Callable[[dict[str, Any]], None], *more: dict[str, Any]) -> Tamper:
    """A log written anew, with other entries: what only the vault's own key can sign."""

    def tamper(sample: Sample) -> bytes:
        told = [json.loads(data) for path, data in sample.files.items() if "/entries/" in path]
        for entry in told:
            edit(entry)
        told += [{**told[-1], "details": None, **entry} for entry in more]
        bodies = [rfc8785.dumps(entry) for entry in told]
        leaves = [sha256(b"\0" + body).digest() for body in bodies]
        root = base64.b64encode(_root(leaves)).decode()
        head = sample.signer.sign(f"{sample.signer.name}\n{len(leaves)}\n{root}\n")
        files = {path: data for path, data in sample.files.items() if "/custody/" not in path}
        files |= {KEY: sample.files[KEY], CHECKPOINT: head.encode()}
        for index, body in enumerate(bodies):
            path = "".join(f"{base64.b64encode(each).decode()}\n" for each in _path(leaves, index))
            proof = f"c2sp.org/tlog-proof@v1\nindex {index}\n{path}\n{head}"
            files[f"data/custody/entries/{index}.json"] = body
            files[f"data/custody/proofs/{index}.tlog-proof"] = proof.encode()
        return sample.resigned(files)

    return tamper


def of_a_real_vault(sample: Sample) -> tuple[bytes, str]:
    """The package as a vault with a clock of its own would make it, and that vault's key."""
    signer = NoteSigner("butiken.example", SecretKey.generate())
    record = json.loads(sample.files[RECORD])
    record["simulated"] = False
    record["custody"]["origin"] = signer.name
    files = {**sample.files, RECORD: json.dumps(record).encode()}
    files[KEY] = f"{signer.vkey}\n".encode()
    return _relogged(lambda _entry: None)(replace(sample, signer=signer, files=files)), signer.vkey


def _root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + _root(leaves[:half]) + _root(leaves[half:])).digest()


def _path(leaves: list[bytes], index: int) -> list[bytes]:
    """RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*_path(leaves[:half], index), _root(leaves[half:])]
    return [*_path(leaves[half:], index - half), _root(leaves[:half])]


def _masked(
    *, told: bool = True, hash_: str = "", size: int = 0, source: str = "", **facts: str
) -> Tamper:
    """A masked film in place of the originals; each argument is something wrong with it."""

    def tamper(sample: Sample) -> bytes:
        film, path = b"a masked film", "data/masked/kassa-1.mp4"
        record = json.loads(sample.files[RECORD])
        sources = [{"id": each["id"], "sha256": each["sha256"]} for each in record["recordings"]]
        if source:
            sources[0]["sha256"] = source
        masked = {
            "file": path,
            "camera": facts.get("named", "kassa"),
            "size": size or len(film),
            "sha256": hash_ or sha256(film).hexdigest(),
            "made_from": sources,
        }
        record |= {"recordings": [], "clips": [], "masked": [masked] if told else []}
        entry = {
            "event": "request.file-added",
            "subject": sample.folder,
            "facts": {"kind": "masked", "camera": "kassa", "sha256": sha256(film).hexdigest()}
            | facts,
        }
        files = sample.without(CLIP, *(each for each in sample.files if "/originals/" in each))
        files |= {path: film, RECORD: json.dumps(record).encode()}
        return _relogged(lambda _entry: None, entry)(replace(sample, files=files))

    return tamper


def _certified(sample: Sample) -> bytes:
    record = json.loads(sample.files[RECORD])
    record["destroyed"] = {"recordings": 1, "certificates": ["G-7K2M9Q4X"]}
    files = {**sample.files, RECORD: json.dumps(record).encode()}
    issued = {"event": "certificate.issued", "subject": "G-7K2M9Q4X", "facts": {}}
    return _relogged(lambda _entry: None, issued)(replace(sample, files=files))


def _handler_approves(entry: dict[str, Any]) -> None:
    if entry["event"] == "request.approved":
        entry["actor"]["id"] = "u-Maja"


def _clarifier_approves(entry: dict[str, Any]) -> None:
    if entry["event"] == "request.assessed":
        entry["event"] = "request.clarified"
        entry["actor"]["id"] = "u-Anders"


def _nobody_proven(entry: dict[str, Any]) -> None:
    entry["actor"]["means"] = "asserted"


def _exchanged_original(sample: Sample) -> bytes:
    forged = b"another film"
    record = json.loads(sample.files[RECORD])
    record["recordings"][0] |= {"sha256": sha256(forged).hexdigest(), "size": len(forged)}
    files = {**sample.files, ORIGINAL: forged, RECORD: json.dumps(record).encode()}
    return sample.resigned(files)


def _record(**changes: object) -> Tamper:
    """Another value somewhere in the record, by dotted name (``recordings__0__size``)."""

    def edit(record: dict[str, Any]) -> None:
        for name, value in changes.items():
            *path, last = name.split("__")
            at: Any = record
            for part in path:
                at = at[int(part)] if isinstance(at, list) else at[part]
            at[int(last) if isinstance(at, list) else last] = value

    return lambda sample: sample.edited(edit)


def _written(edit: Callable[[str], str]) -> Tamper:
    """The record spelled otherwise, everything signed anew with the vault's own key."""
    return lambda sample: sample.resigned(
        {**sample.files, RECORD: edit(sample.files[RECORD].decode()).encode()}
    )


def _with_more(value: str) -> Tamper:
    """A field more in the record that nobody asks for."""
    return _written(lambda text: f'{{"more": {value}, {text[1:]}')


def _size_as(form: str) -> Tamper:
    def edit(text: str) -> str:
        size = f'"size": {json.loads(text)["recordings"][0]["size"]}'
        return text.replace(size, f"{size}{form}", 1)

    return _written(edit)


# --- what a zip may hold that no package has ----------------------------------------------------


def _zipped_with(*names: str) -> Tamper:
    """Members more whose names nobody looked at; ``@`` is the package's folder."""

    def tamper(sample: Sample) -> bytes:
        out = io.BytesIO()
        writer = ArchiveWriter(out, sample.made_at)
        for path, data in sample.files.items():
            writer.add(f"{sample.folder}/{path}", data)
        written = out.getvalue()
        # As long as the name, and of letters alone, until they lie where nobody checks them.
        for number, name in enumerate(names):
            raw = name.replace("@", sample.folder).encode()
            stand_in = f"{sample.folder}/{number}".encode().ljust(len(raw), b"y")[: len(raw)]
            start = len(written)
            writer.add(stand_in.decode(), b"more")
            written += out.getvalue()[start:].replace(stand_in, raw)
        at = len(written)
        writer.finish()
        directory = out.getvalue()[at:]
        for number, name in enumerate(names):
            raw = name.replace("@", sample.folder).encode()
            stand_in = f"{sample.folder}/{number}".encode().ljust(len(raw), b"y")[: len(raw)]
            directory = directory.replace(stand_in, raw)
        return written + directory

    return tamper


def _linked(sample: Sample) -> bytes:
    """The first member a symbolic link, by the mode that its directory entry gives."""
    at = sample.data.index(b"PK\x01\x02") + 38
    return sample.data[:at] + struct.pack("<I", 0o120777 << 16) + sample.data[at + 4 :]


def _appended(sample: Sample) -> bytes:
    """A file put behind the directory, as zip programs add one."""
    out = io.BytesIO(sample.data)
    with zipfile.ZipFile(out, "a") as zipped:
        zipped.writestr(f"{sample.folder}/data/late.txt", b"late")
    return out.getvalue()


def _commented(sample: Sample) -> bytes:
    return sample.data[:-2] + b"\x04\x00" + b"more"


def _manifest(edit: Callable[[bytes], bytes]) -> Tamper:
    """The manifest written otherwise, and everything above it signed anew."""

    def tamper(sample: Sample) -> bytes:
        files = dict(sample.files)
        name, tags = "manifest-sha256.txt", "tagmanifest-sha256.txt"
        files[name] = edit(files[name])
        before, after = (sha256(each[name]).hexdigest() for each in (sample.files, files))
        files[tags] = files[tags].replace(before.encode(), after.encode())
        return sample.rezipped({**files, NOTE: _stated(sample, files[tags])})

    return tamper


def _stated(sample: Sample, tags: bytes, request: str = "") -> bytes:
    lines = sample.files[NOTE].decode().rpartition("\n\n")[0].split("\n")
    lines[1] = f"request {request or sample.folder}"
    lines[3] = f"tagmanifest-sha256.txt sha256:{sha256(tags).hexdigest()}"
    return sample.signer.sign("\n".join(lines) + "\n").encode()


def _blank_in_the_name(sample: Sample) -> bytes:
    note = _stated(sample, sample.files["tagmanifest-sha256.txt"], f"{sample.folder}\ufeff")
    return sample.rezipped({**sample.files, NOTE: note})


def _shouted(manifest: bytes) -> bytes:
    return b"".join(line[:64].upper() + line[64:] for line in manifest.splitlines(keepends=True))


def _report_amended(sample: Sample) -> bytes:
    """A PDF with something written behind its signature, as PDF programs save a change."""
    path = "data/report.pdf"
    more = b"\n9 0 obj\n<<>>\nendobj\nxref\n0 0\ntrailer\n<</Size 10>>\nstartxref\n0\n%%EOF\n"
    return sample.rezipped({**sample.files, path: sample.files[path] + more})


def _others_checkpoint(sample: Sample) -> bytes:
    """The checkpoint of another log that calls itself the same."""
    signer = NoteSigner(sample.signer.name, SecretKey.generate())
    text = sample.files[CHECKPOINT].decode().rpartition("\n\n")[0] + "\n"
    return sample.resigned({**sample.files, CHECKPOINT: signer.sign(text).encode()})


def _endless_checkpoint(sample: Sample) -> bytes:
    origin, _, root, *_ = sample.files[CHECKPOINT].decode().split("\n")
    forged = sample.signer.sign(f"{origin}\n{2**62 + 1}\n{root}\n")
    return sample.resigned({**sample.files, CHECKPOINT: forged.encode()})


def _swapped_proofs(sample: Sample) -> bytes:
    one, other, *_ = sorted(path for path in sample.files if path.endswith(".tlog-proof"))
    swapped = {one: sample.files[other], other: sample.files[one]}
    return sample.resigned({**sample.files, **swapped})


def _hidden(kind: str) -> Tamper:
    return lambda sample: sample.edited(lambda record: record[kind].pop(0))


def _content(path: str, content: bytes) -> Tamper:
    return lambda sample: sample.resigned({**sample.files, path: content})


_OTHER_WINDOW: Final = [
    {"camera": "kassa", "from": "2026-03-01T08:00:05Z", "to": "2026-03-01T08:00:10Z"}
]

_CHANGED: Final = {
    "": "changed",
    "note": "note-malformed",
    "tagmanifest-sha256": "tagmanifest-unsigned",
}
_REMOVED: Final = {"": "listed-missing", "note": "missing", "tagmanifest-sha256": "missing"}
_RENAMED: Final = {"": "unlisted"}

TAMPERED: Final[Mapping[str, tuple[Tamper, str]]] = {
    **dict(
        _by_class("changed", lambda s, path: {**s.files, path: flipped(s.files[path])}, _CHANGED)
    ),
    **dict(_by_class("removed", lambda s, path: s.without(path), _REMOVED)),
    **dict(_by_class("renamed", _renamed, _RENAMED)),
    "an original added": (_added("data/originals/kassa/extra.mp4"), "original-untold"),
    "a clip added": (_added("data/clips/extra.mp4"), "clip-untold"),
    "a frame added": (_added("data/frames/extra.png"), "frame-untold"),
    "a file added in the payload": (_added("data/extra.txt"), "unlisted"),
    "a file added at the top": (_added("extra.txt"), "unlisted"),
    "an entry added": (_added("data/custody/entries/x.json"), "entry-name"),
    "a proof added": (_added("data/custody/proofs/77777.tlog-proof"), "proof-of-nothing"),
    "another number of files": (_content_only("bag-info.txt", b"Payload-Oxum: 1.1\n"), "oxum"),
    "a manifest that names a path outside": (
        _content_only("manifest-sha256.txt", b"0" * 64 + b"  ../x\n"),
        "manifest-malformed",
    ),
    "a manifest that would steer a terminal": (
        _content_only("manifest-sha256.txt", b"0" * 64 + b"  \x1b[2J\n"),
        "manifest-malformed",
    ),
    "a byte of the footage": (_footage_byte, "crc"),
    "a byte of the first header": (lambda s: flipped(s.data, 4), "not-a-package"),
    "a byte of the directory": (
        lambda s: flipped(s.data, s.data.rindex(b"PK\x01\x02") + 5),
        "not-a-package",
    ),
    "a byte of the end": (lambda s: flipped(s.data, len(s.data) - 1), "not-a-package"),
    "truncated by a byte": (lambda s: s.data[:-1], "not-a-package"),
    "truncated in the middle": (lambda s: s.data[: len(s.data) // 2], "not-a-package"),
    "truncated to a hundred bytes": (lambda s: s.data[:100], "not-a-package"),
    "empty": (lambda _s: b"", "not-a-package"),
    "bytes before": (lambda s: b"x" + s.data, "not-a-package"),
    "bytes behind": (lambda s: s.data + b"x", "not-a-package"),
    "zipped by another program": (_compressed, "not-a-package"),
    "two folders": (_two_folders, "not-a-package"),
    "a link among the members": (_linked, "not-a-package"),
    "a file behind the directory": (_appended, "not-a-package"),
    "a comment on the zip": (_commented, "not-a-package"),
    "two members of one name": (_zipped_with("@/bagit.txt"), "not-a-package"),
    "a member of another case": (_zipped_with("@/BAGIT.txt"), "not-a-package"),
    "a name that another alphabet writes in capitals alike": (
        _zipped_with("@/data/bild-i.txt", "@/data/bild-\u0131.txt"),
        "not-a-package",
    ),
    "a name with its accent apart": (_zipped_with("@/data/ka\u0308lla.txt"), "not-a-package"),
    "a member that climbs": (_zipped_with("@/../oops.txt"), "not-a-package"),
    "a member at the root": (_zipped_with("/etc/oops.txt"), "not-a-package"),
    "a member on a drive": (_zipped_with("C:/oops/oops.txt"), "not-a-package"),
    "a member with a backslash": (_zipped_with("@/data\\oops.txt"), "not-a-package"),
    "a member that is a folder": (_zipped_with("@/data/frames/"), "not-a-package"),
    "members in the order of their letters": (
        _zipped_with("@/data/\uff5e.txt", "@/data/\U0001f600.txt"),
        "unlisted",
    ),
    "a manifest with other line ends": (
        _manifest(lambda text: text.replace(b"\n", b"\r\n")),
        "manifest-malformed",
    ),
    "a manifest in capitals": (_manifest(_shouted), "manifest-malformed"),
    "a manifest with a path twice": (
        _manifest(lambda text: text + text.splitlines(keepends=True)[0]),
        "manifest-malformed",
    ),
    "a report amended behind its signature": (_report_amended, "changed"),
    "another page to verify with": (_content_only("verify.html", b"<p>OK</p>"), "changed"),
    "a statement of a name that looks the same": (_blank_in_the_name, "note-malformed"),
    "the checkpoint of a log of the same name": (_others_checkpoint, "checkpoint-bad"),
    "a checkpoint over more entries than a number holds": (
        _endless_checkpoint,
        "proof-other-checkpoint",
    ),
    "two proofs swapped": (_swapped_proofs, "proof-bad"),
    "another folder's name": (_other_folder, "note-other-request"),
    "a line more below the signature": (_one_more_line, "note-more"),
    "a later time on the zip": (_moved(2), "record-other-zip"),
    "an earlier time on the zip": (_moved(-2), "record-other-zip"),
    "signed by another vault": (_others_key, "checkpoint-bad"),
    "a forged checkpoint": (_forged_checkpoint, "checkpoint-bad"),
    "a checkpoint over fewer entries": (_smaller_checkpoint, "proof-other-checkpoint"),
    "the proof of another entry": (_proof_of_another, "proof-bad"),
    "another entry than was proven": (_other_entry, "proof-bad"),
    "an entry in another form": (_loose_entry, "entry-malformed"),
    "an entry under another number": (_moved_entry, "proof-place"),
    "approved by who had handled it": (_relogged(_handler_approves), "approver-handled"),
    "approved by who had answered": (_relogged(_clarifier_approves), "approver-handled"),
    "no approval": (_without_event("request.approved"), "no-approval"),
    "no sealing": (_without_event("recording.sealed"), "unsealed"),
    "no entries": (_without_log, "no-entries"),
    "an original exchanged": (_exchanged_original, "entry-differs"),
    "an original hidden": (_hidden("recordings"), "original-untold"),
    "a clip hidden": (_hidden("clips"), "clip-untold"),
    "a frame hidden": (_hidden("frames"), "frame-untold"),
    "a frame nobody chose": (_without_event("request.frame-chosen"), "frame-unchosen"),
    "a frame of another moment": (
        _record(frames__0__at="2026-03-01T08:00:12.200000Z"),
        "frame-unchosen",
    ),
    "a frame of a moment that was not decided on": (
        _record(frames__0__at="2026-03-01T08:00:30Z"),
        "outside-decision",
    ),
    "a frame shown long before its moment": (
        _record(frames__0__shown_from="2026-03-01T08:00:02Z"),
        "frame-elsewhere",
    ),
    "a frame shown after its moment": (
        _record(frames__0__shown_from="2026-03-01T08:00:12.120000Z"),
        "frame-elsewhere",
    ),
    "a frame of another original": (_record(frames__0__source_sha256="0" * 64), "frame-source"),
    "a frame of another recording": (_record(frames__0__recording="0" * 20), "frame-source"),
    "another hash of a frame": (_record(frames__0__sha256="0" * 64), "other-hash"),
    "a certificate nobody issued": (
        _record(destroyed={"recordings": 1, "certificates": ["G-00000000"]}),
        "certificate-unproven",
    ),
    "a record of another request": (_record(request__id="B-OTHER111"), "record-other-request"),
    "a record of another log": (_record(custody__origin="other"), "record-other-log"),
    "a record of another kind of vault": (_record(simulated=False), "record-other-kind"),
    "a record of another time": (_record(made_at="2026-03-05T00:00:00Z"), "record-other-time"),
    "a record of a day that is not": (
        _record(made_at="2026-02-30T00:00:00Z"),
        "record-malformed",
    ),
    "a record of a time without a zone": (
        _record(made_at="2026-03-02T08:00:00"),
        "record-malformed",
    ),
    "another decision": (_record(approved=_OTHER_WINDOW), "approved-other"),
    "footage of another time": (_record(approved=_OTHER_WINDOW), "outside-decision"),
    "a clip of another time": (_record(approved=_OTHER_WINDOW), "clip-undecided"),
    "a decision that is none": (_record(decision__decision="refused"), "record-malformed"),
    "another recording's name": (_record(recordings__0__id="0" * 20), "unsealed"),
    "another camera": (_record(recordings__0__camera="entre"), "other-camera"),
    "another size": (_record(recordings__0__size=1), "other-size"),
    "another hash": (_record(recordings__0__sha256="0" * 64), "other-hash"),
    "another segment root": (_record(recordings__0__segment_root="0" * 64), "entry-differs"),
    "a size that is no number": (_record(recordings__0__size="1"), "record-malformed"),
    "a clip that shows more": (
        _record(clips__0__delivered_to="2026-03-01T09:00:00Z"),
        "clip-more",
    ),
    "a clip that begins too early": (
        _record(clips__0__delivered_from="2026-03-01T07:00:00Z"),
        "clip-more",
    ),
    "a masked film the record hides": (_masked(told=False), "masked-untold"),
    "a masked film of another hash": (_masked(hash_="0" * 64), "other-hash"),
    "a masked film of another size": (_masked(size=1), "other-size"),
    "a masked film nobody declared": (_masked(kind="document"), "masked-undeclared"),
    "another masked film than was declared": (_masked(sha256="0" * 64), "masked-undeclared"),
    "a masked film of another original": (_masked(source="0" * 64), "masked-source"),
    "a masked film of another camera": (_masked(named="entre", camera="entre"), "masked-source"),
    "a record that is empty": (_content(RECORD, b""), "record-malformed"),
    "a record that is null": (_content(RECORD, b"null"), "record-malformed"),
    "a record that nests": (_content(RECORD, b"[" * 100_000), "record-malformed"),
    "a record that tells something twice": (
        _with_more('1, "simulated": false'),
        "record-malformed",
    ),
    "a record that tells something twice in other signs": (
        _with_more('1, "appr\\u006fved": []'),
        "record-malformed",
    ),
    "a record that nests where nobody looks": (
        _with_more("[" * 65 + "]" * 65),
        "record-malformed",
    ),
    "a record with a number without end": (_with_more("1" * 5000), "record-malformed"),
    "a record that begins with a mark": (_written(lambda t: "\ufeff" + t), "record-malformed"),
    "a record that is not UTF-8": (_content(RECORD, b"\xff\xfe"), "record-malformed"),
    "a record in UTF-16": (_content(RECORD, "{}".encode("utf-16")), "record-malformed"),
    "a record with half a character": (_record(request__id="\ud800"), "record-malformed"),
    "a record that is not a number": (_record(recordings__0__size=math.nan), "record-malformed"),
    "a key that is none": (_content(KEY, b"key\n"), "key-malformed"),
    "a key that is not UTF-8": (_content(KEY, b"\xff"), "not-utf8"),
    "a checkpoint that is none": (_content(CHECKPOINT, b"\n"), "checkpoint-bad"),
}
"""Each way of tampering by its name, and the code of a finding that must name it."""

UNUSUAL: Final[Mapping[str, tuple[Tamper, str]]] = {
    "a masked film in place of the originals": (_masked(), "masked-ok"),
    "a part that had been destroyed": (_certified, "certificate-ok"),
    "zipped so that each file could pass 4 GiB": (_large, "all-files"),
    "a size written as a fraction": (_size_as(".0"), "original-ok"),
    "a record that nests a little": (_with_more("[" * 60 + "]" * 60), "record-ok"),
    "who acted was asserted": (_relogged(_nobody_proven), "asserted"),
    "handed over before a decision": (
        _record(decision__decision="before-decision"),
        "before-decision",
    ),
    "a clip that begins a little early": (
        _record(clips__0__delivered_from="2026-03-01T08:00:03.250000Z"),
        "clip-early",
    ),
    "a clip of what is not included": (
        _record(clips__0__recordings=["0" * 20]),
        "clip-without-original",
    ),
}
"""What a package may be without being wrong, and the code of the note that says so."""
