"""The portal: how a stranger asks for footage, sees where the request is, and fetches the answer.

Its own application on its own listener. It knows no session and no way to footage other than a
released package, opened with a link and a code that travelled apart; the staff's pages do not
exist here, and it tells nobody which cameras there are.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.staticfiles import StaticFiles

from cctv_vault.clock import monotonic
from cctv_vault.disclosure.legal import GAG_CODE, REQUESTERS, find_ground, is_erasure
from cctv_vault.disclosure.verifypage import VERIFY_PAGE, verify_page
from cctv_vault.errors import InvalidInputError, VaultError
from cctv_vault.people.actors import PORTAL_ACTOR
from cctv_vault.people.attempts import Attempts, network_of
from cctv_vault.vault import Vault
from web.app import house_of, install_errors
from web.desk import Form
from web.faults import status_of
from web.filing import body_of, options
from web.pages.session import choose
from web.rendering import STATIC, Renderer
from web.security import Fence
from web.sending import MOST_AT_ONCE, as_pdf, in_steps
from web.uploads import SentFile, file_of

FILINGS: Final = 20
LOOK_UPS: Final = 60
"""Posts of one address within an hour: more than any person's, fewer than a flood's."""
_HOUR_S: Final = 3600.0
_NOT_BY_FORM: Final = ("seizure", "emergency")  # the first comes in person, the second by telephone


class Counter:
    """One portal: its vault, its pages and its count of who posted how often."""

    def __init__(self, vault: Vault, filings: int, look_ups: int) -> None:
        """``vault`` outlives this; the numbers are posts of one address within an hour."""
        self.vault = vault
        self.renderer = Renderer(house_of(vault))
        self.filings = Attempts(limit=filings, window_s=_HOUR_S, clock=monotonic)
        self.look_ups = Attempts(limit=look_ups, window_s=_HOUR_S, clock=monotonic)

    def page(
        self,
        request: Request,
        template: str,
        context: dict[str, object] | None = None,
        *,
        status: int = 200,
    ) -> Response:
        """Render a page of the portal."""
        now = self.vault.clock.now()
        return self.renderer.page(request, f"portal/{template}", now, context or {}, status=status)


def count(attempts: Attempts, request: Request) -> None:
    """Count a post against its address.

    Raises:
        TooManyAttemptsError: The address has posted too often.
    """
    attempts.begin((network(request),))


def network(request: Request) -> str:
    """The network of whoever asks, as far as that can be told."""
    return network_of(request.client.host) if request.client else ""


def counter_of(request: Request) -> Counter:
    """The application's counter."""
    counter: Counter = request.app.state.counter
    return counter


async def sent(request: Request) -> FormData:
    """The fields of a form; a stranger sends no files."""
    return await request.form(max_files=0, max_fields=60)


Desk = Annotated[Counter, Depends(counter_of)]
Sent = Annotated[FormData, Depends(sent)]


