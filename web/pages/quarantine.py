"""Karantän: files that could not be read as footage, and what can be done about them."""

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.errors import VaultError
from cctv_vault.people.actors import Right
from web.desk import Here, Posted, Visit, see

router = APIRouter()


@router.get("/quarantine")
def quarantine(visit: Here) -> Response:
    """What lies there, with the reason."""
    return visit.page("quarantine.html", _listed(visit))


@router.post("/quarantine/{object_id}/retry")
def retry(visit: Here, _form: Posted, object_id: str) -> Response:
    """Look at one again."""
    outcome = visit.vault.ingest.retry(visit.actor, object_id)
    done = "quarantine-unread" if outcome.outcome == "quarantined" else "quarantine-read"
    return see("/quarantine", done)


@router.post("/quarantine/{object_id}/destroy")
def destroy(visit: Here, form: Posted, object_id: str) -> Response:
    """End one's stay before its time."""
    try:
        visit.vault.quarantine.destroy(visit.actor, object_id, form.text("reason"))
    except VaultError as error:
        return visit.refused("quarantine.html", _listed(visit), error, form)
    return see("/quarantine", "quarantine-given-up")


def _listed(visit: Visit) -> dict[str, object]:
    return {
        "files": visit.vault.quarantine.list(visit.actor),
        "may_retry": visit.actor.may(Right.SETUP) or visit.actor.may(Right.INCIDENT_MANAGE),
    }
