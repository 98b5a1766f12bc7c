"""A PAdES signature in a PDF and the certificate beside it: the one room that knows pyHanko.

Owns the appending of a signature to a finished document. Imported where something is signed and
not before, because its libraries take longer to load than most commands to run.

PAdES baseline B-B (ETSI EN 319 142-1).
"""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import constants
from pyhanko_certvalidator.registry import SimpleCertificateStore

FIELD: Final = "Signature"
# "No well-defined expiration date" (RFC 5280, section 4.1.2.5).
_NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_LONGEST_NAME: Final = 64  # bytes, safely within ub-common-name (RFC 5280, appendix A.1)
_SERIAL_BYTES: Final = 16


def self_signed(
    key: ec.EllipticCurvePrivateKey, *, name: str, origin: str, since: datetime
) -> bytes:
    """A certificate for ``key`` by itself, DER; the same bytes whenever it is made."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, _short(name or origin)),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, _short(origin)),
        ]
    )
    public = key.public_key()
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
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
        .public_bytes(serialization.Encoding.DER)
    )


def sign(pdf: bytes, *, certificate: bytes, key: bytes, name: str, at: datetime) -> bytes:
    """The document with a signature over all of it, appended; what was there is unchanged.

    ``certificate`` and ``key`` (PKCS 8) are DER; ``at`` is the time the signature claims.
    """
    signer = SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(certificate),
        signing_key=keys.PrivateKeyInfo.load(key),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
    )
    claims = PdfSignatureMetadata(
        field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, name=name
    )
    out = io.BytesIO()
    writer = _Appended(io.BytesIO(pdf))
    work = _SignerAt(claims, signer, at)
    # pyHanko signs in an event loop of its own, which a thread that runs one already cannot start.
    with ThreadPoolExecutor(1) as apart:
        apart.submit(work.sign_pdf, writer, output=out).result()
    return out.getvalue()


class _SignerAt(PdfSigner):
    """A signer whose time is the vault's and not the machine's, which may be another."""

    def __init__(self, claims: PdfSignatureMetadata, signer: SimpleSigner, at: datetime) -> None:
        super().__init__(claims, signer)
        self._at = at

    def init_signing_session(self, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - the base's
        session = super().init_signing_session(*arguments, **more)
        session.system_time = self._at
        return session

    def register_extensions(self, pdf_out: BasePdfFileWriter, *, md_algorithm: str) -> None:  # noqa: ARG002 - the base's
        """Name PAdES alone: for keys on P-256 pyHanko would raise the version to PDF 2.0.

        PDF/A-2 is PDF 1.7 (ISO 19005-2, clause 5), in which PAdES may use such keys anyhow.
        """
        pdf_out.register_extension(constants.ESIC_EXTENSION_1)


class _Appended(IncrementalPdfFileWriter):
    """Appends, and leaves what the document says of itself as it is.

    pyHanko would write its XMP anew, in its own form, with the machine's time; by it the document
    says that it is PDF/A.
    """

    def _update_meta(self) -> None:
        pass


def _short(name: str) -> str:
    return name.encode()[:_LONGEST_NAME].decode(errors="ignore")
