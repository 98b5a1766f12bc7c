"""How long a purpose keeps, from when, and what a window matches."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.errors import InvalidInputError
from cctv_vault.people.actors import Role
from cctv_vault.retention.holidays_of import closed_days
from cctv_vault.retention.policies import default_policy_text, opening_of
from cctv_vault.retention.policy import Period, Policy, StartsAt, add_months
from cctv_vault.retention.rules import (
    GrantFacts,
    KeyFacts,
    Opening,
    Span,
    Window,
    base_until,
    extension_faults,
    hold_term,
    is_live,
    matches,
    month_after,
    plan_sweep,
    quarter_hour,
    review_at,
    why,
    window_faults,
)

STOCKHOLM = ZoneInfo("Europe/Stockholm")
POLICY = Policy.parse(default_policy_text())
PREVENTION = POLICY.purpose("prevention")
WEEKDAYS = {day: [["10:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
HOLIDAYS = closed_days("SE", 2026) | closed_days("SE", 2027)
SHOP = opening_of("Europe/Stockholm", WEEKDAYS, HOLIDAYS)
ALWAYS = Opening(STOCKHOLM)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM)


def kept_until(captured: datetime, opening: Opening = SHOP) -> datetime:
    term = base_until(
        PREVENTION, captured=captured, arrived=captured, time_source="name", opening=opening
    )
    return term.until.astimezone(STOCKHOLM)


@pytest.mark.parametrize(
    ("recorded", "until"),
    [
        ("2026-03-03T14:00", "2026-03-06T14:00"),  # an ordinary Tuesday
        ("2026-04-02T18:00", "2026-04-07T12:00"),  # before Easter: Tuesday is the first day open
        ("2026-06-18T18:00", "2026-06-22T12:00"),  # Midsummer
        ("2026-12-23T18:00", "2026-12-28T12:00"),  # Christmas
        ("2026-04-02T11:00", "2026-04-07T11:00"),  # never more than 120 h
    ],
)
def test_prevention_reaches_noon_of_the_first_opening_day(recorded: str, until: str) -> None:
    assert kept_until(local(recorded)) == local(until)


def test_a_day_opened_unplanned_ends_the_wait() -> None:
    opened = opening_of("Europe/Stockholm", {**WEEKDAYS, "opened": ["2026-04-03"]}, HOLIDAYS)
    assert kept_until(local("2026-04-02T18:00"), opened) == local("2026-04-02T18:00") + timedelta(
        hours=72
    )


def test_a_day_closed_unplanned_lengthens_it() -> None:
    closed = opening_of(
        "Europe/Stockholm", {**WEEKDAYS, "closed": ["2026-03-04", "2026-03-05"]}, HOLIDAYS
    )
    assert kept_until(local("2026-03-03T14:00"), closed) == local("2026-03-06T14:00")
    assert kept_until(local("2026-03-03T11:00"), closed) == local("2026-03-06T12:00")


def test_a_shop_closed_for_weeks_still_ends_at_the_ceiling() -> None:
    closed = Opening(STOCKHOLM, frozenset())
    term = base_until(
        PREVENTION,
        captured=local("2026-07-01T09:00"),
        arrived=local("2026-07-01T09:00"),
        time_source="name",
        opening=closed,
    )
    assert term.until - term.start == timedelta(hours=72)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)),  # noqa: DTZ001 - made aware below
    st.frozensets(st.integers(0, 6), min_size=1),
    st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=20),
)
def test_prevention_lies_between_72_and_120_elapsed_hours_on_any_calendar(
    naive: datetime, weekdays: frozenset[int], closed: frozenset[date]
) -> None:
    captured = naive.replace(tzinfo=STOCKHOLM)
    opening = Opening(STOCKHOLM, weekdays, closed)
    until = kept_until(captured, opening)
    elapsed = until.astimezone(UTC) - captured.astimezone(UTC)

    assert timedelta(hours=72) <= elapsed <= timedelta(hours=120)
    if timedelta(hours=72) < elapsed < timedelta(hours=120):
        assert until.timetz().replace(tzinfo=None) == time(12)
        assert opening.is_open(until.date())


@pytest.mark.parametrize("source", ["arrival", "guessed"])
def test_a_time_nobody_can_trust_counts_as_arrival(source: str) -> None:
    term = base_until(
        PREVENTION,
        captured=local("2026-01-01T09:00"),
        arrived=local("2026-03-03T09:00"),
        time_source=source,
        opening=ALWAYS,
    )
    assert term.start == local("2026-03-03T09:00")


@pytest.mark.parametrize("source", ["name", "container"])
def test_a_camera_set_to_2036_keeps_nothing_until_then(source: str) -> None:
    term = base_until(
        PREVENTION,
        captured=local("2036-03-03T09:00"),
        arrived=local("2026-03-03T09:00"),
        time_source=source,
        opening=ALWAYS,
    )
    assert term.until == local("2026-03-06T09:00")


def test_what_is_older_than_its_period_is_over_before_it_arrives() -> None:
    term = base_until(
        PREVENTION,
        captured=local("1970-01-01T09:00"),
        arrived=local("2026-03-03T09:00"),
        time_source="name",
        opening=ALWAYS,
    )
    assert term.until < local("2026-03-03T09:00")


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_quarter_hour_is_never_before_the_end_nor_15_minutes_after(moment: datetime) -> None:
    quarter = quarter_hour(moment)
    assert timedelta(0) <= quarter - moment < timedelta(minutes=15)
    assert quarter.minute % 15 == quarter.second == quarter.microsecond == 0


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_register_month_is_at_least_five_years_and_less_than_five_and_a_month(
    moment: datetime,
) -> None:
    end = month_after(moment, years=5)
    assert end >= add_months(moment, 60)
    assert end < add_months(moment, 61) + timedelta(days=1)
    assert (end.day, end.hour, end.minute) == (1, 0, 0)


# --- windows ----------------------------------------------------------------------------------

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
WINDOW = Window("kassa", T, T + timedelta(minutes=10))


def span(start_s: float, length_s: float, uncertainty_s: float = 0.0) -> Span:
    start = T + timedelta(seconds=start_s)
    return Span(start, start + timedelta(seconds=length_s), uncertainty_s)


@pytest.mark.parametrize(
    ("recording", "widened_s", "drift_s", "expected"),
    [
        (span(-60, 60), 0, 0, False),  # ends where the window starts
        (span(-60, 61), 0, 0, True),
        (span(600, 60), 0, 0, False),  # starts where it ends
        (span(599, 60), 0, 0, True),
        (span(600, 60), 1, 0, True),  # the camera's clock may be off
        (span(600, 60, 1), 0, 0, True),  # so may the recording's own time
        (span(601, 60, 1), 1, 0, False),  # they are one clock: not added up
        (span(601, 60), 1, 1, True),  # a clock corrected since
        (span(0, 0), 0, 0, True),  # a still at the start
        (span(600, 0), 0, 0, False),  # a still at the end, which is exclusive
        (span(-4500, 60), 4500, 0, True),  # never measured
    ],
)
def test_a_window_matches_what_may_show_something_of_it(
    recording: Span, widened_s: float, drift_s: float, *, expected: bool
) -> None:
    assert matches(WINDOW, widened_s, recording, drift_s=drift_s) is expected


@given(
    st.floats(-10_000, 10_000),
    st.floats(0, 5_000),
    st.floats(0, 5_000),
    st.floats(0, 5_000),
    st.floats(0, 5_000),
)
def test_more_uncertainty_never_drops_a_match(
    start_s: float, length_s: float, widened_s: float, more_s: float, drift_s: float
) -> None:
    recording = span(start_s, length_s)
    if matches(WINDOW, widened_s, recording):
        assert matches(WINDOW, widened_s + more_s, recording, drift_s=drift_s)


def test_windows_that_cannot_mean_anything_are_named() -> None:
    now = T + timedelta(hours=1)
    reversed_window = Window("kassa", T, T - timedelta(minutes=1))
    future = Window("kassa", now + timedelta(days=1), now + timedelta(days=2))
    overlapping = Window("kassa", T + timedelta(minutes=5), T + timedelta(minutes=15))

    assert window_faults([WINDOW], now) == []
    assert "at least one" in window_faults([], now)[0]
    assert "reversed" in window_faults([reversed_window], now)[0]
    assert "future" in window_faults([future], now)[0]
    assert window_faults([Window("kassa", T, now + timedelta(days=1))], now) == []
    endless = Window("kassa", T, now + timedelta(days=1, seconds=1))
    assert "future" in window_faults([endless], now)[0]
    assert "overlap" in window_faults([WINDOW, overlapping], now)[0]
    assert window_faults([WINDOW, Window("entre", T, now)], now) == []


def test_a_hold_runs_as_long_as_the_policy_lets_it() -> None:
    order = POLICY.purpose("preservation-order")
    claim = POLICY.purpose("claim")

    assert hold_term(order, T, None) == (T + timedelta(days=90), [])
    assert hold_term(order, T, T + timedelta(days=90))[1] == []
    assert "90d" in hold_term(order, T, T + timedelta(days=91))[1][0]

    def faults(earlier: int, present: datetime, until: datetime) -> list[str]:
        roles = frozenset({Role.PRIVACY_OFFICER})
        return extension_faults(
            order, roles=roles, placed=T, earlier=earlier, present=present, until=until
        )

    present, day = T + timedelta(days=90), timedelta(days=1)
    most = T + 180 * day
    assert faults(0, present, most) == []
    assert "at most" in faults(0, present, most + day)[0]
    assert "at most" in faults(0, present + day, most + day)[0]  # 180 days in all
    assert "no more" in faults(1, T, present)[0]
    assert hold_term(claim, T, None) == (None, [])
    assert "before it is placed" in hold_term(claim, T, T)[1][0]


def test_reviews_fall_where_table_a_puts_them() -> None:
    incident = POLICY.purpose("incident")
    order = POLICY.purpose("preservation-order")
    until = T + timedelta(days=30)

    assert review_at(incident, T, until) == T + timedelta(days=25)
    assert review_at(order, T, until) == until - timedelta(days=7)
    assert review_at(POLICY.purpose("claim"), T, None) == T + timedelta(days=90)
    assert review_at(PREVENTION, T, until) is None


# --- grants and keys --------------------------------------------------------------------------


def test_a_grant_is_refused_from_its_exact_end() -> None:
    assert is_live(T - timedelta(microseconds=1), until=T, ended_at=None)
    assert not is_live(T, until=T, ended_at=None)
    assert is_live(T, until=None, ended_at=None)
    assert not is_live(T, until=None, ended_at=T)


def test_why_it_is_still_here_names_the_live_purposes_the_open_ended_first() -> None:
    def grant(purpose: str, until: datetime | None, ended: datetime | None = None) -> GrantFacts:
        return GrantFacts(purpose, "GDPR 6.1 f", T, until, ended, "because")

    told = why(
        [
            grant("prevention", T + timedelta(hours=1)),
            grant("claim", None),
            grant("incident", T + timedelta(days=1)),
            grant("save-now", T - timedelta(hours=1)),
            grant("request", None, T),
        ],
        T,
    )
    assert [each.split(" ")[0] for each in told] == ["claim", "incident", "prevention"]


def test_a_sweep_destroys_what_is_due_and_replaces_what_ended_early() -> None:
    def key(
        name: str, expires: datetime | None, *, retiring: bool = False, live: int = 0
    ) -> KeyFacts:
        return KeyFacts(name, "x", expires, retiring, live)

    plan = plan_sweep(
        [
            key("due", T),
            key("not yet", T + timedelta(seconds=1), live=3),
            key("open-ended", None, live=1),
            key("open-ended and empty", None),
            key("released", None, retiring=True),
            key("narrowed", None, retiring=True, live=2),
        ],
        T,
    )
    assert plan.destroy == ("due", "released")
    assert plan.replace == ("narrowed",)


# --- the document -----------------------------------------------------------------------------

TABLE_A = {
    "prevention": ("72h", False),
    "incident": ("30d", True),
    "request-unconfirmed": ("7d", True),
    "request": (None, True),
    "save-now": ("24h", True),
    "quarantine": ("7d", False),
    "late-arrival": ("24h", False),
    "restriction": (None, True),
    "more-coming": ("14d", True),
    "preservation-order": ("90d", True),
    "claim": (None, True),
    "access-request": (None, True),
    "trespass-ban": ("12mo", True),
    "course-marketing": ("24mo", False),
    "release-copy": ("7d", False),
    "register": ("5y", False),
}


def test_the_shipped_policy_is_table_a() -> None:
    shipped = {
        each.code: (each.period.text if each.period else None, each.hold)
        for each in POLICY.purposes.values()
    }
    assert shipped == TABLE_A
    assert POLICY.base("surveillance") is PREVENTION
    assert POLICY.base("production").code == "course-marketing"
    assert [x.code for x in POLICY.purposes.values() if not x.backup] == [
        "prevention",
        "quarantine",
        "late-arrival",
    ]


def with_purpose(lines: str) -> str:
    head = 'code="a"\nsv="a"\nen="a"\nstatute="a"\nstarts="capture"\nsource="a"\n'
    return f'version=1\nholidays="SE"\n[[purpose]]\n{head}{lines}'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("version=1", "no purposes"),
        ("nonsense", "no TOML"),
        ('version=0\nholidays="SE"', "'version'"),
        (with_purpose('period="3 days"'), "no period"),
        (with_purpose('period="0h"'), "no period"),
        (with_purpose("hold=true"), "needs a 'review'"),
        (with_purpose(""), "only a hold may lack"),
        (with_purpose('period="3d"\nforever=true'), "'forever'"),
        (with_purpose('period="3d"\nhold="yes"'), "true or false"),
        (with_purpose('period="3d"').replace('statute="a"', 'statute=" "'), "'statute'"),
        (with_purpose('period="3d"').replace('"capture"', '"whim"'), "'starts'"),
    ],
)
def test_a_policy_with_a_fault_is_refused_in_words(text: str, fault: str) -> None:
    with pytest.raises(InvalidInputError, match=fault):
        Policy.parse(text)


def test_a_policy_that_holds_is_read() -> None:
    policy = Policy.parse(with_purpose('period="3d"'))
    assert policy.purpose("a").period == Period.parse("3d")
    assert policy.purpose("a").starts is StartsAt.CAPTURE
    with pytest.raises(InvalidInputError, match="no purpose 'b'"):
        policy.purpose("b")


def test_months_follow_the_calendar() -> None:
    assert add_months(datetime(2027, 1, 31, tzinfo=UTC), 1) == datetime(2027, 2, 28, tzinfo=UTC)
    assert add_months(datetime(2026, 12, 31, tzinfo=UTC), 12) == datetime(2027, 12, 31, tzinfo=UTC)
    assert add_months(datetime(2026, 11, 30, tzinfo=UTC), 3) == datetime(2027, 2, 28, tzinfo=UTC)


def test_opening_hours_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="monday"):
        opening_of("Europe/Stockholm", {"monday": []}, frozenset())
    with pytest.raises(InvalidInputError, match="2026-06-19"):
        opening_of("Europe/Stockholm", {"closed": ["midsommar"]}, frozenset())


def test_swedish_closed_days_hold_the_eves_and_no_plain_sunday() -> None:
    days = closed_days("SE", 2026)
    assert {date(2026, 6, 19), date(2026, 12, 24), date(2026, 4, 6)} <= days
    assert date(2026, 3, 1) not in days
