"""Consent in a real vault: given, withdrawn in one step, and what that ends."""

import io
from datetime import UTC, date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlmodel import col, select

from cctv_vault.consent.views import SubjectView
from cctv_vault.custody.entries import Entry
from cctv_vault.errors import (
    AccessDeniedError,
    ExpiredError,
    GateNotMetError,
    InvalidInputError,
    NotFoundError,
    ProhibitedError,
    TransitionNotAllowedError,
)
from cctv_vault.people.actors import Actor, Role
from cctv_vault.schema import CustodyEntry, Grant, PurposeKey
from cctv_vault.vault import Vault
from tests.shop import MANAGER, NOW, SYSTEM, person

OFFICER = person(Role.PRIVACY_OFFICER, name="Pia")
STAFF = person(Role.STAFF, name="Sam")
AUDITOR = person(Role.AUDITOR, name="Rut")
DAY = timedelta(days=1)
NAME = "Anna Andersson-Exempel"
PLACE = "https://butiken.se/kurser/mars"


def added(vault: Vault, name: str = NAME) -> SubjectView:
    """A person, with a text there is to agree to."""
    if not vault.consents.texts(SYSTEM):
        vault.consents.publish_text(OFFICER, "Jag samtycker till att bilderna publiceras.")
    return vault.consents.add_subject(MANAGER, name, contact="anna@exempel.se")


def agree(
    vault: Vault,
    subject: str,
    *items: str,
    channels: tuple[str, ...] = ("website",),
    actor: Actor = MANAGER,
) -> None:
    vault.consents.give(
        actor,
        subject,
        items=items,
        channels=channels,
        method="signed",
        evidence="pärm 3, flik 12",
    )


def refusals(vault: Vault, code: str) -> int:
    """How many acts were refused for that."""
    with vault.database.read() as session:
        bodies = session.exec(
            select(CustodyEntry.body).where(col(CustodyEntry.event) == "act.refused")
        ).all()
    return sum(Entry.from_bytes(each).facts.get("code") == code for each in bodies)


def readable(vault: Vault, item: str) -> bool:
    try:
        with vault.access.open_internal(item) as reader:
            return bool(reader.read(10))
    except ExpiredError:
        return False


def test_an_item_is_published_only_while_everybody_in_it_agrees(
    vault: Vault, photograph: str
) -> None:
    anna, bo = added(vault), added(vault, "Bo")
    with pytest.raises(GateNotMetError, match="who can be identified"):
        vault.consents.publish(MANAGER, photograph, "website", PLACE)
    vault.consents.declare(MANAGER, photograph, [anna.id, bo.id])
    agree(vault, anna.id, photograph)
    with pytest.raises(GateNotMetError, match=f"{bo.id} has not agreed"):
        vault.consents.publish(MANAGER, photograph, "website", PLACE)
    agree(vault, bo.id, photograph, channels=("website", "print"))
    done = vault.consents.publish(MANAGER, photograph, "website", PLACE)
    assert (done.state, done.place) == ("published", PLACE)
    with pytest.raises(GateNotMetError, match=anna.id):
        vault.consents.publish(MANAGER, photograph, "print", "kursblad 3")
    assert refusals(vault, "gate-not-met") == 1  # and two more, counted into it


def test_that_nobody_is_in_it_is_declared_and_then_enough(vault: Vault, photograph: str) -> None:
    view = vault.consents.declare(MANAGER, photograph, [])
    assert (view.people, view.declared_by) == ((), MANAGER.id)
    assert vault.consents.publish(MANAGER, photograph, "in-shop", "vid kassan").state == "published"


def test_somebody_found_in_it_later_has_to_agree_too(vault: Vault, photograph: str) -> None:
    anna = added(vault)
    vault.consents.declare(MANAGER, photograph, [])
    vault.consents.publish(MANAGER, photograph, "website", PLACE)
    vault.consents.declare(MANAGER, photograph, [anna.id])
    (due,) = vault.consents.publications(AUDITOR, due_only=True)
    assert (due.item, due.place, due.state) == (photograph, PLACE, "take-down")


