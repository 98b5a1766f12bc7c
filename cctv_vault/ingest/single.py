"""One file: settled, probed, sealed, indexed, and its source removed."""

import hashlib
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlmodel import col, select

from cctv_vault.custody.events import Event
from cctv_vault.errors import IntakeStoppedError, NotFoundError, VaultError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.register import find_camera
from cctv_vault.footage.streams import ORIGINAL, QUARANTINE
from cctv_vault.footage.timeindex import span_class
from cctv_vault.ingest.arriving import Arriving, Entered, Offer, Place, Sealed
from cctv_vault.ingest.intake import stopped_by
from cctv_vault.ingest.outcomes import LEFT_ALONE, TOO_LATE, Outcome
from cctv_vault.ingest.places import real_path, require_finished
from cctv_vault.ingest.probe import Probe, ProbeRefusal, probe
from cctv_vault.ingest.removals import with_removal
from cctv_vault.ingest.settling import UNFINISHED_S
from cctv_vault.ingest.sources import (
    Source,
    SourceBusyError,
    SourceReadError,
    SourceRefusedError,
    escape_name,
    fingerprint,
    open_source,
)
from cctv_vault.ingest.steps import Steps
from cctv_vault.people.actors import Actor
from cctv_vault.schema import Recording
from storage.errors import SourceChangedError, StorageError

_REFUSED_AGAIN: Final = timedelta(days=1)
"""How long refusing the same unchanged file again is only counted."""
_GROWING_S: Final = 60.0
_HASH_CHUNK: Final = 1 << 20
_LOG: Final = logging.getLogger(__name__)


