"""Every table on one page, with the meaning and unit of each column.

Times are UTC and timezone-aware. Footage itself is never here: a row says where the ciphertext is
and which wrapped keys open it. Free text and anything that names a person lies in ``sealed_text``,
encrypted under a purpose key of its own retention month, so that it ends by key destruction too.
"""

from datetime import datetime
from typing import Any, ClassVar, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Table,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

Json = dict[str, Any]


def table(model: type[SQLModel]) -> Table:
    """The table of a model, for Core statements on the hot paths."""
    return cast("Table", vars(model)["__table__"])


def _json() -> Any:  # noqa: ANN401 - SQLModel's own type for a field default
    return Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


def _json_list() -> Any:  # noqa: ANN401
    return Field(default_factory=list, sa_column=Column(JSON, nullable=False))


def _bytes(*, nullable: bool = False, index: bool = False) -> Any:  # noqa: ANN401
    return Field(sa_column=Column(LargeBinary, nullable=nullable, index=index))


# --- the vault itself -------------------------------------------------------------------------


class VaultRow(SQLModel, table=True):
    """The one row that says which vault this is."""

    __tablename__: ClassVar[str] = "vault"

    id: int = Field(primary_key=True, description="always 1")
    vault_id: str = Field(description="random; part of every stream's associated data")
    format_version: int = Field(description="of the home as a whole")
    controller: str = Field(description="the controller (personuppgiftsansvarig) as printed")
    zone: str = Field(description="IANA zone of sites that name none")
    origin: str = Field(
        description="of the log's checkpoints; ends in /simulated in a simulated vault"
    )
    created_at: datetime
    simulated_now: datetime | None = Field(
        default=None, description="set only in a simulated vault"
    )


class PolicyRow(SQLModel, table=True):
    """A published version of the retention policy, verbatim."""

    __tablename__: ClassVar[str] = "policy"

    version: int = Field(primary_key=True)
    document: str = Field(description="the TOML as published")
    published_at: datetime
    effective_at: datetime = Field(
        description="never before published_at (S17); the newest whose time has come is in force"
    )
    published_by: str


class Site(SQLModel, table=True):
    """A shop (butik)."""

    __tablename__: ClassVar[str] = "site"

    code: str = Field(primary_key=True)
    name: str
    zone: str = Field(description="IANA zone")
    opening: Json = _json()  # weekday "mon".."sun" -> [["10:00","18:00"]]; "closed": ["2026-06-19"]
    freeze_budget_bytes: int = Field(
        sa_type=BigInteger, description="what unconfirmed requests may keep at once"
    )
    created_at: datetime


class Camera(SQLModel, table=True):
    """A camera (kamera) and what the register must say of it (S2, S3)."""

    __tablename__: ClassVar[str] = "camera"

    code: str = Field(primary_key=True)
    site_code: str = Field(foreign_key="site.code", index=True)
    name: str
    place: str = ""
    zone: str = Field(description="IANA zone its file names are read in")
    convention: str = Field(default="auto", description="file-name convention, or auto")
    drop_folder: str = Field(description="where its files arrive; absolute")
    purpose_text: str = Field(default="", description="specific text, not 'safety' alone (S3)")
    view: str = Field(default="", description="the field of view in words (S2)")
    sound: str = Field(default="", description="yes, no, or empty while unanswered")
    origin: str = Field(
        default="surveillance", description="surveillance or production (S1); fixed"
    )
    recorder_retention_days: int | None = Field(default=None, description="the recorder's own copy")
    clock_offset_s: float = Field(default=0.0, description="shown time minus true time, seconds")
    clock_uncertainty_s: float | None = Field(default=None, description="None: never measured")
    clock_measured_at: datetime | None = None
    created_at: datetime
    last_arrival_at: datetime | None = None