def test_a_withdrawal_ends_the_purpose_in_one_step_and_lists_what_to_take_down(
    vault: Vault, photograph: str, course_film: str, tmp_path: Path
) -> None:
    anna, bo = added(vault), added(vault, "Bo")
    for item in (photograph, course_film):
        vault.consents.declare(MANAGER, item, [anna.id, bo.id])
        agree(vault, anna.id, item)
        agree(vault, bo.id, item)
    published = vault.consents.publish(MANAGER, photograph, "website", PLACE)

    done = vault.consents.withdraw(MANAGER, anna.id)
    assert done.ended == tuple(sorted((photograph, course_film)))
    assert [(each.id, each.place) for each in done.take_down] == [(published.id, PLACE)]
    assert not readable(vault, photograph)
    with pytest.raises(ExpiredError):
        vault.consents.publish(MANAGER, photograph, "website", PLACE)
    with pytest.raises(ExpiredError):  # nothing revives it, not even a new consent
        agree(vault, anna.id, photograph)
    report = vault.sweeper.run(MANAGER)
    assert {each.recording for each in report.due} == {photograph, course_film}
    assert not [path for path in (tmp_path / "home").rglob("*") if photograph in str(path)]
    events = [each.event for each in vault.visible_entries(OFFICER, subject=photograph)]
    assert "consent.purpose-ended" in events
    assert "consent.withdrawn" in events

    (due,) = vault.consents.publications(AUDITOR, due_only=True)
    assert due.id == published.id
    gone = vault.consents.confirm_taken_down(MANAGER, published.id, "borttagen, cachen tömd")
    assert (gone.state, gone.taken_down_how) == ("taken-down", "borttagen, cachen tömd")
    assert vault.consents.publications(AUDITOR, due_only=True) == ()
    with pytest.raises(TransitionNotAllowedError):
        vault.consents.confirm_taken_down(MANAGER, published.id, "igen")


def test_what_is_taken_back_on_one_channel_stays_on_the_others(
    vault: Vault, photograph: str
) -> None:
    anna = added(vault)
    vault.consents.declare(MANAGER, photograph, [anna.id])
    agree(vault, anna.id, photograph, channels=("website", "print"))
    web = vault.consents.publish(MANAGER, photograph, "website", PLACE)
    vault.consents.publish(MANAGER, photograph, "print", "kursblad 3")
    done = vault.consents.withdraw(MANAGER, anna.id, items=[photograph], channels=["website"])
    assert done.ended == ()
    assert [each.id for each in done.take_down] == [web.id]
    assert readable(vault, photograph)
    assert vault.consents.withdraw(MANAGER, anna.id).ended == (photograph,)
    with pytest.raises(InvalidInputError, match="nothing there to take back"):
        vault.consents.withdraw(MANAGER, anna.id, channels=["website"])


def test_whoever_is_in_it_may_say_no_without_having_said_yes(vault: Vault, photograph: str) -> None:
    anna = added(vault)
    vault.consents.declare(MANAGER, photograph, [anna.id])
    assert vault.consents.withdraw(MANAGER, anna.id).ended == (photograph,)


def test_a_withdrawal_does_not_end_what_a_hold_keeps_but_it_is_never_shown_again(
    vault: Vault, photograph: str
) -> None:
    anna = added(vault)
    vault.consents.declare(MANAGER, photograph, [anna.id])
    agree(vault, anna.id, photograph)
    vault.incidents.flag(
        MANAGER,
        cameras=["kurs"],
        starts_at=NOW.astimezone(UTC) - 2 * timedelta(hours=1),
        ends_at=NOW.astimezone(UTC),
        title="skada på utrustning",
        category="damage",
    )
    vault.consents.withdraw(MANAGER, anna.id)
    vault.sweeper.run(MANAGER)
    assert readable(vault, photograph)
    with pytest.raises(ExpiredError):
        vault.consents.publish(MANAGER, photograph, "website", PLACE)
    assert photograph not in {each.id for each in vault.consents.items(MANAGER)}


