"""What access costs: nothing once a calendar year, later only what one person answers for. Pure.

Owns who counts as the same requester, and when a fee may be entered at all. Nobody is indexed for
it: the requests of a year are compared as they lie sealed, and what can no longer be opened counts
no more. It refuses to conclude that a second request is unfounded: that is a person's to reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cctv_vault.disclosure.legal import ERASURE, Words

MOST_KRONOR: Final = 100_000
"""Above this a fee is a slip of the keyboard: it may cover no more than what the answer costs."""
BECAUSE: Final[Mapping[str, Words]] = {
    "unfounded": Words("uppenbart ogrundad", "manifestly unfounded"),
    "repetitive": Words(
        "orimlig, särskilt för att den är upprepad", "excessive, in particular as it is repetitive"
    ),
}
"""The two reasons of GDPR 12.5 for which access may cost something."""
_SWEDEN: Final = "46"


@dataclass(frozen=True)
class Asker:
    """Who asks for access, as far as a later request can be known to be theirs."""

    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)

    @classmethod
    def of(cls, requester: Mapping[str, Any]) -> "Asker":
        """From the requester of a request, however it was written."""

        def text(name: str) -> str:
            value = requester.get(name)
            return value if isinstance(value, str) else ""

        return cls(
            name=" ".join(text("name").casefold().split()),
            email=text("email").casefold().strip(),
            phone=_subscriber(text("phone")),
        )

    def shared(self, other: "Asker") -> tuple[str, ...]:
        """What both have alike: name, email, phone; empty where nothing shows one person."""
        pairs = {
            "name": (self.name, other.name),
            "email": (self.email, other.email),
            "phone": (self.phone, other.phone),
        }
        return tuple(what for what, (mine, theirs) in pairs.items() if mine and mine == theirs)


@dataclass(frozen=True)
class Earlier:
    """An earlier request of the year that seems to be of the same person, and by what."""

    id: str
    shared: tuple[str, ...]


@dataclass(frozen=True)
class FeeFacts:
    """What entering a fee looks at; ``earlier`` counts the person's other requests of the year."""

    access: bool
    unanswered: bool
    earlier: int
    charged: bool
    kronor: int
    because: str


def is_access(type_: str, ground: str) -> bool:
    """Whether a request is for access to one's own data (GDPR 15)."""
    asks = ground != ERASURE if type_ == "data-subject" else ground == "GDPR 15"
    return type_ in {"data-subject", "employee"} and asks


def fee_faults(facts: FeeFacts) -> tuple[Words, ...]:
    """Why no fee can be entered, or an entered one lifted; empty where it can (S13, GDPR 12.5)."""
    found = {
        Words(
            "bara en begäran om tillgång till egna uppgifter kan kosta något (GDPR 12.5)",
            "only a request for access to one's own data can cost anything (GDPR 12.5)",
        ): not facts.access,
        Words(
            "begäran är besvarad: det som är besvarat beläggs inte med avgift i efterhand",
            "the request is answered: no fee is put on what is answered",
        ): not facts.unanswered,
        Words(
            "ingen avgift är införd som kan tas bort", "there is no fee that could be lifted"
        ): facts.kronor == 0 and not facts.charged,
        Words(
            "kalenderårets första begäran är kostnadsfri, också när den är vidlyftig (policyn)",
            "the first request of a calendar year is free, however far it goes (published policy)",
        ): facts.kronor > 0 and not facts.earlier,
        Words(
            "avgift får tas ut bara av en begäran som är uppenbart ogrundad eller orimlig, "
            "särskilt för att den är upprepad (GDPR 12.5)",
            "a fee may be charged only for a request that is manifestly unfounded or excessive, in "
            "particular as it is repetitive (GDPR 12.5)",
        ): facts.kronor > 0 and facts.because not in BECAUSE,
    }
    return tuple(words for words, there in found.items() if there)


def earlier_of(asker: Asker, others: Iterable[tuple[str, Asker]]) -> tuple[Earlier, ...]:
    """The other requests that seem to be of one person, in the order they are given in."""
    found = ((request, asker.shared(other)) for request, other in others)
    return tuple(Earlier(request, shared) for request, shared in found if shared)


def _subscriber(phone: str) -> str:
    """A telephone number's own digits: ``+46 70-123`` and ``070 123`` are one."""
    digits = "".join(each for each in phone if each.isdecimal())
    if phone.strip().startswith("+") or digits.startswith("00"):
        digits = digits.removeprefix("00").removeprefix(_SWEDEN)
    return digits.removeprefix("0")
