"""The register of deletions holds what the rules said beside what was destroyed and when."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pypdf import PdfReader

from cctv_vault.custody.documents import DocumentSigner
from cctv_vault.custody.events import Event
from cctv_vault.errors import AccessDeniedError, InvalidInputError
from cctv_vault.retention.deletions import (
    ALLOWED,
    DeletionReport,
    Deletions,
    Ended,
    as_csv,
    as_pdf,
    compare,
)
from storage.secret import SecretKey
from tests.retention.conftest import MONDAY, World
from tests.retention.test_policy_publish import A_DAY, OFFICER, publisher, version

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def register(world: World) -> Deletions:
    return Deletions(
        database=world.home.database,
        ledger=world.home.ledger,
        policies=world.policies,
        documents=DocumentSigner(
            SecretKey(b"\x07" * 32), origin="butiken/simulated", controller="AB", since=MONDAY
        ),
        zone="Europe/Stockholm",
    )


def ended(at: datetime, destroyed: datetime | None, *, by_decision: bool = False) -> Ended:
    return Ended("prevention", 1, at, by_decision, destroyed)


def test_in_time_late_waiting_and_overdue_are_told_apart() -> None:
    ends = NOON - DAY
    (row,) = compare(
        [
            ended(ends, ends + ALLOWED),
            ended(ends, ends + ALLOWED + timedelta(seconds=1), by_decision=True),
            ended(ends, None),
            ended(ends + timedelta(hours=10), None),
        ],
        ends + 10 * HOUR + ALLOWED,
        "Europe/Stockholm",
    )
    assert (row.ended, row.by_decision, row.destroyed) == (4, 1, 2)
    assert (row.late, row.waiting, row.overdue) == (1, 2, 1)
    assert row.worst == timedelta(hours=11)
    assert (row.first_destroyed_at, row.last_destroyed_at) == (
        ends + ALLOWED,
        ends + ALLOWED + timedelta(seconds=1),
    )


def test_days_are_those_of_the_shop() -> None:
    late = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)  # half past midnight in Stockholm
    (row,) = compare([ended(late, late)], NOON, "Europe/Stockholm")
    assert row.day == date(2026, 3, 10)


def report_of(world: World) -> DeletionReport:
    return register(world).report(world.manager, MONDAY, world.now() + HOUR)


def test_what_was_swept_stands_beside_the_rule_and_what_was_not_is_overdue(world: World) -> None:
    world.record("kassa", MONDAY - HOUR)
    world.record("entre", MONDAY - HOUR)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY)
    (until,) = {each.until for each in world.live(world.record("kassa", MONDAY - HOUR))} - {None}
    assert until is not None
    world.at(until + timedelta(minutes=30))
    waiting = report_of(world)
    assert [(each.waiting, each.overdue) for each in waiting.rows] == [(3, 0)]
    world.at(until + 2 * HOUR)
    assert [(each.waiting, each.overdue) for each in report_of(world).rows] == [(3, 3)]

    world.sweeper.run(world.manager)
    world.holds.release_as(world.officer, hold, "reglerat")
    world.sweeper.run(world.manager)
    report = report_of(world)
    rows = {each.purpose: each for each in report.rows}
    prevention, claim = rows["prevention"], rows["claim"]
    assert (prevention.ended, prevention.destroyed, prevention.late) == (3, 3, 3)
    assert prevention.worst == 2 * HOUR
    assert (claim.ended, claim.by_decision, claim.destroyed, claim.late) == (2, 2, 2, 0)
    assert (report.overdue, report.late, report.ended) == (0, 3, 5)
    rules = {each.purpose: each for each in report.rules}
    assert rules["prevention"].period.startswith("72h")
    assert rules["prevention"].statute == "GDPR 6.1 f"


def test_each_deletion_stands_under_the_version_of_the_policy_that_ruled_it(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    world.record("kassa", MONDAY - HOUR)
    noon = MONDAY + 6 * DAY
    world.at(noon)
    world.sweeper.run(world.manager)
    world.record("kassa", noon - 2 * HOUR)
    publisher(world).publish(OFFICER, version(2, A_DAY), noon)
    world.record("entre", noon - HOUR)  # made before the version, arrived after it
    world.at(noon + 2 * DAY)
    world.sweeper.run(world.manager)
    publisher(world).publish(OFFICER, version(3), world.now())

    report = register(world).report(world.manager, MONDAY, world.now() + HOUR)
    assert [(x.policy_version, x.ended) for x in report.rows] == [(1, 1), (2, 2)]
    rules = {x.policy_version: x.period[:3] for x in report.rules}
    assert rules == {1: "72h", 2: "24h"}
    lines = csv.DictReader(io.StringIO(as_csv(report)))
    assert [(x["policy_version"], x["rule"][:3]) for x in lines] == [("1", "72h"), ("2", "24h")]


def test_a_gagged_hold_stands_in_no_register(sqlite_world: World) -> None:
    world = sqlite_world
    world.record("kassa", MONDAY - HOUR)
    before = report_of(world)
    hold = world.claim("kassa", MONDAY - HOUR, MONDAY, gagged=True, purpose="preservation-order")
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)
    world.holds.release_as(world.officer, hold, "upphävt")
    world.sweeper.run(world.manager)
    assert before.rows == ()
    for actor in (world.manager, world.officer):
        report = register(world).report(actor, MONDAY, world.now() + HOUR)
        assert {each.purpose for each in report.rows} == {"prevention"}
        assert [each.destroyed for each in report.rows] == [1]


def test_it_is_written_as_csv_and_as_pdf_for_the_archive(sqlite_world: World) -> None:
    world = sqlite_world
    world.record("kassa", MONDAY - HOUR)
    world.at(MONDAY + 5 * DAY)
    world.sweeper.run(world.manager)
    (row,) = csv.DictReader(io.StringIO(as_csv(report_of(world))))
    assert (row["purpose"], row["ended"], row["destroyed"]) == ("prevention", "1", "1")
    assert row["allowed_s"] == "3600"
    pdf = register(world).export(world.manager, "pdf", MONDAY, world.now())
    reader = PdfReader(io.BytesIO(pdf))
    text = reader.pages[0].extract_text()
    assert "Regler mot faktiska gallringar" in text
    assert "SIMULERAD" in text
    assert b"pdfaid" in pdf
    assert len(PdfFileReader(io.BytesIO(pdf)).embedded_signatures) == 1
    assert Event.REGISTER_EXPORTED.value in world.events()
    assert as_pdf(report_of(world))[:5] == b"%PDF-"


def test_a_register_is_for_who_reads_registers_and_of_a_period_that_is_one(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    with pytest.raises(AccessDeniedError):
        register(world).report(world.staff)
    with pytest.raises(InvalidInputError, match="after it begins"):
        register(world).report(world.manager, MONDAY, MONDAY)
    with pytest.raises(InvalidInputError, match="pdf or csv"):
        register(world).export(world.manager, "xlsx")
