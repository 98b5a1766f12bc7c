"""A PAdES signature in a PDF: the one room that knows pyHanko.

Owns the appending of a signature to a finished document. Imported where something is signed and
not before, because its libraries take longer to load than most commands to run.

PAdES baseline B-B (ETSI EN 319 142-1).
"""

import io
from datetime import datetime
from typing import Any, Final

from asn1crypto import keys, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

FIELD: Final = "Signature"


def sign(pdf: bytes, *, certificate: bytes, key: bytes, name: str, at: datetime) -> bytes:
    """The document with a signature over all of it, appended; what was there is unchanged.

    ``certificate`` and ``key`` (PKCS 8) are DER; ``at`` is the time the signature claims.
    """
    signer = SimpleSigner(
        signing_cert=x509.Certificate.load(certificate),
        signing_key=keys.PrivateKeyInfo.load(key),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
    )
    claims = PdfSignatureMetadata(
        field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, name=name
    )
    out = io.BytesIO()
    _SignerAt(claims, signer, at).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out)
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