def test_footage_of_surveillance_never_comes_under_consent_or_publication(vault: Vault) -> None:
    """Not even a JPEG, and no role helps (S6, S7, S9)."""
    anna = added(vault)
    still = next(vault.catalogue.list(SYSTEM, cameras=("kassa",), kind="still")).id
    for role in Role:
        actor = person(role, Role.PRIVACY_OFFICER, name=role.value, cleared=True)
        with pytest.raises(ProhibitedError):
            vault.consents.declare(actor, still, [])
        with pytest.raises(ProhibitedError):
            agree(vault, anna.id, still, actor=actor)
        with pytest.raises(ProhibitedError):
            vault.consents.publish(actor, still, "website", PLACE)
        with pytest.raises(ProhibitedError):
            vault.consents.item(actor, still)
    assert refusals(vault, "prohibited") == 3 * len(Role)  # looking counts with giving
    assert {each.camera for each in vault.consents.items(OFFICER)} == {"kurs"}


def test_a_consent_ends_after_two_years_and_what_was_published_must_go(
    vault: Vault, photograph: str
) -> None:
    anna = added(vault)
    vault.consents.declare(MANAGER, photograph, [anna.id])
    agree(vault, anna.id, photograph)
    done = vault.consents.publish(MANAGER, photograph, "website", PLACE)
    assert done.until <= NOW.astimezone(UTC).replace(year=2028)
    vault.set_clock(SYSTEM, done.until)
    (due,) = vault.consents.publications(AUDITOR, due_only=True)
    assert due.id == done.id


def test_for_a_child_the_guardian_consents_until_the_child_comes_of_age(
    vault: Vault, photograph: str
) -> None:
    with pytest.raises(InvalidInputError, match="guardian"):
        vault.consents.add_subject(MANAGER, "Lo", child_until=date(2026, 6, 1))
    added(vault)
    child = vault.consents.add_subject(
        MANAGER, "Lo", child_until=date(2026, 6, 1), guardian="Kim, 070-000 00 00"
    )
    vault.consents.declare(MANAGER, photograph, [child.id])
    with pytest.raises(InvalidInputError, match="the guardian consents"):
        agree(vault, child.id, photograph)
    (given,) = vault.consents.give(
        MANAGER,
        child.id,
        items=[photograph],
        channels=["website"],
        method="signed",
        evidence="pärm 3",
        by_guardian=True,
    )
    assert given.until.isoformat() == "2026-05-31T22:00:00+00:00"  # midnight in Stockholm
    vault.consents.publish(MANAGER, photograph, "website", PLACE)
    vault.set_clock(SYSTEM, given.until)
    assert len(vault.consents.publications(MANAGER, due_only=True)) == 1
    assert not readable(vault, photograph)
    with pytest.raises(ExpiredError, match="nothing revives it"):
        agree(vault, child.id, photograph)  # by themselves, but nothing kept it until then


def test_an_item_ends_with_the_consent_that_runs_out_first_and_a_newer_one_keeps_it(
    vault: Vault, photograph: str, course_film: str
) -> None:
    added(vault)
    lo = vault.consents.add_subject(
        MANAGER, "Lo", child_until=date(2026, 6, 1), guardian="Kim, 070-000 00 00"
    )
    bo = added(vault, "Bo")
    whole = vault.consents.item(MANAGER, photograph).kept_until
    assert whole is not None
    agree(vault, bo.id, photograph, course_film)
    assert vault.consents.item(MANAGER, photograph).kept_until == whole
    (given,) = vault.consents.give(
        MANAGER,
        lo.id,
        items=[photograph],
        channels=["website"],
        method="signed",
        evidence="pärm 3",
        by_guardian=True,
    )
    assert vault.consents.item(MANAGER, photograph).kept_until == given.until
    later = vault.consents.item(MANAGER, course_film).kept_until
    assert later is not None
    assert later > whole  # recorded ten minutes after it
    with vault.database.read() as session:
        grant = session.exec(select(Grant).where(col(Grant.recording_id) == photograph)).one()
        key = session.get_one(PurposeKey, grant.purpose_key_id)
        assert key.expires_at == given.until  # not two years on: what ends early has an early key
    vault.sweeper.run(SYSTEM)
    vault.set_clock(SYSTEM, given.until - timedelta(seconds=1))
    assert readable(vault, photograph)
    vault.set_clock(SYSTEM, given.until)
    assert not readable(vault, photograph)
    assert readable(vault, course_film)
    report = vault.sweeper.run(SYSTEM)
    assert [each.recording for each in report.due if each.camera == "kurs"] == [photograph]
    assert vault.sweeper.run(SYSTEM, dry_run=True).due == ()


