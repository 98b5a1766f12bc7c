"""The rules of consent, by themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.consent.rules import (
    PRODUCTION,
    Agreement,
    Channel,
    Item,
    Method,
    Obstacle,
    consent_until,
    ends_purpose,
    giving_faults,
    item_until,
    left_out,
    place_faults,
    publishable,
)
from cctv_vault.retention.policy import Period

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = timedelta(days=1)
WEB = Channel.WEBSITE.value
PRINT = Channel.PRINT.value
TWO_YEARS = Period.parse("24mo")
PEOPLE = st.frozensets(st.sampled_from(["P-A", "P-B", "P-C"]))
AGREEMENTS = st.lists(
    st.builds(
        Agreement,
        subject=st.sampled_from(["P-A", "P-B", "P-C"]),
        channel=st.sampled_from([WEB, PRINT]),
        until=st.sampled_from([NOW - DAY, NOW, NOW + DAY, NOW + 9 * DAY]),
        withdrawn_at=st.sampled_from([None, NOW - DAY]),
    ),
    max_size=6,
)


def item(*agreements: Agreement, people: frozenset[str] | None = frozenset({"P-A"})) -> Item:
    return Item(PRODUCTION, people, NOW + 5 * DAY, agreements)


@given(people=PEOPLE, agreements=AGREEMENTS)
def test_an_item_may_be_shown_exactly_while_everybody_in_it_agrees(
    people: frozenset[str], agreements: list[Agreement]
) -> None:
    verdict = publishable(item(*agreements, people=people), WEB, NOW)
    agree = {
        each.subject
        for each in agreements
        if each.channel == WEB and each.withdrawn_at is None and each.until > NOW
    }
    assert verdict.allowed == (people <= agree)
    assert set(verdict.missing) == people - agree
    if verdict.allowed:
        assert verdict.until is not None
        assert NOW < verdict.until <= NOW + 5 * DAY


@given(people=st.none() | PEOPLE, agreements=AGREEMENTS)
def test_surveillance_is_never_publishable_whatever_anybody_agreed_to(
    people: frozenset[str] | None, agreements: list[Agreement]
) -> None:
    footage = Item("surveillance", people, NOW + DAY, tuple(agreements))
    for channel in Channel:
        assert publishable(footage, channel, NOW).obstacle is Obstacle.SURVEILLANCE


def test_nobody_in_it_is_a_fact_only_once_it_is_declared() -> None:
    assert publishable(item(people=None), WEB, NOW).obstacle is Obstacle.UNDECLARED
    assert publishable(item(people=frozenset()), WEB, NOW).until == NOW + 5 * DAY


def test_an_ended_purpose_is_never_publishable_again() -> None:
    for end in (None, NOW):
        ended = Item(PRODUCTION, frozenset(), end)
        assert publishable(ended, WEB, NOW).obstacle is Obstacle.ENDED


def test_it_may_be_shown_until_the_first_consent_ends() -> None:
    both = (Agreement("P-A", WEB, NOW + 3 * DAY), Agreement("P-B", WEB, NOW + DAY))
    verdict = publishable(item(*both, people=frozenset({"P-A", "P-B"})), WEB, NOW)
    assert verdict.until == NOW + DAY


def test_a_purpose_ends_when_nothing_is_left_of_the_persons_own_consent() -> None:
    taken = Agreement("P-A", WEB, NOW + DAY, withdrawn_at=NOW)
    other = Agreement("P-B", PRINT, NOW + DAY)
    assert ends_purpose(item(taken, other), "P-A", NOW)
    assert not ends_purpose(item(taken, Agreement("P-A", PRINT, NOW + DAY)), "P-A", NOW)


def test_a_consent_ends_after_two_years_at_most_and_a_guardians_when_the_child_comes_of_age() -> (
    None
):
    assert consent_until(TWO_YEARS, NOW, None) == NOW.replace(year=2028)
    assert consent_until(Period.parse("5y"), NOW, None) == NOW.replace(year=2028)
    assert consent_until(Period.parse("30d"), NOW, None) == NOW + 30 * DAY
    assert consent_until(TWO_YEARS, NOW, NOW + 40 * DAY) == NOW + 40 * DAY


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ""),
        ({"given": NOW + DAY}, "in the future"),
        ({"text_published": NOW + DAY}, "was not published"),
        ({"of_age": NOW + DAY}, "the guardian consents"),
        ({"of_age": NOW + DAY, "by_guardian": True}, ""),
        ({"of_age": NOW + DAY, "by_guardian": True, "guardian": False}, "names no guardian"),
        ({"by_guardian": True}, "nobody consents for an adult"),
        ({"of_age": NOW - DAY, "by_guardian": True}, "nobody consents for an adult"),
        ({"of_age": NOW - DAY}, ""),
        ({"until": NOW}, "ended already"),
    ],
)
def test_a_consent_is_entered_only_as_it_could_have_been_given(
    changed: dict[str, object], words: str
) -> None:
    facts: dict[str, object] = {
        "given": NOW,
        "now": NOW,
        "text_published": NOW - DAY,
        "until": NOW + DAY,
        "of_age": None,
        "by_guardian": False,
        "guardian": True,
    }
    faults = giving_faults(**(facts | changed))  # type: ignore[arg-type]
    assert len(faults) == bool(words)
    assert words in "".join(faults)


@pytest.mark.parametrize(
    "place",
    [
        "https://www.youtube.com/watch?v=1",
        "youtu.be/1",
        "https://sites.google.com/view/x",
        "Google Maps, vår sida",
        "https://g.page/butiken",
    ],
)
def test_nothing_is_published_with_google(place: str) -> None:
    assert place_faults(place) == ["photographs and films are never shared with Google (S19)"]


def test_a_place_is_named() -> None:
    assert place_faults(" ")
    assert place_faults("https://butiken.se/kurser") == []


def test_whoever_answered_stays_among_the_people_in_it() -> None:
    assert left_out(["P-A"], ["P-A"]) == []
    assert "P-B" in left_out(["P-A"], ["P-B"])[0]


def test_having_read_a_text_is_no_way_to_consent() -> None:
    assert {each.value for each in Method} == {"signed", "electronic", "spoken"}


@given(agreements=AGREEMENTS)
def test_an_item_never_outlasts_what_somebody_agreed_to_nor_its_own_period(
    agreements: list[Agreement],
) -> None:
    base = NOW + 3 * DAY
    until = item_until(agreements, base)
    live = [each for each in agreements if each.withdrawn_at is None]
    last = [max(x.until for x in live if x.subject == each.subject) for each in live]
    assert until == min([base, *last])
