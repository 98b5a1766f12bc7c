"""The register of copies: footage that left the vault for use in the house, and when it must end.

Owns the entries before and after bytes leave. A copy whose outcome nobody entered, because the
process died, counts as made unless it is certain that no file of it is left: what may have left is
registered, reminded of and asked after.
"""

import builtins
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

from sqlmodel import Session, col, select

from cctv_vault.custody.canonical import Json
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import InvalidInputError, NotFoundError
from cctv_vault.footage.departures import Departure, Departures
from cctv_vault.footage.refusals import entered_if_refused
from cctv_vault.gags import hidden_subjects
from cctv_vault.ids import reference
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import FootageCopy, Intent
from cctv_vault.views import iso

EXPORT: Final = "footage-export"
KEPT_FOR: Final[Mapping[str, timedelta]] = {
    "police-report": timedelta(days=30),
    "claim": timedelta(days=90),
    "internal-review": timedelta(days=14),
    "technical-fault": timedelta(days=7),
}
"""What a copy may be made for, and how long until it must be destroyed."""

PUBLICATION: Final = "publication/"
"""What the purpose of a copy begins with that course material is published from; its channel
follows. Only `Consents.export` makes one, and it ends when the consent does."""


@dataclass(frozen=True)
class CopyView:
    """A copy in the register; ``destroyed_confirmed_at`` is None while somebody has it.

    ``reason`` is what was said of it when it was taken out, empty once its key is gone.
    """

    id: str
    recordings: tuple[str, ...]
    purpose: str
    made_at: datetime
    made_by: str
    sha256: builtins.bytes
    end_at: datetime
    destroyed_confirmed_at: datetime | None
    overdue: bool
    reason: str = field(default="", repr=False)


@dataclass(frozen=True)
class Intended:
    """A copy about to be made."""

    copy_id: str
    departure: Departure
    recordings: tuple[str, ...]
    purpose: str


