"""Letters: what the case says, in the requester's language, and nothing the log does not."""

from typing import Any

import pytest

from cctv_vault.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import PORTAL_ACTOR, Role
from tests.disclosure.conftest import Read
from tests.shop import person

Shop = Any


def test_a_receipt_says_what_is_kept_until_when_and_carries_the_checkpoint(
    shop: Shop, words: Read
) -> None:
    filed = shop.requests.file(shop.handler, shop.body())
    told = words(shop.vault.letters.write(shop.handler, filed.id, "receipt"))
    assert "Mottagningsbevis" in told
    assert filed.id in told
    assert "Er beteckning 5000-K123456-26" in told
    assert "1 mars 2026 kl. 09.00.05 (CET) till 1 mars 2026 kl. 09.00.30 (CET)" in told
    assert "Svar lämnas senast 4 mars 2026" in told
    assert "bevaras tills ärendet är avgjort" in told
    assert shop.vault.log.origin in told.replace(" ", "")
    assert "SIMULERAD" in told
    (entry,) = shop.vault.log.entries(event="request.letter-written")
    assert (entry.subject, entry.facts["kind"]) == (filed.id, "receipt")


def test_a_stranger_gets_the_receipt_with_reference_and_code_and_no_cameras(
    quick_shop: Shop, words: Read
) -> None:
    body = quick_shop.body(
        footage=[{"from": "2026-03-01T09:00:05+01:00", "to": "2026-03-01T09:00:30+01:00"}],
        language="en",
    )
    filed = quick_shop.requests.file(PORTAL_ACTOR, body)
    told = words(quick_shop.vault.letters.receipt(filed.id, filed.code))
    assert "Receipt of your request" in told
    assert "kept until 9 March 2026 at 08:00 (CET)" in told
    assert "kassa" not in told
    assert "entre" not in told
    for reference, code in ((filed.id, "WRONGCOD"), ("B-NOTTHERE", filed.code)):
        with pytest.raises(NotFoundError):
            quick_shop.vault.letters.receipt(reference, code)


def test_what_had_expired_is_told_with_its_certificate(quick_shop: Shop, words: Read) -> None:
    quick_shop.pass_time(days=6)
    quick_shop.vault.sweeper.run(quick_shop.handler)
    filed = quick_shop.requests.file(quick_shop.handler, quick_shop.body())
    told = words(quick_shop.vault.letters.write(quick_shop.handler, filed.id, "receipt"))
    assert "2 inspelningar från den begärda tiden hade gallrats" in told
    assert filed.certificates[0] in told


def test_a_clarification_asks_for_what_was_written_and_what_is_missing(
    quick_shop: Shop, words: Read
) -> None:
    request = quick_shop.filed(ground__code=None)
    quick_shop.requests.clarify(quick_shop.handler, request, "Gäller det kassa ett eller två?")
    told = words(quick_shop.vault.letters.write(quick_shop.handler, request, "clarification"))
    assert "Begäran om komplettering" in told
    assert "Gäller det kassa ett eller två?" in told
    assert "det lagrum som utlämnandet ska grundas på" in told
    assert "växelnummer" in told
    assert "senast den 1 april 2026" in told


def test_an_order_that_reaches_ahead_is_asked_about_in_words_of_the_law(
    quick_shop: Shop, words: Read
) -> None:
    request = quick_shop.filed(
        requester__type="preservation-order",
        ground__code="RB 27:16",
        footage=[
            {
                "cameras": ["kassa"],
                "from": "2026-03-01T09:00:00+01:00",
                "to": "2026-03-05T09:00:00+01:00",
            }
        ],
    )
    told = words(quick_shop.vault.letters.write(quick_shop.handler, request, "clarification"))
    assert "27 kap. 16 § rättegångsbalken" in told
    assert "stored footage" not in told


@pytest.mark.parametrize(
    ("changes", "reasons", "further"),
    [
        ({}, "2 kap. 5 § lagen (2018:218)", "beslag (27 kap. 1 och 4 §§ rättegångsbalken)"),
        (
            {"requester__type": "insurer", "ground__code": "GDPR 6.1 f"},
            "artikel 6.1 f",
            "38 kap. 2–5 §§ rättegångsbalken",
        ),
        (
            {"requester__type": "data-subject", "ground__code": "GDPR 15"},
            "artiklarna 12 och 15",
            "Box 8114, 104 20 Stockholm",
        ),
        (
            {"requester__type": "court", "ground__code": "RB 38:4"},
            "det lagrum som ni har angett",
            "beslut eller föreläggande",
        ),
        (
            {"requester__type": "foreign-police", "ground__code": "EIO 2017:1000"},
            "(lagen (2017:1000)",
            "Åklagarmyndigheten",
        ),
    ],
)
def test_a_refusal_has_its_reasons_its_clause_and_where_to_turn(
    quick_shop: Shop, words: Read, changes: dict[str, Any], reasons: str, further: str
) -> None:
    request = quick_shop.filed(**changes)
    quick_shop.requests.decide(quick_shop.officer, request, approve=False, reason="Inte behövligt.")
    told = words(quick_shop.vault.letters.write(quick_shop.handler, request, "refusal"))
    assert "Beslut om avslag" in told
    assert "Inte behövligt." in told
    assert reasons in told
    assert further in told
    days = "1 april" if changes.get("requester__type") == "data-subject" else "9 mars"
    assert f"bevaras till och med den {days} 2026" in told


