"""The custody log in the index: appended to at the end of an act, checkpointed, proven, verified.

Owns the order in which an entry becomes part of the log: details sealed, head locked, indices
assigned, entries and tiles written, all as the last statements before the act's commit. It does
not know what an entry means, and it never changes or removes one.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import delete, insert, select, update
from sqlmodel import Session, col

from cctv_vault.clock import Tick
from cctv_vault.custody.canonical import Json
from cctv_vault.custody.checkpoints import Checkpoint
from cctv_vault.custody.details import check_details, new_details
from cctv_vault.custody.entries import Actor, Entry
from cctv_vault.custody.errors import CustodyError, TileError
from cctv_vault.custody.events import Event
from cctv_vault.custody.notes import NoteSigner, Verifier, parse_vkey
from cctv_vault.custody.proofs import LogProof, encode_proof
from cctv_vault.custody.tiles import (
    TILE_WIDTH,
    TileReader,
    decode_tile,
    encode_bundle,
    encode_tile,
    tile_width,
)
from cctv_vault.database import Database
from cctv_vault.errors import CustodyBrokenError, InvalidInputError, NotFoundError
from cctv_vault.schema import (
    CustodyCheckpoint,
    CustodyEntry,
    CustodyHead,
    CustodyLink,
    CustodyTile,
    table,
)
from cctv_vault.timeguard import advance
from storage.merkle import CompactRange, consistency_path, inclusion_path, leaf_hash, root_of

_BATCH: Final = 1000
_MAX_FINDINGS: Final = 100


class DetailSealer(Protocol):
    """Seals details under the key of their retention month; the key ring is one."""

    def seal_texts(
        self, session: Session, texts: Sequence[tuple[bytes, str]], now: datetime
    ) -> list[int]:
        """Store sealed bytes, each with what it is bound to; returns the rows' ids in order."""
        ...

    def open_text(self, session: Session, text_id: int) -> bytes | None:
        """The bytes, or None once their key is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has a place in the log."""

    event: Event
    subject: str | None
    actor_id: str
    means: str
    facts: Mapping[str, Json]
    details: Mapping[str, Json] = field(repr=False)
    salt: bytes = field(repr=False)
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry as read back; ``details`` is None where there are none or their key is gone."""

    index: int
    at: datetime
    event: str
    subject: str | None
    actor: str
    means: str
    facts: Mapping[str, Any]
    details: Mapping[str, Any] | None
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """What a verification found: nothing wrong if and only if ``findings`` is empty."""

    origin: str
    size: int
    root: bytes
    checkpoints: int
    details_erased: int
    findings: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether everything held."""
        return not self.findings


