"""Accounts, proof of identity and sessions.

A person is a row with roles; the log names the account's pseudonym, the name itself stands only
in that row and in sealed details. Whoever proves nothing is nobody: an unknown name, a disabled
account and a wrong credential are refused in the same words and take the same time.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete, select

from cctv_vault.clock import monotonic
from cctv_vault.custody.events import Event
from cctv_vault.database import Database
from cctv_vault.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    IntakeStoppedError,
    InvalidInputError,
    NotFoundError,
    PersonNeededError,
)
from cctv_vault.ids import reference
from cctv_vault.ledger import Ledger
from cctv_vault.people.actors import RIGHTS, Actor, Right, Role
from cctv_vault.people.attempts import Attempts, network_of
from cctv_vault.people.credentials import Credentials, new_credential
from cctv_vault.people.delegations import Delegations, givers_of
from cctv_vault.schema import Account, SessionRow

SESSION_LASTS: Final = timedelta(hours=12)
SESSION_IDLES: Final = timedelta(minutes=30)
_SEEN_EVERY: Final = timedelta(minutes=1)  # a page view is no reason to write each time
_FAILURES: Final = 10
_FAILURE_WINDOW_S: Final = 900.0
_TOKEN_BYTES: Final = 32
_LONGEST_NAME: Final = 80
_LONGEST_REASON: Final = 300
NOBODY: Final = Actor(id="nobody", name="", means="none")


@dataclass(frozen=True)
class AccountView:
    """An account, without its credential."""

    id: str
    name: str
    roles: tuple[Role, ...]
    cleared: bool
    on_the_spot: bool
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True)
class Added:
    """A new account; ``credential`` is shown this once and kept nowhere."""

    id: str
    name: str
    roles: tuple[Role, ...]
    cleared: bool
    on_the_spot: bool
    credential: str

    def __repr__(self) -> str:
        """Without the credential, which a traceback or a log would otherwise keep."""
        return f"Added(id={self.id!r}, roles={self.roles!r})"


@dataclass(frozen=True)
class SignedIn:
    """A session: its actor, and the reason footage is being viewed for (empty until asked)."""

    actor: Actor
    viewing_reason: str
    ends_at: datetime


class People:
    """The accounts of a vault and who is signed in."""

    def __init__(
        self,
        *,
        database: Database,
        ledger: Ledger,
        simulated: bool,
        elapsed: Callable[[], float] = monotonic,
        credentials: Credentials | None = None,
    ) -> None:
        """A ``simulated`` vault accepts a bare name; ``elapsed`` gives seconds that only run on."""
        self._database = database
        self._ledger = ledger
        self._simulated = simulated
        self.delegations = Delegations(database=database, ledger=ledger)
        self._credentials = credentials or Credentials()
        self._attempts = Attempts(limit=_FAILURES, window_s=_FAILURE_WINDOW_S, clock=elapsed)

    # --- accounts -----------------------------------------------------------------------------

    def add(
        self,
        actor: Actor,
        name: str,
        roles: Iterable[str],
        *,
        credential: str | None = None,
        cleared: bool = False,
        on_the_spot: bool = False,
    ) -> Added:
        """Make an account; without a ``credential`` one is made, and shown this once.

        A person needs the right ``user:manage``. The operating-system user may set accounts up
        until somebody holds that right, and always in a simulated vault.

        Raises:
            AccessDeniedError: The right is missing.
            InvalidInputError: The name, a role or the credential is not usable.
            AlreadyExistsError: Somebody has that name.
        """
        with_credential = credential or new_credential()
        with self._ledger.act(Event.ACCOUNT_ADDED, actor) as act:
            # Hashing takes a moment, but only whoever may add accounts gets that far.
            self._require_management(act.session, actor)
            clean = _clean_name(name)
            chosen = _roles(roles)
            if act.session.exec(select(Account).where(Account.name == clean)).first():
                raise AlreadyExistsError(
                    f"there is already an account {clean!r}; choose another name"
                )
            row = Account(
                id=reference("u"),
                name=clean,
                roles=[role.value for role in chosen],
                cleared=cleared,
                on_the_spot=on_the_spot,
                credential_hash=self._credentials.hash(with_credential),
                created_at=act.now,
            )
            act.session.add(row)
            act.record(
                Event.ACCOUNT_ADDED,
                row.id,
                facts={"roles": row.roles, "cleared": cleared, "on_the_spot": on_the_spot},
                details={"name": clean},
            )
        return Added(row.id, clean, chosen, cleared, on_the_spot, with_credential)

    def list(self, actor: Actor) -> tuple[AccountView, ...]:
        """All accounts by name; a person needs the right ``user:manage``."""
        if actor.is_person:
            actor.require(Right.USER_MANAGE)
        with self._database.read() as session:
            return tuple(_view(row) for row in session.exec(select(Account).order_by(Account.name)))

    def disable(self, actor: Actor, name: str) -> AccountView:
        """End an account's sessions and its way in; what it did stays its own.

        Raises:
            AccessDeniedError: The right ``user:manage`` is missing.
            NotFoundError: There is no such account.
        """
        with self._ledger.act(Event.ACCOUNT_DISABLED, actor) as act:
            self._require_management(act.session, actor)
            row = act.session.exec(
                select(Account).where(Account.name == _clean_name(name))
            ).one_or_none()
            if row is None:
                raise NotFoundError("account", name)
            if row.disabled_at is None:
                row.disabled_at = act.now
                act.session.add(row)
                act.session.exec(delete(SessionRow).where(col(SessionRow.account_id) == row.id))
                act.record(Event.ACCOUNT_DISABLED, row.id, details={"name": row.name})
            return _view(row)

    def by_id(self, account_id: str) -> str:
        """The name behind a pseudonym; the pseudonym itself where there is no such account."""
        return self.names((account_id,)).get(account_id, account_id)

    def names(self, account_ids: Iterable[str]) -> dict[str, str]:
        """The names behind pseudonyms, of those that are accounts."""
        wanted = set(account_ids)
        if not wanted:
            return {}
        with self._database.read() as session:
            rows = session.exec(select(Account.id, Account.name).where(col(Account.id).in_(wanted)))
            return dict(rows.all())

    def is_anybody_cleared(self) -> bool:
        """Whether an account is left that may know of matters under a duty of silence."""
        with self._database.read() as session:
            cleared = select(Account.id).where(
                col(Account.cleared).is_(True), col(Account.disabled_at).is_(None)
            )
            return session.exec(cleared.limit(1)).first() is not None

    # --- proof of identity --------------------------------------------------------------------

    def authenticate(
        self, name: str, credential: str, *, address: str = "", os_user: str = ""
    ) -> Actor:
        """Who this is, by name and credential.

        ``address`` is where the attempt comes from, for the limit on attempts: ten failures
        within a quarter of an hour, per name and per address.

        Raises:
            TooManyAttemptsError: The name or the address has failed too often.
            AccessDeniedError: The name or the credential is wrong, or the account is disabled.
        """
        try:
            known = _clean_name(name)
        except InvalidInputError:
            known = ""
        keys = [f"name/{known}", *([f"address/{network_of(address)}"] if address else [])]
        with self._database.read() as session:
            row = session.exec(select(Account).where(Account.name == known)).one_or_none()
        usable = row if row is not None and row.disabled_at is None else None
        refusal: AccessDeniedError | None = None
        try:
            self._attempts.begin(keys)
        except AccessDeniedError as error:
            refusal = error
        if refusal is None and not self._credentials.matches(
            credential, usable.credential_hash if usable else None
        ):
            refusal = AccessDeniedError("the name or the credential is wrong; try again")
        if refusal is not None or usable is None:
            with self._ledger.act(
                Event.SIGN_IN, replace(NOBODY, os_user=os_user), subject=row.id if row else None
            ):
                raise refusal or AccessDeniedError("the name or the credential is wrong; try again")
        self._attempts.forget(keys[:1])
        self._attempts.take_back(keys[1:])
        with self._database.read() as session:
            return _actor(session, usable, self._ledger.clock.now(), "password", os_user)

    def asserted(self, name: str, *, os_user: str = "") -> Actor:
        """Who this says to be, believed without proof: in a simulated vault only.

        Raises:
            PersonNeededError: This is a real vault.
            NotFoundError: There is no such account, or it is disabled.
        """
        if not self._simulated:
            raise PersonNeededError(
                "in a real vault a name is not enough: give the credential in CCTV_VAULT_TOKEN "
                "or at the prompt"
            )
        with self._database.read() as session:
            row = session.exec(
                select(Account).where(Account.name == _clean_name(name))
            ).one_or_none()
            if row is None or row.disabled_at is not None:
                raise NotFoundError("account", name, "`user list` shows them")
            return _actor(session, row, self._ledger.clock.now(), "asserted", os_user)

    # --- sessions -----------------------------------------------------------------------------

    def sign_in(self, name: str, credential: str, *, address: str = "") -> tuple[str, Actor]:
        """Open a session: its token, which only the caller ever holds, and who it is for.

        Raises:
            AccessDeniedError: As `authenticate`.
        """
        actor = self.authenticate(name, credential, address=address)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._ledger.act(Event.SIGN_IN, actor, subject=actor.id) as act:
            # Ended sessions are removed here: the table holds no more than who may be signed in.
            act.session.exec(
                delete(SessionRow).where(
                    (col(SessionRow.expires_at) <= act.now)
                    | (col(SessionRow.seen_at) <= act.now - SESSION_IDLES)
                )
            )
            act.session.add(
                SessionRow(
                    token_hash=_token_hash(token),
                    account_id=actor.id,
                    created_at=act.now,
                    seen_at=act.now,
                    expires_at=act.now + SESSION_LASTS,
                )
            )
            act.record(Event.SIGN_IN, actor.id)
        return token, actor

    def session(self, token: str) -> Actor | None:
        """Who holds this token, or None once it has ended: after 12 h, or 30 min unused."""
        signed_in = self.signed_in(token)
        return signed_in.actor if signed_in else None

    def signed_in(self, token: str) -> SignedIn | None:
        """As `session`, with the reason footage is viewed for."""
        now = self._ledger.clock.now()
        key = _token_hash(token)
        with self._database.read() as session:
            row = session.get(SessionRow, key)
            account = session.get(Account, row.account_id) if row else None
            if row is None or account is None or account.disabled_at is not None:
                return None
            actor = _actor(session, account, now, "session")
        if now >= row.expires_at or now - row.seen_at >= SESSION_IDLES:
            return None
        if now - row.seen_at >= _SEEN_EVERY:
            # On a full disk people still look at the page that says so.
            with suppress(IntakeStoppedError), self._database.write() as session:
                current = session.get(SessionRow, key)
                if current is not None:
                    current.seen_at = now
                    session.add(current)
        return SignedIn(actor, row.viewing_reason, row.expires_at)

    def view_for(self, token: str, reason: str) -> None:
        """Set the matter that footage is viewed for in this session; it ends with it.

        Raises:
            InvalidInputError: The reason is empty or longer than 300 characters.
            PersonNeededError: The session has ended.
        """
        clean = " ".join(reason.split())
        if not clean or len(clean) > _LONGEST_REASON:
            raise InvalidInputError(
                f"give the reason for viewing in at most {_LONGEST_REASON} characters"
            )
        with self._database.write() as session:
            row = session.get(SessionRow, _token_hash(token))
            if row is None:
                raise PersonNeededError("the session has ended; sign in again")
            row.viewing_reason = clean
            session.add(row)

    def sign_out(self, token: str) -> None:
        """End a session; one that has ended already stays so."""
        key = _token_hash(token)
        with self._database.read() as session:
            row = session.get(SessionRow, key)
            account = session.get(Account, row.account_id) if row else None
            if row is None or account is None:
                return
            actor = _actor(session, account, self._ledger.clock.now(), "session")
        with self._ledger.act(Event.SIGN_OUT, actor) as act:
            act.session.exec(delete(SessionRow).where(col(SessionRow.token_hash) == key))
            act.record(Event.SIGN_OUT, account.id)

    def _require_management(self, session: Session, actor: Actor) -> None:
        if actor.is_person:
            actor.require(Right.USER_MANAGE)
            return
        if self._simulated:
            return
        managers = {role.value for role in Role if Right.USER_MANAGE in RIGHTS[role]}
        enabled = session.exec(select(Account).where(col(Account.disabled_at).is_(None)))
        if any(managers.intersection(row.roles) for row in enabled):
            raise PersonNeededError(
                f"the {' or '.join(sorted(managers))} of this vault manages its accounts: name "
                "yourself with --as USER"
            )


def _token_hash(token: str) -> str:
    # The token has 256 random bits: a plain hash is as good as a slow one.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _clean_name(name: str) -> str:
    clean = " ".join(unicodedata.normalize("NFC", name).split())
    if not clean or len(clean) > _LONGEST_NAME or not clean.isprintable():
        raise InvalidInputError(f"an account's name has 1 to {_LONGEST_NAME} printable characters")
    return clean


def _roles(roles: Iterable[str]) -> tuple[Role, ...]:
    known = {role.value: role for role in Role}
    wanted = {str(role) for role in roles}
    unknown = sorted(wanted - known.keys())
    if unknown or not wanted:
        named = f"{unknown[0]!r} is no role" if unknown else "an account needs a role"
        raise InvalidInputError(f"{named}; the roles are {', '.join(known)}")
    return tuple(role for role in Role if role.value in wanted)


def _view(row: Account) -> AccountView:
    return AccountView(
        row.id,
        row.name,
        tuple(Role(role) for role in row.roles),
        row.cleared,
        row.on_the_spot,
        row.created_at,
        row.disabled_at,
    )


def _actor(session: Session, row: Account, now: datetime, means: str, os_user: str = "") -> Actor:
    """Who an account is now: with what others have lent them, and only while it is lent."""
    roles = frozenset(Role(role) for role in row.roles)
    lent_by = frozenset() if Role.APPROVER in roles else givers_of(session, row.id, now)
    return Actor(
        id=row.id,
        name=row.name,
        means=means,
        roles=roles | {Role.APPROVER} if lent_by else roles,
        cleared=row.cleared,
        on_the_spot=row.on_the_spot,
        is_person=True,
        os_user=os_user,
        lent_by=lent_by,
    )
