"""The interface for machines: the same services, the same rights, as JSON.

A session's cookie opens it, or the account's name and credential as HTTP Basic, which no browser
sends by itself because nothing here ever asks for it.
"""

import base64
import binascii
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from cctv_vault.custody.events import Event
from cctv_vault.people.actors import Actor, Right
from cctv_vault.views import parse_time, to_json
from web.desk import Desk, ForgedFormError, SignInNeededError, desk_of
from web.security import SESSION_COOKIE, is_form_token

router = APIRouter(prefix="/api")
_MOST: Final = 10_000
FORM_HEADER: Final = "X-CCTV-Vault-Form"


def caller_of(request: Request) -> Actor:
    """Who calls.

    Raises:
        SignInNeededError: Nobody.
        AccessDeniedError: The name or the credential is wrong.
        ForgedFormError: A session's cookie came without its token on a call that changes things.
    """
    people = desk_of(request).vault.people
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, credential = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise SignInNeededError("/") from None
        address = request.client.host if request.client else ""
        return people.authenticate(name, credential, address=address)
    cookie = request.cookies.get(SESSION_COOKIE, "")
    actor = people.session(cookie) if cookie else None
    if actor is None:
        raise SignInNeededError("/")
    if request.method not in {"GET", "HEAD"} and not is_form_token(
        request.headers.get(FORM_HEADER, ""), cookie
    ):
        raise ForgedFormError
    return actor


Caller = Annotated[Actor, Depends(caller_of)]
At = Annotated[Desk, Depends(desk_of)]


@router.get("/footage")
def footage(  # noqa: PLR0917 - a query has the fields it has
    desk: At,
    actor: Caller,
    camera: Annotated[list[str] | None, Query()] = None,
    start: Annotated[str | None, Query(alias="from")] = None,
    to: str | None = None,
    kind: str | None = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 1000,
) -> Response:
    """Recordings in order of time, as `footage list` names their fields."""
    vault = desk.vault
    found: Iterator[object] = vault.catalogue.list(
        actor,
        cameras=tuple(camera or ()),
        start=parse_time(start, vault.zone) if start else None,
        end=parse_time(to, vault.zone) if to else None,
        kind=kind,
        limit=limit,
    )
    return JSONResponse([to_json(each) for each in islice(found, limit)])


@router.get("/incidents")
def incidents(desk: At, actor: Caller) -> Response:
    """All incidents."""
    return JSONResponse(to_json(desk.vault.incidents.list(actor)))


@router.get("/requests")
def requests(desk: At, actor: Caller) -> Response:
    """All requests."""
    return JSONResponse(to_json(desk.vault.requests.list(actor)))


@router.post("/requests")
def file(desk: At, actor: Caller, body: Annotated[dict[str, object], Body()]) -> Response:
    """Register a request, in the JSON of `request file`."""
    return JSONResponse(to_json(desk.vault.requests.file(actor, body, via="api")), 201)


@router.get("/requests/{request}")
def request(desk: At, actor: Caller, request: str) -> Response:
    """One request."""
    return JSONResponse(to_json(desk.vault.requests.show(actor, request)))


@router.get("/log/checkpoint")
def checkpoint(desk: At, actor: Caller) -> Response:
    """The signed checkpoint over everything so far."""
    if not actor.may(Right.LOG_READ):
        with desk.vault.ledger.act(Event.LOG_READ, actor):
            actor.require(Right.LOG_READ)
    return PlainTextResponse(desk.vault.log.checkpoint(desk.vault.clock.now()))
