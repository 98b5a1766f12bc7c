"""What stands between the pages and a hostile browser: headers, origin, size, token, ranges.

Three fences against forged forms, each enough alone: the session cookie is SameSite=Strict, an
unsafe request must come from our own pages by Sec-Fetch-Site or Origin, and every form of a
signed-in person carries a token made from the session. No page may run inline script or style,
be framed, or load anything from elsewhere.
"""

import hashlib
import hmac
import re
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION_COOKIE: Final = "cctv_vault_session"
LANGUAGE_COOKIE: Final = "cctv_vault_language"
MAX_BODY_BYTES: Final = 12 * 1024 * 1024  # a request with the decision attached as a scanned PDF

MAX_FILM_BYTES: Final = 8 * 1024 * 1024 * 1024 + 1024 * 1024
"""What a form with a masked film may hold: the film, and the fields before it."""

_FILM: Final = re.compile(r"/requests/[^/]+/masked")
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Nothing of an address leaves for another site. Not `no-referrer`: with it a browser sends
    # `Origin: null` from our own forms, and over plain HTTP that is the only sign of where they
    # come from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}


class Fence:
    """ASGI middleware: refuses forged and oversized requests, and sets headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        """``app`` is what lies behind the fence."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        # Our own sheets and scripts are named with the hash of what is in them.
        versioned = scope["path"].startswith("/static/") and scope["query_string"][:2] == b"v="

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
                answer.setdefault("Cache-Control", _IMMUTABLE if versioned else "no-store")
            await send(message)

        most = MAX_FILM_BYTES if _FILM.fullmatch(scope["path"]) else MAX_BODY_BYTES
        refusal: PlainTextResponse | None = None
        if scope["method"] not in _SAFE_METHODS and not comes_from_us(headers):
            refusal = PlainTextResponse(
                "This form was sent from another site and is refused. Open the page and try again.",
                status_code=403,
            )
        elif _declared_length(headers) > most:
            refusal = PlainTextResponse("That is more than is taken in at once.", status_code=413)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
            return
        await self._app(scope, _bounded(receive, most), send_with_headers)


def comes_from_us(headers: Headers) -> bool:
    """Whether an unsafe request was sent by a page of this site, or by no browser at all."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    if origin is None:
        return True  # no browser leaves both out; a script has no cookies it was not given
    return origin.partition("://")[2] == headers.get("host")


def form_token(session_token: str) -> str:
    """The token every form of this session carries."""
    return hmac.new(session_token.encode(), b"cctv-vault/form/v1", hashlib.sha256).hexdigest()


def is_form_token(token: str, session_token: str) -> bool:
    """Whether a form's token belongs to this session."""
    return hmac.compare_digest(token.encode(), form_token(session_token).encode())


def local_path(target: str | None, fallback: str = "/") -> str:
    """``target`` where it is a path on this site, else ``fallback``: never another site."""
    if (
        target
        and target.startswith("/")
        and not target.startswith(("//", "/\\"))
        and target.isprintable()
        and "\\" not in target
    ):
        return target
    return fallback


def _declared_length(headers: Headers) -> int:
    try:
        return int(headers.get("content-length", "0"))
    except ValueError:
        return MAX_FILM_BYTES + 1


def _bounded(receive: Receive, most: int) -> Receive:
    """Stop reading a body that turns out longer than it may be, whatever it declared."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413)
        return message

    return bounded
