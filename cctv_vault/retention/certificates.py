"""Certificates of deletion: one per sweep, which a stranger can check with nothing else.

A certificate's statement names the purpose keys that were destroyed and how many recording keys
each had wrapped, says what is and is not claimed, and is committed to by its SHA-256 in the custody
log as soon as the root is destroyed. Once the rows have followed, the file names the recordings as
well, under the root that the log holds for each key. With both go the entries, their inclusion
proofs and one signed checkpoint.

It claims what was done here, not that nobody holds a copy. A recording that other purposes keep
stays readable for them: a certificate is about keys, and it does not tell which holds exist.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from cctv_vault.custody.canonical import canonical_json
from cctv_vault.custody.checkpoints import SIMULATED_SUFFIX, Checkpoint
from cctv_vault.custody.entries import Entry
from cctv_vault.custody.errors import CustodyError, ProofFormatError
from cctv_vault.custody.events import Event
from cctv_vault.custody.log import CustodyLog
from cctv_vault.custody.notes import Verifier, parse_vkey
from cctv_vault.custody.proofs import verify_proof
from cctv_vault.database import Database
from cctv_vault.errors import NotFoundError, OnHoldError, TransitionNotAllowedError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import grant_seen_by, hidden_subjects
from cctv_vault.ids import reference
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor, Right, Sight, system_actor
from cctv_vault.retention import single
from cctv_vault.retention.clearing import LISTED, recordings_of
from cctv_vault.retention.rules import is_live
from cctv_vault.schema import (
    Camera,
    Certificate,
    CustodyEntry,
    CustodyLink,
    FootageCopy,
    Grant,
    Hold,
    Recording,
    SweepRun,
    VaultRow,
    table,
)
from cctv_vault.views import iso
from storage.merkle import leaf_hash, root_of
from storage.roots import RootFolder

_T = TypeVar("_T")
FORMAT: Final = "cctv-vault/certificate/v1"
_MAX_BYTES: Final = 512 * 1024 * 1024
_BATCH: Final = 500
_TOO_MANY: Final = (
    "{} recordings are too many to name in one file: the log commits to them by the entry of each "
    "emptied key, and a certificate of a single recording proves its own place there."
)
BACKUPS: Final = (
    "Backups that carry keys: none made by this vault. A copy of its home made in another way "
    "holds no root key, and opens nothing that expired."
)
_CUSTODY: Final = frozenset({"key", "checkpoint", "entries"})
_PARTS: Final = frozenset({"certificate", "recordings", "custody"})
_PROVEN: Final = frozenset(
    {
        Event.KEY_DESTROYED.value,
        Event.KEY_REPLACED.value,
        Event.KEY_EMPTIED.value,
        Event.ROOT_DESTROYED.value,
        Event.BLOBS_REMOVED.value,
        Event.CERTIFICATE_ISSUED.value,
        Event.SWEEP_FINISHED.value,
    }
)


@dataclass(frozen=True)
class CertificateView:
    """A certificate in a list; ``recordings`` counts those that lost their last purpose.

    ``recording`` is the one a certificate is about; None for a whole sweep's.
    """

    id: str
    created_at: datetime
    keys: int
    recordings: int
    from_epoch: int
    to_epoch: int
    recording: str | None = None


@dataclass(frozen=True)
class CertificateFinding:
    """One line of a verification: ``level`` is ``ok``, ``bad`` or ``note``."""

    level: str
    sentence: str


@dataclass(frozen=True)
class CertificateVerdict:
    """What a verification found: ``sound`` if and only if no finding is bad."""

    sound: bool
    findings: tuple[CertificateFinding, ...]


class Certificates:
    """The certificates of one vault."""

    def __init__(
        self, *, database: Database, ledger: Ledger, log: CustodyLog, roots: RootFolder
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._log = log
        self._roots = roots

    def issue(self, actor: Actor, sweep_id: str) -> None:
        """Issue the certificate of a sweep whose keys and root are destroyed."""
        with self._database.read() as session:
            run = session.get_one(SweepRun, sweep_id)
            statement = self._statement(session, run, self._ledger.clock.now())
        with self._ledger.act(Event.CERTIFICATE_ISSUED, actor, subject=sweep_id) as act:
            act.session.execute(
                insert(table(Certificate)).values(
                    id=sweep_id,
                    sweep_id=sweep_id,
                    created_at=act.now,
                    document=json.dumps({"certificate": statement}, ensure_ascii=False),
                )
            )
            _step(act.session, sweep_id, step="certified")
            facts = {"sweep": sweep_id, "sha256": _digest(statement)}
            act.record(Event.CERTIFICATE_ISSUED, sweep_id, facts=facts)

    def finish(self, actor: Actor, sweep_id: str) -> None:
        """Finish a sweep whose ciphertext is removed: name what went, and enter that list."""
        with self._database.read() as session:
            run = session.get_one(SweepRun, sweep_id)
            row = session.get_one(Certificate, sweep_id)
            document = json.loads(row.document)
            document["recordings"] = named = self._named(session, sweep_id)
        with self._ledger.act(Event.SWEEP_FINISHED, actor, subject=sweep_id) as act:
            act.session.execute(
                update(table(Certificate))
                .where(col(Certificate.id) == sweep_id)
                .values(document=json.dumps(document, ensure_ascii=False))
            )
            _step(act.session, sweep_id, step="done", finished_at=act.now)
            act.record(
                Event.SWEEP_FINISHED,
                sweep_id,
                facts={
                    "sweep": sweep_id,
                    "keys": run.keys_destroyed,
                    "recordings": run.recordings,
                    "from_epoch": run.from_epoch,
                    "to_epoch": run.to_epoch,
                    "sha256": _digest(named),
                },
            )

    def complete(self, certificate_id: str) -> str:
        """The whole file: with entries, proofs and checkpoint, and kept so once it is finished.

        Raises:
            NotFoundError: There is no such certificate.
        """
        with self._database.read() as session:
            row = session.get(Certificate, certificate_id)
            if row is None:
                raise NotFoundError("certificate", certificate_id)
            document: dict[str, Any] = json.loads(row.document)
            if "custody" in document:
                return row.document
            entries = session.execute(
                select(col(CustodyEntry.leaf_index), col(CustodyEntry.body))
                .where(_of_sweep(row.sweep_id), col(CustodyEntry.event).in_(_PROVEN))
                .order_by(col(CustodyEntry.leaf_index))
            ).all()
        document["custody"] = self._proven([(each.leaf_index, each.body) for each in entries])
        text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        if "recordings" in document:
            with self._database.write() as session:
                session.execute(
                    update(table(Certificate))
                    .where(col(Certificate.id) == certificate_id)
                    .values(document=text)
                )
        return text

    def make(self, actor: Actor, recording_id: str) -> str:
        """Issue the certificate of one recording: the whole file.

        Raises:
            NotFoundError: There is no such recording.
            OnHoldError: A purpose still keeps it, as far as the person may know.
            TransitionNotAllowedError: It has ended, and its keys wait for the next sweep.
        """
        self._may_read(actor)
        certificate_id = reference("D")
        # A certificate is anybody's to read: it speaks of what everybody may know.
        hidden = hidden_subjects(self._database, system_actor())
        with (
            entered_if_refused(self._ledger, Event.CERTIFICATE_ISSUED, actor, subject=recording_id),
            self._database.read() as session,
        ):
            now = self._ledger.clock.now()
            recording = session.get(Recording, recording_id)
            if recording is None:
                raise NotFoundError("recording", recording_id)
            self._refuse_if_kept(session, actor, recording, now)
            statement, entries = single.compose(
                session,
                recording,
                certificate_id,
                hidden,
                now,
                worth=self._roots.worth,
                backups=BACKUPS,
            )
        with self._ledger.act(Event.CERTIFICATE_ISSUED, actor, subject=certificate_id) as act:
            act.record(
                Event.CERTIFICATE_ISSUED,
                certificate_id,
                facts={"recording": recording_id, "sha256": _digest(statement)},
                also=(recording_id,),
            )
        with self._database.read() as session:
            issued = session.execute(
                select(col(CustodyEntry.leaf_index), col(CustodyEntry.body)).where(
                    col(CustodyEntry.subject) == certificate_id
                )
            ).one()
        proof = [(leaf, entry.to_bytes()) for leaf, entry in entries]
        proof.append((issued.leaf_index, issued.body))
        document = {"certificate": statement, "custody": self._proven(proof)}
        text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        with self._database.write() as session:
            session.execute(
                insert(table(Certificate)).values(
                    id=certificate_id,
                    sweep_id=statement["keys"][-1]["sweep"],
                    created_at=now,
                    document=text,
                )
            )
        return text

    def _refuse_if_kept(
        self, session: Session, actor: Actor, recording: Recording, now: datetime
    ) -> None:
        left = session.execute(
            select(table(Grant))
            .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
            .where(
                col(Grant.recording_id) == recording.id,
                col(Grant.purpose_key_id).is_not(None),
                # No duty of silence bids certify what a suspicion against staff still keeps.
                grant_seen_by(Sight(gagged=actor.cleared, staff=True)),
            )
        ).all()
        unseen = hidden_subjects(self._database, actor)
        for each in left:
            told = actor.sight.staff or not each.about_staff
            if told and is_live(now, until=each.until, ended_at=each.ended_at):
                raise OnHoldError(
                    f"the recording {recording.id} is kept for {each.purpose}: {each.reason}; "
                    "there is nothing to certify"
                )
        finished = [
            session.get_one(SweepRun, sweep).step == "done"
            for sweep in single.destructions(session, recording.id, unseen)[1]
        ]
        if left or not finished or not all(finished):
            raise TransitionNotAllowedError(
                f"the recording {recording.id} has ended and can be opened by nobody; its keys are "
                "destroyed by the next sweep, and that can be certified once it is finished"
            )

    def _proven(self, entries: Sequence[tuple[int, bytes]]) -> dict[str, Any]:
        """Entries of the log with their inclusion proofs under one signed checkpoint."""
        note = self._log.checkpoint(self._ledger.clock.now())
        proofs = dict(self._log.proofs([index for index, _body in entries], note))
        return {
            "key": self._log.vkey,
            "checkpoint": note,
            "entries": [
                {"entry": body.decode(), "proof": proofs[index]} for index, body in entries
            ],
        }

    def document(self, actor: Actor, certificate_id: str) -> str:
        """The certificate file.

        Raises:
            NotFoundError: There is no such certificate.
        """
        self._may_read(actor)
        with entered_if_refused(
            self._ledger, Event.CERTIFICATE_ISSUED, actor, subject=certificate_id
        ):
            if certificate_id in hidden_subjects(self._database, actor):
                raise NotFoundError("certificate", certificate_id)
            return self.complete(certificate_id)

    def show(self, actor: Actor, certificate_id: str) -> CertificateView:
        """One certificate as in the list.

        Raises:
            NotFoundError: There is no such certificate.
        """
        for each in self.list(actor):
            if each.id == certificate_id:
                return each
        raise NotFoundError("certificate", certificate_id)

    def list(self, actor: Actor) -> tuple[CertificateView, ...]:
        """The certificates the person may know of, the newest first."""
        self._may_read(actor)
        hidden = hidden_subjects(self._database, actor)
        with self._database.read() as session:
            rows = session.execute(
                select(
                    col(Certificate.id),
                    col(Certificate.created_at),
                    col(SweepRun.keys_destroyed),
                    col(SweepRun.recordings),
                    col(SweepRun.from_epoch),
                    col(SweepRun.to_epoch),
                )
                .join(SweepRun, col(SweepRun.id) == col(Certificate.sweep_id))
                .order_by(col(Certificate.created_at).desc(), col(SweepRun.to_epoch).desc())
            ).all()
            one = {
                each.id: json.loads(each.document)["certificate"]["recording"]["id"]
                for each in session.execute(
                    select(table(Certificate)).where(
                        col(Certificate.id) != col(Certificate.sweep_id)
                    )
                )
            }
        return tuple(
            replace(CertificateView(*each), recording=one.get(each.id))
            for each in rows
            if each.id not in hidden
        )

    # --- composing ----------------------------------------------------------------------------

    def _may_read(self, actor: Actor) -> None:
        if actor.is_person:
            with entered_if_refused(self._ledger, Event.CERTIFICATE_ISSUED, actor):
                actor.require(Right.REGISTER_READ)

    def _statement(self, session: Session, run: SweepRun, now: datetime) -> dict[str, Any]:
        """What is certified, and by which controller (S20)."""
        vault = session.get_one(VaultRow, 1)
        keys: list[dict[str, Any]] = []
        replaced: list[dict[str, Any]] = []
        for _leaf, entry in _destructions(session, run.id):
            told = {"key": entry.subject, **entry.facts}
            del told["sweep"]
            (keys if entry.event == Event.KEY_DESTROYED else replaced).append(told)
        return {
            "format": FORMAT,
            "id": run.id,
            "origin": vault.origin,
            "controller": vault.controller,
            "issued_at": iso(now),
            "sweep": {
                "started_at": iso(run.started_at),
                "from_epoch": run.from_epoch,
                "to_epoch": run.to_epoch,
            },
            "keys": keys,
            "replaced": replaced,
            "scope": self._scope(session, run),
        }

    def _named(self, session: Session, sweep_id: str) -> dict[str, Any]:
        """The recordings each key had kept, and what of them may still be elsewhere."""
        kept: dict[str, list[str]] = {}
        for some in _some(_destructions(session, sweep_id)):
            of_leaf = recordings_of(session, [leaf for leaf, _entry in some])
            for leaf, entry in some:
                kept[str(entry.subject)] = of_leaf.get(leaf, [])
        recordings = sorted({each for ids in kept.values() for each in ids})
        if len(recordings) > LISTED:
            return {
                "keys": [],
                "recordings": [],
                "scope": [_TOO_MANY.format(len(recordings))],
            }
        rows = self._recordings(session, recordings)
        return {
            "keys": [{"key": key_id, "recordings": ids} for key_id, ids in kept.items()],
            "recordings": rows,
            "scope": self._elsewhere(session, rows),
        }

    def _recordings(self, session: Session, recording_ids: Sequence[str]) -> Sequence[Any]:
        rows: list[Any] = []
        for some in _some(recording_ids):
            rows += session.execute(
                select(table(Recording))
                .where(col(Recording.id).in_(some))
                .order_by(col(Recording.id))
            ).all()
        return [
            {
                "id": each.id,
                "camera": each.camera_code,
                "from": iso(each.started_at),
                "to": iso(each.ended_at),
                "sha256": each.sha256.hex(),
                "source": each.source_state,
            }
            for each in rows
        ]

    def _elsewhere(self, session: Session, named: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Where what was taken in may still be, a sentence each."""
        kept = sum(each["source"] != "removed" for each in named)
        sentences = [
            f"Source files: {len(named) - kept} removed by the vault"
            + (f", {kept} not removed by it." if kept else ".")
        ]
        cameras = sorted({str(each["camera"]) for each in named})
        return [*sentences, *recorders(session, cameras)]

    def _scope(self, session: Session, run: SweepRun) -> Sequence[str]:
        """What is claimed, a sentence each: what went here, and where copies may still be."""
        destroyed = (
            "Destroyed here: the purpose keys named, and the root key of epoch "
            f"{run.from_epoch} under which earlier copies of them were wrapped. No copy of this "
            "vault opens a recording through them; one that another purpose keeps stays readable "
            "for that purpose alone."
        )
        # A certificate is anybody's to read: of what is secret it counts nothing.
        secret = hidden_subjects(self._database, system_actor())
        copies = session.execute(
            select(func.count())
            .select_from(table(FootageCopy))
            .where(
                col(FootageCopy.destroyed_confirmed_at).is_(None),
                col(FootageCopy.id).not_in(secret),
            )
        ).scalar_one()
        copied = (
            f"Copies for internal use not yet confirmed destroyed, in the whole vault: {copies}; "
            "the register of copies names them."
        )
        return [destroyed, self._roots.worth, copied, BACKUPS]


