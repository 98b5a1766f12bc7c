"""Signatures in the documents that leave the vault: PAdES, as readers of PDF files check it.

Owns the key and the certificate that sign a PDF. The key is derived from the log's signing key, so
that there is one secret to keep, and the certificate is the same bytes each time it is made: its
SHA-256 stands in the log's first entry and in every package. It refuses to pretend to an identity
that nobody vouches for: the certificate is self-signed, and a reader who has not compared its
fingerprint knows only that the document is whole.

The key is one of ECDSA on P-256, because readers of PDF files do not know the log's Ed25519.
"""

import hashlib
from datetime import datetime
from functools import cached_property
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cctv_vault.custody.checkpoints import SIMULATED_SUFFIX
from storage.secret import SecretKey

_PURPOSE: Final = b"cctv-vault/document-signing/v1"
# The order of P-256's base point (SP 800-186, section 3.2.1.3).
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_DERIVED_BYTES: Final = 48  # 16 more than the order has, so that the remainder has no bias


class DocumentSigner:
    """Signs PDF documents in the controller's name."""

    def __init__(self, seed: SecretKey, *, origin: str, controller: str, since: datetime) -> None:
        """``seed`` is the log's; ``origin`` the log's name, ``since`` when the vault was made."""
        self._key = _derived(seed)
        self._name = ("SIMULATED " if origin.endswith(SIMULATED_SUFFIX) else "") + controller
        self._origin = origin
        self._since = since

    def __repr__(self) -> str:
        """Never the key."""
        return "DocumentSigner"

    @cached_property
    def certificate(self) -> bytes:
        """The self-signed certificate, DER."""
        from cctv_vault.custody import pades  # noqa: PLC0415 - only who signs pays for its libraries

        return pades.self_signed(self._key, name=self._name, origin=self._origin, since=self._since)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return hashlib.sha256(self.certificate).hexdigest()

    def sign(self, pdf: bytes, *, at: datetime) -> bytes:
        """The document with a signature over all of it, appended; what was there is unchanged.

        ``at`` is the time the signature claims, by the vault's clock.
        """
        from cctv_vault.custody import pades  # noqa: PLC0415 - only who signs pays for its libraries

        return pades.sign(
            pdf,
            certificate=self.certificate,
            key=self._key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            name=self._name,
            at=at,
        )


def _derived(seed: SecretKey) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of a seed (FIPS 186-5, appendix A.2.1, with HKDF's output for random bits)."""
    bits = HKDF(hashes.SHA256(), _DERIVED_BYTES, salt=None, info=_PURPOSE).derive(seed.reveal())
    scalar = int.from_bytes(bits, "big") % (_ORDER - 1) + 1
    return ec.derive_private_key(scalar, ec.SECP256R1())
