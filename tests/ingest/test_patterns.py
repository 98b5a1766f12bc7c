"""A site's own way of naming files: what it may say, what it reads, and that it always ends."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctv_vault.custody.events import Event
from cctv_vault.errors import AccessDeniedError, InvalidInputError, NotFoundError
from cctv_vault.ingest.conventions import CONVENTIONS, NameReading, read_name
from cctv_vault.ingest.patterns import translate
from cctv_vault.people.actors import Role
from cctv_vault.vault import Vault
from tests.shop import SYSTEM, film, person, put

DAY = "{Y}{M}{D}_{h}{m}{s}"


def _local(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - the camera's own time


def _read(pattern: str, name: str) -> NameReading:
    reading = read_name(name, pattern)
    assert reading is not None, (pattern, name)
    return reading


@pytest.mark.parametrize(
    ("pattern", "name", "says"),
    [
        ("{camera}_" + DAY + ".mp4", "drop/till_1_20260302_074500.MP4",
         ("till_1", None, None, _local(2026, 3, 2, 7, 45), None)),
        ("{camera}/{Y}/{M}/{D}/{h}-{m}-{s}.{*}", "x/Gången/2026/03/02/07-45-00.ts",
         ("Gången", None, None, _local(2026, 3, 2, 7, 45), None)),
        ("CH{channel} {D?}.{M?}.{Y} {h?}.{m}.{s}{ampm} {event}.avi",
         "CH12 2.3.2026 7.45.00pm rörelse.avi",
         (None, "12", "rörelse", _local(2026, 3, 2, 19, 45), None)),
        (DAY + "-{end.h}{end.m}{end.s}.mkv", "20260302_235950-000010.mkv",
         (None, None, None, _local(2026, 3, 2, 23, 59, 50), _local(2026, 3, 3, 0, 0, 10))),
        (DAY + ".{f}+{length}s.mp4", "20260302_074500.250+60s.mp4",
         (None, None, None, _local(2026, 3, 2, 7, 45, 0, 250_000),
         _local(2026, 3, 2, 7, 46, 0, 250_000))),
        ("utc:{camera}({*})" + DAY + "Z.mp4", "kassa(x.y)20260302_064500Z.mp4",
         ("kassa", None, None, datetime(2026, 3, 2, 6, 45, tzinfo=UTC), None)),
        ("{camera}-{epoch}.mp4", "kassa-1772433900.mp4",
         ("kassa", None, None, datetime(2026, 3, 2, 6, 45, tzinfo=UTC), None)),
    ],
)  # fmt: skip
def test_a_pattern_reads_what_its_fields_say(
    pattern: str, name: str, says: tuple[str | None, str | None, str | None, datetime, datetime]
) -> None:
    reading = _read(pattern, name)

    assert says == (
        reading.camera_label,
        reading.channel,
        reading.event,
        reading.started,
        reading.ended,
    )
    assert reading.convention == "own pattern"


@pytest.mark.parametrize(
    "name",
    [
        "till_20260302_074500.mp4x", "20260302_074500.mp4", "_20260302_074500.mp4",
        "till_20261302_074500.mp4", "till/x/20260302_074500.mp4", "till_2026-03-02_074500.mp4", "",
    ],
)  # fmt: skip
def test_what_a_pattern_does_not_match_is_not_read_by_anything_else(name: str) -> None:
    assert read_name(name, "{camera}_" + DAY + ".mp4") is None


def test_what_stands_outside_braces_means_itself() -> None:
    assert read_name("a+b_20260302_074500.mp4", ".+_" + DAY + ".mp4") is None
    assert _read("a.(b)*_" + DAY + ".mp4", "a.(b)*_20260302_074500.mp4").started is not None


@pytest.mark.parametrize(
    ("pattern", "because"),
    [
        ("{camera}.mp4", "must tell the time"),
        ("{Y}{M}{D}.mp4", "must tell the time"),
        ("{camera}{event}_" + DAY, "something fixed between"),
        ("{camera}_{event}_{*}_" + DAY, "at most 2"),
        (DAY + "{h}", "stands twice"),
        (DAY + "{D?}", "stands twice"),
        (DAY + "{hour}", "no field {hour}"),
        (DAY + "{end.channel}", "no field"),
        (DAY + "{", "needs its }"),
        (DAY + "}.mp4", "needs its }"),
        ("{{Y}}" + DAY, "needs its }"),
        ("/" + DAY, "names a file"),
        ("a//" + DAY, "names a file"),
        (DAY + "/", "names a file"),
        ("utc:", "1 to 200"),
        ("x" * 200 + DAY, "1 to 200"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(pattern: str, because: str) -> None:
    with pytest.raises(InvalidInputError, match=because):
        translate(pattern)


_FIELDS = ["{camera}", "{event}", "{*}", "{channel}", "{f}", "{length}", "{h?}", "a", "1", "_", "/"]


@given(
    st.lists(st.sampled_from(_FIELDS), max_size=30), st.sampled_from(["a", "1", "a1", "1_", "/"])
)
def test_no_name_keeps_a_pattern_busy(parts: list[str], repeated: str) -> None:
    """A pattern that backtracked without bound would never come back from these."""
    text = "".join(parts) + "{epoch}z"
    try:
        translate(text)
    except InvalidInputError:
        return
    for length in (50, 4000):
        read_name(repeated * length, text)
        read_name(repeated * length + "1772433900", text)


def test_a_pattern_that_says_what_a_known_convention_says_reads_the_same() -> None:
    known = next(each for each in CONVENTIONS if each.name == "reolink-ftp").example

    own = _read("{camera}_{channel}_{Y}{M}{D}{h}{m}{s}.mp4", known)

    theirs = _read("auto", known)
    assert (own.camera_label, own.channel, own.started) == (
        theirs.camera_label,
        theirs.channel,
        theirs.started,
    )


# --- a camera's own ----------------------------------------------------------------------------

ODD = "K{channel}-{s}.{m}.{h}-{D}.{M}.{Y}.mp4"


def test_a_cameras_own_pattern_dates_what_arrives_from_then_on(vault: Vault, drop: Path) -> None:
    before = vault.ingest.offer(SYSTEM, put(drop, "K1-00.45.07-02.03.2026.mp4", film(1, 1.0)))

    vault.register.set_convention(SYSTEM, "kassa", ODD)
    after = vault.ingest.offer(SYSTEM, put(drop, "K1-00.46.07-02.03.2026.mp4", film(2, 1.0)))

    sources = [
        vault.catalogue.show(person(Role.MANAGER), str(each.recording)) for each in (before, after)
    ]
    assert [each.time_source for each in sources] == ["arrival", "name"]
    assert sources[1].started_at == datetime(2026, 3, 2, 6, 46, tzinfo=UTC)
    (entry,) = vault.log.entries(event=Event.CAMERA_NAMING_CHANGED)
    assert entry.facts == {"convention": "own pattern"}
    assert not vault.log.verify().findings


def test_trying_a_pattern_tells_what_names_say_and_changes_nothing(quick_vault: Vault) -> None:
    size = quick_vault.log.size()

    read, future, unread = quick_vault.register.read_names(
        SYSTEM,
        "kassa",
        ["K1-00.45.07-02.03.2026.mp4", "K1-00.45.07-02.03.2036.mp4", "K1.mp4"],
        ODD,
    )

    assert (read.convention, read.channel) == ("own pattern", "1")
    assert read.started_at == datetime(2026, 3, 2, 6, 45, tzinfo=UTC)
    assert future.started_at is None
    assert "after the arrival" in future.notes[0]
    assert (unread.convention, unread.started_at) == ("", None)
    assert quick_vault.register.camera(SYSTEM, "kassa").convention == "auto"
    assert quick_vault.log.size() == size


def test_a_pattern_is_set_by_whoever_sets_up_and_only_where_it_can_be_used(
    quick_vault: Vault,
) -> None:
    register = quick_vault.register
    with pytest.raises(AccessDeniedError):
        register.set_convention(person(Role.MANAGER), "kassa", ODD)
    with pytest.raises(InvalidInputError):
        register.set_convention(SYSTEM, "kassa", "{camera}.mp4")
    with pytest.raises(InvalidInputError):
        register.set_convention(SYSTEM, "kassa", "no such")
    with pytest.raises(NotFoundError):
        register.set_convention(SYSTEM, "lager", "auto")
    with pytest.raises(InvalidInputError):
        register.read_names(SYSTEM, "kassa", ["x"] * 101)

    assert register.camera(SYSTEM, "kassa").convention == "auto"


def test_a_camera_may_be_added_with_a_pattern_of_its_own(quick_vault: Vault) -> None:
    folder = quick_vault.settings.home.parent / "drop" / "lager"

    added = quick_vault.register.add_camera(SYSTEM, "lager", drop=folder, convention=ODD)

    assert added.convention == ODD