def recorders(session: Session, cameras: Sequence[str]) -> list[str]:
    """How long the recorders of cameras keep copies of their own, a sentence each."""
    rows = session.execute(
        select(table(Camera))
        .where(col(Camera.code).in_(cameras), col(Camera.recorder_retention_days).is_not(None))
        .order_by(col(Camera.code))
    )
    return [
        f"The recorder of {each.code} keeps its own copy for {each.recorder_retention_days} d."
        for each in rows
    ]


def _destructions(session: Session, sweep_id: str) -> list[tuple[int, Entry]]:
    """The entries of the keys a sweep destroyed or replaced, each with its place in the log."""
    rows = session.execute(
        select(col(CustodyEntry.leaf_index), col(CustodyEntry.body))
        .where(
            _of_sweep(sweep_id),
            col(CustodyEntry.event).in_([Event.KEY_DESTROYED, Event.KEY_REPLACED]),
        )
        .order_by(col(CustodyEntry.leaf_index))
    )
    return [(int(each.leaf_index), Entry.from_bytes(each.body)) for each in rows]


def _step(session: Session, sweep_id: str, **values: object) -> None:
    session.execute(update(table(SweepRun)).where(col(SweepRun.id) == sweep_id).values(**values))


def _some(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]


def _of_sweep(sweep_id: str) -> Any:  # noqa: ANN401 - an SQL clause
    linked = select(col(CustodyLink.leaf_index)).where(col(CustodyLink.subject) == sweep_id)
    return (col(CustodyEntry.subject) == sweep_id) | col(CustodyEntry.leaf_index).in_(linked)


