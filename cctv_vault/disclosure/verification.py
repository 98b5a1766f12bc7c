"""Verifying a package with nothing but the file, as a stranger does.

Owns the judgement and its sentences. It trusts the bytes of the file and, where one is given, a
pinned public key; it opens no vault, writes nothing and never unpacks. Whatever it reads may be
hostile, so it answers anything at all with findings and never with an exception. It names the file
each finding is about, and says what a package cannot prove by itself.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from cctv_vault.custody.checkpoints import Checkpoint
from cctv_vault.custody.entries import Entry
from cctv_vault.custody.errors import CustodyError
from cctv_vault.custody.events import Event
from cctv_vault.custody.notes import Verifier, open_note, parse_vkey
from cctv_vault.custody.proofs import decode_proof, verify_proof
from cctv_vault.disclosure.archive import Archive, Member, read_archive, read_member
from cctv_vault.disclosure.bag import (
    CHECKPOINT,
    DECLARATION,
    KEY,
    MANIFEST,
    NOTE,
    PAYLOAD,
    RECORD,
    TAG_MANIFEST,
    Statement,
    read_manifest,
)
from cctv_vault.errors import PackageInvalidError

Level = Literal["ok", "bad", "note"]
_MOST_TEXT: Final = 64 * 1024 * 1024
_MOST_SMALL: Final = 2 * 1024 * 1024
_ENTRY: Final = re.compile(r"data/custody/entries/(0|[1-9][0-9]{0,17})\.json")
_PROOF: Final = re.compile(r"data/custody/proofs/(0|[1-9][0-9]{0,17})\.tlog-proof")
_KEYFRAME: Final = timedelta(seconds=60)
_LAST_PICTURE: Final = timedelta(seconds=10)
_TWO_SECONDS: Final = timedelta(seconds=2)
_HANDLING: Final = frozenset(
    {
        *(Event.REQUEST_RECEIVED, Event.REQUEST_CONFIRMED, Event.REQUEST_CLARIFIED),
        *(Event.REQUEST_VERIFIED, Event.REQUEST_ASSESSED),
    }
)
_APPROVING: Final = frozenset({Event.REQUEST_APPROVED, Event.REQUEST_PARTLY_APPROVED})


@dataclass(frozen=True)
class Finding:
    """One sentence about the package, or about one file in it."""

    level: Level
    file: str | None
    sentence: str


@dataclass(frozen=True)
class PackageVerdict:
    """What was found; ``sound`` where nothing speaks against the package."""

    sound: bool
    findings: tuple[Finding, ...]


def verify_package(
    package: Path | BinaryIO,
    *,
    key: str | None = None,
    allow_simulated: bool = False,
    progress: Callable[[int], None] | None = None,
) -> PackageVerdict:
    """Verify a package.

    Args:
        package: The zip, as a path or an open seekable file.
        key: The vault's public key as published (a C2SP verifier string), to pin it.
        allow_simulated: Whether a package of a simulated vault may be sound.
        progress: Called with each number of bytes hashed.

    Returns:
        The verdict; damage, hostile input and unreadable files are findings, never exceptions.
    """
    check = _Check(key, progress or (lambda _count: None), allow_simulated=allow_simulated)
    try:
        if isinstance(package, Path):
            with package.open("rb") as file:
                check.run(file)
        else:
            check.run(package)
    except OSError as error:
        check.bad(None, f"the file cannot be read: {error.strerror or type(error).__name__}")
    return PackageVerdict(
        sound=all(finding.level != "bad" for finding in check.findings),
        findings=tuple(check.findings),
    )


# --- what the record must say -----------------------------------------------------------------

_Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Time = Annotated[
    # Bounds that every later sum and change of zone stays within.
    AwareDatetime,
    Field(ge=datetime(1970, 1, 1, tzinfo=UTC), le=datetime(9000, 1, 1, tzinfo=UTC)),
]
_Short = Annotated[str, StringConstraints(max_length=1024)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class _Span(_Part):
    camera: _Short
    starts_at: _Time = Field(alias="from")
    ends_at: _Time = Field(alias="to")


class _Recording(_Part):
    id: _Short
    camera: _Short
    file: _Short
    size: int
    sha256: _Hex
    segment_root: _Hex
    started_at: _Time
    ended_at: _Time


class _Clip(_Span):
    file: _Short
    sha256: _Hex
    delivered_from: _Time
    delivered_to: _Time
    recordings: tuple[_Short, ...]


class _Request(_Part):
    id: _Short


class _Decision(_Part):
    decision: Literal["approved", "partly-approved", "before-decision"]


class _Custody(_Part):
    origin: _Short
    key: _Short


class _Record(_Part):
    format: Literal["cctv-vault/package/v1"]
    made_at: _Time
    simulated: bool
    request: _Request
    decision: _Decision
    approved: tuple[_Span, ...]
    recordings: tuple[_Recording, ...]
    clips: tuple[_Clip, ...]
    custody: _Custody


# --- the checks, in the order in which each can rest on the one before -------------------------


class _Check:
    """One verification under way."""

    def __init__(
        self, pinned: str | None, progress: Callable[[int], None], *, allow_simulated: bool
    ) -> None:
        self.findings: list[Finding] = []
        self._pinned = pinned
        self._progress = progress
        self._allow_simulated = allow_simulated
        self._folder = ""
        self._members: dict[str, Member] = {}
        self._digests: dict[str, str] = {}
        self._entries: dict[int, Entry] = {}

    def ok(self, file: str | None, sentence: str) -> None:
        self.findings.append(Finding("ok", file, sentence))

    def bad(self, file: str | None, sentence: str) -> None:
        self.findings.append(Finding("bad", file, sentence))

    def note(self, file: str | None, sentence: str) -> None:
        self.findings.append(Finding("note", file, sentence))

    def run(self, file: BinaryIO) -> None:
        """All checks; the first ones decide whether the later ones make sense."""
        try:
            archive = read_archive(file)
            self._members = self._unfold(archive)
        except PackageInvalidError as error:
            self.bad(None, str(error))
            return
        self._hash_all(file)
        self._check_bag(file)
        verifier = self._check_key(file)
        if verifier is None:
            return
        statement = self._check_statement(file, verifier)
        checkpoint = self._check_checkpoint(file, verifier)
        if checkpoint is not None:
            self._check_entries(file, verifier, checkpoint)
        record = self._read_record(file)
        if record is not None:
            self._check_identity(record, verifier, statement, archive)
            self._check_recordings(record)
            self._check_clips(record)
            self._check_decision(record)
        self._say_what_cannot_be_known(verifier)

    # --- the zip and the bag ------------------------------------------------------------------

    def _unfold(self, archive: Archive) -> dict[str, Member]:
        """The members by their path in the bag, which is one folder of the zip."""
        folders = {member.name.partition("/")[0] for member in archive.members}
        if len(folders) != 1 or any("/" not in member.name for member in archive.members):
            raise PackageInvalidError("the zip must hold exactly one folder")
        self._folder = folders.pop()
        return {member.name.partition("/")[2]: member for member in archive.members}

    def _hash_all(self, file: BinaryIO) -> None:
        for path, member in self._members.items():
            digest, crc = hashlib.sha256(), 0
            try:
                for piece in read_member(file, member):
                    digest.update(piece)
                    crc = zlib.crc32(piece, crc)
                    self._progress(len(piece))
            except PackageInvalidError as error:
                self.bad(path, str(error))
                continue
            if crc != member.crc:
                self.bad(path, "its bytes are not those the zip was made of (CRC)")
            self._digests[path] = digest.hexdigest()

    def _check_bag(self, file: BinaryIO) -> None:
        before = len(self.findings)
        if self._text(file, "bagit.txt") != DECLARATION.decode():
            self.bad("bagit.txt", "is not the declaration of a BagIt 1.0 bag")
        payload = {path for path in self._digests if path.startswith(PAYLOAD)}
        tags = set(self._digests) - payload - {TAG_MANIFEST, NOTE}
        self._compare(self._manifest(file, MANIFEST), payload, MANIFEST)
        self._compare(self._manifest(file, TAG_MANIFEST), tags, TAG_MANIFEST)
        info = self._text(file, "bag-info.txt") or ""
        oxum = re.search(r"^Payload-Oxum: (\d{1,19})\.(\d{1,19})$", info, re.MULTILINE)
        total = sum(self._members[path].size for path in payload)
        if oxum is None or (int(oxum[1]), int(oxum[2])) != (total, len(payload)):
            self.bad("bag-info.txt", "the number and size of the payload's files differ")
        if len(self.findings) == before:
            self.ok(None, f"all {len(self._digests)} files are there, unchanged, and no others")

    def _manifest(self, file: BinaryIO, path: str) -> dict[str, str]:
        data = self._bytes(file, path, _MOST_TEXT)
        if data is None:
            return {}
        try:
            return read_manifest(data, path)
        except PackageInvalidError as error:
            self.bad(path, str(error))
            return {}

    def _compare(self, listed: Mapping[str, str], there: set[str], manifest: str) -> None:
        for path in sorted(listed.keys() | there):
            if path not in there:
                self.bad(path, f"is listed in {manifest} but is not in the package")
            elif path not in listed:
                self.bad(path, f"is in the package but not listed in {manifest}")
            elif listed[path] != self._digests[path]:
                self.bad(path, f"was changed: its SHA-256 is not the one in {manifest}")

    # --- the signature ------------------------------------------------------------------------

    def _check_key(self, file: BinaryIO) -> Verifier | None:
        text = self._text(file, KEY)
        if text is None:
            return None
        try:
            verifier = parse_vkey(text.removesuffix("\n"))
            pinned = None if self._pinned is None else parse_vkey(self._pinned.strip())
        except CustodyError as error:
            self.bad(KEY, str(error))
            return None
        if pinned is None:
            self.note(
                KEY,
                "no key was pinned: compare this one with the key the controller has published",
            )
        elif pinned != verifier:
            self.bad(KEY, "the package names another key than the pinned one")
            return pinned
        else:
            self.ok(KEY, "is the pinned key")
        return verifier

    def _check_statement(self, file: BinaryIO, verifier: Verifier) -> Statement | None:
        text = self._text(file, NOTE)
        if text is None:
            return None
        try:
            statement = Statement.decode(open_note(text, [verifier]))
        except (CustodyError, PackageInvalidError) as error:
            self.bad(NOTE, str(error))
            return None
        if len(text.rpartition("\n\n")[2].splitlines()) != 1:
            # Nothing covers this one file but its own signature, so it must be all there is.
            self.bad(NOTE, "was changed: it holds more than the vault's own signature")
        elif statement.tag_manifest != self._digests.get(TAG_MANIFEST):
            self.bad(TAG_MANIFEST, f"is not the one that was signed in {NOTE}")
        elif statement.request != self._folder:
            self.bad(NOTE, "the signature is of a package of another request")
        else:
            self.ok(NOTE, f"signed by {verifier.name}: covers every file")
        return statement

    def _check_checkpoint(self, file: BinaryIO, verifier: Verifier) -> Checkpoint | None:
        text = self._text(file, CHECKPOINT)
        if text is None:
            return None
        try:
            checkpoint = Checkpoint.open(text, [verifier])
        except CustodyError as error:
            self.bad(CHECKPOINT, str(error))
            return None
        self.ok(CHECKPOINT, f"signed by the log itself over {checkpoint.size} entries")
        if checkpoint.simulated:
            say = self.note if self._allow_simulated else self.bad
            say(
                CHECKPOINT,
                "SIMULATED: the package comes from a vault whose clock is set by hand; it is no "
                "evidence",
            )
        return checkpoint

    # --- the custody log ----------------------------------------------------------------------

    def _check_entries(self, file: BinaryIO, verifier: Verifier, checkpoint: Checkpoint) -> None:
        before = len(self.findings)
        signed = self._text(file, CHECKPOINT)
        for path in self._digests:
            if path.startswith("data/custody/proofs/"):
                found = _PROOF.fullmatch(path)
                beside = found and f"data/custody/entries/{found[1]}.json"
                if not beside or beside not in self._digests:
                    self.bad(path, "is a proof of no entry in the package")
            elif path.startswith("data/custody/entries/"):
                self._check_entry(file, path, verifier, signed or "")
        if not self._entries:
            self.bad(None, "the package holds no custody entries that are proven")
        elif len(self.findings) == before:
            self.ok(
                None,
                f"all {len(self._entries)} custody entries are in the log of {checkpoint.size} "
                "entries",
            )

    def _check_entry(self, file: BinaryIO, path: str, verifier: Verifier, signed: str) -> None:
        found = _ENTRY.fullmatch(path)
        if found is None:
            self.bad(path, "is not named like a custody entry")
            return
        body = self._bytes(file, path, _MOST_SMALL)
        beside = f"data/custody/proofs/{found[1]}.tlog-proof"
        proof = self._text(file, beside)
        if body is None or proof is None:
            return
        try:
            entry = Entry.from_bytes(body)
        except CustodyError as error:
            self.bad(path, str(error))
            return
        try:
            verified = verify_proof(body, proof, [verifier])
            same = decode_proof(proof).checkpoint == signed
        except CustodyError as error:
            self.bad(beside, str(error))
            return
        if verified.index != int(found[1]):
            self.bad(beside, "proves another place in the log than its name says")
        elif not same:
            self.bad(beside, f"is against another checkpoint than {CHECKPOINT}")
        else:
            self._entries[verified.index] = entry

    # --- the record ---------------------------------------------------------------------------

    def _read_record(self, file: BinaryIO) -> _Record | None:
        data = self._bytes(file, RECORD, _MOST_TEXT)
        if data is None:
            return None
        try:
            return _Record.model_validate(json.loads(data))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            self.bad(RECORD, f"{where}: {first['msg']}")
        except (ValueError, RecursionError):
            self.bad(RECORD, "is not JSON")
        return None

    def _check_identity(
        self,
        record: _Record,
        verifier: Verifier,
        statement: Statement | None,
        archive: Archive,
    ) -> None:
        before = len(self.findings)
        if record.request.id != self._folder:
            self.bad(RECORD, "is the record of another request")
        if record.custody.origin != verifier.name:
            self.bad(RECORD, "names another log than the one that signed")
        if not timedelta(0) <= record.made_at - archive.made_at < _TWO_SECONDS:
            self.bad(RECORD, "was made at another time than the zip")
        if statement is not None and _parsed(statement.made_at) != record.made_at:
            self.bad(RECORD, "was made at another time than the signature says")
        if len(self.findings) == before:
            self.ok(
                RECORD, f"is the record of {record.request.id}, made {record.made_at:%F %T} UTC"
            )

    def _check_recordings(self, record: _Record) -> None:
        sealings = {
            entry.subject: (index, entry)
            for index, entry in self._entries.items()
            if entry.event == Event.RECORDING_SEALED
        }
        told: set[str] = set()
        for recording in record.recordings:
            told.add(recording.file)
            fault = self._recording_fault(recording, record, sealings)
            if fault:
                self.bad(recording.file, fault)
            else:
                index = sealings[recording.id][0]
                self.ok(recording.file, f"is bit for bit what was sealed (entry {index})")
        for path in self._digests:
            if path.startswith("data/originals/") and path not in told:
                self.bad(path, "is an original of which the record says nothing")

    def _recording_fault(
        self,
        recording: _Recording,
        record: _Record,
        sealings: Mapping[str | None, tuple[int, Entry]],
    ) -> str | None:
        member = self._members.get(recording.file)
        sealed = sealings.get(recording.id)
        facts = {} if sealed is None else sealed[1].facts
        shown = any(
            span.camera == recording.camera
            and recording.started_at < span.ends_at
            and (recording.ended_at > span.starts_at or recording.started_at >= span.starts_at)
            for span in record.approved
        )
        claims = {
            "sha256": recording.sha256,
            "size": recording.size,
            "camera": recording.camera,
            "segment_root": recording.segment_root,
        }
        other = [name for name, value in claims.items() if facts.get(name) != value]
        faults = {
            "the record places it under another camera": not recording.file.startswith(
                f"data/originals/{recording.camera}/"
            ),
            "its SHA-256 is not the one in the record": self._digests.get(recording.file)
            != recording.sha256,
            "its size is not the one in the record": member is None
            or member.size != recording.size,
            "no proven custody entry tells of its sealing": sealed is None,
            f"the custody entry of its sealing has another {' and '.join(other)}": bool(other),
            "it lies outside the time that was decided on": not shown,
        }
        return next((sentence for sentence, holds in faults.items() if holds), None)

    def _check_clips(self, record: _Record) -> None:
        told: set[str] = set()
        originals = {recording.id for recording in record.recordings}
        spans = {(span.camera, span.starts_at, span.ends_at) for span in record.approved}
        for clip in record.clips:
            told.add(clip.file)
            early = clip.starts_at - clip.delivered_from
            if self._digests.get(clip.file) != clip.sha256:
                self.bad(clip.file, "its SHA-256 is not the one in the record")
            elif (clip.camera, clip.starts_at, clip.ends_at) not in spans:
                self.bad(clip.file, "shows a time that was not decided on")
            elif early > _KEYFRAME or clip.delivered_to - clip.ends_at > _LAST_PICTURE:
                self.bad(clip.file, "shows more than the time that was decided on")
            else:
                self.ok(clip.file, "shows the time that was decided on")
                if early > timedelta(0):
                    self.note(
                        clip.file,
                        f"begins {early.total_seconds():.1f} s early, with the key frame its "
                        "first pictures need",
                    )
                if not originals.issuperset(clip.recordings):
                    self.note(clip.file, "is made of a recording whose original is not included")
        for path in self._digests:
            if path.startswith("data/clips/") and path not in told:
                self.bad(path, "is a clip of which the record says nothing")

    def _check_decision(self, record: _Record) -> None:
        mine = [entry for entry in self._entries.values() if entry.subject == record.request.id]
        if record.decision.decision == "before-decision":
            self.note(
                RECORD,
                "was handed over before a decision, as the law allows on the spot, under "
                "compulsion or in an emergency; it is reviewed afterwards by another person",
            )
            return
        approvals = [
            index
            for index, entry in self._entries.items()
            if entry.subject == record.request.id and entry.event in _APPROVING
        ]
        if not approvals:
            self.bad(RECORD, "no proven custody entry tells of an approval")
            return
        approval = self._entries[max(approvals)]
        decided = [
            {"camera": span.camera, "from": _text(span.starts_at), "to": _text(span.ends_at)}
            for span in record.approved
        ]
        handlers = {entry.actor.id for entry in mine if entry.event in _HANDLING}
        if _spans(approval.facts.get("windows")) != _spans(decided):
            self.bad(RECORD, f"entry {max(approvals)} approved another time than the record says")
        elif approval.actor.id in handlers:
            self.bad(RECORD, f"entry {max(approvals)}: who approved had handled the request")
        else:
            self.ok(
                RECORD, f"approved by a second person who had not handled it ({max(approvals)})"
            )
        if any(entry.actor.means == "asserted" for entry in mine):
            self.note(RECORD, "who acted was asserted, not proven: the vault was a simulated one")

    def _say_what_cannot_be_known(self, verifier: Verifier) -> None:
        self.note(None, f"the log {verifier.name} is anchored outside by: nobody")
        self.note(
            None,
            "that a recording shows what happened, and that nothing was left out before it was "
            "sealed, no signature can prove",
        )

    # --- reading ------------------------------------------------------------------------------

    def _bytes(self, file: BinaryIO, path: str, most: int) -> bytes | None:
        member = self._members.get(path)
        if member is None or path not in self._digests:
            self.bad(path, "is missing")
            return None
        if member.size > most:
            self.bad(path, "is larger than such a file can be")
            return None
        return b"".join(read_member(file, member))

    def _text(self, file: BinaryIO, path: str) -> str | None:
        data = self._bytes(file, path, _MOST_SMALL)
        if data is None:
            return None
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            self.bad(path, "is not UTF-8")
            return None


def _spans(windows: object) -> set[tuple[str, str, str]] | None:
    """Windows as told in an entry or a record, comparable; None where they are malformed."""
    if not isinstance(windows, list):
        return None
    try:
        return {(str(w["camera"]), _same(w["from"]), _same(w["to"])) for w in windows}
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _same(moment: object) -> str:
    return _text(datetime.fromisoformat(str(moment)))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _parsed(moment: str) -> datetime | None:
    try:
        return datetime.fromisoformat(moment)
    except ValueError:
        return None