class CustodyLog:
    """The log of one vault."""

    def __init__(
        self, *, database: Database, signer: NoteSigner, sealer: DetailSealer, outside: Path
    ) -> None:
        """``outside`` is the file, not in the index, that keeps the highest signed checkpoint."""
        self.origin = signer.name
        self.vkey = signer.vkey
        self._database = database
        self._signer = signer
        self._sealer = sealer
        self._outside = outside

    # --- writing ------------------------------------------------------------------------------

    def found(self, session: Session, tick: Tick) -> None:
        """Lay down the head of an empty log."""
        session.add(
            CustodyHead(
                id=1,
                size=0,
                edge=CompactRange().to_bytes(),
                last_at=tick.now,
                guard_at=tick.now,
                boot_id=tick.boot_id,
                boottime_s=tick.boottime_s,
            )
        )
        session.flush()

    def append(self, session: Session, drafts: Sequence[Draft], tick: Tick) -> range:
        """Append entries; the last statements of a transaction, before its commit.

        Returns their indices. The lock on the head, taken here, is held until the commit, so
        indices have no gaps whatever else is rolled back.
        """
        ready = self._sealed(session, drafts, tick.now)
        head = session.execute(select(table(CustodyHead)).with_for_update()).one()
        tree = CompactRange.from_bytes(head.edge)
        first = tree.size
        entries: list[dict[str, Any]] = []
        links: list[dict[str, Any]] = []
        for index, (draft, entry, text_id) in enumerate(ready, start=first):
            body = entry.to_bytes()
            leaf = leaf_hash(body)
            tree = tree.append(leaf)
            entries.append(
                {
                    "leaf_index": index,
                    "at": entry.at,
                    "event": entry.event,
                    "subject": entry.subject,
                    "actor": entry.actor.id,
                    "body": body,
                    "leaf_hash": leaf,
                    "details": text_id,
                }
            )
            links.extend(
                {"subject": each, "leaf_index": index}
                for each in dict.fromkeys(draft.also)
                if each != draft.subject
            )
        if not entries:
            return range(first, first)
        session.execute(insert(table(CustodyEntry)), entries)
        if links:
            session.execute(insert(table(CustodyLink)), links)
        for number in range(first // TILE_WIDTH, tree.size // TILE_WIDTH):
            self._complete_tiles(session, number)
        session.execute(
            update(CustodyHead)
            .where(col(CustodyHead.id) == 1)
            .values(
                size=tree.size,
                edge=tree.to_bytes(),
                last_at=max(head.last_at, tick.now),
                guard_at=advance(head.guard_at, head.boot_id, head.boottime_s, tick),
                boot_id=tick.boot_id,
                boottime_s=tick.boottime_s,
            )
        )
        return range(first, tree.size)

    def _sealed(
        self, session: Session, drafts: Sequence[Draft], now: datetime
    ) -> list[tuple[Draft, Entry, int | None]]:
        """Drafts with their entries, and the rows their details are sealed in."""
        details = [
            new_details(each.details, each.salt) if each.details else None for each in drafts
        ]
        texts = [(each.blob, _binding(each.commitment)) for each in details if each is not None]
        ids = iter(self._sealer.seal_texts(session, texts, now))
        at = now.astimezone(UTC)
        return [
            (
                draft,
                Entry(
                    at=at,
                    event=draft.event.value,
                    subject=draft.subject,
                    actor=Actor(draft.actor_id, draft.means),
                    facts=draft.facts,
                    details=None if each is None else each.commitment,
                ),
                None if each is None else next(ids),
            )
            for draft, each in zip(drafts, details, strict=True)
        ]

    def _complete_tiles(self, session: Session, number: int) -> None:
        leaves = _leaf_hashes(session, number * TILE_WIDTH, TILE_WIDTH)
        session.add(CustodyTile(level=0, n=number, hashes=encode_tile(leaves)))
        session.flush()
        level, tile = 0, number
        while (tile + 1) % TILE_WIDTH == 0:
            level, tile = level + 1, tile // TILE_WIDTH
            hashes = _hashes_above(session, level, tile, TILE_WIDTH)
            session.add(CustodyTile(level=level, n=tile, hashes=encode_tile(hashes)))
            session.flush()

    # --- checkpoints and proofs ---------------------------------------------------------------

    def checkpoint(self, now: datetime) -> str:
        """Sign the head as it is after the last durable commit; the signed note.

        Raises:
            CustodyBrokenError: The log no longer contains what was signed before.
        """
        with self._database.read() as session:
            return self._checkpoint(session, now)

    def _checkpoint(self, session: Session, now: datetime) -> str:
        head = session.execute(select(table(CustodyHead))).one()
        tree = CompactRange.from_bytes(head.edge)
        self._compare_outside(session, tree)
        held = session.execute(
            select(col(CustodyCheckpoint.note)).where(col(CustodyCheckpoint.size) == tree.size)
        ).scalar()
        if held is not None:
            return str(held)
        newest = Checkpoint(self.origin, tree.size, tree.root())
        note = newest.sign(self._signer)
        # The file first: a checkpoint that anyone could have seen must never be forgotten.
        _write_durably(self._outside, note)
        with self._database.write() as writing:
            writing.execute(
                delete(CustodyCheckpoint).where(col(CustodyCheckpoint.size) == tree.size)
            )
            writing.add(
                CustodyCheckpoint(size=tree.size, root=newest.root, note=note, signed_at=now)
            )
        return note

    def check_outside(self) -> None:
        """Compare the log with the highest checkpoint kept outside it; at every start.

        Raises:
            CustodyBrokenError: The log is shorter than, or other than, what was signed.
        """
        with self._database.read() as session:
            head = session.execute(select(table(CustodyHead))).one()
            self._compare_outside(session, CompactRange.from_bytes(head.edge))

    def _compare_outside(self, session: Session, tree: CompactRange) -> None:
        try:
            note = self._outside.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        signed = Checkpoint.open(note, [parse_vkey(self.vkey)])
        if signed.size > tree.size:
            raise CustodyBrokenError(
                f"the log holds {tree.size} entries but a checkpoint over {signed.size} was "
                "signed: the index was rolled back or replaced; restore it with 'backup restore'"
            )
        try:
            root = self._root_at(session, signed.size, tree.size)
        except TileError as error:
            raise CustodyBrokenError(f"entries are missing from the log: {error}") from error
        if root != signed.root:
            raise CustodyBrokenError(
                f"the first {signed.size} entries of the log are not those of the checkpoint that "
                "was signed over them; run 'log verify'"
            )

    def _root_at(self, session: Session, size: int, whole: int) -> bytes:
        if size == 0:
            return root_of([])
        reader = _tiles(session, whole)
        edge, start = [], 0
        for bit in reversed(range(size.bit_length())):
            if size >> bit & 1:
                edge.append(reader.subtree(bit, start >> bit))
                start += 1 << bit
        return CompactRange(size, tuple(edge)).root()

    def proof(self, index: int, now: datetime, *, note: str | None = None) -> str:
        """The tlog-proof file of one entry, against ``note`` or the newest checkpoint."""
        with self._database.read() as session:
            note = note or self._checkpoint(session, now)
            signed = Checkpoint.open(note, [parse_vkey(self.vkey)])
            if not 0 <= index < signed.size:
                raise NotFoundError("log entry", str(index), f"the log has {signed.size}")
            path = inclusion_path(index, signed.size, _tiles(session, signed.size).subtree)
        return encode_proof(LogProof(index, tuple(path), note))

    def proofs(self, indices: Sequence[int], note: str) -> Iterator[tuple[int, str]]:
        """The tlog-proof files of several entries against one checkpoint, tiles read once."""
        signed = Checkpoint.open(note, [parse_vkey(self.vkey)])
        with self._database.read() as session:
            # Neighbours share most of their paths.
            subtree = cache(_tiles(session, signed.size).subtree)
            for index in indices:
                path = inclusion_path(index, signed.size, subtree)
                yield index, encode_proof(LogProof(index, tuple(path), note))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The consistency path (RFC 6962 section 2.1.2) between two sizes of this log."""
        with self._database.read() as session:
            size = session.execute(select(table(CustodyHead))).one().size
            if not 0 < old <= new <= size:
                raise InvalidInputError(f"sizes must be 1 to {size}, the smaller first")
            return consistency_path(old, new, _tiles(session, new).subtree)

    def tile(self, level: int, n: int, width: int) -> bytes:
        """One tile of the C2SP tlog-tiles layout."""
        with self._database.read() as session:
            size = session.execute(select(table(CustodyHead))).one().size
            if not 0 < width <= tile_width(level, n, size):
                raise NotFoundError("tile", f"{level}/{n}")
            return encode_tile(_read_tile(session, level, n, width))

    def bundle(self, n: int, width: int) -> bytes:
        """One entry bundle of the C2SP tlog-tiles layout."""
        with self._database.read() as session:
            rows = session.execute(
                select(col(CustodyEntry.body))
                .where(
                    col(CustodyEntry.leaf_index) >= n * TILE_WIDTH,
                    col(CustodyEntry.leaf_index) < n * TILE_WIDTH + width,
                )
                .order_by(col(CustodyEntry.leaf_index))
            ).scalars()
            bodies = list(rows)
        if len(bodies) != width or width == 0:
            raise NotFoundError("entry bundle", str(n))
        return encode_bundle(bodies)

    # --- reading ------------------------------------------------------------------------------

    def entries(
        self,
        *,
        subject: str | None = None,
        event: str | None = None,
        actor: str | None = None,
        after: int | None = None,
        before: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
        hidden: Collection[str] = (),
    ) -> list[LoggedEntry]:
        """Entries in order; ``subject`` finds those an entry names first or beside others.

        Entries that name a ``hidden`` subject, first or beside others, are left out.
        """
        query = select(CustodyEntry)
        if hidden:
            beside = select(col(CustodyLink.leaf_index)).where(col(CustodyLink.subject).in_(hidden))
            query = query.where(
                col(CustodyEntry.subject).is_(None) | col(CustodyEntry.subject).not_in(hidden),
                col(CustodyEntry.leaf_index).not_in(beside),
            )
        if subject is not None:
            linked = select(col(CustodyLink.leaf_index)).where(col(CustodyLink.subject) == subject)
            query = query.where(
                (col(CustodyEntry.subject) == subject) | col(CustodyEntry.leaf_index).in_(linked)
            )
        if event is not None:
            query = query.where(col(CustodyEntry.event) == event)
        if actor is not None:
            query = query.where(col(CustodyEntry.actor) == actor)
        if after is not None:
            query = query.where(col(CustodyEntry.leaf_index) > after)
        if before is not None:
            query = query.where(col(CustodyEntry.leaf_index) < before)
        order = (
            col(CustodyEntry.leaf_index).desc() if newest_first else col(CustodyEntry.leaf_index)
        )
        with self._database.read() as session:
            rows = session.execute(query.order_by(order).limit(limit)).scalars().all()
            return [self._logged(session, row) for row in rows]

    def size(self) -> int:
        """How many entries there are."""
        with self._database.read() as session:
            return int(session.execute(select(table(CustodyHead))).one().size)

    def _logged(self, session: Session, row: CustodyEntry) -> LoggedEntry:
        entry = Entry.from_bytes(row.body)
        details = None
        if row.details is not None and entry.details is not None:
            blob = self._sealer.open_text(session, row.details)
            details = None if blob is None else check_details(blob, entry.details)
        return LoggedEntry(
            index=row.leaf_index,
            at=entry.at,
            event=entry.event,
            subject=entry.subject,
            actor=entry.actor.id,
            means=entry.actor.means,
            facts=entry.facts,
            details=details,
            body=row.body,
        )

    # --- verification -------------------------------------------------------------------------

    def verify(self) -> LogVerdict:
        """Recompute everything from the entries and compare it with all that was ever signed."""
        findings: list[str] = []
        verifier = parse_vkey(self.vkey)
        tree, erased, signed_count = CompactRange(), 0, 0
        with self._database.read() as session:
            checkpoints = {
                row.size: row for row in session.execute(select(table(CustodyCheckpoint))).all()
            }
            for row in _all_entries(session):
                if len(findings) >= _MAX_FINDINGS:
                    break
                if row.leaf_index != tree.size:
                    findings.append(
                        f"entry {tree.size} is missing; the next one is {row.leaf_index}"
                    )
                    break
                leaf = leaf_hash(row.body)
                findings.extend(_entry_faults(row, leaf))
                erased += self._details_fault(session, row, findings)
                tree = tree.append(leaf)
                signed = checkpoints.pop(tree.size, None)
                if signed is not None:
                    signed_count += 1
                    findings.extend(_checkpoint_faults(signed.note, tree, self.origin, verifier))
            findings.extend(
                f"a checkpoint was signed over {size} entries, which the log does not reach"
                for size in sorted(checkpoints)
                if size > tree.size
            )
            head = session.execute(select(table(CustodyHead))).one()
            if head.size != tree.size or head.edge != tree.to_bytes():
                findings.append(
                    f"the head of the log says {head.size} entries and another tree than the "
                    f"{tree.size} entries that are there"
                )
            findings.extend(_tile_faults(session, tree.size))
            if not self._outside.exists() and signed_count:
                findings.append(
                    "the highest checkpoint, which is kept outside the index, is missing: nobody "
                    "can tell whether the index was rolled back"
                )
            try:
                self._compare_outside(session, tree)
            except (CustodyError, CustodyBrokenError) as error:
                findings.append(str(error))
        return LogVerdict(
            self.origin, tree.size, tree.root(), signed_count, erased, tuple(findings)
        )

    def _details_fault(self, session: Session, row: Any, findings: list[str]) -> int:  # noqa: ANN401
        """Check one entry's sealed details; 1 where they are erased, else 0."""
        if row.details is None:
            return 0
        try:
            commitment = Entry.from_bytes(row.body).details
            blob = self._sealer.open_text(session, row.details)
            if blob is None:
                return 1
            check_details(blob, commitment or "")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it is the finding
            findings.append(
                f"the details of entry {row.leaf_index} do not open: {type(error).__name__}"
            )
        return 0


def _binding(commitment: str) -> str:
    return f"details/{commitment}"


def _all_entries(session: Session) -> Iterator[Any]:
    last = -1
    while True:
        rows = session.execute(
            select(table(CustodyEntry))
            .where(col(CustodyEntry.leaf_index) > last)
            .order_by(col(CustodyEntry.leaf_index))
            .limit(_BATCH)
        ).all()
        yield from rows
        if len(rows) < _BATCH:
            return
        last = rows[-1].leaf_index


def _entry_faults(row: Any, leaf: bytes) -> Iterator[str]:  # noqa: ANN401
    if leaf != row.leaf_hash:
        yield f"entry {row.leaf_index} was changed: its bytes are not those that were hashed"
    try:
        entry = Entry.from_bytes(row.body)
    except CustodyError as error:
        yield f"entry {row.leaf_index}: {error}"
        return
    shown = (row.at, row.event, row.subject, row.actor)
    if shown != (entry.at, entry.event, entry.subject, entry.actor.id):
        yield f"entry {row.leaf_index}: its columns say something else than its bytes"


def _checkpoint_faults(
    note: str, tree: CompactRange, origin: str, verifier: Verifier
) -> Iterator[str]:
    try:
        signed = Checkpoint.open(note, [verifier])
    except CustodyError as error:
        yield f"the checkpoint over {tree.size} entries: {error}"
        return
    if signed != Checkpoint(origin, tree.size, tree.root()):
        yield (
            f"the first {tree.size} entries are not those the checkpoint was signed over: "
            "an entry before that was changed, removed or added"
        )


def _tile_faults(session: Session, size: int) -> Iterator[str]:
    expected = {(0, n) for n in range(size // TILE_WIDTH)}
    level, count = 0, size // TILE_WIDTH
    while count >= TILE_WIDTH:
        level, count = level + 1, count // TILE_WIDTH
        expected |= {(level, n) for n in range(count)}
    there = {
        (row.level, row.n)
        for row in session.execute(select(col(CustodyTile.level), col(CustodyTile.n)))
    }
    for level, n in sorted(expected - there):
        yield f"tile {n} of level {level} is missing"
    for level, n in sorted(there - expected):
        yield f"tile {n} of level {level} lies beyond the log"
    for level, n in sorted(expected & there):
        hashes = _read_tile(session, level, n, TILE_WIDTH)
        right = (
            _leaf_hashes(session, n * TILE_WIDTH, TILE_WIDTH)
            if level == 0
            else _hashes_above(session, level, n, TILE_WIDTH)
        )
        if list(hashes) != right:
            yield f"tile {n} of level {level} was changed"


def _leaf_hashes(session: Session, first: int, count: int) -> list[bytes]:
    return list(
        session.execute(
            select(col(CustodyEntry.leaf_hash))
            .where(
                col(CustodyEntry.leaf_index) >= first,
                col(CustodyEntry.leaf_index) < first + count,
            )
            .order_by(col(CustodyEntry.leaf_index))
        ).scalars()
    )


def _hashes_above(session: Session, level: int, n: int, width: int) -> list[bytes]:
    """The first ``width`` hashes of a tile from the complete tiles one level below."""
    rows = session.execute(
        select(col(CustodyTile.hashes))
        .where(
            col(CustodyTile.level) == level - 1,
            col(CustodyTile.n) >= n * TILE_WIDTH,
            col(CustodyTile.n) < n * TILE_WIDTH + width,
        )
        .order_by(col(CustodyTile.n))
    ).scalars()
    return [root_of(decode_tile(each)) for each in rows]


def _read_tile(session: Session, level: int, n: int, width: int) -> list[bytes]:
    whole = session.execute(
        select(col(CustodyTile.hashes)).where(
            col(CustodyTile.level) == level, col(CustodyTile.n) == n
        )
    ).scalar()
    if whole is not None:
        return decode_tile(whole)[:width]
    if level == 0:
        return _leaf_hashes(session, n * TILE_WIDTH, width)
    return _hashes_above(session, level, n, width)


def _tiles(session: Session, size: int) -> TileReader:
    return TileReader(size, lambda level, n, width: _read_tile(session, level, n, width))


def _write_durably(path: Path, content: str) -> None:
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
