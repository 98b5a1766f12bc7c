"""The certificate of one recording: what was destroyed of it here, and where it may still be.

Owns what such a file says and how a stranger checks it. It names the purposes that had kept the
recording, the key each kept it through and when that key was destroyed, proves the recording's own
place under the root the log holds for each key, and says in words what it does not claim.

It is anybody's to read, so it speaks of what everybody may know: a preservation order that may not
be told of is no part of it, and it says so whether there is one or not.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select
from sqlmodel import Session, col

from cctv_vault.custody.entries import Entry
from cctv_vault.custody.events import Event
from cctv_vault.gags import grant_seen_by
from cctv_vault.people.actors import Sight
from cctv_vault.retention.clearing import recordings_of
from cctv_vault.retention.grants import cases_of
from cctv_vault.schema import (
    Camera,
    CustodyEntry,
    CustodyLink,
    FootageCopy,
    Grant,
    Hold,
    Recording,
    Request,
    RequestWindow,
    VaultRow,
    table,
)
from cctv_vault.views import iso
from storage.errors import ProofError
from storage.merkle import inclusion_path, leaf_hash, root_of, verify_inclusion

FORMAT: Final = "cctv-vault/recording-certificate/v1"
_UNTOLD: Final = (
    "A preservation order that may not be told of (RB 27:16 a) is no part of this certificate, "
    "whether there is one or not."
)
_OWN: Final = (Event.RECORDING_SEALED, Event.SOURCE_REMOVED, Event.SOURCE_KEPT)
_KEYS: Final = (Event.KEY_DESTROYED, Event.KEY_REPLACED)
_SWEEP: Final = (Event.ROOT_DESTROYED, Event.BLOBS_REMOVED)

Say = Callable[[str, str], None]
Logged = tuple[int, Entry]


def told_of(session: Session, recording_id: str) -> list[Any]:
    """The grants of a recording that everybody may know of, the oldest first."""
    rows = session.execute(
        select(table(Grant))
        .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
        .where(col(Grant.recording_id) == recording_id, grant_seen_by(Sight()))
        .order_by(col(Grant.id))
    )
    return list(rows)


def destructions(
    session: Session, recording_id: str, hidden: frozenset[str]
) -> tuple[list[Logged], dict[str, list[Logged]]]:
    """The entries of the keys that had kept a recording, and those of each of their sweeps."""
    linked = select(col(CustodyLink.leaf_index)).where(col(CustodyLink.subject) == recording_id)
    keys = [
        each
        for each in _entries(session, col(CustodyEntry.leaf_index).in_(linked), _KEYS)
        if each[1].facts["sweep"] not in hidden
    ]
    sweeps: dict[str, list[Logged]] = {}
    for sweep in dict.fromkeys(str(entry.facts["sweep"]) for _leaf, entry in keys):
        of_it = col(CustodyEntry.subject) == sweep
        sweeps[sweep] = list(_entries(session, of_it, _SWEEP))
    return keys, sweeps


def compose(
    session: Session,
    recording: Recording,
    certificate_id: str,
    hidden: frozenset[str],
    now: datetime,
    *,
    worth: str,
    backups: str,
) -> tuple[dict[str, Any], list[Logged]]:
    """What is certified of a recording, and the entries that prove it.

    Args:
        session: A snapshot of the index.
        recording: Its row; nothing that everybody may know of keeps it any more.
        certificate_id: The certificate's reference.
        hidden: What not everybody may know of.
        now: When it is issued, UTC.
        worth: What the key folder's ``destroy`` is worth.
        backups: What backups may still carry.
    """
    vault = session.get_one(VaultRow, 1)
    keys, sweeps = destructions(session, recording.id, hidden)
    roots = {name: _first(of_it, Event.ROOT_DESTROYED) for name, of_it in sweeps.items()}
    emptied: list[Logged] = []
    told: list[dict[str, Any]] = []
    for leaf, entry in keys:
        of_key = col(CustodyEntry.subject) == entry.subject
        emptied += _entries(session, of_key, (Event.KEY_EMPTIED,))
        kept = recordings_of(session, [leaf])[leaf]
        root = roots[str(entry.facts["sweep"])]
        told.append(
            {
                "key": entry.subject,
                "purpose": entry.facts["purpose"],
                "sweep": entry.facts["sweep"],
                "deleted_at": iso(entry.at),
                "root_epoch": root.facts["from_epoch"],
                "root_destroyed_at": iso(root.at),
                **_membership(recording.id, kept),
            }
        )
    known = told_of(session, recording.id)
    cases = cases_of(session, {each.hold_id for each in known if each.hold_id is not None})
    statement = {
        "format": FORMAT,
        "id": certificate_id,
        "origin": vault.origin,
        "controller": vault.controller,
        "issued_at": iso(now),
        "recording": {
            "id": recording.id,
            "camera": recording.camera_code,
            "kind": recording.kind,
            "from": iso(recording.started_at),
            "to": iso(recording.ended_at),
            "sha256": recording.sha256.hex(),
            "bytes": recording.size,
            "taken_in_at": iso(recording.sealed_at),
        },
        "purposes": [
            {
                "purpose": each.purpose,
                "statute": each.statute,
                "since": iso(each.since),
                "ended_at": iso(each.ended_at or each.until),
                # The hold that it was kept under, and the incident or the request that this is of.
                "hold": each.hold_id,
                "case": cases.get(each.hold_id or ""),
            }
            for each in known
        ],
        "keys": told,
        "scope": [
            _destroyed(max(root.at for root in roots.values())),
            worth,
            _source(recording),
            _recorder(session, recording),
            backups,
            *_copies(session, recording, hidden),
            _released(session, recording),
            _UNTOLD,
        ],
    }
    own = _entries(session, col(CustodyEntry.subject) == recording.id, _OWN)
    proof = [*own, *keys, *emptied, *(each for of_it in sweeps.values() for each in of_it)]
    return statement, sorted(proof, key=lambda each: each[0])


def check(statement: Mapping[str, Any], entries: Sequence[Entry], say: Say) -> None:
    """Compare what a certificate of a recording says with what the log was told."""
    recording = str(statement["recording"]["id"])
    sealed = [x for x in entries if x.event == Event.RECORDING_SEALED and x.subject == recording]
    if not sealed:
        say("bad", "no entry of the recording's sealing is proven")
    elif sealed[0].facts.get("sha256") != statement["recording"]["sha256"]:
        say("bad", "the SHA-256 of the recording is not the one the log says was sealed")
    else:
        say("ok", f"{Event.RECORDING_SEALED.value} {recording} at {iso(sealed[0].at)}")
    if not statement["keys"]:
        say("bad", "no destroyed key is named")
    for sweep in dict.fromkeys(each["sweep"] for each in statement["keys"]):
        removed = [
            x for x in entries if x.event == Event.BLOBS_REMOVED and x.facts.get("sweep") == sweep
        ]
        if not removed:
            say("bad", f"that the ciphertext of {sweep} was removed is not proven")
        else:
            say("ok", f"{removed[0].event} of {sweep} at {iso(removed[0].at)}")
    for each in statement["keys"]:
        fault = _key_fault(recording, each, entries)
        if fault:
            say("bad", f"key {each['key']}: {fault}")
        else:
            say(
                "ok",
                f"key {each['key']} ({each['purpose']}) had kept {recording}, was deleted at "
                f"{each['deleted_at']}, and its root destroyed at {each['root_destroyed_at']}",
            )


def _key_fault(recording: str, said: Mapping[str, Any], entries: Sequence[Entry]) -> str | None:
    deleted = [x for x in entries if x.subject == said["key"] and x.event in _KEYS]
    emptied = [x for x in entries if x.subject == said["key"] and x.event == Event.KEY_EMPTIED]
    root = [
        x
        for x in entries
        if x.event == Event.ROOT_DESTROYED and x.facts.get("sweep") == said["sweep"]
    ]
    if not (deleted and emptied and root):
        return "the entries of its destruction are not proven"
    facts = deleted[0].facts
    if (facts["sweep"], facts["purpose"], iso(deleted[0].at)) != (
        said["sweep"],
        said["purpose"],
        said["deleted_at"],
    ):
        return "its deletion is not told as the log committed to it"
    if (root[0].facts["from_epoch"], iso(root[0].at)) != (
        said["root_epoch"],
        said["root_destroyed_at"],
    ):
        return "the destruction of its root is not told as the log committed to it"
    if emptied[0].facts["recordings"] != said["size"]:
        return "it had kept another number of recordings"
    try:
        verify_inclusion(
            leaf_hash(recording.encode()),
            said["index"],
            said["size"],
            [bytes.fromhex(each) for each in said["path"]],
            bytes.fromhex(str(emptied[0].facts["root"])),
        )
    except ProofError as error:
        return f"the recording is not proven to be among those it had kept: {error}"
    return None


def _entries(session: Session, clause: Any, events: Sequence[Event]) -> list[Logged]:  # noqa: ANN401
    rows = session.execute(
        select(col(CustodyEntry.leaf_index), col(CustodyEntry.body))
        .where(clause, col(CustodyEntry.event).in_([each.value for each in events]))
        .order_by(col(CustodyEntry.leaf_index))
    )
    return [(int(each.leaf_index), Entry.from_bytes(each.body)) for each in rows]


def _first(entries: Sequence[Logged], event: Event) -> Entry:
    return next(entry for _leaf, entry in entries if entry.event == event)


def _membership(recording_id: str, kept: Sequence[str]) -> dict[str, Any]:
    """The recording's place among the sorted ids that a key had kept, with its RFC 6962 path."""
    leaves = [leaf_hash(each.encode()) for each in kept]

    def subtree(level: int, index: int) -> bytes:
        return root_of(leaves[index << level : (index + 1) << level])

    index = kept.index(recording_id)
    path = inclusion_path(index, len(leaves), subtree)
    return {"index": index, "size": len(leaves), "path": [each.hex() for each in path]}


