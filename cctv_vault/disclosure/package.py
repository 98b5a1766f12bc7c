"""What a package holds: gathered facts in, one signed bag out, streamed.

Owns the contents of a package and the order in which they are written: native originals bit for
bit, a playable clip of each approved window, the frames that were chosen, the machine-readable
record, the custody entries with their proofs, the report, and how to verify it all. Refuses to
write an original whose bytes are not those that were sealed. Who may have it was decided before;
where the bytes go is the caller's.
"""

import json
import os
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

from cctv_vault import __version__
from cctv_vault.custody.checkpoints import SIMULATED_SUFFIX
from cctv_vault.custody.documents import DocumentSigner
from cctv_vault.custody.notes import NoteSigner
from cctv_vault.disclosure.ahead import read_ahead
from cctv_vault.disclosure.archive import Sink
from cctv_vault.disclosure.bag import (
    CHECKPOINT,
    FORMAT,
    KEY,
    RECORD,
    REPORT,
    SYSTEM,
    BagWriter,
    Written,
    safe_name,
)
from cctv_vault.disclosure.clockwords import FirstMeasurement, clock_words
from cctv_vault.disclosure.legal import REQUESTERS
from cctv_vault.disclosure.report import make_report, make_system_description
from cctv_vault.disclosure.reportwords import (
    MASKED_INSTEAD,
    NO_FRAME,
    NO_VIDEO,
    UNLAWFUL_SOUND,
    event_words,
)
from cctv_vault.disclosure.unmeasured import is_unmeasured
from cctv_vault.disclosure.verifypage import VERIFY_PAGE, verify_page
from cctv_vault.disclosure.windows import Moment, Window
from cctv_vault.disclosure.workflow import ground_words
from cctv_vault.errors import DamagedError, VaultError
from cctv_vault.footage.clips import Clip, ClipSource, ahead, stream
from cctv_vault.footage.corrections import CorrectionView
from cctv_vault.footage.reader import FootageReader
from cctv_vault.footage.stills import exact_frame, film_at
from cctv_vault.media.errors import MediaRefusedError
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.retention.rules import ARRIVAL
from cctv_vault.views import iso, printable

_MOST_OPEN: Final = 4
FRAME_STANDS: Final = timedelta(seconds=10)
"""How long a picture may have stood when its moment came; longer ago it shows another time (D)."""
FRAME_EARLY: Final = timedelta(milliseconds=10)
"""Time bases round: a picture so little after the moment is the one that was meant."""


@dataclass(frozen=True)
class CameraPart:
    """A camera as the package tells of it; offset is shown time minus true time, seconds."""

    code: str
    name: str
    place: str
    site: str
    zone: str
    view: str
    sound: str
    offset_s: float
    uncertainty_s: float | None
    measured_at: datetime | None
    first: FirstMeasurement | None
    """The first measurement, if it found the clock to be wrong."""


@dataclass(frozen=True)
class RecordingPart:
    """A recording that is handed over, as it was sealed."""

    id: str
    camera: str
    kind: str
    started_at: datetime
    ended_at: datetime
    time_source: str
    uncertainty_s: float
    original_started: str
    clock_offset_s: float
    original_name: str
    size: int
    sha256: bytes
    segment_root: bytes
    container: str
    codec: str
    width: int
    height: int
    fps: float
    has_audio: bool
    arrived_at: datetime
    sealed_at: datetime
    faults: tuple[str, ...]
    derived: Mapping[str, Any] | None = None
    corrections: tuple[CorrectionView, ...] = ()


@dataclass(frozen=True)
class GapPart:
    """A stretch of an approved window without footage, and why."""

    camera: str
    starts_at: datetime
    ends_at: datetime
    cause: str


@dataclass(frozen=True)
class MaskedPart:
    """A film in which others are masked, and who declared to have done it and how."""

    id: str
    camera: str
    size: int
    sha256: bytes
    masked_by: str = field(repr=False)
    how: str = field(repr=False)


