"""Whether anything of a camera may be taken in now: what the register says of it, and the time.

Owns the two reasons for which files wait where they are although nothing is wrong with them. The
policy may ask that a camera has a purpose of its own, a view in words and an answer on sound first
(S2, S3); that a camera waits is entered once. And while the guard on time stands, nothing is
indexed: footage that got the time of a clock that stands wrong would go too early, or never.
"""

from sqlmodel import Session, col, select

from cctv_vault.custody.entries import Entry
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import ClockGuardError
from cctv_vault.footage.register import find_camera
from cctv_vault.ingest.sources import SourceBusyError
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import Actor
from cctv_vault.retention.policies import Policies
from cctv_vault.schema import CustodyEntry

_WORDS = {
    "purpose": "a purpose of its own",
    "view": "a description of what it sees",
    "sound": "an answer on sound (yes or no)",
}


class Readiness:
    """Says why files of a camera wait, if they do."""

    def __init__(
        self, *, database: Database, ledger: Ledger, policies: Policies, simulated: bool
    ) -> None:
        """All belong to the vault."""
        self._database = database
        self._ledger = ledger
        self._policies = policies
        self._simulated = simulated

    def missing(self, session: Session, code: str) -> list[str]:
        """What of ``purpose``, ``view`` and ``sound`` the policy asks for and nobody answered."""
        camera = find_camera(session, code)
        policy = self._policies.current(session, self._ledger.clock.now())
        return policy.intake.unanswered(
            purpose=camera.purpose_text,
            view=camera.view,
            sound=camera.sound,
            simulated=self._simulated,
        )

    def require(self, code: str, actor: Actor | None = None) -> None:
        """Raise while files of a camera have to wait; with ``actor`` the first time is entered.

        Raises:
            SourceBusyError: They wait where they are; the message says for what.
        """
        with self._database.read() as session:
            try:
                self._ledger.require_time(session)
            except ClockGuardError as error:
                raise SourceBusyError(f"it waits until the time is right: {error}") from None
            missing = self.missing(session, code)
        if not missing:
            return
        if actor is not None:
            self._enter(actor, code, missing)
        words = ", ".join(_WORDS[each] for each in missing)
        raise SourceBusyError(
            f"the register lacks {words} for the camera {code}, which the policy asks for before "
            f"anything is taken in; say it with 'camera set {code}' or on its page"
        )

    def _enter(self, actor: Actor, code: str, missing: list[str]) -> None:
        with self._ledger.act(Event.INTAKE_WAITING, actor, cameras=(code,), subject=code) as act:
            newest = act.session.exec(
                select(CustodyEntry.body)
                .where(
                    col(CustodyEntry.event) == Event.INTAKE_WAITING.value,
                    col(CustodyEntry.subject) == code,
                )
                .order_by(col(CustodyEntry.leaf_index).desc())
                .limit(1)
            ).first()
            if newest is None or Entry.from_bytes(newest).facts.get("missing") != missing:
                act.record(Event.INTAKE_WAITING, code, facts={"missing": list(missing)})
