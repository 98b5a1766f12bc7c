"""What a person may not know of: gagged holds and requests, and what a colleague is suspected of.

To anyone not cleared a gagged matter (RB 27:16 a) is absent everywhere: lists, counts, forecasts
and the log. So is, to all but the privacy officer, an incident about the controller's own staff:
whoever is suspected may be on duty. What only such a hold keeps has expired to everybody else.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlmodel import col

from cctv_vault.database import Database
from cctv_vault.people.actors import Actor, Role, Sight
from cctv_vault.schema import Breach, CustodyEntry, CustodyLink, Grant, Hold, Incident, Request

RESTRICTED: Final = frozenset({"employee-crime"})
"""Categories of incidents about the controller's own staff: the privacy officer's alone."""


_FOLLOWING: Final = ("G-", "K-")
"""What the ids of sweeps and of copies begin with."""


def is_privacy_officer(actor: Actor) -> bool:
    """Whether this is who handles what a colleague is suspected of."""
    return Role.PRIVACY_OFFICER in actor.roles


def hidden_subjects(database: Database, actor: Actor) -> frozenset[str]:
    """The ids of the holds, requests, breaches and incidents that this person may not know of.

    With a secret hold go the sweeps that end its keys and the copies made of what only it keeps:
    their entries name it.
    """
    return hidden_from(database, actor.sight)


def hidden_from(database: Database, sight: Sight) -> frozenset[str]:
    """As `hidden_subjects`, by what may be known."""
    queries: list[Select[Any]] = []
    if not sight.gagged:
        queries.append(select(col(Request.id)).where(col(Request.gagged)))
        queries.append(select(col(Breach.id)).where(col(Breach.gagged)))
    if not sight.staff:
        queries.append(select(col(Incident.id)).where(col(Incident.category).in_(RESTRICTED)))
    if not (sight.gagged and sight.staff):
        holds = select(col(Hold.id)).where(~seen_by(sight))
        theirs = select(col(CustodyLink.leaf_index)).where(col(CustodyLink.subject).in_(holds))
        queries += [
            holds,
            select(col(CustodyLink.subject)).where(
                col(CustodyLink.leaf_index).in_(theirs), _follows(col(CustodyLink.subject))
            ),
            select(col(CustodyEntry.subject)).where(
                col(CustodyEntry.leaf_index).in_(theirs), _follows(col(CustodyEntry.subject))
            ),
        ]
    with database.read() as session:
        return frozenset(
            str(each) for query in queries for each in session.execute(query).scalars()
        )


def secret() -> ColumnElement[bool]:
    """Whether a hold is not everybody's to know of, of any kind."""
    return or_(col(Hold.gagged), col(Hold.about_staff))


def seen_by(sight: Sight) -> ColumnElement[bool]:
    """Whether a hold may be known of (RB 27:16 a, S4); true, too, of what is no hold."""
    return and_(
        true() if sight.gagged else func.coalesce(col(Hold.gagged), false()).is_(False),
        true() if sight.staff else func.coalesce(col(Hold.about_staff), false()).is_(False),
    )


def grant_seen_by(sight: Sight) -> ColumnElement[bool]:
    """As `seen_by`, of a grant joined (outer) with its hold.

    A request's own hold never lets anybody see what a suspicion against a colleague hides: what it
    opened through such a hold, or beside one, is hidden as that is.
    """
    return and_(
        seen_by(sight),
        true() if sight.staff else col(Grant.about_staff).is_(False),
    )


def _follows(subject: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a column
    return or_(*(subject.startswith(each) for each in _FOLLOWING))
