"""What a person may not know of: gagged holds and requests, and what a colleague is suspected of.

To anyone not cleared a gagged matter (RB 27:16 a) is absent everywhere: lists, counts, forecasts
and the log. So is, to all but the privacy officer, an incident about the controller's own staff.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, or_, select
from sqlmodel import col

from cctv_vault.database import Database
from cctv_vault.people.actors import Actor, Role
from cctv_vault.schema import CustodyEntry, CustodyLink, Hold, Incident, Request

RESTRICTED: Final = frozenset({"employee-crime"})
"""Categories of incidents about the controller's own staff: the privacy officer's alone."""


_FOLLOWING: Final = ("G-", "K-")
"""What the ids of sweeps and of copies begin with."""


def is_privacy_officer(actor: Actor) -> bool:
    """Whether this is who handles what a colleague is suspected of."""
    return Role.PRIVACY_OFFICER in actor.roles


def hidden_subjects(database: Database, actor: Actor) -> frozenset[str]:
    """The ids of the holds, requests and incidents that this person may not know of.

    With a gagged hold go the sweeps that end its keys and the copies made of what only it keeps:
    their entries name it.
    """
    queries: list[Select[Any]] = []
    if not actor.cleared:
        gagged = select(col(Hold.id)).where(col(Hold.gagged))
        theirs = select(col(CustodyLink.leaf_index)).where(col(CustodyLink.subject).in_(gagged))
        queries += [
            gagged,
            select(col(Request.id)).where(col(Request.gagged)),
            select(col(CustodyLink.subject)).where(
                col(CustodyLink.leaf_index).in_(theirs), _follows(col(CustodyLink.subject))
            ),
            select(col(CustodyEntry.subject)).where(
                col(CustodyEntry.leaf_index).in_(theirs), _follows(col(CustodyEntry.subject))
            ),
        ]
    if not is_privacy_officer(actor):
        queries.append(select(col(Incident.id)).where(col(Incident.category).in_(RESTRICTED)))
        queries.append(restricted_holds())
    with database.read() as session:
        return frozenset(
            str(each) for query in queries for each in session.execute(query).scalars()
        )


def restricted_holds() -> Select[Any]:
    """The ids of the holds of incidents about the controller's own staff."""
    return select(col(Incident.hold_id)).where(col(Incident.category).in_(RESTRICTED))


def _follows(subject: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a column
    return or_(*(subject.startswith(each) for each in _FOLLOWING))
