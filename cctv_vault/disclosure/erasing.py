"""Erasure that somebody in the picture asks for: what it reaches, and the act that ends it (S15).

Owns which recordings a decision would end and which a hold forbids to end, counted as it is told to
whoever asks: an order that may not be told of neither forbids nor shows. It ends only what keeps a
recording from the start; the next sweep destroys its key, and its certificate proves that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from cctv_vault.consent.rules import PRODUCTION
from cctv_vault.disclosure.cases import footage_in, told_of
from cctv_vault.disclosure.desk import Desk
from cctv_vault.disclosure.results import ErasureView, HeldView
from cctv_vault.disclosure.windows import Window
from cctv_vault.ledger import Act
from cctv_vault.retention.grants import cases_of
from cctv_vault.schema import FootageCopy, Request


@dataclass(frozen=True)
class Erased:
    """What a decision ended: recordings, and copies taken out of them that are still to go."""

    recordings: tuple[str, ...]
    copies: tuple[str, ...]


class Erasing(Desk):
    """Tells what an erasure reaches, and carries it out."""

    def _reach(
        self, session: Session, row: Request, windows: Sequence[Window], now: datetime
    ) -> ErasureView:
        """What of the windows can be erased, and what holds forbid to, with their cases (S15)."""
        sight = told_of(row)
        found = footage_in(session, self._grants, windows, now, sight).kept
        kept = [each for each in found if each.origin != PRODUCTION]
        live = self._grants.live(session, [each.id for each in kept], now)
        holds = {
            each.id: sorted(
                (grant.hold_id, grant.purpose)
                for grant in live.get(each.id, ())
                if grant.hold_id is not None and grant.seen_by(sight)
            )
            for each in kept
        }
        cases = cases_of(session, {hold for pairs in holds.values() for hold, _ in pairs})
        named = {pair: [each for each in holds if pair in holds[each]] for pair in _all(holds)}
        return ErasureView(
            free=tuple(each for each, pairs in holds.items() if not pairs),
            held=tuple(
                HeldView(hold, purpose, cases.get(hold), len(recordings))
                for (hold, purpose), recordings in named.items()
            ),
            held_recordings=sum(bool(each) for each in holds.values()),
            course=len(found) - len(kept),
        )

    def _end(self, act: Act, recordings: Sequence[str]) -> Erased:
        """End what keeps recordings from the start. The act has the locks of their cameras."""
        for each in recordings:
            self._grants.end_base(act.session, each, act.now)
        ended = set(recordings)
        copies = act.session.execute(
            select(FootageCopy)
            .where(col(FootageCopy.destroyed_confirmed_at).is_(None))
            .order_by(col(FootageCopy.made_at), col(FootageCopy.id))
        ).scalars()
        return Erased(
            tuple(recordings), tuple(each.id for each in copies if ended & set(each.recordings))
        )


def _all(holds: dict[str, list[tuple[str, str]]]) -> list[tuple[str, str]]:
    return sorted({pair for pairs in holds.values() for pair in pairs})
