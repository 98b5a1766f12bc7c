"""Signing in and out, and the choice of language."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from cctv_vault.errors import VaultError
from cctv_vault.people.attempts import TooManyAttemptsError
from cctv_vault.people.service import SESSION_LASTS
from web.desk import Form, Here, Posted, desk_of, see
from web.faults import status_of
from web.i18n import LANGUAGES
from web.security import LANGUAGE_COOKIE, SESSION_COOKIE, local_path

router = APIRouter()


@router.get("/sign-in")
def sign_in_page(request: Request, target: str = "/") -> Response:
    """The form, which leads on to ``target``."""
    desk = desk_of(request)
    return desk.renderer.page(
        request, "sign-in.html", desk.vault.clock.now(), {"target": local_path(target)}
    )


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Open a session in a cookie that no script can read and no other site can send."""
    desk = desk_of(request)
    form = Form(await request.form(max_files=0, max_fields=10), desk.vault.zone)
    target = local_path(form.text("target"))
    address = request.client.host if request.client else ""
    try:
        token, _ = await run_in_threadpool(
            desk.vault.people.sign_in, form.text("name"), form.text("credential"), address=address
        )
    except VaultError as error:
        answer: Response = desk.renderer.page(
            request,
            "sign-in.html",
            desk.vault.clock.now(),
            {"target": target, "error": error, "values": {"name": form.text("name")}},
            status=status_of(error),
        )
        if isinstance(error, TooManyAttemptsError):
            answer.headers["Retry-After"] = str(error.wait_s)
        return answer
    answer = see(target)
    answer.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/sign-out")
def sign_out(visit: Here, _form: Posted) -> Response:
    """End the session."""
    visit.vault.people.sign_out(visit.token)
    answer = see("/sign-in")
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return answer


def choose(language: str, target: str) -> Response:
    """Keep the choice of language for a year and go back to the page."""
    answer = RedirectResponse(local_path(target), status_code=303)
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=365 * 86400, samesite="lax")
    return answer


@router.get("/language/{language}")
def choose_language(language: str, next: str = "/") -> Response:  # noqa: A002 - the query's name
    """Change the language of every page."""
    return choose(language, next)
