"""Inside the act: a sealed file gets its row, its grants, its entry and the intent of removal."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlmodel import col, insert, select

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.timeindex import span_class
from cctv_vault.ingest.arriving import Arriving, Entered, File, Offer, Sealed
from cctv_vault.ingest.identify import RecordingTime
from cctv_vault.ingest.moments import Moments, is_wanted
from cctv_vault.ingest.outcomes import TOO_LATE
from cctv_vault.ingest.probe import FAULTS, ProbeRefusal
from cctv_vault.ingest.quarantine import Quarantine
from cctv_vault.ingest.removals import Removals
from cctv_vault.ingest.sidecars import Sidecar
from cctv_vault.ingest.sources import escape_name
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Sight
from cctv_vault.retention.grants import LATE, Grants, GrantView
from cctv_vault.schema import Camera, CustodyEntry, DerivedStream, Recording, table
from cctv_vault.views import iso
from storage.secret import SecretKey

_NEVER_COMPLETE: Final = "its camera never marked it complete"
_SOUND: Final = "it carries sound, which its camera's register says is not lawful"


class Indexing:
    """Enters what is sealed; every method runs in the caller's act, under the camera's lock."""

    def __init__(
        self, *, grants: Grants, quarantine: Quarantine, moments: Moments, removals: Removals
    ) -> None:
        """All belong to the vault."""
        self._grants = grants
        self._quarantine = quarantine
        self._moments = moments
        self._removals = removals

    def enter(self, act: Act, arriving: Sequence[Arriving], arrived_at: datetime) -> list[Entered]:
        """Index sealed recordings of one camera, or find that they are known."""
        session, code = act.session, arriving[0].file.camera
        known = {
            row.sha256: row
            for row in session.exec(
                select(Recording).where(
                    col(Recording.camera_code) == code,
                    col(Recording.sha256).in_([each.new.stream.sha256 for each in arriving]),
                )
            )
        }
        camera = find_camera(session, code)
        fresh: dict[bytes, tuple[_Row, RecordingTime, SecretKey]] = {}
        for each in arriving:
            sha256 = each.new.stream.sha256
            if sha256 not in known and sha256 not in fresh:
                moment = self._moments.decide(session, camera, each.file, each.probed, arrived_at)
                row = _row(camera, each, moment, arrived_at=arrived_at, now=act.now)
                fresh[sha256] = row, moment, each.new.key
        granted: dict[str, Sequence[GrantView]] = {}
        if fresh:
            camera.last_arrival_at = max(camera.last_arrival_at or arrived_at, arrived_at)
            session.add(camera)
            session.execute(insert(table(Recording)), [vars(row) for row, _, _ in fresh.values()])
            grants = self._grants.on_arrival(act, [(row, key) for row, _, key in fresh.values()])
            granted = dict(zip((row.id for row, _, _ in fresh.values()), grants, strict=True))
        entered = []
        for each in arriving:
            sha256 = each.new.stream.sha256
            if each.new.id in granted:
                row, moment, _ = fresh[sha256]
                entered.append(
                    self._entered(act, camera, each, (row, moment), granted[each.new.id])
                )
            else:
                # Known before, or the same bytes came twice at once.
                its = known.get(sha256) or session.get_one(Recording, fresh[sha256][0].id)
                entered.append(self.offered_again(act, each.file, its))
        return entered

    def _entered(
        self,
        act: Act,
        camera: Camera,
        arriving: Arriving,
        fresh: tuple["_Row", RecordingTime],
        grants: Sequence[GrantView],
    ) -> Entered:
        """Enter that a recording is sealed, and the intent to remove its source."""
        offer, probed, new = arriving.file, arriving.probed, arriving.new
        (recording, moment), sealed = fresh, new.stream
        # Told to everybody, so what not everybody may know of does not count.
        told = [grant for grant in grants if grant.seen_by(Sight())]
        late = bool(told) and all(grant.purpose == LATE for grant in told)
        act.record(
            Event.RECORDING_SEALED,
            new.id,
            facts={
                "camera": camera.code,
                "kind": recording.kind,
                "origin": recording.origin,
                "sha256": sealed.sha256.hex(),
                "size": sealed.size,
                "segment_root": sealed.segment_root.hex(),
                "started_at": iso(recording.started_at),
                "ended_at": iso(recording.ended_at),
                "time_source": recording.time_source,
                "uncertainty_ms": round(recording.uncertainty_s * 1000),
                "clock_offset_ms": round(recording.clock_offset_s * 1000),
                "late": late,
                "source_kept": offer.source_state == "kept",
            },
            details={
                "name": offer.original_name,
                "disagreements": [each.sentence for each in moment.disagreements],
                "notes": list(moment.notes),
                **_told_beside(offer.sidecars),
            },
            also=(camera.code,),
        )
        unlawful = probed.has_audio and camera.sound == "no"
        if unlawful:
            _tell_of_sound(act, camera.code, new.id)
        removal = self._removals.intend(act, offer, new.id)
        for stream, its in new.beside:
            act.session.add(
                DerivedStream(
                    recording_id=new.id,
                    stream=stream,
                    segment_root=its.segment_root,
                    size=its.size,
                    created_at=act.now,
                )
            )
        beside = self._removals.intend_beside(act, offer.sidecars, new.id) if removal else ()
        return Entered(
            outcome="late" if late else "sealed",
            recording=new.id,
            reason="; ".join(
                (
                    *((TOO_LATE,) if late else ()),
                    *((_SOUND,) if unlawful else ()),
                    *(FAULTS[fault] for fault in probed.faults),
                    *((_NEVER_COMPLETE,) if _is_incomplete(offer.sidecars) else ()),
                )
            ),
            removal_id=removal,
            used=True,
            beside=beside,
        )

    def enter_quarantined(
        self,
        act: Act,
        offer: Offer,
        refusal: ProbeRefusal,
        new: Sealed,
    ) -> Entered:
        """Enter an unreadable file into quarantine, or find that it is known there."""
        reason = f"{refusal.reason_code}: {refusal.sentence}"
        known = self._quarantine.known(act.session, offer.camera, new.stream.sha256)
        if known is None:
            self._quarantine.enter(
                act,
                new.id,
                camera=offer.camera,
                key=new.key,
                sealed=new.stream,
                # With the folders below the drop folder: they may be all that tells its time.
                original_name=escape_name(offer.reading_path),
                reason_code=refusal.reason_code,
                reason=refusal.sentence,
            )
            removal = self._removals.intend(act, offer, new.id)
            return Entered("quarantined", None, reason, removal, used=True)
        ended = known.state != "kept" or known.until <= act.now
        self._record_again(act, offer, known.id, ended=ended)
        removal = self._removals.intend(act, offer, known.id)
        return Entered(
            "expired" if ended else "quarantined",
            None,
            f"{reason}; it was quarantined before" + (", and its seven days are over" * ended),
            removal,
            used=False,
        )

    def offered_again(self, act: Act, offer: File, known: Recording) -> Entered:
        """The same file again changes nothing; its source is removed like any other."""
        grants = self._grants.live(act.session, [known.id], act.now).get(known.id, ())
        # What only a secret hold keeps is, to everyone else, a recording that has expired.
        here = known.state == "kept" and any(each.live for each in grants)
        kept = here and any(each.seen_by(Sight()) for each in grants)
        self._record_again(act, offer, known.id, ended=not kept)
        if kept:
            removal = self._removals.intend(act, offer, known.id)
            kept_beside = _kept_beside(act, offer, known.id) if removal else ()
            beside = self._removals.intend_beside(act, kept_beside, known.id)
            said = "it is sealed already"
            return Entered("duplicate", known.id, said, removal, used=False, beside=beside)
        # Where the vault has it under such a hold, that one must not show in what stays behind.
        if is_wanted(act.session, known.camera_code, known, act.now, secret=not here):
            # The vault's own copy is gone for good; what a hold wants is not destroyed here too.
            return Entered(
                "expired",
                known.id,
                "its recording has expired and is not kept again; as its time is wanted, the "
                "source stays",
                None,
                used=False,
            )
        removal = self._removals.intend(act, offer, known.id)
        beside = self._removals.intend_beside(act, offer.sidecars, known.id) if removal else ()
        return Entered(
            "expired",
            known.id,
            "its recording has expired and is not kept again"
            + ("" if removal is None else "; the source is removed"),
            removal,
            used=False,
            beside=beside,
        )

    def _record_again(self, act: Act, offer: File, subject: str, *, ended: bool) -> None:
        kept = offer.source_state == "kept"
        act.record(
            Event.RECORDING_OFFERED_AGAIN,
            subject,
            facts={"camera": offer.camera, "expired": ended, "source_kept": kept},
            details={"name": offer.original_name},
            also=(offer.camera,),
        )


@dataclass
class _Row:
    """The row of a recording that is sealed, as `Recording` has it; what is not here is default.

    An object of that would cost more than all else that is done of a small still here.
    """

    id: str
    camera_code: str
    kind: str
    origin: str
    started_at: datetime
    ended_at: datetime
    span_class: int
    uncertainty_s: float
    time_source: str
    original_started: str
    clock_offset_s: float
    disagreements: list[Json]
    original_name: str
    arrived_at: datetime
    sealed_at: datetime
    size: int
    sha256: bytes
    ciphertext_size: int
    segment_root: bytes
    container: str
    codec: str
    width: int
    height: int
    fps: float
    duration_s: float
    has_audio: bool
    faults: list[str]
    source_state: str


def _row(
    camera: Camera,
    arriving: Arriving,
    moment: RecordingTime,
    *,
    arrived_at: datetime,
    now: datetime,
) -> _Row:
    offer, probed, sealed = arriving.file, arriving.probed, arriving.new.stream
    return _Row(
        id=arriving.new.id,
        camera_code=camera.code,
        kind=probed.kind,
        origin=camera.origin,
        started_at=moment.started_at,
        ended_at=moment.ended_at,
        span_class=span_class(moment.ended_at - moment.started_at),
        uncertainty_s=moment.uncertainty_s,
        time_source=moment.source,
        original_started=moment.original_started,
        clock_offset_s=moment.clock_offset_s,
        disagreements=[asdict(each) for each in moment.disagreements],
        original_name=offer.original_name,
        arrived_at=arrived_at,
        sealed_at=now,
        size=sealed.size,
        sha256=sealed.sha256,
        ciphertext_size=sealed.ciphertext_size,
        segment_root=sealed.segment_root,
        container=probed.container,
        codec=probed.codec,
        width=probed.width,
        height=probed.height,
        fps=probed.fps or 0.0,
        duration_s=probed.duration_s or 0.0,
        has_audio=probed.has_audio,
        faults=list(probed.faults),
        source_state=offer.source_state,
    )


def _kept_beside(act: Act, offer: File, recording: str) -> list[Sidecar]:
    """Those of a file's sidecars that are kept with its recording already."""
    mine = col(DerivedStream.recording_id) == recording
    rows = act.session.exec(select(DerivedStream.stream, DerivedStream.size).where(mine))
    kept = {(stream, size) for stream, size in rows}
    return [each for each in offer.sidecars if (each.stream, len(each.data)) in kept]


