"""Bevarandespärrar: what is held, until when and why; placing, extending, reviewing, releasing."""

import re
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.custody.events import Event
from cctv_vault.errors import VaultError
from cctv_vault.people.actors import Right
from cctv_vault.retention.holds import OWNED, HoldOrder
from web.desk import Here, Posted, Visit, see
from web.pages.incidents import camera_options
from web.pictures import pictures_of

router = APIRouter()
_SUGGESTED: Final = "more-coming"
_CASE: Final = re.compile(r"(?P<kind>request|incident) (?P<id>[BH]-[0-9A-Z]+)")
"""The reason of a hold that the vault placed for a case of its own."""


@router.get("/holds")
def holds(visit: Here) -> Response:
    """All holds, those in force first, and the form that places one."""
    return visit.page("holds.html", _listed(visit))


@router.post("/holds")
def place(visit: Here, form: Posted) -> Response:
    """Place a hold: from then on what it matches is kept, also what is still to come."""
    try:
        starts_at, ends_at = form.time("from"), form.time("to", edge="end")
        placed = visit.vault.holds.place_as(
            visit.actor,
            HoldOrder(
                purpose=form.text("purpose"),
                windows=tuple((each, starts_at, ends_at) for each in form.all("cameras")),
                reason=form.text("reason"),
                until=form.time("until", edge="end") if form.text("until") else None,
                decided_at=form.time("decided_at") if form.text("decided_at") else None,
                gagged=form.ticked("gagged"),
                over_15=form.ticked("over_15"),
            ),
        )
    except VaultError as error:
        return visit.refused("holds.html", _listed(visit), error, form)
    return see(f"/holds/{placed.id}", "hold-placed")


@router.get("/holds/{hold}")
def hold(visit: Here, hold: str) -> Response:
    """One hold, and what would go if it were released."""
    return visit.page("hold.html", _shown(visit, hold))


@router.post("/holds/{hold}/extend")
def extend(visit: Here, form: Posted, hold: str) -> Response:
    """Keep longer, as far as the policy lets."""
    try:
        until = form.time("until", edge="end")
        visit.vault.holds.extend_as(visit.actor, hold, until, form.text("reason"))
    except VaultError as error:
        return visit.refused("hold.html", _shown(visit, hold), error, form)
    return see(f"/holds/{hold}", "hold-extended")


@router.post("/holds/{hold}/review")
def review(visit: Here, form: Posted, hold: str) -> Response:
    """Say that it was looked at again and stays as it is."""
    try:
        visit.vault.reviews.made(visit.actor, hold, form.text("reason"))
    except VaultError as error:
        return visit.refused("hold.html", _shown(visit, hold), error, form)
    return see(f"/holds/{hold}", "reviewed")


@router.post("/holds/{hold}/release")
def release(visit: Here, form: Posted, hold: str) -> Response:
    """End it: what nothing else keeps is refused at once."""
    try:
        visit.vault.holds.release_as(visit.actor, hold, form.text("reason"))
    except VaultError as error:
        return visit.refused("hold.html", _shown(visit, hold), error, form)
    return see(f"/holds/{hold}", "hold-released")


def _listed(visit: Visit) -> dict[str, object]:
    visit.require(Right.REGISTER_READ, event=Event.HOLD_PLACED)
    found = visit.vault.holds.list(visit.actor)
    swedish = visit.words.language == "sv"
    purposes = visit.vault.policies.in_force().purposes.values()
    return {
        "live": [each for each in found if each.live],
        "ended": [each for each in found if not each.live],
        "camera_options": camera_options(visit),
        "purpose_options": [
            (each.code, each.sv if swedish else each.en)
            for each in purposes
            if each.hold and each.code not in OWNED
        ],
        "suggested": _SUGGESTED,
    }


def _shown(visit: Visit, hold_id: str) -> dict[str, object]:
    visit.require(Right.REGISTER_READ, event=Event.HOLD_PLACED, subject=hold_id)
    found = visit.vault.holds.show(visit.actor, hold_id)
    case = _CASE.fullmatch(found.reason)
    purpose = visit.vault.policies.in_force().purposes.get(found.purpose)
    return {
        "hold": found,
        "case": case.groupdict() if case else None,
        "shown": pictures_of(
            visit, ((each.camera, each.starts_at, each.ends_at) for each in found.windows)
        ),
        "ending": visit.vault.holds.ending(visit.actor, hold_id) if found.live else None,
        "extensible": purpose is not None and purpose.extension is not None,
        "owned": found.purpose in OWNED,
        "names": visit.names((found.placed_by, found.released_by)),
    }
