"""What was in quarantine and can be read now becomes a recording."""

from pathlib import Path

from cctv_vault.custody.events import Event
from cctv_vault.errors import DamagedError
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.footage.streams import ORIGINAL, QUARANTINE, blob_name, stream_context
from cctv_vault.ingest.arriving import Arriving, Entered, File, Sealed
from cctv_vault.ingest.intake import stopped_by
from cctv_vault.ingest.outcomes import Outcome
from cctv_vault.ingest.probe import Probe, ProbeRefusal, probe
from cctv_vault.ingest.quarantine import HeldFile
from cctv_vault.ingest.sources import unescape_name
from cctv_vault.ingest.steps import Steps
from cctv_vault.people.actors import Actor
from storage.errors import StorageError, StorageFullError, StorageUnavailableError
from storage.stream import open_sealed


class Readmission:
    """Looks at quarantined files again."""

    def __init__(self, steps: Steps) -> None:
        """``steps`` are the vault's."""
        self._steps = steps

    def retry(self, actor: Actor, object_id: str) -> Outcome:
        """As `Ingest.retry`, by whoever may."""
        with entered_if_refused(self._steps.ledger, Event.QUARANTINE_RETRIED, actor, object_id):
            held = self._steps.quarantine.open(object_id)
        try:
            with open_sealed(
                self._steps.store,
                blob_name(object_id, QUARANTINE),
                held.key,
                stream_context(self._steps.vault_id, object_id, QUARANTINE),
                segment_root=held.segment_root,
            ) as content:
                probed = probe(self._steps.sandbox, content)
                if isinstance(probed, ProbeRefusal):
                    self._steps.quarantine.still_refused(actor, held, probed)
                    reason = f"{probed.reason_code}: {probed.sentence}"
                    return Outcome(Path(held.name), "quarantined", reason=reason)
                self._steps.intake.check_room(content.size)
                entered = self._steps.sealing.sealed(
                    content, ORIGINAL, lambda new: self._readmit(actor, held, probed, new)
                )
        except (StorageFullError, StorageUnavailableError) as error:
            raise stopped_by(error) from error
        except StorageError as error:
            raise DamagedError(f"the quarantined file {object_id} is damaged: {error}") from error
        if entered.used and entered.recording is not None:
            self._steps.posters.add(entered.recording)
        return Outcome(Path(held.name), entered.outcome, entered.recording, entered.reason)

    def _readmit(self, actor: Actor, held: HeldFile, probed: Probe, new: Sealed) -> Entered:
        """Index what was in quarantine as a recording, and end its stay there, in one act."""
        event = Event.QUARANTINE_RETRIED
        with self._steps.ledger.act(event, actor, cameras=(held.camera,), subject=held.id) as act:
            gone = self._steps.quarantine.end(act, held.id)
            file = File(
                actor=actor,
                camera=held.camera,
                reading_path=unescape_name(held.name),
                original_name=held.name,
                source_state="removed" if gone else "kept",
            )
            (entered,) = self._steps.indexing.enter(
                act, [Arriving(file, probed, new)], held.arrived_at
            )
            act.record(
                event,
                held.id,
                facts={"readable": True, "recording": entered.recording},
                also=() if entered.recording is None else (entered.recording,),
            )
            self._steps.intake.works(act)
        return entered
