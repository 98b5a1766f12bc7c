"""Konton: who may sign in, with which roles."""

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.custody.events import Event
from cctv_vault.errors import VaultError
from cctv_vault.people.actors import Right, Role
from web.desk import Here, Posted, Visit, see

router = APIRouter()


@router.get("/accounts")
def accounts(visit: Here) -> Response:
    """All accounts, and the form that adds one."""
    return visit.page("accounts.html", _listed(visit))


@router.post("/accounts")
def add(visit: Here, form: Posted) -> Response:
    """Add an account; its credential is shown on this one page and kept nowhere."""
    try:
        added = visit.vault.people.add(
            visit.actor,
            form.text("name"),
            form.all("roles"),
            cleared=form.ticked("cleared"),
            on_the_spot=form.ticked("on_the_spot"),
        )
    except VaultError as error:
        return visit.refused("accounts.html", _listed(visit), error, form)
    return visit.page("accounts.html", {**_listed(visit), "added": added})


@router.post("/accounts/disable")
def disable(visit: Here, form: Posted) -> Response:
    """End an account."""
    try:
        visit.vault.people.disable(visit.actor, form.text("name"))
    except VaultError as error:
        return visit.refused("accounts.html", _listed(visit), error, form)
    return see("/accounts", "account-disabled")


def _listed(visit: Visit) -> dict[str, object]:
    visit.require(Right.USER_MANAGE, event=Event.ACCOUNT_ADDED)
    return {
        "accounts": visit.vault.people.list(visit.actor),
        "roles": [(role.value, visit.words.text(f"role.{role.value}")) for role in Role],
        "added": None,
    }
