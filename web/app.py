"""The staff's application: pages, the JSON interface, and how each refusal is answered.

Nothing that went wrong is shown or logged with what it was about: a page says what happened and
what to do, a log line names the kind of error and the line of code it came from.
"""

import logging
import traceback
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cctv_vault.errors import VaultError
from cctv_vault.vault import Vault
from web import api
from web.desk import Desk, ForgedFormError, SignInNeededError, Visit, frame
from web.faults import status_of
from web.pages import (
    accounts,
    breaches,
    cameras,
    consents,
    expiry,
    footage,
    holds,
    incidents,
    log,
    me,
    overview,
    policy,
    quarantine,
    registers,
    requests,
    session,
    spot,
    timeline,
)
from web.rendering import STATIC, House, Renderer
from web.security import Fence

_LOG = logging.getLogger("cctv_vault.web")
_PAGES = (
    *(session, overview, timeline, footage, incidents, holds, requests, spot),
    *(breaches, consents, expiry, policy, registers, log, cameras, quarantine, accounts, me, api),
)


def create_app(vault: Vault) -> FastAPI:
    """The staff's application over an open vault, which outlives it."""
    app = FastAPI(title="cctv_vault", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = Desk(vault, Renderer(house_of(vault)))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for page in _PAGES:
        app.include_router(page.router)
    install_errors(app, app.state.desk.renderer, "error.html", vault)
    app.add_middleware(Fence)
    return app


def house_of(vault: Vault) -> House:
    """What every page says of the vault."""
    return House(controller=vault.controller, zone=vault.zone, simulated=vault.simulated)


def install_errors(app: FastAPI, renderer: Renderer, template: str, vault: Vault) -> None:
    """Answer every error with a page (or JSON below ``/api/``) that says what to do."""

    def answer(request: Request, key: str, status: int, error: VaultError | None) -> Response:
        words = renderer.words(request)
        title = words.known(f"error.{key}.title", words.text("error.refused.title"))
        advice = words.known(f"error.{key}.advice", words.text("error.refused.advice"))
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": key, "message": str(error or advice)}, status)
        visit = getattr(request.state, "visit", None)
        context = {
            "heading": title,
            "advice": advice,
            "refusal": error if error and str(error) else None,
            "signed_in": isinstance(visit, Visit),
            **(frame(visit.actor, visit.token) if isinstance(visit, Visit) else {}),
        }
        return renderer.page(request, template, vault.clock.now(), context, status=status)

    async def refused(request: Request, error: Exception) -> Response:
        fault = error if isinstance(error, VaultError) else VaultError()
        return answer(request, fault.code, status_of(fault), fault)

    async def sign_in(request: Request, error: Exception) -> Response:
        if request.url.path.startswith("/api/"):
            return answer(request, "person-needed", 401, None)
        target = error.target if isinstance(error, SignInNeededError) else "/"
        address = request.url_for("sign_in_page").include_query_params(target=target)
        return RedirectResponse(f"{address.path}?{address.query}", 303)

    async def forged(request: Request, _error: Exception) -> Response:
        return answer(request, "forged", 403, None)

    async def malformed(request: Request, _error: Exception) -> Response:
        return answer(request, "invalid-input", 422, None)

    async def plain(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        known = {404: "not-found", 405: "not-found"}
        return answer(request, known.get(status, "refused"), status, None)

    app.add_exception_handler(VaultError, refused)
    app.add_exception_handler(SignInNeededError, sign_in)
    app.add_exception_handler(ForgedFormError, forged)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, plain)
    app.add_middleware(Quiet)


class Quiet:
    """ASGI middleware: an unexpected error is logged by kind and place, never by its words."""

    def __init__(self, app: ASGIApp) -> None:
        """``app`` is what may fail."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - its words may hold what no log may
            places = [
                f"{Path(each.filename).name}:{each.lineno}"
                for each in traceback.extract_tb(error.__traceback__)
            ]
            _LOG.error("unexpected %s at %s", type(error).__name__, " ".join(places[-6:]))
            if started or scope["type"] != "http":
                # The answer is under way: cutting it short is the only sign left to give.
                raise ConnectionAbortedError from None
            answer = JSONResponse(
                {
                    "error": "unexpected",
                    "message": "Något gick fel. / Something went wrong. Nothing was changed.",
                },
                500,
            )
            await answer(scope, receive, send)