@dataclass(frozen=True)
class Contents:
    """Everything that goes into one package; ``request`` holds no needless personal data."""

    request_id: str
    request: Mapping[str, Any] = field(repr=False)
    decision: Mapping[str, Any]
    controller: str
    zone: str
    origin: str
    vkey: str
    made_at: datetime
    asked: tuple[Window, ...]
    approved: tuple[Window, ...]
    cameras: tuple[CameraPart, ...]
    recordings: tuple[RecordingPart, ...]
    gaps: tuple[GapPart, ...]
    sound_allowed: bool
    entries: tuple[tuple[int, bytes], ...] = field(repr=False)
    proofs: Mapping[int, str] = field(repr=False)
    checkpoint: str = field(repr=False)
    masked: tuple[MaskedPart, ...] = ()
    """Where there are any, they alone are handed over: no original, and no clip or frame of one."""
    frames: tuple[Moment, ...] = ()
    """The moments of which the picture itself is wanted; each lies in an approved window."""
    gone: int = 0
    """How many recordings of the approved time had been destroyed by then."""
    certificates: tuple[str, ...] = ()
    """The certificates of their destruction, each with its entry among ``entries``."""


@dataclass(frozen=True)
class Built:
    """What was written: the signed hash, the size, and what each file is."""

    tag_manifest: bytes
    size: int
    originals: int
    clips: int
    withheld: int
    frames: int


class ClipBrokeOffError(VaultError):
    """A clip ended half-way in unreadable footage; the package is to be made without it."""

    code = "clip-broke-off"

    def __init__(self, window: Window, why: str) -> None:
        """``window`` is the clip's; ``why`` a sentence without content."""
        super().__init__(f"the clip of {window.camera} could not be finished: {why}")
        self.window = window
        self.why = why


def build(
    contents: Contents,
    out: Sink,
    *,
    signer: NoteSigner,
    documents: DocumentSigner,
    sandbox: MediaSandbox,
    open_recording: Callable[[str], FootageReader],
    open_masked: Callable[[str], BinaryIO],
    without: Mapping[Window, str],
    progress: Callable[[int], None],
) -> Built:
    """Write the package.

    Args:
        contents: What goes into it.
        out: Takes the zip's bytes, forward only.
        signer: The vault's log key.
        documents: Signs the report.
        sandbox: Where footage is cut.
        open_recording: A recording's plain bytes, seekable, by id.
        open_masked: A masked film's plain bytes, by id.
        without: Windows whose clip broke off in an earlier attempt, and why.
        progress: Called with each number of original bytes written.

    Raises:
        ClipBrokeOffError: A clip failed half-way; abort ``out`` and build again without it.
        DamagedError: An original is not what was sealed.
    """
    bag = BagWriter(out, contents.request_id, contents.made_at)
    footage = _Footage(contents, bag, sandbox, open_recording, progress)
    if contents.masked:
        footage.write_masked(open_masked)
    else:
        footage.write_originals()
        footage.write_clips(without)
        footage.write_frames()
    record = _record(contents, footage, documents.fingerprint)
    bag.add(RECORD, json.dumps(record, indent=2, ensure_ascii=False, sort_keys=True).encode())
    for index, body in contents.entries:
        bag.add(f"data/custody/entries/{index}.json", body)
        bag.add(f"data/custody/proofs/{index}.tlog-proof", contents.proofs[index].encode())
    bag.add(CHECKPOINT, contents.checkpoint.encode())
    bag.add(KEY, f"{contents.vkey}\n".encode())
    report = make_report(record, _acts(contents))
    bag.add(REPORT, documents.sign(report, at=contents.made_at))
    bag.add(SYSTEM, make_system_description(record))
    bag.add("LÄS MIG.txt", _readme(contents, _LAS_MIG).encode())
    bag.add("READ ME.txt", _readme(contents, _READ_ME).encode())
    bag.add(VERIFY_PAGE, verify_page().content)
    info = {
        "Source-Organization": contents.controller,
        "External-Identifier": contents.request_id,
        "Internal-Sender-Description": f"{FORMAT}; log {contents.origin}",
    }
    tag_manifest, size = bag.finish(info, signer)
    return Built(
        tag_manifest,
        size,
        originals=len(footage.originals),
        clips=len(footage.clips),
        withheld=len(footage.withheld),
        frames=len(footage.frames),
    )


# --- footage ----------------------------------------------------------------------------------


