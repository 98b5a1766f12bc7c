"""The table of moves and the gates: what is not allowed is refused, whatever else is true."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.disclosure.legal import REQUESTERS
from cctv_vault.disclosure.windows import Window, camera_time, narrower, outside, wall_time
from cctv_vault.disclosure.workflow import (
    GATES,
    HANDS_OVER_NOW,
    TRANSITIONS,
    Action,
    RequestFacts,
    State,
    approvers,
    checklist,
    hold_end,
    may_decide,
    may_handle,
    move,
    possible_actions,
    unmet,
)
from cctv_vault.errors import TransitionNotAllowedError
from cctv_vault.people.actors import Actor, Role

T0 = datetime(2026, 3, 1, 8, tzinfo=UTC)
FORBIDDEN = [pair for pair in product(State, Action) if pair not in TRANSITIONS]


def window(camera: str = "kassa", start: float = 0, minutes: float = 10) -> Window:
    begins = T0 + timedelta(minutes=start)
    return Window(camera, begins, begins + timedelta(minutes=minutes))


def person(id_: str, *roles: Role) -> Actor:
    return Actor(id_, id_, "asserted", frozenset(roles), is_person=True)


def ready(type_: str = "police") -> RequestFacts:
    """A request of which every requirement is met."""
    row = REQUESTERS[type_]
    return RequestFacts(
        type=type_,
        ground=row.bases[0] if row.bases else "",
        registered_by="anna",
        handlers=frozenset({"anna"}),
        deciders=frozenset({"bo"}),
        has_number=True,
        has_document=True,
        has_decider=True,
        hr_heard=True,
        verification=next(iter(sorted(row.methods)), None),
        facts_stated=True,
        necessity_stated=True,
        asked=(window(),),
        wanted=(window(),),
        decision="approved",
        decided_by="bo",
        masked=True,
        footage=True,
    )


@pytest.mark.parametrize(("state", "action"), FORBIDDEN)
def test_every_pair_that_is_not_in_the_table_is_refused(state: State, action: Action) -> None:
    with pytest.raises(TransitionNotAllowedError):
        move(state, action)


def test_the_table_is_small_and_every_state_is_reached_and_can_be_left_or_is_an_end() -> None:
    assert len(TRANSITIONS) < len(FORBIDDEN)
    reached = {State.RECEIVED} | {each.state for each in TRANSITIONS.values()}
    assert reached == set(State)
    assert {state for state in State if not possible_actions(state)} == set()


def test_only_the_release_of_a_prepared_package_and_the_paths_of_the_law_hand_footage_over() -> (
    None
):
    to_release = {
        (state, action) for (state, action), to in TRANSITIONS.items() if to.state is State.RELEASED
    }
    assert to_release == {(State.PREPARED, Action.RELEASE), (State.RELEASED, Action.RELEASE)}
    to_review = {a for (_, a), to in TRANSITIONS.items() if to.state is State.UNDER_REVIEW}
    assert to_review == set(HANDS_OVER_NOW)


def test_a_request_that_is_complete_passes_every_gate_of_its_way() -> None:
    for type_, row in REQUESTERS.items():
        if row.hands_over and row.approvers:
            for action in (Action.APPROVE, Action.PREPARE, Action.RELEASE):
                assert unmet(action, ready(type_)) == ()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"verification": None}, "requester"),
        ({"ground": ""}, "ground"),
        ({"ground": "GDPR 6.1 f"}, "ground"),
        ({"facts_stated": False}, "facts"),
        ({"necessity_stated": False}, "necessity"),
        ({"wanted": ()}, "window"),
        ({"wanted": (window(minutes=11),)}, "window"),
        ({"wanted": (window("lager"),)}, "window"),
        ({"decision": None}, "decision"),
        ({"decision": "refused"}, "decision"),
        ({"decided_by": "anna"}, "decision"),
        ({"handlers": frozenset({"anna", "bo"})}, "decision"),
        ({"footage": False}, "footage"),
    ],
)
def test_nothing_is_released_past_an_unmet_point(change: dict[str, object], code: str) -> None:
    facts = replace(ready(), **change)  # type: ignore[arg-type]
    assert [point.code for point in unmet(Action.RELEASE, facts)] == [code]


@pytest.mark.parametrize("type_", ["agency", "insurer", "lawyer", "data-subject", "employee"])
def test_where_others_must_be_masked_nothing_unmasked_is_prepared_or_released(type_: str) -> None:
    facts = replace(ready(type_), masked=False)
    for action in (Action.PREPARE, Action.RELEASE):
        (point,) = unmet(action, facts)
        assert point.code == "masking"
        assert "no masked version was supplied" in point.words.en
    assert unmet(Action.APPROVE, facts) == ()


@pytest.mark.parametrize("type_", ["media", "preservation-order"])
def test_what_cannot_be_handed_over_is_never_approved(type_: str) -> None:
    for action in GATES:
        assert "admissible" in {point.code for point in unmet(action, ready(type_))}


def test_every_gate_names_points_that_exist() -> None:
    known = {point.code for type_ in REQUESTERS for point in checklist(ready(type_))}
    assert {code for codes in GATES.values() for code in codes} <= known


def test_who_registered_verified_or_assessed_never_decides() -> None:
    officer = person("anna", Role.PRIVACY_OFFICER)
    assert may_decide(officer, replace(ready(), handlers=frozenset()), approve=True)
    assert may_decide(officer, replace(ready(), registered_by="x"), approve=False)
    assert may_decide(person("cia", Role.PRIVACY_OFFICER), ready(), approve=True) is None


def test_who_decided_in_a_case_never_handles_it() -> None:
    assert may_handle(person("bo", Role.MANAGER), ready())
    assert may_handle(person("anna", Role.MANAGER), ready()) is None


def test_a_police_request_that_is_broad_or_has_no_number_needs_the_privacy_officer() -> None:
    assert approvers(ready()) == {Role.APPROVER, Role.PRIVACY_OFFICER}
    assert approvers(replace(ready(), has_number=False)) == {Role.PRIVACY_OFFICER}
    broad = tuple(window(camera, minutes=121) for camera in ("a", "b"))
    assert approvers(replace(ready(), asked=broad, wanted=broad)) == {Role.PRIVACY_OFFICER}
    assert may_decide(person("c", Role.APPROVER), replace(ready(), has_number=False), approve=True)


def test_the_data_protection_officer_decides_nothing() -> None:
    for type_ in REQUESTERS:
        assert Role.DPO not in approvers(ready(type_))


def test_on_the_spot_is_for_the_police_and_at_most_an_hour() -> None:
    spot = Action.HAND_OVER_ON_THE_SPOT
    hour = (window("a", minutes=60), window("b", minutes=60))
    assert unmet(spot, replace(ready(), asked=hour, wanted=hour)) == ()
    day = (window(minutes=24 * 60),)
    assert [p.code for p in unmet(spot, replace(ready(), asked=day, wanted=day))] == ["limit"]
    apart = (window(minutes=40), window(start=300, minutes=40))
    assert [p.code for p in unmet(spot, replace(ready(), asked=apart, wanted=apart))] == ["limit"]
    assert "path" in {p.code for p in unmet(spot, ready("insurer"))}
    assert "ground" in {p.code for p in unmet(spot, replace(ready(), ground="RB 27:1"))}


def test_a_freeze_outlives_each_decision_as_table_a_says() -> None:
    police, subject = REQUESTERS["police"], REQUESTERS["data-subject"]
    assert hold_end(police, Action.APPROVE, T0) == T0 + timedelta(days=14)
    assert hold_end(police, Action.REFUSE, T0) == T0 + timedelta(days=7)
    assert hold_end(police, Action.WITHDRAW, T0) == T0 + timedelta(days=7)
    assert hold_end(subject, Action.REFUSE, T0) == T0 + timedelta(days=30)
    assert hold_end(REQUESTERS["preservation-order"], Action.REFUSE, T0) is None


minutes = st.integers(0, 60)
windows = st.lists(
    st.builds(lambda c, s, n: window(c, s, n + 1), st.sampled_from("ab"), minutes, minutes),
    max_size=6,
)


@given(windows, windows)
def test_a_window_lies_within_the_request_exactly_when_each_of_its_minutes_does(
    wanted: list[Window], asked: list[Window]
) -> None:
    def covered(of: list[Window]) -> set[tuple[str, int]]:
        return {
            (each.camera, minute)
            for each in of
            for minute in range(
                int((each.starts_at - T0).total_seconds()) // 60,
                int((each.ends_at - T0).total_seconds()) // 60,
            )
        }

    assert (not outside(wanted, asked)) == (covered(wanted) <= covered(asked))
    assert narrower(wanted, asked) == (not covered(asked) <= covered(wanted))
    assert camera_time(wanted) == sum((each.length for each in wanted), timedelta())
    assert wall_time(wanted) == timedelta(minutes=len({at for _, at in covered(wanted)}))
