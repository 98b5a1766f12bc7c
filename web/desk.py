"""What every page of the staff has at hand: the vault, who is signed in, and what was sent.

A page asks for ``Here`` (a signed-in visit) and, where it takes a form, for ``Posted``. Rights are
the services' to check; a page that only shows something checks with `Visit.require`, which leaves
the same trace in the custody log as a service's refusal would.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal
from urllib.parse import quote

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cctv_vault.custody.events import Event
from cctv_vault.errors import InvalidInputError, VaultError
from cctv_vault.people.actors import Actor, Right
from cctv_vault.retention.policy import Policy
from cctv_vault.vault import Vault
from web.faults import status_of
from web.i18n import SWEDISH, Catalogue
from web.reasons import reason_words
from web.rendering import Renderer
from web.security import SESSION_COOKIE, form_token, is_form_token
from web.words import is_doubtful, read_time

_LONGEST_FIELD: Final = 20_000


class SignInNeededError(Exception):
    """Nobody is signed in; ``target`` is where to come back to."""

    def __init__(self, target: str) -> None:
        """``target`` is a path on this site."""
        self.target = target
        super().__init__("sign in first")


class ForgedFormError(Exception):
    """A form without this session's token."""


@dataclass(frozen=True)
class Desk:
    """One application's vault and pages."""

    vault: Vault
    renderer: Renderer


@dataclass(frozen=True)
class Visit:
    """One request of a signed-in person."""

    request: Request
    desk: Desk
    actor: Actor
    token: str
    viewing_reason: str

    @property
    def vault(self) -> Vault:
        """The vault."""
        return self.desk.vault

    @property
    def words(self) -> Catalogue:
        """The catalogue of this browser's language."""
        return self.desk.renderer.words(self.request)

    def require(self, *rights: Right, event: Event, subject: str | None = None) -> None:
        """Let a person with any of the rights look; enter the refusal of anyone else.

        Raises:
            AccessDeniedError: None of the rights is held.
        """
        if not any(self.actor.may(right) for right in rights):
            with self.vault.ledger.act(event, self.actor, subject=subject):
                self.actor.require(rights[0])

    def page(
        self, template: str, context: Mapping[str, object] | None = None, *, status: int = 200
    ) -> Response:
        """Render a page in the frame of the signed-in."""
        words, purpose = self.words, self._purpose()
        return self.desk.renderer.page(
            self.request,
            template,
            self.vault.clock.now(),
            {
                **frame(self.actor, self.token),
                "purpose": purpose,
                "because": lambda text: reason_words(text, words, purpose),
                **(context or {}),
            },
            status=status,
        )

    def _purpose(self) -> Callable[[str], str]:
        """A purpose's code in words; the policy is read where the first one is asked for."""
        policy: Policy | None = None

        def purpose(code: str) -> str:
            nonlocal policy
            policy = policy or self.vault.policies.in_force()
            found = policy.purposes.get(code)
            if found is None:
                return code
            return found.sv if self.words.language == SWEDISH else found.en

        return purpose

    def refused(
        self, template: str, context: Mapping[str, object], error: VaultError, form: "Form"
    ) -> Response:
        """The page of a form again, with what was typed and what is wrong with it."""
        return self.page(
            template,
            {**context, "error": error, "values": form.texts()},
            status=status_of(error),
        )

    def names(self, account_ids: Iterable[str | None]) -> dict[str, str]:
        """The names of accounts, with words for the system and the portal."""
        found = self.vault.people.names(each for each in account_ids if each)
        return {
            **found,
            "system": self.words.text("who.system"),
            "portal": self.words.text("who.portal"),
            "nobody": self.words.text("who.nobody"),
        }


class Form:
    """The fields of a form, as text, lists and times."""

    def __init__(self, data: FormData, zone: str) -> None:
        """``zone`` is the IANA zone that times without an offset are read in."""
        self._data = data
        self._zone = zone

    def text(self, name: str) -> str:
        """A field without surrounding space; empty where it was not sent.

        Raises:
            InvalidInputError: It is longer than any field may be.
        """
        value = self._data.get(name, "")
        if not isinstance(value, str):
            return ""
        if len(value) > _LONGEST_FIELD:
            raise InvalidInputError(f"the field {name} is longer than {_LONGEST_FIELD} characters")
        return value.replace("\r\n", "\n").strip()

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field that may be chosen several times."""
        return tuple(each for each in self._data.getlist(name) if isinstance(each, str) and each)

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return bool(self.text(name))

    def time(self, name: str, *, edge: Literal["start", "end"] = "start") -> datetime:
        """A time, on the clocks of the vault's zone where it names none.

        Raises:
            InvalidInputError: It is missing or no time.
        """
        return read_time(self.text(name), self._zone, edge=edge)

    def doubtful(self, *names: str) -> bool:
        """Whether one of these times occurs twice or not at all on the clocks of its night."""
        return any(is_doubtful(self.text(each), self._zone) for each in names)

    def texts(self) -> dict[str, object]:
        """What was typed, to be shown again: text, or a list where a field came several times."""
        shown: dict[str, object] = {}
        for name in self._data:
            values = self.all(name)
            if name != "token":
                shown[name] = list(values) if len(values) > 1 else "".join(values)
        return shown


def frame(actor: Actor, token: str) -> dict[str, object]:
    """What the frame around a signed-in page shows."""
    return {"actor": actor, "may": actor.may, "Right": Right, "token": form_token(token)}


def desk_of(request: Request) -> Desk:
    """The application's desk."""
    desk: Desk = request.app.state.desk
    return desk


def visit_of(request: Request) -> Visit:
    """The signed-in visit.

    Raises:
        SignInNeededError: Nobody is signed in, or the session has ended.
    """
    desk = desk_of(request)
    token = request.cookies.get(SESSION_COOKIE, "")
    signed_in = desk.vault.people.signed_in(token) if token else None
    if signed_in is None:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raise SignInNeededError(back if request.method == "GET" else "/")
    visit = Visit(request, desk, signed_in.actor, token, signed_in.viewing_reason)
    request.state.visit = visit
    return visit


async def posted_form(request: Request, visit: Annotated[Visit, Depends(visit_of)]) -> Form:
    """What was posted, once its token shows that it comes from a page of this session.

    Raises:
        ForgedFormError: It does not.
    """
    # No form takes a file: a large one would be laid down in a temporary file, in the clear.
    data = await request.form(max_files=0, max_fields=200, max_part_size=_LONGEST_FIELD * 4)
    token = data.get("token", "")
    if not isinstance(token, str) or not is_form_token(token, visit.token):
        raise ForgedFormError
    return Form(data, visit.vault.zone)


Here = Annotated[Visit, Depends(visit_of)]
Posted = Annotated[Form, Depends(posted_form)]


def see(path: str, done: str = "") -> RedirectResponse:
    """Go and look at what was done (303), with the sentence ``done.<key>`` over it."""
    mark = ("&" if "?" in path else "?") + f"done={quote(done)}" if done else ""
    return RedirectResponse(path + mark, status_code=303)