@dataclass
class _Footage:
    """Writes the footage into the bag, and keeps what the record says of it."""

    contents: Contents
    bag: BagWriter
    sandbox: MediaSandbox
    open_recording: Callable[[str], FootageReader]
    progress: Callable[[int], None]
    originals: dict[str, Written] = field(default_factory=dict)
    withheld: list[dict[str, str]] = field(default_factory=list)
    clips: list[dict[str, Any]] = field(default_factory=list)
    without_clip: list[dict[str, str]] = field(default_factory=list)
    masked: list[dict[str, Any]] = field(default_factory=list)
    frames: list[dict[str, Any]] = field(default_factory=list)
    without_frame: list[dict[str, str]] = field(default_factory=list)

    def write_originals(self) -> None:
        """Each recording bit for bit, but none whose sound is unlawful without a decision."""
        sound = {camera.code: camera.sound for camera in self.contents.cameras}
        taken: dict[str, set[str]] = {}
        for part in self.contents.recordings:
            if part.has_audio and sound[part.camera] == "no" and not self.contents.sound_allowed:
                self.withheld.append(
                    {
                        "id": part.id,
                        "sha256": part.sha256.hex(),
                        "reason": UNLAWFUL_SOUND.en,
                    }
                )
                continue
            name = safe_name(part.original_name, taken.setdefault(part.camera, set()))
            self._write_original(part, f"data/originals/{part.camera}/{name}")

    def write_masked(self, open_masked: Callable[[str], BinaryIO]) -> None:
        """The masked films alone; each original they are made from is named and held back."""
        for number, part in enumerate(self.contents.masked, start=1):
            path = f"data/masked/{part.camera}-{number}.mp4"
            with (
                closing(open_masked(part.id)) as source,
                closing(read_ahead(source)) as pieces,
                self.bag.stream(path, part.size) as entry,
            ):
                for piece in pieces:
                    entry.write(piece)
                    self.progress(len(piece))
            if self.bag.written[path].sha256 != part.sha256:
                raise DamagedError("a masked film is not what was sealed; supply it again")
            self.masked.append(
                {
                    "file": path,
                    "camera": part.camera,
                    "size": part.size,
                    "sha256": part.sha256.hex(),
                    "masked_by": part.masked_by,
                    "how": part.how,
                    "made_from": [
                        {"id": each.id, "sha256": each.sha256.hex()}
                        for each in self.contents.recordings
                        if each.camera == part.camera
                    ],
                }
            )
        why = MASKED_INSTEAD.en
        self.withheld += [
            {"id": each.id, "sha256": each.sha256.hex(), "reason": why}
            for each in self.contents.recordings
        ]
        self.without_clip += [_span(each) | {"reason": why} for each in self.contents.approved]

    def _write_original(self, part: RecordingPart, path: str) -> None:
        with (
            closing(self.open_recording(part.id)) as source,
            closing(read_ahead(source)) as pieces,
            self.bag.stream(path, part.size) as entry,
        ):
            for piece in pieces:
                entry.write(piece)
                self.progress(len(piece))
        written = self.bag.written[path]
        if written.sha256 != part.sha256:
            raise DamagedError(
                f"the recording {part.id} is not what was sealed: SHA-256 differs; "
                "run 'check --deep'"
            )
        self.originals[part.id] = written

    def write_clips(self, without: Mapping[Window, str]) -> None:
        """A clip of each approved window, or why there is none."""
        for window in self.contents.approved:
            parts = [
                each
                for each in self.contents.recordings
                if each.kind == "video"
                and each.camera == window.camera
                and each.started_at < window.ends_at
                and each.ended_at > window.starts_at
            ]
            why = without.get(window) or ("" if parts else NO_VIDEO.en)
            why = why or self._write_clip(window, parts)
            if why:
                self.without_clip.append(_span(window) | {"reason": why})

    def _write_clip(self, window: Window, parts: Sequence[RecordingPart]) -> str:
        """Write one clip; returns why there is none, or nothing."""
        keep_audio = any(
            camera.code == window.camera and camera.sound == "yes"
            for camera in self.contents.cameras
        )
        path = (
            f"data/clips/{window.camera}_{_compact(window.starts_at)}_"
            f"{_compact(window.ends_at)}.mp4"
        )
        with closing(_Opened(self.open_recording)) as opened:
            sources = [
                ClipSource(
                    each.id,
                    _Source(opened, each),
                    each.started_at,
                    damaged="damaged" in each.faults,
                )
                for each in parts
            ]
            made = stream(
                self.sandbox, sources, window.starts_at, window.ends_at, keep_audio=keep_audio
            )
            with closing(ahead(made)) as chunks:
                try:
                    first = next(chunks)
                except MediaRefusedError as error:
                    return error.sentence
                with self.bag.stream(path, 2 * sum(each.size for each in parts)) as entry:
                    entry.write(first)
                    try:
                        clip = _drain(chunks, entry)
                    except MediaRefusedError as error:
                        raise ClipBrokeOffError(window, error.sentence) from error
        self.clips.append(
            _span(window)
            | {
                "file": path,
                "sha256": self.bag.written[path].sha256.hex(),
                "delivered_from": iso(clip.delivered_from),
                "delivered_to": iso(clip.delivered_to),
                "recordings": list(clip.recordings),
                "unreadable": list(clip.unreadable),
                "starts_on_keyframe": clip.starts_on_keyframe,
                "transcoded": clip.transcoded,
                "codec": clip.codec,
                "sound": keep_audio and any(each.has_audio for each in parts),
                "gaps": [{"from": iso(start), "to": iso(end)} for start, end in clip.gaps],
            }
        )
        return ""

    def write_frames(self) -> None:
        """The very picture shown at each chosen moment, or why there is none."""
        for moment in self.contents.frames:
            why = self._write_frame(moment)
            if why:
                told = {"camera": moment.camera, "at": iso(moment.at), "reason": why}
                self.without_frame.append(told)

    def _write_frame(self, moment: Moment) -> str:
        """Write one frame; returns why there is none, or nothing."""
        mine = [each for each in self.contents.recordings if each.camera == moment.camera]
        part = film_at(mine, moment.at)
        if part is None:
            return NO_FRAME.en
        offset = (moment.at - part.started_at).total_seconds()
        try:
            with closing(_Opened(self.open_recording)) as opened:
                picture = exact_frame(self.sandbox, _Source(opened, part), offset_s=offset)
        except MediaRefusedError as error:
            return error.sentence
        shown = part.started_at + timedelta(seconds=picture.offset_s)
        if not -FRAME_EARLY <= moment.at - shown <= FRAME_STANDS:
            return "no picture lies near this moment"
        # The whole moment is the name: two of one second are two files.
        path = f"data/frames/{moment.camera}_{moment.at:%Y%m%dT%H%M%S.%fZ}.png"
        written = self.bag.add(path, picture.data)
        self.frames.append(
            {
                "file": path,
                "sha256": written.sha256.hex(),
                "camera": moment.camera,
                "at": iso(moment.at),
                "shown_from": iso(shown),
                "frame": picture.number,
                "pts": picture.pts,
                "time_base": None if picture.time_base is None else str(picture.time_base),
                "width": picture.width,
                "height": picture.height,
                "recording": part.id,
                "source_sha256": part.sha256.hex(),
            }
        )
        return ""


