"""What offering a file would come to; nothing is changed or entered."""

from dataclasses import replace
from pathlib import Path

from sqlmodel import col, select

from cctv_vault.errors import VaultError
from cctv_vault.footage.register import find_camera
from cctv_vault.ingest.arriving import File, Place
from cctv_vault.ingest.outcomes import LEFT_ALONE, TOO_LATE, Preview
from cctv_vault.ingest.places import real_path, require_finished
from cctv_vault.ingest.probe import FAULTS, ProbeRefusal, probe
from cctv_vault.ingest.single import sha256_of
from cctv_vault.ingest.sources import SourceBusyError, escape_name, open_source
from cctv_vault.ingest.steps import Steps
from cctv_vault.people.actors import Sight, system_actor
from cctv_vault.schema import Recording


class Previews:
    """Looks at files as if they were offered."""

    def __init__(self, steps: Steps) -> None:
        """``steps`` are the vault's."""
        self._steps = steps

    def preview(self, path: Path, place: Place) -> Preview:
        """What offering one file would come to."""
        try:
            return self._preview(path, place)
        except SourceBusyError as busy:
            return Preview(path, "waiting", reason=str(busy))
        except VaultError as error:
            return Preview(path, "failed", reason=str(error))

    def _preview(self, path: Path, place: Place) -> Preview:
        real = real_path(path)
        self._steps.places.refuse_own(real)
        require_finished(real)
        code, reading_path, name = self._steps.places.identify(real, place)
        self._steps.readiness.require(code)
        with open_source(real) as source:
            sidecars = self._steps.settling.require(source)
            self._steps.settling.require_alone(source)
            probed = probe(self._steps.sandbox, source)
            if isinstance(probed, ProbeRefusal):
                reason = f"{probed.reason_code}: {probed.sentence}"
                return Preview(path, "quarantined", code, reason=reason)
            digest, written_at = sha256_of(source), self._steps.moments.written(source)
        file = File(
            actor=system_actor(),
            camera=code,
            reading_path=reading_path,
            original_name=escape_name(name),
            source_state="present",
            written_at=written_at,
            sidecars=sidecars,
        )
        now = self._steps.ledger.clock.now()
        with self._steps.database.read() as session:
            moment = self._steps.moments.decide(
                session, find_camera(session, code), file, probed, now
            )
            told = Preview(
                path,
                "sealed",
                code,
                started_at=moment.started_at,
                ended_at=moment.ended_at,
                time_source=moment.source,
                uncertainty_s=moment.uncertainty_s,
                reason="; ".join(FAULTS[fault] for fault in probed.faults),
            )
            known = session.exec(
                select(Recording).where(
                    col(Recording.camera_code) == code, col(Recording.sha256) == digest
                )
            ).first()
            if known is not None:
                grants = self._steps.grants.live(session, [known.id], now).get(known.id, ())
                kept = known.state == "kept" and any(each.seen_by(Sight()) for each in grants)
                return replace(
                    told,
                    outcome="duplicate" if kept else "expired",
                    recording=known.id,
                    reason="it is sealed already" if kept else "its recording has expired",
                )
            if self._steps.moments.is_late(session, code, moment, now):
                return replace(
                    told, outcome="late", reason=TOO_LATE + LEFT_ALONE * place.leave_late
                )
        return told
