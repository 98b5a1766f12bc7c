"""Flagging keeps a window as an incident, for as long as table A says and no longer."""

from dataclasses import replace
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
from cctv_vault.incidents.views import IncidentView, Reshaping
from cctv_vault.people.actors import Actor, Role, system_actor
from cctv_vault.retention.holds import Ending
from cctv_vault.retention.policies import default_policy_text
from cctv_vault.retention.policy import Policy
from cctv_vault.schema import PolicyRow
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
    assert world.holds.list(world.manager) == ()
    assert [each.id for each in world.holds.list(world.officer)] == [incident.hold_id]
    for ask in (world.holds.show, world.holds.ending):
        with pytest.raises(NotFoundError):
            ask(world.manager, incident.hold_id)
    assert [each.id for each in world.incidents.list(world.officer)] == [incident.id]
    for who, sees in ((world.manager, False), (world.officer, True)):
        hidden = hidden_subjects(world.home.database, who)
        logged = world.home.log.entries(event="incident.flagged", hidden=hidden)
        assert [each.subject for each in logged] == [incident.id] * sees
        placed = world.home.log.entries(event="hold.placed", hidden=hidden)
        assert [each.subject for each in placed] == [incident.hold_id] * sees


def test_the_hold_of_an_incident_is_released_only_by_closing_it(sqlite_world: World) -> None:
    world = sqlite_world
    incident = flag(world)
    with pytest.raises(TransitionNotAllowedError, match=incident.id):
        world.holds.release_as(world.officer, incident.hold_id, "genväg")
    assert [each.id for each in world.incidents.list(world.staff, open_only=True)] == [incident.id]


def test_a_category_of_the_house_comes_from_the_policy(sqlite_world: World) -> None:
    world = sqlite_world
    with pytest.raises(InvalidInputError, match="no category"):
        flag(world, category="gang")
    text = world.policies.show().document.replace("version = 1", "version = 2")
    own = '\n[[category]]\ncode = "gang"\nsv = "organiserad stöld"\nen = "organised theft"\n'
    with world.home.database.write() as session:
        session.add(
            PolicyRow(
                version=2,
                document=text + own,
                published_at=MONDAY,
                effective_at=MONDAY,
                published_by="u-Olle",
            )
        )
    assert flag(world, category="gang").category == "gang"
    assert world.incidents.categories()[-1].sv == "organiserad stöld"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('code = "theft"\nsv = "a"\nen = "b"', "there already"),
        ('code = "Stöld"\nsv = "a"\nen = "b"', "a-z"),
        ('code = "x"\nsv = "a"', "and nothing else"),
        ('code = "x"\nsv = "a"\nen = "b"\nperiod = "3d"', "and nothing else"),
    ],
)
def test_a_category_that_cannot_be_is_told_with_its_line(entry: str, fault: str) -> None:
    _, faults = Policy.read(f"{default_policy_text()}\n[[category]]\n{entry}\n")
    (found,) = faults
    assert fault in found.sentence
    assert found.line > 100


def test_the_time_around_it_is_kept_with_it(world: World) -> None:
    before = world.record("kassa", MONDAY - 75 * MINUTE, minutes=10)
    after = world.record("kassa", MONDAY - 25 * MINUTE, minutes=10)
    incident = flag(world, pre_roll=10 * MINUTE, post_roll=10 * MINUTE)
    assert incident.recordings == 2
    assert (incident.starts_at, incident.ends_at) == (MONDAY - HOUR, MONDAY - 30 * MINUTE)
    world.at(MONDAY + 10 * DAY)
    world.sweeper.run(world.manager)
    assert world.readable(before)
    assert world.readable(after)
    with pytest.raises(InvalidInputError, match="an hour"):
        flag(world, pre_roll=2 * HOUR)


def reshape(world: World, incident: IncidentView, start: int, end: int, **more: Any) -> Reshaping:  # noqa: ANN401
    given: dict[str, Any] = {"cameras": ["kassa"], "reason": "fel tid", "dry_run": False}
    return world.incidents.reshape(
        world.manager,
        incident.id,
        starts_at=MONDAY - start * MINUTE,
        ends_at=MONDAY - end * MINUTE,
        **(given | more),
    )


def test_widening_and_narrowing_tell_the_effect_before_they_have_one(world: World) -> None:
    first = world.record("kassa", MONDAY - HOUR, minutes=5)
    second = world.record("kassa", MONDAY - 20 * MINUTE, minutes=5)
    incident = flag(world)  # the first only
    size, events = world.home.log.size(), len(world.events())

    wider = reshape(world, incident, 60, 10, dry_run=True)
    assert (wider.added, wider.dropped, wider.dry_run) == (1, Ending(0, 0, 0, 0), True)
    world.at(MONDAY + 4 * DAY)  # prevention is over
    narrower = reshape(world, incident, 20, 10, dry_run=True, reason="")
    assert narrower.dropped == Ending(1, 5000, 1, 5000)
    assert narrower.gone == 1  # the second has expired meanwhile
    assert (world.home.log.size(), len(world.events())) == (size + 1, events + 1)  # the clock's
    assert [world.readable(each) for each in (first, second)] == [True, False]

    done = reshape(world, incident, 50, 40)
    assert (done.dropped.at_once, done.dry_run) == (1, False)
    assert not world.readable(first)
    shown = world.incidents.show(world.staff, incident.id)
    assert (shown.starts_at, shown.recordings) == (MONDAY - 50 * MINUTE, 0)
    assert Event.INCIDENT_CHANGED.value in world.events(incident.id)
    with pytest.raises(InvalidInputError, match="reason"):
        reshape(world, incident, 50, 40, reason=" ")