def create_portal(vault: Vault, *, filings: int = FILINGS, look_ups: int = LOOK_UPS) -> FastAPI:
    """The portal's application; the numbers are what one address may post within an hour."""
    app = FastAPI(title="cctv_vault", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.counter = Counter(vault, filings, look_ups)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_api_route("/", start)
    app.add_api_route("/begaran", ask)
    app.add_api_route("/begaran", file, methods=["POST"])
    app.add_api_route("/mottagningsbevis", receipt, methods=["POST"])
    app.add_api_route("/handlingar", attach, methods=["POST"])
    app.add_api_route("/status", status)
    app.add_api_route("/status", look_up, methods=["POST"])
    app.add_api_route("/hamta/{token}", fetch)
    app.add_api_route("/hamta/{token}", collect, methods=["POST"])
    app.add_api_route("/kontrollera", explain)
    app.add_api_route(f"/{VERIFY_PAGE}", verifier)
    app.add_api_route("/language/{language}", language)
    install_errors(app, app.state.counter.renderer, "portal/error.html", vault)
    app.add_middleware(Fence)
    return app


def start(request: Request, counter: Desk) -> Response:
    """What can be done here."""
    return counter.page(request, "start.html")


def ask(request: Request, counter: Desk) -> Response:
    """The form, in four steps."""
    return counter.page(request, "ask.html", _form(request, counter))


def file(request: Request, counter: Desk, data: Sent) -> Response:
    """File the request: the footage it asks for is frozen, and a reference and a code come back."""
    words = counter.renderer.words(request)
    form = Form(data, counter.vault.zone)
    try:
        count(counter.filings, request)
        body = body_of(form, words.language, public=True)
        _check_taken(counter.vault, body)
        filed = counter.vault.requests.file(
            PORTAL_ACTOR, body, via="portal", sender=network(request)
        )
    except VaultError as error:
        again = {**_form(request, counter), "error": error, "values": form.texts()}
        return counter.page(request, "ask.html", again, status=status_of(error))
    doubtful = any(each.get("doubtful") for each in body["footage"])
    erasure = is_erasure(body["requester"]["type"], body["ground"]["code"] or "")
    context = {"filed": filed, "doubtful": doubtful, "erasure": erasure}
    return counter.page(request, "filed.html", context, status=201)


def _check_taken(vault: Vault, body: Mapping[str, Any]) -> None:
    """Refuse what this form does not take, whoever made it, and what nobody could ever answer.

    Raises:
        InvalidInputError: It comes in person or by telephone, or nobody here may know of it.
    """
    if body["requester"]["type"] in _NOT_BY_FORM:
        taken = ", ".join(each for each in REQUESTERS if each not in _NOT_BY_FORM)
        raise InvalidInputError(f"requester.type must be one of: {taken}")
    silent = find_ground(body["ground"]["code"] or "") == GAG_CODE
    if silent and not vault.people.is_anybody_cleared():
        raise InvalidInputError(
            "nobody here may receive an order under a duty of silence through this page; bring it "
            "in person, or call"
        )


def receipt(request: Request, counter: Desk, data: Sent) -> Response:
    """The receipt of a request as PDF, for whoever has its reference and code."""
    form = Form(data, counter.vault.zone)
    reference = form.text("reference").upper()
    try:
        count(counter.look_ups, request)
        pdf = counter.vault.letters.receipt(reference, form.text("code"))
    except VaultError as error:
        again: dict[str, object] = {"found": None, "values": {"reference": reference}}
        again["error"] = error
        return counter.page(request, "status.html", again, status=status_of(error))
    return as_pdf(pdf, reference)


def attach(request: Request, counter: Desk, data: SentFile) -> Response:
    """Add an order, a mandate or a power of attorney, for whoever has reference and code."""
    form = Form(data, counter.vault.zone)
    reference, code = form.text("reference").upper(), form.text("code")
    context: dict[str, object] = {"found": None, "values": {"reference": reference}}
    try:
        count(counter.look_ups, request)
        counter.vault.case_files.add_with_code(reference, code, *file_of(data))
        context |= {"found": counter.vault.requests.status(reference, code), "added": True}
    except VaultError as error:
        return counter.page(
            request, "status.html", {**context, "error": error}, status=status_of(error)
        )
    return counter.page(request, "status.html", context, status=201)


def status(request: Request, counter: Desk) -> Response:
    """Ask for reference and code."""
    return counter.page(request, "status.html", {"found": None})


def look_up(request: Request, counter: Desk, data: Sent) -> Response:
    """Where a request stands, for whoever has its reference and code."""
    form = Form(data, counter.vault.zone)
    context: dict[str, object] = {"found": None, "values": {"reference": form.text("reference")}}
    try:
        count(counter.look_ups, request)
        context["found"] = counter.vault.requests.status(
            form.text("reference").upper(), form.text("code")
        )
        context["added"] = False
    except VaultError as error:
        return counter.page(
            request, "status.html", {**context, "error": error}, status=status_of(error)
        )
    return counter.page(request, "status.html", context)


def fetch(request: Request, counter: Desk, token: str) -> Response:
    """Ask for the code that travelled apart from the link; nothing is said about the link yet."""
    return counter.page(request, "fetch.html", {"download": token})


def collect(request: Request, counter: Desk, token: str, data: Sent) -> Response:
    """Hand over the package, once, to whoever has both link and code."""
    form = Form(data, counter.vault.zone)
    try:
        count(counter.look_ups, request)
        collected = counter.vault.requests.collect(token, form.text("code").replace(" ", ""))
    except VaultError as error:
        return counter.page(
            request, "fetch.html", {"download": token, "error": error}, status=status_of(error)
        )
    return StreamingResponse(
        in_steps(collected.reader, collected.size, MOST_AT_ONCE, collected.again),
        media_type="application/zip",
        headers={
            "Content-Length": str(collected.size),
            "Content-Disposition": f'attachment; filename="{collected.name}"',
        },
    )


def _form(request: Request, counter: Counter) -> dict[str, object]:
    """What the form offers; a stranger is not told which cameras there are."""
    return {
        **options(counter.renderer.words(request), without=_NOT_BY_FORM),
        "site_options": [
            (each.code, each.name) for each in counter.vault.register.sites(PORTAL_ACTOR)
        ],
    }


def explain(request: Request, counter: Desk) -> Response:
    """How anyone checks a package, with nothing but the file."""
    return counter.page(
        request, "verify.html", {"origin": counter.vault.log.origin, "vkey": counter.vault.log.vkey}
    )


def verifier() -> Response:
    """The page that verifies a package in the browser; it works from a file as well."""
    page = verify_page()
    policy = f"{page.policy}; frame-ancestors 'none'"
    return Response(
        page.content, media_type="text/html", headers={"Content-Security-Policy": policy}
    )


def language(language: str, next: str = "/") -> Response:  # noqa: A002 - the query's name
    """Change the language of every page."""
    return choose(language, next)
