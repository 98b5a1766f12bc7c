"""Kameror: which there are, what they see, whether they are well and their clocks right."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from cctv_vault.custody.events import Event
from cctv_vault.errors import InvalidInputError, VaultError
from cctv_vault.footage.rules import Sign
from cctv_vault.people.actors import Right
from web.desk import Here, Posted, Visit, see
from web.pictures import newest_of

router = APIRouter()
_READERS: Final = (Right.FOOTAGE_LIST, Right.REGISTER_READ, Right.SETUP)


@router.get("/cameras")
def cameras(visit: Here) -> Response:
    """The register, and for whoever sets up the forms that add to it."""
    return visit.page("cameras.html", _listed(visit))


@router.post("/cameras")
def add(visit: Here, form: Posted) -> Response:
    """Add a camera."""
    retention = form.text("recorder_retention")
    try:
        if retention and not (retention.isascii() and retention.isdigit()):
            raise InvalidInputError("the recorder's retention is a whole number of days")
        visit.vault.register.add_camera(
            visit.actor,
            form.text("code"),
            drop=form.text("drop"),
            site=form.text("site") or None,
            name=form.text("name"),
            place=form.text("place"),
            purpose=form.text("purpose"),
            view=form.text("view"),
            sound=form.text("sound"),
            origin=form.text("origin"),
            recorder_retention_days=int(retention) if retention else None,
        )
    except VaultError as error:
        return visit.refused("cameras.html", _listed(visit), error, form)
    return see("/cameras", "camera-added")


@router.post("/cameras/{camera}/describe")
def describe(visit: Here, form: Posted, camera: str) -> Response:
    """Answer what the register must know before anything of a camera is taken in."""
    try:
        visit.vault.register.describe(
            visit.actor,
            camera,
            purpose=form.text("purpose"),
            view=form.text("view"),
            sound=form.text("sound"),
        )
    except VaultError as error:
        return visit.refused("cameras.html", _listed(visit), error, form)
    return see("/cameras", "camera-described")


@router.post("/cameras/{camera}/clock")
def clock(visit: Here, form: Posted, camera: str) -> Response:
    """Record how far a camera's clock is off."""
    try:
        visit.vault.register.measure_clock(
            visit.actor,
            camera,
            _seconds(form.text("offset")),
            _seconds(form.text("uncertainty")),
            form.time("measured_at"),
        )
    except VaultError as error:
        return visit.refused("cameras.html", _listed(visit), error, form)
    return see("/cameras", "clock-measured")


@router.post("/signs/{site}")
def sign(visit: Here, form: Posted, site: str) -> Response:
    """Enter what was seen of a place's sign."""
    says = form.all("says")
    seen = Sign(
        form.text("place"),
        form.text("there") == "yes",
        *(each in says for each in ("controller", "purpose", "pointer")),
    )
    try:
        visit.vault.signs.check(visit.actor, site, seen)
    except VaultError as error:
        return visit.refused("cameras.html", _listed(visit), error, form)
    return see("/cameras", "sign-checked")


@router.post("/cameras/{camera}/view")
def view(visit: Here, form: Posted, camera: str) -> Response:
    """Say that what a camera sees now is right."""
    try:
        visit.vault.health.accept_view(visit.actor, camera, form.text("reason"))
    except VaultError as error:
        return visit.refused("cameras.html", _listed(visit), error, form)
    return see("/cameras", "view-accepted")


@router.post("/cameras/{camera}/pattern")
def pattern(visit: Here, form: Posted, camera: str) -> Response:
    """How a camera's file names are read: try it over sample names, or keep it."""
    wanted, names = form.text("pattern"), form.text("names").splitlines()
    try:
        if form.text("do") != "keep":
            tried = visit.vault.register.read_names(
                visit.actor, camera, [each.strip() for each in names if each.strip()], wanted
            )
            said = {"tried": tried, "tried_of": camera, "values": form.texts()}
            return visit.page("cameras.html", {**_listed(visit), **said})
        visit.vault.register.set_convention(visit.actor, camera, wanted)
    except VaultError as error:
        told = {**_listed(visit), "tried_of": camera}
        return visit.refused("cameras.html", told, error, form)
    return see("/cameras", "naming-changed")


def _listed(visit: Visit) -> dict[str, object]:
    visit.require(*_READERS, event=Event.CAMERA_ADDED)
    may_see = visit.actor.may(Right.FOOTAGE_LIST) or visit.actor.may(Right.SETUP)
    signs = visit.vault.signs.list(visit.actor)
    cameras, sites = (
        visit.vault.register.cameras(visit.actor),
        visit.vault.register.sites(visit.actor),
    )
    return {
        "tried": (),
        "tried_of": "",
        "pictures": {each.code: newest_of(visit, each.code) for each in cameras},
        "unread": len(visit.vault.quarantine.list(visit.actor)) if may_see else 0,
        "cameras": cameras,
        "health": {each.camera: each for each in visit.vault.health.list(visit.actor)},
        "missing": _missing(visit),
        "signs": signs,
        "names": visit.names(each.checked_by for each in signs),
        "site_options": [(each.code, each.name) for each in sites],
    }


def _missing(visit: Visit) -> dict[str, list[str]]:
    """For each camera what has to be answered before its files are taken in."""
    readiness = visit.vault.readiness
    with visit.vault.database.read() as session:
        return {
            each.code: readiness.missing(session, each.code)
            for each in visit.vault.register.all_cameras()
        }


def _seconds(text: str) -> float:
    try:
        return float(text.replace(",", ".").replace("−", "-"))
    except ValueError:
        raise InvalidInputError(f"{text!r} is no number of seconds") from None
