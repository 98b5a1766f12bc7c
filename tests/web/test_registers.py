"""The registers' pages: what is shown is what is kept, of the days asked for, and can be taken."""

import csv
import io
import re
from datetime import timedelta

import pytest

from cctv_vault.retention.certificates import verify_certificate
from tests.shop import SYSTEM
from tests.web.conftest import Shop

REGISTERS = ("disclosures", "copies", "art30", "statistics", "breaches", "deletions")


TODAY = "2026-03-06"


@pytest.fixture(scope="module", autouse=True)
def swept(shop: Shop) -> None:
    """Four days on: the morning's films are destroyed, and certified."""
    shop.vault.set_clock(SYSTEM, shop.vault.clock.now() + timedelta(days=4))
    assert shop.vault.sweeper.run(SYSTEM).certificate_id


@pytest.fixture(scope="module")
def requested(shop: Shop) -> str:
    """A request that was refused for want of any ground, and so stands in the register."""
    maria = shop.person("Maria")
    answer = maria.post(
        "/requests",
        type="media",
        name="Kvällsbladet",
        authority="=1+1",
        email="red@example.org",
        description="Bilder till en artikel.",
        cameras="gang",
        from__1="2026-03-02T07:30:05",
        to__1="2026-03-02T07:30:15",
        language="sv",
        delivery="link",
        via="mail",
    )
    found = re.search(r"/requests/(B-[0-9A-Z]{8})", answer.headers["location"])
    assert found
    return found[1]


def test_a_refused_request_stands_in_the_register_and_leads_to_its_case(
    shop: Shop, requested: str
) -> None:
    page = shop.person("Maria").get("/registers/disclosures").text
    assert f'href="/requests/{requested}"' in page
    assert "avslagen utan prövning" in page
    auditor = shop.person("Rut").get("/registers/disclosures").text
    assert requested in auditor
    assert f'href="/requests/{requested}"' not in auditor


def test_a_register_shows_the_days_asked_for_and_its_files_are_of_the_same(
    shop: Shop, requested: str
) -> None:
    rut = shop.person("Rut")
    asked = f"?from={TODAY}&to={TODAY}"
    page = rut.get(f"/registers/disclosures{asked}").text
    assert requested in page
    assert f"/registers/disclosures/csv?from={TODAY}&amp;to={TODAY}" in page
    rows = list(csv.DictReader(io.StringIO(rut.get(f"/registers/disclosures/csv{asked}").text)))
    assert requested in {row["reference"] for row in rows}
    before = "?from=2026-02-01&to=2026-03-05"
    assert requested not in rut.get(f"/registers/disclosures{before}").text
    assert requested not in rut.get(f"/registers/disclosures/csv{before}").text


@pytest.mark.parametrize("register", REGISTERS)
def test_each_register_is_a_signed_document_and_a_table(shop: Shop, register: str) -> None:
    rut = shop.person("Rut")
    document = rut.get(f"/registers/{register}/pdf")
    assert document.headers["content-disposition"] == f'attachment; filename="{register}.pdf"'
    assert document.content.startswith(b"%PDF-")
    assert b"/ETSI.CAdES.detached" in document.content
    table = rut.get(f"/registers/{register}/csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    (entry, *_) = [
        each
        for each in reversed(shop.vault.log.entries(event="register.exported", limit=1000))
        if each.facts["register"] == register
    ]
    assert shop.vault.people.names([entry.actor]) == {entry.actor: "Rut"}


def test_looking_is_not_entered_and_taking_is(shop: Shop) -> None:
    def entered() -> int:
        return len(shop.vault.log.entries(event="register.exported", limit=1000))

    rut, before = shop.person("Rut"), entered()
    for register in REGISTERS:
        assert rut.get(f"/registers/{register}").status_code == 200
    assert entered() == before
    rut.get("/registers/copies/csv")
    assert entered() == before + 1


@pytest.mark.parametrize(
    "path",
    [
        "disclosures?from=x",
        "copies?from=2026-03-02&to=2026-02-01",
        "deletions?to=9999-12-31",
        "statistics?from=0001-01-01",
    ],
)
def test_days_that_mean_nothing_are_refused_in_words(shop: Shop, path: str) -> None:
    answer = shop.person("Rut").get(f"/registers/{path}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text or "notice bad" in answer.text


@pytest.mark.parametrize("path", ["nothing", "disclosures/xls", "certificates/G-00000000"])
def test_what_is_no_register_is_not_found(shop: Shop, path: str) -> None:
    assert shop.person("Rut").get(f"/registers/{path}").status_code in {404, 422}


def test_a_certificate_is_taken_from_its_page_and_verifies(shop: Shop) -> None:
    rut = shop.person("Rut")
    page = rut.get("/registers/certificates").text
    found = re.findall(r'href="(/registers/certificates/G-[0-9A-Z]{8})"', page)
    assert found
    for certificate in found:
        whole = rut.get(certificate).text
        assert verify_certificate(whole, allow_simulated=True).sound
    assert "/registers/certificates" in rut.get("/expiry").text
    assert "/registers/deletions" in rut.get("/expiry").text