def _digest(statement: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(dict(statement))).hexdigest()


# --- verification -----------------------------------------------------------------------------


def verify_certificate(
    text: str, key: str | None = None, *, allow_simulated: bool = False
) -> CertificateVerdict:
    """Verify a certificate with nothing but the file and, if given, the pinned public key.

    Never raises on what a file may hold: every fault is a finding.

    Args:
        text: The certificate file.
        key: The log's verifier key (C2SP), obtained another way.
        allow_simulated: Whether a simulated vault's certificate may count as sound.
    """
    findings: list[CertificateFinding] = []
    try:
        _verify(text, key, findings, allow_simulated=allow_simulated)
    except (
        CustodyError,
        LookupError,
        AttributeError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        what = str(error) if isinstance(error, CustodyError) else type(error).__name__
        findings.append(CertificateFinding("bad", f"the file is no whole certificate: {what}"))
    return CertificateVerdict(all(each.level != "bad" for each in findings), tuple(findings))


def _verify(
    text: str, key: str | None, findings: list[CertificateFinding], *, allow_simulated: bool
) -> None:
    def say(level: str, sentence: str) -> None:
        findings.append(CertificateFinding(level, sentence))

    if len(text) > _MAX_BYTES:
        say("bad", f"the file is longer than {_MAX_BYTES} characters")
        return
    document = json.loads(text, object_pairs_hook=_each_once)
    statement, custody = document["certificate"], document["custody"]
    # What nothing proves must not stand beside what is proven.
    if not set(document) <= _PARTS or set(custody) != _CUSTODY:
        say("bad", "the file says things that are no part of a certificate")
    if statement["format"] not in {FORMAT, single.FORMAT}:
        say("bad", f"the certificate is not of the form {FORMAT} or {single.FORMAT}")
        return
    verifier = parse_vkey(key or custody["key"])
    if key is None:
        say("note", f"the key is the file's own: {verifier.name}; compare it with a pinned one")
    entries = _proven(custody, verifier)
    head = Checkpoint.open(custody["checkpoint"], [verifier])
    say("ok", f"{len(entries)} log entries are proven under the signed checkpoint of {head.size}")
    if statement["origin"] != head.origin:
        say("bad", "the certificate names another vault than the log it is proven by")
    _check_statement(document, entries, say)
    if head.origin.endswith(SIMULATED_SUFFIX):
        level = "note" if allow_simulated else "bad"
        say(level, "SIMULATED: this vault lives in a time that was moved by hand")
    say("note", "anchored outside by: nobody")


def _check_statement(
    document: Mapping[str, Any], entries: Sequence[Entry], say: single.Say
) -> None:
    statement = document["certificate"]
    issued = [
        each.facts.get("sha256")
        for each in entries
        if each.event == Event.CERTIFICATE_ISSUED and each.subject == statement["id"]
    ]
    if issued == [_digest(statement)]:
        say("ok", "the statement is the one the log committed to")
    else:
        say("bad", "the statement was changed: the log commits to another")
    if statement["format"] == FORMAT:
        _check_keys(statement, entries, say)
        _check_named(document.get("recordings"), statement, entries, say)
    elif "recordings" in document:
        say("bad", "the file says things that are no part of a certificate of one recording")
    else:
        single.check(statement, entries, say)


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a field that stands twice, readers would believe different ones."""
    whole = dict(pairs)
    if len(whole) != len(pairs):
        raise ProofFormatError("certificate", "names a field twice")
    return whole


def _proven(custody: Mapping[str, Any], verifier: Verifier) -> list[Entry]:
    """The entries of the file, each proven under one and the same checkpoint."""
    entries = []
    for each in custody["entries"]:
        body = each["entry"].encode()
        found = verify_proof(body, each["proof"], [verifier])
        if found.checkpoint != Checkpoint.open(custody["checkpoint"], [verifier]):
            raise ValueError("another checkpoint")
        entries.append(Entry.from_bytes(body))
    return entries


def _check_keys(statement: Mapping[str, Any], entries: Sequence[Entry], say: single.Say) -> None:
    """Compare what the certificate says with what the log was told."""
    sweep = statement["id"]
    for event, listed in (
        (Event.KEY_DESTROYED, statement["keys"]),
        (Event.KEY_REPLACED, statement["replaced"]),
    ):
        logged = {each.subject: each for each in entries if each.event == event}
        if set(logged) != {each["key"] for each in listed}:
            say("bad", f"the entries {event.value} are not those of the keys named")
        for each in listed:
            entry = logged.get(each["key"])
            if entry is None:
                continue
            if {"key": entry.subject, **entry.facts} != {**each, "sweep": sweep}:
                say("bad", f"the key {each['key']} is not told as the log committed to it")
            else:
                wrapped = f"{each['copies']} recording keys under it"
                say("ok", f"key {each['key']} ({each['purpose']}), {wrapped}: {event.value}")
    root = _one(entries, Event.ROOT_DESTROYED, sweep)
    if root is None:
        say("bad", f"no entry {Event.ROOT_DESTROYED.value} of this sweep is proven")
    elif root.facts.get("from_epoch") != statement["sweep"]["from_epoch"]:
        say("bad", "the root named is not the one the log says was destroyed")
    else:
        say("ok", f"{Event.ROOT_DESTROYED.value} at {iso(root.at)}")


def _check_named(
    named: Mapping[str, Any] | None,
    statement: Mapping[str, Any],
    entries: Sequence[Entry],
    say: single.Say,
) -> None:
    """Compare the recordings a file names with what the log committed to for each key."""
    sweep = statement["id"]
    finished = _one(entries, Event.SWEEP_FINISHED, sweep)
    if named is None and finished is None:
        say("note", "the file was made before the sweep was finished: it names no recordings")
        return
    if named is None or finished is None or finished.facts.get("sha256") != _digest(named):
        say("bad", "the recordings named are not those the log committed to")
        return
    emptied = {x.subject: x for x in entries if x.event == Event.KEY_EMPTIED}
    for each in named["keys"]:
        leaves = [leaf_hash(str(one).encode()) for one in sorted(each["recordings"])]
        entry = emptied.get(each["key"])
        if entry is None or entry.facts.get("root") != root_of(leaves).hex():
            say("bad", f"the recordings of key {each['key']} are not those the log committed to")
        else:
            say("ok", f"key {each['key']} had kept {len(leaves)} recordings: {entry.event}")
    gone = _one(entries, Event.BLOBS_REMOVED, sweep)
    if gone is None:
        say("bad", f"no entry {Event.BLOBS_REMOVED.value} of this sweep is proven")
    else:
        say("ok", f"{gone.event} at {iso(gone.at)}")


def _one(entries: Sequence[Entry], event: Event, sweep: str) -> Entry | None:
    """The entry of a sweep with this event."""
    found = [x for x in entries if x.event == event and x.facts.get("sweep") == sweep]
    return found[0] if found else None
