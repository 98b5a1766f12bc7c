"""When a file's footage was recorded, from all that tells of it, and whether that is too late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, or_, select

from cctv_vault.clock import SystemClock
from cctv_vault.footage.register import find_camera
from cctv_vault.gags import seen_by
from cctv_vault.ingest.arriving import File
from cctv_vault.ingest.conventions import read_name
from cctv_vault.ingest.identify import RecordingTime, decide_time, drifted
from cctv_vault.ingest.neighbours import neighbours_of
from cctv_vault.ingest.probe import Probe
from cctv_vault.ingest.sidecars import exactly
from cctv_vault.ingest.sources import Source
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Sight
from cctv_vault.retention.grants import Grants
from cctv_vault.schema import Camera, Hold, HoldWindow, Recording

_SPANS: Final = tuple(range(19))
"""The classes of what lasts up to three days; no recorder's file is longer."""


class Moments:
    """Gathers what tells of a file's time, and has it decided."""

    def __init__(self, *, ledger: Ledger, grants: Grants) -> None:
        """Both belong to the vault."""
        self._ledger = ledger
        self._grants = grants

    def decide(
        self,
        session: Session,
        camera: Camera,
        file: File,
        probed: Probe,
        arrived_at: datetime,
    ) -> RecordingTime:
        """When it was recorded, by its name, container, sidecar, neighbours and arrival."""
        reading = read_name(file.reading_path, camera.convention)
        for block in (each.block for each in file.sidecars if each.block is not None):
            reading = exactly(reading, block)
        doubt = drifted(camera.clock_uncertainty_s, camera.clock_measured_at, arrived_at)
        moment = decide_time(
            reading=reading,
            container=probed.creation_time,
            duration_s=probed.duration_s,
            arrived_at=arrived_at,
            zone=ZoneInfo(camera.zone),
            clock_offset_s=camera.clock_offset_s,
            clock_uncertainty_s=doubt,
            clock_measured_at=camera.clock_measured_at,
            written_at=file.written_at,
            neighbours=neighbours_of(session, camera, reading, doubt),
        )
        if probed.kind == "video" and moment.source == "name":
            return _unless_continued(session, camera, file, moment)
        return moment

    def written(self, source: Source) -> datetime | None:
        """When a file was last written; in a simulated vault's time that tells nothing."""
        simulated = not isinstance(self._ledger.clock, SystemClock)
        return None if simulated else datetime.fromtimestamp(source.changed_at_s, UTC)

    def is_past(self, session: Session, file: File, probed: Probe, now: datetime) -> bool:
        """As `is_late`, of a file that was looked into."""
        moment = self.decide(session, find_camera(session, file.camera), file, probed, now)
        return self.is_late(session, file.camera, moment, now)

    def is_late(self, session: Session, camera: str, moment: RecordingTime, now: datetime) -> bool:
        """Whether no purpose that everybody may know of would keep a file that arrives now."""
        _, term = self._grants.base_term(
            session,
            find_camera(session, camera),
            captured=moment.ended_at,
            arrived=now,
            time_source=moment.source,
        )
        return term.until <= now and not is_wanted(session, camera, moment, now, secret=False)


def _unless_continued(
    session: Session, camera: Camera, file: File, moment: RecordingTime
) -> RecordingTime:
    """A film's time, in doubt where another from the same start came under the same name.

    A recorder that opens its file anew to go on, after what there was had been taken in, gives the
    rest of it the name of the whole.
    """
    others = session.exec(
        select(Recording.started_at, Recording.ended_at).where(
            col(Recording.camera_code) == camera.code,
            col(Recording.span_class).in_(_SPANS),
            col(Recording.started_at) == moment.started_at,
            col(Recording.original_name) == file.original_name,
            col(Recording.kind) == "video",
        )
    ).all()
    if not others:
        return moment
    before = sum((ended - started).total_seconds() for started, ended in others)
    return replace(
        moment,
        uncertainty_s=moment.uncertainty_s + before,
        notes=(*moment.notes, "Another film of this name came before, and this may go on with it."),
    )


def is_wanted(
    session: Session,
    camera: str,
    recording: Recording | RecordingTime,
    now: datetime,
    *,
    secret: bool,
) -> bool:
    """Whether a hold in force covers the time of a recording; ``secret`` ones too, where asked."""
    query = (
        select(HoldWindow)
        .join(Hold, col(Hold.id) == col(HoldWindow.hold_id))
        .where(
            col(HoldWindow.camera_code) == camera,
            col(Hold.released_at).is_(None),
            or_(col(Hold.until).is_(None), col(Hold.until) > now),
        )
    )
    if not secret:
        query = query.where(seen_by(Sight()))
    for window in session.exec(query):
        slack = timedelta(seconds=window.widened_s + recording.uncertainty_s)
        if (
            window.starts_at - slack < recording.ended_at
            and recording.started_at < window.ends_at + slack
        ):
            return True
    return False
