"""Gallringsregler: the policy and its versions; a new one is shown with what it does first."""

import hashlib

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from cctv_vault.custody.events import Event
from cctv_vault.errors import VaultError
from cctv_vault.people.actors import Right
from web.desk import Form, Here, Posted, Visit, see

router = APIRouter()


@router.get("/policy")
def policy(visit: Here) -> Response:
    """What is kept for what and how long, by which version."""
    return visit.page("policy.html", _shown(visit))


@router.get("/policy/{version}.toml")
def document(visit: Here, version: int) -> Response:
    """A version as it was published, to read or to begin the next from."""
    visit.require(Right.REGISTER_READ, event=Event.POLICY_PUBLISHED)
    found = visit.vault.policies.show(version)
    return PlainTextResponse(
        found.document,
        headers={"Content-Disposition": f'attachment; filename="policy-{version}.toml"'},
    )


@router.post("/policy")
def publish(visit: Here, form: Posted) -> Response:
    """First what a version would do is shown; then that same document is published."""
    try:
        text, moment = form.text("document") + "\n", form.time("published_at")
        seen = hashlib.sha256(f"{text}{moment.isoformat()}".encode()).hexdigest()
        if form.text("do") != "publish" or form.text("seen") != seen:
            told = visit.vault.publisher.preview(visit.actor, text, moment)
            return visit.page(
                "policy.html",
                {**_shown(visit), "told": told, "seen": seen, "values": form.texts()},
            )
        visit.vault.publisher.publish(visit.actor, text, moment)
    except VaultError as error:
        return _refused(visit, error, form)
    return see("/policy", "policy-published")


def _shown(visit: Visit) -> dict[str, object]:
    visit.require(Right.REGISTER_READ, event=Event.POLICY_PUBLISHED)
    return {
        "policy": visit.vault.policies.show(),
        "purposes": tuple(visit.vault.policies.in_force().purposes.values()),
        "told": None,
    }


def _refused(visit: Visit, error: VaultError, form: Form) -> Response:
    return visit.refused("policy.html", _shown(visit), error, form)
