"""The registers: every request with its decision, refusals too, as CSV and as a document."""

import csv
import io
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cctv_vault.errors import AccessDeniedError, InvalidInputError
from cctv_vault.people.actors import Role
from tests.shop import person

Shop = Any
AUDITOR = person(Role.AUDITOR, name="Rut")


def rows(shop: Shop, register: str, actor: Any = AUDITOR) -> list[dict[str, str]]:  # noqa: ANN401
    whole = shop.vault.registers.export(actor, register, "csv")
    return list(csv.DictReader(io.StringIO(whole.decode(), newline="")))


def test_every_request_stands_in_the_register_with_its_decision_refusals_too(
    shop: Shop, tmp_path: Path
) -> None:
    _, package = shop.prepared()
    (approved,) = [each.id for each in shop.requests.list(shop.officer)]
    shop.requests.release(shop.handler, approved, "usb")
    on_duty = replace(shop.staff, on_the_spot=True)
    spot = shop.requests.on_the_spot(
        on_duty, shop.body(matter__number=None), officer_seen="kort", out_dir=tmp_path / "usb"
    )
    shop.requests.review(shop.approver, spot.id, approve=False, reason="För mycket.")
    refused = shop.assessed(requester__authority="=HYPERLINK(1)")
    shop.requests.decide(shop.approver, refused, approve=False, reason="För brett.")
    media = shop.filed(requester__type="media")

    found = {row["reference"]: row for row in rows(shop, "disclosures")}

    assert set(found) == {approved, refused, media, spot.id}
    assert found[approved]["sha256"] == package.sha256.hex()
    assert (found[approved]["decision"], found[approved]["channel"]) == ("beviljad", "usb-minne")
    assert found[approved]["decided_by"] == shop.approver.id
    assert found[refused]["decision"] == "avslagen"
    assert found[refused]["sha256"] == ""
    assert found[refused]["authority"] == "'=HYPERLINK(1)"
    assert "ingen rättslig grund" in found[media]["decision"]
    assert "underkänd" in found[spot.id]["decision"]
    assert "diarienummer saknas" in found[spot.id]["remarks"]
    assert "Eva Exempel" not in str(found)
    (entry,) = shop.vault.log.entries(event="register.exported")
    assert (entry.facts["register"], entry.facts["rows"]) == ("disclosures", 4)


@pytest.mark.parametrize(
    "typed",
    [
        "=HYPERLINK(1)",
        "Polisen;=HYPERLINK(1)",
        "Polisen; =HYPERLINK(1)",
        "Polisen\n@SUM(1)",
        "Polisen\t-1+1",
        " \uff1dHYPERLINK(1)",
        'Polisen;"=HYPERLINK(1)"',
    ],
)
def test_no_spreadsheet_of_any_country_takes_what_a_stranger_typed_for_a_formula(
    quick_shop: Shop, typed: str
) -> None:
    quick_shop.filed(requester__authority=typed)
    whole = quick_shop.vault.registers.export(AUDITOR, "disclosures", "csv").decode()
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(whole, newline=""), delimiter=separator):
            for cell in row:
                assert not cell.strip(' "').startswith(tuple("=+-@\uff1d")), cell
    assert "(1)" in whole or "1+1" in whole


def test_the_years_statistics_count_each_kind_of_requester(quick_shop: Shop) -> None:
    quick_shop.prepared()
    refused = quick_shop.assessed()
    quick_shop.requests.decide(quick_shop.approver, refused, approve=False, reason="Nej.")
    quick_shop.filed(requester__type="media")
    counted = {row["requester"]: row for row in rows(quick_shop, "statistics")}
    police = counted["Polis, åklagare eller annan brottsbekämpande myndighet"]
    assert [police[name] for name in ("year", "received", "approved", "refused", "released")] == [
        *("2026", "2", "1", "1", "0"),
    ]
    assert counted["Medier, andra butiker, allmänhet"]["refused"] == "1"


def test_the_record_of_processing_names_each_purpose_with_its_ground_and_time(
    quick_shop: Shop,
) -> None:
    purposes = quick_shop.vault.policies.in_force().purposes
    record = rows(quick_shop, "art30")
    assert [row["purpose"] for row in record] == [each.sv for each in purposes.values()]
    first = record[0]
    assert (first["statute"], first["kept"]) == ("GDPR 6.1 f", "72 timmar, högst 120 timmar")
    assert "Försäkringsbolag" in first["recipients"]
    assert "Medier" not in first["recipients"]


