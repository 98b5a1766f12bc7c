"""The way of a request, on both engines: receipt, freeze, four eyes, package, release, receipt."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from cctv_vault.disclosure.verification import verify_package
from cctv_vault.errors import (
    AccessDeniedError,
    GateNotMetError,
    InvalidInputError,
    NaiveTimeError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import PORTAL_ACTOR, Role, system_actor
from cctv_vault.schema import Site
from cctv_vault.views import iso
from tests.shop import SYSTEM, person
from web.sending import in_steps

Shop = Any


def test_a_police_request_goes_from_receipt_to_closing(shop: Shop) -> None:
    filed = shop.requests.file(shop.handler, shop.body())
    assert (filed.state, filed.frozen, filed.gone) == ("confirmed", 2, 0)
    request = filed.id
    assert shop.requests.verify(shop.handler, request, "call-back", "114 14").state == "verified"
    assert shop.requests.assess(shop.handler, request, "Stöld.", "Behövs.").state == "assessed"
    decided = shop.requests.decide(shop.approver, request, approve=True, reason="Behövs.")
    assert decided.state == "approved"
    out = shop.folder / "package.zip"
    prepared = shop.requests.prepare(shop.handler, request, out)
    assert prepared.state == "prepared"
    assert hashlib.sha256(out.read_bytes()).digest() == prepared.sha256
    assert out.stat().st_mode & 0o777 == 0o600
    assert verify_package(out, key=shop.vault.log.vkey, allow_simulated=True).sound
    assert shop.requests.release(shop.handler, request, "usb").state == "released"
    assert shop.requests.receipt(shop.handler, request, "Eva Exempel").state == "acknowledged"
    assert shop.requests.close(shop.handler, request).state == "closed"

    assert shop.events(request) == [
        *("request.received", "request.confirmed", "request.verified", "request.assessed"),
        *("request.approved", "request.prepared", "footage.export-intended", "footage.exported"),
        *("request.released", "request.acknowledged", "request.closed"),
    ]
    assert shop.vault.log.verify().sound


def test_footage_is_kept_from_receipt_until_fourteen_days_after_the_decision(shop: Shop) -> None:
    request = shop.approved()
    frozen_until = shop.requests.show(shop.officer, request).frozen_until
    assert frozen_until == shop.vault.clock.now() + timedelta(days=14)
    shop.pass_time(days=6)
    shop.vault.sweeper.run(SYSTEM)

    kept = list(shop.vault.catalogue.list(shop.handler))

    assert {each.camera for each in kept} == {"kassa"}
    assert shop.requests.prepare(shop.handler, request).originals == 2


def test_who_registers_and_handles_cannot_decide(shop: Shop) -> None:
    both = person(Role.MANAGER, Role.APPROVER, Role.PRIVACY_OFFICER, name="Bo")
    request = shop.requests.file(both, shop.body()).id
    shop.requests.verify(shop.handler, request, "call-back", "114 14")
    shop.requests.assess(shop.handler, request, "Stöld.", "Behövs.")
    for actor in (both, shop.handler):
        with pytest.raises(AccessDeniedError):
            shop.requests.decide(actor, request, approve=True, reason="Jag vill.")
    assert shop.requests.show(shop.officer, request).state == "assessed"
    assert shop.refusals() == ["access-denied", "access-denied"]


def test_nothing_is_prepared_or_released_before_it_is_decided(shop: Shop) -> None:
    request = shop.assessed()
    with pytest.raises(TransitionNotAllowedError):
        shop.requests.prepare(shop.handler, request, shop.folder / "early.zip")
    with pytest.raises(TransitionNotAllowedError):
        shop.requests.release(shop.handler, request, "usb")
    with pytest.raises(TransitionNotAllowedError):
        shop.requests.receipt(shop.handler, request, "Eva")
    assert not (shop.folder / "early.zip").exists()
    assert shop.refusals() == ["transition-not-allowed"] * 3


def test_a_request_without_ground_or_number_is_asked_about_not_rejected(shop: Shop) -> None:
    request = shop.assessed(ground__code=None, matter__number=None)
    with pytest.raises(GateNotMetError) as refused:
        shop.requests.decide(shop.officer, request, approve=True, reason="Behövs.")
    assert "DSL 2:5" in refused.value.unmet[0]
    assert shop.requests.clarify(shop.handler, request, "Vilken grund?").state == "clarifying"
    shop.requests.answer(
        shop.handler, request, "DSL 2:5, K-nummer följer", ground="DSL 2:5", number="5000-K1-26"
    )
    shop.requests.verify(shop.handler, request, "call-back", "114 14")
    shop.requests.assess(shop.handler, request, "Stöld.", "Behövs.")
    decided = shop.requests.decide(shop.approver, request, approve=True, reason="Behövs.")
    assert decided.state == "approved"


def test_less_than_was_asked_is_approved_in_part_and_more_is_never_assessed(shop: Shop) -> None:
    request = shop.filed()
    shop.requests.verify(shop.handler, request, "in-person", "legitimation")
    wider = [{"cameras": ["entre"], "from": BODY_FROM, "to": BODY_TO}]
    with pytest.raises(InvalidInputError, match="outside what was asked"):
        shop.requests.assess(shop.handler, request, "Stöld.", "Behövs.", footage=wider)
    less = [{"cameras": ["kassa"], "from": BODY_FROM, "to": "2026-03-01T09:00:10+01:00"}]
    shop.requests.assess(shop.handler, request, "Stöld.", "Behövs.", footage=less)
    decided = shop.requests.decide(shop.approver, request, approve=True, reason="Behövs.")
    assert decided.state == "partly-approved"
    assert shop.requests.prepare(shop.handler, request).originals == 1


BODY_FROM, BODY_TO = "2026-03-01T09:00:05+01:00", "2026-03-01T09:00:30+01:00"


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"colour": "blå"}, InvalidInputError, "colour"),
        ({"requester__badge": "123"}, InvalidInputError, "badge"),
        ({"requester__type": "neighbour"}, InvalidInputError, "requester.type"),
        ({"ground__code": "RB 27:2"}, InvalidInputError, "ground.code"),
        ({"footage": []}, InvalidInputError, "footage"),
        (
            {"footage": [{"cameras": ["kassa"], "from": "2026-03-01T09:00:05", "to": BODY_TO}]},
            NaiveTimeError,
            "Europe/Stockholm",
        ),
        (
            {"footage": [{"cameras": ["lager"], "from": BODY_FROM, "to": BODY_TO}]},
            NotFoundError,
            "lager",
        ),
        (
            {"footage": [{"cameras": ["kassa"], "from": BODY_TO, "to": BODY_FROM}]},
            InvalidInputError,
            "ends before",
        ),
        (
            {"footage": [{"cameras": ["kassa"], "from": BODY_FROM, "to": BODY_TO}] * 2},
            InvalidInputError,
            "overlap",
        ),
        (
            {
                "footage": [
                    {
                        "cameras": ["kassa"],
                        "from": "2026-03-09T09:00:00Z",
                        "to": "2026-03-09T10:00:00Z",
                    }
                ]
            },
            InvalidInputError,
            "future",
        ),
    ],
)
def test_a_request_that_means_nothing_is_refused_by_name_and_entered(
    quick_shop: Shop, changes: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        quick_shop.requests.file(quick_shop.handler, quick_shop.body(**changes))
    assert quick_shop.requests.list(quick_shop.handler) == ()
    assert len(quick_shop.refusals()) == 1


def test_a_request_needs_a_person_or_the_portal(quick_shop: Shop) -> None:
    for actor in (system_actor(), person(Role.AUDITOR)):
        with pytest.raises(AccessDeniedError):
            quick_shop.requests.file(actor, quick_shop.body())


def test_footage_that_had_expired_is_told_truthfully_with_its_certificate(shop: Shop) -> None:
    shop.pass_time(days=6)
    report = shop.vault.sweeper.run(SYSTEM)
    filed = shop.requests.file(shop.handler, shop.body())
    assert (filed.frozen, filed.gone) == (0, 2)
    assert "had expired" in " ".join(filed.remarks)
    assert len(filed.certificates) == 1
    assert report.recordings == 6
    request = filed.id
    shop.requests.verify(shop.handler, request, "call-back", "114 14")
    shop.requests.assess(shop.handler, request, "Stöld.", "Behövs.")
    shop.requests.decide(shop.approver, request, approve=True, reason="Behövs.")
    with pytest.raises(GateNotMetError, match="footage left"):
        shop.requests.prepare(shop.handler, request)


def test_an_answer_may_widen_the_request_and_the_freeze_follows(shop: Shop) -> None:
    request = shop.filed()
    shop.requests.clarify(shop.handler, request, "Vilka kameror?")
    wider = [{"cameras": ["kassa", "entre"], "from": BODY_FROM, "to": BODY_TO}]
    assert shop.requests.answer(shop.handler, request, "Båda.", footage=wider).frozen == 4
    shop.pass_time(days=6)
    assert len(list(shop.vault.catalogue.list(shop.handler))) == 4


def test_media_are_refused_at_once_and_nothing_is_kept_for_them(shop: Shop) -> None:
    filed = shop.requests.file(shop.handler, shop.body(requester__type="media"))
    assert (filed.state, filed.frozen) == ("refused", 0)
    assert shop.events(filed.id) == ["request.received", "request.refused"]
    reopened = shop.requests.reopen(shop.handler, filed.id, "De ber igen.")
    assert reopened.frozen == 0
    shop.pass_time(days=6)
    assert list(shop.vault.catalogue.list(shop.handler)) == []


def test_a_preservation_order_keeps_stored_footage_and_never_hands_it_over(shop: Shop) -> None:
    request = shop.filed(
        requester__type="preservation-order", ground__code="RB 27:16", ground__document="beslut"
    )
    shop.requests.verify(shop.handler, request, "signed-order", "beslutet läst")
    shop.requests.assess(shop.handler, request, "Beslut.", "Beslut.")
    with pytest.raises(AccessDeniedError):
        shop.requests.decide(shop.approver, request, approve=True, reason="De vill ha den.")
    shop.pass_time(days=80)
    assert {each.camera for each in shop.vault.catalogue.list(shop.handler)} == {"kassa"}
    shop.pass_time(days=11)
    assert list(shop.vault.catalogue.list(shop.handler)) == []


def test_an_order_that_reaches_into_the_future_is_sent_back_for_clarification(shop: Shop) -> None:
    filed = shop.requests.file(
        shop.handler,
        shop.body(
            requester__type="preservation-order",
            ground__code="RB 27:16",
            footage=[{"cameras": ["kassa"], "from": BODY_FROM, "to": "2026-03-05T09:00:00+01:00"}],
        ),
    )
    assert filed.state == "clarifying"
    assert filed.frozen == 3  # to the end of what is stored
    assert "stored footage only" in filed.remarks[0]


def test_a_gagged_order_is_not_there_for_anyone_not_cleared(shop: Shop) -> None:
    cleared = person(Role.PRIVACY_OFFICER, name="Clara", cleared=True)
    body = shop.body(requester__type="preservation-order", ground__code="RB 27:16 a")
    with pytest.raises(AccessDeniedError):
        shop.requests.file(shop.handler, body)
    filed = shop.requests.file(cleared, body)
    shop.pass_time(days=6)
    assert [each.id for each in shop.requests.list(cleared)] == [filed.id]
    assert shop.requests.list(shop.officer) == ()
    with pytest.raises(NotFoundError):
        shop.requests.show(shop.officer, filed.id)
    assert list(shop.vault.catalogue.list(shop.officer)) == []
    # Nor does asking for that time tell, or bring back, what only the order keeps.
    for asker, body in (
        (shop.handler, shop.body()),
        (PORTAL_ACTOR, shop.body()),
        (PORTAL_ACTOR, shop.body(ground__code="RB 27:16 a")),
    ):
        asked = shop.requests.file(asker, body)
        assert (asked.frozen, asked.gone) == (0, 2)
    assert list(shop.vault.catalogue.list(shop.officer)) == []


def test_a_time_read_off_the_picture_finds_it_though_the_clock_was_measured_since(
    shop: Shop,
) -> None:
    measured = shop.vault.clock.now()
    shop.vault.register.measure_clock(shop.officer, "kassa", -3600.0, 2.0, measured)
    item = {"cameras": ["kassa"], "from": BODY_FROM, "to": BODY_TO, "clock": "picture"}
    request = shop.approved(footage=[item])
    package = shop.requests.prepare(shop.handler, request)
    assert package.originals == 2
    hold = str(shop.requests.show(shop.officer, request).hold_id)
    assert shop.vault.holds.show(shop.officer, hold).recordings >= 2
    assert [
        (each.starts_at, each.ends_at) for each in shop.requests.show(shop.officer, request).asked
    ] == [(datetime.fromisoformat(BODY_FROM), datetime.fromisoformat(BODY_TO))]


def test_the_portal_freezes_provisionally_until_staff_confirm(shop: Shop) -> None:
    filed = shop.requests.file(
        PORTAL_ACTOR, shop.body(footage=[{"from": BODY_FROM, "to": BODY_TO}])
    )
    assert (filed.state, filed.frozen) == ("received", 4)
    until = shop.requests.show(shop.officer, filed.id).frozen_until
    assert until == shop.vault.clock.now() + timedelta(days=7)
    status = shop.requests.status(filed.id, filed.code.lower())
    assert (status.state, status.words) == ("received", "mottagen")
    for reference, code in ((filed.id, "WRONGCOD"), ("B-NOTTHERE", filed.code)):
        with pytest.raises(NotFoundError):
            shop.requests.status(reference, code)
    confirmed = shop.requests.confirm(shop.staff, filed.id)
    assert (confirmed.state, confirmed.frozen) == ("confirmed", 4)
    assert shop.requests.show(shop.officer, filed.id).frozen_until is None


def test_a_portal_request_nobody_confirms_lapses_and_its_footage_expires(shop: Shop) -> None:
    filed = shop.requests.file(PORTAL_ACTOR, shop.body())
    assert shop.requests.lapse_due(SYSTEM) == ()
    shop.pass_time(days=7, seconds=1)
    assert shop.requests.lapse_due(SYSTEM) == (filed.id,)
    assert shop.requests.show(shop.officer, filed.id).state == "expired"
    assert list(shop.vault.catalogue.list(shop.handler)) == []


def test_strangers_freeze_at_most_24_camera_hours(quick_shop: Shop) -> None:
    long = [{"from": "2026-02-28T00:00:00+01:00", "to": "2026-03-02T00:00:00+01:00"}]
    filed = quick_shop.requests.file(PORTAL_ACTOR, quick_shop.body(footage=long))
    assert "24 camera-hours" in filed.remarks[0]
    assert filed.frozen == 0
    quick_shop.requests.confirm(quick_shop.staff, filed.id)
    assert quick_shop.requests.show(quick_shop.officer, filed.id).frozen_until is None


def test_forged_requests_yield_to_a_smaller_one_when_the_place_keeps_no_more(
    quick_shop: Shop,
) -> None:
    sizes = [each.bytes for each in quick_shop.vault.catalogue.list(quick_shop.handler)]
    with quick_shop.vault.database.write() as session:
        site = session.get(Site, "butik")
        assert site is not None
        site.freeze_budget_bytes = sum(sizes)
        session.add(site)
    everything = [{"from": "2026-03-01T09:00:00+01:00", "to": "2026-03-01T09:01:00+01:00"}]
    forged = quick_shop.requests.file(PORTAL_ACTOR, quick_shop.body(footage=everything))
    assert forged.frozen == 6
    with quick_shop.vault.database.write() as session:
        site = session.get(Site, "butik")
        assert site is not None
        site.freeze_budget_bytes = sum(sizes) * 3 // 4
        session.add(site)
    quick_shop.pass_time(days=6)

    genuine = quick_shop.requests.file(PORTAL_ACTOR, quick_shop.body(), sender="192.0.2.1")

    assert genuine.frozen == 2


def test_a_refusal_keeps_the_footage_for_seven_days_of_objection(shop: Shop) -> None:
    request = shop.assessed()
    shop.pass_time(days=4)
    decided = shop.requests.decide(shop.approver, request, approve=False, reason="Onödigt brett.")
    assert decided.state == "refused"
    shop.pass_time(days=6)
    assert len(list(shop.vault.catalogue.list(shop.handler))) == 2
    assert shop.requests.reopen(shop.handler, request, "Invändning.").frozen == 2
    shop.pass_time(days=6)
    assert len(list(shop.vault.catalogue.list(shop.handler))) == 2


def test_who_decided_cannot_handle_the_reopened_case(quick_shop: Shop) -> None:
    request = quick_shop.assessed()
    quick_shop.requests.decide(quick_shop.officer, request, approve=False, reason="Nej.")
    quick_shop.requests.reopen(quick_shop.handler, request, "Invändning.")
    with pytest.raises(AccessDeniedError, match="decided in the case"):
        quick_shop.requests.verify(quick_shop.officer, request, "call-back", "114 14")


def test_where_others_must_be_masked_no_package_is_made_without_a_masked_version(
    quick_shop: Shop,
) -> None:
    request = quick_shop.filed(
        requester__type="insurer",
        ground__code="GDPR 6.1 f",
        ground__document="uppdrag",
        matter__number="skada 17",
    )
    quick_shop.requests.verify(quick_shop.handler, request, "signed-order", "uppdraget läst")
    quick_shop.requests.assess(quick_shop.handler, request, "Skada.", "Behövs.")
    quick_shop.requests.decide(quick_shop.officer, request, approve=True, reason="Behövs.")
    with pytest.raises(GateNotMetError, match="no masked version was supplied"):
        quick_shop.requests.prepare(quick_shop.handler, request, quick_shop.folder / "p.zip")
    assert not (quick_shop.folder / "p.zip").exists()


def test_a_link_opens_with_its_code_and_ends_after_five_wrong_ones(shop: Shop) -> None:
    request = shop.approved()
    prepared = shop.requests.prepare(shop.handler, request)
    released = shop.requests.release(shop.handler, request, "link")
    assert released.token
    assert released.code
    assert released.token not in repr(released)
    collected = shop.requests.collect(released.token, released.code)
    with collected.reader as reader:
        assert hashlib.sha256(reader.read()).digest() == prepared.sha256
    wrong = str((int(released.code) + 1) % 10**8).zfill(8)
    for _ in range(5):
        with pytest.raises(AccessDeniedError):
            shop.requests.collect(released.token, wrong)
    with pytest.raises(NotFoundError):
        shop.requests.collect(released.token, released.code)
    assert shop.events(request)[-1] == "request.collected"


def test_taking_a_release_back_cuts_a_download_under_way(shop: Shop) -> None:
    request = shop.approved()
    shop.requests.prepare(shop.handler, request)
    released = shop.requests.release(shop.handler, request, "link")
    collected = shop.requests.collect(released.token, released.code)
    slowly = in_steps(collected.reader, collected.size, 1000, collected.again)
    assert len(next(slowly)) == 1000
    assert len(next(slowly)) == 1000
    with pytest.raises(TransitionNotAllowedError, match="left the vault"):
        shop.requests.revoke(shop.approver, request, "Fel mottagare.")
    with pytest.raises(NotFoundError):
        next(slowly)
    with pytest.raises(NotFoundError):
        shop.requests.collect(released.token, released.code)
    assert shop.requests.show(shop.officer, request).state == "released"
    assert shop.events(request)[-1] == "request.revoked"
    told = " ".join(line.en for line in shop.requests.show(shop.officer, request).history)
    assert "ended the link to the package" in told


def test_a_link_is_revoked_with_its_decision_and_replaced_by_a_newer_one(shop: Shop) -> None:
    request = shop.approved()
    shop.requests.prepare(shop.handler, request)
    first = shop.requests.release(shop.handler, request, "link")
    second = shop.requests.release(shop.handler, request, "link")
    with pytest.raises(NotFoundError):
        shop.requests.collect(first.token, first.code)
    shop.requests.revoke(shop.approver, request, "Fel mottagare.")
    with pytest.raises(NotFoundError):
        shop.requests.collect(second.token, second.code)
    assert shop.requests.show(shop.officer, request).state == "assessed"


def test_the_copy_in_the_vault_ends_seven_days_after_receipt(shop: Shop) -> None:
    request = shop.approved()
    shop.requests.prepare(shop.handler, request)
    shop.requests.release(shop.handler, request, "usb")
    shop.requests.receipt(shop.handler, request, "Eva Exempel")
    (package,) = shop.requests.show(shop.officer, request).packages
    assert package.until == shop.vault.clock.now() + timedelta(days=7)
    name = f"{package.id[:2]}/{package.id}/package"
    assert shop.vault.store.exists(name)
    shop.pass_time(days=7, minutes=20)
    shop.vault.sweeper.run(SYSTEM)
    assert not shop.vault.store.exists(name)


def test_history_reads_as_sentences_in_both_languages(quick_shop: Shop) -> None:
    request = quick_shop.approved()
    history = quick_shop.requests.show(quick_shop.officer, request).history
    told = [line.sv for line in history]
    assert any("motringning" in line and "växeln 114 14" in line for line in told)
    assert any("beviljade begäran" in line for line in told)
    assert all(line.en for line in history)


def test_reading_a_case_is_entered_once_an_hour(quick_shop: Shop) -> None:
    request = quick_shop.filed()
    for _ in range(3):
        quick_shop.requests.show(quick_shop.officer, request)
    reads = quick_shop.vault.log.entries(event="request.read")
    assert [entry.actor for entry in reads] == [quick_shop.officer.id]
    quick_shop.pass_time(hours=2)
    quick_shop.requests.show(quick_shop.officer, request)
    assert len(quick_shop.vault.log.entries(event="request.read")) == 2


def test_the_list_is_ordered_by_deadline(quick_shop: Shop) -> None:
    later = quick_shop.filed(requester__type="data-subject", ground__code="GDPR 15")
    urgent = quick_shop.filed(requester__type="police-not-crime", ground__code="GDPR 6.1 d")
    middle = quick_shop.filed()
    listed = quick_shop.requests.list(quick_shop.officer)
    assert [each.id for each in listed] == [urgent, middle, later]


def test_the_ninety_days_of_an_order_run_from_its_decision(shop: Shop) -> None:
    decided = shop.vault.clock.now() - timedelta(hours=2)
    order = {"requester__type": "preservation-order", "ground__code": "RB 27:16"}
    given = shop.body(**order, ground__decided_at=decided.isoformat())
    filed = shop.requests.file(shop.handler, given)
    shown = shop.requests.show(shop.officer, filed.id)
    assert shown.frozen_until == decided + timedelta(days=90)
    assert shown.body["ground"]["decided_at"] == iso(decided)
    for at, says in (
        (shop.vault.clock.now() + timedelta(seconds=1), "future"),
        (decided - timedelta(days=90), "stored footage only"),
    ):
        body = shop.body(**order, ground__decided_at=at.isoformat())
        with pytest.raises(InvalidInputError, match=says):
            shop.requests.file(shop.handler, body)


def test_a_day_of_decision_that_is_told_later_moves_the_end_of_the_order(shop: Shop) -> None:
    request = shop.filed(requester__type="preservation-order", ground__code="RB 27:16")
    now = shop.vault.clock.now()
    before = shop.requests.show(shop.officer, request)
    assert before.frozen_until == now + timedelta(days=90)
    shop.requests.clarify(shop.handler, request, "När beslutades det?")
    decided = now - timedelta(days=10)
    with pytest.raises(InvalidInputError):  # the morning asked for had not come by then
        shop.requests.answer(shop.handler, request, "Då.", decided_at=decided.isoformat())
    decided = now - timedelta(hours=3)
    shop.requests.answer(shop.handler, request, "I natt.", decided_at=decided.isoformat())
    after = shop.requests.show(shop.officer, request)
    assert after.frozen_until == decided + timedelta(days=90)
    assert after.hold_id != before.hold_id
    shop.pass_time(days=89, hours=20)
    assert len(shop.requests.show(shop.officer, request).footage) == 2
    shop.pass_time(hours=2)
    assert shop.requests.show(shop.officer, request).footage == ()
