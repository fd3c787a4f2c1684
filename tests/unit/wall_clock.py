"""An oracle for fire times that shares nothing with the product: it walks through time and looks at the wall clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

STEP = timedelta(minutes=15)
"""Every entry here, and every change of a zone's clocks, is at a multiple of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A cron line, and what it means."""

    cron: str
    zone: str
    shows: Callable[[datetime], bool]
    """Whether it fires when the clock shows this."""
    for_a_time_of_day: bool

    def three_years(self) -> tuple[datetime, ...]:
        """Fire times after `START`, up to `END`."""
        return _three_years(self)

    def walk(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Fire times after `start`, up to `end`."""
        zone, moment = ZoneInfo(self.zone), start
        before = moment.astimezone(zone)
        while (moment := moment + STEP) <= end:
            now = moment.astimezone(zone)
            if self._fires(before.replace(tzinfo=None), now.replace(tzinfo=None), now.fold):
                yield moment
            before = now

    def _fires(self, before: datetime, now: datetime, fold: int) -> bool:
        """When the clock went from `before` to `now` within a quarter of an hour."""
        if not self.for_a_time_of_day:
            return self.shows(now)
        jumped_over = (before + STEP * count for count in range(1, max(1, (now - before) // STEP)))
        return not fold and (self.shows(now) or any(map(self.shows, jumped_over)))


DAYLIGHT_SAVING = (
    Entry("30 2 * * *", "Europe/Berlin", lambda t: (t.hour, t.minute) == (2, 30), True),
    Entry("0 9 * * 1", "Europe/Berlin", lambda t: (t.weekday(), t.hour, t.minute) == (0, 9, 0), True),
    Entry("*/15 1-2 * * *", "America/New_York", lambda t: t.hour in {1, 2}, False),
    Entry(
        "15 1,2,3 * * 0",
        "America/New_York",
        lambda t: t.weekday() == 6 and t.hour in {1, 2, 3} and t.minute == 15,
        True,
    ),
    Entry("0 0 1,15 * *", "America/Santiago", lambda t: t.day in {1, 15} and (t.hour, t.minute) == (0, 0), True),
    Entry("0 0 * * *", "America/Santiago", lambda t: (t.hour, t.minute) == (0, 0), True),
    Entry("*/30 */2 * * *", "Australia/Lord_Howe", lambda t: t.hour % 2 == 0 and t.minute % 30 == 0, False),
    Entry("15 2 * * *", "Australia/Lord_Howe", lambda t: (t.hour, t.minute) == (2, 15), True),
    Entry("0 */6 * * *", "Asia/Kolkata", lambda t: t.hour % 6 == 0 and t.minute == 0, False),
    Entry("45 * 29 2 *", "UTC", lambda t: (t.month, t.day, t.minute) == (2, 29, 45), False),
)
THREE_ZONES = tuple(DAYLIGHT_SAVING[number] for number in (0, 2, 8))
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2029, 1, 1, tzinfo=UTC)


@cache
def _three_years(entry: Entry) -> tuple[datetime, ...]:
    return tuple(entry.walk(START, END))
