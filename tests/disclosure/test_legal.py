"""Table B as data: complete, consistent, and with deadlines a court would count the same way."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from cctv_vault.disclosure.legal import (
    GROUNDS,
    METHODS,
    PROHIBITED,
    REQUESTERS,
    Deadline,
    deadline_at,
    find_ground,
    is_k_number,
)

STOCKHOLM = ZoneInfo("Europe/Stockholm")
TYPES = [
    "police",
    "police-not-crime",
    "preservation-order",
    "seizure",
    "court",
    "supervisor",
    "agency",
    "insurer",
    "lawyer",
    "data-subject",
    "employee",
    "media",
    "foreign-police",
    "emergency",
]


def test_every_requester_of_the_command_line_has_its_row() -> None:
    assert list(REQUESTERS) == TYPES


@pytest.mark.parametrize("type_", TYPES)
def test_a_row_names_only_statutes_and_methods_that_exist(type_: str) -> None:
    row = REQUESTERS[type_]
    assert set(row.bases) <= set(GROUNDS)
    assert row.methods <= set(METHODS)
    assert row.citation


def test_only_what_has_no_ground_is_refused_by_itself_and_it_has_no_basis_at_all() -> None:
    assert [row.type for row in REQUESTERS.values() if row.auto_refused] == ["media"]
    assert [row.type for row in REQUESTERS.values() if not row.bases] == ["media"]


def test_a_preservation_order_can_never_carry_a_release() -> None:
    assert not REQUESTERS["preservation-order"].hands_over
    carrying = {base for row in REQUESTERS.values() if row.hands_over for base in row.bases}
    assert not {"RB 27:16", "RB 27:16 a"} & carrying


def test_marketing_sale_media_other_shops_the_public_and_google_are_prohibited() -> None:
    assert set(PROHIBITED) == {"marketing", "sale", "media", "other-shops", "public", "google"}


@pytest.mark.parametrize(
    ("number", "yes"),
    [
        ("5000-K123456-26", True),
        ("2200-K1276-14", True),
        ("5000-K12345678-26", False),
        ("5000-k1-26", False),
        ("AM-123456-26", False),
        ("5000-K123456-26\n", False),
    ],
)
def test_the_police_case_number_is_recognised(number: str, yes: bool) -> None:  # noqa: FBT001
    assert is_k_number(number) is yes


@pytest.mark.parametrize("text", ["DSL 2:5", "dsl 2:5", " DSL  2:5 § "])
def test_a_statute_code_is_found_however_it_is_spaced(text: str) -> None:
    assert find_ground(text) == "DSL 2:5"
    assert find_ground("RB 27:16a") == "RB 27:16 a"
    assert find_ground("RB 27:2") is None


def _local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=STOCKHOLM)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("deadline", "received", "due"),
    [
        # A Friday evening; Saturday and Sunday are no working days.
        (Deadline("working-days", 2), _local(2026, 3, 6, 22, 40), _local(2026, 3, 11)),
        # Maundy Thursday: Good Friday and Easter Monday are public holidays.
        (Deadline("working-days", 2), _local(2026, 4, 2, 9), _local(2026, 4, 9)),
        # The night before the clock goes forward: the deadline is in local days, not in hours.
        (Deadline("days", 1), _local(2026, 3, 28, 23, 30), _local(2026, 3, 30)),
        (Deadline("months", 1), _local(2026, 1, 31, 12), _local(2026, 3, 1)),
        (Deadline("months", 1), _local(2026, 12, 15, 12), _local(2027, 1, 16)),
        (Deadline("hours", 4), _local(2026, 3, 1, 23), _local(2026, 3, 2, 3)),
        (Deadline("minutes", 0), _local(2026, 3, 1, 23), _local(2026, 3, 1, 23)),
        (Deadline("stated"), _local(2026, 3, 1, 23), None),
    ],
)
def test_deadlines_are_counted_in_the_days_of_the_place(
    deadline: Deadline, received: datetime, due: datetime | None
) -> None:
    easter = {date(2026, 4, 3), date(2026, 4, 6)}
    assert deadline_at(deadline, received.astimezone(UTC), STOCKHOLM, easter) == due
