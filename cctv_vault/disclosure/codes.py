"""Short secrets that travel by voice: status codes, pick-up codes and passphrases.

A code is short because a person reads it out, so only its Argon2id hash is kept and every check
costs; how often one may be tried is the caller's to limit.
"""

import hashlib
import secrets
import threading
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cctv_vault.errors import InvalidInputError

_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is misheard or misread
_STATUS_LENGTH: Final = 8
_PICKUP_DIGITS: Final = 8
_PASSPHRASE_LENGTH: Final = 20
_TOKEN_BYTES: Final = 32
_LONGEST: Final = 64
_AT_ONCE: Final = 2  # each check takes tens of MiB: a burst waits, it does not fill memory


def new_status_code() -> str:
    """Eight letters and digits that show where a request stands."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_STATUS_LENGTH))


def new_pickup_code() -> str:
    """Eight digits that open a download link; they travel another way than the link."""
    return "".join(secrets.choice("0123456789") for _ in range(_PICKUP_DIGITS))


def new_passphrase() -> str:
    """What opens an encrypted package: 20 letters and digits in groups, 98 bits, kept nowhere."""
    signs = "".join(secrets.choice(_ALPHABET) for _ in range(_PASSPHRASE_LENGTH))
    return "-".join(signs[at : at + 4] for at in range(0, _PASSPHRASE_LENGTH, 4))


def passphrase_bytes(text: str) -> bytes:
    """A passphrase as it is used, however it was typed: without spaces and hyphens, in capitals."""
    return _plain(text).encode("utf-8", "replace")


def checked_passphrase(text: str) -> bytes:
    """A passphrase to seal with: only one of ours is long enough, whatever a form sends.

    Raises:
        InvalidInputError: It is another.
    """
    plain = _plain(text)
    if len(plain) != _PASSPHRASE_LENGTH or set(plain) - set(_ALPHABET):
        raise InvalidInputError("the passphrase is one that the vault made; open the page again")
    return plain.encode()


def new_token() -> str:
    """The part of a download link that nobody can guess (256 bits)."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What is kept of a token: SHA-256 in hexadecimal (it has 256 bits, so a fast hash will do)."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class CodeHasher:
    """Hashes and checks codes, a few at a time."""

    def __init__(self) -> None:
        """A hasher has a gate of its own: only its own checks wait for each other."""
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._gate = threading.Semaphore(_AT_ONCE)

    @cached_property
    def _nobodys(self) -> str:
        """The hash that an unknown reference is checked against."""
        return self._hasher.hash(secrets.token_hex(16))

    def hash(self, code: str) -> str:
        """The encoded Argon2id hash."""
        with self._gate:
            return self._hasher.hash(_plain(code))

    def matches(self, code: str, encoded: str | None) -> bool:
        """Whether it is the hashed code; where there is none to compare with, as slowly, no."""
        with self._gate:
            nobodys = self._nobodys  # made by the first check, whoever is asked about
            try:
                self._hasher.verify(encoded or nobodys, _plain(code))
            except (VerificationError, InvalidHashError):
                return False
        return bool(encoded)


def _plain(code: str) -> str:
    return "".join(code[:_LONGEST].upper().split()).replace("-", "")