def test_a_renewed_consent_lets_the_item_live_on_as_long_as_the_policy_has_it(
    vault: Vault, photograph: str
) -> None:
    anna = added(vault)
    whole = vault.consents.item(MANAGER, photograph).kept_until
    assert whole is not None
    vault.set_clock(SYSTEM, NOW + 30 * DAY)
    text = vault.consents.texts(SYSTEM)[0]
    vault.consents.give(
        MANAGER,
        anna.id,
        items=[photograph],
        channels=["website"],
        method="signed",
        evidence="pärm 3",
        given_at=text.published_at,
    )
    first = vault.consents.item(MANAGER, photograph).kept_until
    agree(vault, anna.id, photograph, channels=("print",))
    assert first is not None
    assert vault.consents.item(MANAGER, photograph).kept_until == whole
    vault.sweeper.run(SYSTEM)
    vault.set_clock(SYSTEM, whole - timedelta(seconds=1))
    vault.sweeper.run(SYSTEM)
    assert readable(vault, photograph)
    vault.set_clock(SYSTEM, whole)
    assert not readable(vault, photograph)


def test_a_consent_is_to_one_version_of_the_text(vault: Vault, photograph: str) -> None:
    with pytest.raises(AccessDeniedError):
        vault.consents.publish_text(MANAGER, "Jag samtycker.")
    anna = added(vault)
    vault.consents.publish_text(OFFICER, "Jag samtycker till publicering och tryck.")
    agree(vault, anna.id, photograph)
    vault.consents.give(
        MANAGER,
        anna.id,
        items=[photograph],
        channels=["print"],
        method="spoken",
        evidence="till Sara vid kursens slut",
        text_version=1,
    )
    consents = vault.consents.subject(AUDITOR, anna.id).consents
    assert {(each.channel, each.text_version) for each in consents} == {
        ("website", 2),
        ("print", 1),
    }
    with pytest.raises(NotFoundError):
        vault.consents.give(
            MANAGER,
            anna.id,
            items=[photograph],
            channels=["print"],
            method="signed",
            evidence="pärm",
            text_version=3,
        )
    with pytest.raises(InvalidInputError, match="read a text"):
        vault.consents.give(
            MANAGER,
            anna.id,
            items=[photograph],
            channels=["print"],
            method="read-policy",
            evidence="pärm",
        )


def test_a_person_who_answered_is_not_left_out_afterwards(vault: Vault, photograph: str) -> None:
    anna = added(vault)
    vault.consents.declare(MANAGER, photograph, [anna.id])
    agree(vault, anna.id, photograph, channels=("website", "print"))
    vault.consents.withdraw(MANAGER, anna.id, channels=["website"])
    with pytest.raises(InvalidInputError, match="stays among the people"):
        vault.consents.declare(MANAGER, photograph, [])


def test_nothing_is_published_with_google(vault: Vault, photograph: str) -> None:
    vault.consents.declare(MANAGER, photograph, [])
    with pytest.raises(ProhibitedError, match="S19"):
        vault.consents.publish(MANAGER, photograph, "social-media", "https://youtube.com/w")


@pytest.mark.parametrize("actor", [STAFF, AUDITOR, SYSTEM], ids=lambda each: each.id)
def test_only_who_keeps_consents_acts_and_the_refusal_is_entered(
    vault: Vault, photograph: str, actor: Actor
) -> None:
    anna = added(vault)
    for act in (
        lambda: vault.consents.add_subject(actor, "Bo"),
        lambda: vault.consents.declare(actor, photograph, [anna.id]),
        lambda: vault.consents.withdraw(actor, anna.id),
        lambda: vault.consents.publish(actor, photograph, "website", PLACE),
    ):
        with pytest.raises(AccessDeniedError):
            act()
    assert readable(vault, photograph)
    assert refusals(vault, "access-denied") + refusals(vault, "person-needed") == 4
    if actor is STAFF:
        with pytest.raises(AccessDeniedError):
            vault.consents.subjects(actor)


