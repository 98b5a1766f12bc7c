"""Händelser: which are open, until when their footage is kept and why; notes, report, closing."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.custody.events import Event
from cctv_vault.errors import InvalidInputError, NotFoundError, VaultError
from cctv_vault.incidents.views import IncidentView
from cctv_vault.people.actors import Right
from cctv_vault.retention.holds import Ending
from web.desk import Form, Here, Posted, Visit, see
from web.i18n import SWEDISH
from web.pictures import pictures_of
from web.words import field_time

router = APIRouter()
_READERS: Final = (Right.INCIDENT_FLAG, Right.REGISTER_READ)
_SUGGESTED: Final = timedelta(minutes=15)
_SAVED_HOURS: Final = 2


@router.get("/incidents")
def incidents(visit: Here) -> Response:
    """All incidents, the open ones first, and the form that flags one."""
    return visit.page("incidents.html", _listed(visit))


@router.post("/incidents")
def flag(visit: Here, form: Posted) -> Response:
    """Flag a window over cameras: from then on its footage is kept for this."""
    try:
        flagged = visit.vault.incidents.flag(
            visit.actor,
            cameras=form.all("cameras"),
            starts_at=form.time("from"),
            ends_at=form.time("to", edge="end"),
            title=form.text("title"),
            category=form.text("category"),
            report_number=form.text("report_number") or None,
            pre_roll=_minutes(form.text("pre_roll")),
            post_roll=_minutes(form.text("post_roll")),
        )
    except VaultError as error:
        return visit.refused("incidents.html", _listed(visit), error, form)
    return see(f"/incidents/{flagged.id}", "flagged")


@router.post("/incidents/save-now")
def save_now(visit: Here, form: Posted) -> Response:
    """Keep the last hours of the chosen cameras at once; what they show is told later."""
    try:
        back = timedelta(hours=int(form.text("hours") or _SAVED_HOURS))
        saved = visit.vault.incidents.save_now(visit.actor, form.all("cameras"), back)
    except ValueError:
        raise InvalidInputError("hours is a whole number") from None
    return see(f"/incidents/explain/{saved.hold_id}", "saved")


@router.get("/incidents/explain/{hold}")
def explain_form(visit: Here, hold: str) -> Response:
    """What was saved in haste, and the form that makes an incident of it."""
    return visit.page("explain.html", _unexplained(visit, hold))


@router.post("/incidents/explain/{hold}")
def explain(visit: Here, form: Posted, hold: str) -> Response:
    """Make an incident of it."""
    try:
        found = visit.vault.incidents.explain(
            visit.actor, hold, title=form.text("title"), category=form.text("category")
        )
    except VaultError as error:
        return visit.refused("explain.html", _unexplained(visit, hold), error, form)
    return see(f"/incidents/{found.id}", "explained")


@router.post("/incidents/confirm")
def confirm(visit: Here, form: Posted) -> Response:
    """Confirm as a second person what a colleague is suspected of, by its reference."""
    try:
        visit.vault.incidents.confirm(visit.actor, form.text("reference"), form.text("reason"))
    except VaultError as error:
        return visit.refused("incidents.html", _listed(visit), error, form)
    return see("/incidents", "suspicion-confirmed")


@router.get("/incidents/{incident}")
def incident(visit: Here, incident: str) -> Response:
    """One incident."""
    return visit.page("incident.html", _shown(visit, incident))


@router.post("/incidents/{incident}/note")
def note(visit: Here, form: Posted, incident: str) -> Response:
    """Add a note, which nobody can change afterwards."""
    try:
        visit.vault.incidents.note(visit.actor, incident, form.text("text"))
    except VaultError as error:
        return _refused(visit, incident, error, form)
    return see(f"/incidents/{incident}", "noted")


@router.post("/incidents/{incident}/change")
def change(visit: Here, form: Posted, incident: str) -> Response:
    """Widen or narrow it: first the effect is shown, then it is done."""
    dry_run = form.text("do") != "change"
    try:
        effect = visit.vault.incidents.reshape(
            visit.actor,
            incident,
            cameras=form.all("cameras"),
            starts_at=form.time("from"),
            ends_at=form.time("to", edge="end"),
            reason=form.text("reason"),
            dry_run=dry_run,
        )
    except VaultError as error:
        return _refused(visit, incident, error, form)
    if dry_run:
        shown = {**_shown(visit, incident), "effect": effect, "values": form.texts()}
        return visit.page("incident.html", shown)
    return see(f"/incidents/{incident}", "changed")


@router.post("/incidents/{incident}/report-number")
def report_number(visit: Here, form: Posted, incident: str) -> Response:
    """Enter the number of the police report, from which its footage is kept longer."""
    try:
        visit.vault.incidents.set_report_number(visit.actor, incident, form.text("number"))
    except VaultError as error:
        return _refused(visit, incident, error, form)
    return see(f"/incidents/{incident}", "reported")


@router.post("/incidents/{incident}/extend")
def extend(visit: Here, form: Posted, incident: str) -> Response:
    """Keep its footage longer, with the reason."""
    try:
        until = form.time("until", edge="end")
        visit.vault.incidents.extend(visit.actor, incident, until, form.text("reason"))
    except VaultError as error:
        return _refused(visit, incident, error, form)
    return see(f"/incidents/{incident}", "extended")


@router.post("/incidents/{incident}/review")
def review(visit: Here, form: Posted, incident: str) -> Response:
    """Say that it was looked at again and is kept to its end."""
    try:
        hold_id = visit.vault.incidents.show(visit.actor, incident).hold_id
        visit.vault.reviews.made(visit.actor, hold_id, form.text("reason"))
    except VaultError as error:
        return _refused(visit, incident, error, form)
    return see(f"/incidents/{incident}", "reviewed")


@router.post("/incidents/{incident}/close")
def close(visit: Here, form: Posted, incident: str) -> Response:
    """Close it: its footage is then kept by nothing but its other purposes."""
    try:
        visit.vault.incidents.close(visit.actor, incident, form.text("reason"))
    except VaultError as error:
        return _refused(visit, incident, error, form)
    return see(f"/incidents/{incident}", "closed")


def flag_form(visit: Visit) -> dict[str, object]:
    """What the form that flags an incident offers."""
    now = visit.vault.clock.now()
    zone = visit.vault.zone
    return {
        "camera_options": camera_options(visit),
        "chosen_cameras": (),
        "category_options": category_options(visit),
        "flag_from": field_time(now - _SUGGESTED, zone),
        "flag_to": field_time(now, zone),
    }


def category_options(visit: Visit) -> list[tuple[str, str]]:
    """The categories with their words: every vault's, and those of the policy."""
    swedish = visit.words.language == SWEDISH
    return [
        (each.code, visit.words.known(f"category.{each.code}", each.sv if swedish else each.en))
        for each in visit.vault.incidents.categories()
    ]


