"""Whether every invariant of the vault holds right now: a finding per line, named and located.

Owns the questions, not the cure: it reads, it changes nothing. ``deep`` decrypts and hashes every
recording; otherwise ciphertext is only looked for and measured.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.errors import ExpiredError, VaultError
from cctv_vault.footage.rules import SIGN_WORDS
from cctv_vault.footage.streams import BESIDE, blob_name, stream_context
from cctv_vault.people.actors import EVERYTHING, system_actor
from cctv_vault.schema import (
    CaseFile,
    CustodyEntry,
    DerivedStream,
    Grant,
    Intent,
    Package,
    PurposeKey,
    Quarantined,
    Recording,
    table,
)
from cctv_vault.views import iso
from storage.errors import StorageError
from storage.stream import open_sealed, stream_exists, stream_names, verify_blob

if TYPE_CHECKING:
    from cctv_vault.vault import Vault

_BATCH: Final = 500
_CHUNK: Final = 1 << 20
_OVERDUE: Final = timedelta(hours=1)
"""A quarter-hour of key granularity, a sweep, and time for it to run."""


@dataclass(frozen=True)
class CheckFinding:
    """One thing found; ``level`` is ``broken`` (an invariant does not hold) or ``warning``."""

    level: str
    where: str
    sentence: str


@dataclass(frozen=True)
class CheckReport:
    """What was looked at and what was found."""

    recordings: int
    blobs: int
    entries: int
    deep: bool
    findings: tuple[CheckFinding, ...]
    sound: bool


def check_vault(
    vault: "Vault", *, deep: bool = False, progress: Callable[[int], None] | None = None
) -> CheckReport:
    """Check a vault; ``progress`` is told bytes as they are read."""
    report = progress or (lambda _done: None)
    findings: list[CheckFinding] = []
    now = vault.clock.now()
    expected: set[str] = set()
    count = 0
    with vault.database.read() as session:
        keys = _open_keys(vault, session, findings)
        for recording in _recordings(session):
            count += 1
            findings.extend(_check_grants(vault, session, recording, keys, now))
            if recording.state == "kept":
                name = blob_name(recording.id, "original")
                expected.add(name)
                findings.extend(_check_blob(vault, session, recording))
                if deep:
                    findings.extend(_check_bytes(vault, session, recording, now, report))
            elif recording.blob_removed_at is None:
                folder = blob_name(recording.id, "original").rpartition("/")[0]
                expected.update(stream_names(vault.store, folder))
        expected.update(_other_streams(session))
        findings.extend(_check_others(vault, session))
    there = set(stream_names(vault.store))
    findings.extend(
        CheckFinding("broken", name, "its ciphertext is gone") for name in sorted(expected - there)
    )
    findings.extend(
        CheckFinding("warning", name, "ciphertext without a row; the next start removes it")
        for name in sorted(there - expected)
    )
    verdict = vault.log.verify()
    findings.extend(CheckFinding("broken", "custody log", each) for each in verdict.findings)
    findings.extend(_surroundings(vault))
    return CheckReport(
        recordings=count,
        blobs=len(there),
        entries=verdict.size,
        deep=deep,
        findings=tuple(findings),
        sound=not any(finding.level == "broken" for finding in findings),
    )


def _open_keys(vault: "Vault", session: Session, findings: list[CheckFinding]) -> set[str]:
    """The ids of the purpose keys that open under their root."""
    good: set[str] = set()
    for row in session.execute(select(table(PurposeKey))).all():
        try:
            opened = vault.keyring.opens(row)
        except StorageError as error:
            opened = False
            findings.append(CheckFinding("broken", f"purpose key {row.id}", str(error)))
            continue
        if opened:
            good.add(row.id)
        else:
            findings.append(
                CheckFinding(
                    "broken", f"purpose key {row.id}", f"root {row.root_epoch} is not in the folder"
                )
            )
    return good


def _recordings(session: Session) -> Iterator[Any]:
    last = ""
    while True:
        rows = session.execute(
            select(table(Recording))
            .where(col(Recording.id) > last)
            .order_by(col(Recording.id))
            .limit(_BATCH)
        ).all()
        yield from rows
        if len(rows) < _BATCH:
            return
        last = rows[-1].id


def _check_grants(
    vault: "Vault",
    session: Session,
    recording: Any,  # noqa: ANN401 - a row
    keys: set[str],
    now: datetime,
) -> Iterator[CheckFinding]:
    where = f"recording {recording.id}"
    grants = session.execute(
        select(table(Grant)).where(
            col(Grant.recording_id) == recording.id, col(Grant.ended_at).is_(None)
        )
    ).all()
    live = [grant for grant in grants if grant.until is None or grant.until > now]
    for grant in live:
        if recording.state != "kept":
            yield CheckFinding("broken", where, f"is expired, yet {grant.purpose} still grants it")
        elif grant.purpose_key_id is None or grant.purpose_key_id not in keys:
            yield CheckFinding("broken", where, f"the key of its purpose {grant.purpose} is gone")
        elif grant.wrapped_key is None:
            yield CheckFinding("broken", where, f"its key under {grant.purpose} is gone")
        else:
            try:
                vault.keyring.open(session, grant.purpose_key_id, grant.wrapped_key, recording.id)
            except (StorageError, VaultError) as error:
                yield CheckFinding("broken", where, f"its key under {grant.purpose}: {error}")
    if recording.state == "kept" and not live:
        ends = [grant.until for grant in grants if grant.until is not None]
        if not grants or (ends and max(ends) < now - _OVERDUE):
            yield CheckFinding("warning", where, "every purpose has ended; it waits for the sweep")


def _check_blob(
    vault: "Vault",
    session: Session,
    recording: Any,  # noqa: ANN401
) -> Iterator[CheckFinding]:
    where, name = f"recording {recording.id}", blob_name(recording.id, "original")
    if not stream_exists(vault.store, name):
        return  # named once, with all that is missing
    if vault.store.size(name) != recording.ciphertext_size:
        yield CheckFinding("broken", where, "its ciphertext has another length than was sealed")
    sealed = session.execute(
        select(col(CustodyEntry.body)).where(
            col(CustodyEntry.subject) == recording.id,
            col(CustodyEntry.event) == Event.RECORDING_SEALED.value,
        )
    ).scalar()
    if sealed is None:
        yield CheckFinding("broken", where, "the log has no entry of its sealing")
        return
    hashes = (recording.sha256, recording.segment_root)
    if not all(part.hex().encode() in sealed for part in hashes):
        yield CheckFinding("broken", where, "its row and the entry of its sealing disagree")


def _check_bytes(
    vault: "Vault",
    session: Session,
    recording: Any,  # noqa: ANN401
    now: datetime,
    progress: Callable[[int], None],
) -> Iterator[CheckFinding]:
    where, name = f"recording {recording.id}", blob_name(recording.id, "original")
    if not stream_exists(vault.store, name):
        return
    try:
        verify_blob(vault.store, name, recording.segment_root)
        key = vault.grants.key_for(session, recording.id, now, EVERYTHING)
        digest = hashlib.sha256()
        context = stream_context(vault.vault_id, recording.id, "original")
        with open_sealed(
            vault.store, name, key, context, segment_root=recording.segment_root
        ) as reader:
            while chunk := reader.read(_CHUNK):
                digest.update(chunk)
                progress(len(chunk))
        if digest.digest() != recording.sha256:
            yield CheckFinding("broken", where, "decrypts to other bytes than were sealed")
        derived = select(table(DerivedStream)).where(
            col(DerivedStream.recording_id) == recording.id
        )
        for row in session.execute(derived).all():
            if row.stream.startswith(BESIDE):
                verify_blob(vault.store, blob_name(recording.id, row.stream), row.segment_root)
    except ExpiredError:
        return  # between its end and the sweep nobody may read it, this check included
    except (StorageError, VaultError) as error:
        yield CheckFinding("broken", where, str(error))


def _other_streams(session: Session) -> Iterator[str]:
    kept = select(col(Recording.id)).where(col(Recording.state) == "kept")
    for row in session.execute(
        select(table(DerivedStream)).where(col(DerivedStream.recording_id).in_(kept))
    ).all():
        yield blob_name(row.recording_id, row.stream)
    for each in session.execute(
        select(col(Quarantined.id)).where(col(Quarantined.state) == "kept")
    ).scalars():
        yield blob_name(each, "quarantine")
    for each in session.execute(
        select(col(Package.id)).where(col(Package.state) != "expired")
    ).scalars():
        yield blob_name(each, "package")
    for each in session.execute(
        select(col(CaseFile.id)).where(col(CaseFile.state) != "expired")
    ).scalars():
        yield blob_name(each, "case-file")


def _check_others(vault: "Vault", session: Session) -> Iterator[CheckFinding]:
    for intent in session.execute(select(table(Intent))).all():
        yield CheckFinding(
            "warning",
            f"{intent.kind} {intent.subject}",
            "was announced and has no outcome yet; the next start finishes it",
        )
    epochs = set(session.execute(select(col(PurposeKey.root_epoch)).distinct()).scalars())
    unused = sorted(set(vault.roots.epochs()) - epochs)[:-1]
    for epoch in unused:
        yield CheckFinding("warning", f"root {epoch}", "wraps nothing; the next sweep destroys it")


def _surroundings(vault: "Vault") -> Iterator[CheckFinding]:
    for sentence in vault.roots.warnings():
        yield CheckFinding("warning", "key folder", sentence)
    for camera in vault.register.all_cameras():
        for sentence in camera.warnings:
            yield CheckFinding("warning", f"camera {camera.code}", sentence)
    for sign in vault.signs.list(system_actor()):
        if sign.faults:
            yield CheckFinding(
                "warning",
                f"site {sign.site}",
                "its sign of surveillance has to be seen to (KBL 15): "
                + "; ".join(SIGN_WORDS[each] for each in sign.faults)
                + ". Look at it and say so with 'site sign', or on the page of cameras",
            )
    ahead = vault.forecaster.look(system_actor())
    if ahead.alarm and ahead.full_at is not None:
        yield CheckFinding(
            "warning",
            "disk",
            f"it will be full at {iso(ahead.full_at)} as footage comes in now; intake stops then. "
            "`forecast` tells what may be done",
        )
    alarm = vault.sweeper.clock_verdict().alarm
    if alarm:
        yield CheckFinding("warning", "clock", alarm)