def test_names_are_sealed_and_the_log_and_the_home_hold_none(
    vault: Vault, photograph: str, tmp_path: Path
) -> None:
    anna = added(vault)
    vault.consents.declare(MANAGER, photograph, [anna.id])
    agree(vault, anna.id, photograph)
    vault.consents.publish(MANAGER, photograph, "website", PLACE)
    vault.consents.withdraw(MANAGER, anna.id, words="vill inte mer")
    assert NAME not in repr(vault.consents.subject(MANAGER, anna.id))
    with vault.database.read() as session:
        bodies = b"".join(bytes(row.body) for row in session.exec(select(CustodyEntry)))
    home = b"".join(x.read_bytes() for x in (tmp_path / "home").rglob("*") if x.is_file())
    for words in (NAME, "anna@exempel.se", PLACE, "pärm 3", "vill inte mer"):
        assert words.encode() not in bodies
        assert words.encode() not in home


def test_a_name_lasts_five_years_from_the_last_answer_and_the_log_still_verifies(
    vault: Vault, photograph: str
) -> None:
    anna = added(vault)
    vault.set_clock(SYSTEM, NOW + 400 * DAY)
    agree(vault, anna.id, photograph)
    vault.set_clock(SYSTEM, NOW + (5 * 365 + 100) * DAY)
    vault.sweeper.run(MANAGER)
    assert vault.consents.subject(MANAGER, anna.id).name == NAME
    vault.set_clock(SYSTEM, NOW + (6 * 365 + 100) * DAY)
    vault.sweeper.run(MANAGER)
    assert vault.consents.subject(MANAGER, anna.id).name == ""
    vault.log.verify()


def test_what_everybody_agrees_to_is_taken_out_to_be_published_until_somebody_withdraws(
    vault: Vault, photograph: str
) -> None:
    anna = added(vault)
    vault.consents.declare(MANAGER, photograph, [anna.id])
    with pytest.raises(GateNotMetError, match=f"{anna.id} has not agreed"):
        vault.consents.export(MANAGER, photograph, "website")
    agree(vault, anna.id, photograph)
    with pytest.raises(GateNotMetError, match="print"):
        vault.consents.export(MANAGER, photograph, "print")
    out = vault.consents.export(MANAGER, photograph, "website")
    assert sha256(b"".join(out.chunks)).digest() == out.sha256
    (copy,) = vault.access.copies.list(MANAGER)
    assert (copy.id, copy.purpose, copy.recordings) == (
        out.copy_id,
        "publication/website",
        (photograph,),
    )
    assert copy.end_at == vault.consents.item(MANAGER, photograph).channels[0].until
    entry = next(
        each
        for each in vault.visible_entries(MANAGER, subject=photograph)
        if each.event == "footage.export-intended" and each.facts.get("channel")
    )
    assert (entry.facts["channel"], entry.facts["texts"]) == ("website", [1])
    assert vault.consents.copies_to_destroy(MANAGER) == ()

    done = vault.consents.withdraw(MANAGER, anna.id)
    assert done.copies == (copy.id,)
    (due,) = vault.consents.copies_to_destroy(AUDITOR)
    assert due.id == copy.id
    vault.access.copies.confirm_destroyed(MANAGER, copy.id)
    assert vault.consents.copies_to_destroy(AUDITOR) == ()


def test_surveillance_is_never_taken_out_to_be_published_and_the_attempt_is_entered(
    vault: Vault,
) -> None:
    still = next(vault.catalogue.list(SYSTEM, cameras=("kassa",), kind="still")).id
    for actor in (MANAGER, OFFICER):
        with pytest.raises(ProhibitedError, match="never published"):
            vault.consents.export(actor, still, "website")
    assert refusals(vault, "prohibited") == 2
    assert vault.access.copies.list(MANAGER) == ()
    with pytest.raises(InvalidInputError, match="no purpose of a copy"):
        vault.access.export(
            MANAGER, still, io.BytesIO(), reason="kampanj", purpose="publication/website"
        )


def test_a_copy_that_broke_off_is_entered_as_such(vault: Vault, course_film: str) -> None:
    vault.consents.declare(MANAGER, course_film, [])
    out = vault.consents.export(MANAGER, course_film, "in-shop")
    next(out.chunks)
    out.chunks.close()
    assert vault.access.copies.list(MANAGER) == ()
    assert "footage.export-failed" in {
        each.event for each in vault.visible_entries(MANAGER, subject=course_film)
    }
