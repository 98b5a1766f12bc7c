"""Making a package: from a decided case to a sealed zip, and out of the vault on a person's order.

Owns the gathering of what a package holds, its key (wrapped under the purpose ``release-copy``, so
that it ends by itself) and its blob. It never writes a plain byte to a disk of the vault: the zip
streams into the cipher as it is made. Whether a package may be made was decided before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Final, cast

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.documents import DocumentSigner
from cctv_vault.custody.events import Event
from cctv_vault.custody.log import CustodyLog
from cctv_vault.custody.notes import NoteSigner
from cctv_vault.database import Database
from cctv_vault.disclosure.ahead import read_ahead
from cctv_vault.disclosure.cases import (
    ASKED,
    CASE_FILE,
    footage_in,
    frames_of,
    masked_rows,
    open_json,
    viewer,
    windows_of,
)
from cctv_vault.disclosure.clockwords import FirstMeasurement
from cctv_vault.disclosure.legal import METHODS, REQUESTERS, Words
from cctv_vault.disclosure.package import (
    Built,
    CameraPart,
    ClipBrokeOffError,
    Contents,
    GapPart,
    MaskedPart,
    RecordingPart,
    build,
)
from cctv_vault.disclosure.unmeasured import first_measurement
from cctv_vault.disclosure.windows import Window
from cctv_vault.disclosure.workflow import STATE_WORDS, State
from cctv_vault.errors import (
    AccessDeniedError,
    DamagedError,
    ExpiredError,
    GateNotMetError,
    IntakeStoppedError,
    NotFoundError,
    VaultError,
)
from cctv_vault.footage.access import FootageAccess
from cctv_vault.footage.catalogue import Catalogue
from cctv_vault.footage.corrections import CorrectionView, corrections_of
from cctv_vault.footage.streams import blob_name
from cctv_vault.ids import long_id
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import Actor, Sight
from cctv_vault.retention.grants import Grants
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import (
    Camera,
    CaseFile,
    CustodyEntry,
    DownloadLink,
    Intent,
    Package,
    Recording,
    Request,
)
from cctv_vault.views import iso
from storage.backend import BlobStore
from storage.errors import StorageError, StorageFullError, StorageUnavailableError
from storage.passphrase import LockedReader
from storage.secret import SecretKey
from storage.stream import (
    SealedReader,
    SealedStream,
    SealWriter,
    StreamContext,
    delete_stream,
    open_sealed,
)

WAITS_FOR: Final = timedelta(days=30)
"""How long a package's key lives unless a receipt or a revocation ends it sooner (D)."""

STREAM: Final = "package"
_PURPOSE: Final = "release-copy"
_INTENT: Final = "package"
_ABANDONED_AFTER: Final = timedelta(hours=6)
_BATCH: Final = 500

_OF_RECORDINGS: Final = frozenset(
    {
        *(Event.RECORDING_SEALED, Event.RECORDING_OFFERED_AGAIN, Event.RECORDING_JOINED),
        *(Event.SOURCE_REMOVAL_INTENDED, Event.SOURCE_REMOVED, Event.SOURCE_KEPT),
        Event.FOOTAGE_VIEWED,
        *(Event.FOOTAGE_EXPORT_INTENDED, Event.FOOTAGE_EXPORTED, Event.FOOTAGE_EXPORT_FAILED),
    }
)
_OF_CAMERAS: Final = frozenset({Event.CAMERA_ADDED, Event.CAMERA_CLOCK_MEASURED})
_OF_CERTIFICATES: Final = frozenset({Event.CERTIFICATE_ISSUED})
_NOT_OF_THE_CASE: Final = frozenset({Event.REQUEST_READ, Event.REFUSED})


@dataclass(frozen=True)
class Made:
    """A sealed package that has no row yet."""

    package_id: str
    key: SecretKey = field(repr=False)
    sealed: SealedStream
    built: Built
    about_staff: bool
    """Whether it holds what a suspicion against a colleague hides."""


