"""Reading a case: a request's rows, its sealed texts and its log, as the facts the gates look at.

Owns what a person may know of: to anyone not cleared a gagged request is not there. Who ever
handled or decided a case is read from the custody log, where nobody can take it back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlmodel import Session, col

from cctv_vault.custody.canonical import Json, canonical_json, parse_canonical
from cctv_vault.custody.events import Event
from cctv_vault.disclosure.legal import rescuer_of
from cctv_vault.disclosure.unmeasured import told_in
from cctv_vault.disclosure.windows import Moment, Window
from cctv_vault.disclosure.workflow import FINISHED, RequestFacts, State
from cctv_vault.errors import NotFoundError
from cctv_vault.footage.catalogue import is_visible
from cctv_vault.footage.timeindex import pages
from cctv_vault.people.actors import Actor, Role, Sight, system_actor
from cctv_vault.retention.grants import Grants
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import (
    CaseFile,
    CustodyEntry,
    CustodyLink,
    DownloadLink,
    Hold,
    Package,
    Recording,
    Request,
)
from cctv_vault.schema import RequestFrame as FrameRow
from cctv_vault.schema import RequestWindow as WindowRow

ASKED: Final = "asked"
APPROVED: Final = "approved"
DOCUMENT: Final = "document"
MASKED: Final = "masked"
CASE_FILE: Final = "case-file"
"""The stream of a request's file, and the kind its key is wrapped as."""
_HANDLING: Final = (
    *(Event.REQUEST_CONFIRMED.value, Event.REQUEST_CLARIFIED.value),
    *(Event.REQUEST_VERIFIED.value, Event.REQUEST_ASSESSED.value),
)
"""Whoever did one of these had a part in what the request says, and does not decide it."""
_DECIDING: Final = (
    Event.REQUEST_APPROVED.value,
    Event.REQUEST_PARTLY_APPROVED.value,
    Event.REQUEST_REFUSED.value,
    Event.REQUEST_ERASED.value,
)
_APPROVED: Final = frozenset({State.APPROVED.value, State.PARTLY_APPROVED.value})
_SYSTEM: Final = "system"
_BATCH: Final = 500


def load(session: Session, request_id: str, actor: Actor, *, lock: bool = False) -> Request:
    """A request the person may know of, locked where it is about to be moved.

    Raises:
        NotFoundError: There is none, or it is not for this person.
    """
    row = session.get(Request, request_id, with_for_update=lock, populate_existing=lock)
    if row is None or (row.gagged and not actor.cleared):
        raise NotFoundError("request", request_id[:40])
    return row


def windows_of(session: Session, request_id: str, part: str) -> tuple[Window, ...]:
    """The windows asked for, or wanted and approved."""
    rows = session.execute(
        select(WindowRow).where(
            col(WindowRow.request_id) == request_id, col(WindowRow.part) == part
        )
    ).scalars()
    return tuple(sorted(Window(row.camera_code, row.starts_at, row.ends_at) for row in rows))


def frames_of(session: Session, request_id: str) -> tuple[Moment, ...]:
    """The moments whose pictures were chosen, by camera and time."""
    rows = session.execute(select(FrameRow).where(col(FrameRow.request_id) == request_id)).scalars()
    return tuple(sorted(Moment(row.camera_code, row.at) for row in rows))


def set_windows(session: Session, request_id: str, part: str, windows: Sequence[Window]) -> None:
    """Replace the windows of one part."""
    for row in session.execute(
        select(WindowRow).where(
            col(WindowRow.request_id) == request_id, col(WindowRow.part) == part
        )
    ).scalars():
        session.delete(row)
    session.flush()
    session.add_all(
        WindowRow(
            request_id=request_id,
            part=part,
            camera_code=each.camera,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
        )
        for each in windows
    )
    session.flush()


def seal_json(session: Session, keyring: Keyring, value: Json, binding: str, now: datetime) -> int:
    """Seal a value that names people; the id of the sealed text."""
    return keyring.seal_text(session, canonical_json(value), binding, now)


