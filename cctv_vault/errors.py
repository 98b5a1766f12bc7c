"""The errors of the vault: one small tree, each with the data a caller needs to act on it.

Every message says what happened, to what, and what to do. An error raised inside an act is itself
part of the custody record: the refusal is written, in its own transaction, before the error leaves.
"""

from typing import ClassVar


class VaultError(Exception):
    """Something was refused or failed; ``code`` is stable and carries no personal data.

    ``in_swedish`` holds the points of a refusal whose words stand in both languages beside the rule
    that refuses. All else is told in other languages from the English sentence itself.
    """

    code: ClassVar[str] = "refused"
    in_swedish: tuple[str, ...] = ()


class ConfigError(VaultError):
    """A setting, the home or the key folder is missing, unsafe or contradictory."""

    code: ClassVar[str] = "configuration"


class NotFoundError(VaultError):
    """There is no such thing, or it is not for this person to know of."""

    code: ClassVar[str] = "not-found"

    def __init__(self, what: str, name: str, hint: str = "") -> None:
        """``what`` is the kind of thing (camera, incident), ``name`` what was asked for."""
        self.what = what
        self.name = name
        super().__init__(f"there is no {what} {name!r}" + (f": {hint}" if hint else ""))


class AlreadyExistsError(VaultError):
    """A thing of that name exists and is not replaced."""

    code: ClassVar[str] = "already-exists"


class InvalidInputError(VaultError):
    """The input cannot mean anything: a naive time, a reversed window, an unknown code."""

    code: ClassVar[str] = "invalid-input"


class NaiveTimeError(InvalidInputError):
    """A time without an offset could be any of several instants."""

    code: ClassVar[str] = "naive-time"

    def __init__(self, text: str, zone: str) -> None:
        """``text`` as given, ``zone`` the IANA zone it would probably mean."""
        self.text = text
        self.zone = zone
        super().__init__(
            f"the time {text!r} has no offset; write it with one, for example {text}+01:00 or Z "
            f"(the camera's zone is {zone})"
        )


class AccessDeniedError(VaultError):
    """The person who acts lacks the right, or the four-eyes rule forbids them this act."""

    code: ClassVar[str] = "access-denied"


class PersonNeededError(AccessDeniedError):
    """The act needs a named person and none was given."""

    code: ClassVar[str] = "person-needed"


class TransitionNotAllowedError(VaultError):
    """A request or incident does not move that way from where it is."""

    code: ClassVar[str] = "transition-not-allowed"


class GateNotMetError(VaultError):
    """A legal requirement for the act is unmet; ``unmet`` lists the points in words."""

    code: ClassVar[str] = "gate-not-met"

    def __init__(
        self, message: str, unmet: tuple[str, ...] = (), *, in_swedish: tuple[str, ...] = ()
    ) -> None:
        """``unmet`` holds one sentence per requirement, ``in_swedish`` the same where there are."""
        self.summary = message
        self.unmet = unmet
        self.in_swedish = in_swedish
        super().__init__(message + "".join(f"; {point}" for point in unmet))


class ProhibitedError(VaultError):
    """The law or the published policy forbids it outright; there is no override."""

    code: ClassVar[str] = "prohibited"


class OnHoldError(VaultError):
    """A hold keeps the footage, so what was asked cannot be done to it."""

    code: ClassVar[str] = "on-hold"


class ExpiredError(VaultError):
    """The footage is past its last purpose: refused, and its key destroyed or about to be."""

    code: ClassVar[str] = "expired"


class IngestRefusedError(VaultError):
    """A file was not taken in; it stays where it is, or lies in quarantine."""

    code: ClassVar[str] = "ingest-refused"


class IntakeStoppedError(VaultError):
    """Nothing can be taken in now (disk full, I/O error); sources stay where they are."""

    code: ClassVar[str] = "intake-stopped"


class ClockGuardError(VaultError):
    """Time cannot be trusted, so nothing is destroyed until it is attested."""

    code: ClassVar[str] = "clock-guard"


class CustodyBrokenError(VaultError):
    """The custody log does not verify; the message names the entry or checkpoint."""

    code: ClassVar[str] = "custody-broken"


class DamagedError(VaultError):
    """Stored bytes are missing or changed; the message names the recording and the damage."""

    code: ClassVar[str] = "damaged"


class PackageInvalidError(VaultError):
    """A package or certificate does not verify."""

    code: ClassVar[str] = "package-invalid"
