"""What a message says. Pure: a kind and a reference in, words in both languages out.

A message carries a reference, what is to be done and a link; never a picture, a clip, a code, nor
the name of anybody. Whoever may know more sees it at the link, signed in or with their code.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Notice(StrEnum):
    """What there is to tell."""

    RECEIVED = "request-received"
    CALLED = "approvers-called"
    DECIDE = "decision-waits"
    REVIEW = "review-waits"
    KEPT = "order-kept"
    DUE_SOON = "deadline-soon"
    OVERDUE = "deadline-over"
    REVIEW_OVERDUE = "review-over"
    NUMBER_SOON = "number-soon"
    NUMBER_OVERDUE = "number-over"
    NOT_COLLECTED = "not-collected"
    COPY_SOON = "copy-soon"
    COPY_OVERDUE = "copy-over"
    CLARIFY = "clarification"
    DECIDED = "decided"
    RELEASED = "released"
    CAMERA_SILENT = "camera-silent"
    CAMERA_UNREADABLE = "camera-unreadable"
    CAMERA_BLACK = "camera-black"
    CAMERA_FROZEN = "camera-frozen"
    CAMERA_MOVED = "camera-moved"
    CAMERA_LATE = "camera-late"
    CAMERA_CLOCK = "camera-clock"
    CAMERA_WELL = "camera-well"


_LOCAL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN: Final = re.compile(
    r"(?!.{254})[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]"
    r"([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


def address_of(typed: str) -> str | None:
    """The mail address that somebody typed as a mail server reads it; None where it is none.

    What a header could take for more than one plain address is none: a stranger typed it.
    """
    local, _, domain = typed.rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        return None
    if not _LOCAL.fullmatch(local) or "=?" in local or not _DOMAIN.fullmatch(domain):
        return None
    return f"{local}@{domain}"


@dataclass(frozen=True)
class Message:
    """A message ready to leave; the link may open something, so it stays out of the repr."""

    notice: Notice
    reference: str
    link: str = field(repr=False)

    @property
    def subject(self) -> str:
        """The subject line: Swedish, English, and the reference."""
        return f"{self.reference}: {_SUBJECTS[self.notice][0]} / {_SUBJECTS[self.notice][1]}"

    @property
    def text(self) -> str:
        """The text in both languages."""
        sv, en = _SUBJECTS[self.notice]
        open_sv, open_en = (f"Öppna: {self.link}", f"Open: {self.link}") if self.link else ("", "")
        code = _CODE if self.notice is Notice.RELEASED else ("", "")
        lines = [f"{self.reference}: {sv}.", open_sv, code[0], ""]
        lines += [f"{self.reference}: {en}.", open_en, code[1], ""]
        lines += ["Meddelandet är automatiskt. / This message is automatic."]
        return "\n".join(lines) + "\n"


_CODE: Final = (
    "Koden lämnas en annan väg, aldrig i ett meddelande.",
    "The code comes another way, never in a message.",
)
_SUBJECTS: Final = {
    Notice.RECEIVED: ("en ny begäran har kommit in", "a new request has come in"),
    Notice.CALLED: (
        "polisen är här och någon behöver besluta nu",
        "the police are here and somebody needs to decide now",
    ),
    Notice.DECIDE: ("en begäran väntar på beslut", "a request waits for a decision"),
    Notice.REVIEW: (
        "ett utlämnande före beslut ska granskas av någon annan",
        "a release before a decision is to be reviewed by somebody else",
    ),
    Notice.KEPT: (
        "ett bevarandeföreläggande har kommit in och materialet bevaras",
        "a preservation order has come in and the footage is kept",
    ),
    Notice.DUE_SOON: ("svaret ska lämnas inom ett dygn", "the answer is due within a day"),
    Notice.OVERDUE: ("svaret är försenat", "the answer is overdue"),
    Notice.REVIEW_OVERDUE: ("granskningen är försenad", "the review is overdue"),
    Notice.NUMBER_SOON: (
        "diarienumret ska ha kommit inom två dygn",
        "the case number is due within two days",
    ),
    Notice.NUMBER_OVERDUE: ("diarienumret har inte kommit", "the case number has not come"),
    Notice.NOT_COLLECTED: ("paketet har inte hämtats", "the package was not collected"),
    Notice.COPY_SOON: (
        "en kopia ska snart vara förstörd; bekräfta när den är det",
        "a copy must soon be destroyed; confirm it when it is",
    ),
    Notice.COPY_OVERDUE: (
        "en kopia ska ha förstörts och ingen har bekräftat det",
        "a copy should have been destroyed, and nobody has confirmed it",
    ),
    Notice.CLARIFY: (
        "vi behöver kompletterande uppgifter om er begäran",
        "we need further particulars of your request",
    ),
    Notice.DECIDED: ("er begäran är avgjord", "your request is decided"),
    Notice.RELEASED: ("bildmaterialet kan hämtas", "the footage can be fetched"),
    Notice.CAMERA_SILENT: ("kameran sänder inget", "the camera sends nothing"),
    Notice.CAMERA_UNREADABLE: (
        "det som kameran sänder går inte att läsa",
        "what the camera sends cannot be read",
    ),
    Notice.CAMERA_BLACK: (
        "kamerans bild är svart eller skymd",
        "the camera's picture is black or covered",
    ),
    Notice.CAMERA_FROZEN: ("kamerans bild står stilla", "the camera's picture is frozen"),
    Notice.CAMERA_MOVED: (
        "kameran ser något annat än förut",
        "the camera sees something else than before",
    ),
    Notice.CAMERA_LATE: ("kamerans filer kommer sent", "the camera's files come late"),
    Notice.CAMERA_CLOCK: ("kamerans klocka går fel", "the camera's clock is wrong"),
    Notice.CAMERA_WELL: ("kameran fungerar igen", "the camera is well again"),
}
