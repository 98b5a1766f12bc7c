"""Personuppgiftsincidenter: what happened, what is owed by when, and every entry made of it.

A personal-data breach is never an incident (*händelse*), and its pages never say that it is one.
"""

from collections.abc import Callable, Mapping
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.breaches.service import SAID
from cctv_vault.errors import InvalidInputError, NotFoundError, VaultError
from web.desk import Form, Here, Posted, Visit, see

router = APIRouter()


@router.get("/breaches")
def breaches(visit: Here) -> Response:
    """Every breach, the newest first, and the form for another."""
    return visit.page("breaches.html", _listed(visit))


@router.post("/breaches")
def enter(visit: Here, form: Posted) -> Response:
    """Enter a breach: 72 hours run from when it was discovered."""
    try:
        breach = visit.vault.breaches.enter(
            visit.actor,
            form.time("discovered_at"),
            _said(form),
            persons=_persons(form),
            gagged=form.ticked("gagged"),
        )
    except VaultError as error:
        return visit.refused("breaches.html", _listed(visit), error, form)
    return see(f"/breaches/{breach.id}", "breach-entered")


@router.get("/breaches/{breach}")
def breach(visit: Here, breach: str) -> Response:
    """One breach: what is owed, what stands, and what can be added."""
    return visit.page("breach.html", _shown(visit, breach))


@router.post("/breaches/{breach}/{act}")
def act(visit: Here, form: Posted, breach: str, act: str) -> Response:
    """Add to a breach."""
    doing = _ACTS.get(act)
    if doing is None:
        raise NotFoundError("act", act)
    try:
        doing(visit, breach, form)
    except VaultError as error:
        return visit.refused("breach.html", _shown(visit, breach), error, form)
    return see(f"/breaches/{breach}", "breach-noted")


def _amend(visit: Visit, breach_id: str, form: Form) -> None:
    visit.vault.breaches.amend(visit.actor, breach_id, _said(form), persons=_persons(form))


def _report(visit: Visit, breach_id: str, form: Form) -> None:
    visit.vault.breaches.report(
        visit.actor,
        breach_id,
        form.time("at"),
        whole=form.text("whole") == "yes",
        number=form.text("number"),
        delay=form.text("delay"),
    )


def _unreported(visit: Visit, breach_id: str, form: Form) -> None:
    visit.vault.breaches.leave_unreported(visit.actor, breach_id, form.text("reason"))


def _supplement(visit: Visit, breach_id: str, form: Form) -> None:
    visit.vault.breaches.supplement(visit.actor, breach_id, form.time("at"), form.text("text"))


def _told(visit: Visit, breach_id: str, form: Form) -> None:
    at = form.time("at") if form.text("at") else None
    visit.vault.breaches.tell(visit.actor, breach_id, form.text("text"), told_at=at)


def _close(visit: Visit, breach_id: str, form: Form) -> None:
    visit.vault.breaches.close(visit.actor, breach_id, form.text("reason"))


_ACTS: Final[Mapping[str, Callable[[Visit, str, Form], None]]] = {
    "amend": _amend,
    "report": _report,
    "unreported": _unreported,
    "supplement": _supplement,
    "told": _told,
    "close": _close,
}


def _said(form: Form) -> dict[str, str]:
    return {name: form.text(name) for name in SAID}


def _persons(form: Form) -> int | None:
    text = form.text("persons")
    try:
        return int(text) if text else None
    except ValueError:
        raise InvalidInputError("the number of persons is a whole number, or unknown") from None


def _listed(visit: Visit) -> dict[str, object]:
    return {"breaches": visit.vault.breaches.list(visit.actor)}


def _shown(visit: Visit, breach_id: str) -> dict[str, object]:
    found = visit.vault.breaches.show(visit.actor, breach_id)
    return {
        "breach": found,
        "names": visit.names({found.registered_by, *(each.by for each in found.notes)}),
        "owed": {each.what for each in found.calls},
    }
