"""What a vault must keep, told as plainly as can be: sets, dates, and no keys at all.

Written from table A of docs/law.md and the design's words on purposes, grants and holds, not from
the product's code; where the two differ one of them is wrong. Nothing here calls the product.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Stockholm")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
UNMEASURED_S = 4500.0
ARRIVAL_DOUBT_S = 60.0
DRIFT_S_A_DAY = 10.0
"""What a clock that was measured may have moved since."""
SKEW_S = 5.0
DRIFTED_S = 300.0
"""How far a time of arrival and a drifting clock are at odds before they prove anything."""
CLOSED = frozenset(
    date.fromisoformat(day)
    for day in (
        *("2026-04-03", "2026-04-05", "2026-04-06", "2026-05-01", "2026-05-14", "2026-05-24"),
        *("2026-06-06", "2026-06-19", "2026-06-20", "2026-10-31", "2026-12-24", "2026-12-25"),
        *("2026-12-26", "2026-12-31", "2027-01-01", "2027-01-06", "2027-03-26", "2027-03-28"),
        *("2027-03-29", "2027-05-01", "2027-05-06", "2027-05-16", "2027-06-06"),
    )
)
"""Sweden's holidays, and the eves nobody works, from an almanac; the shop is closed at weekends."""
ALMANAC_ENDS = datetime(2027, 6, 1, tzinfo=UTC)

Why = frozenset[tuple[str, str | None, datetime | None]]
"""The answer to "why is this still here": purpose, hold, end."""


@dataclass(frozen=True)
class Window:
    """A camera's window; ``doubt_s`` is how unsure its clock was, at its worst while held."""

    camera: str
    starts_at: datetime
    ends_at: datetime
    doubt_s: float = 0.0


@dataclass
class Footage:
    """A still: when it was taken, how far off that may be, and the purpose it arrived under."""

    camera: str
    at: datetime
    doubt_s: float
    offset_s: float | None
    """What was taken off the camera's clock; None where arrival told the time."""
    purpose: str
    until: datetime


@dataclass
class Keeper:
    """A hold: what it wants, what it keeps, until when."""

    purpose: str
    windows: list[Window]
    until: datetime | None
    gagged: bool
    keeps: set[str] = field(default_factory=set)
    over: bool = False


