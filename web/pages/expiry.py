"""Gallring: what leaves when, what is kept and for which purpose."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.custody.events import Event
from cctv_vault.people.actors import Right
from web.desk import Here

router = APIRouter()
_AHEAD: Final = timedelta(days=8)


@router.get("/expiry")
def expiry(visit: Here) -> Response:
    """The forecast of the coming days, what keeps the rest, and what is due at once."""
    visit.require(Right.REGISTER_READ, event=Event.SWEEP_STARTED)
    vault, now = visit.vault, visit.vault.clock.now()
    zone = ZoneInfo(vault.zone)
    days: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    later = open_ended = held = total = total_bytes = 0
    lists = visit.actor.may(Right.FOOTAGE_LIST)
    for each in vault.catalogue.list(visit.actor) if lists else ():
        total, total_bytes, held = total + 1, total_bytes + each.bytes, held + each.held
        if each.expires_at is None:
            open_ended += 1
        elif each.expires_at > now + _AHEAD:
            later += 1
        else:
            day = each.expires_at.astimezone(zone).date().isoformat()
            days[day] += 1
            sizes[day] += each.bytes
    highest = max(days.values(), default=1)
    return visit.page(
        "expiry.html",
        {
            "forecast": [
                (_noon(day, zone), days[day], sizes[day], f"{days[day] / highest * 100:.1f}%")
                for day in sorted(days)
            ],
            "lists": lists,
            "later": later,
            "open_ended": open_ended,
            "held": held,
            "total": total,
            "total_bytes": total_bytes,
            "report": vault.sweeper.run(visit.actor, dry_run=True),
            "under_way": vault.sweeper.under_way(visit.actor),
            "holds": [each for each in vault.holds.list(visit.actor) if each.released_at is None],
            "purposes": tuple(vault.policies.in_force().purposes.values()),
        },
    )


@router.get("/expiry/under-way")
def under_way(visit: Here) -> Response:
    """How far a sweep has come, for the line on the page that tells it; empty for none."""
    visit.require(Right.REGISTER_READ, event=Event.SWEEP_STARTED)
    found = visit.vault.sweeper.under_way(visit.actor)
    return visit.page("_under_way.html", {"under_way": found})


def _noon(day: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=zone)