class SignCheck(SQLModel, table=True):
    """A look at the sign of a site's surveillance; append-only, the newest counts (S2)."""

    __tablename__: ClassVar[str] = "sign_check"

    id: int | None = Field(default=None, primary_key=True)
    site_code: str = Field(foreign_key="site.code", index=True)
    at: datetime
    by: str
    there: bool
    place: str = Field(description="where it hangs")
    controller: bool = Field(description="it says who the controller is")
    purpose: bool = Field(description="it says what the surveillance is for")
    pointer: bool = Field(description="it says where more is to be read")


class ClockMeasurement(SQLModel, table=True):
    """One measurement of a camera's clock against reference time."""

    __tablename__: ClassVar[str] = "clock_measurement"

    id: int | None = Field(default=None, primary_key=True)
    camera_code: str = Field(foreign_key="camera.code", index=True)
    offset_s: float = Field(description="shown time minus true time, seconds")
    uncertainty_s: float
    measured_at: datetime
    recorded_at: datetime
    recorded_by: str


class CameraHealth(SQLModel, table=True):
    """Whether a camera is well: what is expected of it, and what is wrong now."""

    __tablename__: ClassVar[str] = "camera_health"

    camera_code: str = Field(primary_key=True, foreign_key="camera.code")
    watched_since: datetime = Field(description="since when it was looked at without a long pause")
    looked_at: datetime
    learned_at: datetime | None = None
    habit: Json | None = Field(
        default=None,
        sa_column=Column(JSON(none_as_null=True), nullable=True),
        description="health.habit.Habit; None before enough is known",
    )
    anchor: Json | None = Field(
        default=None,
        sa_column=Column(JSON(none_as_null=True), nullable=True),
        description="how long files took when the clock was known: seconds, scatter, measured_at",
    )
    faults: list[Json] = _json_list()  # fault, since, found_at, figures
    told: Json = _json()  # fault -> when that was last sent out
    view_since: datetime | None = Field(
        default=None, description="what the room looked like before no longer counts"
    )