def test_what_is_saved_in_haste_lapses_in_a_day_unless_it_is_explained(world: World) -> None:
    recordings = [world.record(each, MONDAY - HOUR) for each in ("kassa", "entre")]
    forgotten = world.incidents.save_now(world.staff, ["kassa"], 2 * HOUR)
    saved = world.incidents.save_now(world.staff, ["entre", "kassa"])
    assert (saved.recordings, saved.until) == (2, MONDAY + DAY)
    assert len(world.incidents.unexplained(world.staff)) == 2

    world.at(MONDAY + 20 * HOUR)
    incident = world.incidents.explain(
        world.staff, saved.hold_id, title="hot i kassan", category="threat"
    )
    assert (incident.until, incident.review_at) == (
        MONDAY + 20 * HOUR + 30 * DAY,
        MONDAY + 20 * HOUR + 25 * DAY,
    )
    assert incident.cameras == ("entre", "kassa")
    (left,) = world.incidents.unexplained(world.staff)
    assert left.hold_id == forgotten.hold_id
    world.at(MONDAY + 10 * DAY)
    world.sweeper.run(world.manager)
    assert world.incidents.unexplained(world.staff) == ()
    assert all(world.readable(each) for each in recordings)
    assert Event.HOLD_LAPSED.value in world.events(forgotten.hold_id)
    for gone in (forgotten.hold_id, saved.hold_id, incident.id):
        with pytest.raises((NotFoundError, TransitionNotAllowedError)):
            world.incidents.explain(world.staff, gone, title="för sent", category="theft")


def test_saving_now_reaches_back_a_day_at_most(sqlite_world: World) -> None:
    for back in (timedelta(0), 25 * HOUR):
        with pytest.raises(InvalidInputError, match="24 hours"):
            sqlite_world.incidents.save_now(sqlite_world.staff, ["kassa"], back)


def test_suspicion_of_a_colleague_is_kept_a_day_until_a_second_person_confirms_it(
    world: World,
) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    incident = flag(world, world.officer, category="employee-crime", title="svinn")
    assert (incident.until, incident.confirmed) == (MONDAY + DAY, False)
    approver = person("Bo", Role.APPROVER)
    with pytest.raises(TransitionNotAllowedError, match="second person"):
        world.incidents.extend(world.officer, incident.id, MONDAY + 20 * DAY, "mer tid")
    with pytest.raises(TransitionNotAllowedError, match="second person"):
        world.incidents.set_report_number(world.officer, incident.id, "5000-K1-26")
    with pytest.raises(AccessDeniedError, match="who flagged it"):
        world.incidents.confirm(world.officer, incident.id, "jag är säker")
    with pytest.raises(AccessDeniedError):
        world.incidents.confirm(world.manager, incident.id, "jag med")
    lent = replace(approver, lent_by=frozenset({world.officer.id}))
    with pytest.raises(AccessDeniedError, match="lends nobody"):
        world.incidents.confirm(lent, incident.id, "å hennes vägnar")

    world.incidents.confirm(approver, incident.id, "kvitton saknas tre dagar i rad")
    assert world.incidents.show(world.officer, incident.id).until == MONDAY + 30 * DAY
    with pytest.raises(NotFoundError):
        world.incidents.show(approver, incident.id)  # who confirms need not see it
    with pytest.raises(TransitionNotAllowedError, match="already"):
        world.incidents.confirm(approver, incident.id, "igen")
    world.at(MONDAY + 20 * DAY)
    world.sweeper.run(world.officer)
    assert world.readable(recording)


def test_suspicion_nobody_confirms_ends_after_a_day(world: World) -> None:
    recording = world.record("kassa", MONDAY - HOUR)
    flag(world, world.officer, category="employee-crime", title="svinn")
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.officer)
    assert not world.readable(recording)


@pytest.mark.parametrize("text", ["811218-9876", "198112189876", "19811218-9876", "8112789873"])
def test_nobody_is_named_by_number(sqlite_world: World, text: str) -> None:
    with pytest.raises(InvalidInputError, match="personal identity number"):
        flag(sqlite_world, title=f"stöld, {text} gick")
    incident = flag(sqlite_world)
    with pytest.raises(InvalidInputError, match="personal identity number"):
        sqlite_world.incidents.note(sqlite_world.staff, incident.id, text)


@pytest.mark.parametrize(
    "text", ["kvitto 8112189875", "5000-K123456-26", "08-612 81 81", "2026030207"]
)
def test_other_numbers_may_be_noted(sqlite_world: World, text: str) -> None:
    incident = flag(sqlite_world)
    assert sqlite_world.incidents.note(sqlite_world.staff, incident.id, text).notes[0].text == text


def test_the_paragraph_for_the_police_tells_what_there_is_and_names_nobody(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    world.camera("gang", uncertainty_s=None)
    world.record("kassa", MONDAY - HOUR, minutes=20)
    incident = flag(world, cameras=["kassa", "gang"], report_number="5000-K123456-26")
    world.incidents.note(world.staff, incident.id, "mannen i röd jacka")
    text = world.incidents.report_paragraph(
        world.manager, incident.id, controller="Butiken AB", zone="Europe/Stockholm"
    )
    assert "Butiken AB har kameraövervakning. Händelsen (stöld)" in text
    assert incident.id in text
    assert "2026-03-02 08:00:00–08:30:00 (svensk normaltid), 1 inspelning." in text
    assert "kassa, klockan är kontrollerad, ± 2 s" in text
    assert "gang, klockan har aldrig kontrollerats och kan gå upp till 75 minuter fel" in text
    assert "Material saknas: gang 2026-03-02 08:00:00–08:30:00 (svensk normaltid)" in text
    assert "sparas till 2026-05-31 10:00:00 (svensk sommartid)" in text
    assert "5000-K123456-26" in text
    assert "jacka" not in text
    assert incident.title not in text