class Packaging:
    """Makes packages and opens them."""

    def __init__(
        self,
        *,
        database: Database,
        log: CustodyLog,
        signer: NoteSigner,
        documents: DocumentSigner,
        keyring: Keyring,
        grants: Grants,
        store: BlobStore,
        catalogue: Catalogue,
        access: FootageAccess,
        sandbox: MediaSandbox,
        vault_id: str,
        controller: str,
        zone: str,
    ) -> None:
        """All belong to the vault; ``signer`` holds its log key, ``documents`` signs the report."""
        self._database = database
        self._log = log
        self._signer = signer
        self._documents = documents
        self._keyring = keyring
        self._grants = grants
        self._store = store
        self._catalogue = catalogue
        self._access = access
        self._sandbox = sandbox
        self._vault_id = vault_id
        self._controller = controller
        self._zone = zone

    # --- making -------------------------------------------------------------------------------

    def make(
        self,
        row: Request,
        windows: Sequence[Window],
        now: datetime,
        *,
        sound_allowed: bool,
        progress: Callable[[int], None],
        sight: Sight,
    ) -> Made:
        """Build and seal a package; the caller gives it a row, or calls `discard`.

        It holds what ``sight`` reaches, which is that of whoever orders it.

        Raises:
            DamagedError: An original is not what was sealed.
            ExpiredError: The last purpose of an original ended while it was read.
            IntakeStoppedError: There is no room for the package.
        """
        package_id = long_id()
        with self._database.write() as session:
            session.add(
                Intent(
                    id=package_id,
                    kind=_INTENT,
                    subject=row.id,
                    payload={},
                    created_at=now,
                )
            )
        try:
            contents, hidden = self._gather(
                row, windows, now, sound_allowed=sound_allowed, sight=sight
            )
            key = SecretKey.generate()
            sealed, built = self._seal(package_id, key, contents, row, progress)
        except BaseException:
            self.discard(package_id)
            raise
        return Made(package_id, key, sealed, built, hidden)

    def keep(
        self,
        session: Session,
        row: Request,
        made: Made,
        now: datetime,
        *,
        lasts: timedelta = WAITS_FOR,
    ) -> Package:
        """Give a package its row, in the act that says so; earlier packages of the request end."""
        self.end(session, row.id, now)
        until = now + lasts
        handle = self._keyring.timed(session, _PURPOSE, until, now)
        package = Package(
            id=made.package_id,
            request_id=row.id,
            purpose_key_id=handle.id,
            wrapped_key=self._keyring.wrap(handle, made.key, made.package_id, kind=STREAM),
            segment_root=made.sealed.segment_root,
            size=made.sealed.size,
            sha256=made.sealed.sha256,
            created_at=now,
            until=until,
            about_staff=made.about_staff,
        )
        session.add(package)
        intent = session.get(Intent, made.package_id)
        if intent is not None:
            session.delete(intent)
        session.flush()
        return package

    def discard(self, package_id: str) -> None:
        """Leave nothing of a package that got no row; one that has a row is left alone."""
        with self._database.write() as session:
            if session.get(Package, package_id) is not None:
                return
            delete_stream(self._store, blob_name(package_id, STREAM))
            intent = session.get(Intent, package_id)
            if intent is not None:
                session.delete(intent)

    def end(self, session: Session, request_id: str, now: datetime) -> None:
        """End a request's packages and links at once; the next sweep destroys keys and blobs."""
        revoke_links(session, request_id, now)
        for package in session.execute(
            select(Package).where(col(Package.request_id) == request_id, col(Package.until) > now)
        ).scalars():
            package.until = now
            package.state = "expired"
            session.add(package)

    def resume(self, now: datetime) -> None:
        """Remove what processes that died while making a package left."""
        with self._database.read() as session:
            abandoned = (
                session.execute(
                    select(col(Intent.id)).where(
                        col(Intent.kind) == _INTENT, col(Intent.created_at) < now - _ABANDONED_AFTER
                    )
                )
                .scalars()
                .all()
            )
            kept = set(
                session.execute(
                    select(col(Package.id)).where(col(Package.id).in_(abandoned))
                ).scalars()
            )
        for package_id in abandoned:
            if package_id not in kept:
                self.discard(package_id)

    # --- opening ------------------------------------------------------------------------------

    def newest(self, session: Session, request_id: str, now: datetime) -> Package:
        """The package that waits or was released.

        Raises:
            NotFoundError: There is none any more.
        """
        package: Package | None = session.execute(
            select(Package)
            .where(
                col(Package.request_id) == request_id,
                col(Package.until) > now,
                col(Package.wrapped_key).is_not(None),
            )
            .order_by(col(Package.created_at).desc())
            .limit(1)
        ).scalar()
        if package is None:
            raise NotFoundError("package of", request_id, "prepare it again")
        return package

    def open(self, session: Session, package: Package, now: datetime) -> SealedReader:
        """A package's plain bytes; close the reader.

        Raises:
            ExpiredError: Its time is over.
            DamagedError: Stored bytes are missing or changed.
        """
        if package.until <= now or package.wrapped_key is None or package.purpose_key_id is None:
            raise ExpiredError(f"the package of {package.request_id} has ended; prepare it again")
        key = self._keyring.open(
            session, package.purpose_key_id, package.wrapped_key, package.id, kind=STREAM
        )
        with storage_errors("package"):
            return open_sealed(
                self._store,
                blob_name(package.id, STREAM),
                key,
                StreamContext(self._vault_id, package.id, STREAM),
                segment_root=package.segment_root,
            )

    # --- inside -------------------------------------------------------------------------------

    def _seal(
        self,
        package_id: str,
        key: SecretKey,
        contents: Contents,
        row: Request,
        progress: Callable[[int], None],
    ) -> tuple[SealedStream, Built]:
        without: dict[Window, str] = {}
        context = StreamContext(self._vault_id, package_id, STREAM)
        while True:
            try:
                with (
                    storage_errors("package"),
                    SealWriter(self._store, blob_name(package_id, STREAM), key, context) as writer,
                ):
                    built = build(
                        contents,
                        writer,
                        signer=self._signer,
                        documents=self._documents,
                        sandbox=self._sandbox,
                        open_recording=lambda each: self._access.open_internal(
                            each, cleared=row.gagged
                        ),
                        open_masked=self._open_masked,
                        without=without,
                        progress=progress,
                    )
                    return writer.finish(), built
            except ClipBrokeOffError as error:
                without[error.window] = error.why

    def _gather(
        self,
        row: Request,
        windows: Sequence[Window],
        now: datetime,
        *,
        sound_allowed: bool,
        sight: Sight,
    ) -> tuple[Contents, bool]:
        """What a package holds; and whether a suspicion against a colleague hides some of it."""
        note = self._log.checkpoint(now)
        with self._database.read() as session:
            found = footage_in(session, self._grants, windows, now, sight)
            seen = footage_in(session, self._grants, windows, now, Sight(gagged=sight.gagged))
            cameras = sorted({each.camera for each in windows})
            body = open_json(session, self._keyring, row.body_text)
            asked = windows_of(session, row.id, ASKED)
            masked = self._masked(session, row, now)
            corrected = corrections_of(session, self._keyring, found.kept)
            frames = frames_of(session, row.id)
            parts = tuple(_camera_part(session, code) for code in cameras)
            entries = _entries(
                session,
                row,
                {
                    _OF_CAMERAS: cameras,
                    _OF_RECORDINGS: [each.id for each in found.kept],
                    _OF_CERTIFICATES: found.certificates,
                },
                _signed_size(note),
            )
        gaps = self._gaps(windows, sight)
        proofs = dict(self._log.proofs([index for index, _ in entries], note))
        contents = Contents(
            request_id=row.id,
            request=_request_part(row, body),
            decision=_decision_part(row, now),
            controller=self._controller,
            zone=self._zone,
            origin=self._log.origin,
            vkey=self._log.vkey,
            made_at=now,
            asked=asked,
            approved=tuple(windows),
            cameras=parts,
            recordings=tuple(
                _recording_part(each, corrected.get(each.id, ())) for each in found.kept
            ),
            gaps=gaps,
            masked=masked,
            frames=tuple(each for each in frames if each.within(windows)),
            gone=found.gone,
            certificates=found.certificates,
            sound_allowed=sound_allowed,
            entries=entries,
            proofs=proofs,
            checkpoint=note,
        )
        return contents, found.kept != seen.kept

    def _masked(self, session: Session, row: Request, now: datetime) -> tuple[MaskedPart, ...]:
        """The masked films, where others must be masked: then nothing else is handed over."""
        if not REQUESTERS[row.requester_type].masking.demanded:
            return ()
        parts = []
        for each in masked_rows(session, row.id, now):
            words = open_json(session, self._keyring, each.words_text)
            parts.append(
                MaskedPart(
                    id=each.id,
                    camera=str(each.camera_code),
                    size=each.size,
                    sha256=each.sha256,
                    masked_by=words.get("masked_by", ""),
                    how=words.get("how", ""),
                )
            )
        if not parts:
            raise GateNotMetError("no package is made", ("no masked version was supplied",))
        return tuple(parts)

    def _open_masked(self, file_id: str) -> BinaryIO:
        with self._database.read() as session:
            row = session.get(CaseFile, file_id)
            if row is None or row.purpose_key_id is None or row.wrapped_key is None:
                raise ExpiredError("the masked film ended; supply it again")
            key = self._keyring.open(
                session, row.purpose_key_id, row.wrapped_key, row.id, kind=CASE_FILE
            )
        with storage_errors("masked film"):
            return cast(
                "BinaryIO",
                open_sealed(
                    self._store,
                    blob_name(row.id, CASE_FILE),
                    key,
                    StreamContext(self._vault_id, row.id, CASE_FILE),
                    segment_root=row.segment_root,
                ),
            )

    def _gaps(self, windows: Sequence[Window], sight: Sight) -> tuple[GapPart, ...]:
        found = [
            GapPart(gap.camera, gap.starts_at, gap.ends_at, gap.cause)
            for window in windows
            for gap in self._catalogue.gaps(
                viewer(sight),
                cameras=(window.camera,),
                start=window.starts_at,
                end=window.ends_at,
            )
        ]
        return tuple(sorted(found, key=lambda each: (each.camera, each.starts_at)))


