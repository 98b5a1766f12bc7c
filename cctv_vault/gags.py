"""What a person may not know of: gagged holds and requests, and what a colleague is suspected of.

To anyone not cleared a gagged matter (RB 27:16 a) is absent everywhere: lists, counts, forecasts
and the log. So is, to all but the privacy officer, an incident about the controller's own staff.
"""

from sqlalchemy import select
from sqlmodel import col

from cctv_vault.database import Database
from cctv_vault.incidents.service import RESTRICTED, is_privacy_officer
from cctv_vault.people.actors import Actor
from cctv_vault.schema import Hold, Incident, Request


def hidden_subjects(database: Database, actor: Actor) -> frozenset[str]:
    """The ids of the holds, requests and incidents that this person may not know of."""
    queries = []
    if not actor.cleared:
        queries += [
            select(col(Hold.id)).where(col(Hold.gagged)),
            select(col(Request.id)).where(col(Request.gagged)),
        ]
    if not is_privacy_officer(actor):
        restricted = [each.value for each in RESTRICTED]
        queries.append(select(col(Incident.id)).where(col(Incident.category).in_(restricted)))
    with database.read() as session:
        return frozenset(
            str(each) for query in queries for each in session.execute(query).scalars()
        )
