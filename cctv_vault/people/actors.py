"""Who acts, what their roles let them do, and how they proved who they are. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum

from cctv_vault.errors import AccessDeniedError, PersonNeededError


class Role(StrEnum):
    """The roles of cli.md; one person may hold several, never both sides of one case."""

    STAFF = "staff"
    MANAGER = "manager"
    APPROVER = "approver"
    PRIVACY_OFFICER = "privacy-officer"
    DPO = "dpo"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What an act may demand of the person who acts."""

    FOOTAGE_VIEW = "footage:view"
    FOOTAGE_LIST = "footage:list"
    FOOTAGE_EXPORT = "footage:export"
    FOOTAGE_CORRECT = "footage:correct"
    INCIDENT_FLAG = "incident:flag"
    INCIDENT_MANAGE = "incident:manage"
    HOLD_PLACE = "hold:place"
    HOLD_RELEASE = "hold:release"
    REQUEST_REGISTER = "request:register"
    REQUEST_READ = "request:read"
    REQUEST_HANDLE = "request:handle"
    REQUEST_DECIDE = "request:decide"
    RELEASE_ON_THE_SPOT = "release:on-the-spot"
    POLICY_PUBLISH = "policy:publish"
    LOG_READ = "log:read"
    REGISTER_READ = "register:read"
    CLOCK_MEASURE = "clock:measure"
    SIGN_CHECK = "sign:check"
    SETUP = "setup"
    USER_MANAGE = "user:manage"
    CLOCK_ATTEST = "clock:attest"
    CONSENT_KEEP = "consent:keep"
    BREACH_WRITE = "breach:write"


_STAFF = frozenset({Right.INCIDENT_FLAG, Right.REQUEST_REGISTER})
_MANAGER = _STAFF | {
    Right.FOOTAGE_VIEW,
    Right.FOOTAGE_LIST,
    Right.FOOTAGE_EXPORT,
    Right.FOOTAGE_CORRECT,
    Right.INCIDENT_MANAGE,
    Right.HOLD_PLACE,
    Right.HOLD_RELEASE,
    Right.REQUEST_READ,
    Right.REQUEST_HANDLE,
    Right.LOG_READ,
    Right.REGISTER_READ,
    Right.CLOCK_ATTEST,
    Right.CLOCK_MEASURE,
    Right.SIGN_CHECK,
    Right.CONSENT_KEEP,
}
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.STAFF: _STAFF,
    Role.MANAGER: _MANAGER,
    Role.APPROVER: frozenset(
        {
            Right.REQUEST_READ,
            Right.REQUEST_DECIDE,
            Right.FOOTAGE_VIEW,
            Right.FOOTAGE_LIST,
            Right.LOG_READ,
            Right.REGISTER_READ,
        }
    ),
    Role.PRIVACY_OFFICER: _MANAGER
    | {Right.REQUEST_DECIDE, Right.POLICY_PUBLISH, Right.BREACH_WRITE},
    Role.DPO: frozenset({Right.REQUEST_READ, Right.LOG_READ, Right.REGISTER_READ}),
    Role.AUDITOR: frozenset({Right.LOG_READ, Right.REGISTER_READ}),
    Role.ADMINISTRATOR: frozenset(
        {Right.SETUP, Right.USER_MANAGE, Right.CLOCK_ATTEST, Right.CLOCK_MEASURE, Right.SIGN_CHECK}
    ),
}


@dataclass(frozen=True)
class Sight:
    """Which secrets somebody may know of.

    ``gagged`` are orders under a duty of silence (RB 27:16 a), ``staff`` is what a colleague is
    suspected of. What only such a hold keeps has expired to everybody else.
    """

    gagged: bool = False
    staff: bool = False


EVERYTHING = Sight(gagged=True, staff=True)


@dataclass(frozen=True)
class Actor:
    """Who acts: a person's account, the system itself, or a stranger on the portal.

    ``id`` is pseudonymous and stands in the log; ``name`` never leaves sealed details and pages.
    ``means`` is how identity was proven: ``password``, ``session``, ``token``, ``asserted``
    (simulated vaults only), ``operating-system`` or ``none``. ``lent_by`` are the accounts of those
    who lent their right to decide, where the person has it from nobody else.
    """

    id: str
    name: str
    means: str
    roles: frozenset[Role] = field(default_factory=frozenset)
    cleared: bool = False
    on_the_spot: bool = False
    is_person: bool = False
    os_user: str = ""
    lent_by: frozenset[str] = frozenset()

    @property
    def sight(self) -> Sight:
        """Which secrets they may know of."""
        return Sight(gagged=self.cleared, staff=Role.PRIVACY_OFFICER in self.roles)

    def may(self, right: Right) -> bool:
        """Whether any of the roles carries the right."""
        if right is Right.RELEASE_ON_THE_SPOT:
            return self.on_the_spot
        return any(right in RIGHTS[role] for role in self.roles)

    def require(self, right: Right) -> None:
        """Raise unless this is a person with the right (S18: only staff concerned)."""
        self.require_person()
        if not self.may(right):
            held = ", ".join(sorted(self.roles)) or "none"
            raise AccessDeniedError(
                f"this needs the right {right.value}, which the roles held ({held}) do not carry; "
                f"ask somebody with the role {' or '.join(roles_with(right)) or 'marked for it'}"
            )

    def require_person(self) -> None:
        """Raise unless a named person acts."""
        if not self.is_person:
            raise PersonNeededError(
                "this act needs a person: name who acts with --as USER or sign in"
            )


def roles_with(right: Right) -> tuple[str, ...]:
    """The names of the roles that carry a right."""
    return tuple(role.value for role in Role if right in RIGHTS[role])


def system_actor(os_user: str = "") -> Actor:
    """The product acting by itself (watcher, sweep), or set-up by the operating-system user."""
    return Actor(id="system", name="", means="operating-system", os_user=os_user)


PORTAL_ACTOR = Actor(id="portal", name="", means="none")