@dataclass
class Model:
    """The whole vault."""

    now: datetime
    clocks: dict[str, tuple[float, float]]
    """For each camera its clock's offset and doubt, in seconds."""
    measured: dict[str, datetime] = field(default_factory=dict)
    footage: dict[str, Footage] = field(default_factory=dict)
    keepers: dict[str, Keeper] = field(default_factory=dict)
    destroyed: set[str] = field(default_factory=set)

    # --- telling --------------------------------------------------------------------------------

    def holds_now(self, hold: str) -> bool:
        keeper = self.keepers[hold]
        return not keeper.over and (keeper.until is None or self.now < keeper.until)

    def why(self, recording: str, *, cleared: bool = True) -> Why:
        item = self.footage[recording]
        found: set[tuple[str, str | None, datetime | None]] = set()
        if self.now < item.until:
            found.add((item.purpose, None, item.until))
        for hold, keeper in self.keepers.items():
            if (
                recording in keeper.keeps
                and self.holds_now(hold)
                and (cleared or not keeper.gagged)
            ):
                found.add((keeper.purpose, hold, keeper.until))
        return frozenset(found)

    def kept(self, *, cleared: bool = True) -> dict[str, Why]:
        return {each: why for each in self.footage if (why := self.why(each, cleared=cleared))}

    def wanted(self, recording: str) -> bool:
        """Whether a hold wants the time of a recording that, for all to see, is gone.

        One that is gagged counts where the vault has lost it, and not where that hold has it.
        """
        item, lost = self.footage[recording], not self.why(recording)
        return not self.why(recording, cleared=False) and any(
            self.holds_now(hold)
            and (lost or not keeper.gagged)
            and window.camera == item.camera
            and _near(window, item.at, window.doubt_s + item.doubt_s)
            for hold, keeper in self.keepers.items()
            for window in keeper.windows
        )

    def next_ends(self) -> list[datetime]:
        """When something that is kept now loses a purpose."""
        return sorted(
            {until for why in self.kept().values() for _, _, until in why if until is not None}
        )

    # --- footage --------------------------------------------------------------------------------

    def arrives(self, recording: str, camera: str, shown: datetime | None) -> str:
        """A new still; ``shown`` is what its name says. Returns ``sealed`` or ``late``."""
        offset, doubt = self.clocks[camera]
        true = None if shown is None else shown - timedelta(seconds=offset)
        if (since := self.measured.get(camera)) is not None:
            aged = doubt + DRIFT_S_A_DAY * ((self.now - since) / DAY)
            doubt = max(doubt, min(UNMEASURED_S, aged))
        hour = self._hour_of_doubt(camera, shown, true, doubt)
        if true is None or true > self.now:  # a time in the future counts as arrival
            doubt = max(ARRIVAL_DOUBT_S, doubt + hour) if hour else ARRIVAL_DOUBT_S
            item = Footage(camera, self.now, doubt, None, "prevention", self.now)
        else:
            item = Footage(camera, true, doubt + hour, offset, "prevention", true)
        item.until = prevention_ends(item.until)
        caught = [
            keeper
            for hold, keeper in self.keepers.items()
            if self.holds_now(hold) and self._matches(keeper.windows, item)
        ]
        if item.until <= self.now:
            item.until = self.now - HOUR  # no key was ever made for it
            if all(each.gagged for each in caught):
                item.purpose, item.until = "late-arrival", self.now + DAY
        self.footage[recording] = item
        for keeper in caught:
            keeper.keeps.add(recording)
        return "late" if item.purpose == "late-arrival" else "sealed"

    def _hour_of_doubt(
        self, camera: str, shown: datetime | None, true: datetime | None, doubt_s: float
    ) -> float:
        """3600 s for a recorder measured in the other half of the year; it may not have followed.

        It has where a still that came at once would otherwise be of the future, in summer, or
        came within half an hour of its time, in winter.
        """
        since = self.measured.get(camera)
        if shown is None or true is None or since is None:
            return 0.0
        summer, then = (each.astimezone(ZONE).dst() for each in (shown, since))
        if summer == then:
            return 0.0
        late = self.now - true
        slack = timedelta(seconds=SKEW_S + min(doubt_s, DRIFTED_S))
        followed = late + slack < HOUR if summer else -slack <= late <= HOUR / 2
        return 0.0 if followed else HOUR.total_seconds()

    def clock_measured(self, camera: str, offset_s: float, doubt_s: float) -> None:
        """A corrected clock may add recordings to a hold, never drop them."""
        self.clocks[camera] = (offset_s, doubt_s)
        self.measured[camera] = self.now
        for hold, keeper in self.keepers.items():
            if not self.holds_now(hold):
                continue
            keeper.windows = [
                replace(each, doubt_s=max(each.doubt_s, doubt_s)) if each.camera == camera else each
                for each in keeper.windows
            ]
            windows = [each for each in keeper.windows if each.camera == camera]
            self._grasp(keeper, windows, cleared=False)

    # --- holds ----------------------------------------------------------------------------------

    def places(
        self,
        hold: str,
        purpose: str,
        windows: list[Window],
        until: datetime | None,
        *,
        gagged: bool = False,
        cleared: bool = False,
    ) -> None:
        keeper = Keeper(purpose, self._widened(windows, []), until, gagged)
        self._grasp(keeper, keeper.windows, cleared=cleared)
        self.keepers[hold] = keeper

    def changes(self, hold: str, windows: list[Window], *, cleared: bool = False) -> None:
        """New windows: what they add is kept, what they no longer want is let go."""
        keeper = self.keepers[hold]
        before, keeper.windows = keeper.windows, self._widened(windows, keeper.windows)
        self._grasp(keeper, keeper.windows, cleared=cleared)
        narrowed = {each.camera for each in before if not _within(each, keeper.windows)}
        keeper.keeps = {
            each
            for each in keeper.keeps
            if self.footage[each].camera not in narrowed
            or self._matches(keeper.windows, self.footage[each], drift=True)
        }

    def releases(self, hold: str) -> None:
        self.keepers[hold].over = True

    def _widened(self, windows: list[Window], before: list[Window]) -> list[Window]:
        worst = {camera: doubt for camera, (_, doubt) in self.clocks.items()}
        for each in before:
            worst[each.camera] = max(worst[each.camera], each.doubt_s)
        return [replace(each, doubt_s=worst[each.camera]) for each in windows]

    def _grasp(self, keeper: Keeper, windows: list[Window], *, cleared: bool) -> None:
        """Keep what matches and is still there, as far as whoever acts may know of it."""
        keeper.keeps |= {
            each
            for each in self.kept(cleared=cleared or keeper.gagged)
            if self._matches(windows, self.footage[each], drift=True)
        }

    def _matches(self, windows: list[Window], item: Footage, *, drift: bool = False) -> bool:
        moved = 0.0
        if drift and item.offset_s is not None:
            moved = abs(self.clocks[item.camera][0] - item.offset_s)
        return any(
            each.camera == item.camera
            and _near(each, item.at, max(each.doubt_s, item.doubt_s) + moved)
            for each in windows
        )

    # --- the sweep ------------------------------------------------------------------------------

    def sweeps(self) -> set[str]:
        """What goes for good: every purpose over, and the quarter-hour of its key too."""
        gone = {
            each
            for each in self.footage
            if each not in self.destroyed
            and not self.why(each)
            and quarter_hour(self.footage[each].until) <= self.now
        }
        self.destroyed |= gone
        return gone


def prevention_ends(start: datetime) -> datetime:
    """72 hours, not before noon of the first working day after it, at most 120 hours."""
    day = start.astimezone(ZONE).date() + DAY
    while day.weekday() >= 5 or day in CLOSED:
        day += DAY
    noon = datetime.combine(day, time(12), ZONE).astimezone(UTC)
    return min(max(start + 72 * HOUR, noon), start + 120 * HOUR)


def quarter_hour(moment: datetime) -> datetime:
    """The quarter of an hour at or after a moment."""
    seconds = moment.timestamp()
    return datetime.fromtimestamp(-(-seconds // 900) * 900, UTC)


def _near(window: Window, at: datetime, slack_s: float) -> bool:
    slack = timedelta(seconds=slack_s)
    return window.starts_at - slack <= at < window.ends_at + slack


def _within(window: Window, others: list[Window]) -> bool:
    """Whether the others of its camera cover a window wholly."""
    reached = window.starts_at
    for other in sorted(others, key=lambda each: each.starts_at):
        if other.camera == window.camera and other.starts_at <= reached:
            reached = max(reached, other.ends_at)
    return reached >= window.ends_at
