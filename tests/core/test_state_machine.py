"""The whole core against a model of plain sets, in any order Hypothesis can think of.

Files arrive on time, late, again, without a time and from the future; incidents and holds come,
move and go, gagged ones too; requests are filed, narrowed, decided and taken up again; clocks are
measured, time steps (also onto the exact end of a grant), sweeps run and are cut short, the vault
is closed and opened. After every step the vault and the model say the same: what is there for
whom, and why. Nothing under a live grant is ever unreadable, nothing without one ever readable.
"""

import os
import secrets
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg import sql
from sqlalchemy import select

from cctv_vault.custody.events import Event
from cctv_vault.errors import ExpiredError, InvalidInputError, VaultError
from cctv_vault.footage.streams import ORIGINAL, blob_name
from cctv_vault.people.actors import PORTAL_ACTOR, Role
from cctv_vault.retention.grants import GrantView
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.schema import Grant, Recording, Request, table
from cctv_vault.settings import Settings
from cctv_vault.vault import Vault
from cctv_vault.views import iso
from tests.core.model import ALMANAC_ENDS, DAY, HOUR, ZONE, Model, Why, Window
from tests.shop import SYSTEM, person, picture, put

BEGINS = datetime(2026, 4, 1, 10, tzinfo=UTC)  # two days before Easter
CAMERAS = ("entre", "kassa")
HANDLER = person(Role.MANAGER, name="Maja")
OFFICER = person(Role.PRIVACY_OFFICER, name="Pia")
CLEARED = person(Role.PRIVACY_OFFICER, name="Clara", cleared=True)
STAFF = person(Role.STAFF, name="Sara")
PHASES = (Phase.generate,)
"""Without shrinking, which takes minutes: add it when there is something to shrink."""
SECOND = timedelta(seconds=1)
AGES = (HOUR, 10 * HOUR, 50 * HOUR, 71 * HOUR, 4 * DAY, 5 * DAY, 8 * DAY)
STEPS = (SECOND, timedelta(minutes=10), HOUR, 7 * HOUR, DAY, 3 * DAY, 8 * DAY, 30 * DAY)
OFFSETS = (0.0, -3600.0, 90.0)
DOUBTS = (0.0, 2.0, 600.0, 4500.0)
_EVERY = 8  # steps between two looks at a recording that has not changed
SWEEP_STEPS = ("keys-deleted", "root-made", "rewrapping", "rewrapped", "root-destroyed")

BODY: dict[str, Any] = {
    "requester": {"type": "police", "authority": "Polismyndigheten", "name": "Eva Exempel"},
    "ground": {"code": "DSL 2:5"},
    "matter": {"number": "5000-K123456-26", "offence": "stöld"},
}

cameras = st.sampled_from(CAMERAS)
some_cameras = st.sampled_from((("kassa",), ("entre",), CAMERAS))
some = st.integers(0, 40)
ages = st.sampled_from(AGES)
minutes = st.integers(0, 59).map(lambda count: timedelta(minutes=count))
lengths = st.sampled_from((timedelta(minutes=10), 2 * HOUR, 12 * HOUR))


class Cut(Exception):  # noqa: N818 - not an error of the vault's
    """The process dying in the middle of a sweep."""


