"""Everything about one recording, and the sentences that say why it is still here."""

import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cctv_vault.custody.log import LoggedEntry
from cctv_vault.footage.corrections import CorrectionView
from cctv_vault.footage.listing import RecordingView
from cctv_vault.retention.grants import GrantView


@dataclass(frozen=True, kw_only=True)
class RecordingDetail(RecordingView):
    """Everything about a recording.

    ``grants`` are those that keep it, ``ended_grants`` those that did; ``zone`` is its camera's.
    ``clock_offset_s`` (shown minus true) was taken off the time as read, ``original_started``.
    ``derived`` says what it was cut out of where only a window was kept, else None. ``beside`` are
    the files that lay beside it and are kept with it: bytes, by the ending of the name.
    ``corrections`` say how its particulars should read; the particulars are as they were sealed.
    """

    site: str
    zone: str
    origin: str
    original_started: str
    clock_offset_s: float
    clock_uncertainty_s: float | None
    clock_measured_at: datetime | None
    disagreements: tuple[dict[str, Any], ...]
    derived: dict[str, Any] | None
    beside: dict[str, int]
    corrections: tuple[CorrectionView, ...]
    arrived_at: datetime
    sealed_at: datetime
    source_state: str
    segment_root: builtins.bytes
    grants: tuple[GrantView, ...]
    ended_grants: tuple[GrantView, ...]
    entries: tuple[LoggedEntry, ...]


def sentences(detail: RecordingDetail) -> Iterator[str]:
    """A recording in sentences: what it is, how sure its time is, and why it is still here."""
    zone = ZoneInfo(detail.zone)

    def local(moment: datetime) -> str:
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    yield f"{detail.id}: {detail.kind} from camera {detail.camera}, site {detail.site}"
    yield f"from {local(detail.started_at)} to {local(detail.ended_at)}"
    yield (
        f"time from the {detail.time_source}, ± {detail.uncertainty_s:g} s, clock offset taken "
        f"off: {detail.clock_offset_s:+g} s; as read: {detail.original_started or 'nothing'}"
    )
    for each in detail.disagreements:
        yield f"contradiction: {each.get('sentence', '')}"
    yield (
        f"file: {detail.original_name or 'name erased'}, {detail.bytes} bytes, SHA-256 "
        f"{detail.sha256.hex()}"
    )
    yield (
        f"{detail.container}, {detail.codec}, {detail.width}x{detail.height}, "
        f"{detail.duration_s:g} s, {'with' if detail.has_audio else 'without'} sound"
    )
    for ending, size in detail.beside.items():
        yield f"kept with it: the {ending} file that lay beside it, {size} bytes"
    for fault in detail.faults:
        yield f"fault: {fault}"
    if detail.derived is not None:
        yield (
            f"derived: the window of {detail.derived['original']} (SHA-256 "
            f"{detail.derived['original_sha256']}), whose rest was not kept; cut by "
            f"{detail.derived['tool']}"
        )
    for correction in detail.corrections:
        yield (
            f"corrected {local(correction.at)}: {correction.particular}: {correction.says} "
            f"({correction.reason})"
        )
    if not detail.grants:
        yield "expired: no purpose keeps it any more"
    for grant in detail.grants:
        until = "open-ended" if grant.until is None else f"until {local(grant.until)}"
        case = f", {grant.belongs_to}" if grant.belongs_to else ""
        yield f"kept for {grant.purpose}{case} ({grant.statute}), {until}: {grant.reason}"
    for entry in detail.entries:
        yield f"log {entry.index}: {local(entry.at)} {entry.event} by {entry.actor}"
