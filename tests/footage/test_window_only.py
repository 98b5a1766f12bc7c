"""Window-only keeping: what the window needs is readable, what is outside is not, from any copy."""

import io
import itertools
import json
import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from cctv_vault.check import check_vault
from cctv_vault.custody.events import Event
from cctv_vault.disclosure.verification import verify_package
from cctv_vault.errors import ExpiredError
from cctv_vault.footage import derived
from cctv_vault.footage.clips import cut
from cctv_vault.footage.detail import sentences
from cctv_vault.footage.rules import Piece, Wanted, is_whole, pieces
from cctv_vault.media.errors import MediaCrashError
from cctv_vault.people.actors import Role
from cctv_vault.retention.holds import HoldOrder
from cctv_vault.retention.policies import default_policy_text
from cctv_vault.schema import Recording
from cctv_vault.vault import Vault
from cctv_vault.views import iso
from tests.disclosure.conftest import BODY
from tests.retention.test_destruction import Thief
from tests.shop import MANAGER, NOW, SYSTEM, film, open_shop, person, put, settings_of

OFFICER = person(Role.PRIVACY_OFFICER, name="Pia", cleared=True)
BEGAN = NOW.astimezone(UTC) - timedelta(hours=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WINDOW_POLICY = (
    default_policy_text()
    .replace("version = 1\n", "version = 2\n", 1)
    .replace('code = "incident"\n', 'code = "incident"\nkeep = "window"\n')
)


def ready(vault: Vault, *, policy: str = WINDOW_POLICY) -> Vault:
    """A vault whose incidents keep their window alone, with a measured clock at ``kassa``."""
    if policy:
        vault.publisher.publish(OFFICER, policy, vault.clock.now())
    vault.register.measure_clock(SYSTEM, "kassa", 0.0, 1.0, NOW)
    return vault


@pytest.fixture
def windowed(vault: Vault) -> Vault:
    """On both engines."""
    return ready(vault)


@pytest.fixture
def quick(quick_vault: Vault) -> Vault:
    """On SQLite alone."""
    return ready(quick_vault)


def taken_in(vault: Vault, drop: Path, data: bytes | None = None) -> str:
    """Thirty seconds of film from 07:00, a key frame in each picture."""
    path = put(drop, "20260302_070000.mp4", film(1, 30) if data is None else data)
    found = vault.ingest.offer(SYSTEM, path)
    assert found.outcome == "sealed", found.reason
    assert found.recording is not None
    return found.recording


def flagged(vault: Vault, start: float, end: float) -> str:
    """An incident from and to so many seconds into the film."""
    return vault.incidents.flag(
        MANAGER,
        cameras=["kassa"],
        starts_at=BEGAN + start * SECOND,
        ends_at=BEGAN + end * SECOND,
        title="stöld",
        category="theft",
    ).id


def later(vault: Vault, by: timedelta = 6 * DAY) -> Any:  # noqa: ANN401 - what a sweep reports
    """Let time pass, and sweep."""
    vault.set_clock(SYSTEM, vault.clock.now() + by)
    return vault.sweeper.run(MANAGER)


def there(vault: Vault, actor: Any = MANAGER) -> dict[str, tuple[float, float]]:  # noqa: ANN401
    """What can be opened: ids, with the seconds into the film they show."""
    found = {}
    for each in vault.catalogue.list(actor, cameras=("kassa",)):
        with vault.access.open_internal(each.id, cleared=actor.cleared) as reader:
            assert reader.read(1)
        begins, ends = ((x - BEGAN) / SECOND for x in (each.started_at, each.ended_at))
        found[each.id] = (round(begins, 1), round(ends, 1))
    return found


def row(vault: Vault, recording: str) -> Recording:
    with vault.database.read() as session:
        return session.get_one(Recording, recording)


def events(vault: Vault, subject: str) -> list[str]:
    return [each.event for each in vault.visible_entries(OFFICER, subject=subject)]


def pictures(vault: Vault, recording: str) -> int:
    """How many pictures a recording decodes to."""
    with vault.access.open_internal(recording) as reader:
        data = io.BytesIO(reader.read())
    with av.open(data, "r") as file:
        return len(list(file.decode(video=0)))


def test_when_the_base_purpose_ends_only_the_window_is_kept(windowed: Vault, drop: Path) -> None:
    whole = taken_in(windowed, drop)
    sha256 = row(windowed, whole).sha256
    incident = flagged(windowed, 10, 15)
    windowed.sweeper.run(MANAGER)
    assert there(windowed) == {whole: (0.0, 30.0)}  # prevention still keeps all of it

    report = later(windowed)
    assert whole in {each.recording for each in report.due}
    ((window, (begins, ends)),) = there(windowed).items()
    assert window != whole
    assert begins <= 9.0
    assert 16.0 <= ends < 30.0  # widened by the clock's uncertainty, like the hold itself
    assert 35 <= pictures(windowed, window) < 150
    with pytest.raises(ExpiredError):
        windowed.access.open_internal(whole, cleared=True)
    assert row(windowed, whole).state == "expired"

    entered = row(windowed, window).derived
    assert entered is not None
    assert (entered["original"], entered["original_sha256"]) == (whole, sha256.hex())
    assert entered["from"] < entered["to"]
    assert "PyAV" in entered["tool"]
    (entry,) = [
        each
        for each in windowed.visible_entries(OFFICER, subject=window)
        if each.event == Event.RECORDING_DERIVED
    ]
    assert dict(entry.facts) == entered
    windowed.log.verify()
    assert [each.purpose for each in windowed.catalogue.show(MANAGER, window).grants] == [
        "incident"
    ]
    assert windowed.incidents.show(MANAGER, incident).recordings == 1
    detail = windowed.catalogue.show(MANAGER, window)
    assert detail.derived == entered
    assert any(whole in line for line in sentences(detail))
    lane = windowed.catalogue.lane(MANAGER, camera="kassa", start=BEGAN, end=BEGAN + 30 * SECOND)
    assert [(each.derived, each.first) for each in lane.stretches if each.here] == [(True, window)]
    gaps = windowed.catalogue.gaps(MANAGER, cameras=["kassa"], start=BEGAN, end=BEGAN + 30 * SECOND)
    assert {each.cause for each in gaps} == {"expired"}

    assert later(windowed, HOUR).alarm is None
    assert list(there(windowed)) == [window]  # and is not cut again
    windowed.incidents.close(MANAGER, incident, "ingen anmälan")
    later(windowed, HOUR)
    assert there(windowed) == {}
    assert check_vault(windowed, deep=True).sound


def test_no_copy_of_the_home_opens_what_lies_outside_the_window(
    quick: Vault, drop: Path, tmp_path: Path
) -> None:
    whole = taken_in(quick, drop)
    flagged(quick, 10, 15)
    quick.database.scrub_free_pages()
    thief = Thief(quick, Path(shutil.copytree(tmp_path / "home", tmp_path / "copy")))  # type: ignore[arg-type]
    assert thief.open(whole)
    later(quick)
    thief = Thief(quick, tmp_path / "copy")  # type: ignore[arg-type] # with the keys of today
    assert thief.open(whole) is None
    assert len(there(quick)) == 1


def test_shipped_the_policy_keeps_whole_recordings(quick_vault: Vault, drop: Path) -> None:
    vault = ready(quick_vault, policy="")
    whole = taken_in(vault, drop)
    flagged(vault, 10, 15)
    later(vault)
    assert there(vault) == {whole: (0.0, 30.0)}


def test_two_windows_are_two_recordings_each_with_its_own_purpose(
    windowed: Vault, drop: Path
) -> None:
    taken_in(windowed, drop)
    first, second = flagged(windowed, 4, 6), flagged(windowed, 24, 26)
    later(windowed)
    early, late = sorted(there(windowed).values())
    assert early[1] < late[0]
    windowed.incidents.close(MANAGER, first, "klart")
    later(windowed, HOUR)
    assert list(there(windowed).values()) == [late]
    windowed.incidents.close(MANAGER, second, "klart")
    assert there(windowed) == {}


def test_what_another_purpose_keeps_stays_whole_until_that_has_ended(
    quick: Vault, drop: Path
) -> None:
    whole = taken_in(quick, drop)
    flagged(quick, 10, 15)
    claim = quick.holds.place_as(
        OFFICER,
        HoldOrder(purpose="claim", windows=(("kassa", BEGAN, BEGAN + SECOND),), reason="krav"),
    )
    later(quick)
    assert list(there(quick)) == [whole]
    quick.holds.release_as(OFFICER, claim.id, "avslutat")
    later(quick, HOUR)
    ((window, (begins, _)),) = there(quick).items()
    assert window != whole
    assert begins > 5


def test_a_gagged_hold_keeps_the_whole_and_nobody_else_can_tell(quick: Vault, drop: Path) -> None:
    whole = taken_in(quick, drop)
    flagged(quick, 10, 15)
    order = HoldOrder(
        purpose="preservation-order",
        windows=(("kassa", BEGAN, BEGAN + 30 * SECOND),),
        reason="beslut",
        until=NOW + 60 * DAY,
        decided_at=NOW,
        gagged=True,
    )
    quick.holds.place_as(OFFICER, order)
    later(quick)
    ((window, _),) = there(quick, MANAGER).items()
    assert window != whole
    assert set(there(quick, OFFICER)) == {window, whole}
    with pytest.raises(ExpiredError):
        quick.access.open_internal(whole)


def test_what_cannot_be_cut_is_kept_whole_said_and_tried_again(
    windowed: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = taken_in(windowed, drop)
    flagged(windowed, 10, 15)
    calls = []

    def fails(*_: object, **__: object) -> None:
        calls.append(1)
        raise MediaCrashError("signal 11")

    with monkeypatch.context() as broken:
        broken.setattr(derived, "cut", fails)
        report = later(windowed)
        assert whole in (report.alarm or "")
        assert list(there(windowed)) == [whole]
        assert Event.RECORDING_KEPT_WHOLE in events(windowed, whole)
        assert whole in (later(windowed, HOUR).alarm or "")
        assert len(calls) == 1  # not every five minutes
    assert later(windowed, 2 * DAY).alarm is None
    assert whole not in there(windowed)
    assert len(there(windowed)) == 1


@pytest.mark.parametrize("step", ["_cut", "_enter"])
def test_cut_short_anywhere_nothing_is_lost_and_the_next_start_goes_on(
    tmp_path: Path, drop: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    vault = ready(open_shop(tmp_path))
    whole = taken_in(vault, drop)
    flagged(vault, 10, 15)
    real: Callable[..., None] = getattr(derived.Narrowing, step)

    def dies(self: derived.Narrowing, *args: Any) -> None:  # noqa: ANN401
        real(self, *args)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(derived.Narrowing, step, dies)
        dying.setattr(derived.Narrowing, "_discard", lambda *_: None)  # as a dead process would
        with pytest.raises(KeyboardInterrupt):
            later(vault)
    assert list(there(vault)) == [whole]
    vault.close()
    vault = Vault.open(settings_of(tmp_path))
    assert list(there(vault)) == [whole]
    blobs = {path.parent.name for path in (tmp_path / "home" / "blobs").rglob("original*")}
    assert blobs == {whole}
    vault.sweeper.run(MANAGER)
    assert len(there(vault)) == 1
    assert whole not in there(vault)
    vault.close()


def test_a_hold_placed_while_it_is_cut_stops_the_narrowing(
    quick: Vault, drop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = taken_in(quick, drop)
    flagged(quick, 10, 15)
    real = cut

    def slowly(*args: Any, **named: Any) -> Any:  # noqa: ANN401
        clip = real(*args, **named)
        flagged(quick, 20, 25)
        return clip

    with monkeypatch.context() as slow:
        slow.setattr(derived, "cut", slowly)
        later(quick)
    assert list(there(quick)) == [whole]
    later(quick, HOUR)
    assert len(there(quick)) == 2


def long_gop(seconds: int, every: int) -> bytes:
    """A film at five pictures a second with a key frame every so many pictures."""
    out = io.BytesIO()
    options = {"x264-params": f"keyint={every}:min-keyint={every}:scenecut=0:bframes=0"}
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=5, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(seconds * 5):
            pixels = np.full((48, 64, 3), index, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return out.getvalue()


def test_the_window_reaches_back_to_the_key_frame_it_needs(quick: Vault, drop: Path) -> None:
    taken_in(quick, drop, long_gop(30, 25))
    flagged(quick, 13, 15)
    later(quick)
    ((window, (begins, _)),) = there(quick).items()
    assert begins == 10.0
    assert pictures(quick, window) >= 25


def test_where_the_key_frame_is_the_first_and_the_window_reaches_the_end_the_whole_is_needed(
    quick: Vault, drop: Path
) -> None:
    whole = taken_in(quick, drop, long_gop(20, 1000))
    flagged(quick, 15, 30)
    assert later(quick).alarm is None
    assert list(there(quick)) == [whole]
    later(quick, 2 * DAY)
    assert events(quick, whole).count(Event.RECORDING_KEPT_WHOLE) == 1


def test_a_later_policy_narrows_at_once_and_none_keeps_more_again(
    quick_vault: Vault, drop: Path
) -> None:
    vault = ready(quick_vault, policy="")
    taken_in(vault, drop)
    flagged(vault, 10, 15)
    vault.publisher.publish(OFFICER, WINDOW_POLICY, vault.clock.now())
    vault.set_clock(SYSTEM, NOW + HOUR)
    again = default_policy_text().replace("version = 1\n", "version = 3\n", 1)
    vault.publisher.publish(OFFICER, again, vault.clock.now())
    later(vault)
    ((_, (begins, ends)),) = there(vault).items()
    assert ends - begins < 20


def test_a_package_says_that_it_is_derived_and_that_the_original_is_gone(
    quick: Vault, drop: Path, tmp_path: Path
) -> None:
    whole = taken_in(quick, drop)
    sha256 = row(quick, whole).sha256.hex()
    flagged(quick, 10, 15)
    later(quick)
    (window,) = there(quick)
    handler = person(Role.MANAGER, name="Maja")
    asked = [{"cameras": ["kassa"], "from": iso(BEGAN), "to": iso(BEGAN + 30 * SECOND)}]
    request = quick.requests.file(handler, BODY | {"footage": asked}).id
    quick.requests.verify(handler, request, "call-back", "växeln 114 14")
    quick.requests.assess(handler, request, "Anmäld stöld.", "Allt behövs.")
    quick.requests.decide(OFFICER, request, approve=True, reason="Behövs.")
    file = tmp_path / "package.zip"
    quick.requests.prepare(handler, request, file)
    assert verify_package(file, allow_simulated=True).sound
    with zipfile.ZipFile(file) as archive:
        name = next(each for each in archive.namelist() if each.endswith("/record.json"))
        record = json.loads(archive.read(name))
    (recording,) = record["recordings"]
    assert recording["id"] == window
    assert recording["derived"]["original_sha256"] == sha256
    assert {each["cause"] for each in record["gaps"]} == {"expired"}


MOMENTS = st.integers(0, 60).map(lambda each: BEGAN + each * SECOND)


@given(
    wanted=st.lists(
        st.builds(
            lambda hold, one, two, slack: Wanted(hold, min(one, two), max(one, two), slack),
            *(st.sampled_from("ABC"), MOMENTS, MOMENTS, st.sampled_from([0.0, 2.0, 90.0])),
        ),
        max_size=5,
    ),
    slack_s=st.sampled_from([0.0, 1.0]),
)
def test_pieces_hold_all_of_every_window_and_nothing_else(
    wanted: list[Wanted], slack_s: float
) -> None:
    end = BEGAN + 40 * SECOND
    found = pieces(wanted, starts_at=BEGAN, ends_at=end, slack_s=slack_s)
    assert all(one.ends_at < two.starts_at for one, two in itertools.pairwise(found))

    def holds_at(moment: datetime) -> set[str]:
        return {
            each.hold
            for each in wanted
            for slack in (max(each.widened_s, slack_s) * SECOND,)
            if each.starts_at - slack <= moment < each.ends_at + slack
        }

    for half in range(80):
        moment = BEGAN + half * SECOND / 2
        inside = [each for each in found if each.starts_at <= moment < each.ends_at]
        assert bool(inside) == bool(holds_at(moment))
        assert not inside or holds_at(moment) <= set(inside[0].holds)
    assert is_whole((Piece(BEGAN, end, ("A",)),), starts_at=BEGAN, ends_at=end)


def test_a_narrowed_recording_offered_again_is_known_and_not_taken_in(
    quick: Vault, drop: Path
) -> None:
    taken_in(quick, drop)
    flagged(quick, 10, 15)
    later(quick)
    path = put(drop, "20260302_070000.mp4", film(1, 30))
    assert quick.ingest.offer(SYSTEM, path).outcome == "expired"
    with quick.database.read() as session:
        rows = session.exec(select(Recording).where(col(Recording.camera_code) == "kassa")).all()
    assert len(rows) == 2


def test_a_dry_run_tells_which_windows_would_stay_and_cuts_nothing(
    quick: Vault, drop: Path
) -> None:
    whole = taken_in(quick, drop)
    incident = flagged(quick, 10, 15)
    hold = quick.incidents.show(MANAGER, incident).hold_id
    assert quick.sweeper.run(MANAGER, dry_run=True).narrowed == ()  # prevention still keeps it all

    quick.set_clock(SYSTEM, quick.clock.now() + 6 * DAY)
    told = quick.sweeper.run(MANAGER, dry_run=True).narrowed
    assert [(each.recording, each.camera, each.holds) for each in told] == [
        (whole, "kassa", (hold,))
    ]
    ((begins, ends),) = told[0].windows
    assert begins <= BEGAN + 10 * SECOND
    assert BEGAN + 15 * SECOND <= ends < BEGAN + 30 * SECOND
    assert there(quick) == {whole: (0.0, 30.0)}

    quick.sweeper.run(MANAGER)
    assert quick.sweeper.run(MANAGER, dry_run=True).narrowed == ()


def test_a_dry_run_keeps_quiet_of_a_window_kept_for_a_suspicion_against_staff(
    quick: Vault, drop: Path
) -> None:
    whole = taken_in(quick, drop)
    suspicion = quick.incidents.flag(
        OFFICER,
        cameras=["kassa"],
        starts_at=BEGAN + 10 * SECOND,
        ends_at=BEGAN + 15 * SECOND,
        title="kassadifferens",
        category="employee-crime",
    )
    quick.incidents.confirm(person(Role.APPROVER, name="Bo"), suspicion.id, "sedd av två")
    quick.set_clock(SYSTEM, quick.clock.now() + 6 * DAY)
    assert quick.sweeper.run(MANAGER, dry_run=True).narrowed == ()
    told = quick.sweeper.run(OFFICER, dry_run=True).narrowed
    assert [each.recording for each in told] == [whole]
