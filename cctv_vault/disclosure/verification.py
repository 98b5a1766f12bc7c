"""Verifying a package with nothing but the file, as a stranger does.

Owns the judgement. It trusts the bytes of the file and, where one is given, a pinned public key;
it opens no vault, writes nothing and never unpacks. Whatever it reads may be hostile, so it answers
anything at all with findings and never with an exception. ``verifier/checks.js`` makes the same
checks in the same order in a browser; both speak from ``sentences.py``.
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast

from cctv_vault.custody.checkpoints import SIMULATED_SUFFIX, Checkpoint
from cctv_vault.custody.entries import Entry
from cctv_vault.custody.errors import CustodyError
from cctv_vault.custody.events import Event
from cctv_vault.custody.notes import Verifier, open_note, parse_vkey
from cctv_vault.custody.proofs import decode_proof, verify_proof
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
from cctv_vault.disclosure.claims import (
    MOST_DEPTH,
    MOST_DIGITS,
    ClaimedFrame,
    ClaimedMasked,
    ClaimedRecording,
    ClaimError,
    Claims,
    comparable,
    decided_on,
    is_moment,
    read_claims,
    read_moment,
    spans_of,
    whole_seconds,
)
from cctv_vault.disclosure.codes import passphrase_bytes
from cctv_vault.disclosure.contained import STRAY, Contained, open_folder, open_zip
from cctv_vault.disclosure.sentences import SENTENCES
from cctv_vault.errors import PackageInvalidError
from storage.errors import PassphraseError
from storage.passphrase import FORM, UnlockedReader, is_locked

Level = Literal["ok", "bad", "note"]
_MOST_TEXT: Final = 64 * 1024 * 1024
_MOST_SMALL: Final = 2 * 1024 * 1024
_ENTRY: Final = re.compile(r"data/custody/entries/(0|[1-9][0-9]{0,14})\.json")
_PROOF: Final = re.compile(r"data/custody/proofs/(0|[1-9][0-9]{0,14})\.tlog-proof")
_OXUM: Final = re.compile(r"(?:\A|\n)Payload-Oxum: ([0-9]{1,15})\.([0-9]{1,15})(?=\n|\Z)")
_BLANK: Final = " \t\r\n\ufeff"
"""What a text editor puts around a key that somebody saved."""
_KEYFRAME: Final = timedelta(seconds=60)
_LAST_PICTURE: Final = timedelta(seconds=10)
_FRAME_EARLY: Final = timedelta(milliseconds=10)
_ZIP_TICK: Final = timedelta(seconds=2)
_NOTHING: Final = timedelta(0)
_HANDLING: Final = frozenset(
    {
        *(Event.REQUEST_RECEIVED, Event.REQUEST_CONFIRMED, Event.REQUEST_CLARIFIED),
        *(Event.REQUEST_VERIFIED, Event.REQUEST_ASSESSED),
    }
)
_APPROVING: Final = frozenset({Event.REQUEST_APPROVED, Event.REQUEST_PARTLY_APPROVED})


@dataclass(frozen=True)
class Finding:
    """One sentence about the package, or about one file in it.

    Attributes:
        level: Whether it holds, speaks against the package, or is to be known.
        file: The file's path in the bag, or None for the package.
        code: The finding's name in `SENTENCES`.
        facts: What the sentence's braces stand for.
        sentence: The sentence in English; it follows the file's name.
        detail: What exactly was wrong, for whoever mends programs.
    """

    level: Level
    file: str | None
    code: str
    facts: Mapping[str, str | int]
    sentence: str
    detail: str


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
    passphrase: str = "",
    progress: Callable[[int], None] | None = None,
) -> PackageVerdict:
    """Verify a package.

    Args:
        package: The zip, as a path or an open seekable file, or the folder it was unpacked to.
        key: The vault's public key as published (a C2SP verifier string), to pin it.
        allow_simulated: Whether a package of a simulated vault may be sound.
        passphrase: What opens it, where it is encrypted.
        progress: Called with each number of bytes hashed.

    Returns:
        The verdict; damage, hostile input and unreadable files are findings, never exceptions.
    """
    check = _Check(key, progress or (lambda _count: None), allow_simulated=allow_simulated)
    try:
        if not isinstance(package, Path):
            check.run_zip(package, passphrase)
        elif package.is_dir():
            check.run(open_folder(package))
        else:
            with package.open("rb") as file:
                check.run_zip(file, passphrase)
    except PackageInvalidError as error:
        check.bad(None, "not-a-package", detail=str(error))
    except OSError as error:
        check.bad(None, "unreadable", detail=error.strerror or type(error).__name__)
    return PackageVerdict(
        sound=all(finding.level != "bad" for finding in check.findings),
        findings=tuple(check.findings),
    )


def shared_rules() -> dict[str, Any]:
    """What the verifier in a browser takes from here, as JSON; times in microseconds."""
    return {
        "files": {
            "declaration": DECLARATION.decode(),
            "payload": PAYLOAD,
            "manifest": MANIFEST,
            "tagManifest": TAG_MANIFEST,
            "note": NOTE,
            "record": RECORD,
            "checkpoint": CHECKPOINT,
            "key": KEY,
            "simulatedSuffix": SIMULATED_SUFFIX,
            "stray": STRAY,
        },
        "events": {
            "sealed": Event.RECORDING_SEALED.value,
            "fileAdded": Event.REQUEST_FILE_ADDED.value,
            "certificateIssued": Event.CERTIFICATE_ISSUED.value,
            "frameChosen": Event.REQUEST_FRAME_CHOSEN.value,
            "approving": sorted(_APPROVING),
            "handling": sorted(_HANDLING),
        },
        "limits": {
            "text": _MOST_TEXT,
            "depth": MOST_DEPTH,
            "digits": MOST_DIGITS,
            "small": _MOST_SMALL,
            "keyframe": _KEYFRAME // timedelta(microseconds=1),
            "lastPicture": _LAST_PICTURE // timedelta(microseconds=1),
            "frameEarly": _FRAME_EARLY // timedelta(microseconds=1),
            "zipTick": _ZIP_TICK // timedelta(microseconds=1),
        },
        "locked": FORM,
        "sentences": {code: {"sv": w.sv, "en": w.en} for code, w in SENTENCES.items()},
    }


# --- the checks, in the order in which each can rest on the one before -------------------------

_Sealings = Mapping[str | None, tuple[int, Entry]]


class _Check:
    """One verification under way."""

    def __init__(
        self, pinned: str | None, progress: Callable[[int], None], *, allow_simulated: bool
    ) -> None:
        self.findings: list[Finding] = []
        self._pinned = pinned
        self._progress = progress
        self._allow_simulated = allow_simulated
        self._digests: dict[str, str] = {}
        self._entries: dict[int, Entry] = {}

    def _say(
        self, level: Level, file: str | None, code: str, facts: Mapping[str, str | int], detail: str
    ) -> None:
        sentence = SENTENCES[code].en.format(**facts)
        self.findings.append(Finding(level, file, code, facts, sentence, detail))

    def ok(self, file: str | None, code: str, **facts: str | int) -> None:
        self._say("ok", file, code, facts, "")

    def bad(self, file: str | None, code: str, detail: str = "", **facts: str | int) -> None:
        self._say("bad", file, code, facts, detail)

    def note(self, file: str | None, code: str, **facts: str | int) -> None:
        self._say("note", file, code, facts, "")

    def run_zip(self, file: BinaryIO, passphrase: str) -> None:
        """All checks of a zip, which may be encrypted."""
        if not is_locked(file):
            self.run(open_zip(file))
            return
        try:
            opened = UnlockedReader(file, passphrase_bytes(passphrase))
        except PassphraseError:
            self.bad(None, "locked")
            return
        self.ok(None, "unlocked")
        self.run(open_zip(cast("BinaryIO", opened)))

    def run(self, files: Contained) -> None:
        """All checks; the first ones decide whether the later ones make sense."""
        self._files = files
        self._hash_all()
        self._check_bag()
        verifier = self._check_key()
        if verifier is None:
            return
        statement = self._check_statement(verifier)
        checkpoint = self._check_checkpoint(verifier)
        if checkpoint is not None:
            self._check_entries(verifier, checkpoint)
        claims = self._read_record()
        if claims is not None:
            self._check_identity(claims, verifier, statement)
            sealings = self._sealings()
            self._check_recordings(claims, sealings)
            self._check_masked(claims, sealings)
            self._check_clips(claims)
            self._check_frames(claims, sealings)
            self._check_certificates(claims)
            self._check_decision(claims)
        self.note(None, "anchored-nobody", name=verifier.name)
        self.note(None, "cannot-prove")
        self.note(None, "verifier-inside")

    # --- the container and the bag ------------------------------------------------------------

    def _hash_all(self) -> None:
        for path in self._files.sizes:
            digest, crc = hashlib.sha256(), 0
            wanted = self._files.crcs.get(path)
            try:
                for piece in self._files.read(path):
                    digest.update(piece)
                    if wanted is not None:
                        crc = zlib.crc32(piece, crc)
                    self._progress(len(piece))
            except (PackageInvalidError, OSError):
                self.bad(path, "unreadable")
                continue
            if wanted is not None and crc != wanted:
                self.bad(path, "crc")
            self._digests[path] = digest.hexdigest()

    def _check_bag(self) -> None:
        for path in self._files.strays:
            self.note(path, "stray")
        before = len(self.findings)
        declaration = self._text("bagit.txt")
        if declaration is not None and declaration != DECLARATION.decode():
            self.bad("bagit.txt", "not-bagit")
        payload = {path for path in self._digests if path.startswith(PAYLOAD)}
        tags = set(self._digests) - payload - {TAG_MANIFEST, NOTE}
        self._compare(self._manifest(MANIFEST), payload, MANIFEST)
        self._compare(self._manifest(TAG_MANIFEST), tags, TAG_MANIFEST)
        oxum = _OXUM.search(self._text("bag-info.txt") or "")
        total = sum(self._files.sizes[path] for path in payload)
        if oxum is None or (int(oxum[1]), int(oxum[2])) != (total, len(payload)):
            self.bad("bag-info.txt", "oxum")
        if len(self.findings) == before:
            self.ok(None, "all-files", count=len(self._digests))

    def _manifest(self, path: str) -> dict[str, str]:
        data = self._bytes(path, _MOST_TEXT)
        if data is None:
            return {}
        try:
            return read_manifest(data, path)
        except PackageInvalidError as error:
            self.bad(path, "manifest-malformed", detail=str(error))
            return {}

    def _compare(self, listed: Mapping[str, str], there: set[str], manifest: str) -> None:
        for path in sorted(listed.keys() | there):
            if path not in there:
                self.bad(path, "listed-missing", manifest=manifest)
            elif path not in listed:
                self.bad(path, "unlisted", manifest=manifest)
            elif listed[path] != self._digests[path]:
                self.bad(path, "changed", manifest=manifest)

    # --- the signature ------------------------------------------------------------------------

    def _check_key(self) -> Verifier | None:
        text = self._text(KEY)
        if text is None:
            return None
        try:
            verifier = parse_vkey(text.removesuffix("\n"))
        except CustodyError as error:
            self.bad(KEY, "key-malformed", detail=str(error))
            return None
        if self._pinned is None:
            self.note(KEY, "key-not-pinned")
            return verifier
        try:
            pinned = parse_vkey(self._pinned.strip(_BLANK))
        except CustodyError as error:
            self.bad(None, "pin-malformed", detail=str(error))
            return None
        if pinned != verifier:
            self.bad(KEY, "key-other")
        else:
            self.ok(KEY, "key-pinned")
        return pinned

    def _check_statement(self, verifier: Verifier) -> Statement | None:
        text = self._text(NOTE)
        if text is None:
            return None
        try:
            statement = Statement.decode(open_note(text, [verifier]))
        except (CustodyError, PackageInvalidError) as error:
            self.bad(NOTE, "note-malformed", detail=str(error))
            return None
        if text.rpartition("\n\n")[2].count("\n") != 1:
            # Nothing covers this one file but its own signature, so it must be all there is.
            self.bad(NOTE, "note-more")
        elif statement.tag_manifest != self._digests.get(TAG_MANIFEST):
            self.bad(TAG_MANIFEST, "tagmanifest-unsigned")
        elif self._files.folder not in {None, statement.request}:
            self.bad(NOTE, "note-other-request")
        else:
            self.ok(NOTE, "note-ok", name=verifier.name)
        return statement

    def _check_checkpoint(self, verifier: Verifier) -> Checkpoint | None:
        text = self._text(CHECKPOINT)
        if text is None:
            return None
        try:
            checkpoint = Checkpoint.open(text, [verifier])
        except CustodyError as error:
            self.bad(CHECKPOINT, "checkpoint-bad", detail=str(error))
            return None
        self.ok(CHECKPOINT, "checkpoint-ok", size=checkpoint.size)
        if checkpoint.simulated:
            say = self.note if self._allow_simulated else self.bad
            say(CHECKPOINT, "simulated")
        return checkpoint

    # --- the custody log ----------------------------------------------------------------------

    def _check_entries(self, verifier: Verifier, checkpoint: Checkpoint) -> None:
        before = len(self.findings)
        signed = self._text(CHECKPOINT)
        for path in self._digests:
            if path.startswith("data/custody/proofs/"):
                found = _PROOF.fullmatch(path)
                if not found or f"data/custody/entries/{found[1]}.json" not in self._digests:
                    self.bad(path, "proof-of-nothing")
            elif path.startswith("data/custody/entries/"):
                self._check_entry(path, verifier, signed)
        if not self._entries:
            self.bad(None, "no-entries")
        elif len(self.findings) == before:
            self.ok(None, "entries-ok", count=len(self._entries), size=checkpoint.size)

    def _check_entry(self, path: str, verifier: Verifier, signed: str | None) -> None:
        found = _ENTRY.fullmatch(path)
        if found is None:
            self.bad(path, "entry-name")
            return
        body = self._bytes(path, _MOST_SMALL)
        beside = f"data/custody/proofs/{found[1]}.tlog-proof"
        proof = self._text(beside)
        if body is None or proof is None:
            return
        try:
            entry = Entry.from_bytes(body)
        except CustodyError as error:
            self.bad(path, "entry-malformed", detail=str(error))
            return
        try:
            verified = verify_proof(body, proof, [verifier])
            same = decode_proof(proof).checkpoint == signed
        except CustodyError as error:
            self.bad(beside, "proof-bad", detail=str(error))
            return
        if verified.index != int(found[1]):
            self.bad(beside, "proof-place")
        elif not same:
            self.bad(beside, "proof-other-checkpoint")
        else:
            self._entries[verified.index] = entry

    # --- the record ---------------------------------------------------------------------------

    def _read_record(self) -> Claims | None:
        data = self._bytes(RECORD, _MOST_TEXT)
        if data is None:
            return None
        try:
            return read_claims(data)
        except ClaimError as error:
            self.bad(RECORD, "record-malformed", detail=str(error))
            return None

    def _check_identity(
        self, claims: Claims, verifier: Verifier, statement: Statement | None
    ) -> None:
        before = len(self.findings)
        request = self._files.folder or (statement and statement.request) or claims.request.id
        zipped = self._files.made_at
        if claims.request.id != request:
            self.bad(RECORD, "record-other-request")
        if claims.custody.origin != verifier.name:
            self.bad(RECORD, "record-other-log")
        if claims.simulated != verifier.name.endswith(SIMULATED_SUFFIX):
            self.bad(RECORD, "record-other-kind")
        if zipped is not None and not _NOTHING <= claims.made_at - zipped < _ZIP_TICK:
            self.bad(RECORD, "record-other-zip")
        if statement is not None and not _tells(statement, claims):
            self.bad(RECORD, "record-other-time")
        if len(self.findings) == before:
            made = f"{claims.made_at:%Y-%m-%d %H:%M:%S}"
            self.ok(RECORD, "record-ok", request=claims.request.id, made=made)

    # --- the footage --------------------------------------------------------------------------

    def _sealings(self) -> _Sealings:
        return {
            entry.subject: (index, entry)
            for index, entry in self._entries.items()
            if entry.event == Event.RECORDING_SEALED
        }

    def _check_recordings(self, claims: Claims, sealings: _Sealings) -> None:
        for each in claims.recordings:
            fault, other = self._original_fault(each, claims, sealings)
            if fault == "entry-differs":
                self.bad(each.file, fault, fields=other)
            elif fault:
                self.bad(each.file, fault)
            else:
                self.ok(each.file, "original-ok", index=sealings[each.id][0])
        told = {each.file for each in claims.recordings}
        self._check_told("data/originals/", told, "original-untold")

    def _original_fault(
        self, each: ClaimedRecording, claims: Claims, sealings: _Sealings
    ) -> tuple[str, str]:
        sealed = sealings.get(each.id)
        facts = {} if sealed is None else sealed[1].facts
        names = ("sha256", "size", "camera", "segment_root")
        other = ", ".join(name for name in names if facts.get(name) != getattr(each, name))
        faults = {
            "other-camera": not each.file.startswith(f"data/originals/{each.camera}/"),
            "other-hash": self._digests.get(each.file) != each.sha256,
            "other-size": self._files.sizes.get(each.file) != each.size,
            "unsealed": sealed is None,
            "entry-differs": bool(other),
            "outside-decision": not decided_on(claims, each.camera, each.started_at, each.ended_at),
        }
        return next((code for code, holds in faults.items() if holds), ""), other

    def _check_masked(self, claims: Claims, sealings: _Sealings) -> None:
        for each in claims.masked:
            added = self._declared(each, claims)
            faults = {
                "other-hash": self._digests.get(each.file) != each.sha256,
                "other-size": self._files.sizes.get(each.file) != each.size,
                "masked-undeclared": added is None,
                "masked-source": any(
                    source.id not in sealings
                    or sealings[source.id][1].facts.get("sha256") != source.sha256
                    or sealings[source.id][1].facts.get("camera") != each.camera
                    for source in each.made_from
                ),
                "outside-decision": all(span.camera != each.camera for span in claims.approved),
            }
            fault = next((code for code, holds in faults.items() if holds), "")
            if fault or added is None:
                self.bad(each.file, fault)
            else:
                self.ok(each.file, "masked-ok", index=added)
        self._check_told("data/masked/", {each.file for each in claims.masked}, "masked-untold")

    def _declared(self, masked: ClaimedMasked, claims: Claims) -> int | None:
        """The last entry that added this film to the request as a masked one."""
        wanted = {"kind": "masked", "camera": masked.camera, "sha256": masked.sha256}
        found = [
            index
            for index, entry in self._entries.items()
            if entry.subject == claims.request.id
            and entry.event == Event.REQUEST_FILE_ADDED
            and all(entry.facts.get(name) == value for name, value in wanted.items())
        ]
        return max(found, default=None)

    def _check_clips(self, claims: Claims) -> None:
        originals = {recording.id for recording in claims.recordings}
        spans = comparable(claims.approved)
        for clip in claims.clips:
            early = clip.starts_at - clip.delivered_from
            if self._digests.get(clip.file) != clip.sha256:
                self.bad(clip.file, "other-hash")
            elif (clip.camera, clip.starts_at, clip.ends_at) not in spans:
                self.bad(clip.file, "clip-undecided")
            elif early > _KEYFRAME or clip.delivered_to - clip.ends_at > _LAST_PICTURE:
                self.bad(clip.file, "clip-more")
            else:
                self.ok(clip.file, "clip-ok")
                if early > _NOTHING:
                    self.note(clip.file, "clip-early", seconds=whole_seconds(early))
                if not originals.issuperset(clip.recordings):
                    self.note(clip.file, "clip-without-original")
        self._check_told("data/clips/", {clip.file for clip in claims.clips}, "clip-untold")

    def _check_frames(self, claims: Claims, sealings: _Sealings) -> None:
        originals = {recording.id for recording in claims.recordings}
        for each in claims.frames:
            chosen = self._chosen(each, claims)
            sealed = sealings[each.recording][1].facts if each.recording in sealings else {}
            stood = each.at - each.shown_from
            faults = {
                "other-hash": self._digests.get(each.file) != each.sha256,
                "outside-decision": not decided_on(claims, each.camera, each.at, each.at),
                "frame-unchosen": chosen is None,
                "frame-source": (each.source_sha256, each.camera)
                != (sealed.get("sha256"), sealed.get("camera")),
                "frame-elsewhere": not -_FRAME_EARLY <= stood <= _LAST_PICTURE,
            }
            fault = next((code for code, holds in faults.items() if holds), "")
            if fault or chosen is None:
                self.bad(each.file, fault)
                continue
            self.ok(each.file, "frame-ok", index=chosen, sealed=sealings[each.recording][0])
            if each.recording not in originals:
                self.note(each.file, "clip-without-original")
        self._check_told("data/frames/", {each.file for each in claims.frames}, "frame-untold")

    def _chosen(self, frame: ClaimedFrame, claims: Claims) -> int | None:
        """The last entry by which this moment was chosen for the request."""
        found = [
            index
            for index, entry in self._entries.items()
            if entry.subject == claims.request.id
            and entry.event == Event.REQUEST_FRAME_CHOSEN
            and entry.facts.get("camera") == frame.camera
            and is_moment(entry.facts.get("at"), frame.at)
        ]
        return max(found, default=None)

    def _check_certificates(self, claims: Claims) -> None:
        """Each certificate that is told of was issued, as a proven entry says."""
        issued = {
            entry.subject: index
            for index, entry in sorted(self._entries.items())
            if entry.event == Event.CERTIFICATE_ISSUED
        }
        for each in claims.destroyed.certificates:
            if each in issued:
                self.ok(RECORD, "certificate-ok", certificate=each, index=issued[each])
            else:
                self.bad(RECORD, "certificate-unproven", certificate=each)

    def _check_told(self, folder: str, told: set[str], code: str) -> None:
        for path in self._digests:
            if path.startswith(folder) and path not in told:
                self.bad(path, code)

    # --- the decision -------------------------------------------------------------------------

    def _check_decision(self, claims: Claims) -> None:
        if claims.decision.decision == "before-decision":
            self.note(RECORD, "before-decision")
            return
        mine = {i: e for i, e in self._entries.items() if e.subject == claims.request.id}
        approvals = [index for index, entry in mine.items() if entry.event in _APPROVING]
        if not approvals:
            self.bad(RECORD, "no-approval")
            return
        index = max(approvals)
        handlers = {entry.actor.id for entry in mine.values() if entry.event in _HANDLING}
        if spans_of(mine[index].facts.get("windows")) != comparable(claims.approved):
            self.bad(RECORD, "approved-other", index=index)
        elif mine[index].actor.id in handlers:
            self.bad(RECORD, "approver-handled", index=index)
        else:
            self.ok(RECORD, "approved", index=index)
        if any(entry.actor.means == "asserted" for entry in mine.values()):
            self.note(RECORD, "asserted")

    # --- reading ------------------------------------------------------------------------------

    def _bytes(self, path: str, most: int) -> bytes | None:
        if path not in self._digests:
            self.bad(path, "missing")
            return None
        if self._files.sizes[path] > most:
            self.bad(path, "too-large")
            return None
        return b"".join(self._files.read(path))

    def _text(self, path: str) -> str | None:
        data = self._bytes(path, _MOST_SMALL)
        if data is None:
            return None
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            self.bad(path, "not-utf8")
            return None


def _tells(statement: Statement, claims: Claims) -> bool:
    """Whether the signed statement gives the record's time."""
    try:
        return read_moment(statement.made_at) == claims.made_at
    except ValueError:
        return False
