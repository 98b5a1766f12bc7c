"""Flagging keeps a window as an incident, for as long as table A says and no longer."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from cctv_vault.custody.events import Event
from cctv_vault.errors import (
    AccessDeniedError,
    InvalidInputError,
    NotFoundError,
    PersonNeededError,
    TransitionNotAllowedError,
)
from cctv_vault.gags import hidden_subjects
from cctv_vault.incidents.service import IncidentView
from cctv_vault.people.actors import Actor, Role, system_actor
from tests.retention.conftest import MONDAY, World, person

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def flag(world: World, actor: Actor | None = None, **changes: Any) -> IncidentView:  # noqa: ANN401
    given: dict[str, Any] = {
        "cameras": ["kassa"],
        "starts_at": MONDAY - HOUR,
        "ends_at": MONDAY - 30 * MINUTE,
        "title": "stöld ur kassan",
        "category": "theft",
    }
    return world.incidents.flag(actor or world.staff, **(given | changes))


def test_a_flagged_window_is_kept_thirty_days_and_the_rest_expires(world: World) -> None:
    flagged = world.record("kassa", MONDAY - HOUR)
    beside = world.record("kassa", MONDAY - 3 * HOUR)
    incident = flag(world)
    assert (incident.until, incident.review_at) == (MONDAY + 30 * DAY, MONDAY + 25 * DAY)
    assert (incident.recordings, incident.bytes, incident.state) == (1, 5000, "open")

    world.at(MONDAY + 29 * DAY)
    world.sweeper.run(world.manager)
    assert [world.readable(each) for each in (flagged, beside)] == [True, False]
    world.at(MONDAY + 30 * DAY)
    assert not world.readable(flagged)
    assert world.incidents.show(world.staff, incident.id).state == "lapsed"
    world.sweeper.run(world.manager)
    lapsed = world.incidents.show(world.staff, incident.id)
    assert (lapsed.state, lapsed.closed_at) == ("lapsed", MONDAY + 30 * DAY)
    assert world.row(flagged).state == "expired"


def test_a_police_report_number_keeps_it_ninety_days_from_then(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    incident = flag(world)
    world.at(MONDAY + 10 * DAY)
    reported = world.incidents.set_report_number(world.manager, incident.id, "5000-K123456-26")
    assert reported.until == MONDAY + 100 * DAY
    assert reported.review_at == MONDAY + 95 * DAY
    assert reported.report_number == "5000-K123456-26"
    world.at(MONDAY + 99 * DAY)
    world.sweeper.run(world.manager)
    assert world.readable(recording)


def test_a_number_given_with_the_flag_counts_from_the_flag(world: World) -> None:
    incident = flag(world, report_number="5000-K123456-26")
    assert incident.until == MONDAY + 90 * DAY


def test_closing_ends_it_at_once_and_never_lengthens(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    incident = flag(world)
    world.at(MONDAY + 10 * DAY)
    closed = world.incidents.close(world.manager, incident.id, "lämnat till polisen")
    assert (closed.state, closed.recordings) == ("closed", 0)
    assert not world.readable(recording)
    world.sweeper.run(world.manager)
    assert world.row(recording).state == "expired"
    with pytest.raises(TransitionNotAllowedError):
        world.incidents.close(world.manager, incident.id, "igen")
    with pytest.raises(TransitionNotAllowedError):
        world.incidents.set_report_number(world.manager, incident.id, "1")
    with pytest.raises(TransitionNotAllowedError):
        world.incidents.extend(world.manager, incident.id, MONDAY + 40 * DAY, "mer")


def test_closing_leaves_what_prevention_still_keeps(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    incident = flag(world)
    world.incidents.close(world.manager, incident.id, "falskt alarm")
    assert world.readable(recording)
    world.sweeper.run(world.manager)
    assert world.readable(recording)


def test_one_extension_adds_at_most_thirty_days(world: World) -> None:
    incident = flag(world)
    with pytest.raises(InvalidInputError, match="at most"):
        world.incidents.extend(world.manager, incident.id, MONDAY + 61 * DAY, "utredning")
    with pytest.raises(InvalidInputError, match="already"):
        world.incidents.extend(world.manager, incident.id, MONDAY + 20 * DAY, "kortare")
    extended = world.incidents.extend(
        world.manager, incident.id, MONDAY + 60 * DAY, "utredning pågår"
    )
    assert (extended.until, extended.review_at) == (MONDAY + 60 * DAY, MONDAY + 55 * DAY)


def test_several_cameras_are_one_incident(world: World) -> None:
    recordings = [world.record(each, MONDAY - HOUR) for each in ("kassa", "entre")]
    incident = flag(world, cameras=["kassa", "entre", "kassa"])
    assert (incident.cameras, incident.recordings) == (("entre", "kassa"), 2)
    world.at(MONDAY + 20 * DAY)
    world.sweeper.run(world.manager)
    assert all(world.readable(each) for each in recordings)


def test_notes_are_only_added_to(world: World) -> None:
    incident = flag(world)
    world.incidents.note(world.staff, incident.id, "mannen i röd jacka")
    world.incidents.note(world.manager, incident.id, "rättelse: blå jacka")
    notes = world.incidents.show(world.staff, incident.id).notes
    assert [(each.by, each.text) for each in notes] == [
        ("u-Sam", "mannen i röd jacka"),
        ("u-Maja", "rättelse: blå jacka"),
    ]
    assert "jacka" not in repr(notes)


def test_what_happened_stands_in_the_log_and_its_words_are_sealed(world: World) -> None:
    incident = flag(world)
    world.incidents.close(world.manager, incident.id, "klart")
    assert world.events(incident.id) == ["incident.flagged", "incident.closed"]
    entry = world.home.log.entries(subject=incident.id)[0]
    assert entry.details == {"title": "stöld ur kassan"}
    assert "stöld".encode() not in entry.body
    assert world.home.log.verify().sound


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"cameras": ["kasssa"]}, "no camera"),
        ({"cameras": []}, "at least one"),
        ({"ends_at": MONDAY - 2 * HOUR}, "reversed"),
        ({"starts_at": datetime(2026, 3, 2)}, "offset"),  # noqa: DTZ001 - naive on purpose
        ({"starts_at": MONDAY + HOUR, "ends_at": MONDAY + 2 * HOUR}, "future"),
        ({"title": "  "}, "title is empty"),
        ({"title": "x" * 201}, "longer"),
        ({"category": "stöld"}, "no category"),
        ({"report_number": ""}, "report number is empty"),
    ],
)
def test_bad_input_is_refused_clearly_and_leaves_only_its_refusal(
    sqlite_world: World, changes: dict[str, Any], fault: str
) -> None:
    world = sqlite_world
    with pytest.raises((InvalidInputError, NotFoundError), match=fault):
        flag(world, **changes)
    assert world.incidents.list(world.staff) == ()
    assert world.holds.list(world.officer) == ()
    refusal = world.home.log.entries(event=Event.REFUSED.value)[-1]
    assert refusal.facts["act"] == Event.INCIDENT_FLAGGED.value


def test_who_may_not_act_is_refused_and_entered(sqlite_world: World) -> None:
    world = sqlite_world
    incident = flag(world)
    auditor = person("Ada", Role.AUDITOR)
    with pytest.raises(AccessDeniedError):
        flag(world, auditor)
    with pytest.raises(PersonNeededError):
        flag(world, system_actor())
    with pytest.raises(AccessDeniedError):
        world.incidents.close(world.staff, incident.id, "x")
    with pytest.raises(AccessDeniedError):
        world.incidents.extend(world.staff, incident.id, MONDAY + 40 * DAY, "x")
    with pytest.raises(AccessDeniedError):
        world.incidents.list(person("Admin", Role.ADMINISTRATOR))
    assert [each.id for each in world.incidents.list(auditor)] == [incident.id]
    assert len(world.home.log.entries(event=Event.REFUSED.value)) == 5


def test_suspected_crime_by_an_employee_is_the_privacy_officers_alone(sqlite_world: World) -> None:
    world = sqlite_world
    with pytest.raises(AccessDeniedError):
        flag(world, world.manager, category="employee-crime")
    incident = flag(world, world.officer, category="employee-crime", title="svinn i kassan")
    assert world.incidents.list(world.manager) == ()
    with pytest.raises(NotFoundError):
        world.incidents.show(world.manager, incident.id)
    with pytest.raises(NotFoundError):
        world.incidents.note(world.manager, incident.id, "jag undrar")
    assert all("svinn" not in each.reason for each in world.holds.list(world.manager))
    assert [each.id for each in world.incidents.list(world.officer)] == [incident.id]
    for who, sees in ((world.manager, False), (world.officer, True)):
        hidden = hidden_subjects(world.home.database, who)
        logged = world.home.log.entries(event="incident.flagged", hidden=hidden)
        assert [each.subject for each in logged] == [incident.id] * sees


def test_the_hold_of_an_incident_is_released_only_by_closing_it(sqlite_world: World) -> None:
    world = sqlite_world
    incident = flag(world)
    with pytest.raises(TransitionNotAllowedError, match=incident.id):
        world.holds.release_as(world.officer, incident.hold_id, "genväg")
    assert [each.id for each in world.incidents.list(world.staff, open_only=True)] == [incident.id]