class Singles:
    """Takes files in one by one."""

    def __init__(self, steps: Steps) -> None:
        """``steps`` are the vault's."""
        self._steps = steps

    def offered(self, actor: Actor, path: Path, place: Place) -> Outcome:
        """Take in one file, or say why not; whatever the file is, this returns."""
        try:
            outcome = self._offer(actor, path, place)
            return replace(outcome, path=path)
        except SourceBusyError as busy:
            return Outcome(path, "waiting", reason=str(busy), retry_in_s=busy.retry_in_s)
        except IntakeStoppedError as stopped:
            self._steps.intake.stopped(actor, stopped)
            return Outcome(path, "failed", reason=str(stopped))
        except VaultError as error:
            return Outcome(path, "failed", reason=str(error))
        except Exception as error:  # noqa: BLE001 - one bad file never takes the others down
            # Neither the name nor the text: both may hold what no log line may.
            _LOG.error("taking a file in failed: %s at %s", *where_in_code(error))
            return Outcome(
                path,
                "failed",
                reason=f"an unexpected error ({type(error).__name__}); the file stays where it is",
            )

    def _offer(self, actor: Actor, path: Path, place: Place) -> Outcome:
        path = real_path(path)
        with entered_if_refused(self._steps.ledger, Event.FILE_REFUSED, actor):
            self._steps.places.refuse_own(path)
        require_finished(path)
        with entered_if_refused(self._steps.ledger, Event.FILE_REFUSED, actor):
            code, reading_path, name = self._steps.places.identify(path, place)
        self._steps.readiness.require(code, actor)
        try:
            with open_source(path) as source:
                sidecars = self._steps.settling.require(source)
                offer = Offer(
                    actor=actor,
                    source=source,
                    camera=code,
                    reading_path=reading_path,
                    original_name=escape_name(name),
                    source_state="kept" if place.keep_source else "present",
                    written_at=self._steps.moments.written(source),
                    sidecars=sidecars,
                    surely_closed=source.check_not_written(),
                    leave_late=place.leave_late,
                )
                self._check_room(source)
                joined = self._steps.joining.joined(offer)
                if joined is not None:
                    return joined
                self._steps.settling.require_alone(source)
                return self._take_in(offer)
        except (SourceRefusedError, SourceReadError) as error:
            self._steps.ledger.record_tallied(
                Event.FILE_REFUSED,
                actor,
                code,
                key=f"file/{fingerprint(path)}/{error.code}",
                within=_REFUSED_AGAIN,
                facts={"reason": error.code},
                details={"name": escape_name(name), "reason": str(error)},
            )
            raise
        except SourceChangedError:
            raise SourceBusyError("it changed while it was read") from None
        except StorageError as error:
            raise stopped_by(error) from error

    def _check_room(self, source: Source) -> None:
        """Raise where the file does not fit; one that is large in name only stops nothing else.

        Raises:
            IntakeStoppedError: There is no room for it.
            SourceRefusedError: There is none because most of it are holes.
        """
        try:
            self._steps.intake.check_room(source.size)
        except IntakeStoppedError:
            if source.is_hollow:
                raise SourceRefusedError(
                    "it says that it is larger than the room there is, and most of it are holes"
                ) from None
            raise

    def _take_in(self, offer: Offer) -> Outcome:
        probed = probe(self._steps.sandbox, offer.source)
        if not offer.surely_closed:
            self._steps.settling.check(offer.source, may_grow_s(probed))
        if isinstance(probed, ProbeRefusal):
            return self._seal_and_index(offer, probed)
        known = self._already_known(offer, probed)
        if known is None:
            if offer.leave_late and self._is_left_alone(offer, probed):
                return Outcome(offer.source.path, "late", reason=TOO_LATE + LEFT_ALONE)
            return self._seal_and_index(offer, probed)
        event = Event.RECORDING_OFFERED_AGAIN
        with self._steps.ledger.act(
            event, offer.actor, cameras=(offer.camera,), subject=known
        ) as act:
            row = act.session.get(Recording, known)
            if row is None:  # rows of recordings are never removed
                raise NotFoundError("recording", known)
            entered = self._steps.indexing.offered_again(act, offer, row)
        return self._conclude(offer, entered)

    def _is_left_alone(self, offer: Offer, probed: Probe) -> bool:
        now = self._steps.ledger.clock.now()
        with self._steps.database.read() as session:
            return self._steps.moments.is_past(session, offer, probed, now)

    def _already_known(self, offer: Offer, probed: Probe) -> str | None:
        """The recording of the same file, where its time and size give it away without sealing.

        Only an early answer: whatever this misses, the SHA-256 decides under the lock.
        """
        with self._steps.database.read() as session:
            camera = find_camera(session, offer.camera)
            moment = self._steps.moments.decide(
                session, camera, offer, probed, self._steps.ledger.clock.now()
            )
            likely = session.exec(
                select(Recording).where(
                    col(Recording.camera_code) == offer.camera,
                    col(Recording.span_class) == span_class(moment.ended_at - moment.started_at),
                    col(Recording.started_at) == moment.started_at,
                    col(Recording.size) == offer.source.size,
                )
            ).all()
        if not likely:
            return None
        digest = sha256_of(offer.source)
        return next((each.id for each in likely if each.sha256 == digest), None)

    def _seal_and_index(self, offer: Offer, probed: Probe | ProbeRefusal) -> Outcome:
        def index(new: Sealed) -> Entered:
            offer.source.check_unchanged()
            event = Event.RECORDING_SEALED if isinstance(probed, Probe) else Event.FILE_QUARANTINED
            with self._steps.ledger.act(
                event, offer.actor, cameras=(offer.camera,), subject=new.id
            ) as act:
                if isinstance(probed, Probe):
                    (entered,) = self._steps.indexing.enter(
                        act, [Arriving(offer, probed, new)], act.now
                    )
                else:
                    entered = self._steps.indexing.enter_quarantined(act, offer, probed, new)
                self._steps.intake.works(act)
            return entered

        if isinstance(probed, ProbeRefusal):
            # What lies beside it may be readable, and is taken in by itself once it is gone.
            entered = self._steps.sealing.sealed(offer.source, QUARANTINE, index)
        else:
            entered = self._steps.sealing.sealed(offer.source, ORIGINAL, index, offer.sidecars)
        return self._conclude(offer, entered)

    def _conclude(self, offer: Offer, entered: Entered) -> Outcome:
        """Remove the source as intended, and tell what became of the file."""
        if entered.used and entered.recording is not None:
            self._steps.posters.add(entered.recording)
        removal = self._steps.removals.carry_out(offer, entered)
        reason = with_removal(entered.reason, removal)
        return Outcome(offer.source.path, entered.outcome, entered.recording, reason)


def may_grow_s(probed: Probe | ProbeRefusal) -> float:
    """How many seconds a file must have been left alone where nobody knows whether it is closed.

    A slow upload pauses for longer than any settling time that suits the others. And of what may
    go on at any length, or has hardly begun, the next piece comes as late as a share's writer keeps
    it back: Linux' by 35 s (``vm.dirty_expire_centisecs`` and a round of its flusher).
    """
    if isinstance(probed, ProbeRefusal):
        return UNFINISHED_S if probed.reason_code in {"empty", "unfinished"} else _GROWING_S
    if "cut-short" in probed.faults:
        return UNFINISHED_S
    return _GROWING_S if probed.open_ended else 0.0


def sha256_of(source: Source) -> bytes:
    """The digest of a whole file."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_HASH_CHUNK))
    source.seek(0)
    while count := source.readinto(buffer):
        digest.update(buffer[:count])
    return digest.digest()


def where_in_code(error: Exception) -> tuple[str, str]:
    """The kind of an error and the place in the code, without its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "?" if trace is None else f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
    return type(error).__name__, place
