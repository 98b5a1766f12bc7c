"""What a person may not know of: gagged holds and requests, and what a colleague is suspected of.

To anyone not cleared a gagged matter (RB 27:16 a) is absent everywhere: lists, counts, forecasts
and the log. So is, to all but the privacy officer, an incident about the controller's own staff.
"""

from typing import Final

from sqlalchemy import select
from sqlmodel import col

from cctv_vault.database import Database
from cctv_vault.people.actors import Actor, Role
from cctv_vault.schema import Hold, Incident, Request

RESTRICTED: Final = frozenset({"employee-crime"})
"""Categories of incidents about the controller's own staff: the privacy officer's alone."""


def is_privacy_officer(actor: Actor) -> bool:
    """Whether this is who handles what a colleague is suspected of."""
    return Role.PRIVACY_OFFICER in actor.roles


def hidden_subjects(database: Database, actor: Actor) -> frozenset[str]:
    """The ids of the holds, requests and incidents that this person may not know of."""
    queries = []
    if not actor.cleared:
        queries += [
            select(col(Hold.id)).where(col(Hold.gagged)),
            select(col(Request.id)).where(col(Request.gagged)),
        ]
    if not is_privacy_officer(actor):
        queries.append(select(col(Incident.id)).where(col(Incident.category).in_(RESTRICTED)))
    with database.read() as session:
        return frozenset(
            str(each) for query in queries for each in session.execute(query).scalars()
        )
