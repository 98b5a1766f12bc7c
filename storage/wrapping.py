"""Keys and small values sealed under other keys, with AES-256-GCM.

A wrapped key is ``version(1) || nonce(12) || ciphertext(32) || tag(16)``; a sealed value is the
same with its own length. The associated data binds both to their vault, kind, wrapping key and
object, so that one moved to another row does not open. One key seals at most 2^32 values under
random nonces (NIST SP 800-38D, 8.3); purpose keys live for a quarter-hour of expiry and stay
far below.
"""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage.encoding import associated_data, encoded_field
from storage.errors import BlobTamperedError, KeyTamperedError, UnknownFormatError
from storage.secret import KEY_BYTES, SecretKey

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_OVERHEAD: Final = len(_VERSION) + _NONCE_BYTES + _TAG_BYTES
WRAPPED_BYTES: Final = _OVERHEAD + KEY_BYTES


def wrap(
    key: SecretKey,
    under: SecretKey,
    *,
    vault_id: str,
    kind: str,
    wrapping_id: str,
    wrapped_id: str,
) -> bytes:
    """Return `key` sealed under another key, `WRAPPED_BYTES` long.

    Args:
        key: The key to wrap.
        under: The key to wrap it with.
        vault_id: The vault both belong to.
        kind: What kind of key is wrapped, such as ``purpose`` or ``recording``.
        wrapping_id: The id of `under`.
        wrapped_id: The id of `key`.
    """
    return Wrapping(under, vault_id=vault_id, kind=kind, wrapping_id=wrapping_id).wrap(
        key, wrapped_id
    )


def unwrap(
    wrapped: bytes,
    under: SecretKey,
    *,
    vault_id: str,
    kind: str,
    wrapping_id: str,
    wrapped_id: str,
) -> SecretKey:
    """Return the key that `wrap` sealed.

    Raises:
        KeyTamperedError: The bytes were changed, `under` is another key, or an id differs.
        UnknownFormatError: The version is not known here.
    """
    return Wrapping(under, vault_id=vault_id, kind=kind, wrapping_id=wrapping_id).unwrap(
        wrapped, wrapped_id
    )


class Wrapping:
    """`wrap` and `unwrap` of many keys of one kind under one key: what they share is made once."""

    def __init__(self, under: SecretKey, *, vault_id: str, kind: str, wrapping_id: str) -> None:
        """Arguments as `wrap`."""
        # The last field's own length and bytes are all that differs between the keys.
        whole = associated_data("cctv-vault/wrapping/v1", vault_id, kind, wrapping_id, "-")
        self._context = whole[: -len(encoded_field("-"))]
        self._what = f"the {kind} key {{}} wrapped under {wrapping_id}"
        self._cipher = AESGCM(under.reveal())

    def wrap(self, key: SecretKey, wrapped_id: str) -> bytes:
        """As the function."""
        return _seal(key.reveal(), self._cipher, self._context + encoded_field(wrapped_id))

    def unwrap(self, wrapped: bytes, wrapped_id: str) -> SecretKey:
        """As the function.

        Raises:
            KeyTamperedError: The bytes were changed, or are of another key or context.
            UnknownFormatError: The version is not known here.
        """
        what = self._what.format(wrapped_id)
        if wrapped[:1] == _VERSION and len(wrapped) != WRAPPED_BYTES:
            raise KeyTamperedError(f"{what} is {len(wrapped)} bytes, not {WRAPPED_BYTES}")
        aad = self._context + encoded_field(wrapped_id)
        try:
            return SecretKey(_open(wrapped, self._cipher, aad, what))
        except InvalidTag:
            raise KeyTamperedError(f"{what} does not open: other bytes, key or context") from None


def seal_bytes(
    data: bytes, under: SecretKey, *, vault_id: str, kind: str, wrapping_id: str, object_id: str
) -> bytes:
    """Return a small value sealed under a key, 29 bytes longer than `data`.

    Args:
        data: The value, held in memory whole.
        under: The key to seal it with.
        vault_id: The vault it belongs to.
        kind: What kind of value it is, such as ``details`` or ``contact``.
        wrapping_id: The id of `under`.
        object_id: The id of the row or thing the value belongs to.
    """
    aad = associated_data("cctv-vault/value/v1", vault_id, kind, wrapping_id, object_id)
    return _seal(data, AESGCM(under.reveal()), aad)


def open_bytes(
    sealed: bytes, under: SecretKey, *, vault_id: str, kind: str, wrapping_id: str, object_id: str
) -> bytes:
    """Return the value that `seal_bytes` sealed.

    Raises:
        BlobTamperedError: The bytes were changed, `under` is another key, or an id differs.
        UnknownFormatError: The version is not known here.
    """
    aad = associated_data("cctv-vault/value/v1", vault_id, kind, wrapping_id, object_id)
    try:
        return _open(sealed, AESGCM(under.reveal()), aad, f"the {kind} value of {object_id}")
    except InvalidTag:
        raise BlobTamperedError(f"{kind}/{object_id}", "value") from None


def _seal(data: bytes, cipher: AESGCM, aad: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + cipher.encrypt(nonce, data, aad)


def _open(sealed: bytes, cipher: AESGCM, aad: bytes, what: str) -> bytes:
    if sealed[:1] not in {_VERSION, b""}:
        raise UnknownFormatError(f"{what} has format version {sealed[0]}; this program knows 1")
    if len(sealed) < _OVERHEAD:
        raise InvalidTag
    nonce, box = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    return cipher.decrypt(nonce, box, aad)