class _Opened:
    """The recordings of a clip that are open at once: a few, however many a clip is made of."""

    def __init__(self, open_recording: Callable[[str], FootageReader]) -> None:
        self._open = open_recording
        self._readers: dict[str, FootageReader] = {}

    def reader(self, recording: str) -> FootageReader:
        found = self._readers.pop(recording, None) or self._open(recording)
        self._readers[recording] = found  # the last is the one that was used last
        if len(self._readers) > _MOST_OPEN:
            self._readers.pop(next(iter(self._readers))).close()
        return found

    def close(self) -> None:
        for each in self._readers.values():
            each.close()
        self._readers.clear()


class _Source:
    """One recording of a clip, opened when it is read."""

    def __init__(self, opened: _Opened, part: RecordingPart) -> None:
        self._opened = opened
        self._part = part
        self._at = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = offset + {os.SEEK_CUR: self._at, os.SEEK_END: self._part.size}.get(whence, 0)
        return self._at

    def read(self, size: int, /) -> bytes:
        reader = self._opened.reader(self._part.id)
        reader.seek(self._at)
        data = reader.read(size)
        self._at += len(data)
        return data

    def piece(self, size: int, /) -> bytes:
        reader = self._opened.reader(self._part.id)
        reader.seek(self._at)
        data = reader.piece(size)
        self._at += len(data)
        return data