def _told_beside(sidecars: Sequence[Sidecar]) -> dict[str, Json]:
    """What the entry says of files that belong to the one sealed; what they hold is not told."""
    told: dict[str, Json] = {}
    if sidecars:
        told["beside"] = [
            {"name": escape_name(each.path.name), "sha256": hashlib.sha256(each.data).hexdigest()}
            for each in sidecars
        ]
    for block in (each.block for each in sidecars if each.block is not None):
        told["block"] = {
            "started": _spelled(block.started),
            "ended": None if block.ended is None else _spelled(block.ended),
            "complete": block.complete,
        }
    return told


def _spelled(moment: datetime) -> str:
    """To the microsecond, as the camera said it."""
    return moment.isoformat().replace("+00:00", "Z")


def _is_incomplete(sidecars: Sequence[Sidecar]) -> bool:
    return any(each.block is not None and not each.block.complete for each in sidecars)


def _tell_of_sound(act: Act, camera: str, recording: str) -> None:
    """Enter, once for each camera, that it records sound which the register says it must not."""
    told = select(CustodyEntry.leaf_index).where(
        col(CustodyEntry.event) == Event.CAMERA_SOUND_FOUND, col(CustodyEntry.subject) == camera
    )
    if act.session.exec(told.limit(1)).first() is None:
        act.record(Event.CAMERA_SOUND_FOUND, camera, also=(recording,))
