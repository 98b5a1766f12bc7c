"""What a recording's own particulars should have said: added beside them, never in their place.

Owns the corrections of footage (S14, GDPR 16): the recording, its file name, its camera and its
time stay as they were sealed, and what was wrong about them is told with when and why. The time of
a camera that ran wrong is no correction: it is a measurement of its clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.custody.canonical import canonical_json, parse_canonical
from cctv_vault.custody.events import Event
from cctv_vault.errors import ExpiredError, InvalidInputError, NotFoundError
from cctv_vault.incidents.freetext import checked_text
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.grants import Grants
from cctv_vault.retention.keyring import Keyring
from cctv_vault.schema import Correction, Recording

PARTICULARS: Final = ("camera", "content", "title", "other")
"""What can be corrected: which camera it is, what it shows, what it is called, and the rest."""
_LONGEST: Final = 2000


@dataclass(frozen=True)
class CorrectionView:
    """One correction: what of, how it should read, and why; the newest of a particular counts."""

    particular: str
    at: datetime
    by: str
    says: str = field(repr=False)
    reason: str = field(repr=False)


class Corrections:
    """Enters corrections of recordings (S14)."""

    def __init__(self, *, ledger: Ledger, keyring: Keyring, grants: Grants) -> None:
        """All belong to the vault."""
        self._ledger = ledger
        self._keyring = keyring
        self._grants = grants

    def add(
        self, actor: Actor, recording_id: str, particular: str, says: str, reason: str
    ) -> CorrectionView:
        """Say how a particular of a recording should read; nothing that was sealed changes (S14).

        Args:
            actor: Who corrects.
            recording_id: The recording.
            particular: One of `PARTICULARS`.
            says: How it should read, without names.
            reason: How that became known.

        Raises:
            AccessDeniedError: The person may not correct footage.
            NotFoundError: There is no such recording.
            ExpiredError: No purpose that the person may know of keeps it.
            InvalidInputError: There is no such particular, or a text is missing.
        """
        event = Event.RECORDING_CORRECTED
        with self._ledger.act(event, actor, subject=recording_id) as act:
            actor.require(Right.FOOTAGE_CORRECT)
            if act.session.get(Recording, recording_id) is None:
                raise NotFoundError("recording", recording_id[:60])
            live = self._grants.live(act.session, [recording_id], act.now).get(recording_id, ())
            if not any(each.seen_by(actor.sight) for each in live):
                raise ExpiredError("no purpose keeps the recording any more")
            if particular not in PARTICULARS:
                raise InvalidInputError(f"the particular must be one of: {', '.join(PARTICULARS)}")
            words = {
                "says": checked_text(says, "correction", _LONGEST),
                "reason": checked_text(reason, "reason", _LONGEST),
            }
            binding = f"recording/{recording_id}/correction"
            act.session.add(
                Correction(
                    recording_id=recording_id,
                    particular=particular,
                    at=act.now,
                    by=actor.id,
                    text=self._keyring.seal_text(
                        act.session, canonical_json(words), binding, act.now
                    ),
                )
            )
            act.record(
                event,
                recording_id,
                facts={"particular": particular},
                details=words,
                also=self._grants.only_secret(act.session, [recording_id], act.now),
            )
            return CorrectionView(particular, act.now, actor.id, words["says"], words["reason"])


def corrections_of(
    session: Session, keyring: Keyring, recordings: Sequence[Recording]
) -> dict[str, tuple[CorrectionView, ...]]:
    """The corrections of recordings, in the order they were made.

    Those of what one was cut out of are its own too; a text whose key has ended is left out.
    """
    sources: dict[str, list[str]] = {}
    for each in recordings:
        for source in {each.id, str((each.derived or {}).get("original", each.id))}:
            sources.setdefault(source, []).append(each.id)
    found: dict[str, list[CorrectionView]] = {}
    for row in session.execute(
        select(Correction)
        .where(col(Correction.recording_id).in_(sources))
        .order_by(col(Correction.id))
    ).scalars():
        data = keyring.open_text(session, row.text)
        words = None if data is None else parse_canonical(data)
        if isinstance(words, Mapping):
            view = CorrectionView(
                row.particular, row.at, row.by, str(words["says"]), str(words["reason"])
            )
            for recording_id in sources[row.recording_id]:
                found.setdefault(recording_id, []).append(view)
    return {each: tuple(views) for each, views in found.items()}