class PictureNote(SQLModel, table=True):
    """What the pictures of a recording say of its camera, in figures; for four weeks."""

    __tablename__: ClassVar[str] = "picture_note"
    __table_args__: ClassVar[Any] = (Index("ix_picture_note", "camera_code", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    camera_code: str = Field(foreign_key="camera.code")
    recording_id: str = Field(foreign_key="recording.id")
    at: datetime
    light: float = Field(description="grey levels of 0 to 255, on average")
    spread: float = Field(description="grey levels; near 0 where there is nothing in the picture")
    still: bool = Field(description="whether no more changed than coding a picture twice does")
    mark: str = Field(description="the same for pictures that are the same point for point")
    likeness: float | None = Field(description="0 to 1, to the room as it was; None: not known")
    viewed: bool = Field(description="whether the stream view of its recording was made")


# --- footage ----------------------------------------------------------------------------------


class Recording(SQLModel, table=True):
    """A recording (inspelning): exists if and only if its ciphertext is complete.

    After expiry the row stays without its file name, so that the SHA-256 recognises the file when
    it is offered again and a request for that time can be answered truthfully.
    """

    __tablename__: ClassVar[str] = "recording"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("camera_code", "sha256"),
        Index("ix_recording_time", "camera_code", "span_class", "started_at"),
        Index("ix_recording_state", "state", "blob_removed_at"),
        # What belongs to a film and comes after it asks for the film by its name.
        Index(
            "ix_recording_film",
            "camera_code",
            "original_name",
            sqlite_where=text("kind = 'video'"),
            postgresql_where=text("kind = 'video'"),
        ),
    )

    id: str = Field(primary_key=True)
    camera_code: str = Field(foreign_key="camera.code")
    kind: str = Field(description="video or still")
    origin: str = Field(description="surveillance or production, from the camera at intake")
    state: str = Field(default="kept", description="kept, or expired once no grant is left")
    started_at: datetime = Field(description="corrected by the clock offset")
    ended_at: datetime = Field(description="exclusive; equals started_at for a still")
    span_class: int = Field(
        description="n where ended_at - started_at <= 2**n seconds; indexes overlap"
    )
    uncertainty_s: float = Field(description="of started_at, seconds")
    time_source: str = Field(description="name, container or arrival")
    original_started: str = Field(default="", description="the time as read, before correction")
    clock_offset_s: float = Field(default=0.0, description="the offset that was applied")
    disagreements: list[Json] = _json_list()  # sources, seconds apart, sentence
    original_name: str = Field(
        description="verbatim (surrogateescape as \\udcxx); empty once expired"
    )
    arrived_at: datetime
    sealed_at: datetime
    size: int = Field(sa_type=BigInteger, description="bytes of the original")
    sha256: bytes = _bytes(index=True)  # of the original
    ciphertext_size: int = Field(sa_type=BigInteger)
    segment_root: bytes = _bytes()  # RFC 6962 root over the ciphertext segments
    container: str
    codec: str
    width: int
    height: int
    fps: float
    duration_s: float
    has_audio: bool = False
    faults: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    derived: Json | None = Field(
        default=None,
        sa_column=Column(JSON(none_as_null=True), nullable=True),
        description="where it comes from when only a window was kept; None for what was taken in",
    )
    source_state: str = Field(default="present", description="present, removed, or kept by order")
    source_removed_at: datetime | None = None
    expired_at: datetime | None = None
    blob_removed_at: datetime | None = None
    certificate_id: str | None = Field(default=None, description="of the sweep that expired it")


class DerivedStream(SQLModel, table=True):
    """A thumbnail, preview or rendition: under the recording's key, so it dies with it."""

    __tablename__: ClassVar[str] = "derived_stream"

    recording_id: str = Field(primary_key=True, foreign_key="recording.id")
    stream: str = Field(primary_key=True, description="thumbnail, preview, rendition …")
    segment_root: bytes = _bytes()
    size: int = Field(sa_type=BigInteger)
    created_at: datetime


class Correction(SQLModel, table=True):
    """How a recording's own particulars should read; append-only, the original stays (S14)."""

    __tablename__: ClassVar[str] = "correction"

    id: int | None = Field(default=None, primary_key=True)
    recording_id: str = Field(foreign_key="recording.id", index=True)
    particular: str = Field(description="camera, content, title or other")
    at: datetime
    by: str
    text: int = Field(foreign_key="sealed_text.id", description="canonical JSON: says, reason")


class Quarantined(SQLModel, table=True):
    """A file that could not be read as footage: sealed, with its reason, for seven days."""

    __tablename__: ClassVar[str] = "quarantined"
    # A list of gaps asks for what arrived from one camera since then.
    __table_args__: ClassVar[Any] = (Index("ix_quarantined_camera", "camera_code", "arrived_at"),)

    id: str = Field(primary_key=True)
    camera_code: str = Field(foreign_key="camera.code")
    original_name: str
    reason_code: str
    reason: str
    arrived_at: datetime
    size: int = Field(sa_type=BigInteger)
    sha256: bytes = _bytes(index=True)
    segment_root: bytes = _bytes()
    purpose_key_id: str | None = Field(default=None, index=True)
    wrapped_key: bytes | None = _bytes(nullable=True)
    until: datetime
    state: str = Field(default="kept", description="kept, expired or destroyed")


# --- keys, grants, holds ----------------------------------------------------------------------


class PurposeKey(SQLModel, table=True):
    """A key of one purpose: per quarter-hour of expiry, per hold, or per retention month.

    Deleting the row, and the root it is wrapped under, is what expiry is.
    """

    __tablename__: ClassVar[str] = "purpose_key"
    __table_args__: ClassVar[Any] = (
        Index("ix_purpose_key_slot", "slot"),
        Index("ix_purpose_key_due", "expires_at"),
        Index("ix_purpose_key_root", "root_epoch"),
    )

    id: str = Field(primary_key=True)
    slot: str = Field(description="what it serves, e.g. prevention/2026-03-04T09:15Z, hold/H-…")
    purpose: str
    expires_at: datetime | None = Field(description="a quarter-hour; None while open-ended")
    root_epoch: int = Field(description="of the root it is wrapped under")
    wrapped: bytes = _bytes()
    created_at: datetime
    retiring: bool = Field(default=False, description="being replaced: takes no new grants")


class Grant(SQLModel, table=True):
    """A purpose's key to one recording. Live while ``ended_at`` is None and ``until`` is ahead."""

    __tablename__: ClassVar[str] = "recording_grant"
    __table_args__: ClassVar[Any] = (
        Index("ix_grant_recording", "recording_id"),
        Index("ix_grant_key", "purpose_key_id"),
        Index("ix_grant_hold", "hold_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    recording_id: str = Field(foreign_key="recording.id")
    purpose: str
    hold_id: str | None = Field(default=None, foreign_key="hold.id")
    purpose_key_id: str | None = Field(description="None once the key is gone")
    wrapped_key: bytes | None = _bytes(nullable=True)
    since: datetime
    until: datetime | None = Field(description="exact end; None while the hold is open-ended")
    reason: str = Field(description="a sentence without personal data")
    statute: str
    policy_version: int
    ended_at: datetime | None = None
    about_staff: bool = Field(
        default=False,
        description="what a colleague is suspected of keeps it, or let this purpose open it: the "
        "privacy officer's alone",
    )


class Hold(SQLModel, table=True):
    """A hold (bevarandespärr): a rule over cameras and time, not a list of recordings."""

    __tablename__: ClassVar[str] = "hold"

    id: str = Field(primary_key=True)
    purpose: str
    statute: str
    reason_text: int | None = Field(default=None, foreign_key="sealed_text.id")
    document_text: int | None = Field(default=None, foreign_key="sealed_text.id")
    placed_at: datetime
    placed_by: str = Field(description="account id, system or portal")
    until: datetime | None = Field(description="None: open-ended, with a review date")
    review_at: datetime | None
    reminded: int = Field(default=0, description="calls for that review entered so far, 0 to 3")
    gagged: bool = False
    about_staff: bool = Field(
        default=False,
        description="of what a colleague is suspected of: the privacy officer's alone",
    )
    released_at: datetime | None = Field(default=None, index=True)
    released_by: str | None = None


class HoldWindow(SQLModel, table=True):
    """One camera's window of a hold; matching is widened by the clock's uncertainty."""

    __tablename__: ClassVar[str] = "hold_window"
    __table_args__: ClassVar[Any] = (Index("ix_hold_window_camera", "camera_code", "ends_at"),)

    id: int | None = Field(default=None, primary_key=True)
    hold_id: str = Field(foreign_key="hold.id", index=True)
    camera_code: str = Field(foreign_key="camera.code")
    starts_at: datetime
    ends_at: datetime = Field(description="exclusive")
    widened_s: float = Field(description="seconds added on each side; only ever grows")


class SealedText(SQLModel, table=True):
    """Free text, names, contact data: sealed under the purpose key of its retention month."""

    __tablename__: ClassVar[str] = "sealed_text"

    id: int | None = Field(default=None, primary_key=True)
    purpose_key_id: str = Field(
        index=True, description="gone with the key; the blob is then emptied"
    )
    binding: str = Field(description="what it is bound to as associated data")
    blob: bytes = _bytes()


class Intent(SQLModel, table=True):
    """An act outside the database that was announced and has no outcome yet."""

    __tablename__: ClassVar[str] = "intent"

    id: str = Field(primary_key=True)
    kind: str = Field(description="source-removal, blob-removal, root-destruction, release …")
    subject: str
    payload: Json = _json()
    created_at: datetime


class SweepRun(SQLModel, table=True):
    """One sweep: which roots it moved between, and how far it came."""

    __tablename__: ClassVar[str] = "sweep_run"

    id: str = Field(primary_key=True)
    started_at: datetime
    from_epoch: int
    to_epoch: int
    step: str = Field(
        description="begun, rewrapped, root-destroyed, certified, cleared, blobs-removed, done"
    )
    recordings: int = 0
    keys_destroyed: int = 0
    finished_at: datetime | None = None


class Certificate(SQLModel, table=True):
    """A certificate of deletion, as signed."""

    __tablename__: ClassVar[str] = "certificate"

    id: str = Field(primary_key=True)
    sweep_id: str = Field(index=True)
    created_at: datetime
    document: str = Field(description="the whole certificate file: JSON with proofs and checkpoint")


# --- incidents and disclosure -----------------------------------------------------------------


class Incident(SQLModel, table=True):
    """An incident (händelse): a window over cameras, kept under a hold of its own."""

    __tablename__: ClassVar[str] = "incident"

    id: str = Field(primary_key=True)
    hold_id: str = Field(foreign_key="hold.id", unique=True)
    category: str
    title_text: int = Field(foreign_key="sealed_text.id")
    report_number_text: int | None = Field(default=None, foreign_key="sealed_text.id")
    report_number_at: datetime | None = None
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None = Field(default=None, index=True)
    closed_by: str | None = None


class IncidentNote(SQLModel, table=True):
    """A note on an incident; append-only, corrected only by a new note (S14)."""

    __tablename__: ClassVar[str] = "incident_note"

    id: int | None = Field(default=None, primary_key=True)
    incident_id: str = Field(foreign_key="incident.id", index=True)
    at: datetime
    by: str
    text: int = Field(foreign_key="sealed_text.id")


class Request(SQLModel, table=True):
    """A disclosure request (begäran om utlämnande) and where it stands."""

    __tablename__: ClassVar[str] = "request"

    id: str = Field(primary_key=True, description="the reference, e.g. B-7K2M9Q4X")
    state: str = Field(index=True)
    requester_type: str
    ground_code: str
    via: str = Field(description="portal, staff or api")
    language: str
    delivery: str
    site_code: str | None = Field(default=None, foreign_key="site.code")
    body_text: int = Field(foreign_key="sealed_text.id", description="as received, canonical JSON")
    received_at: datetime
    deadline_at: datetime | None = None
    hold_id: str | None = Field(default=None, foreign_key="hold.id")
    gagged: bool = False
    code_hash: str = Field(default="", description="Argon2id of the status code given at receipt")
    registered_by: str
    handled_by: str | None = Field(default=None, description="who verified or assessed")
    verification_method: str | None = None
    verified_at: datetime | None = None
    assessment_text: int | None = Field(default=None, foreign_key="sealed_text.id")
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision: str | None = Field(
        default=None, description="a state it led to, or erased or partly-erased"
    )
    decision_text: int | None = Field(default=None, foreign_key="sealed_text.id")
    released_at: datetime | None = None
    channel: str | None = None
    acknowledged_at: datetime | None = None
    receipt_text: int | None = Field(default=None, foreign_key="sealed_text.id")
    closed_at: datetime | None = None
    prolonged_at: datetime | None = Field(
        default=None, description="when the answer was put off by two months, once"
    )
    asked_at: datetime | None = Field(
        default=None, description="when those who may approve were called, for release on the spot"
    )
    number_due_at: datetime | None = Field(
        default=None, description="by when a case number must follow; None: none is owed"
    )
    fee_kronor: int | None = Field(
        default=None, description="what access costs (GDPR 12.5); None: nothing"
    )
    fee_text: int | None = Field(
        default=None, foreign_key="sealed_text.id", description="canonical JSON: why"
    )


class RequestWindow(SQLModel, table=True):
    """One camera window of a request: as asked, or as approved."""

    __tablename__: ClassVar[str] = "request_window"

    id: int | None = Field(default=None, primary_key=True)
    request_id: str = Field(foreign_key="request.id", index=True)
    part: str = Field(description="asked or approved")
    camera_code: str = Field(foreign_key="camera.code")
    starts_at: datetime
    ends_at: datetime


class RequestFrame(SQLModel, table=True):
    """A moment of which the picture itself is to lie in a request's package, as PNG."""

    __tablename__: ClassVar[str] = "request_frame"

    id: int | None = Field(default=None, primary_key=True)
    request_id: str = Field(foreign_key="request.id", index=True)
    camera_code: str = Field(foreign_key="camera.code")
    at: datetime


class Package(SQLModel, table=True):
    """A prepared package, sealed like a recording while it waits for collection."""

    __tablename__: ClassVar[str] = "package"

    id: str = Field(primary_key=True)
    request_id: str = Field(foreign_key="request.id", index=True)
    purpose_key_id: str | None = Field(default=None, index=True)
    wrapped_key: bytes | None = _bytes(nullable=True)
    segment_root: bytes = _bytes()
    size: int = Field(sa_type=BigInteger)
    sha256: bytes = _bytes()
    created_at: datetime
    until: datetime
    state: str = Field(default="waiting", description="waiting, released or expired")
    about_staff: bool = Field(
        default=False,
        description="holds footage that a suspicion against a colleague hides: only the privacy "
        "officer lets it out",
    )


class CaseFile(SQLModel, table=True):
    """A file of a request: a document that came with it, or a masked film made for it."""

    __tablename__: ClassVar[str] = "case_file"

    id: str = Field(primary_key=True)
    request_id: str = Field(foreign_key="request.id", index=True)
    kind: str = Field(description="document or masked")
    camera_code: str | None = Field(default=None, description="of a masked film")
    media_type: str
    size: int = Field(sa_type=BigInteger)
    sha256: bytes = _bytes()
    words_text: int = Field(
        foreign_key="sealed_text.id", description="canonical JSON: its name; who masked it and how"
    )
    added_at: datetime
    added_by: str
    purpose_key_id: str | None = Field(default=None, index=True)
    wrapped_key: bytes | None = _bytes(nullable=True)
    segment_root: bytes = _bytes()
    until: datetime = Field(description="moved up when the case ends")
    state: str = Field(default="kept", description="kept or expired")


class DownloadLink(SQLModel, table=True):
    """A one-time link to a released package, opened with a code that travels another way."""

    __tablename__: ClassVar[str] = "download_link"

    token_hash: str = Field(primary_key=True, description="SHA-256 of the token in the link, hex")
    package_id: str = Field(foreign_key="package.id", index=True)
    code_hash: str = Field(description="Argon2id of the code")
    attempts_left: int
    expires_at: datetime
    created_at: datetime
    collected_at: datetime | None = None
    revoked_at: datetime | None = None


class OutboxMessage(SQLModel, table=True):
    """A message that leaves by mail or webhook: reference and link, never footage or a code."""

    __tablename__: ClassVar[str] = "outbox_message"

    id: str = Field(primary_key=True)
    key: str = Field(unique=True, description="what it is about, so that nothing is told twice")
    channel: str = Field(description="mail or webhook")
    about: str | None = Field(default=None, index=True, description="the request, hold or camera")
    words_text: int = Field(
        foreign_key="sealed_text.id", description="canonical JSON: address and message"
    )
    created_at: datetime
    next_at: datetime | None = Field(
        index=True, description="of the next attempt; None once sent or given up"
    )
    attempts: int = 0
    sent_at: datetime | None = None
    failure: str = Field(default="", description="code of the last failure")


class FootageCopy(SQLModel, table=True):
    """The register of copies: footage taken out for internal use, and when it must end."""

    __tablename__: ClassVar[str] = "footage_copy"

    id: str = Field(primary_key=True)
    recordings: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    purpose: str
    reason_text: int = Field(foreign_key="sealed_text.id")
    made_at: datetime
    made_by: str
    sha256: bytes = _bytes()
    end_at: datetime
    destroyed_confirmed_at: datetime | None = None


# --- consent for course material --------------------------------------------------------------


class Subject(SQLModel, table=True):
    """A person in course photographs or films; the name and all else is in the sealed text."""

    __tablename__: ClassVar[str] = "subject"

    id: str = Field(primary_key=True, description="pseudonymous; this is what the log names")
    body_text: int = Field(
        foreign_key="sealed_text.id", description="canonical JSON; sealed anew with each consent"
    )
    added_at: datetime
    added_by: str


class ConsentText(SQLModel, table=True):
    """A version of the text people consent to, verbatim."""

    __tablename__: ClassVar[str] = "consent_text"

    version: int = Field(primary_key=True)
    document: str
    published_at: datetime
    published_by: str


class ItemPeople(SQLModel, table=True):
    """That somebody went through an item and said who can be identified in it, or that nobody."""

    __tablename__: ClassVar[str] = "item_people"

    recording_id: str = Field(primary_key=True, foreign_key="recording.id")
    declared_at: datetime
    declared_by: str


class ItemPerson(SQLModel, table=True):
    """A person who can be identified in an item."""

    __tablename__: ClassVar[str] = "item_person"

    recording_id: str = Field(primary_key=True, foreign_key="recording.id")
    subject_id: str = Field(primary_key=True, foreign_key="subject.id", index=True)


class Consent(SQLModel, table=True):
    """One person's consent to one item on one channel, under one version of the text (S7)."""

    __tablename__: ClassVar[str] = "consent"

    id: str = Field(primary_key=True)
    subject_id: str = Field(foreign_key="subject.id", index=True)
    recording_id: str = Field(foreign_key="recording.id", index=True)
    channel: str
    text_version: int = Field(foreign_key="consent_text.version")
    method: str = Field(description="signed, electronic or spoken")
    evidence_text: int = Field(
        foreign_key="sealed_text.id", description="canonical JSON: who gave it, and what shows it"
    )
    given_at: datetime
    registered_at: datetime
    registered_by: str
    until: datetime = Field(description="at most 24 months from given_at")
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None


class Publication(SQLModel, table=True):
    """Where an item was published, until that it was taken down is confirmed."""

    __tablename__: ClassVar[str] = "publication"

    id: str = Field(primary_key=True)
    recording_id: str = Field(foreign_key="recording.id", index=True)
    channel: str
    place_text: int = Field(foreign_key="sealed_text.id")
    published_at: datetime
    published_by: str
    until: datetime = Field(description="the first end among what allowed it")
    ordered_down_at: datetime | None = Field(default=None, description="by a withdrawal")
    taken_down_at: datetime | None = Field(default=None, index=True)
    taken_down_by: str | None = None
    taken_down_text: int | None = Field(default=None, foreign_key="sealed_text.id")


# --- personal-data breaches ---------------------------------------------------------------------


class Breach(SQLModel, table=True):
    """A personal-data breach (personuppgiftsincident); never an incident (händelse)."""

    __tablename__: ClassVar[str] = "breach"

    id: str = Field(primary_key=True, description="the reference, e.g. P-7K2M9Q4X")
    discovered_at: datetime = Field(description="when the controller knew: the 72 h run from then")
    registered_at: datetime
    registered_by: str
    gagged: bool = False
    persons: int | None = Field(default=None, description="about how many; None: not known")
    reported_at: datetime | None = Field(default=None, description="to IMY")
    unreported: bool = Field(default=False, description="it stands why IMY is not told")
    whole: bool = Field(default=False, description="the report held everything, or the rest came")
    supplemented_at: datetime | None = None
    told: bool = Field(default=False, description="it stands that persons were told, or why not")
    told_at: datetime | None = None
    closed_at: datetime | None = None


class BreachNote(SQLModel, table=True):
    """An entry on a breach; append-only: what became known is added, nothing is written over."""

    __tablename__: ClassVar[str] = "breach_note"

    id: int | None = Field(default=None, primary_key=True)
    breach_id: str = Field(foreign_key="breach.id", index=True)
    at: datetime
    by: str
    kind: str = Field(description="entered, amended, reported, unreported, supplemented, …")
    text: int = Field(foreign_key="sealed_text.id", description="canonical JSON: words by name")


# --- people -----------------------------------------------------------------------------------


class Account(SQLModel, table=True):
    """A person who may act."""

    __tablename__: ClassVar[str] = "account"

    id: str = Field(primary_key=True, description="pseudonymous; this is what the log names")
    name: str = Field(unique=True)
    roles: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    cleared: bool = Field(default=False, description="may know of gagged matters")
    on_the_spot: bool = Field(default=False, description="may release on the spot")
    credential_hash: str = Field(description="Argon2id")
    created_at: datetime
    disabled_at: datetime | None = None


class Delegation(SQLModel, table=True):
    """An approver's right to decide, lent to another person for a while."""

    __tablename__: ClassVar[str] = "delegation"

    id: str = Field(primary_key=True)
    giver_id: str = Field(foreign_key="account.id", index=True)
    taker_id: str = Field(foreign_key="account.id", index=True)
    starts_at: datetime
    ends_at: datetime = Field(description="exclusive")
    given_at: datetime
    ended_at: datetime | None = Field(default=None, description="when the giver took it back")


class SessionRow(SQLModel, table=True):
    """A signed-in session."""

    __tablename__: ClassVar[str] = "session"

    token_hash: str = Field(primary_key=True, description="SHA-256 of the cookie, hex")
    account_id: str = Field(foreign_key="account.id", index=True)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    viewing_reason: str = Field(default="", description="the matter footage is viewed for")


# --- custody ----------------------------------------------------------------------------------


class CustodyEntry(SQLModel, table=True):
    """A log entry (loggpost): append-only, no gaps, index assigned at commit."""

    __tablename__: ClassVar[str] = "custody_entry"

    leaf_index: int = Field(
        primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False}
    )
    at: datetime
    event: str = Field(index=True)
    subject: str | None = Field(default=None, index=True)
    actor: str = Field(index=True)
    body: bytes = _bytes()  # canonical JSON (RFC 8785): the leaf's data
    leaf_hash: bytes = _bytes()
    details: int | None = Field(default=None, foreign_key="sealed_text.id")


class CustodyLink(SQLModel, table=True):
    """Further subjects of an entry, so that one entry can be found from each thing it concerns."""

    __tablename__: ClassVar[str] = "custody_link"

    subject: str = Field(primary_key=True)
    leaf_index: int = Field(
        primary_key=True, sa_type=BigInteger, foreign_key="custody_entry.leaf_index"
    )


class CustodyTile(SQLModel, table=True):
    """A complete tile of 256 hashes (C2SP tlog-tiles)."""

    __tablename__: ClassVar[str] = "custody_tile"

    level: int = Field(primary_key=True)
    n: int = Field(primary_key=True)
    hashes: bytes = _bytes()


class CustodyHead(SQLModel, table=True):
    """The head of the log and the guard on time; one row, locked by every append."""

    __tablename__: ClassVar[str] = "custody_head"

    id: int = Field(primary_key=True, description="always 1")
    size: int = Field(sa_type=BigInteger)
    edge: bytes = _bytes()  # the right edge of the tree: storage.merkle.CompactRange
    last_at: datetime
    guard_at: datetime = Field(
        description="time that has provably passed; never ahead of elapsed time"
    )
    boot_id: str
    boottime_s: float


class CustodyCheckpoint(SQLModel, table=True):
    """A signed checkpoint."""

    __tablename__: ClassVar[str] = "custody_checkpoint"

    size: int = Field(primary_key=True)
    root: bytes = _bytes()
    note: str
    signed_at: datetime


class RefusalTally(SQLModel, table=True):
    """Repeated refusals from one source, counted into one entry."""

    __tablename__: ClassVar[str] = "refusal_tally"

    key: str = Field(primary_key=True, description="actor, act and error code")
    entered_at: datetime
    uncounted: int = Field(description="refusals since the last entry")
