"""Details: what an entry commits to without saying it.

Owns the commitment and the plain form of details: names, reasons, free text.  The
plain form is `salt || canonical JSON`; the entry holds SHA-256 of a prefix and that
form, and the salt keeps anyone from guessing short details out of the hash.  Sealing
the plain form and erasing it by its key is the caller's work; whoever holds it opened
can check it here against the log, and after erasure the log still verifies.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cctv_vault.custody.canonical import Json, canonical_json, parse_canonical
from cctv_vault.custody.errors import CanonicalError, DetailsError

SALT_BYTES: Final = 32
_PREFIX: Final = b"cctv-vault/details/v1\n"


@dataclass(frozen=True, slots=True)
class Details:
    """Details ready to be sealed and committed to.

    Attributes:
        blob: The salt and the details in the clear; to be sealed before it is stored.
        commitment: Lower-case hexadecimal SHA-256, for the entry.
    """

    blob: bytes = field(repr=False)
    commitment: str


def new_details(values: Mapping[str, Json], salt: bytes) -> Details:
    """Make the plain form of details and the commitment to it.

    Args:
        values: Named values with a canonical JSON form.
        salt: 32 bytes fresh from the operating system's generator, used only once.

    Raises:
        DetailsError: The salt has another length, or a value has no canonical form.
    """
    if len(salt) != SALT_BYTES:
        raise DetailsError("salt", f"must have {SALT_BYTES} bytes")
    try:
        blob = salt + canonical_json(values)
    except CanonicalError as error:
        raise DetailsError(error.where, error.what) from error
    return Details(blob, _commitment(blob))


def check_details(blob: bytes, commitment: str) -> dict[str, Json]:
    """The values of details, once they are shown to be those an entry commits to.

    Args:
        blob: The plain form, as `new_details` made it.
        commitment: The entry's `details` field.

    Raises:
        DetailsError: The blob is malformed or another one than was committed to.
    """
    # Compared as bytes: compare_digest raises TypeError on strings that are not ASCII.
    if not hmac.compare_digest(
        _commitment(blob).encode(), commitment.encode("utf-8", "surrogatepass")
    ):
        raise DetailsError("commitment", "the entry commits to other details")
    try:
        values = parse_canonical(blob[SALT_BYTES:])
    except CanonicalError as error:
        raise DetailsError(error.where, error.what) from error
    if not isinstance(values, dict):
        raise DetailsError("$", "must be an object")
    return values


def _commitment(blob: bytes) -> str:
    return hashlib.sha256(_PREFIX + blob).hexdigest()