class Copies:
    """Keeps the register of copies."""

    def __init__(
        self, *, database: Database, ledger: Ledger, keyring: Keyring, departures: Departures
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._keyring = keyring
        self._departures = departures

    def intend(
        self,
        act: Act,
        *,
        recordings: Sequence[str],
        purpose: str,
        reason: str,
        out: Path | BinaryIO | None,
        also: Sequence[str] = (),
        until: datetime | None = None,
        facts: Mapping[str, Json] = MappingProxyType({}),
    ) -> Intended:
        """Announce, in the caller's act, that a copy will be made; checks purpose and reason.

        ``out`` is None for one that is sent piece by piece. ``until`` is when one for publication
        must be destroyed; of every other purpose that is known. ``facts`` are entered with it.

        Raises:
            AccessDeniedError: The person may not export footage.
            InvalidInputError: The purpose is none of ``KEPT_FOR``, or there is no reason.
        """
        act.actor.require(Right.FOOTAGE_EXPORT)
        if purpose not in KEPT_FOR and (until is None or not purpose.startswith(PUBLICATION)):
            raise InvalidInputError(
                f"{purpose!r} is no purpose of a copy; choose one of {', '.join(KEPT_FOR)}"
            )
        if not reason.strip():
            raise InvalidInputError("say why the copy is made")
        copy_id = reference("K")
        text = self._keyring.seal_text(
            act.session, reason.encode("utf-8", "replace"), f"copy/{copy_id}", act.now
        )
        subject = recordings[0] if len(recordings) == 1 else copy_id
        departure = self._departures.announce(
            act,
            id=copy_id,
            kind=EXPORT,
            subject=subject,
            out=out,
            payload={
                "recordings": list(recordings),
                "purpose": purpose,
                "reason_text": text,
                "made_by": act.actor.id,
                "until": None if until is None else iso(until),
            },
        )
        act.record(
            Event.FOOTAGE_EXPORT_INTENDED,
            subject,
            facts={"copy": copy_id, "purpose": purpose, "recordings": list(recordings), **facts},
            details={"reason": reason},
            also=(copy_id, *recordings, *also),
        )
        return Intended(copy_id, departure, tuple(recordings), purpose)

    def made(
        self, actor: Actor, intended: Intended, sha256: builtins.bytes, facts: Mapping[str, Json]
    ) -> datetime:
        """Register the copy; returns when it must have been destroyed."""
        with self._ledger.act(Event.FOOTAGE_EXPORTED, actor, subject=intended.copy_id) as act:
            intent = self._departures.settle(act, intended.copy_id)
            if intent is None:  # another start took this one for dead, and settled it
                copy = act.session.get(FootageCopy, intended.copy_id)
                return act.now if copy is None else copy.end_at
            return self._register(act, intent, sha256, facts)

    def failed(self, actor: Actor, intended: Intended, bytes_written: int) -> None:
        """Enter that no whole copy came about, and how many bytes had been written."""
        with self._ledger.act(Event.FOOTAGE_EXPORT_FAILED, actor, subject=intended.copy_id) as act:
            intent = self._departures.settle(act, intended.copy_id)
            if intent is not None:
                _failed(act, intent, {"bytes_written": bytes_written})

    def resume(self, actor: Actor) -> None:
        """Settle the copies of processes that died while they made them; call at start."""
        for each in self._departures.abandoned(EXPORT):
            with self._ledger.act(Event.FOOTAGE_EXPORTED, actor, subject=each.id) as act:
                intent = self._departures.settle(act, each.id)
                if intent is None:
                    continue
                if each.may_have_left:
                    self._register(act, intent, b"", {"interrupted": True})
                else:
                    _failed(act, intent, {"interrupted": True})

    def list(self, actor: Actor, *, open_only: bool = False) -> tuple[CopyView, ...]:
        """The register, newest first; ``open_only`` those whose destruction nobody confirmed.

        Raises:
            AccessDeniedError: The person may not read registers.
        """
        with entered_if_refused(self._ledger, Event.COPY_DESTROYED, actor):
            if actor.is_person:
                actor.require(Right.REGISTER_READ)
        now = self._ledger.clock.now()
        hidden = hidden_subjects(self._database, actor)
        query = select(FootageCopy).order_by(col(FootageCopy.made_at).desc(), col(FootageCopy.id))
        if open_only:
            query = query.where(col(FootageCopy.destroyed_confirmed_at).is_(None))
        with self._database.read() as session:
            return tuple(
                self._view(session, copy, now)
                for copy in session.exec(query)
                if copy.id not in hidden
            )

    def confirm_destroyed(self, actor: Actor, copy_id: str) -> CopyView:
        """A person confirms that a copy has been destroyed.

        Raises:
            AccessDeniedError: The person may not export footage.
            NotFoundError: There is no such copy.
        """
        with self._ledger.act(Event.COPY_DESTROYED, actor, subject=copy_id) as act:
            actor.require(Right.FOOTAGE_EXPORT)
            copy = act.session.get(FootageCopy, copy_id)
            if copy is None or copy_id in hidden_subjects(self._database, actor):
                raise NotFoundError("copy", copy_id)
            if copy.destroyed_confirmed_at is not None:
                raise InvalidInputError(f"that {copy_id} is destroyed was confirmed before")
            copy.destroyed_confirmed_at = act.now
            act.session.add(copy)
            act.record(
                Event.COPY_DESTROYED,
                copy_id,
                facts={"in_time": act.now <= copy.end_at},
                also=tuple(copy.recordings),
            )
            return self._view(act.session, copy, act.now)

    @staticmethod
    def end_publication(act: Act, item: str, channels: Collection[str]) -> tuple[str, ...]:
        """End the copies that an item was to be published from on these channels, at once (S8).

        Returns their ids: somebody has to destroy them and confirm it.
        """
        purposes = [f"{PUBLICATION}{each}" for each in channels]
        ended = []
        for copy in act.session.exec(
            select(FootageCopy)
            .where(
                col(FootageCopy.purpose).in_(purposes),
                col(FootageCopy.destroyed_confirmed_at).is_(None),
            )
            .order_by(col(FootageCopy.id))
        ):
            if item in copy.recordings:
                copy.end_at = min(copy.end_at, act.now)
                act.session.add(copy)
                ended.append(copy.id)
        return tuple(ended)

    def _view(self, session: Session, copy: FootageCopy, now: datetime) -> CopyView:
        reason = self._keyring.open_text(session, copy.reason_text)
        return CopyView(
            id=copy.id,
            recordings=tuple(copy.recordings),
            purpose=copy.purpose,
            made_at=copy.made_at,
            made_by=copy.made_by,
            sha256=copy.sha256,
            end_at=copy.end_at,
            destroyed_confirmed_at=copy.destroyed_confirmed_at,
            overdue=copy.destroyed_confirmed_at is None and copy.end_at < now,
            reason="" if reason is None else reason.decode("utf-8", "replace"),
        )

    def _register(
        self, act: Act, intent: Intent, sha256: builtins.bytes, facts: Mapping[str, Json]
    ) -> datetime:
        purpose, recordings = str(intent.payload["purpose"]), list(intent.payload["recordings"])
        until = intent.payload.get("until")
        end_at = act.now + KEPT_FOR[purpose] if until is None else datetime.fromisoformat(until)
        act.session.add(
            FootageCopy(
                id=intent.id,
                recordings=recordings,
                purpose=purpose,
                reason_text=int(intent.payload["reason_text"]),
                made_at=act.now,
                made_by=str(intent.payload["made_by"]),
                sha256=sha256,
                end_at=end_at,
            )
        )
        act.record(
            Event.FOOTAGE_EXPORTED,
            intent.subject,
            facts={
                "copy": intent.id,
                "purpose": purpose,
                "recordings": recordings,
                "sha256": sha256.hex(),
                "end_at": iso(end_at),
                **facts,
            },
            also=(intent.id, *recordings),
        )
        return end_at


def _failed(act: Act, intent: Intent, facts: Mapping[str, Json]) -> None:
    act.record(
        Event.FOOTAGE_EXPORT_FAILED,
        intent.subject,
        facts={"copy": intent.id, **facts},
        also=(intent.id, *intent.payload["recordings"]),
    )
