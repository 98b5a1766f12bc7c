"""How a page is made: template, language, and the words for times and sizes bound to both.

Shared by the staff's pages and the portal, so it knows neither persons nor services.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from cctv_vault.views import iso, printable
from web import words
from web.i18n import LANGUAGES, Catalogue, choose_language, load_catalogues
from web.saying import Teller, load_sayings
from web.security import LANGUAGE_COOKIE

STATIC: Final = Path(__file__).with_name("static")
_TEMPLATES: Final = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class House:
    """What every page says about the vault: who answers for it, and in what time it lives."""

    controller: str
    zone: str
    simulated: bool


class Renderer:
    """Templates and catalogues, loaded once for each application."""

    def __init__(self, house: House) -> None:
        """``house`` stands in the frame of every page."""
        self.house = house
        self._catalogues = load_catalogues()
        self._sayings = {
            language: load_sayings(each) for language, each in self._catalogues.items()
        }
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["utc"] = iso
        self._assets = {
            path.name: f"/static/{path.name}?v={hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
            for path in STATIC.iterdir()
            if path.is_file()
        }

    def words(self, request: Request) -> Catalogue:
        """The catalogue of the language this browser wants."""
        cookie = request.cookies.get(LANGUAGE_COOKIE)
        return self._catalogues[choose_language(cookie, request.headers.get("accept-language"))]

    def page(
        self,
        request: Request,
        template: str,
        now: datetime,
        context: Mapping[str, object],
        *,
        status: int = 200,
    ) -> HTMLResponse:
        """Render a template as an answer, in the browser's language."""
        catalogue = self.words(request)
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        whole: dict[str, object] = {
            **self._bound(catalogue, now),
            "house": self.house,
            "now": now,
            "here": here if request.method == "GET" else "/",
            "path": request.url.path,
            "languages": LANGUAGES,
            "done": catalogue.known(f"done.{request.query_params.get('done', '')}", ""),
            "error": None,
            **context,
        }
        typed = context.get("values")
        whole["values"] = _Typed(typed if isinstance(typed, dict) else {})
        body = self._environment.get_template(template).render(whole)
        return HTMLResponse(
            body,
            status,
            headers={"Content-Language": catalogue.language, "Vary": "Accept-Language"},
        )

    def _bound(self, catalogue: Catalogue, now: datetime) -> dict[str, Any]:
        zone, language = self.house.zone, catalogue.language
        teller = Teller(self._sayings[language], language, zone)

        def moment(at: datetime, *, seconds: bool = False, zone: str = zone) -> Markup:
            return _time_tag(at, words.moment_words(at, zone, seconds=seconds))

        def span(start: datetime, end: datetime, *, seconds: bool = False, zone: str = zone) -> str:
            return words.span_words(start, end, zone, seconds=seconds)

        def ago(at: datetime) -> Markup:
            text = catalogue.text("time.ago", length=words.duration_words(now - at))
            return _time_tag(at, text, title=words.moment_words(at, zone))

        def left(at: datetime) -> Markup:
            """When something ends or is due: in so long, or so long ago."""
            key = "time.in" if at > now else "time.overdue"
            text = catalogue.text(key, length=words.duration_words(abs(at - now)))
            return _time_tag(at, text, title=words.moment_words(at, zone))

        def expiry(until: datetime | None) -> str:
            if until is None:
                return catalogue.text("expiry.open")
            if until <= now:
                return catalogue.text("expiry.due")
            return catalogue.text("expiry.in", length=words.duration_words(until - now))

        def duration(length: float | timedelta) -> str:
            whole = length if isinstance(length, timedelta) else timedelta(seconds=length)
            return words.duration_words(whole)

        return {
            "language": language,
            "t": catalogue.text,
            "tn": catalogue.count,
            "known": catalogue.known,
            "asset": self._assets.__getitem__,
            "moment": moment,
            "span": span,
            "ago": ago,
            "left": left,
            "expiry": expiry,
            "duration": duration,
            "hour": lambda at: f"{words.clock_time(at, zone)} {words.zone_name(at, zone)}",
            "period": lambda period: _period(period.text, catalogue),
            "day": lambda at: words.day_words(at, zone, language),
            # A deadline is the first moment after it: people are told the last day they have.
            "last_day": lambda end: words.day_words(
                end - timedelta(microseconds=1), zone, language
            ),
            "size": lambda size: words.size_words(size, language),
            "number": lambda number: words.number_words(number, language),
            "field_time": lambda at: words.field_time(at, zone),
            "exact": lambda at: words.exact_words(at, zone),
            "zone_of": lambda at: words.zone_name(at, zone),
            "printable": printable,
            "said": teller.said,
            "reasons": teller.reasons,
            "quoting": teller.quoting,
        }


def _period(text: str, catalogue: Catalogue) -> str:
    """A period as the policy writes it (``72h``, ``24mo``) with its unit as the reader does."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = text.removeprefix(number)
    return f"{number} {catalogue.known(f'unit.{unit}', unit)}"


class _Typed(dict[str, object]):
    """What was typed into a form; a field that was not sent is empty."""

    def __missing__(self, _name: str) -> str:
        return ""


def _time_tag(at: datetime, text: str, *, title: str = "") -> Markup:
    extra = Markup(' title="{}"').format(title) if title else Markup()
    return Markup('<time datetime="{}"{}>{}</time>').format(iso(at), extra, escape(text))
