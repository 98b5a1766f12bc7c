"""The files of a request: documents that came with it, and masked films made for it.

Owns their sealing under a key of their own, which the case's purpose wraps, and their end, which is
the case's. What a file is, its own bytes say: a document is a PDF, JPEG or PNG of at most 10 MiB,
a masked film an MP4; anything else is refused, and no file is ever run, opened or shown by the
vault. A masked film counts only with a declaration of who masked it and how, only where it is as
long and as large as what is released, and only until the case is assessed anew; what comes after a
decision is decided on anew. No file takes of the room that the disk is to keep free.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, Final, cast

from sqlalchemy import func, select
from sqlmodel import Session, col

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.disclosure.cases import (
    APPROVED,
    CASE_FILE,
    DOCUMENT,
    MASKED,
    footage_in,
    load,
    open_json,
    seal_json,
    told_of,
    windows_of,
)
from cctv_vault.disclosure.codes import CodeHasher
from cctv_vault.disclosure.intake import read_note
from cctv_vault.disclosure.masking import Film, misfit, spans_of
from cctv_vault.disclosure.packaging import storage_errors
from cctv_vault.disclosure.results import Collected
from cctv_vault.disclosure.windows import Window
from cctv_vault.disclosure.workflow import FINISHED, State
from cctv_vault.errors import (
    ExpiredError,
    IntakeStoppedError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
    VaultError,
)
from cctv_vault.footage.streams import blob_name
from cctv_vault.ids import long_id
from cctv_vault.ingest.probe import ProbeRefusal, probe
from cctv_vault.ledger import Act, Ledger
from cctv_vault.media.sandbox import MediaSandbox
from cctv_vault.people.actors import PORTAL_ACTOR, Actor, Right
from cctv_vault.retention.grants import Grants
from cctv_vault.retention.keyring import Keyring
from cctv_vault.retention.rules import REGISTER_YEARS, month_after
from cctv_vault.schema import Camera, CaseFile, Intent, Request
from storage.backend import BlobStore
from storage.secret import SecretKey
from storage.stream import SealedStream, SealWriter, StreamContext, delete_stream, open_sealed

MOST_DOCUMENT: Final = 10 * 1024 * 1024
MOST_FILM: Final = 8 * 1024 * 1024 * 1024
MOST_FILES: Final = 20
MOST_OF_A_STRANGER: Final = 3
"""Files that come through the portal with one request."""
ENDS_AFTER: Final = timedelta(days=30)
"""How long files outlive a case that ended but was not closed: an objection may reopen it (D)."""

_CHUNK: Final = 1024 * 1024
_ASKED_EVERY: Final = 16 * _CHUNK
"""Bytes that are sealed before it is asked anew whether there is room."""
_HEAD: Final = 16
_INTENT: Final = "case-file"
_ABANDONED_AFTER: Final = timedelta(hours=6)
_LONGEST_NAME: Final = 120
_DOCUMENTS: Final = (
    (b"%PDF-", "application/pdf", "pdf"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
)
_FILM: Final = ("video/mp4", "mp4")
_ENDINGS: Final[Mapping[str, str]] = {
    **{media: ending for _, media, ending in _DOCUMENTS},
    _FILM[0]: _FILM[1],
}
MASKED_IN: Final = frozenset(
    {State.ASSESSED, State.APPROVED, State.PARTLY_APPROVED, State.PREPARED}
)
"""Where a masked film is taken in: what is needed is known, and nothing has left."""


@dataclass(frozen=True)
class FileView:
    """A file of a request; ``masked_by`` and ``how`` declare a masked film."""

    id: str
    kind: str
    camera: str | None
    media_type: str
    size: int
    sha256: bytes
    added_at: datetime
    added_by: str
    name: str = field(repr=False)
    masked_by: str | None = field(default=None, repr=False)
    how: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Declaration:
    """Who masked the others in a film of one camera, and how."""

    camera: str
    masked_by: str = field(repr=False)
    how: str = field(repr=False)


class CaseFiles:
    """Takes in, opens and ends the files of requests."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        keyring: Keyring,
        store: BlobStore,
        grants: Grants,
        sandbox: MediaSandbox,
        vault_id: str,
        reserve_bytes: int,
        on_masked: Callable[[Act, Request, str], None],
    ) -> None:
        """All belong to the vault.

        ``reserve_bytes`` stay free where files are kept; ``on_masked`` is told, in its act, of a
        masked film that came to a request, by the film's id.
        """
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._store = store
        self._grants = grants
        self._sandbox = sandbox
        self._vault_id = vault_id
        self._reserve_bytes = reserve_bytes
        self._on_masked = on_masked
        self._codes = CodeHasher()

    # --- taking in ----------------------------------------------------------------------------

    def add(self, actor: Actor, request_id: str, name: str, source: BinaryIO) -> FileView:
        """Add a document that came with a request, for example an order or a power of attorney.

        Raises:
            InvalidInputError: It is no PDF, JPEG or PNG, is empty, or has more than 10 MiB.
            NotFoundError: There is no such request, or the person may not know of it.
            TransitionNotAllowedError: The case has ended, or holds as many files as it may.
        """
        with self._ledger.act(Event.REQUEST_FILE_ADDED, actor, subject=request_id) as act:
            actor.require(Right.REQUEST_REGISTER)
            self._open_case(act, load(act.session, request_id, actor), MOST_FILES)
        return self._take_in(actor, request_id, DOCUMENT, name, source, most=MOST_FILES)

    def add_with_code(self, reference: str, code: str, name: str, source: BinaryIO) -> FileView:
        """Add a document through the portal, for whoever has the request's reference and code.

        Raises:
            NotFoundError: Not this reference with this code; which of the two is not told.
            InvalidInputError: As `add`.
            TransitionNotAllowedError: As `add`.
        """
        with self._database.read() as session:
            row = session.get(Request, reference[:40])
        right = self._codes.matches(code, None if row is None else row.code_hash)
        with self._ledger.act(Event.REQUEST_FILE_ADDED, PORTAL_ACTOR) as act:
            if row is None or not right:
                raise NotFoundError("request with that code", reference[:40])
            self._open_case(act, row, MOST_OF_A_STRANGER)
            found = row.id
        return self._take_in(PORTAL_ACTOR, found, DOCUMENT, name, source, most=MOST_OF_A_STRANGER)

    def add_masked(
        self,
        actor: Actor,
        request_id: str,
        name: str,
        source: BinaryIO,
        declared: Declaration,
        *,
        size: int = 0,
    ) -> FileView:
        """Add a film in which others are masked, with who did it and how (table B, GDPR 15.4).

        Where the case was decided already, that is taken back: the second person decides on it.

        Args:
            actor: Who handles the request.
            request_id: Its reference.
            name: What the file is called.
            source: Its bytes.
            declared: Who masked it, and how.
            size: How many bytes are announced; 0 where that is not known.

        Raises:
            InvalidInputError: It is no MP4, the declaration is empty, or it is not as long and as
                large as what is released.
            IntakeStoppedError: There is no room for it.
            TransitionNotAllowedError: The case is not assessed, or the camera is not in it.
        """
        with self._ledger.act(Event.REQUEST_FILE_ADDED, actor, subject=request_id) as act:
            actor.require(Right.REQUEST_HANDLE)
            row = load(act.session, request_id, actor)
            for text, where in ((declared.masked_by, "who masked it"), (declared.how, "how")):
                read_note(text, where)
            self._for_masked(act.session, row, declared.camera)
            self._check_room(size)
        return self._take_in(
            actor, request_id, MASKED, name, source, most=MOST_FILES, declared=declared
        )

    # --- reading ------------------------------------------------------------------------------

    def of(self, session: Session, request_id: str, now: datetime) -> tuple[FileView, ...]:
        """The files of a request that have not ended, in the order they came."""
        rows = session.execute(
            select(CaseFile)
            .where(
                col(CaseFile.request_id) == request_id,
                col(CaseFile.until) > now,
                col(CaseFile.wrapped_key).is_not(None),
            )
            .order_by(col(CaseFile.added_at), col(CaseFile.id))
        ).scalars()
        return tuple(self._view(session, row) for row in rows)

    def list(self, actor: Actor, request_id: str) -> tuple[FileView, ...]:
        """The files of a request.

        Raises:
            NotFoundError: There is no such request, or the person may not know of it.
        """
        with self._ledger.act(Event.REQUEST_READ, actor, subject=request_id) as act:
            load(act.session, request_id, actor)
            actor.require(Right.REQUEST_READ)
            return self.of(act.session, request_id, act.now)

    def open(self, actor: Actor, request_id: str, file_id: str) -> Collected:
        """The plain bytes of a file, to be kept and never shown inline; close the reader.

        Raises:
            NotFoundError: There is no such file of such a request.
            ExpiredError: It ended with its case.
        """
        event = Event.REQUEST_FILE_READ
        with self._ledger.act(event, actor, subject=request_id) as act:
            load(act.session, request_id, actor)
            actor.require(Right.REQUEST_READ)
            row = act.session.get(CaseFile, file_id[:40])
            if row is None or row.request_id != request_id:
                raise NotFoundError("file of this request", file_id[:40])
            reader = self.reader(act.session, row, act.now)
            act.record(event, request_id, facts={"file": row.id}, also=(row.id,))
            name = f"{request_id}-{row.id[:8]}.{_ENDINGS[row.media_type]}"
            return Collected(
                reader=reader,
                again=lambda: self._again(file_id),
                size=row.size,
                sha256=row.sha256,
                name=name,
            )

    def reader(self, session: Session, row: CaseFile, now: datetime) -> BinaryIO:
        """The plain bytes of a file's row.

        Raises:
            ExpiredError: It ended with its case.
            DamagedError: Stored bytes are missing or changed.
        """
        if row.until <= now or row.wrapped_key is None or row.purpose_key_id is None:
            raise ExpiredError("the file ended with its case")
        key = self._keyring.open(
            session, row.purpose_key_id, row.wrapped_key, row.id, kind=CASE_FILE
        )
        context = StreamContext(self._vault_id, row.id, CASE_FILE)
        with storage_errors("file"):
            return cast(
                "BinaryIO",
                open_sealed(
                    self._store,
                    blob_name(row.id, CASE_FILE),
                    key,
                    context,
                    segment_root=row.segment_root,
                ),
            )

    def _again(self, file_id: str) -> BinaryIO:
        with self._database.read() as session:
            row = session.get(CaseFile, file_id[:40])
            if row is None:
                raise NotFoundError("file", file_id[:40])
            return self.reader(session, row, self._ledger.clock.now())

    def resume(self, now: datetime) -> None:
        """Remove what processes that died while a file came in left; call at start."""
        with self._database.read() as session:
            left = (
                session.execute(
                    select(col(Intent.id)).where(
                        col(Intent.kind) == _INTENT, col(Intent.created_at) < now - _ABANDONED_AFTER
                    )
                )
                .scalars()
                .all()
            )
        for file_id in left:
            self._discard(file_id)

    # --- inside -------------------------------------------------------------------------------

    def _open_case(self, act: Act, row: Request, most: int) -> None:
        if State(row.state) in FINISHED:
            raise TransitionNotAllowedError(
                f"the request is {row.state}: reopen it before something is added"
            )
        kept = act.session.execute(
            select(func.count())
            .select_from(CaseFile)
            .where(col(CaseFile.request_id) == row.id, col(CaseFile.until) > act.now)
        ).scalar_one()
        if kept >= most:
            raise TransitionNotAllowedError(f"the request holds {most} files; it takes no more")

    def _for_masked(self, session: Session, row: Request, camera: str) -> None:
        if State(row.state) not in MASKED_IN:
            raise TransitionNotAllowedError(
                f"the request is {row.state}: assess first which cameras and times are needed"
            )
        needed = sorted({each.camera for each in windows_of(session, row.id, APPROVED)})
        if camera not in needed:
            raise InvalidInputError(
                f"the camera of a masked film is one of those needed: {', '.join(needed)}"
            )

    def _take_in(
        self,
        actor: Actor,
        request_id: str,
        kind: str,
        name: str,
        source: BinaryIO,
        *,
        most: int,
        declared: Declaration | None = None,
    ) -> FileView:
        """Seal first, then give it its row in the act that says so; a crash leaves an intent."""
        head = source.read(_HEAD)
        with self._ledger.act(Event.REQUEST_FILE_ADDED, actor, subject=request_id):
            media_type = _media_type(head, kind)
            self._check_room(len(head))
        file_id, key = long_id(), SecretKey.generate()
        now = self._ledger.clock.now()
        with self._database.write() as session:
            session.add(
                Intent(id=file_id, kind=_INTENT, subject=request_id, payload={}, created_at=now)
            )
        try:
            with self._refusing(actor, request_id):
                most_bytes = MOST_DOCUMENT if kind == DOCUMENT else MOST_FILM
                sealed = self._seal(file_id, key, _whole(head, source), most_bytes)
                film = None if declared is None else self._looked_at(file_id, key, sealed)
            with self._ledger.act(Event.REQUEST_FILE_ADDED, actor, subject=request_id) as act:
                row = act.session.get_one(Request, request_id, with_for_update=True)
                self._open_case(act, row, most)
                if declared is not None and film is not None:
                    self._for_masked(act.session, row, declared.camera)
                    self._fits(act, row, declared.camera, film)
                words = {"name": _clean(name)}
                if declared is not None:
                    words |= {"masked_by": declared.masked_by, "how": declared.how}
                # Until the case ends, which moves it up; at the latest with the register.
                until = month_after(act.now, years=REGISTER_YEARS)
                handle = self._keyring.timed(act.session, "request", until, act.now)
                binding = f"request/{request_id}/file/{file_id}"
                file = CaseFile(
                    id=file_id,
                    request_id=request_id,
                    kind=kind,
                    camera_code=None if declared is None else declared.camera,
                    media_type=media_type,
                    size=sealed.size,
                    sha256=sealed.sha256,
                    words_text=seal_json(act.session, self._keyring, words, binding, act.now),
                    added_at=act.now,
                    added_by=actor.id,
                    purpose_key_id=handle.id,
                    wrapped_key=self._keyring.wrap(handle, key, file_id, kind=CASE_FILE),
                    segment_root=sealed.segment_root,
                    until=until,
                )
                act.session.add(file)
                act.session.delete(act.session.get_one(Intent, file_id))
                act.session.flush()
                act.record(
                    Event.REQUEST_FILE_ADDED,
                    request_id,
                    facts={
                        "file": file_id,
                        "kind": kind,
                        "camera": file.camera_code,
                        "type": media_type,
                        "size": sealed.size,
                        "sha256": sealed.sha256.hex(),
                        "segment_root": sealed.segment_root.hex(),
                    },
                    details=words,
                    also=(file_id,),
                )
                if declared is not None:
                    self._on_masked(act, row, file_id)
                return self._view(act.session, file)
        except BaseException:
            self._discard(file_id)
            raise

    def _seal(
        self, file_id: str, key: SecretKey, chunks: Iterator[bytes], most: int
    ) -> SealedStream:
        context = StreamContext(self._vault_id, file_id, CASE_FILE)
        with (
            storage_errors("file"),
            SealWriter(self._store, blob_name(file_id, CASE_FILE), key, context) as writer,
        ):
            size = unasked = 0
            for chunk in chunks:
                size += len(chunk)
                unasked += len(chunk)
                if unasked >= _ASKED_EVERY:
                    self._check_room(unasked)
                    unasked = 0
                if size > most:
                    raise InvalidInputError(f"the file has more than {most // (1024 * 1024)} MiB")
                writer.write(chunk)
            return writer.finish()

    def _check_room(self, size: int) -> None:
        """Raise unless so many bytes more leave free what is to stay free for footage.

        Raises:
            IntakeStoppedError: They do not, or nobody can tell.
        """
        with storage_errors("file"):
            free = self._store.free_bytes()
        if free is not None and free - size < self._reserve_bytes:
            raise IntakeStoppedError(
                "there is no room for this file: what is free where footage is kept is needed for "
                "footage; free space or add a disk, and send it again"
            )

    def _looked_at(self, file_id: str, key: SecretKey, sealed: SealedStream) -> Film:
        """What a sealed film is, read in the confined process.

        Raises:
            InvalidInputError: It cannot be read as a film.
        """
        context = StreamContext(self._vault_id, file_id, CASE_FILE)
        name = blob_name(file_id, CASE_FILE)
        with (
            storage_errors("file"),
            open_sealed(
                self._store, name, key, context, segment_root=sealed.segment_root
            ) as reader,
        ):
            found = probe(self._sandbox, reader)
        if isinstance(found, ProbeRefusal):
            raise InvalidInputError(f"the masked film cannot be read as a film: {found.sentence}")
        return Film(found.kind, found.duration_s, found.width, found.height, found.has_audio)

    def _fits(self, act: Act, row: Request, camera: str, film: Film) -> None:
        """Refuse a film that cannot be the masked one of a camera's released time.

        Raises:
            InvalidInputError: The message says why.
        """
        windows = [
            each for each in windows_of(act.session, row.id, APPROVED) if each.camera == camera
        ]
        kept = footage_in(act.session, self._grants, windows, act.now, told_of(row)).kept
        films = [each for each in kept if each.kind == "video"]
        why = misfit(
            film,
            spans_of(windows, [Window(camera, each.started_at, each.ended_at) for each in films]),
            {(each.width, each.height) for each in films},
            may_sound=act.session.get_one(Camera, camera).sound == "yes",
        )
        if why:
            raise InvalidInputError(why)

    @contextmanager
    def _refusing(self, actor: Actor, request_id: str) -> Iterator[None]:
        """Enter a refusal that comes while nothing is locked: a stranger may send slowly."""
        try:
            yield
        except VaultError as error:
            with self._ledger.act(Event.REQUEST_FILE_ADDED, actor, subject=request_id):
                raise error from None

    def _discard(self, file_id: str) -> None:
        with self._database.write() as session:
            if session.get(CaseFile, file_id) is None:
                delete_stream(self._store, blob_name(file_id, CASE_FILE))
            intent = session.get(Intent, file_id)
            if intent is not None:
                session.delete(intent)

    def _view(self, session: Session, row: CaseFile) -> FileView:
        words = open_json(session, self._keyring, row.words_text)
        return FileView(
            id=row.id,
            kind=row.kind,
            camera=row.camera_code,
            media_type=row.media_type,
            size=row.size,
            sha256=row.sha256,
            added_at=row.added_at,
            added_by=row.added_by,
            name=words.get("name", ""),
            masked_by=words.get("masked_by"),
            how=words.get("how"),
        )