class Core(RuleBasedStateMachine):
    """One vault and its model."""

    steps = 0
    """Rules run by all machines together, for the figure in the test's words."""

    def __init__(self, vault: Vault, folder: Path) -> None:
        super().__init__()
        self.vault = vault
        self.folder = folder
        self.model = Model(BEGINS, dict.fromkeys(CAMERAS, (0.0, 4500.0)))
        self.pictures: dict[str, tuple[str, bytes]] = {}
        self.incidents: dict[str, str] = {}
        self.requests: dict[str, tuple[str, list[Window]]] = {}
        self.holds_of: dict[str, str] = {}
        self.plain: list[str] = []
        self.told: dict[str, tuple[bool, bool]] = {}
        self.turn = 0

    # --- arriving -------------------------------------------------------------------------------

    @rule(camera=cameras, age=ages, more=minutes, count=st.integers(1, 3))
    def footage_arrives(self, camera: str, age: timedelta, more: timedelta, count: int) -> None:
        for number in range(count):
            self._arrives(camera, self.model.now - age - more + number * timedelta(minutes=20))

    @rule(camera=cameras, age=st.sampled_from(AGES[:4]), length=lengths)
    def footage_arrives_in_time(self, camera: str, age: timedelta, length: timedelta) -> None:
        """Three stills where a hold of this age and length has its middle and its edges."""
        starts, ends = self._span(age, length)
        for at in (starts, starts + (ends - starts) / 2, ends):
            if at <= self.model.now:
                self._arrives(camera, at)

    @rule(camera=cameras, future=st.booleans())
    def footage_with_no_time_or_an_untrue_one_arrives(self, camera: str, *, future: bool) -> None:
        self._arrives(camera, self.model.now + 4000 * DAY if future else None)

    def _arrives(self, camera: str, shown: datetime | None) -> None:
        Core.steps += 1
        number = len(self.pictures)
        name = f"bild{number}.jpg"
        if shown is not None:
            shown = shown.replace(microsecond=0)
            local = shown.astimezone(ZONE)
            if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():
                shown += 2 * HOUR  # an hour that occurs twice is tests/ingest's matter
            name = f"{shown.astimezone(ZONE):%Y%m%d_%H%M%S}.jpg"
        data = _picture(number)
        path = put(self.folder / "drop", name, data)
        outcome = self.vault.ingest.offer(SYSTEM, path, camera=camera)
        assert outcome.recording is not None, outcome
        assert outcome.outcome == self.model.arrives(outcome.recording, camera, shown)
        assert not path.exists()
        self.pictures[outcome.recording] = (name, data)

    @precondition(lambda self: self.pictures)
    @rule(which=some)
    def the_same_file_arrives_again(self, which: int) -> None:
        Core.steps += 1
        recording = _pick(self.pictures, which)
        name, data = self.pictures[recording]
        path = put(self.folder / "drop", name, data)
        camera = self.model.footage[recording].camera
        outcome = self.vault.ingest.offer(SYSTEM, path, camera=camera)
        seen = self.model.why(recording, cleared=False)
        assert outcome.recording == recording
        assert outcome.outcome == ("duplicate" if seen else "expired")
        assert path.exists() == self.model.wanted(recording)
        path.unlink(missing_ok=True)

    # --- incidents and holds --------------------------------------------------------------------

    @rule(codes=some_cameras, age=ages, length=lengths, reported=st.booleans())
    def a_window_is_flagged(
        self, codes: tuple[str, ...], age: timedelta, length: timedelta, *, reported: bool
    ) -> None:
        Core.steps += 1
        starts, ends = self._span(age, length)
        view = self.vault.incidents.flag(
            STAFF,
            cameras=codes,
            starts_at=starts,
            ends_at=ends,
            title="Stöld",
            category="theft",
            report_number="K1" if reported else None,
        )
        until = self.model.now + (90 if reported else 30) * DAY
        windows = [Window(code, starts, ends) for code in codes]
        self.model.places(view.hold_id, "incident", windows, until)
        self.incidents[view.id] = view.hold_id

    @precondition(lambda self: self.incidents)
    @rule(which=some, days=st.integers(1, 30))
    def an_incident_is_extended(self, which: int, days: int) -> None:
        Core.steps += 1
        incident = _pick(self.incidents, which)
        hold = self.incidents[incident]
        until = (self.model.keepers[hold].until or self.model.now) + days * DAY
        if self._goes(
            hold, lambda: self.vault.incidents.extend(HANDLER, incident, until, "Pågår.")
        ):
            self.model.keepers[hold].until = until

    @precondition(lambda self: self.incidents)
    @rule(which=some)
    def an_incident_gets_its_report_number(self, which: int) -> None:
        Core.steps += 1
        incident = _pick(self.incidents, which)
        hold = self.incidents[incident]
        if self._goes(
            hold, lambda: self.vault.incidents.set_report_number(HANDLER, incident, "K2")
        ):
            keeper = self.model.keepers[hold]
            assert keeper.until is not None
            keeper.until = max(keeper.until, self.model.now + 90 * DAY)

    @precondition(lambda self: self.incidents)
    @rule(which=some)
    def an_incident_is_closed(self, which: int) -> None:
        Core.steps += 1
        incident = _pick(self.incidents, which)
        hold = self.incidents[incident]
        if self._goes(hold, lambda: self.vault.incidents.close(HANDLER, incident, "Klart.")):
            self.model.releases(hold)

    @rule(
        kind=st.sampled_from(("save-now", "claim", "gagged", "order")),
        codes=some_cameras,
        age=ages,
        length=lengths,
    )
    def a_hold_is_placed(
        self, kind: str, codes: tuple[str, ...], age: timedelta, length: timedelta
    ) -> None:
        Core.steps += 1
        starts, ends = self._span(age, length)
        purpose = "preservation-order" if kind in {"gagged", "order"} else kind
        if purpose == "preservation-order":  # which reaches stored footage only
            ends = min(ends, self.model.now)
        if purpose == "save-now":  # which reaches a day back
            starts = max(starts, self.model.now - DAY)
            ends = max(ends, starts + timedelta(minutes=1))
        actor = CLEARED if purpose == "preservation-order" else HANDLER
        view = self.vault.holds.place_as(
            actor,
            HoldOrder(
                purpose=purpose,
                windows=tuple((code, starts, ends) for code in codes),
                reason="Behövs.",
                gagged=kind == "gagged",
            ),
        )
        terms = {"save-now": DAY, "claim": None, "preservation-order": 90 * DAY}
        term = terms[purpose]
        self.model.places(
            view.id,
            purpose,
            [Window(code, starts, ends) for code in codes],
            None if term is None else self.model.now + term,
            gagged=kind == "gagged",
            cleared=actor.cleared,
        )
        self.plain.append(view.id)

    @precondition(lambda self: self.plain)
    @rule(which=some, codes=some_cameras, age=ages, length=lengths)
    def a_hold_gets_other_windows(
        self, which: int, codes: tuple[str, ...], age: timedelta, length: timedelta
    ) -> None:
        Core.steps += 1
        hold = self.plain[which % len(self.plain)]
        starts, ends = self._span(age, length)
        windows = [Window(code, starts, ends) for code in codes]
        if self._goes(hold, lambda: self._change(hold, windows)):
            self.model.changes(hold, windows, cleared=True)

    @precondition(lambda self: self.plain)
    @rule(which=some, cut=minutes)
    def a_hold_is_narrowed(self, which: int, cut: timedelta) -> None:
        Core.steps += 1
        hold = self.plain[which % len(self.plain)]
        windows = [
            replace(
                each, starts_at=min(each.starts_at + cut, each.ends_at - SECOND, self.model.now)
            )
            for each in self.model.keepers[hold].windows
        ]
        if self._goes(hold, lambda: self._change(hold, windows)):
            self.model.changes(hold, windows, cleared=True)

    @precondition(lambda self: self.plain)
    @rule(which=some)
    def a_hold_is_released(self, which: int) -> None:
        Core.steps += 1
        hold = self.plain[which % len(self.plain)]
        if self._goes(hold, lambda: self.vault.holds.release_as(CLEARED, hold, "Klart.")):
            self.model.releases(hold)

    # --- requests -------------------------------------------------------------------------------

    @rule(portal=st.booleans(), codes=some_cameras, age=ages, length=lengths)
    def a_request_is_filed(
        self, codes: tuple[str, ...], age: timedelta, length: timedelta, *, portal: bool
    ) -> None:
        Core.steps += 1
        starts, ends = self._span(age, length)
        windows = [Window(code, starts, ends) for code in codes]
        filed = self.vault.requests.file(
            PORTAL_ACTOR if portal else HANDLER, {**BODY, "footage": _footage(windows)}
        )
        self.requests[filed.id] = ("received" if portal else "confirmed", windows)
        hold = self.holds_of[filed.id] = self._hold_of(filed.id)
        if portal:
            until = self.model.now + 7 * DAY
            self.model.places(hold, "request-unconfirmed", windows, until)
        else:
            self.model.places(hold, "request", windows, None)

    @precondition(lambda self: self.requests)
    @rule(which=some)
    def a_request_is_confirmed(self, which: int) -> None:
        Core.steps += 1
        request = _pick(self.requests, which)
        if self._may(request, "received"):
            self.vault.requests.confirm(STAFF, request)
            self._confirmed(request)

    @precondition(lambda self: self.requests)
    @rule(which=some)
    def a_request_is_refused(self, which: int) -> None:
        Core.steps += 1
        request = _pick(self.requests, which)
        if self._may(request, "received", "confirmed"):
            if self._may(request, "received"):
                self.vault.requests.confirm(STAFF, request)  # who confirmed would decide no more
                self._confirmed(request)
            self.vault.requests.decide(OFFICER, request, approve=False, reason="Nej.")
            self._ends(request, "refused", 7 * DAY)

    @precondition(lambda self: self.requests)
    @rule(which=some)
    def a_request_is_withdrawn(self, which: int) -> None:
        Core.steps += 1
        request = _pick(self.requests, which)
        if self._may(request, "received", "confirmed", "approved"):
            self.vault.requests.withdraw(HANDLER, request, "De ångrade sig.")
            self._ends(request, "withdrawn", 7 * DAY)

    @precondition(lambda self: self.requests)
    @rule(which=some)
    def a_request_is_approved(self, which: int) -> None:
        Core.steps += 1
        request = _pick(self.requests, which)
        if self._may(request, "confirmed"):
            self.vault.requests.verify(HANDLER, request, "call-back", "114 14")
            self.vault.requests.assess(HANDLER, request, "Stöld.", "Behövs.")
            self.vault.requests.decide(OFFICER, request, approve=True, reason="Behövs.")
            self._ends(request, "approved", 14 * DAY)

    @precondition(lambda self: self.requests)
    @rule(which=some)
    def a_request_is_taken_up_again(self, which: int) -> None:
        Core.steps += 1
        request = _pick(self.requests, which)
        if self._may(request, "refused", "withdrawn", "expired"):
            self.vault.requests.reopen(HANDLER, request, "Invändning.")
            self._confirmed(request)

    @precondition(lambda self: self.requests)
    @rule(which=some, codes=some_cameras, age=ages, length=lengths)
    def a_request_is_answered_with_other_windows(
        self, which: int, codes: tuple[str, ...], age: timedelta, length: timedelta
    ) -> None:
        Core.steps += 1
        request = _pick(self.requests, which)
        if self._may(request, "confirmed"):
            starts, ends = self._span(age, length)
            windows = [Window(code, starts, ends) for code in codes]
            self.vault.requests.clarify(HANDLER, request, "Vilken tid?")
            self.vault.requests.answer(HANDLER, request, "Denna.", footage=_footage(windows))
            self.requests[request] = ("confirmed", windows)
            self._confirmed(request)

    @rule()
    def requests_nobody_confirmed_lapse(self) -> None:
        Core.steps += 1
        for request in self.vault.requests.lapse_due(SYSTEM):
            self.requests[request] = ("expired", self.requests[request][1])

    def _may(self, request: str, *states: str) -> bool:
        return self.requests[request][0] in states

    def _confirmed(self, request: str) -> None:
        """What a confirmed request keeps: its windows, without an end until it is decided."""
        _, windows = self.requests[request]
        self.requests[request] = ("confirmed", windows)
        hold = self._hold_of(request)
        before = self.holds_of.get(request)
        if hold != before:
            self.model.places(hold, "request", windows, None)
            if before is not None:
                self.model.releases(before)
        else:
            self.model.keepers[hold].until = None
            self.model.changes(hold, windows)
        self.holds_of[request] = hold

    def _ends(self, request: str, state: str, after: timedelta) -> None:
        self.requests[request] = (state, self.requests[request][1])
        hold = self.holds_of[request]
        keeper = self.model.keepers[hold]
        if self.model.holds_now(hold):
            until = self.model.now + after
            if keeper.purpose == "request-unconfirmed" and keeper.until is not None:
                until = min(until, keeper.until)
            keeper.until = until

    # --- time, sweeps, restarts -----------------------------------------------------------------

    @rule(step=st.sampled_from(STEPS))
    def time_passes(self, step: timedelta) -> None:
        self._set_clock(self.model.now + step)

    @rule(which=some, early=st.booleans())
    def time_reaches_an_end(self, which: int, *, early: bool) -> None:
        """The exact end of what something is kept for, or the second before."""
        ends = [each - (SECOND if early else timedelta(0)) for each in self.model.next_ends()]
        ends = [each for each in ends if each > self.model.now]
        if ends:
            self._set_clock(ends[which % min(len(ends), 3)])

    def _set_clock(self, moment: datetime) -> None:
        Core.steps += 1
        if moment < ALMANAC_ENDS:
            self.vault.set_clock(SYSTEM, moment)
            self.model.now = moment

    @rule(camera=cameras, offset=st.sampled_from(OFFSETS), doubt=st.sampled_from(DOUBTS))
    def a_clock_is_measured(self, camera: str, offset: float, doubt: float) -> None:
        Core.steps += 1
        self.vault.register.measure_clock(
            SYSTEM, camera, offset_s=offset, uncertainty_s=doubt, measured_at=self.model.now
        )
        self.model.clock_measured(camera, offset, doubt)

    @rule(cut=st.sampled_from((None, None, *SWEEP_STEPS)))
    def a_sweep_runs_or_is_cut_short(self, cut: str | None) -> None:
        Core.steps += 1
        going = self.vault.sweeper.run(CLEARED, dry_run=True)

        def tell(step: str, _done: int, _of: int) -> None:
            if step == cut:
                raise Cut

        try:
            self.vault.sweeper.run(SYSTEM, progress=tell)
        except Cut:
            self._restart()  # which finishes what was begun; gagged holds have sweeps of their own
            self.vault.sweeper.run(SYSTEM)
        gone = self.model.sweeps()
        assert {each.recording for each in going.due} == gone
        self._gone_for_good(gone)

    @rule()
    def the_vault_restarts_and_its_clock_cannot_be_set_back(self) -> None:
        Core.steps += 1
        self._restart()
        with pytest.raises(InvalidInputError):
            self.vault.set_clock(SYSTEM, self.model.now - HOUR)

    def _restart(self) -> None:
        self.vault.close()
        self.vault = Vault.open(self.vault.settings)

    def _gone_for_good(self, gone: set[str]) -> None:
        """No wrapped key and no ciphertext of it is left."""
        if not gone:
            return
        grants, recordings = table(Grant), table(Recording)
        with self.vault.database.read() as session:
            wrapped = select(grants.c.recording_id).where(
                grants.c.recording_id.in_(gone), grants.c.wrapped_key.is_not(None)
            )
            assert session.execute(wrapped).all() == []
            states = select(recordings.c.state, recordings.c.certificate_id).where(
                recordings.c.id.in_(gone)
            )
            assert all(state == "expired" and proof for state, proof in session.execute(states))
        assert not any(self.vault.store.exists(blob_name(each, ORIGINAL)) for each in gone)

    # --- what holds at every moment -------------------------------------------------------------

    @invariant()
    def the_vault_and_the_model_agree(self) -> None:
        for actor in (CLEARED, HANDLER):
            kept = self.model.kept(cleared=actor.cleared)
            listed = {each.id: each for each in self.vault.catalogue.list(actor)}
            assert listed.keys() == kept.keys()
            for recording, why in kept.items():
                ends = [until for _, _, until in why]
                latest = None if None in ends else max(each for each in ends if each)
                assert listed[recording].expires_at == latest
                assert listed[recording].held == any(hold for _, hold, _ in why)
        with self.vault.database.read() as session:
            live = self.vault.grants.live(session, list(self.model.footage), self.model.now)
        assert {recording: _why(grants) for recording, grants in live.items()} == self.model.kept()
        self._read_what_changed()

    def _read_what_changed(self) -> None:
        """Each recording that came or went in this step, for either eye; the others in turn."""
        self.turn = (self.turn + 1) % (_EVERY * len(self.model.footage) or 1)
        for position, recording in enumerate(self.model.footage):
            seen = (
                bool(self.model.why(recording)),
                bool(self.model.why(recording, cleared=False)),
            )
            in_turn = self.turn == _EVERY * position
            if in_turn or self.told.get(recording) != seen:
                self.told[recording] = seen
                self._look_at(recording)

    def _look_at(self, recording: str) -> None:
        for actor in (CLEARED, HANDLER):
            expected = self.model.why(recording, cleared=actor.cleared)
            detail = self.vault.catalogue.show(actor, recording)
            assert _why(detail.grants) == expected
            if expected:
                with self.vault.access.open_internal(recording, cleared=actor.cleared) as reader:
                    assert reader.read() == self.pictures[recording][1]
            else:
                with pytest.raises(ExpiredError):
                    self.vault.access.open(actor, recording, "Kontroll.")

    def _look_at_everything(self) -> None:
        for recording in self.model.footage:
            self._look_at(recording)
        for view in self.vault.holds.list(CLEARED):
            keeper = self.model.keepers[view.id]
            alive = self.model.holds_now(view.id)
            assert (view.purpose, view.gagged, view.live) == (keeper.purpose, keeper.gagged, alive)
            assert view.until == keeper.until
            assert view.recordings == (len(keeper.keeps) if alive else 0)

    def teardown(self) -> None:
        try:
            if sys.exception() is None:  # else that is what there is to say
                self._look_at_everything()
                verdict = self.vault.log.verify()
                assert verdict.sound, verdict.findings
        finally:
            self.vault.close()
            shutil.rmtree(self.folder)

    # --- help -----------------------------------------------------------------------------------

    def _span(self, age: timedelta, length: timedelta) -> tuple[datetime, datetime]:
        starts = self.model.now - age
        return starts, starts + length

    def _goes(self, hold: str, act: Callable[[], object]) -> bool:
        """Whether an act on a hold goes through, which it does while the hold is in force."""
        if self.model.holds_now(hold):
            act()
            return True
        with pytest.raises(VaultError):
            act()
        return False

    def _change(self, hold: str, windows: list[Window]) -> None:
        with self.vault.ledger.act(Event.HOLD_CHANGED, CLEARED, cameras=CAMERAS) as act:
            plain = tuple((each.camera, each.starts_at, each.ends_at) for each in windows)
            self.vault.holds.change(act, hold, windows=plain, reason="Prövat på nytt.")

    def _hold_of(self, request: str) -> str:
        with self.vault.database.read() as session:
            return str(session.get_one(Request, request).hold_id)