def open_json(session: Session, keyring: Keyring, text_id: int | None) -> dict[str, Any]:
    """A sealed value; empty where there is none or its key is gone."""
    data = None if text_id is None else keyring.open_text(session, text_id)
    value = None if data is None else parse_canonical(data)
    return dict(value) if isinstance(value, Mapping) else {}


def files_of(session: Session, request_id: str, now: datetime, kind: str) -> Sequence[CaseFile]:
    """The files of a case that have not ended, in the order of their cameras and arrival."""
    files = all_files_of(session, request_id, kind)
    return [each for each in files if each.until > now and each.wrapped_key is not None]


def all_files_of(session: Session, request_id: str, kind: str) -> Sequence[CaseFile]:
    """What files a case has and had, in the order of their cameras and arrival."""
    rows = session.execute(
        select(CaseFile)
        .where(col(CaseFile.request_id) == request_id, col(CaseFile.kind) == kind)
        .order_by(col(CaseFile.camera_code), col(CaseFile.added_at), col(CaseFile.id))
    ).scalars()
    return rows.all()


def masked_rows(session: Session, request_id: str, now: datetime) -> Sequence[CaseFile]:
    """The masked films of a case that count."""
    return files_of(session, request_id, now, MASKED)


def hashes_of(films: Sequence[CaseFile]) -> list[str]:
    """The SHA-256 of masked films, as a decision on them names them."""
    return sorted(each.sha256.hex() for each in films)


def facts_of(
    session: Session,
    keyring: Keyring,
    row: Request,
    now: datetime,
    *,
    footage: bool | None = None,
) -> RequestFacts:
    """Everything the gates look at; of a case that is over, what they saw.

    Its files end with it, and what was handed over had them all the same.
    """
    body = open_json(session, keyring, row.body_text)
    ground = body.get("ground") or {}
    wanted = windows_of(session, row.id, APPROVED)
    needed = {each.camera for each in wanted}
    is_over = State(row.state) in FINISHED
    supplied = all_files_of(session, row.id, MASKED)
    documents = (
        all_files_of(session, row.id, DOCUMENT)
        if is_over
        else files_of(session, row.id, now, DOCUMENT)
    )
    films = masked_rows(session, row.id, now)
    decided = open_json(session, keyring, row.decision_text).get("masked")
    if is_over and row.decision in _APPROVED:
        films = [each for each in supplied if each.sha256.hex() in (decided or ())]
    masked = needed and needed <= {each.camera_code for each in films}
    if row.decision in _APPROVED:
        masked = masked and decided == hashes_of(films)
    assessment = open_json(session, keyring, row.assessment_text)
    acts = session.execute(
        select(col(CustodyEntry.event), col(CustodyEntry.actor)).where(
            col(CustodyEntry.subject) == row.id,
            col(CustodyEntry.event).in_((*_HANDLING, *_DECIDING)),
        )
    ).all()
    danger = danger_of(body)
    collected = session.execute(
        select(func.count())
        .select_from(DownloadLink)
        .join(Package, col(Package.id) == col(DownloadLink.package_id))
        .where(col(Package.request_id) == row.id, col(DownloadLink.collected_at).is_not(None))
    ).scalar_one()
    return RequestFacts(
        type=row.requester_type,
        ground=row.ground_code,
        registered_by=row.registered_by,
        handlers=frozenset(actor for event, actor in acts if event in _HANDLING)
        | {each.added_by for each in supplied}
        | frozenset(assessment.get("measured_by") or ()),
        deciders=frozenset(
            actor for event, actor in acts if event in _DECIDING and actor != _SYSTEM
        ),
        has_number=bool((body.get("matter") or {}).get("number")),
        has_document=_has_document(row, ground) or bool(documents),
        has_decider=bool(ground.get("decision_maker")),
        hr_heard=bool(assessment.get("heard")),
        verification=row.verification_method,
        facts_stated=bool(assessment.get("facts")),
        necessity_stated=bool(assessment.get("necessity")),
        asked=windows_of(session, row.id, ASKED),
        told=told_in(assessment),
        wanted=wanted,
        decision=row.decision,
        decided_by=row.decided_by,
        masked=bool(masked),
        footage=footage,
        collected=bool(collected) or row.channel not in {None, "link"},
        asked_by=danger.get("asked_by", ""),
        at_stake="at_stake" in danger,
    )


