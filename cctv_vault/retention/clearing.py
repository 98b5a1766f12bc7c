"""What follows once keys are destroyed: the rows that nothing opens any more, and the ciphertext.

Owns the two slow ends of a sweep. Nothing here makes anything unreadable, that is done; so it goes
in small transactions that let everybody else write in between, each complete in itself: a clearing
cut short is continued from what is left. Once all that a key had kept is cleared, an entry commits
to it by the RFC 6962 root over the sorted ids.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import delete, exists, func, insert, select, update
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.footage.streams import blob_name
from cctv_vault.gags import grant_seen_by
from cctv_vault.gags import secret as is_secret
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import EVERYTHING, Actor, Sight
from cctv_vault.retention.due import DueItem, batches, copies_under, gone_items
from cctv_vault.schema import (
    CaseFile,
    CustodyEntry,
    CustodyLink,
    DerivedStream,
    Grant,
    Hold,
    Intent,
    Package,
    Quarantined,
    Recording,
    SealedText,
    SweepRun,
    table,
)
from storage.backend import BlobStore
from storage.merkle import leaf_hash, root_of
from storage.stream import delete_stream, stream_names

Tell = Callable[[str, int, int], None]
"""Called after each durable step with its name, how much is done and of how much."""

LISTED: Final = 10_000
"""At most so many recordings are named by a report or a certificate of a sweep."""

_ROWS: Final = 120
_KEYS: Final = 50
"""Rows and keys a transaction; benchmarks/sweep.py measures how long each holds the lock."""

_THINGS: Final = (*((Package, "packages"), (Quarantined, "quarantined"), (CaseFile, "case_files")),)


@dataclass
class Gone:
    """What went in a sweep, as somebody may know of it.

    ``named`` are the first `LISTED` of ``recordings``; ``things`` counts packages and files.
    """

    sight: Sight
    recordings: int = 0
    things: int = 0
    blobs: int = 0
    named: list[DueItem] = field(default_factory=list)


class Clearing:
    """Clears up after the destruction of keys in one vault."""

    def __init__(self, *, database: Database, ledger: Ledger, store: BlobStore) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._store = store

    # --- rows ---------------------------------------------------------------------------------

    def rows(self, actor: Actor, run_id: str, gone: Gone, tell: Tell) -> None:
        """Blank what was wrapped under the keys of a sweep; announce what ciphertext goes."""
        with self._database.read() as session:
            leaves = _destroyed(session, run_id)
            total, done = sum(copies_under(session, list(leaves)).values()), 0
            secret = _is_secret(session, run_id)
        for some in batches(list(leaves), _KEYS):
            while True:
                with self._database.read() as session:
                    grants = _some_grants(session, some)
                    told = _last_told(session, grants, EVERYTHING if secret else Sight())
                    known = _last_told(session, grants, gone.sight)
                    links = _missing_links(session, grants, leaves)
                if not grants:
                    break
                gone.recordings += known
                self._clear_grants(run_id, grants, links, told, gone)
                done += len(grants)
                tell("clearing", done, max(done, total))
            self._clear_things(run_id, some, gone)
            self._clear_texts(some)
            self._enter(actor, run_id, {each: leaves[each] for each in some})
        with self._database.read() as session:
            facts = _facts_of(_removal(session, run_id), run_id)
        with self._ledger.act(Event.BLOBS_REMOVAL_INTENDED, actor, subject=run_id) as act:
            act.record(Event.BLOBS_REMOVAL_INTENDED, run_id, facts=facts)
            intent = act.session.get_one(Intent, f"{run_id}/blobs")
            intent.payload = intent.payload | {"facts": facts}
            act.session.add(intent)
            _step(act.session, run_id, "cleared")

    def _clear_grants(
        self,
        run_id: str,
        grants: Sequence[Any],
        links: Sequence[dict[str, Any]],
        told: int,
        gone: Gone,
    ) -> None:
        now, rows = self._ledger.clock.now(), table(Grant)
        touched = sorted({str(each.recording_id) for each in grants})
        with self._database.write() as session:
            session.execute(
                update(rows)
                .where(rows.c.id.in_([each.id for each in grants]))
                .values(
                    wrapped_key=None,
                    purpose_key_id=None,
                    ended_at=func.coalesce(rows.c.ended_at, rows.c.until, now),
                )
            )
            if links:
                session.execute(insert(table(CustodyLink)), links)
            _expire(session, touched, run_id, now)
            session.execute(
                update(table(SweepRun))
                .where(col(SweepRun.id) == run_id)
                .values(recordings=table(SweepRun).c.recordings + told)
            )
        if len(gone.named) < LISTED:
            with self._database.read() as session:
                gone.named += gone_items(session, touched, now, gone.sight)
            del gone.named[LISTED:]

    def _clear_things(self, run_id: str, key_ids: Sequence[str], gone: Gone) -> None:
        """Mark the packages and quarantined files whose key went, and note their ciphertext."""
        for model, name in _THINGS:
            rows = table(model)
            under = (rows.c.purpose_key_id.in_(key_ids), rows.c.wrapped_key.is_not(None))
            while True:
                with self._database.write() as session:
                    some = session.execute(select(rows.c.id).where(*under).limit(_ROWS)).scalars()
                    ended = [str(each) for each in some]
                    if not ended:
                        break
                    session.execute(
                        update(rows)
                        .where(rows.c.id.in_(ended))
                        .values(state="expired", wrapped_key=None, purpose_key_id=None)
                    )
                    intent = session.get_one(Intent, f"{run_id}/blobs")
                    noted = [*intent.payload.get(name, []), *ended]
                    intent.payload = intent.payload | {name: noted}
                    session.add(intent)
                gone.things += len(ended)

    def _clear_texts(self, key_ids: Sequence[str]) -> None:
        texts = table(SealedText)
        under = (texts.c.purpose_key_id.in_(key_ids), texts.c.blob != b"")
        while True:
            with self._database.read() as session:
                some = session.execute(select(texts.c.id).where(*under).limit(_ROWS)).scalars()
                ended = list(some)
            if not ended:
                return
            with self._database.write() as session:
                session.execute(update(texts).where(texts.c.id.in_(ended)).values(blob=b""))

    def _enter(self, actor: Actor, run_id: str, leaves: dict[str, int]) -> None:
        """One entry per key, once nothing is left under it, with what it had kept."""
        with self._database.read() as session:
            kept = recordings_of(session, list(leaves.values()))
            texts = dict(
                session.execute(
                    select(col(SealedText.purpose_key_id), func.count())
                    .where(col(SealedText.purpose_key_id).in_(list(leaves)))
                    .group_by(col(SealedText.purpose_key_id))
                ).all()
            )
        facts = {
            key_id: {
                "sweep": run_id,
                "texts": int(texts.get(key_id, 0)),
                **commitment(kept.get(leaf, [])),
            }
            for key_id, leaf in leaves.items()
        }
        with self._ledger.act(Event.KEY_EMPTIED, actor, subject=run_id) as act:
            for key_id, said in facts.items():
                act.record(Event.KEY_EMPTIED, key_id, facts=said, also=(run_id,))

    # --- ciphertext ---------------------------------------------------------------------------

    def blobs(self, actor: Actor, run_id: str, gone: Gone, tell: Tell) -> None:
        """Remove all that is stored under the names of what expired in a sweep, and enter it.

        By name and not by row: a crash can leave a picture or a rendition that no row speaks of.
        """
        with self._database.read() as session:
            removal = _removal(session, run_id)
            facts = session.get_one(Intent, f"{run_id}/blobs").payload["facts"]
        everything = [each for group in removal.values() for each in group]
        recordings, done = frozenset(removal["recordings"]), 0
        for some in batches(everything, _ROWS):
            for object_id in some:
                for name in list(stream_names(self._store, blob_name(object_id, ""))):
                    delete_stream(self._store, name)
            done += len(some)
            tell("removing-blobs", done, len(everything))
            self._removed([each for each in some if each in recordings])
        gone.blobs += len(everything)
        with self._ledger.act(Event.BLOBS_REMOVED, actor, subject=run_id) as act:
            session = act.session
            session.execute(
                update(table(Quarantined))
                .where(col(Quarantined.id).in_(removal["quarantined"]))
                .values(state="destroyed", original_name="", reason="")
            )
            act.record(Event.BLOBS_REMOVED, run_id, facts=facts)
            if removal["quarantined"]:
                act.record(
                    Event.QUARANTINE_DESTROYED,
                    run_id,
                    facts={"sweep": run_id, **commitment(removal["quarantined"], "files")},
                    also=removal["quarantined"],
                )
            session.execute(delete(table(Intent)).where(col(Intent.id) == f"{run_id}/blobs"))
            _step(session, run_id, "blobs-removed")

    def _removed(self, recordings: Sequence[str]) -> None:
        with self._database.write() as session:
            session.execute(
                update(table(Recording))
                .where(col(Recording.id).in_(recordings))
                .values(blob_removed_at=self._ledger.clock.now())
            )
            session.execute(
                delete(table(DerivedStream)).where(col(DerivedStream.recording_id).in_(recordings))
            )


# --- what the log says of it ------------------------------------------------------------------


def commitment(object_ids: Iterable[str], name: str = "recordings") -> dict[str, Any]:
    """How many, and the RFC 6962 root over their sorted ids."""
    ordered = sorted(object_ids)
    return {name: len(ordered), "root": root_of([leaf_hash(x.encode()) for x in ordered]).hex()}


def recordings_of(session: Session, leaves: Sequence[int]) -> dict[int, list[str]]:
    """The recordings that destroyed keys had kept, by the entry of each destruction."""
    found: dict[int, list[str]] = {}
    for subject, leaf in session.execute(
        select(col(CustodyLink.subject), col(CustodyLink.leaf_index))
        .join(Recording, col(Recording.id) == col(CustodyLink.subject))
        .where(col(CustodyLink.leaf_index).in_(leaves))
    ):
        found.setdefault(int(leaf), []).append(str(subject))
    return {leaf: sorted(each) for leaf, each in found.items()}


def _destroyed(session: Session, run_id: str) -> dict[str, int]:
    """The keys a sweep destroyed and has not entered as emptied, with the entry of each."""
    linked = (
        select(col(CustodyEntry.subject), col(CustodyEntry.leaf_index), col(CustodyEntry.event))
        .join(CustodyLink, col(CustodyLink.leaf_index) == col(CustodyEntry.leaf_index))
        .where(col(CustodyLink.subject) == run_id)
        .order_by(col(CustodyEntry.leaf_index))
    )
    found: dict[str, int] = {}
    for key_id, leaf, event in session.execute(linked):
        if event in (Event.KEY_DESTROYED.value, Event.KEY_REPLACED.value):
            found[str(key_id)] = int(leaf)
        elif event == Event.KEY_EMPTIED.value:
            del found[str(key_id)]
    return found


def _is_secret(session: Session, run_id: str) -> bool:
    """Whether a sweep ends the keys of secret holds, by the holds its beginning is about."""
    started = select(col(CustodyEntry.leaf_index)).where(
        col(CustodyEntry.subject) == run_id, col(CustodyEntry.event) == Event.SWEEP_STARTED.value
    )
    about = (
        select(col(CustodyLink.subject))
        .join(Hold, col(Hold.id) == col(CustodyLink.subject))
        .where(col(CustodyLink.leaf_index).in_(started), is_secret())
    )
    return session.execute(about.limit(1)).first() is not None


# --- rows -------------------------------------------------------------------------------------


def _some_grants(session: Session, key_ids: Sequence[str]) -> Sequence[Any]:
    rows = table(Grant).c
    return session.execute(
        select(rows.id, rows.recording_id, rows.purpose_key_id)
        .where(rows.purpose_key_id.in_(key_ids))
        .limit(_ROWS)
    ).all()


def _last_told(session: Session, grants: Sequence[Any], sight: Sight) -> int:
    """How many recordings lose their last wrapped key with these grants, as somebody may know it.

    What a secret hold still keeps counts as gone.
    """
    recordings = {str(each.recording_id) for each in grants}
    left = (
        select(col(Grant.recording_id))
        .outerjoin(table(Hold), col(Hold.id) == col(Grant.hold_id))
        .where(
            col(Grant.recording_id).in_(recordings),
            col(Grant.purpose_key_id).is_not(None),
            col(Grant.id).not_in([each.id for each in grants]),
            grant_seen_by(sight),
        )
    )
    return len(recordings - set(session.execute(left).scalars()))


def _missing_links(
    session: Session, grants: Sequence[Any], leaves: dict[str, int]
) -> list[dict[str, Any]]:
    """From each recording to the entry of the destruction, so that it is found from there."""
    wanted = {(str(each.recording_id), leaves[each.purpose_key_id]) for each in grants}
    known = session.execute(
        select(col(CustodyLink.subject), col(CustodyLink.leaf_index)).where(
            col(CustodyLink.subject).in_({recording for recording, _leaf in wanted}),
            col(CustodyLink.leaf_index).in_({leaf for _recording, leaf in wanted}),
        )
    )
    wanted -= {(str(each.subject), int(each.leaf_index)) for each in known}
    return [{"subject": one, "leaf_index": leaf} for one, leaf in sorted(wanted)]


def _expire(session: Session, touched: Sequence[str], run_id: str, now: Any) -> int:  # noqa: ANN401
    """Mark the recordings that no wrapped key is left of; their names go, their hashes stay."""
    rows, grants = table(Recording), table(Grant)
    return int(
        session.execute(
            update(rows)
            .where(
                rows.c.id.in_(touched),
                rows.c.state == "kept",
                ~exists().where(
                    grants.c.recording_id == rows.c.id, grants.c.purpose_key_id.is_not(None)
                ),
            )
            .values(state="expired", expired_at=now, original_name="", certificate_id=run_id)
        ).rowcount  # type: ignore[attr-defined]
    )


def _removal(session: Session, run_id: str) -> dict[str, list[str]]:
    """What of a sweep still has ciphertext: by kind, the ids."""
    intent = session.get(Intent, f"{run_id}/blobs")
    payload = {} if intent is None else intent.payload
    recordings = session.execute(
        select(col(Recording.id))
        .where(
            col(Recording.state) == "expired",
            col(Recording.blob_removed_at).is_(None),
            col(Recording.certificate_id) == run_id,
        )
        .order_by(col(Recording.id))
    ).scalars()
    return {
        "recordings": [str(each) for each in recordings],
        "packages": list(payload.get("packages", [])),
        "quarantined": list(payload.get("quarantined", [])),
        "case_files": list(payload.get("case_files", [])),
    }


def _facts_of(removal: dict[str, list[str]], run_id: str) -> dict[str, Any]:
    """What an entry says of removed ciphertext.

    Not how many recordings: beside how many had expired that would tell of a gagged hold.
    """
    everything = [each for group in removal.values() for each in group]
    return {
        "sweep": run_id,
        "packages": len(removal["packages"]),
        "quarantined": len(removal["quarantined"]),
        "case_files": len(removal["case_files"]),
        "root": commitment(everything)["root"],
    }


def _step(session: Session, run_id: str, step: str) -> None:
    session.execute(update(table(SweepRun)).where(col(SweepRun.id) == run_id).values(step=step))
