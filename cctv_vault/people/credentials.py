"""Credentials: how they are made, hashed and checked. No accounts, no database.

Argon2id with the parameters of RFC 9106 for limited memory (64 MiB, three passes). A credential
is normalised (NFKC) first, so that the same words typed on another keyboard still open.
"""

import secrets
import threading
import unicodedata
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cctv_vault.errors import InvalidInputError

SHORTEST: Final = 12
LONGEST: Final = 256
MEMORY_KIB: Final = 64 * 1024
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_GROUPS: Final = 5
_GROUP: Final = 4
_AT_ONCE: Final = 2  # each check takes 64 MiB: a burst of sign-ins waits, it does not fill memory


def new_credential() -> str:
    """A credential nobody chose: 100 random bits in five groups that can be read out."""
    return "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
    )


class Credentials:
    """Hashes and checks credentials, a few at a time."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB) -> None:
        """``memory_kib`` is what one check takes."""
        self._hasher = PasswordHasher(memory_cost=memory_kib)
        self._gate = threading.Semaphore(_AT_ONCE)

    @cached_property
    def _nobodys(self) -> str:
        """The hash that an unknown name is checked against."""
        return self._hasher.hash(secrets.token_hex(32))

    def hash(self, credential: str) -> str:
        """The encoded Argon2id hash.

        Raises:
            InvalidInputError: It is shorter than 12 or longer than 256 characters.
        """
        normal = unicodedata.normalize("NFKC", credential)
        if not SHORTEST <= len(normal) <= LONGEST:
            raise InvalidInputError(
                f"a credential has {SHORTEST} to {LONGEST} characters; choose a longer phrase, or "
                "leave it out and one is made"
            )
        with self._gate:
            return self._hasher.hash(normal)

    def matches(self, credential: str, encoded: str | None) -> bool:
        """Whether the credential is the hashed one; an unknown name (None) takes as long."""
        normal = unicodedata.normalize("NFKC", credential[:LONGEST])
        with self._gate:
            nobodys = self._nobodys  # made by the first check, whoever is asked about
            try:
                self._hasher.verify(encoded or nobodys, normal)
            except (VerificationError, InvalidHashError):
                return False
        return encoded is not None
