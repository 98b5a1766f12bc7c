"""Window-only keeping: of a recording whose base purpose has ended, only the window that is needed.

Owns what happens where the policy says ``keep = "window"``: the window, back to the key frame it
needs, is cut out, sealed under a key of its own, read back and indexed as a derived recording with
its provenance, and only in that same act do the holds let go of the original. The sweep then
destroys the original's key. Whatever fails on the way, the whole is kept and that is entered: it
never loses what a window needs, and never keeps quiet about what it could not narrow.

A gagged hold is never narrowed and never counts: what it keeps, it keeps whole, and to everybody
else the recording is narrowed like any other. What somebody's hold keeps without ``window`` stays
whole until that has ended too.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Final

from sqlalchemy import or_
from sqlmodel import Session, col, select

from cctv_vault import __version__
from cctv_vault.custody.canonical import Json
from cctv_vault.custody.entries import Entry
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import VaultError
from cctv_vault.footage.clips import Clip, ClipSource, cut
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.rules import Piece, Wanted, is_whole, pieces
from cctv_vault.footage.streams import ORIGINAL, blob_name, stream_context
from cctv_vault.footage.timeindex import span_class
from cctv_vault.gags import hidden_subjects
from cctv_vault.ingest.journal import SealingJournal
from cctv_vault.ledger import Act, Ledger
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import Actor, Sight, system_actor
from cctv_vault.retention.due import Narrowed
from cctv_vault.retention.grants import Grants, live_clause
from cctv_vault.retention.policies import Policies
from cctv_vault.schema import Camera, CustodyEntry, Grant, Hold, HoldWindow, Recording
from cctv_vault.views import iso
from storage.backend import BlobStore
from storage.errors import StorageError
from storage.secret import SecretKey
from storage.stream import SealedStream, SealWriter, delete_stream, open_sealed

AGAIN_AFTER: Final = timedelta(days=1)
"""What could not be narrowed is tried again after this long."""
_NEARLY: Final = timedelta(seconds=1)
_BATCH: Final = 500


class _ChangedError(Exception):
    """What holds need of the recording changed while it was cut; the next sweep looks again."""


class _NeedsAllError(Exception):
    """Back to the key frame it needs, the window is the whole recording."""


@dataclass(frozen=True)
class _Plan:
    recording: Recording
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class _Made:
    id: str
    key: SecretKey
    piece: Piece
    clip: Clip
    sealed: SealedStream


class Narrowing:
    """Narrows recordings to their windows, before a sweep."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        store: BlobStore,
        grants: Grants,
        policies: Policies,
        sandbox: MediaSandbox,
        vault_id: str,
        journal_folder: Path,
    ) -> None:
        """All belong to the vault; start-up clears up after the journals of ``journal_folder``."""
        self._database = database
        self._ledger = ledger
        self._store = store
        self._grants = grants
        self._policies = policies
        self._sandbox = sandbox
        self._vault_id = vault_id
        self._journal = SealingJournal(journal_folder)
        self._tool = f"cctv_vault {__version__}, PyAV {version('av')}"

    def close(self) -> None:
        """Forget the journal."""
        self._journal.close()

    def run(self, until: datetime) -> str | None:
        """Narrow what can be narrowed.

        Args:
            until: The time that has provably passed, UTC: purposes that end by then have ended.

        Returns what was kept whole although only a window is wanted of it, in words, or None.
        """
        with self._database.read() as session:
            plans = self._plans(session, until)
            settled, failed = self._before(session, [each.recording.id for each in plans], until)
        whole = set(failed)
        for plan in plans:
            if plan.recording.id not in settled | failed and not self._narrow(plan, until):
                whole.add(plan.recording.id)
        if not whole:
            return None
        return (
            f"kept whole although only a window of them is wanted, because it could not be cut "
            f"out: {', '.join(sorted(whole)[:5])}{' …' if len(whole) > 5 else ''}"  # noqa: PLR2004
        )

    def foresee(self, actor: Actor, until: datetime) -> tuple[Narrowed, ...]:
        """What `run` would narrow, in order of camera and time, as a person may know of it.

        Where nothing but what a colleague is suspected of keeps a recording, it has gone already to
        all but the privacy officer, and is left out.
        """
        hidden = hidden_subjects(self._database, actor)
        with self._database.read() as session:
            plans = self._plans(session, until)
            settled, failed = self._before(session, [each.recording.id for each in plans], until)
            found = []
            for plan in plans:
                known = [each for each in plan.pieces if set(each.holds) - hidden]
                if known and plan.recording.id not in settled | failed:
                    found.append(
                        Narrowed(
                            recording=plan.recording.id,
                            camera=plan.recording.camera_code,
                            started_at=plan.recording.started_at,
                            ended_at=plan.recording.ended_at,
                            windows=tuple((each.starts_at, each.ends_at) for each in known),
                            holds=tuple(sorted({x for each in known for x in each.holds} - hidden)),
                        )
                    )
        return tuple(sorted(found, key=lambda each: (each.camera, each.started_at, each.recording)))

    # --- finding ------------------------------------------------------------------------------

    def _plans(
        self, session: Session, until: datetime, only: str | None = None
    ) -> tuple[_Plan, ...]:
        """The recordings that nothing keeps but holds on windows, and what those need of them."""
        holds = {
            hold.id: hold
            for hold in session.exec(
                select(Hold).where(
                    col(Hold.gagged).is_(False),
                    col(Hold.released_at).is_(None),
                    or_(col(Hold.until).is_(None), col(Hold.until) > until),
                )
            )
            if self._policies.keeps_window(session, hold.purpose, hold.placed_at, until)
        }
        if not holds:
            return ()
        query = (
            select(Grant.recording_id)
            .join(Recording, col(Recording.id) == col(Grant.recording_id))
            .where(
                col(Grant.hold_id).in_(list(holds)),
                live_clause(until),
                col(Recording.kind) == "video",
                col(Recording.state) == "kept",
                col(Recording.derived).is_(None),
            )
            .distinct()
        )
        if only is not None:
            query = query.where(col(Grant.recording_id) == only)
        found = sorted(session.exec(query))
        plans = []
        for start in range(0, len(found), _BATCH):
            some = found[start : start + _BATCH]
            keeping = self._keeping(session, some, until)
            rows = session.exec(select(Recording).where(col(Recording.id).in_(some)))
            for row in sorted(rows, key=lambda each: each.id):
                if keeping[row.id] <= holds.keys():
                    needed = self._needed(session, row, [holds[x] for x in sorted(keeping[row.id])])
                    whole = is_whole(needed, starts_at=row.started_at, ends_at=row.ended_at)
                    if needed and not whole:
                        plans.append(_Plan(row, needed))
        return tuple(plans)

    def _keeping(
        self, session: Session, recording_ids: Sequence[str], until: datetime
    ) -> dict[str, set[str]]:
        """What keeps recordings, but for gagged holds: ids of holds, empty for other purposes."""
        keeping: dict[str, set[str]] = defaultdict(set)
        for recording_id, hold_id in session.exec(
            select(Grant.recording_id, Grant.hold_id)
            .outerjoin(Hold, col(Hold.id) == col(Grant.hold_id))
            .where(
                col(Grant.recording_id).in_(recording_ids),
                live_clause(until),
                or_(col(Hold.id).is_(None), col(Hold.gagged).is_(False)),
            )
        ):
            keeping[recording_id].add(hold_id or "")
        return keeping

    def _needed(self, session: Session, row: Recording, holds: Sequence[Hold]) -> tuple[Piece, ...]:
        camera = find_camera(session, row.camera_code)
        windows = session.exec(
            select(HoldWindow).where(
                col(HoldWindow.hold_id).in_([each.id for each in holds]),
                col(HoldWindow.camera_code) == row.camera_code,
            )
        )
        # As a hold matches: a clock measured since may have moved what the window means.
        drift = abs(camera.clock_offset_s - row.clock_offset_s)
        return pieces(
            [
                Wanted(each.hold_id, each.starts_at, each.ends_at, each.widened_s + drift)
                for each in windows
            ],
            starts_at=row.started_at,
            ends_at=row.ended_at,
            slack_s=row.uncertainty_s + drift,
        )

    def _before(
        self, session: Session, recording_ids: Sequence[str], now: datetime
    ) -> tuple[set[str], set[str]]:
        """Of these: which need all of what they are, and which failed not long ago."""
        settled: set[str] = set()
        failed: set[str] = set()
        for start in range(0, len(recording_ids), _BATCH):
            for entry in session.exec(
                select(CustodyEntry).where(
                    col(CustodyEntry.event) == Event.RECORDING_KEPT_WHOLE.value,
                    col(CustodyEntry.subject).in_(recording_ids[start : start + _BATCH]),
                )
            ):
                if entry.subject is None:
                    continue
                if Entry.from_bytes(entry.body).facts.get("because") == "needed":
                    settled.add(entry.subject)
                elif now - entry.at < AGAIN_AFTER:
                    failed.add(entry.subject)
        return settled, failed

    # --- doing --------------------------------------------------------------------------------

    def _narrow(self, plan: _Plan, until: datetime) -> bool:
        """Narrow one recording; whether nothing of it is kept that should not be."""
        recording, made = plan.recording, list[_Made]()
        try:
            with self._database.read() as session:
                key = self._grants.key_for(session, recording.id, until, Sight(staff=True))
                camera = find_camera(session, recording.camera_code)
            for piece in plan.pieces:
                self._cut(recording, key, piece, camera, made)
            self._index(plan, made, until)
        except _ChangedError:
            self._discard(made)
        except _NeedsAllError:
            self._discard(made)
            self._enter_whole(recording, "needed")
        except (VaultError, StorageError) as error:
            self._discard(made)
            self._enter_whole(recording, getattr(error, "code", "storage"))
            return False
        except BaseException:
            self._discard(made)
            raise
        return True

    def _cut(
        self, recording: Recording, key: SecretKey, piece: Piece, camera: Camera, made: list[_Made]
    ) -> None:
        """Cut one piece out and seal it; it is durable and was read back on return."""
        new_id, new_key = self._journal.new_id(), SecretKey.generate()
        with (
            open_sealed(
                self._store,
                blob_name(recording.id, ORIGINAL),
                key,
                stream_context(self._vault_id, recording.id, ORIGINAL),
                segment_root=recording.segment_root,
            ) as original,
            SealWriter(
                self._store,
                blob_name(new_id, ORIGINAL),
                new_key,
                stream_context(self._vault_id, new_id, ORIGINAL),
            ) as writer,
        ):
            source = ClipSource(
                recording.id, original, recording.started_at, "damaged" in recording.faults
            )
            clip = cut(
                self._sandbox,
                [source],
                piece.starts_at,
                piece.ends_at,
                writer,
                keep_audio=camera.sound == "yes",
            )
            sealed = writer.finish()
        made.append(_Made(new_id, new_key, piece, clip, sealed))
        if (
            clip.delivered_from <= recording.started_at + _NEARLY
            and clip.delivered_to >= recording.ended_at - _NEARLY
        ):
            raise _NeedsAllError

    def _index(self, plan: _Plan, made: Sequence[_Made], until: datetime) -> None:
        """Index the pieces and let the holds go of the original, in one act."""
        recording = plan.recording
        with self._ledger.act(
            Event.RECORDING_DERIVED,
            system_actor(),
            cameras=(recording.camera_code,),
            subject=recording.id,
        ) as act:
            session = act.session
            now_needed = [each.pieces for each in self._plans(session, until, only=recording.id)]
            if now_needed != [plan.pieces]:
                # Under the locks, and nothing has been written yet.
                raise _ChangedError
            holds = sorted({hold for each in made for hold in each.piece.holds})
            kept = self._keeping(session, [recording.id], until)[recording.id]
            for hold_id in sorted(kept):
                self._grants.end_hold(session, hold_id, act.now, [recording.id])
            for each in made:
                self._enter(act, recording, each)
            act.record(
                Event.RECORDING_NARROWED,
                recording.id,
                facts={"derived": [each.id for each in made], "holds": holds},
                also=(recording.camera_code, *sorted(kept), *(each.id for each in made)),
            )
        for each in made:
            self._journal.settled(each.id)

    def _enter(self, act: Act, original: Recording, made: _Made) -> None:
        clip, sealed = made.clip, made.sealed
        sound = original.has_audio and find_camera(act.session, original.camera_code).sound == "yes"
        provenance: dict[str, Json] = {
            "original": original.id,
            "original_sha256": original.sha256.hex(),
            "from": iso(clip.delivered_from),
            "to": iso(clip.delivered_to),
            "window_from": iso(made.piece.starts_at),
            "window_to": iso(made.piece.ends_at),
            "transcoded": clip.transcoded,
            "sound": sound,
            "tool": self._tool,
        }
        name = PurePosixPath(original.original_name)
        row = Recording(
            id=made.id,
            camera_code=original.camera_code,
            kind=original.kind,
            origin=original.origin,
            started_at=clip.delivered_from,
            ended_at=clip.delivered_to,
            span_class=span_class(clip.delivered_to - clip.delivered_from),
            uncertainty_s=original.uncertainty_s,
            time_source=original.time_source,
            original_started=original.original_started,
            clock_offset_s=original.clock_offset_s,
            disagreements=list(original.disagreements),
            original_name=f"{name.stem}-{made.id[:6]}.mp4",
            arrived_at=original.arrived_at,
            sealed_at=act.now,
            size=sealed.size,
            sha256=sealed.sha256,
            ciphertext_size=sealed.ciphertext_size,
            segment_root=sealed.segment_root,
            container="mp4",
            codec=clip.codec,
            width=original.width,
            height=original.height,
            fps=original.fps,
            duration_s=(clip.delivered_to - clip.delivered_from).total_seconds(),
            has_audio=sound,
            faults=[] if clip.transcoded else list(original.faults),
            derived=dict(provenance),
            source_state=original.source_state,
            source_removed_at=original.source_removed_at,
        )
        holds = [act.session.get_one(Hold, each) for each in made.piece.holds]
        self._grants.on_derived(act, row, made.key, holds, original.id)
        facts: dict[str, Any] = {
            "camera": row.camera_code,
            "kind": row.kind,
            "origin": row.origin,
            "sha256": sealed.sha256.hex(),
            "size": sealed.size,
            "segment_root": sealed.segment_root.hex(),
            "started_at": iso(row.started_at),
            "ended_at": iso(row.ended_at),
            "time_source": row.time_source,
            "uncertainty_ms": round(row.uncertainty_s * 1000),
            "clock_offset_ms": round(row.clock_offset_s * 1000),
            "late": False,
            "source_kept": False,
        }
        also = (row.camera_code, original.id, *made.piece.holds)
        act.record(Event.RECORDING_SEALED, row.id, facts=facts, also=also)
        act.record(Event.RECORDING_DERIVED, row.id, facts=provenance, also=also)

    def _enter_whole(self, recording: Recording, because: str) -> None:
        self._ledger.record(
            Event.RECORDING_KEPT_WHOLE,
            system_actor(),
            recording.id,
            facts={"because": because},
            also=(recording.camera_code,),
        )

    def _discard(self, made: Sequence[_Made]) -> None:
        """Remove what was sealed and not indexed; where that fails, a later start does it."""
        for each in made:
            try:
                with self._database.read() as session:
                    known = session.get(Recording, each.id) is not None
                if not known:
                    delete_stream(self._store, blob_name(each.id, ORIGINAL))
                self._journal.settled(each.id)
            except (VaultError, StorageError):
                continue