def _pick(things: dict[str, Any], which: int) -> str:
    return list(things)[which % len(things)]


def _why(grants: tuple[GrantView, ...]) -> Why:
    return frozenset((each.purpose, each.hold_id, each.until) for each in grants)


def _footage(windows: list[Window]) -> list[dict[str, Any]]:
    return [
        {"cameras": [each.camera], "from": iso(each.starts_at), "to": iso(each.ends_at)}
        for each in windows
    ]


@cache
def _picture(number: int) -> bytes:
    return picture(number)


def _make(folder: Path, url: str | None) -> Vault:
    settings_ = Settings(
        home=folder / "home", keys=folder / "keys", database_url=url, settle_s=0, reserve_bytes=0
    )
    vault = Vault.create(
        settings_,
        "",
        controller="Butiken AB",
        zone=str(ZONE),
        simulated_clock=BEGINS,
    )
    working = {day: [["10:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    vault.register.add_site(SYSTEM, "butik", opening=working | {"sat": [], "sun": []})
    for code in CAMERAS:
        vault.register.add_camera(SYSTEM, code, drop=folder / "never" / code, site="butik")
    return vault


def _explore(
    make: Callable[[Path], Vault], folder: Path, *, acts: int, steps: int, part: int = 0
) -> None:
    """Run machines of up to ``steps`` steps each until they have done ``acts`` together.

    The same ones each time, unless CCTV_VAULT_SEED names others: what was green stays green, and
    whoever changes the core looks elsewhere as well.
    """
    elsewhere = os.environ.get("CCTV_VAULT_SEED", "")
    number = 0

    def machine() -> Core:
        nonlocal number
        number += 1
        mine = folder / str(number)
        mine.mkdir()
        return Core(make(mine), mine)

    began = Core.steps
    while (missing := acts - (Core.steps - began)) > 0:
        run_state_machine_as_test(
            seed(f"{elsewhere}/{part}/{number}")(machine),  # type: ignore[arg-type]  # makes one
            settings=settings(
                max_examples=-(-missing // steps),
                stateful_step_count=steps,
                deadline=None,
                database=None,
                phases=PHASES,
                suppress_health_check=list(HealthCheck),
            ),
        )


def test_the_core_and_a_model_of_plain_sets_agree_after_every_step(tmp_path: Path) -> None:
    """500 acts, each with all its comparisons; the long part goes on from there."""
    _explore(_copies(tmp_path), tmp_path, acts=500, steps=60)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", [1, 2, 3, 4, 5, 7])
def test_the_core_and_the_model_agree_for_longer(tmp_path: Path, part: int) -> None:
    """60 000 acts in six parts, each of about eight minutes of one core."""
    _explore(_copies(tmp_path), tmp_path, acts=10_000, steps=100, part=part)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_core_and_the_model_agree_on_postgresql(
    tmp_path: Path,
    postgres_server: Any,  # noqa: ANN401
) -> None:
    """1 300 acts in about three minutes, each vault in a database of its own."""

    def make(folder: Path) -> Vault:
        name = f"core_{secrets.token_hex(8)}"
        postgres_server.administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return _make(folder, postgres_server.url(name))

    _explore(make, tmp_path, acts=1_300, steps=100)


def _copies(folder: Path) -> Callable[[Path], Vault]:
    """Makes copies of one new vault, which is quicker than making new ones."""
    template = folder / "template"
    _make(template, None).close()

    def make(folder: Path) -> Vault:
        for name in ("home", "keys"):
            shutil.copytree(template / name, folder / name)
        return Vault.open(
            Settings(home=folder / "home", keys=folder / "keys", settle_s=0, reserve_bytes=0)
        )

    return make