# --- the scope, a sentence each ---------------------------------------------------------------


def _destroyed(at: datetime) -> str:
    return (
        "Destroyed here: every key through which a purpose named here had kept the recording, and "
        f"the root keys those were wrapped under, the last of them at {iso(at)}. From then on no "
        "copy of this vault's index or ciphertext, of whatever age, opens the recording through "
        "them."
    )


def _source(recording: Recording) -> str:
    if recording.source_state == "removed":
        at = recording.source_removed_at
        return "Source file: removed by the vault" + (f" at {iso(at)}." if at else ".")
    return "Source file: left where it was by order; the vault did not remove it."


def _recorder(session: Session, recording: Recording) -> str:
    days = session.get_one(Camera, recording.camera_code).recorder_retention_days
    if days is None:
        return (
            f"How long the recorder of {recording.camera_code} keeps its own copy is not "
            "in the register."
        )
    return f"The recorder of {recording.camera_code} keeps its own copy for {days} d."


def _copies(session: Session, recording: Recording, hidden: frozenset[str]) -> list[str]:
    entries = select(col(CustodyLink.leaf_index)).where(col(CustodyLink.subject) == recording.id)
    copies = session.execute(
        select(table(FootageCopy))
        .where(
            or_(
                col(FootageCopy.id).in_(
                    select(col(CustodyLink.subject)).where(col(CustodyLink.leaf_index).in_(entries))
                ),
                col(FootageCopy.id).in_(
                    select(col(CustodyEntry.subject)).where(
                        col(CustodyEntry.leaf_index).in_(entries)
                    )
                ),
            )
        )
        .order_by(col(FootageCopy.made_at))
    )
    told = [
        f"A copy for internal use, {each.id}, made at {iso(each.made_at)}: "
        + (
            f"its destruction was confirmed at {iso(each.destroyed_confirmed_at)}."
            if each.destroyed_confirmed_at
            else f"its destruction is not confirmed; it must be destroyed by {iso(each.end_at)}."
        )
        for each in copies
        if each.id not in hidden
    ]
    return told or ["Copies for internal use: none were made."]


def _released(session: Session, recording: Recording) -> str:
    rows = session.execute(
        select(col(Request.id), col(Request.requester_type), col(Request.released_at))
        .join(RequestWindow, col(RequestWindow.request_id) == col(Request.id))
        .where(
            col(Request.released_at).is_not(None),
            col(Request.gagged).is_(False),
            col(RequestWindow.part) == "approved",
            col(RequestWindow.camera_code) == recording.camera_code,
            col(RequestWindow.starts_at) < recording.ended_at,
            col(RequestWindow.ends_at) > recording.started_at,
        )
        .distinct()
        .order_by(col(Request.released_at))
    ).all()
    if not rows:
        return "Released to nobody outside."
    named = "; ".join(f"{x.requester_type} at {iso(x.released_at)} ({x.id})" for x in rows)
    return f"Released, and theirs to destroy: {named}."