def test_who_has_no_ground_at_all_is_told_so_in_their_language(
    quick_shop: Shop, words: Read
) -> None:
    for language, says in (("sv", "obehörigen röja"), ("en", "duty of secrecy|handing footage to")):
        request = quick_shop.filed(requester__type="media", language=language)
        told = words(quick_shop.vault.letters.write(quick_shop.handler, request, "refusal"))
        assert any(each in told for each in says.split("|"))
        assert "there is no ground on which" not in told


def test_an_approval_says_what_and_how_it_is_fetched_and_never_a_code(
    quick_shop: Shop, words: Read
) -> None:
    request = quick_shop.approved()
    quick_shop.requests.prepare(quick_shop.handler, request)
    released = quick_shop.requests.release(quick_shop.handler, request, "link")
    pdf = quick_shop.vault.letters.write(quick_shop.approver, request, "approval")
    told = words(pdf)
    assert "Beslut om utlämnande" in told
    assert "kassa, 1 mars 2026 kl. 09.00.05" in told
    assert "Koden står inte i detta brev" in told
    assert released.code not in told
    assert released.token not in told
    assert released.code.encode() not in pdf


def test_a_longer_time_is_told_with_its_reason_and_where_to_complain(
    quick_shop: Shop, words: Read
) -> None:
    request = quick_shop.filed(requester__type="data-subject", ground__code="GDPR 15")
    quick_shop.requests.prolong(quick_shop.handler, request, "Tolv personer ska maskas.")
    told = words(quick_shop.vault.letters.write(quick_shop.handler, request, "prolonging"))
    assert "Tolv personer ska maskas." in told
    assert "artikel 12.3" in told
    assert "senast den 2 juni 2026" in told
    assert "IMY" in told


def test_a_letter_never_says_what_the_case_does_not(quick_shop: Shop) -> None:
    request = quick_shop.filed()
    for kind in ("clarification", "refusal", "approval", "prolonging"):
        with pytest.raises(TransitionNotAllowedError):
            quick_shop.vault.letters.write(quick_shop.handler, request, kind)
    with pytest.raises(InvalidInputError):
        quick_shop.vault.letters.write(quick_shop.handler, request, "love")
    with pytest.raises(AccessDeniedError):
        quick_shop.vault.letters.write(person(Role.AUDITOR), request, "receipt")
    with pytest.raises(AccessDeniedError):
        quick_shop.vault.letters.write(quick_shop.staff, request, "receipt")
    cleared = person(Role.PRIVACY_OFFICER, name="Clara", cleared=True)
    order = quick_shop.requests.file(
        cleared, quick_shop.body(requester__type="preservation-order", ground__code="RB 27:16 a")
    )
    with pytest.raises(NotFoundError):
        quick_shop.vault.letters.write(quick_shop.officer, order.id, "receipt")


def test_what_people_write_is_text_and_never_source(quick_shop: Shop, words: Read) -> None:
    request = quick_shop.filed()
    text = '#read("/etc/passwd") $x$ *fet* <b> \\ "citat"'
    quick_shop.requests.clarify(quick_shop.handler, request, text)
    told = words(quick_shop.vault.letters.write(quick_shop.handler, request, "clarification"))
    assert '#read("/etc/passwd") $x$ *fet* <b>' in told


def test_a_receipt_to_be_signed_names_the_package_and_waits_for_the_release(
    quick_shop: Shop, words: Read
) -> None:
    request = quick_shop.approved()
    write = quick_shop.vault.letters.write
    with pytest.raises(TransitionNotAllowedError):
        write(quick_shop.handler, request, "handover")
    prepared = quick_shop.requests.prepare(quick_shop.handler, request)
    quick_shop.requests.release(quick_shop.handler, request, "usb")
    told = words(write(quick_shop.handler, request, "handover"))
    assert "Kvitto på utlämnat bildmaterial" in told
    assert prepared.sha256.hex() in told.replace(" ", "")
    assert "Mottagarens underskrift" in told
    assert "1 mars 2026 kl. 09.00.05 (CET)" in told
    with pytest.raises(AccessDeniedError):
        write(quick_shop.staff, request, "handover")


def test_what_access_costs_is_told_with_its_reasons_and_where_to_complain(
    quick_shop: Shop, words: Read
) -> None:
    anna = {"requester__type": "data-subject", "ground__code": "GDPR 15"}
    for number, language in enumerate(("sv", "en")):
        request = quick_shop.assessed(**anna, language=language)
        receipt = words(quick_shop.vault.letters.write(quick_shop.handler, request, "receipt"))
        assert ("kostnadsfri en gång per kalenderår", "free once in a calendar year")[
            number
        ] in receipt
        if number:
            reason = "The same minute as last week."
            quick_shop.requests.charge(quick_shop.officer, request, 250, "repetitive", reason)
        other = person(Role.PRIVACY_OFFICER, name="Per")
        quick_shop.requests.decide(other, request, approve=True, reason="Syns.")
        told = words(quick_shop.vault.letters.write(quick_shop.handler, request, "approval"))
        if number:
            assert "The fee is 250 kronor (SEK)" in told
            assert "The same minute as last week." in told
            assert "Article 77" in told
        else:
            assert "Svaret är kostnadsfritt." in told
    police = quick_shop.approved()
    assert "kostn" not in words(
        quick_shop.vault.letters.write(quick_shop.handler, police, "approval")
    )
