"""What is kept is looked at again: who is called, how often, and what silence does (table A)."""

from datetime import datetime, timedelta

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    TransitionNotAllowedError,
)
from cctv_vault.gags import hidden_subjects
from cctv_vault.people.actors import Role, system_actor
from cctv_vault.retention.rules import review_calls
from tests.retention.conftest import MONDAY, World, person

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CALLS = {"review.reminded", "review.warned", "review.escalated"}


def flag(world: World, *, category: str = "theft") -> tuple[str, str]:
    """An incident's id and its hold's."""
    incident = world.incidents.flag(
        world.officer,
        cameras=["kassa"],
        starts_at=MONDAY - HOUR,
        ends_at=MONDAY,
        title="stöld",
        category=category,
    )
    return incident.id, incident.hold_id


def calls(world: World, hold: str) -> list[str]:
    return [each for each in world.events(hold) if each in CALLS]


def days_pass(world: World, until: datetime) -> None:
    """Every day what a serving vault does by itself, far more often."""
    while world.now() < until:
        world.at(world.now() + DAY)
        world.reviews.remind(system_actor())
        world.sweeper.run(system_actor())


def test_an_incident_nobody_reviews_ends_after_a_reminder_and_two_warnings(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    incident, hold = flag(world)
    seen = []
    for day in (20, 23, 25, 28, 29.9):
        world.at(MONDAY + DAY * day)
        world.reviews.remind(system_actor())
        assert world.reviews.remind(system_actor()) == 0  # nothing is entered twice
        seen.append((world.incidents.show(world.staff, incident).call, len(calls(world, hold))))
    assert seen == [("", 0), ("soon", 1), ("due", 2), ("missed", 3), ("missed", 3)]
    assert calls(world, hold) == ["review.reminded", "review.warned", "review.warned"]
    assert world.readable(recording)

    world.at(MONDAY + 30 * DAY)
    world.reviews.remind(system_actor())
    world.sweeper.run(system_actor())
    assert not world.readable(recording)
    assert Event.HOLD_LAPSED.value in world.events(hold)
    assert world.reviews.list(world.manager) == ()


def test_a_review_silences_the_calls_and_lengthens_nothing(world: World) -> None:
    _, hold = flag(world)
    world.at(MONDAY + 25 * DAY)
    world.reviews.remind(system_actor())
    reviewed = world.reviews.made(world.manager, hold, "förundersökning pågår")
    assert (reviewed.until, reviewed.review_at, reviewed.call) == (MONDAY + 30 * DAY, None, "")
    world.at(MONDAY + 29 * DAY)
    assert world.reviews.remind(system_actor()) == 0
    assert world.reviews.list(world.manager) == ()
    entry = world.home.log.entries(event=Event.REVIEW_MADE.value)[-1]
    assert (entry.subject, entry.facts["next"]) == (hold, None)
    assert entry.details == {"reason": "förundersökning pågår"}
    with pytest.raises(TransitionNotAllowedError, match="no review"):
        world.reviews.made(world.manager, hold, "igen")


def test_an_extension_is_called_for_anew(world: World) -> None:
    incident, hold = flag(world)
    world.at(MONDAY + 25 * DAY)
    world.reviews.remind(system_actor())
    world.incidents.extend(world.manager, incident, MONDAY + 60 * DAY, "utredning")
    assert world.reviews.list(world.manager) == ()
    days_pass(world, MONDAY + 56 * DAY)
    assert calls(world, hold) == ["review.warned", "review.reminded", "review.warned"]


@pytest.mark.parametrize("purpose", ["claim", "trespass-ban"])
def test_claims_and_bans_go_to_the_privacy_officer_and_never_end_by_silence(
    world: World, purpose: str
) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    until = None if purpose == "claim" else MONDAY + 120 * DAY
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY, purpose=purpose, until=until)
    days_pass(world, MONDAY + 110 * DAY)
    assert world.readable(recording)
    assert calls(world, hold) == ["review.reminded", "review.warned", "review.escalated"]
    (called,) = world.reviews.list(world.officer)
    assert (called.call, called.if_missed) == ("missed", "escalates")
    with pytest.raises(AccessDeniedError, match="privacy officer alone"):
        world.reviews.made(world.manager, hold, "behövs")
    reviewed = world.reviews.made(world.officer, hold, "processen pågår")
    again = MONDAY + 200 * DAY if purpose == "claim" else None  # a claim has no end of its own
    assert reviewed.review_at == again
    assert world.reviews.list(world.officer) == ()


def test_an_order_runs_to_its_date_whoever_is_silent(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY, purpose="preservation-order")
    days_pass(world, MONDAY + 89 * DAY)
    assert world.readable(recording)
    assert calls(world, hold) == ["review.reminded", "review.warned", "review.escalated"]
    days_pass(world, MONDAY + 90 * DAY)
    assert not world.readable(recording)


def test_calls_slept_through_are_made_once_and_as_loud_as_they_are_now(world: World) -> None:
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY)
    world.at(MONDAY + 200 * DAY)
    assert world.reviews.remind(system_actor()) == 1
    assert calls(world, hold) == ["review.escalated"]


def test_what_a_person_may_not_know_of_calls_nobody_but_those_who_may(world: World) -> None:
    gagged = world.claim("kassa", MONDAY - HOUR, MONDAY, gagged=True)
    incident, staff_crime = flag(world, category="employee-crime")
    world.incidents.confirm(person("Bo", Role.APPROVER), incident, "kvitton saknas")
    world.at(MONDAY + 28 * DAY)
    world.reviews.remind(system_actor())
    assert [each.hold_id for each in world.reviews.list(world.officer)] == [staff_crime]
    world.at(MONDAY + 29 * DAY + 100 * DAY)
    world.reviews.remind(system_actor())
    assert [each.hold_id for each in world.reviews.list(world.officer)] == [gagged]
    assert world.reviews.list(world.manager) == ()
    for hold in (gagged, staff_crime):
        with pytest.raises(NotFoundError):
            world.reviews.made(world.manager, hold, "nyfiken")
    hidden = hidden_subjects(world.home.database, world.manager)
    logged = world.home.log.entries(hidden=hidden, limit=1000)
    assert not [each for each in logged if each.event in CALLS]


def test_a_review_needs_a_reason_and_somebody_who_may(sqlite_world: World) -> None:
    world = sqlite_world
    _, hold = flag(world)
    with pytest.raises(InvalidInputError):
        world.reviews.made(world.manager, hold, "  ")
    with pytest.raises(AccessDeniedError):
        world.reviews.made(world.staff, hold, "behövs")
    with pytest.raises(AccessDeniedError):
        world.reviews.list(person("Adam", Role.ADMINISTRATOR))
    with pytest.raises(NotFoundError):
        world.reviews.made(world.manager, "S-NOTTHERE", "behövs")
    world.at(MONDAY + 31 * DAY)
    with pytest.raises(TransitionNotAllowedError, match="ended"):
        world.reviews.made(world.manager, hold, "för sent")


def test_nobody_is_reminded_later_than_a_decision_can_be_made() -> None:
    """Of what lives a day as of what lives a year: first the reminder, then two warnings."""
    for length, review in ((24 * HOUR, 20 * HOUR), (30 * DAY, 25 * DAY), (365 * DAY, 335 * DAY)):
        until = MONDAY + length
        soon, due, missed = review_calls(placed=MONDAY, review=MONDAY + review, until=until)
        assert MONDAY < soon < due == MONDAY + review < missed < until
