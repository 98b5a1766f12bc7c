"""What a person who is not cleared may not know of: gagged holds and requests (RB 27:16 a).

To anyone not cleared a gagged matter is absent everywhere: lists, counts, forecasts and the log.
"""

from sqlalchemy import select
from sqlmodel import col

from cctv_vault.database import Database
from cctv_vault.people.actors import Actor
from cctv_vault.schema import Hold, Request


def hidden_subjects(database: Database, actor: Actor) -> frozenset[str]:
    """The ids of gagged holds and requests, or none for a person who is cleared."""
    if actor.cleared:
        return frozenset()
    with database.read() as session:
        holds = session.execute(select(col(Hold.id)).where(col(Hold.gagged))).scalars()
        requests = session.execute(select(col(Request.id)).where(col(Request.gagged))).scalars()
        return frozenset(holds) | frozenset(requests)