def danger_of(body: Mapping[str, Any]) -> dict[str, str]:
    """What a request says of an emergency; where it says it nowhere else, in its usual fields."""
    danger, requester = body.get("danger") or {}, body.get("requester") or {}
    name = requester.get("authority") or requester.get("name") or ""
    told = {
        "asked_by": danger.get("asked_by") or rescuer_of(name),
        "at_stake": danger.get("at_stake") or body.get("description"),
        "told": danger.get("told"),
    }
    return {name: str(text) for name, text in told.items() if text}


def _has_document(row: Request, ground: Mapping[str, Any]) -> bool:
    """Whether a written order or mandate is there: seen here, and not a stranger's word alone."""
    return bool(ground.get("document")) and (row.via != "portal" or ground.get("seen") is True)


@dataclass(frozen=True)
class Found:
    """The recordings that overlap windows: those left, and what of that time has expired."""

    kept: tuple[Recording, ...]
    gone: int
    certificates: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of the originals left."""
        return sum(row.size for row in self.kept)


def _certificates(session: Session, gone: Sequence[str]) -> tuple[str, ...]:
    """The sweeps that ended the last purpose of recordings, but for gagged holds.

    What only a gagged hold keeps, or kept longest, is told like the rest: by the certificate that
    names it under a key that everybody may know of.
    """
    secret = select(col(CustodyLink.leaf_index)).where(
        col(CustodyLink.subject).in_(select(col(Hold.id)).where(col(Hold.gagged)))
    )
    sweeps: set[str] = set()
    for start in range(0, len(gone), _BATCH):
        ended = (
            select(func.max(col(CustodyLink.leaf_index)))
            .join(CustodyEntry, col(CustodyEntry.leaf_index) == col(CustodyLink.leaf_index))
            .where(
                col(CustodyLink.subject).in_(gone[start : start + _BATCH]),
                col(CustodyEntry.event).in_((Event.KEY_DESTROYED.value, Event.KEY_REPLACED.value)),
                col(CustodyLink.leaf_index).not_in(secret),
            )
            .group_by(col(CustodyLink.subject))
        )
        found = select(col(CustodyLink.subject)).where(
            col(CustodyLink.leaf_index).in_(ended), col(CustodyLink.subject).startswith("G-")
        )
        sweeps |= set(session.execute(found).scalars())
    return tuple(sorted(sweeps))


def sight_of(actor: Actor, row: Request) -> Sight:
    """What of the footage of a case whoever acts in it may see, fetch and hand over.

    A case under a duty of silence reaches what its own order keeps. What a colleague is suspected
    of stays the privacy officer's: nobody comes to see it by asking for it.
    """
    return Sight(gagged=row.gagged, staff=actor.sight.staff)


def viewer(sight: Sight) -> Actor:
    """The product, seeing as much as the person it looks for."""
    roles = frozenset({Role.PRIVACY_OFFICER} if sight.staff else ())
    return replace(system_actor(), cleared=sight.gagged, roles=roles)


def told_of(row: Request) -> Sight:
    """What counts as kept in what is told to whoever asks, and the vault does for itself.

    What a colleague is suspected of is no reason to tell them that footage is gone.
    """
    return Sight(gagged=row.gagged, staff=True)


def footage_in(
    session: Session, grants: Grants, windows: Sequence[Window], now: datetime, sight: Sight
) -> Found:
    """The recordings that show something of the windows.

    What only a hold keeps that ``sight`` may not know of counts as expired.
    """
    rows: dict[str, Recording] = {}
    for window in windows:
        for page in pages(session, (window.camera,), start=window.starts_at, end=window.ends_at):
            rows.update({row.id: row for row in page})
    live = grants.live(session, list(rows), now)
    kept = [row for row in rows.values() if is_visible(live.get(row.id, ()), sight)]
    gone = set(rows) - {row.id for row in kept}
    return Found(
        kept=tuple(sorted(kept, key=lambda row: (row.camera_code, row.started_at, row.id))),
        gone=len(gone),
        certificates=_certificates(session, sorted(gone)),
    )
