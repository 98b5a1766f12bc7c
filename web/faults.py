"""One table from the vault's errors to HTTP, so that every page refuses in the same way."""

from typing import Final

from cctv_vault import errors
from cctv_vault.people.attempts import TooManyAttemptsError

_STATUS: Final[dict[type[errors.VaultError], int]] = {
    errors.VaultError: 400,
    errors.ConfigError: 503,
    errors.NotFoundError: 404,
    errors.AlreadyExistsError: 409,
    errors.InvalidInputError: 422,
    errors.AccessDeniedError: 403,
    TooManyAttemptsError: 429,
    errors.PersonNeededError: 401,
    errors.TransitionNotAllowedError: 409,
    errors.GateNotMetError: 409,
    errors.ProhibitedError: 403,
    errors.OnHoldError: 409,
    errors.ExpiredError: 410,
    errors.IngestRefusedError: 422,
    errors.IntakeStoppedError: 503,
    errors.ClockGuardError: 503,
    errors.CustodyBrokenError: 500,
    errors.DamagedError: 500,
    errors.PackageInvalidError: 422,
}


def status_of(error: errors.VaultError) -> int:
    """The HTTP status of an error: its own, else that of the nearest class above it."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
