"""Mina inställningar: what one may do, and who decides in one's place, for dates."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.errors import InvalidInputError, VaultError
from web.desk import Form, Here, Posted, Visit, see

router = APIRouter()


@router.get("/me")
def me(visit: Here) -> Response:
    """Roles and marks, and what was lent."""
    return visit.page("me.html", _shown(visit))


@router.post("/me/delegations")
def lend(visit: Here, form: Posted) -> Response:
    """Lend one's right to decide, from the first day to the end of the last."""
    try:
        first, last = _day(form, "from"), _day(form, "until")
        visit.vault.people.delegations.give(
            visit.actor,
            form.text("taker"),
            _midnight(first, visit.vault.zone),
            _midnight(last + timedelta(days=1), visit.vault.zone),
        )
    except VaultError as error:
        return visit.refused("me.html", _shown(visit), error, form)
    return see("/me", "delegated")


@router.post("/me/delegations/{delegation}/end")
def end(visit: Here, form: Posted, delegation: str) -> Response:
    """Take back what one lent."""
    try:
        visit.vault.people.delegations.end(visit.actor, delegation)
    except VaultError as error:
        return visit.refused("me.html", _shown(visit), error, form)
    return see("/me", "delegation-ended")


def _day(form: Form, name: str) -> date:
    try:
        return date.fromisoformat(form.text(name))
    except ValueError:
        raise InvalidInputError(f"{name}: give a day such as 2026-03-01") from None


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _shown(visit: Visit) -> dict[str, object]:
    delegations = visit.vault.people.delegations
    return {
        "lent": delegations.of(visit.actor),
        "takers": delegations.takers(visit.actor),
        "today": visit.vault.clock.now().astimezone(ZoneInfo(visit.vault.zone)).date().isoformat(),
        "moment_before": timedelta(microseconds=1),
    }
