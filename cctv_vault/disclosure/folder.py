"""What whoever stands with the requester sees of their cases, and carries away as one folder.

Owns the view for a person who may read no request but the one before them, and the folder that a
browser fetches: the package, what of it is played and read at once, and the receipt to be signed,
in one zip that is made while it is sent and lies on no disk of the vault. Refuses it to anybody but
who saw the card, and once the visit is over.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Final, cast

from sqlalchemy import or_, select
from sqlmodel import col

from cctv_vault.custody.events import Event
from cctv_vault.disclosure.archive import ArchiveWriter, archived_size, read_archive
from cctv_vault.disclosure.cases import (
    APPROVED,
    danger_of,
    load,
    open_json,
    windows_of,
)
from cctv_vault.disclosure.legal import ASKS_IN_DANGER
from cctv_vault.disclosure.letterwords import Kind
from cctv_vault.disclosure.packaging import may_leave, storage_errors
from cctv_vault.disclosure.results import Called
from cctv_vault.disclosure.spot import CALLED_COUNTS_FOR, Spot, own_case, receipt_name, unpacked
from cctv_vault.disclosure.windows import Window
from cctv_vault.disclosure.workflow import BEFORE_DECISION, State
from cctv_vault.errors import NotFoundError, TransitionNotAllowedError
from cctv_vault.ledger import Act
from cctv_vault.people.actors import Actor, Right
from cctv_vault.schema import Package, Request

_STEP: Final = 8 * 1024 * 1024
"""Bytes of a package that are sent before it is asked anew whether they may be."""
_WITH_A_FOLDER: Final = frozenset({State.UNDER_REVIEW, State.RELEASED})


@dataclass(frozen=True)
class StandingCase:
    """A case of whoever stands with the requester.

    ``called`` says who was called, and None where nobody is; ``review_by`` and ``number_by`` are
    what is owed; ``size`` is that of the package while its folder can be fetched, None else.
    ``measure`` is what is known of a seizure, search or copying, ``danger`` what of an emergency.
    """

    id: str
    state: str
    requester_type: str
    received_at: datetime
    windows: tuple[Window, ...]
    called: Called | None
    released_at: datetime | None
    review_by: datetime | None
    number_by: datetime | None
    size: int | None
    decided_by: str | None
    reason: str | None = field(repr=False)
    measure: Mapping[str, str] | None = field(repr=False)
    danger: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Folder:
    """A folder as one zip of ``size`` bytes; ``pieces`` are read once."""

    name: str
    size: int
    pieces: Iterator[bytes] = field(repr=False)


class Folders(Spot):
    """The cases of whoever stands with the requester, and what they carry away."""

    def standing(self, actor: Actor, request_id: str) -> StandingCase:
        """One case of this person.

        Raises:
            NotFoundError: There is no such request, or it is not one that goes this way.
            AccessDeniedError: Somebody else registered it.
        """
        with self._ledger.act(Event.REQUEST_READ, actor, subject=request_id) as act:
            row = load(act.session, request_id, actor)
            actor.require(Right.REQUEST_REGISTER)
            own_case(row, actor)
            if not _stood_here(row):
                raise NotFoundError("case on the spot", request_id[:40])
            return self._standing(act, row, actor)

    def standings(self, actor: Actor) -> tuple[StandingCase, ...]:
        """This person's cases of the visit under way, and those that still owe a case number."""
        with self._ledger.act(Event.REQUEST_READ, actor) as act:
            actor.require(Right.REQUEST_REGISTER)
            since = act.now - CALLED_COUNTS_FOR
            rows = act.session.execute(
                select(Request)
                .where(
                    col(Request.registered_by) == actor.id,
                    or_(
                        col(Request.asked_at) > since,
                        (col(Request.released_at) > since)
                        & (col(Request.decision) == "before-decision"),
                        col(Request.number_due_at).is_not(None),
                    ),
                )
                .order_by(col(Request.received_at).desc())
            ).scalars()
            return tuple(
                self._standing(act, row, actor)
                for row in rows.all()
                if not row.gagged or actor.cleared
            )

    def open_folder(self, actor: Actor, request_id: str) -> Folder:
        """The folder of a case that was handed over, for the medium it is carried away on.

        It may be fetched again while the visit lasts, so that a broken download is no harm; each
        time is entered as it begins to leave.

        Raises:
            AccessDeniedError: Somebody else registered it.
            TransitionNotAllowedError: Nothing was handed over, or the visit is over.
            ExpiredError: The package has ended.
        """
        event = Event.FOOTAGE_EXPORTED
        with self._ledger.act(event, actor, subject=request_id) as act:
            row = load(act.session, request_id, actor)
            actor.require(Right.REQUEST_REGISTER)
            own_case(row, actor)
            if not _fetchable(row, act.now):
                raise TransitionNotAllowedError(
                    "there is no folder to fetch: nothing was handed over on the spot, or it is "
                    "too long ago; ask who handles requests"
                )
            self._require_usable(act.session, row, act.now)
            may_leave(act.session, actor, row, act.now)
            package = self._packaging.newest(act.session, request_id, act.now)
            self._packaging.open(act.session, package, act.now).close()
            act.record(
                event,
                request_id,
                facts={
                    "package": package.id,
                    "size": package.size,
                    "sha256": package.sha256.hex(),
                },
                also=(package.id,),
            )
            now = act.now
        receipt = self._letters.write(actor, request_id, Kind.HANDOVER)
        return self._folder(request_id, package, receipt, now)

    # --- inside -------------------------------------------------------------------------------

    def _standing(self, act: Act, row: Request, actor: Actor) -> StandingCase:
        decision = open_json(act.session, self._keyring, row.decision_text)
        body = open_json(act.session, self._keyring, row.body_text)
        package = None
        if _fetchable(row, act.now):
            with suppress(NotFoundError):  # where the thing itself was taken there is none
                package = self._packaging.newest(act.session, row.id, act.now)
        return StandingCase(
            id=row.id,
            state=row.state,
            requester_type=row.requester_type,
            received_at=row.received_at,
            windows=windows_of(act.session, row.id, APPROVED),
            called=None if row.asked_at is None else self._called(act, row, actor),
            released_at=row.released_at,
            review_by=row.deadline_at if row.state == State.UNDER_REVIEW else None,
            number_by=row.number_due_at,
            size=None if package is None else package.size,
            decided_by=row.decided_by,
            reason=decision.get("reason"),
            measure=body.get("measure"),
            danger=danger_of(body) if row.requester_type in ASKS_IN_DANGER else {},
        )

    def _folder(self, request_id: str, package: Package, receipt: bytes, now: datetime) -> Folder:
        """The files one after another, each read only when its turn comes."""
        with closing(self._reader(package)) as reader, storage_errors("package"):
            beside = tuple(unpacked(request_id, read_archive(cast("BinaryIO", reader))))
        top = f"{request_id}/"
        sizes = [
            (f"{top}{receipt_name(request_id)}", len(receipt)),
            *((f"{top}{name}", member.size) for name, member in beside),
            (f"{top}{request_id}.zip", package.size),
        ]

        def contents() -> Iterator[Iterator[bytes]]:
            yield iter((receipt,))
            for _, member in beside:
                yield self._pieces(package, member.offset, member.size)
            yield self._pieces(package, 0, package.size)

        def pieces() -> Iterator[bytes]:
            buffer = _Buffer()
            writer = ArchiveWriter(buffer, now)
            for (name, _), chunks in zip(sizes, contents(), strict=True):
                with writer.member(name, large=True) as push:
                    for chunk in chunks:
                        push(chunk)
                        yield buffer.taken()
            writer.finish()
            yield buffer.taken()

        return Folder(f"{request_id}-utlamnat.zip", archived_size(sizes), pieces())

    def _pieces(self, package: Package, start: int, size: int) -> Iterator[bytes]:
        """Bytes of a package, asked for anew after each step: whatever ended meanwhile is met."""
        at, end = start, start + size
        while at < end:
            with closing(self._reader(package)) as reader, storage_errors("package"):
                reader.seek(at)
                until = min(at + _STEP, end)
                while at < until:
                    piece = reader.read(min(1 << 20, until - at))
                    if not piece:
                        raise NotFoundError("rest of the package of", package.request_id)
                    at += len(piece)
                    yield piece


class _Buffer:
    """Takes what an archive is written to, until it is sent."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes, /) -> None:
        """Take the bytes."""
        self._parts.append(data)

    def taken(self) -> bytes:
        """Give them on."""
        whole = b"".join(self._parts)
        self._parts.clear()
        return whole


def _stood_here(row: Request) -> bool:
    """Whether whoever registered it stood with the requester, and not merely took a letter in."""
    return row.asked_at is not None or row.decision in BEFORE_DECISION


def _fetchable(row: Request, now: datetime) -> bool:
    return (
        _stood_here(row)
        and State(row.state) in _WITH_A_FOLDER
        and row.channel == "in-person"
        and row.released_at is not None
        and now - row.released_at <= CALLED_COUNTS_FOR
    )