def may_leave(session: Session, actor: Actor, row: Request, now: datetime) -> None:
    """Refuse a package, or one in its place, to who may not see all that it holds.

    Raises:
        AccessDeniedError: A suspicion against a colleague hides some of it.
    """
    hidden = session.execute(
        select(col(Package.id)).where(
            col(Package.request_id) == row.id, col(Package.until) > now, col(Package.about_staff)
        )
    ).first()
    if hidden is not None and not actor.sight.staff:
        raise AccessDeniedError("the privacy officer hands this package over, and nobody else")


def revoke_links(session: Session, request_id: str, now: datetime) -> int:
    """Make every link to a request's packages worthless at once; how many still were not."""
    query = (
        select(DownloadLink)
        .join(Package, col(Package.id) == col(DownloadLink.package_id))
        .where(col(Package.request_id) == request_id, col(DownloadLink.revoked_at).is_(None))
    )
    links = session.execute(query).scalars().all()
    for link in links:
        link.revoked_at = now
        session.add(link)
    return len(links)


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Translate storage's errors at the border.

    Raises:
        IntakeStoppedError: There is no room, or the store does not answer.
        DamagedError: Stored bytes are missing or changed.
    """
    try:
        yield
    except VaultError:
        raise
    except (StorageFullError, StorageUnavailableError) as error:
        raise IntakeStoppedError(
            f"the {what} cannot be stored or read now: {error}; mend the store; nothing is lost"
        ) from error
    except StorageError as error:
        raise DamagedError(f"the {what} is damaged: {error}") from error


def copy_out(reader: SealedReader | LockedReader, write: Callable[[bytes], object]) -> None:
    """Every byte of a package, in pieces, to wherever a person ordered it."""
    with (
        closing(reader),
        storage_errors("package"),
        closing(read_ahead(reader)) as pieces,
    ):
        for piece in pieces:
            write(piece)


def _signed_size(note: str) -> int:
    return int(note.split("\n")[1])


def _entries(
    session: Session,
    row: Request,
    about: Mapping[frozenset[Event], Sequence[str]],
    size: int,
) -> tuple[tuple[int, bytes], ...]:
    """The entries of some kinds that are ``about`` something, and those of the request itself.

    They concern the recordings, the cameras' clocks, the certificates of what is gone, the request
    and its hold.
    """
    wanted: list[tuple[Sequence[str], frozenset[Event] | None]] = [
        ([each for each in (row.id, row.hold_id) if each], None),
        *(
            (subjects[start : start + _BATCH], events)
            for events, subjects in about.items()
            for start in range(0, len(subjects), _BATCH)
        ),
    ]
    found: dict[int, bytes] = {}
    for subjects, events in wanted:
        query = select(
            col(CustodyEntry.leaf_index), col(CustodyEntry.event), col(CustodyEntry.body)
        ).where(col(CustodyEntry.subject).in_(subjects), col(CustodyEntry.leaf_index) < size)
        found.update(
            (index, body)
            for index, event, body in session.execute(query)
            if (event not in _NOT_OF_THE_CASE if events is None else event in events)
        )
    return tuple(sorted(found.items()))


def _camera_part(session: Session, code: str) -> CameraPart:
    camera = session.get(Camera, code)
    if camera is None:
        raise NotFoundError("camera", code)
    first = first_measurement(session, code)
    return CameraPart(
        code=camera.code,
        name=camera.name,
        place=camera.place,
        site=camera.site_code,
        zone=camera.zone,
        view=camera.view,
        sound=camera.sound,
        offset_s=camera.clock_offset_s,
        uncertainty_s=camera.clock_uncertainty_s,
        measured_at=camera.clock_measured_at,
        first=None
        if first is None
        else FirstMeasurement(first.offset_s, first.measured_at, first.recorded_at),
    )


def _recording_part(row: Recording, corrections: tuple[CorrectionView, ...]) -> RecordingPart:
    return RecordingPart(
        id=row.id,
        camera=row.camera_code,
        kind=row.kind,
        started_at=row.started_at,
        ended_at=row.ended_at,
        time_source=row.time_source,
        uncertainty_s=row.uncertainty_s,
        original_started=row.original_started,
        clock_offset_s=row.clock_offset_s,
        original_name=row.original_name,
        size=row.size,
        sha256=row.sha256,
        segment_root=row.segment_root,
        container=row.container,
        codec=row.codec,
        width=row.width,
        height=row.height,
        fps=row.fps,
        has_audio=row.has_audio,
        arrived_at=row.arrived_at,
        sealed_at=row.sealed_at,
        faults=tuple(row.faults),
        derived=row.derived,
        corrections=corrections,
    )


def _request_part(row: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    """The request without the officer's own name, address and telephone (GDPR 5.1 c)."""
    requester = body.get("requester") or {}
    ground = body.get("ground") or {}
    matter = body.get("matter") or {}
    return {
        "type": row.requester_type,
        "authority": requester.get("authority"),
        "unit": requester.get("unit"),
        "ground": {
            "code": row.ground_code or None,
            "decision_maker": ground.get("decision_maker"),
            "document": ground.get("document"),
        },
        "matter": {"number": matter.get("number"), "offence": matter.get("offence")},
        "via": row.via,
        "received_at": iso(row.received_at),
    }


_BEFORE_DECISION: Final = Words("utlämnat före beslut", "handed over before a decision")
_UNVERIFIED: Final = Words("legitimation visad på plats", "identity card shown in person")


def _decision_part(row: Request, now: datetime) -> dict[str, Any]:
    before = row.decision not in {State.APPROVED.value, State.PARTLY_APPROVED.value}
    words = _BEFORE_DECISION if before else STATE_WORDS[State(str(row.decision))]
    method = METHODS.get(row.verification_method or "", _UNVERIFIED)
    return {
        "decision": "before-decision" if before else row.decision,
        "words": {"sv": words.sv, "en": words.en},
        "by": row.decided_by,
        "at": iso(row.decided_at or now),
        "verification": {"sv": method.sv, "en": method.en},
    }
