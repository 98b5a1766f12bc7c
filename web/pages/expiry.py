"""Gallring: what leaves when, what is kept and for which purpose."""

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.custody.events import Event
from cctv_vault.people.actors import Right
from cctv_vault.retention.policy import Purpose
from web.desk import Here
from web.outlook import SHOWN, draw

router = APIRouter()


@router.get("/expiry")
def expiry(visit: Here) -> Response:
    """The forecast of the coming days, what keeps the rest, and what is due at once."""
    visit.require(Right.REGISTER_READ, event=Event.SWEEP_STARTED)
    vault = visit.vault
    ahead = vault.forecaster.look(visit.actor)
    purposes = vault.policies.in_force().purposes
    return visit.page(
        "expiry.html",
        {
            "ahead": ahead,
            "shown": ahead.days[:SHOWN],
            "later": sum(x.recordings for each in ahead.days[SHOWN:] for x in each.leaving),
            "picture": draw(ahead.days, ahead.bytes, lambda code: _kind(purposes.get(code))),
            "kind": lambda code: _kind(purposes.get(code)),
            "report": vault.sweeper.run(visit.actor, dry_run=True),
            "under_way": vault.sweeper.under_way(visit.actor),
            "holds": [each for each in vault.holds.list(visit.actor) if each.released_at is None],
            "purposes": tuple(purposes.values()),
            "site_names": {each.code: each.name for each in vault.register.sites(visit.actor)},
        },
    )


def _kind(purpose: Purpose | None) -> str:
    """Which colour a purpose has: what all footage has, an incident's, or another hold's."""
    if purpose is not None and not purpose.hold:
        return "footage"
    return "incident" if purpose is not None and purpose.code == "incident" else "hold"


@router.get("/expiry/under-way")
def under_way(visit: Here) -> Response:
    """How far a sweep has come, for the line on the page that tells it; empty for none."""
    visit.require(Right.REGISTER_READ, event=Event.SWEEP_STARTED)
    found = visit.vault.sweeper.under_way(visit.actor)
    return visit.page("_under_way.html", {"under_way": found})
