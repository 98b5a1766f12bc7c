"""Life or health is at stake: handed over at once to those who save it, reviewed by another."""

import csv
import io
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cctv_vault.disclosure.legal import RESCUERS, rescuer_of
from cctv_vault.disclosure.verification import verify_package
from cctv_vault.errors import (
    AccessDeniedError,
    GateNotMetError,
    InvalidInputError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import Actor, Role
from cctv_vault.retention.policies import default_policy_text
from tests.shop import SYSTEM, film, person, put

Shop = Any
CALLED = "motringd via 112: SOS Alarm, operatör 7"
AT_STAKE = "Ett barn på sex år gick från kassan ensamt."
TOLD = "Föräldern kom fram till kassan kl. 07.50."


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    return tmp_path / "usb"


def on_duty(shop: Shop, name: str = "Sara") -> Actor:
    return replace(person(Role.STAFF, name=name), on_the_spot=True)


def endangered(shop: Shop, **changes: object) -> dict[str, Any]:
    """What the emergency number asks for."""
    body: dict[str, Any] = shop.body(
        **{
            "requester__type": "emergency",
            "requester__authority": "SOS Alarm",
            "ground__code": "GDPR 6.1 d",
            "matter__number": None,
            "matter__offence": None,
            "description": "",
            **changes,
        }
    )
    return {"danger": {"asked_by": "sos-alarm", "at_stake": AT_STAKE, "told": TOLD}, **body}


def between(start: str, end: str, camera: str = "kassa") -> list[dict[str, Any]]:
    day = "2026-03-01T"
    return [{"cameras": [camera], "from": f"{day}{start}+01:00", "to": f"{day}{end}+01:00"}]


def helped(shop: Shop, body: dict[str, Any], out: Path | None, *, by: Actor | None = None) -> Any:  # noqa: ANN401
    return shop.requests.on_the_spot(
        by or on_duty(shop), body, officer_seen=CALLED, out_dir=out, method="call-back"
    )


def test_whoever_is_on_duty_hands_over_at_once_and_it_is_written_down_why(
    shop: Shop, usb: Path
) -> None:
    shop.vault.people.add(SYSTEM, "Anders", ["approver"], credential="hemligt-ord-1")
    spot = helped(shop, endangered(shop), usb)

    assert spot.state == "under-review"
    assert spot.review_by == datetime.fromisoformat("2026-03-04T00:00:00+01:00")
    assert spot.number_by is None
    assert verify_package(usb / f"{spot.id}.zip", allow_simulated=True).sound
    assert len(list(usb.glob("*.png"))) == 3
    shown = shop.requests.show(shop.officer, spot.id)
    assert shown.body["danger"] == {"asked_by": "sos-alarm", "at_stake": AT_STAKE, "told": TOLD}
    assert shown.facts == f"{AT_STAKE} {TOLD}"
    assert shown.verification_method == "call-back"
    assert shown.frozen_until == shop.vault.clock.now() + timedelta(days=14)
    (intended,) = shop.vault.log.entries(event="request.release-intended")
    assert (intended.facts["path"], intended.details["detail"]) == ("vital", CALLED)
    logged = "".join(str(entry.facts) for entry in shop.vault.log.entries(limit=1000))
    assert "barn" not in logged
    standing = shop.requests.standing(on_duty(shop), spot.id)
    assert standing.danger["at_stake"] == AT_STAKE
    assert "barn" not in repr(standing)


def test_another_person_reviews_it_and_who_handed_over_never_does(shop: Shop) -> None:
    spot = helped(shop, endangered(shop), None)
    for own in (Role.PRIVACY_OFFICER, Role.APPROVER):
        with pytest.raises(AccessDeniedError):
            shop.requests.review(
                replace(on_duty(shop), roles=frozenset({own})), spot.id, approve=True, reason="Jag."
            )
    for nobody in (shop.handler, shop.staff, person(Role.DPO), person(Role.AUDITOR)):
        with pytest.raises(AccessDeniedError):
            shop.requests.review(nobody, spot.id, approve=True, reason="Rätt.")
    shop.requests.review(shop.approver, spot.id, approve=True, reason="Barnet hittades.")
    shown = shop.requests.show(shop.officer, spot.id)
    assert (shown.state, shown.decision) == ("acknowledged", "review-approved")


def test_the_review_is_due_by_the_end_of_the_next_working_day_past_the_holidays(
    quick_shop: Shop,
) -> None:
    shop = quick_shop
    shop.vault.set_clock(SYSTEM, datetime.fromisoformat("2026-04-02T21:00:00+02:00"))
    put(shop.folder / "drop" / "kassa", "20260402_200000.mp4", film(40, 20))
    folder = shop.folder / "drop" / "kassa"
    (taken,) = shop.vault.ingest.offer_all(SYSTEM, [folder], camera="kassa")
    assert taken.outcome == "sealed"
    at = {"from": "2026-04-02T20:00:02+02:00", "to": "2026-04-02T20:00:12+02:00"}
    spot = helped(shop, endangered(shop, footage=[{"cameras": ["kassa"], **at}]), None)
    # Maundy Thursday in the evening: Good Friday, the weekend and Easter Monday are no such day.
    assert spot.review_by == datetime.fromisoformat("2026-04-08T00:00:00+02:00")


def test_an_overdue_review_stands_on_the_first_page_and_in_the_register(quick_shop: Shop) -> None:
    shop = quick_shop
    spot = helped(shop, endangered(shop), None)

    def remarks() -> str:
        whole = shop.vault.registers.export(shop.officer, "disclosures", "csv").decode()
        (row,) = csv.DictReader(io.StringIO(whole))
        return str(row["remarks"])

    assert shop.requests.list(shop.officer)[0].attention == ()
    assert remarks() == ""
    shop.pass_time(days=2)
    (listed,) = shop.requests.list(shop.officer)
    assert (listed.id, listed.attention) == (spot.id, ("review",))
    assert remarks() == "granskning försenad"
    shop.requests.review(shop.approver, spot.id, approve=True, reason="Sent, men rätt.")
    (entry,) = shop.vault.log.entries(event="request.reviewed")
    assert entry.facts["overdue"] is True
    assert shop.requests.list(shop.officer)[0].attention == ()


def test_a_disapproved_one_stands_until_somebody_else_closes_it_and_binds_the_next(
    quick_shop: Shop,
) -> None:
    shop = quick_shop
    spot = helped(shop, endangered(shop), None)
    shop.requests.review(shop.approver, spot.id, approve=False, reason="Ingen var i fara.")
    assert shop.requests.list(shop.officer)[0].attention == ("disapproved",)
    with pytest.raises(AccessDeniedError, match="a review disapproved"):
        shop.requests.close(
            replace(on_duty(shop), roles=frozenset({Role.PRIVACY_OFFICER})), spot.id, "Klart."
        )
    beside = endangered(shop, footage=between("09:00:31", "09:00:50"))
    with pytest.raises(TransitionNotAllowedError, match=spot.id):
        helped(shop, beside, None, by=on_duty(shop, "Nils"))
    # Neither the police for a theft, nor for a missing person, get it by one hand after that.
    lost = shop.body(requester__type="police-not-crime", ground__code="GDPR 6.1 d")
    with pytest.raises(TransitionNotAllowedError, match=spot.id):
        helped(shop, lost, None)
    shop.requests.close(shop.handler, spot.id, "Genomgått med personalen.")
    assert shop.requests.list(shop.officer)[0].attention == ()


def test_that_the_police_were_refused_a_theft_lets_nobody_die(quick_shop: Shop) -> None:
    shop = quick_shop
    refused = shop.assessed()
    shop.requests.decide(shop.approver, refused, approve=False, reason="Begär skriftligt.")
    police = endangered(shop, requester__authority="Polismyndigheten")
    assert helped(shop, police, None).state == "under-review"
    lost = shop.body(requester__type="police-not-crime", ground__code="GDPR 6.1 d")
    with pytest.raises(TransitionNotAllowedError, match=refused):
        helped(shop, lost, None)


@pytest.mark.parametrize(
    ("changes", "danger", "seen", "says"),
    [
        ({}, {"at_stake": None}, CALLED, "what life or health is in danger"),
        ({}, {"at_stake": "  "}, CALLED, "what life or health is in danger"),
        ({}, {}, "  ", "how whoever asks was verified"),
        ({"footage": between("07:00:00", "09:00:20")}, {}, CALLED, "at most 120 minutes"),
        (
            {"footage": [*between("06:30:00", "08:00:00"), *between("08:30:00", "09:10:00")]},
            {},
            CALLED,
            "at most 120 minutes",
        ),
        ({"footage": between("12:00:00", "12:10:00")}, {}, CALLED, "footage left"),
        ({"ground__code": "DSL 2:5"}, {}, CALLED, "a statute that can carry"),
        ({"ground__code": "GDPR 6.1 f"}, {}, CALLED, "a statute that can carry"),
        ({"ground__code": None}, {}, CALLED, "a statute that can carry"),
        (
            {"requester__authority": "Trygg Försäkring AB"},
            {"asked_by": None},
            CALLED,
            "those who save life or health",
        ),
        (
            {"requester__authority": "Stadens Tidning"},
            {"asked_by": None},
            CALLED,
            "those who save life or health",
        ),
        (
            {"requester__authority": None, "requester__name": "reklambyrån"},
            {"asked_by": None},
            CALLED,
            "those who save life or health",
        ),
        (
            {"requester__type": "police-not-crime", "ground__code": "GDPR 6.1 f"},
            {"asked_by": "health"},
            CALLED,
            "only to the police",
        ),
        (
            {"requester__type": "police-not-crime"},
            {"asked_by": "police", "at_stake": None},
            CALLED,
            "what has happened",
        ),
    ],
)
def test_less_than_that_hands_nothing_over_and_leaves_its_entry(
    quick_shop: Shop,
    usb: Path,
    *,
    changes: dict[str, Any],
    danger: dict[str, str | None],
    seen: str,
    says: str,
) -> None:
    shop = quick_shop
    body = endangered(shop, **changes)
    body["danger"] = {**body["danger"], **danger}
    with pytest.raises(GateNotMetError, match=says):
        shop.requests.on_the_spot(
            on_duty(shop), body, officer_seen=seen, out_dir=usb, method="call-back"
        )
    assert shop.requests.list(shop.officer) == ()
    assert not list(usb.glob("*"))
    assert shop.refusals() == ["gate-not-met"]


@pytest.mark.parametrize("type_", ["insurer", "media", "lawyer", "court", "police", "data-subject"])
def test_nobody_else_has_an_emergency(quick_shop: Shop, type_: str) -> None:
    shop = quick_shop
    body = endangered(shop, requester__type=type_)
    with pytest.raises((GateNotMetError, InvalidInputError)):
        helped(shop, body, None)
    with pytest.raises(InvalidInputError, match="has a danger"):
        shop.requests.file(shop.handler, body)
    del body["danger"]
    with pytest.raises(GateNotMetError):
        helped(shop, body, None)
    assert shop.requests.list(shop.officer, open_only=True) == ()


@pytest.mark.parametrize("method", ["signed-order", "by-mail", ""])
def test_a_letter_is_no_emergency(quick_shop: Shop, method: str) -> None:
    shop = quick_shop
    with pytest.raises(GateNotMetError, match="does not verify"):
        shop.requests.on_the_spot(
            on_duty(shop), endangered(shop), officer_seen="läst", out_dir=None, method=method
        )


def test_only_who_is_marked_for_it_hands_over(quick_shop: Shop) -> None:
    shop = quick_shop
    for role in Role:
        with pytest.raises(AccessDeniedError):
            helped(shop, endangered(shop), None, by=person(role, name=f"no-{role}"))
    assert shop.requests.list(shop.officer) == ()


def test_what_is_more_than_the_figure_is_not_had_in_pieces_by_several_hands(
    quick_shop: Shop,
) -> None:
    shop = quick_shop
    helped(shop, endangered(shop, footage=between("07:10:00", "09:00:10")), None)
    second = endangered(shop, footage=between("09:00:10", "09:30:00"))
    for name in ("Sara", "Nils"):
        with pytest.raises(GateNotMetError, match="more than 120 minutes"):
            helped(shop, second, None, by=on_duty(shop, name))
    # What saved somebody takes nothing from the police who come for a theft.
    theft = shop.requests.on_the_spot(
        on_duty(shop), shop.body(), officer_seen="tjänstekort", out_dir=None
    )
    assert theft.state == "under-review"
    shop.pass_time(hours=12, seconds=1)
    assert helped(shop, second, None).state == "under-review"


def test_the_figure_is_the_policys(quick_shop: Shop) -> None:
    shop = quick_shop
    text = default_policy_text().replace("emergency_minutes = 120", "emergency_minutes = 1")
    text = text.replace("version = 1", "version = 2", 1)
    shop.vault.publisher.publish(shop.officer, text, shop.vault.clock.now())
    with pytest.raises(GateNotMetError, match="at most 1 minutes"):
        helped(shop, endangered(shop, footage=between("09:00:00", "09:01:01")), None)
    assert helped(shop, endangered(shop), None).state == "under-review"


def test_a_missing_person_and_an_accident_go_the_same_way_to_the_police_alone(
    quick_shop: Shop,
) -> None:
    shop = quick_shop
    for ground, name in (("GDPR 6.1 d", "Sara"), ("GDPR 6.1 f", "Nils")):
        body = shop.body(requester__type="police-not-crime", ground__code=ground)
        body["description"] = "En dement man gick från butiken."
        spot = helped(shop, body, None, by=on_duty(shop, name))
        assert spot.state == "under-review"
        assert spot.review_by is not None
        shown = shop.requests.show(shop.officer, spot.id)
        assert shown.facts == "En dement man gick från butiken."
    listed = shop.requests.list(shop.officer)
    assert {each.requester_type for each in listed} == {"police-not-crime"}


def test_a_danger_is_read_strictly(quick_shop: Shop) -> None:
    shop = quick_shop
    for danger in ({"asked_by": "insurer"}, {"who": "x"}, {"at_stake": 7}, "fara", {"told": "\0"}):
        with pytest.raises(InvalidInputError, match="danger"):
            helped(shop, {**endangered(shop), "danger": danger}, None)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Polismyndigheten", "police"),
        ("Polisen, region Syd", "police"),
        ("SOS Alarm", "sos-alarm"),
        ("112", "sos-alarm"),
        ("Räddningstjänsten Storgöteborg", "rescue"),
        ("Storstockholms brandförsvar", "rescue"),
        ("Karolinska universitetssjukhuset", "health"),
        ("Region Stockholm, ambulansen", "health"),
        ("Kustbevakningen", "coast-guard"),
        ("Sjöräddningssällskapet", "coast-guard"),
        ("Polisförbundet", ""),
        ("SOS Barnbyar", ""),
        ("Rädda Barnen", ""),
        ("Försäkrings AB Polaris", ""),
        ("", ""),
    ],
)
def test_who_saves_life_is_known_by_name_and_nobody_else(name: str, code: str) -> None:
    assert rescuer_of(name) == code
    assert not code or code in RESCUERS
