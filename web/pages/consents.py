"""Samtycken: who is in course material, what they allow, where it stands and what must go."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from cctv_vault.consent.rules import Channel, Method
from cctv_vault.custody.events import Event
from cctv_vault.errors import InvalidInputError, VaultError
from cctv_vault.people.actors import Right
from web.desk import Form, Here, Posted, Visit, see

router = APIRouter()
_NOBODY: Final = "nobody"
_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,5}$")


@router.get("/consents")
def consents(visit: Here) -> Response:
    """What must be taken down, the items, the people, the text."""
    return visit.page("consents.html", _listed(visit))


@router.post("/consents/people")
def add(visit: Here, form: Posted) -> Response:
    """Enter a person."""
    try:
        added = visit.vault.consents.add_subject(
            visit.actor,
            form.text("name"),
            contact=form.text("contact"),
            child_until=_day(form.text("child_until")),
            guardian=form.text("guardian"),
        )
    except VaultError as error:
        return visit.refused("consents.html", _listed(visit), error, form)
    return see(f"/consents/people/{added.id}", "subject-added")


@router.post("/consents/text")
def text(visit: Here, form: Posted) -> Response:
    """Publish the next version of the text people consent to."""
    try:
        visit.vault.consents.publish_text(visit.actor, form.text("document"))
    except VaultError as error:
        return visit.refused("consents.html", _listed(visit), error, form)
    return see("/consents", "consent-text-published")


@router.post("/consents/publications/{publication}")
def taken_down(visit: Here, form: Posted, publication: str) -> Response:
    """Confirm that something is no longer published."""
    try:
        visit.vault.consents.confirm_taken_down(visit.actor, publication, form.text("how"))
    except VaultError as error:
        return visit.refused("consents.html", _listed(visit), error, form)
    return see("/consents", "taken-down")


@router.get("/consents/people/{subject}")
def person(visit: Here, subject: str) -> Response:
    """One person, and the one step that takes everything back."""
    return visit.page("consent-person.html", _person(visit, subject))


@router.post("/consents/people/{subject}/withdraw")
def withdraw(visit: Here, form: Posted, subject: str) -> Response:
    """Take consent back: what it ends cannot be opened from now on."""
    try:
        visit.vault.consents.withdraw(
            visit.actor,
            subject,
            items=form.all("only_item"),
            channels=form.all("only_channel"),
            words=form.text("words"),
        )
    except VaultError as error:
        return visit.refused("consent-person.html", _person(visit, subject), error, form)
    return see("/consents", "consent-withdrawn")


@router.get("/consents/items/{item}")
def item(visit: Here, item: str) -> Response:
    """One photograph or film."""
    return visit.page("consent-item.html", _item(visit, item))


@router.post("/consents/items/{item}/people")
def declare(visit: Here, form: Posted, item: str) -> Response:
    """Say who can be identified in it: all of them, or nobody."""
    people = form.all("people")
    try:
        if not people:
            raise InvalidInputError("tick everybody who can be identified, or that nobody can")
        if _NOBODY in people and len(people) > 1:
            raise InvalidInputError("either somebody can be identified or nobody can")
        named = [each for each in people if each != _NOBODY]
        visit.vault.consents.declare(visit.actor, item, named)
    except VaultError as error:
        return _refused(visit, item, error, form)
    return see(f"/consents/items/{item}", "people-declared")


@router.post("/consents/items/{item}/give")
def give(visit: Here, form: Posted, item: str) -> Response:
    """Enter a consent to it."""
    try:
        visit.vault.consents.give(
            visit.actor,
            form.text("subject"),
            items=[item],
            channels=form.all("channels"),
            method=form.text("method"),
            evidence=form.text("evidence"),
            by_guardian=form.ticked("by_guardian"),
        )
    except VaultError as error:
        return _refused(visit, item, error, form)
    return see(f"/consents/items/{item}", "consent-given")


@router.post("/consents/items/{item}/publish")
def publish(visit: Here, form: Posted, item: str) -> Response:
    """Record where it is published."""
    try:
        visit.vault.consents.publish(visit.actor, item, form.text("channel"), form.text("place"))
    except VaultError as error:
        return _refused(visit, item, error, form)
    return see(f"/consents/items/{item}", "publication-recorded")


@router.post("/consents/items/{item}/copy")
def take_out(visit: Here, form: Posted, item: str) -> Response:
    """The original, to be published on a channel everybody in it agrees to."""
    try:
        copy = visit.vault.consents.export(visit.actor, item, form.text("channel"))
    except VaultError as error:
        return _refused(visit, item, error, form)
    ending = _ENDING.search(copy.name)
    name = f"{copy.recording}{ending[0].lower() if ending else ''}"
    return StreamingResponse(
        copy.chunks,
        media_type="application/octet-stream",
        headers={
            "Content-Length": str(copy.bytes),
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


@router.post("/consents/copies/{copy}")
def copy_destroyed(visit: Here, _form: Posted, copy: str) -> Response:
    """Confirm that a copy that was to be published is destroyed."""
    visit.vault.access.copies.confirm_destroyed(visit.actor, copy)
    return see("/consents", "copy-destroyed")


def _listed(visit: Visit) -> dict[str, object]:
    visit.require(Right.REGISTER_READ, event=Event.CONSENT_GIVEN)
    service = visit.vault.consents
    copies = service.copies_to_destroy(visit.actor)
    return {
        "due": service.publications(visit.actor, due_only=True),
        "copies": copies,
        "items": service.items(visit.actor),
        "people": service.subjects(visit.actor),
        "texts": service.texts(visit.actor),
        "names": visit.names(each.made_by for each in copies),
    }


def _person(visit: Visit, subject: str) -> dict[str, object]:
    visit.require(Right.REGISTER_READ, event=Event.CONSENT_GIVEN)
    found = visit.vault.consents.subject(visit.actor, subject)
    live = [each for each in found.consents if each.state == "live"]
    return {
        "person": found,
        "live": live,
        "item_options": [
            (each, each) for each in sorted({*found.items, *(each.item for each in live)})
        ],
        "channel_options": _channels(visit),
    }


def _item(visit: Visit, item: str) -> dict[str, object]:
    visit.require(Right.REGISTER_READ, event=Event.CONSENT_GIVEN)
    service = visit.vault.consents
    found = service.item(visit.actor, item)
    people = service.subjects(visit.actor)
    inside = {each.id for each in found.people}
    chosen = tuple(inside) or ((_NOBODY,) if found.declared_at else ())
    return {
        "piece": found,
        "names": visit.names([found.declared_by]),
        "shown": {each.id: each.name or each.id for each in people},
        "people_options": [
            *((each.id, each.name or each.id) for each in people),
            (_NOBODY, visit.words.text("consent_item.nobody")),
        ],
        "chosen": chosen,
        "subject_options": [
            (each.id, each.name or each.id)
            for each in people
            if found.declared_at is None or each.id in inside
        ],
        "channel_options": _channels(visit),
        "allowed_options": [
            (each.channel, visit.words.text(f"consent_channel.{each.channel}"))
            for each in found.channels
            if each.allowed
        ],
        "method_options": [
            (each.value, visit.words.text(f"consent_method.{each.value}")) for each in Method
        ],
    }


def _channels(visit: Visit) -> list[tuple[str, str]]:
    return [(each.value, visit.words.text(f"consent_channel.{each.value}")) for each in Channel]


def _refused(visit: Visit, item: str, error: VaultError, form: Form) -> Response:
    context: Mapping[str, object] = _item(visit, item)
    return visit.refused("consent-item.html", context, error, form)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInputError(f"{text!r} is no day; write it like 2031-05-17") from None
