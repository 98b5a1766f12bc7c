"""Sources removed after what they held is sealed: the intent, the removal, and how it ended.

Owns the two entries around each removal. The intent is entered in the act that indexes the file;
the outcome after it, many in one commit where many wait. Killed in between, the next start finishes
what was intended.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from sqlmodel import col, delete, select, update

from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import VaultError
from cctv_vault.ids import long_id
from cctv_vault.ingest.arriving import Entered, File, Offer
from cctv_vault.ingest.sidecars import Sidecar
from cctv_vault.ingest.sources import (
    Identity,
    Removal,
    Source,
    SourceBusyError,
    escape_name,
    remove_source,
    unescape_name,
)
from cctv_vault.ledger import Act, Ledger
from cctv_vault.people.actors import Actor, system_actor
from cctv_vault.schema import Intent, Recording, table

REMOVAL: Final = "source-removal"
SIDECAR_REMOVAL: Final = "sidecar-removal"

_LOG: Final = logging.getLogger(__name__)


class Removals:
    """Removes sources; safe to use from many threads and processes at once."""

    def __init__(self, *, database: Database, ledger: Ledger) -> None:
        """Both belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._gathers = False
        self._gathering = threading.Lock()
        self._ended: list[tuple[Actor, str, Removal]] = []

    def intend(self, act: Act, offer: File, subject: str) -> str | None:
        """Enter that a source is to be removed; None where it stays."""
        if not isinstance(offer, Offer) or offer.source_state == "kept":
            return None
        return self._intended(act, REMOVAL, subject, offer.source.path, offer.source.identity)

    def _intended(self, act: Act, kind: str, subject: str, where: Path, identity: Identity) -> str:
        path = escape_name(str(where))
        intent_id = long_id()
        act.add_row(
            Intent,
            {
                "id": intent_id,
                "kind": kind,
                "subject": subject,
                "payload": {"path": path, **identity.to_json()},
                "created_at": act.now,
            },
        )
        act.record(Event.SOURCE_REMOVAL_INTENDED, subject, details={"path": path})
        return intent_id

    def intend_beside(
        self, act: Act, sidecars: Iterable[Sidecar], subject: str
    ) -> tuple[tuple[Sidecar, str], ...]:
        """Enter that what belongs to a file is to be removed with it."""
        return tuple(
            (each, self._intended(act, SIDECAR_REMOVAL, subject, each.path, each.identity))
            for each in sidecars
        )

    def intend_beside_film(self, act: Act, offer: Offer, subject: str) -> str | None:
        """Enter that a file is to be removed that came after its film; None where it stays."""
        if offer.source_state == "kept":
            return None
        source = offer.source
        return self._intended(act, SIDECAR_REMOVAL, subject, source.path, source.identity)

    def carry_out(self, offer: Offer, entered: Entered) -> Removal | None:
        """Remove a source as intended; None where nothing was."""
        if entered.removal_id is None:
            return None
        removal = changed_since(offer.source) or remove_source(
            offer.source.path, offer.source.identity
        )
        ended = [(entered.removal_id, removal)]
        for sidecar, intent in entered.beside:
            with_it = (
                Removal("kept", "what it belongs to was kept")
                if removal.outcome == "kept"
                else remove_source(sidecar.path, sidecar.identity)
            )
            ended.append((intent, with_it))
        self.ended([(offer.actor, *each) for each in ended])
        return removal

    def ended(self, ended: Sequence[tuple[Actor, str, Removal]]) -> None:
        """Enter how removals ended: by whom, of which intent, and how."""
        with self._gathering:
            self._ended += ended
        if not self._gathers:
            self.enter_gathered()

    def gather(self, *, on: bool) -> None:
        """Leave the outcomes of removals to `enter_gathered`, so that many share one commit.

        What is not entered when the process dies is entered at the next start: the intents stand.
        """
        self._gathers = on

    def enter_gathered(self, *, at_least: int = 1) -> None:
        """Enter the outcomes of removals that wait, where there are ``at_least`` so many."""
        with self._gathering:
            if len(self._ended) < at_least:
                return
            ended, self._ended = self._ended, []
        try:
            for actor, group in groupby(ended, key=lambda each: each[0]):
                self._enter_removals(actor, [each[1:] for each in group])
        except VaultError as error:
            # The footage is safe and the intents stand: the next start enters the outcomes.
            _LOG.error("the outcome of a removal cannot be entered: %s", error.code)

    def resume(self) -> None:
        """Finish the removals that were intended before a crash."""
        with self._database.read() as session:
            intents = session.exec(
                select(Intent)
                .where(col(Intent.kind).in_([REMOVAL, SIDECAR_REMOVAL]))
                .order_by(col(Intent.created_at))
            ).all()
        for intent in intents:
            path = Path(unescape_name(str(intent.payload["path"])))
            removal = remove_source(path, Identity.from_json(intent.payload))
            self._enter_removals(system_actor(), [(intent.id, removal)])

    def _enter_removals(self, actor: Actor, ended: Sequence[tuple[str, Removal]]) -> None:
        """Enter how removals ended, once: whoever finds an intent gone was overtaken."""
        removals = dict(ended)
        with self._ledger.act(Event.SOURCE_REMOVED, actor) as act:
            mine = col(Intent.id).in_(removals)
            # In one order, since another process may be entering some of them, too.
            query = (
                select(col(Intent.id), col(Intent.kind), col(Intent.subject))
                .where(mine)
                .order_by(col(Intent.id))
                .with_for_update()
            )
            there = {each: (kind, subject) for each, kind, subject in act.session.exec(query)}
            act.session.execute(delete(table(Intent)).where(mine))
            states: dict[str, list[str]] = {"removed": [], "kept": []}
            for intent_id, removal in removals.items():
                if intent_id not in there:
                    continue
                kind, subject = there[intent_id]
                kept = removal.outcome == "kept"
                # Of a sidecar, the recording of what it told of says nothing.
                if kind == REMOVAL:
                    states["kept" if kept else "removed"].append(subject)
                if kept:
                    act.record(Event.SOURCE_KEPT, subject, details={"reason": removal.reason})
                else:
                    found = removal.outcome == "removed"
                    act.record(Event.SOURCE_REMOVED, subject, facts={"was_there": found})
            for state, subjects in states.items():
                at = act.now if state == "removed" else None
                act.session.execute(
                    update(table(Recording))
                    .where(
                        col(Recording.id).in_(subjects), col(Recording.source_state) == "present"
                    )
                    .values(source_state=state, source_removed_at=at)
                )


def changed_since(source: Source) -> Removal | None:
    """Why a source is kept, where it was touched after it was taken in."""
    try:
        source.check_unchanged()
        source.check_not_written()
    except SourceBusyError:
        return Removal("kept", "it changed after it was taken in; it will be offered again")
    return None


def with_removal(reason: str, removal: Removal | None) -> str:
    """What there is to say of a file, with why its source was kept."""
    if removal is None or removal.outcome != "kept":
        return reason
    kept = f"the source was kept: {removal.reason}"
    return f"{reason}; {kept}" if reason else kept
