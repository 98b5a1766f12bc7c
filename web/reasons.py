"""Why a purpose keeps a recording so long, as a sentence in the reader's language. Pure.

The rules write a grant's reason down once, in English, in clauses of a fixed form; here each clause
is told in both languages. What has another form stands as it was written, marked as English.
"""

import re
from typing import Final, Protocol

from markupsafe import Markup, escape

from web.i18n import Catalogue

_PERIOD: Final = r"(?P<length>[0-9]+)(?P<unit>h|d|mo|y)"
_TERM: Final = re.compile(
    rf"(?:.*: )?{_PERIOD} from (?P<start>capture|arrival)"
    r"(?:, until (?P<opening>[0-9]{2}:[0-9]{2}) of the first opening day after it)?"
    r"(?:, at most (?P<most>[0-9]+)(?P<most_unit>h|d|mo|y))?"
    r"(?:; shortened by version (?P<version>[0-9]+) of the policy)*"
)
_LATE: Final = re.compile(r"(?:.*: )?(?P<purpose>[a-z0-9-]+) ended before it arrived")
_HELD: Final = re.compile(r"(?:.*: )?held under (?P<hold>S-[0-9A-Z]+)")


class PurposeName(Protocol):
    """A purpose's code in words."""

    def __call__(self, code: str, /) -> str: ...  # noqa: D102


def reason_words(reason: str, catalogue: Catalogue, purpose: PurposeName) -> Markup:
    """A grant's reason as a sentence."""
    if found := _TERM.fullmatch(reason):
        return escape(_term(found, catalogue))
    if found := _LATE.fullmatch(reason):
        return escape(catalogue.text("reason.late", purpose=purpose(found["purpose"])))
    if found := _HELD.fullmatch(reason):
        return escape(catalogue.text("reason.held", hold=found["hold"]))
    return Markup('<span lang="en">{}</span>').format(reason)


def _term(found: re.Match[str], catalogue: Catalogue) -> str:
    length = catalogue.count(f"reason.unit.{found['unit']}", int(found["length"]))
    sentence = catalogue.text(f"reason.{found['start']}", length=length)
    if found["opening"]:
        at = found["opening"].replace(":", catalogue.text("reason.clock"))
        sentence += catalogue.text("reason.opening", time=at)
    if found["most"]:
        most = catalogue.count(f"reason.unit.{found['most_unit']}", int(found["most"]))
        sentence += catalogue.text("reason.most", length=most)
    if found["version"]:
        sentence += catalogue.text("reason.shortened", version=found["version"])
    return f"{sentence}."
