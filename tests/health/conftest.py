"""The shop, on either engine, and cameras that behave in known ways for months."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cctv_vault.health.habit import Delivery
from cctv_vault.health.rules import Facts

ZONE = ZoneInfo("Europe/Stockholm")
HOLIDAYS = {date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 5, 14)}

Deliveries = list[Delivery]


@pytest.fixture(scope="session")
def on_motion() -> Callable[..., Deliveries]:
    """A camera that records on motion, from 10 to 18, Sundays and holidays closed.

    People come in bunches: some hours nobody, in others many.
    """

    def deliver(start: date, days: int, *, an_hour: float = 6.0, seed: int = 1) -> Deliveries:
        chance = np.random.default_rng(seed)
        found = []
        for day in (start + timedelta(days=n) for n in range(days)):
            if day.weekday() == 6 or day in HOLIDAYS:
                continue
            for hour in range(10, 18):
                for _ in range(chance.poisson(an_hour * chance.gamma(1.5, 1 / 1.5))):
                    seconds = float(chance.uniform(0, 3600))
                    end = at(day, hour) + timedelta(seconds=seconds)
                    lag = 5 + float(chance.exponential(3))
                    found.append(Delivery(end + timedelta(seconds=lag), end, dated=True))
        return sorted(found)

    return deliver


@pytest.fixture(scope="session")
def steadily() -> Callable[..., Deliveries]:
    """A camera that sends a file every so often, day and night, a few seconds after its end."""

    def deliver(
        start: date, days: int, *, every: timedelta, seed: int = 1, lag_s: float = 4.0
    ) -> Deliveries:
        chance = np.random.default_rng(seed)
        found, end, last = [], at(start, 0), at(start + timedelta(days=days), 0)
        while (end := end + every) < last:
            lag = lag_s + float(chance.exponential(lag_s / 4))
            found.append(Delivery(end + timedelta(seconds=lag), end, dated=True))
        return found

    return deliver


@pytest.fixture(scope="session")
def facts_of() -> Callable[..., Facts]:
    """The facts of a camera of which nothing else is known."""

    def make(now: datetime, **known: object) -> Facts:
        blank: dict[str, object] = {
            "now": now,
            "zone": ZONE,
            "holiday": HOLIDAYS.__contains__,
            "habit": None,
            "last_arrival": None,
            "watched_since": now - timedelta(days=60),
            "unread": 0,
            "newest": (),
            "said": (),
            "looks": (),
            "earlier": lambda: (),
            "anchor": None,
            "drift_s": None,
            "clock_measured_at": None,
            "standing": {},
        }
        return Facts(**{**blank, **known})  # type: ignore[arg-type]

    return make


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZONE).astimezone(UTC)
