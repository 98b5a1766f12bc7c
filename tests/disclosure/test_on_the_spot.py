"""The police stand in the shop: released at once, within bounds, and reviewed by somebody else."""

import zipfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest

from cctv_vault.disclosure.verification import verify_package
from cctv_vault.errors import (
    AccessDeniedError,
    GateNotMetError,
    IntakeStoppedError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.footage.outfile import OutFile
from cctv_vault.people.actors import Actor, Role
from tests.shop import SYSTEM, person

Shop = Any
SEEN = "tjänstekort visat i butiken"


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    return tmp_path / "usb"


@pytest.fixture
def on_duty(quick_shop: Shop) -> Actor:
    staff: Actor = quick_shop.staff
    return replace(staff, on_the_spot=True)


def test_whoever_is_marked_for_it_hands_over_alone_and_another_reviews(
    quick_shop: Shop, on_duty: Actor, usb: Path
) -> None:
    spot = quick_shop.requests.on_the_spot(
        on_duty, quick_shop.body(matter__number=None), officer_seen=SEEN, out_dir=usb
    )

    assert spot.state == "under-review"
    # Monday at eight: by the end of Tuesday.
    assert spot.review_by == datetime.fromisoformat("2026-03-04T00:00:00+01:00")
    assert {path.name for path in usb.iterdir()} == set(spot.files)
    assert verify_package(usb / f"{spot.id}.zip", allow_simulated=True).sound
    (clip,) = usb.glob("*.mp4")
    with av.open(str(clip)) as opened:
        assert sum(1 for _ in opened.decode(video=0)) == 125
    assert clip.stat().st_mode & 0o777 == 0o600
    frames = sorted(usb.glob("*.png"))
    assert [path.name.partition("kassa_")[2] for path in frames] == [
        *("20260301T080009.166000Z.png", "20260301T080017.500000Z.png"),
        "20260301T080025.833000Z.png",
    ]
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.review(
            replace(on_duty, roles=frozenset({Role.PRIVACY_OFFICER})),
            spot.id,
            approve=True,
            reason="Jag gjorde rätt.",
        )
    reviewed = quick_shop.requests.review(
        quick_shop.approver, spot.id, approve=False, reason="Ärendenummer saknas."
    )
    assert reviewed.state == "acknowledged"
    shown = quick_shop.requests.show(quick_shop.officer, spot.id)
    assert shown.review_approved is False
    assert quick_shop.events(spot.id) == [
        *("request.received", "request.confirmed", "request.verified", "request.assessed"),
        *(["request.frame-chosen"] * 3),
        *("request.approvers-called", "request.release-intended"),
        *("footage.export-intended", "request.released", "request.letter-written"),
        *("footage.exported", "request.reviewed"),
    ]


@pytest.mark.parametrize(
    ("changes", "seen", "says"),
    [
        ({"requester__type": "insurer", "ground__code": "GDPR 6.1 f"}, SEEN, "no release before"),
        ({"requester__type": "media", "ground__code": None}, SEEN, "no legal ground"),
        ({"ground__code": "RB 27:1"}, SEEN, "DSL 2:5"),
        ({"matter__offence": None}, SEEN, "offence"),
        ({}, " ", "officer must stand here"),
        (
            {
                "footage": [
                    {
                        "cameras": ["kassa"],
                        "from": "2026-03-01T00:00:00+01:00",
                        "to": "2026-03-02T00:00:00+01:00",
                    }
                ]
            },
            SEEN,
            "at most 60 minutes",
        ),
        (
            {
                "footage": [
                    {
                        "cameras": ["kassa"],
                        "from": "2026-03-01T12:00:00+01:00",
                        "to": "2026-03-01T12:10:00+01:00",
                    }
                ]
            },
            SEEN,
            "footage left",
        ),
    ],
)
def test_nothing_else_is_handed_over_on_the_spot(
    quick_shop: Shop, on_duty: Actor, usb: Path, *, changes: dict[str, Any], seen: str, says: str
) -> None:
    quick_shop.vault.people.add(SYSTEM, "Anders", ["approver"], credential="hemligt-ord-1")
    with pytest.raises(GateNotMetError, match=says):
        quick_shop.requests.on_the_spot(
            on_duty, quick_shop.body(**changes), officer_seen=seen, out_dir=usb
        )
    assert quick_shop.requests.list(quick_shop.officer) == ()
    assert not list(usb.glob("*"))
    assert quick_shop.refusals() == ["gate-not-met"]


def test_a_medium_too_small_for_all_of_it_spares_nobody_the_review(
    quick_shop: Shop, on_duty: Actor, usb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = OutFile.write

    def full_after_the_package(file: OutFile, data: bytes) -> int:
        if file.path is not None and file.path.name.endswith(".mp4"):
            raise IntakeStoppedError("no space is left on it")
        return write(file, data)

    monkeypatch.setattr(OutFile, "write", full_after_the_package)
    with pytest.raises(IntakeStoppedError):
        quick_shop.requests.on_the_spot(on_duty, quick_shop.body(), officer_seen=SEEN, out_dir=usb)

    (package,) = usb.iterdir()  # all of the footage has left
    (request,) = quick_shop.requests.list(quick_shop.officer, open_only=True)
    assert package.name == f"{request.id}.zip"
    assert request.state == "under-review"
    assert quick_shop.events(request.id)[-2:] == ["request.released", "footage.export-failed"]
    quick_shop.requests.review(quick_shop.approver, request.id, approve=True, reason="I ordning.")


def test_staff_who_are_not_marked_for_it_cannot(quick_shop: Shop, usb: Path) -> None:
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.on_the_spot(
            quick_shop.staff, quick_shop.body(), officer_seen=SEEN, out_dir=usb
        )


def test_a_seizure_needs_no_mark_and_no_limit_but_the_same_review(
    quick_shop: Shop, usb: Path
) -> None:
    spot = quick_shop.requests.on_the_spot(
        quick_shop.staff,
        quick_shop.body(
            requester__type="seizure",
            ground__code="RB 27:1",
            ground__decision_maker="förundersökningsledare Åsa Åklagare",
        ),
        officer_seen="beslut av förundersökningsledare, tjänstekort visat",
        out_dir=usb,
    )
    assert quick_shop.requests.show(quick_shop.officer, spot.id).state == "under-review"


def test_an_overdue_review_stands_out_and_says_so_when_it_comes(
    quick_shop: Shop, on_duty: Actor, usb: Path
) -> None:
    spot = quick_shop.requests.on_the_spot(
        on_duty, quick_shop.body(), officer_seen=SEEN, out_dir=usb
    )
    quick_shop.pass_time(days=2)
    (listed,) = quick_shop.requests.list(quick_shop.officer, open_only=True)
    assert listed.overdue
    quick_shop.requests.review(quick_shop.approver, spot.id, approve=True, reason="I ordning.")
    (entry,) = quick_shop.vault.log.entries(event="request.reviewed")
    assert entry.facts["overdue"] is True


def test_the_usual_way_is_closed_once_footage_was_handed_over(
    quick_shop: Shop, on_duty: Actor, usb: Path
) -> None:
    spot = quick_shop.requests.on_the_spot(
        on_duty, quick_shop.body(), officer_seen=SEEN, out_dir=usb
    )
    with pytest.raises(TransitionNotAllowedError):
        quick_shop.requests.withdraw(quick_shop.handler, spot.id, "Ändrat sig.")


def test_footage_that_was_handed_over_stays_frozen_for_fourteen_days(
    quick_shop: Shop, on_duty: Actor, usb: Path
) -> None:
    spot = quick_shop.requests.on_the_spot(
        on_duty, quick_shop.body(), officer_seen=SEEN, out_dir=usb
    )
    until = quick_shop.requests.show(quick_shop.officer, spot.id).frozen_until
    assert until == quick_shop.vault.clock.now() + timedelta(days=14)


def test_an_emergency_needs_the_mark(quick_shop: Shop, usb: Path) -> None:
    body = quick_shop.body(requester__type="emergency", ground__code="GDPR 6.1 d")
    with pytest.raises(AccessDeniedError):
        quick_shop.requests.on_the_spot(person(Role.MANAGER), body, officer_seen="112", out_dir=usb)


# --- those who may approve are called first ---------------------------------------------------


@pytest.fixture
def anders(shop: Shop) -> Actor:
    """Somebody with an account who may approve, and so is called."""
    added = shop.vault.people.add(SYSTEM, "Anders", ["approver"], credential="hemligt-ord-1")
    approver: Actor = shop.approver
    return replace(approver, id=added.id)


def test_alone_only_when_nobody_who_was_called_answers_in_fifteen_minutes(
    shop: Shop, anders: Actor, usb: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    with pytest.raises(GateNotMetError, match=r"1 who may approve were called at 08:00.* 08:15"):
        shop.requests.on_the_spot(sara, shop.body(), officer_seen=SEEN, out_dir=usb)
    (request,) = shop.requests.list(shop.officer)
    assert request.state == "assessed"
    assert [each.camera for each in shop.requests.show(shop.officer, request.id).footage] == [
        "kassa",
        "kassa",
    ]
    shop.pass_time(minutes=14, seconds=59)
    with pytest.raises(GateNotMetError, match="nothing is handed over yet"):
        shop.requests.on_the_spot(sara, shop.body(), officer_seen=SEEN, out_dir=usb)
    assert not list(usb.iterdir())
    shop.pass_time(seconds=1)

    spot = shop.requests.on_the_spot(sara, shop.body(), officer_seen=SEEN, out_dir=usb)

    assert (spot.id, spot.state, len(shop.requests.list(shop.officer))) == (
        request.id,
        "under-review",
        1,
    )
    assert verify_package(usb / f"{spot.id}.zip", allow_simulated=True).sound
    assert shop.requests.review(anders, spot.id, approve=True, reason="Rätt.").state


def test_an_answer_by_telephone_hands_over_with_a_decision_and_needs_no_review(
    shop: Shop, anders: Actor, usb: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    called = shop.requests.call(sara, shop.body(), officer_seen=SEEN)
    assert called.approvers == ("Anders",)
    assert called.alone_from == shop.vault.clock.now() + timedelta(minutes=15)
    shop.requests.decide(anders, called.id, approve=True, reason="Ring om det är mer.")
    assert shop.requests.waiting(sara, called.id).state == "approved"

    spot = shop.requests.hand_over(sara, called.id, usb)

    assert (spot.state, spot.review_by) == ("released", None)
    assert verify_package(usb / f"{spot.id}.zip", allow_simulated=True).sound
    assert shop.requests.receipt(shop.handler, spot.id, "Eva Exempel").state == "acknowledged"


def test_a_request_that_nobody_was_called_for_is_not_handed_over_on_the_spot(
    shop: Shop, usb: Path
) -> None:
    request = shop.approved()
    sara = replace(shop.staff, on_the_spot=True)
    with pytest.raises(TransitionNotAllowedError, match="nobody was called"):
        shop.requests.hand_over(sara, request, usb)
    assert not usb.exists()
    assert shop.requests.show(shop.officer, request).state == "approved"


def test_a_no_by_telephone_ends_it_however_long_one_waits(
    shop: Shop, anders: Actor, usb: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    called = shop.requests.call(sara, shop.body(), officer_seen=SEEN)
    shop.requests.decide(anders, called.id, approve=False, reason="Begär skriftligt.")
    shop.pass_time(minutes=16)
    with pytest.raises(TransitionNotAllowedError, match="refused"):
        shop.requests.on_the_spot(sara, shop.body(), officer_seen=SEEN, out_dir=usb)
    assert not list(usb.glob("*"))


def test_a_no_is_not_passed_by_asking_for_the_same_footage_in_other_words(
    shop: Shop, anders: Actor, usb: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    called = shop.requests.call(sara, shop.body(), officer_seen=SEEN)
    shop.requests.decide(anders, called.id, approve=False, reason="Begär skriftligt.")
    again = shop.requests.call(sara, shop.body(description="en gång till"), officer_seen=SEEN)
    shop.pass_time(minutes=16)
    with pytest.raises(TransitionNotAllowedError, match=f"{called.id} asked for some of this"):
        shop.requests.hand_over(sara, again.id, usb)
    shop.requests.decide(anders, again.id, approve=True, reason="Nu finns skäl.")
    assert shop.requests.hand_over(sara, again.id, usb).state == "released"


def over(shop: Shop, start: str, end: str, **changes: object) -> dict[str, Any]:
    """The request of the police for another time of the morning."""
    item = {"from": f"2026-03-01T{start}+01:00", "to": f"2026-03-01T{end}+01:00"}
    camera = changes.pop("camera", "kassa")
    body: dict[str, Any] = shop.body(footage=[{"cameras": [camera], **item}], **changes)
    return body


@pytest.mark.parametrize(
    ("later", "again", "person"),
    [
        (0, {}, "u-Sara"),
        (0, {"camera": "entre"}, "u-Sara"),
        (0, {}, "u-Nils"),
        (13, {"requester__authority": "Tullverket", "matter__number": None}, "u-Nils"),
        (26, {"start": "08:30:00", "end": "09:00:04", "matter__number": None}, "u-Sara"),
        (26, {"start": "09:00:35", "end": "09:10:00", "matter__number": None}, "u-Sara"),
    ],
)
def test_a_no_binds_beside_the_window_too_and_whoever_asks(
    quick_shop: Shop, usb: Path, *, later: int, again: dict[str, Any], person: str
) -> None:
    shop = quick_shop
    added = shop.vault.people.add(SYSTEM, "Pia", ["privacy-officer"], credential="hemligt-ord-1")
    pia = replace(shop.officer, id=added.id)
    sara = replace(shop.staff, on_the_spot=True)
    whole = {"cameras": ["kassa"], "from": "2026-03-01T08:00:00+01:00"}
    kept = shop.filed(footage=[{**whole, "to": "2026-03-01T10:00:00+01:00"}])
    called = shop.requests.call(sara, over(shop, "09:00:05", "09:00:30"), officer_seen=SEEN)
    shop.requests.decide(pia, called.id, approve=False, reason="Begär skriftligt.")
    shop.pass_time(hours=later)
    times = {"start": "09:00:31", "end": "09:05:00"} | again
    start, end = times.pop("start"), times.pop("end")
    body = over(shop, start, end, **times)
    second = shop.requests.call(replace(sara, id=person), body, officer_seen=SEEN)
    assert kept
    assert second.bound == called.id
    shop.pass_time(minutes=16)
    with pytest.raises(TransitionNotAllowedError, match=called.id):
        shop.requests.hand_over(replace(sara, id=person), second.id, usb)
    shop.requests.decide(pia, second.id, approve=True, reason="Nu finns skäl.")
    handed = shop.requests.hand_over(replace(sara, id=person), second.id, usb)
    assert handed.state == "released"


@pytest.mark.parametrize(
    ("days", "again", "bound"),
    [
        (6, {"matter__number": "5000 k123456-26"}, True),
        (8, {}, False),
        (1, {"matter__number": None}, False),
        (0, {"matter__number": None}, True),
        (0, {"matter__number": None, "requester__authority": "Tullverket"}, False),
    ],
)
def test_a_no_to_another_time_binds_by_its_case_number_and_for_the_visit(
    quick_shop: Shop, usb: Path, *, days: int, again: dict[str, Any], bound: bool
) -> None:
    shop = quick_shop
    shop.filed(requester__type="lawyer", ground__code="GDPR 6.1 f", matter__number="T 1-26")
    earlier = {"from": "2026-03-01T06:00:00+01:00", "to": "2026-03-01T06:20:00+01:00"}
    refused = shop.assessed(footage=[{"cameras": ["entre"], **earlier}])
    shop.requests.decide(shop.approver, refused, approve=False, reason="Begär skriftligt.")
    shop.pass_time(days=days)
    sara = replace(shop.staff, on_the_spot=True)
    called = shop.requests.call(sara, shop.body(**again), officer_seen=SEEN)
    assert called.bound == (refused if bound else "")
    if bound:
        with pytest.raises(TransitionNotAllowedError, match=refused):
            shop.requests.hand_over(sara, called.id, usb)
    else:
        assert shop.requests.hand_over(sara, called.id, usb).state == "under-review"


def test_a_no_that_was_reopened_or_a_yes_taken_back_is_still_a_no(
    quick_shop: Shop, usb: Path
) -> None:
    shop = quick_shop
    shop.vault.people.add(SYSTEM, "Anders", ["approver"], credential="hemligt-ord-1")
    sara = replace(shop.staff, on_the_spot=True)
    called = shop.requests.call(sara, shop.body(), officer_seen=SEEN)
    shop.requests.decide(shop.approver, called.id, approve=False, reason="Nej.")
    shop.requests.reopen(shop.handler, called.id, "Igen.")
    second = shop.requests.call(sara, shop.body(description="igen"), officer_seen=SEEN)
    shop.requests.decide(shop.approver, second.id, approve=True, reason="Ja.")
    shop.requests.revoke(shop.approver, second.id, "Nej ändå.")
    third = shop.requests.call(sara, shop.body(description="och igen"), officer_seen=SEEN)
    assert third.bound == second.id
    shop.pass_time(minutes=16)
    with pytest.raises(TransitionNotAllowedError, match="was refused"):
        shop.requests.hand_over(sara, third.id, usb)
    lost = shop.body(requester__type="police-not-crime", ground__code="GDPR 6.1 d")
    with pytest.raises(TransitionNotAllowedError, match="was refused"):
        shop.requests.on_the_spot(sara, lost, officer_seen=SEEN, out_dir=usb)


def test_a_disapproved_release_binds_the_next_one(quick_shop: Shop, usb: Path) -> None:
    shop = quick_shop
    sara = replace(shop.staff, on_the_spot=True)
    spot = shop.requests.on_the_spot(sara, shop.body(), officer_seen=SEEN, out_dir=usb)
    shop.requests.review(shop.approver, spot.id, approve=False, reason="För mycket.")
    nearby = over(shop, "09:00:31", "09:00:50", matter__number=None)
    with pytest.raises(TransitionNotAllowedError, match=spot.id):
        shop.requests.on_the_spot(sara, nearby, officer_seen=SEEN, out_dir=usb)


def test_what_nobody_but_the_law_refused_binds_no_police(quick_shop: Shop, usb: Path) -> None:
    shop = quick_shop
    shop.filed(requester__type="media", requester__authority="Tidningen", ground__code=None)
    sara = replace(shop.staff, on_the_spot=True)
    spot = shop.requests.on_the_spot(sara, shop.body(), officer_seen=SEEN, out_dir=usb)
    assert spot.state == "under-review"


def test_an_approval_that_was_taken_back_leaves_nobody_alone_with_it(
    shop: Shop, anders: Actor, usb: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    called = shop.requests.call(sara, shop.body(), officer_seen=SEEN)
    shop.requests.decide(anders, called.id, approve=True, reason="Ja.")
    shop.requests.revoke(anders, called.id, "Fel person.")
    shop.pass_time(minutes=16)
    with pytest.raises(TransitionNotAllowedError, match="nobody was called"):
        shop.requests.hand_over(sara, called.id, usb)


def test_an_hour_is_the_most_of_a_visit_however_many_cases_it_is_cut_into(
    shop: Shop, anders: Actor, usb: Path, tmp_path: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)

    def minutes(start: str, end: str) -> str:
        item = {"from": f"2026-03-01T{start}:00+01:00", "to": f"2026-03-01T{end}:00+01:00"}
        body = shop.body(footage=[{"cameras": ["kassa"], **item}])
        return str(shop.requests.call(sara, body, officer_seen=SEEN).id)

    first, second = minutes("08:50", "09:30"), minutes("08:20", "09:01")
    shop.pass_time(minutes=15)
    assert shop.requests.hand_over(sara, first, usb).state == "under-review"
    with pytest.raises(GateNotMetError, match="more than 60 minutes"):
        shop.requests.hand_over(sara, second, tmp_path / "other")
    shop.requests.decide(anders, second, approve=True, reason="Det behövs.")
    assert shop.requests.hand_over(sara, second, tmp_path / "other").state == "released"


def test_two_who_hand_over_alone_have_no_two_hours_for_one_authority(
    quick_shop: Shop, usb: Path
) -> None:
    shop = quick_shop
    people = [replace(shop.staff, id=f"u-{name}", on_the_spot=True) for name in ("Siv", "Sixten")]
    first = over(shop, "08:20:00", "09:00:20")
    assert shop.requests.on_the_spot(people[0], first, officer_seen=SEEN, out_dir=usb).state
    second = over(shop, "09:00:20", "09:50:00", matter__number="5000-K2-26")
    with pytest.raises(GateNotMetError, match="more than 60 minutes"):
        shop.requests.on_the_spot(people[1], second, officer_seen=SEEN, out_dir=usb)
    others = {**second, "requester": {**second["requester"], "authority": "Tullverket"}}
    assert shop.requests.on_the_spot(people[1], others, officer_seen=SEEN, out_dir=usb).state


def test_what_was_approved_for_a_visit_does_not_go_out_by_one_hand_after_it(
    shop: Shop, anders: Actor, usb: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    called = shop.requests.call(sara, shop.body(), officer_seen=SEEN)
    shop.requests.decide(anders, called.id, approve=True, reason="Behövs.")
    shop.pass_time(hours=12, seconds=1)
    with pytest.raises(TransitionNotAllowedError, match=r"the visit .* is over"):
        shop.requests.hand_over(sara, called.id, usb)
    assert not list(usb.glob("*"))
    shop.requests.prepare(shop.handler, called.id)


def test_the_vaults_copy_of_what_was_handed_over_here_ends_in_seven_days(
    shop: Shop, usb: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    spot = shop.requests.on_the_spot(sara, shop.body(), officer_seen=SEEN, out_dir=usb)
    (package,) = shop.requests.show(shop.officer, spot.id).packages
    assert package.until == shop.vault.clock.now() + timedelta(days=7)
    shop.requests.review(shop.approver, spot.id, approve=True, reason="I ordning.")
    shop.pass_time(days=7, minutes=20)
    shop.vault.sweeper.run(SYSTEM)
    assert [name for name in shop.vault.store.names() if package.id in name] == []


def test_a_call_ends_with_the_visit(shop: Shop, anders: Actor, usb: Path) -> None:
    assert anders
    sara = replace(shop.staff, on_the_spot=True)
    called = shop.requests.call(sara, shop.body(), officer_seen=SEEN)
    shop.pass_time(hours=12, seconds=1)
    with pytest.raises(TransitionNotAllowedError, match=r"the visit .* is over"):
        shop.requests.hand_over(sara, called.id, usb)


def test_a_case_in_which_footage_left_before_a_decision_is_never_reopened(
    shop: Shop, usb: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    spot = shop.requests.on_the_spot(sara, shop.body(), officer_seen=SEEN, out_dir=usb)
    shop.requests.review(shop.approver, spot.id, approve=False, reason="För mycket.")
    shop.requests.close(shop.handler, spot.id, "Genomgått med personalen.")
    with pytest.raises(TransitionNotAllowedError, match="stands in the register"):
        shop.requests.reopen(shop.handler, spot.id, "Mer behövs.")
    assert shop.requests.show(shop.officer, spot.id).decision == "review-disapproved"


def test_the_police_on_the_spot_are_seen_and_not_called(shop: Shop, usb: Path) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    with pytest.raises(GateNotMetError, match="does not verify"):
        shop.requests.on_the_spot(
            sara, shop.body(), officer_seen="ringde 114 14", out_dir=usb, method="call-back"
        )
    assert shop.requests.list(shop.officer) == ()


def test_whoever_only_registered_a_request_does_not_fetch_what_others_released(
    shop: Shop,
) -> None:
    request = shop.approved()
    shop.requests.prepare(shop.handler, request)
    shop.requests.release(shop.handler, request, "in-person")
    registrar = replace(shop.staff, id=shop.requests.show(shop.officer, request).registered_by)
    with pytest.raises(NotFoundError):
        shop.requests.standing(registrar, request)
    with pytest.raises(TransitionNotAllowedError):
        shop.requests.open_folder(registrar, request)


def test_without_a_number_only_who_may_approve_that_is_called(shop: Shop, anders: Actor) -> None:
    assert anders.id
    sara = replace(shop.staff, on_the_spot=True)
    body = shop.body(matter__number=None)
    assert shop.requests.call(sara, body, officer_seen=SEEN).approvers == ()
    shop.vault.people.add(SYSTEM, "Pia", ["privacy-officer"], credential="hemligt-ord-2")
    called = shop.requests.call(sara, body, officer_seen=SEEN)
    assert called.approvers == ("Pia",)
    assert len(shop.requests.list(shop.officer)) == 1


def test_the_case_number_follows_within_seven_days_or_stands_on_the_first_page(
    shop: Shop, usb: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    body = shop.body(matter__number=None)
    spot = shop.requests.on_the_spot(sara, body, officer_seen=SEEN, out_dir=usb)
    assert spot.number_by == datetime.fromisoformat("2026-03-10T00:00:00+01:00")
    shop.requests.review(shop.approver, spot.id, approve=True, reason="I ordning.")
    (listed,) = shop.requests.list(shop.officer)
    assert listed.attention == ()
    shop.pass_time(days=8)
    (listed,) = shop.requests.list(shop.officer)
    assert listed.attention == ("number",)
    shop.requests.enter_number(shop.staff, spot.id, "5000-K77-26")
    (listed,) = shop.requests.list(shop.officer)
    assert (listed.attention, listed.number_due_at) == ((), None)
    (entry,) = shop.vault.log.entries(event="request.number-entered")
    assert entry.facts == {"late": True}
    with pytest.raises(TransitionNotAllowedError):
        shop.requests.enter_number(shop.staff, spot.id, "5000-K78-26")


def test_an_overdue_or_disapproving_review_stands_on_the_first_page(shop: Shop, usb: Path) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    spot = shop.requests.on_the_spot(sara, shop.body(), officer_seen=SEEN, out_dir=usb)
    shop.pass_time(days=2)
    assert shop.requests.list(shop.officer)[0].attention == ("review",)
    shop.requests.review(shop.approver, spot.id, approve=False, reason="För mycket.")
    assert shop.requests.list(shop.officer)[0].attention == ("disapproved",)
    # Not taken away by who handed over, whatever else they may.
    with pytest.raises(AccessDeniedError, match="a review disapproved"):
        shop.requests.close(
            replace(sara, roles=frozenset({Role.PRIVACY_OFFICER})), spot.id, "Klart."
        )
    assert shop.requests.list(shop.officer)[0].attention == ("disapproved",)
    shop.requests.close(shop.handler, spot.id, "Genomgått med personalen.")
    assert shop.requests.list(shop.officer)[0].attention == ()


def test_an_emergency_may_call_and_a_seizure_may_not(quick_shop: Shop, usb: Path) -> None:
    on_duty = replace(quick_shop.staff, on_the_spot=True)
    seizure = quick_shop.body(
        requester__type="seizure", ground__code="RB 27:4", ground__decision_maker="Åsa Berg"
    )
    with pytest.raises(GateNotMetError, match="does not verify"):
        quick_shop.requests.on_the_spot(
            on_duty, seizure, officer_seen="ringde", out_dir=usb, method="call-back"
        )
    body = quick_shop.body(requester__type="emergency", ground__code="GDPR 6.1 d")
    spot = quick_shop.requests.on_the_spot(
        on_duty, body, officer_seen="motringd genom 112", out_dir=usb, method="call-back"
    )
    assert quick_shop.requests.show(quick_shop.officer, spot.id).verification_method == "call-back"


def test_what_a_browser_fetches_is_the_folder_the_command_line_writes(
    shop: Shop, anders: Actor, usb: Path, tmp_path: Path
) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    called = shop.requests.call(sara, shop.body(), officer_seen=SEEN)
    with pytest.raises(TransitionNotAllowedError, match="no folder"):
        shop.requests.open_folder(sara, called.id)
    shop.requests.decide(anders, called.id, approve=True, reason="Behövs.")
    with pytest.raises(AccessDeniedError, match="saw the card"):
        shop.requests.hand_over(replace(sara, id="u-other"), called.id, None)
    assert shop.requests.hand_over(sara, called.id, None).files == ()
    with pytest.raises(AccessDeniedError, match="saw the card"):
        shop.requests.open_folder(replace(sara, id="u-other"), called.id)

    folder = shop.requests.open_folder(sara, called.id)
    archive = tmp_path / folder.name
    archive.write_bytes(b"".join(folder.pieces))

    assert archive.stat().st_size == folder.size
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    fetched = {path.name.replace(called.id, "B") for path in (tmp_path / called.id).iterdir()}
    assert verify_package(tmp_path / called.id / f"{called.id}.zip", allow_simulated=True).sound
    spot = shop.requests.on_the_spot(
        replace(sara, id="u-next"),
        shop.body(requester__type="emergency", ground__code="GDPR 6.1 d"),
        officer_seen=SEEN,
        out_dir=usb,
    )
    written = {name.replace(spot.id, "B") for name in spot.files}
    assert fetched == written
    assert len([name for name in fetched if name.endswith(".png")]) == 3


@pytest.mark.parametrize("way", ["police", "seizure"])
def test_who_comes_too_late_is_told_so_and_stands_in_the_register_once(
    shop: Shop, way: str
) -> None:
    shop.pass_time(days=6)
    shop.vault.sweeper.run(SYSTEM)
    sara = replace(shop.staff, on_the_spot=True)
    body = shop.body()
    if way == "seizure":
        measure = {"requester__type": "seizure", "ground__code": "RB 27:1"}
        body = shop.body(**measure, ground__decision_maker="åklagare Åsa Berg")
    for _ in range(2):
        with pytest.raises(GateNotMetError, match="footage left"):
            shop.requests.on_the_spot(sara, body, officer_seen=SEEN, out_dir=None)
    (request,) = shop.requests.list(shop.officer)
    assert request.state == "verified"
    shown = shop.requests.show(shop.officer, request.id)
    assert (shown.footage, shown.gone) == ((), 2)
    assert shown.certificates
    shop.requests.decide(shop.approver, request.id, approve=False, reason="Gallrat.")
    assert shop.requests.show(shop.officer, request.id).state == "refused"


def test_a_folder_ends_with_the_visit(shop: Shop) -> None:
    sara = replace(shop.staff, on_the_spot=True)
    called = shop.requests.call(sara, shop.body(), officer_seen=SEEN)
    shop.requests.hand_over(sara, called.id, None)
    shop.requests.open_folder(sara, called.id)
    assert shop.requests.standing(sara, called.id).size is not None
    shop.pass_time(hours=12, seconds=1)
    with pytest.raises(TransitionNotAllowedError, match="too long ago"):
        shop.requests.open_folder(sara, called.id)
    assert shop.requests.standing(sara, called.id).size is None
    assert shop.requests.standings(sara) == ()
