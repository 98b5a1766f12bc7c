"""Signed documents, judged by pyHanko's validator and by OpenSSL, not by what signed them."""

import asyncio
import io
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typst
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from cctv_vault.custody.documents import DocumentSigner
from storage.secret import SecretKey

SINCE = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
AT = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


def signer(seed: bytes = b"\x07" * 32, controller: str = "Butiken AB") -> DocumentSigner:
    return DocumentSigner(
        SecretKey(seed), origin="cctv-vault/abc", controller=controller, since=SINCE
    )


@pytest.fixture(scope="module")
def page() -> bytes:
    made = typst.compile(
        b"= Rapport\nEn rad.", format="pdf", ignore_system_fonts=True, pdf_standards=["a-2b"]
    )
    assert isinstance(made, bytes)
    return made


def judged(pdf: bytes, certificate: bytes) -> PdfSignatureStatus:
    signature = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0]
    trusted = ValidationContext(trust_roots=[asn1_x509.Certificate.load(certificate)], moment=AT)
    return validate_pdf_signature(signature, trusted)


def test_a_stranger_with_the_certificate_finds_the_document_whole_and_signed(page: bytes) -> None:
    one = signer()
    status = judged(one.sign(page, at=AT), one.certificate)
    assert status.bottom_line
    assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    assert status.signer_reported_dt == AT


def test_the_document_is_still_its_own_first_part(page: bytes) -> None:
    assert signer().sign(page, at=AT).startswith(page)


def test_a_signed_document_is_the_pdf_a_it_was(page: bytes) -> None:
    """What ISO 19005-2 asks and an appended signature could break; no validator is to be had."""
    signed = PdfFileReader(io.BytesIO(signer().sign(page, at=AT)))
    before, root = PdfFileReader(io.BytesIO(page)), signed.root

    assert signed.input_version == (1, 7)  # clause 5
    assert list(root["/Extensions"]) == ["/ESIC"]
    assert root["/Metadata"].data == before.root["/Metadata"].data  # 6.6
    assert dict(signed.trailer["/Info"]) == dict(before.trailer["/Info"])
    assert signed.trailer["/ID"][0] == before.trailer["/ID"][0]  # 6.1.3
    form = root["/AcroForm"]
    assert not {"/NeedAppearances", "/XFA"} & set(form)  # 6.4.1, 6.4.2
    (field,) = (each.get_object() for each in form["/Fields"])
    assert field["/F"] & 0b100111 == 0b100  # printed, and neither hidden nor invisible: 6.3.2
    assert "/AP" in field or list(field["/Rect"]) == [0, 0, 0, 0]  # 6.3.3
    assert not {"/A", "/AA"} & set(field)  # 6.4.1
    covered = field["/V"]["/ByteRange"]
    assert covered[0] == 0  # 6.4.3


def test_one_changed_byte_of_what_is_read_breaks_the_signature(page: bytes) -> None:
    one = signer()
    signed = bytearray(one.sign(page, at=AT))
    signed[signed.index(b"/CreationDate") + 16] ^= 1
    assert not judged(bytes(signed), one.certificate).bottom_line


def test_another_vaults_signature_does_not_pass_for_this_ones(page: bytes) -> None:
    signed = signer(b"\x08" * 32).sign(page, at=AT)
    assert not judged(signed, signer().certificate).bottom_line


def test_the_certificate_is_the_same_bytes_whenever_it_is_made() -> None:
    assert signer().certificate == signer().certificate
    assert signer(b"\x08" * 32).fingerprint != signer().fingerprint
    assert re.fullmatch(r"[0-9a-f]{64}", signer().fingerprint)


def test_a_drills_certificate_says_simulated_in_its_name() -> None:
    drill = DocumentSigner(
        SecretKey(b"\x07" * 32),
        origin="cctv-vault/abc/simulated",
        controller="Butiken AB",
        since=SINCE,
    )
    subject = x509.load_der_x509_certificate(drill.certificate).subject.rfc4514_string()
    assert "CN=SIMULATED Butiken AB" in subject


@pytest.mark.parametrize("controller", ["", "Ö" * 200])
def test_a_controller_of_any_length_gets_a_certificate(controller: str) -> None:
    made = x509.load_der_x509_certificate(signer(controller=controller).certificate)
    assert isinstance(made.public_key(), ec.EllipticCurvePublicKey)


def test_a_document_is_signed_in_an_event_loop_too(page: bytes) -> None:
    async def handler() -> bytes:
        return signer().sign(page, at=AT)

    assert judged(asyncio.run(handler()), signer().certificate).bottom_line


def test_nothing_of_the_key_shows_where_the_signer_is_printed() -> None:
    assert repr(signer()) == "DocumentSigner"


def test_openssl_finds_the_certificate_sound_and_self_signed(
    tmp_path: Path, program: Callable[[str, str], Path]
) -> None:
    openssl = program("openssl", "openssl")
    file = tmp_path / "certificate.der"
    file.write_bytes(signer().certificate)
    said = subprocess.run(
        [openssl, "x509", "-inform", "DER", "-in", str(file), "-noout", "-text"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "Digital Signature, Non Repudiation" in said
    assert "CA:FALSE" in said
    pem = tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "x509", "-inform", "DER", "-in", str(file), "-out", str(pem)], check=True
    )
    checked = subprocess.run(
        [openssl, "verify", "-check_ss_sig", "-partial_chain", "-CAfile", str(pem), str(pem)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