def test_copies_stand_in_their_register_until_they_are_destroyed(
    quick_shop: Shop, tmp_path: Path
) -> None:
    recording = next(quick_shop.vault.catalogue.list(quick_shop.handler)).id
    quick_shop.vault.access.export(
        quick_shop.handler,
        recording,
        tmp_path / "copy.mp4",
        reason="Anmälan.",
        purpose="police-report",
    )
    (copy,) = rows(quick_shop, "copies")
    assert (copy["purpose"], copy["destroyed_at"], copy["overdue"]) == ("polisanmälan", "", "")
    quick_shop.pass_time(days=31)
    (copy,) = rows(quick_shop, "copies")
    assert copy["overdue"] == "ja"


def test_what_is_gagged_stands_only_where_somebody_is_cleared_for_it(quick_shop: Shop) -> None:
    cleared = person(Role.PRIVACY_OFFICER, name="Clara", cleared=True)
    body = quick_shop.body(requester__type="preservation-order", ground__code="RB 27:16 a")
    order = quick_shop.requests.file(cleared, body).id
    assert rows(quick_shop, "disclosures", quick_shop.officer) == []
    assert rows(quick_shop, "statistics", quick_shop.officer) == []
    (row,) = rows(quick_shop, "disclosures", cleared)
    assert (row["reference"], row["remarks"]) == (order, "bara bevarande")


def test_a_register_is_of_its_period_and_for_who_may_read_registers(quick_shop: Shop) -> None:
    quick_shop.filed()
    now = quick_shop.vault.clock.now()
    export = quick_shop.vault.registers.export
    later = export(AUDITOR, "disclosures", "csv", now + timedelta(days=1), now + timedelta(days=2))
    assert later.count(b"\n") == 1
    for register, form in (("everything", "csv"), ("copies", "xls")):
        with pytest.raises(InvalidInputError):
            export(AUDITOR, register, form)
    with pytest.raises(InvalidInputError, match="ends before"):
        export(AUDITOR, "copies", "csv", now, now)
    for actor in (quick_shop.staff, person(Role.ADMINISTRATOR)):
        with pytest.raises(AccessDeniedError):
            export(actor, "disclosures", "csv")


@pytest.mark.parametrize("register", ["disclosures", "copies", "art30", "statistics"])
def test_a_register_is_a_signed_document_too(
    quick_shop: Shop, register: str, program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    program("pdftotext", "poppler-utils")
    quick_shop.approved()
    pdf = quick_shop.vault.registers.export(AUDITOR, register, "pdf")
    file = tmp_path / "register.pdf"
    file.write_bytes(pdf)
    told = subprocess.run(
        ["pdftotext", "-layout", file, "-"], check=True, capture_output=True, text=True
    ).stdout
    assert "Butiken AB" in told
    assert b"/ByteRange" in pdf


CODES = (
    *("in-person", "police-report", "internal-review", "technical-fault", "partly-approved"),
    *("under-review", "request-unconfirmed", "table A", "disclosure request", "save now"),
    *("quarantined", "surveillance", "data subject", "insurer"),
)
"""Words of the product's own, and English, that no Swedish page may show."""


@pytest.mark.parametrize("register", ["disclosures", "copies", "art30", "statistics"])
def test_a_swedish_register_holds_no_code_word(
    quick_shop: Shop, register: str, tmp_path: Path
) -> None:
    _, _ = quick_shop.prepared()
    (request,) = [each.id for each in quick_shop.requests.list(quick_shop.officer)]
    quick_shop.requests.release(quick_shop.handler, request, "in-person")
    recording = next(quick_shop.vault.catalogue.list(quick_shop.handler)).id
    for purpose in ("police-report", "claim", "internal-review", "technical-fault"):
        quick_shop.vault.access.export(
            quick_shop.handler,
            recording,
            tmp_path / f"{purpose}.mp4",
            reason="Anmälan.",
            purpose=purpose,
        )
    told = [cell for row in rows(quick_shop, register) for cell in row.values()]
    assert told
    assert [each for each in CODES if any(each in cell for cell in told)] == []