def end_files(
    session: Session, request_id: str, until: datetime, *, kind: str | None = None
) -> None:
    """Let the files of a case end then; the next sweep after it destroys their keys."""
    for row in session.execute(
        select(CaseFile).where(
            col(CaseFile.request_id) == request_id, col(CaseFile.wrapped_key).is_not(None)
        )
    ).scalars():
        if kind in {None, row.kind}:
            row.until = until
            session.add(row)


def follow(session: Session, row: Request, state: State, now: datetime) -> None:
    """Let the files of a case end as the case does, or live on where it is taken up again."""
    if state is State.CLOSED:
        end_files(session, row.id, now)
    elif state in FINISHED:
        end_files(session, row.id, now + ENDS_AFTER)
    elif state is State.CONFIRMED:
        for file in session.execute(
            select(CaseFile).where(
                col(CaseFile.request_id) == row.id,
                col(CaseFile.until) > now,
                col(CaseFile.wrapped_key).is_not(None),
            )
        ).scalars():
            file.until = month_after(file.added_at, years=REGISTER_YEARS)
            session.add(file)


def _media_type(head: bytes, kind: str) -> str:
    """What a file is by its own first bytes, whatever it is called.

    Raises:
        InvalidInputError: It is nothing that is taken.
    """
    if kind == MASKED:
        if head[4:8] == b"ftyp":
            return _FILM[0]
        raise InvalidInputError("a masked film is an MP4 file")
    for beginning, media_type, _ in _DOCUMENTS:
        if head.startswith(beginning):
            return media_type
    raise InvalidInputError("a document is a PDF, a JPEG or a PNG file")


def _whole(head: bytes, source: BinaryIO) -> Iterator[bytes]:
    yield head
    while chunk := source.read(_CHUNK):
        yield chunk


def _clean(name: str) -> str:
    """A file's name as it may be shown: no folders, no control characters, not endless."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(each for each in last if each.isprintable())
    return shown[:_LONGEST_NAME] or "-"