def camera_options(visit: Visit) -> list[tuple[str, str]]:
    """Every camera's code and name, for boxes to tick."""
    return [
        (each.code, each.name if each.name == each.code else f"{each.name} ({each.code})")
        for each in visit.vault.register.cameras(visit.actor)
    ]


def _listed(visit: Visit) -> dict[str, object]:
    visit.require(*_READERS, event=Event.INCIDENT_FLAGGED)
    found = visit.vault.incidents.list(visit.actor)
    return {
        "open": [each for each in found if each.state == "open"],
        "ended": [each for each in found if each.state != "open"],
        "categories": dict(category_options(visit)),
        "names": visit.names(each.opened_by for each in found),
        **flag_form(visit),
    }


def _shown(visit: Visit, incident_id: str) -> dict[str, object]:
    visit.require(*_READERS, event=Event.INCIDENT_FLAGGED, subject=incident_id)
    found = visit.vault.incidents.show(visit.actor, incident_id)
    return {
        "incident": found,
        "categories": dict(category_options(visit)),
        "camera_options": camera_options(visit),
        "effect": None,
        "shown": pictures_of(
            visit, ((each, found.starts_at, found.ends_at) for each in found.cameras)
        ),
        "ending": _ending(visit, found),
        "paragraph": visit.vault.incidents.report_paragraph(
            visit.actor, incident_id, controller=visit.vault.controller, zone=visit.vault.zone
        ),
        "names": visit.names((found.opened_by, *(each.by for each in found.notes))),
    }


def _unexplained(visit: Visit, hold_id: str) -> dict[str, object]:
    visit.require(Right.INCIDENT_FLAG, event=Event.INCIDENT_EXPLAINED, subject=hold_id)
    saved = visit.vault.incidents.unexplained(visit.actor)
    found = next((each for each in saved if each.hold_id == hold_id), None)
    if found is None:
        raise NotFoundError("saved footage", hold_id, "it has lapsed, or is explained already")
    return {"saved": found, "category_options": category_options(visit)}


def _ending(visit: Visit, found: IncidentView) -> Ending | None:
    """What closing it would end, for who may close it."""
    if found.state != "open" or not visit.actor.may(Right.INCIDENT_MANAGE):
        return None
    return visit.vault.holds.ending(visit.actor, found.hold_id)


def _minutes(text: str) -> timedelta:
    try:
        return timedelta(minutes=int(text or 0))
    except (ValueError, OverflowError):
        raise InvalidInputError(f"{text!r} is no number of minutes") from None


def _refused(visit: Visit, incident_id: str, error: VaultError, form: Form) -> Response:
    context: Mapping[str, object] = _shown(visit, incident_id)
    return visit.refused("incident.html", context, error, form)
