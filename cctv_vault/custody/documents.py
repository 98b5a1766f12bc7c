"""Signatures in the documents that leave the vault: PAdES, as readers of PDF files check it.

Owns the key and the certificate that sign a PDF. The key is derived from the log's signing key, so
that there is one secret to keep, and the certificate is the same bytes each time it is made: its
SHA-256 stands in the log's first entry and in every package. It refuses to pretend to an identity
that nobody vouches for: the certificate is self-signed, and a reader who has not compared its
fingerprint knows only that the document is whole.

The key is one of ECDSA on P-256, because readers of PDF files do not know the log's Ed25519.
"""

import hashlib
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

from cctv_vault.custody.checkpoints import SIMULATED_SUFFIX
from storage.secret import SecretKey

_PURPOSE: Final = b"cctv-vault/document-signing/v1"
# The order of P-256's base point (SP 800-186, section 3.2.1.3).
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_DERIVED_BYTES: Final = 48  # 16 more than the order has, so that the remainder has no bias
_SERIAL_BYTES: Final = 16
_LONGEST_NAME: Final = 64  # bytes, safely within ub-common-name (RFC 5280, appendix A.1)
# "No well-defined expiration date" (RFC 5280, section 4.1.2.5).
_NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class DocumentSigner:
    """Signs PDF documents in the controller's name."""

    def __init__(self, seed: SecretKey, *, origin: str, controller: str, since: datetime) -> None:
        """``seed`` is the log's; ``origin`` the log's name, ``since`` when the vault was made."""
        self._key = _derived(seed)
        self._name = ("SIMULATED " if origin.endswith(SIMULATED_SUFFIX) else "") + controller
        self.certificate: Final = self._certificate(origin, since)
        """The self-signed certificate, DER."""
        self.fingerprint: Final = hashlib.sha256(self.certificate).hexdigest()
        """SHA-256 of the certificate, in hexadecimal."""

    def __repr__(self) -> str:
        """Never the key."""
        return f"DocumentSigner({self.fingerprint[:8]})"

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

    def _certificate(self, origin: str, since: datetime) -> bytes:
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, _short(self._name or origin)),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, _short(origin)),
            ]
        )
        public = self._key.public_key()
        serial = hashlib.sha256(
            public.public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
        ).digest()[:_SERIAL_BYTES]
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=True,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(public)
            .serial_number(int.from_bytes(serial, "big") | 1)
            .not_valid_before(since.astimezone(UTC).replace(microsecond=0))
            .not_valid_after(_NEVER)
            .add_extension(usage, critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256(), ecdsa_deterministic=True)
            .public_bytes(serialization.Encoding.DER)
        )


def _short(name: str) -> str:
    return name.encode()[:_LONGEST_NAME].decode(errors="ignore")


def _derived(seed: SecretKey) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of a seed (FIPS 186-5, appendix A.2.1, with HKDF's output for random bits)."""
    bits = HKDF(hashes.SHA256(), _DERIVED_BYTES, salt=None, info=_PURPOSE).derive(seed.reveal())
    scalar = int.from_bytes(bits, "big") % (_ORDER - 1) + 1
    return ec.derive_private_key(scalar, ec.SECP256R1())