def _drain(made: Generator[bytes, None, Clip], out: Sink) -> Clip:
    while True:
        try:
            out.write(next(made))
        except StopIteration as end:
            clip: Clip = end.value
            return clip


# --- the record -------------------------------------------------------------------------------


def _record(contents: Contents, footage: _Footage, certificate: str) -> dict[str, Any]:
    """What the package says of itself, the controller first of all (S20)."""
    rule = REQUESTERS[str(contents.request["type"])]
    ground = ground_words(str(contents.request["ground"]["code"]))
    return {
        "format": FORMAT,
        "tool": {"name": "cctv-vault", "version": __version__},
        "made_at": iso(contents.made_at),
        "zone": contents.zone,
        "controller": contents.controller,
        "simulated": contents.origin.endswith(SIMULATED_SUFFIX),
        "request": dict(contents.request)
        | {
            "id": contents.request_id,
            "requester": {"sv": rule.name.sv, "en": rule.name.en},
            "ground_words": {"sv": ground.sv, "en": ground.en},
        },
        "decision": dict(contents.decision),
        "asked": [_span(each) for each in contents.asked],
        "approved": [_span(each) for each in contents.approved],
        "cameras": [_camera(each, contents.recordings) for each in contents.cameras],
        "recordings": [
            _recording(each, footage.originals[each.id])
            for each in contents.recordings
            if each.id in footage.originals
        ],
        "withheld": footage.withheld,
        "masked": footage.masked,
        "clips": footage.clips,
        "without_clip": footage.without_clip,
        "frames": footage.frames,
        "without_frame": footage.without_frame,
        "gaps": [
            {
                "camera": each.camera,
                "from": iso(each.starts_at),
                "to": iso(each.ends_at),
                "cause": each.cause,
            }
            for each in contents.gaps
        ],
        "destroyed": {
            "recordings": contents.gone,
            "certificates": list(contents.certificates),
        },
        "custody": {
            "origin": contents.origin,
            "key": contents.vkey,
            "document_certificate": certificate,
            "entries": [index for index, _ in contents.entries],
            "anchored_outside_by": [],
        },
    }


def _camera(part: CameraPart, recordings: Iterable[RecordingPart]) -> dict[str, Any]:
    # What arrival told does not move with the camera's clock.
    told = [each for each in recordings if each.camera == part.code and each.time_source != ARRIVAL]
    own = [
        each
        for each in told
        if part.first is not None
        and is_unmeasured(
            *(each.time_source, each.clock_offset_s), *(each.arrived_at, part.first.recorded_at)
        )
    ]
    words = clock_words(
        part.offset_s,
        part.uncertainty_s,
        part.measured_at,
        part.zone,
        {each.clock_offset_s for each in told if each not in own},
        part.first if own else None,
    )
    return {
        "code": part.code,
        "name": part.name,
        "place": part.place,
        "site": part.site,
        "zone": part.zone,
        "view": part.view,
        "sound": part.sound or None,
        "clock": {
            "offset_s": part.offset_s,
            "uncertainty_s": part.uncertainty_s,
            "measured_at": None if part.measured_at is None else iso(part.measured_at),
            "sv": words.sv,
            "en": words.en,
        },
    }


def _recording(part: RecordingPart, written: Written) -> dict[str, Any]:
    return {
        "id": part.id,
        "camera": part.camera,
        "kind": part.kind,
        "file": written.path,
        "original_name": printable(part.original_name),
        "size": part.size,
        "sha256": part.sha256.hex(),
        "segment_root": part.segment_root.hex(),
        "started_at": iso(part.started_at),
        "ended_at": iso(part.ended_at),
        "time_source": part.time_source,
        "uncertainty_s": part.uncertainty_s,
        "time_as_read": part.original_started,
        "clock_offset_s": part.clock_offset_s,
        "container": part.container,
        "codec": part.codec,
        "width": part.width,
        "height": part.height,
        "fps": part.fps,
        "sound": part.has_audio,
        "arrived_at": iso(part.arrived_at),
        "sealed_at": iso(part.sealed_at),
        "faults": list(part.faults),
        # The native original of a derived recording no longer exists; its SHA-256 is in here.
        "derived": None if part.derived is None else dict(part.derived),
        # All above is as it was sealed; how some of it should read stands beside it (S14).
        "corrections": [
            {
                "particular": each.particular,
                "says": each.says,
                "reason": each.reason,
                "at": iso(each.at),
            }
            for each in part.corrections
        ],
    }


