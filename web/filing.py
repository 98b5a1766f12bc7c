"""From the fields of a form to a request in the one form that every way of filing shares.

The portal's form and the staff's are the same fields; what they mean is the services' to judge.
"""

from collections.abc import Sequence
from typing import Any, Final

from cctv_vault.disclosure.legal import ERASURE, GROUNDS, REQUESTERS, Words, is_erasure
from cctv_vault.errors import InvalidInputError
from cctv_vault.views import iso
from web.desk import Form
from web.i18n import SWEDISH, Catalogue

WINDOWS: Final = 3
"""How many windows the form has; more are filed as JSON."""


def body_of(form: Form, language: str, *, public: bool = False) -> dict[str, Any]:
    """The request a form holds; a stranger's names no cameras, whatever it was made to send.

    Raises:
        InvalidInputError: A time is missing or no time.
    """
    return {
        "requester": {
            "type": form.text("type"),
            **{
                name: form.text(name) or None
                for name in ("authority", "unit", "name", "role", "email", "phone")
            },
        },
        "ground": {
            "code": form.text("ground") or None,
            "decision_maker": form.text("decision_maker") or None,
            "document": form.text("document") or None,
            "decided_at": decided_of(form),
        },
        "matter": {"number": form.text("number") or None, "offence": form.text("offence") or None},
        "footage": footage_of(form, cameras=() if public else form.all("cameras")),
        "description": form.text("description"),
        "language": language,
        "delivery": form.text("delivery") or "link",
    }


def footage_of(form: Form, cameras: Sequence[str]) -> list[dict[str, Any]]:
    """The windows of a form: ``from-1``, ``to-1`` …, each of these cameras, or else of the site.

    Raises:
        InvalidInputError: No window is filled in, or a time is no time.
    """
    footage: list[dict[str, Any]] = []
    for number in range(1, WINDOWS + 1):
        first, last = f"from-{number}", f"to-{number}"
        if not form.text(first) and not form.text(last):
            continue
        item: dict[str, Any] = {
            "cameras": list(cameras),
            "from": iso(form.time(first)),
            "to": iso(form.time(last, edge="end")),
        }
        if form.text("clock"):
            item["clock"] = form.text("clock")
        if form.doubtful(first, last):
            item["doubtful"] = True
        if form.text("site") and not item["cameras"]:
            item["site"] = form.text("site")
        footage.append(item)
    if not footage:
        raise InvalidInputError("say from when and until when footage is asked for")
    return footage


def decided_of(form: Form) -> str | None:
    """When an order was decided, where the form says so.

    Raises:
        InvalidInputError: It is no time.
    """
    return iso(form.time("decided_at")) if form.text("decided_at") else None


def measure_of(form: Form) -> dict[str, str]:
    """What a form says of a seizure, search or copying; only what is filled in."""
    fields = ("taken", "protocol", "notified_on", "court_on")
    return {name: form.text(name) for name in fields if form.text(name)}


def in_words(words: Words, language: str) -> str:
    """A text of the legal catalogue in the reader's language."""
    return words.sv if language == SWEDISH else words.en


def options(words: Catalogue, *, without: Sequence[str] = ()) -> dict[str, object]:
    """What the form offers to choose from: requesters and, for each, its statute codes."""
    language = words.language
    return {
        "type_options": [
            (row.type, in_words(row.name, language))
            for row in REQUESTERS.values()
            if row.type not in without
        ],
        "ground_options": [
            (code, f"{code}: {in_words(text, language)}") for code, text in GROUNDS.items()
        ],
        "grounds_of": {
            row.type: " ".join(
                each.replace(" ", "_")
                for each in (*row.bases, *((ERASURE,) if is_erasure(row.type, ERASURE) else ()))
            )
            for row in REQUESTERS.values()
        },
        "usual_ground": {"data-subject": "GDPR 15"},
        "windows": WINDOWS,
    }