def _acts(contents: Contents) -> list[dict[str, Any]]:
    """The acts on the handed-over recordings and on the request, for the report's last table."""
    zone = ZoneInfo(contents.zone)
    acts = []
    for index, body in contents.entries:
        entry = json.loads(body)
        at = datetime.fromisoformat(entry["at"]).astimezone(zone)
        acts.append(
            {
                "index": str(index),
                "at": f"{at:%Y-%m-%d %H:%M:%S %Z}",
                "event": str(entry["event"]),
                "words": event_words(str(entry["event"]), entry["facts"]),
                "subject": str(entry["subject"] or ""),
                "actor": str(entry["actor"]["id"]),
            }
        )
    return acts


def _span(window: Window) -> dict[str, str]:
    return {
        "camera": window.camera,
        "from": iso(window.starts_at),
        "to": iso(window.ends_at),
    }


def _compact(moment: datetime) -> str:
    whole = moment - timedelta(microseconds=moment.microsecond)
    return iso(whole).replace("-", "").replace(":", "")


# --- how to read it ---------------------------------------------------------------------------

_LAS_MIG: Final = """\
LÄS MIG - utlämnat bildmaterial, ärende {request}

Öppna data/report.pdf först: där står vad som begärts, vad som lämnats ut, av vem och på vilken
grund, hur kamerornas klockor gick och var det saknas bild.

  data/clips/       det beslutade tidsfönstret som spelbar film (MP4)
  data/frames/      valda ögonblicksbilder (PNG), med kamera, tid och bildnummer i rapporten
  data/originals/   kamerornas egna filer, oförändrade bit för bit
  data/system.pdf   kamerorna, deras klockor och format, på en sida
  data/record.json  samma uppgifter som rapporten, maskinläsbara
  data/custody/     loggposter med bevis, undertecknad kontrollpunkt, nyckel

Kontrollera paketet: öppna verify.html i en webbläsare (utan nät) och välj zip-filen eller mappen.
Litar du inte på paketets egen sida: hämta verify.html hos {controller}, eller kör
"cctv-vault package verify FIL.zip".
Utan vårt program: packa upp och kör "sha256sum -c manifest-sha256.txt" i mappen, samma med
tagmanifest-sha256.txt. Underskriften i manifest.note och bevisen följer c2sp.org/signed-note och
c2sp.org/tlog-proof. Nyckeln finns i data/custody/key.txt; jämför den med den som
{controller} har offentliggjort.

Loggen är förankrad hos utomstående: ingen.
Tider anges i UTC (Z) i filnamn och record.json, och i platsens tid i rapporten.
"""
_READ_ME: Final = """\
READ ME - footage handed over, case {request}

Open data/report.pdf first: what was asked, what was handed over, by whom and on what ground, how
the cameras' clocks ran and where pictures are missing.

  data/clips/       the window that was decided on, as playable film (MP4)
  data/frames/      chosen frames (PNG); camera, time and frame number stand in the report
  data/originals/   the cameras' own files, unchanged bit for bit
  data/system.pdf   the cameras, their clocks and formats, on one page
  data/record.json  the same facts as the report, for machines
  data/custody/     log entries with proofs, signed checkpoint, key

Verify the package: open verify.html in a browser (no network needed) and choose the zip file or
the folder. If you do not trust the package's own page: take verify.html from {controller}, or run
"cctv-vault package verify FILE.zip".
Without our program: unpack it and run "sha256sum -c manifest-sha256.txt" in the folder, then the
same with tagmanifest-sha256.txt. The signature in manifest.note and the proofs follow
c2sp.org/signed-note and c2sp.org/tlog-proof. The key is in data/custody/key.txt; compare it with
the one {controller} has published.

The log is anchored outside by: nobody.
Times are in UTC (Z) in file names and record.json, in local time in the report.
"""


def _readme(contents: Contents, text: str) -> str:
    simulated = (
        "\nSIMULERAD / SIMULATED: detta paket kommer från ett övningsarkiv och är inget bevis. "
        "This package comes from a drill and is no evidence.\n"
        if contents.origin.endswith(SIMULATED_SUFFIX)
        else ""
    )
    return text.format(request=contents.request_id, controller=contents.controller) + simulated
