"""A cron line in a time zone: its fire times, in UTC, whatever the zone does to its clocks.

cronsim reads the line and walks the wall clock; the zone is ours to apply. cronsim's own way with zones moves by whole
hours, which misses times where clocks are changed by half an hour.

As Debian's cron does it: an entry for a time of day (neither its minutes nor its hours begin with `*`) that clocks jump
over fires when they have jumped, and one whose time they show twice fires the first time. Other entries fire whenever
clocks show what they say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from pipeline.errors import UsageError


class Per(StrEnum):
    """The window of a budget, in the calendar of the zone. A week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_MINUTE = timedelta(minutes=1)
_SOME_DAY = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall clock has no zone


@dataclass(frozen=True, slots=True)
class Calendar:
    """Raises `UsageError` for what is no cron line, and for a time zone that is not known."""

    cron: str
    timezone: str

    def __post_init__(self) -> None:
        _refuse_wrong_cron(self.cron)
        _refuse_unknown_zone(self.timezone)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The fire times after a moment, in order."""
        last = moment
        for fire_time in self._in_order(self._wall_before(moment)):
            if fire_time > last:
                yield fire_time
                last = fire_time

    def next(self, moment: datetime) -> datetime | None:
        """The first one after a moment; None when there is none within fifty years."""
        return next(self.after(moment), None)

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def around_next_change(self, moment: datetime) -> tuple[datetime, ...]:
        """The last fire time of the two days before the zone changes its clocks next, if any, and the first after.

        Nothing where the zone never does, or no entry fires before it changes them back.
        """
        days = pairwise(moment + timedelta(days=count) for count in range(400))
        day = next((day for day, following in days if self._offset(day) != self._offset(following)), None)
        if day is None:
            return ()
        before: tuple[datetime, ...] = ()
        for fire_time in self.after(day - timedelta(days=1)):
            if self._offset(fire_time) != self._offset(day):
                return (*before, fire_time)
            if fire_time > day + timedelta(days=1):
                break
            before = (fire_time,)
        return ()

    def _offset(self, moment: datetime) -> timedelta | None:
        return self.local(moment).utcoffset()

    def window(self, per: Per, moment: datetime) -> tuple[datetime, datetime]:
        """The day, week or month of the zone that holds the moment: its beginning, and that of the next."""
        day = self.local(moment).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        if per is Per.DAY:
            first, last = day, day + timedelta(days=1)
        elif per is Per.WEEK:
            first = day - timedelta(days=day.weekday())
            last = first + timedelta(days=7)
        else:
            first = day.replace(day=1)
            last = (first + timedelta(days=31)).replace(day=1)
        return self._both(first)[0], self._both(last)[0]

    def _wall_before(self, moment: datetime) -> datetime:
        """What the clock on the wall shows, or showed before it was set back: what it will show again is to come."""
        wall = self.local(moment).replace(tzinfo=None)
        first, second = self._both(wall)
        return wall - max(second - first, timedelta())

    def _in_order(self, wall: datetime) -> Iterator[datetime]:
        """Fire times from where the wall clock shows `wall`. A second showing comes after all of the first ones."""
        again: deque[datetime] = deque()
        for shown in CronSim(self.cron, wall):
            first, *second = self._moments(shown) or (None,)
            if first is None:
                continue
            while again and again[0] <= first:
                yield again.popleft()
            yield first
            again.extend(second)
        yield from again

    def _moments(self, shown: datetime) -> tuple[datetime, ...]:
        """When the clock shows this and the entry fires: once as a rule, never or twice where clocks are changed."""
        first, second = self._both(shown)
        if first == second:
            return (first,)
        if first < second:
            return (first,) if self._is_for_a_time_of_day else (first, second)
        return (self._after_the_jump(shown),) if self._is_for_a_time_of_day else ()

    def _after_the_jump(self, shown: datetime) -> datetime:
        first, second = self._both(shown)
        while first > second:
            shown += _MINUTE
            first, second = self._both(shown)
        return first

    def _both(self, shown: datetime) -> tuple[datetime, datetime]:
        """The first and the second moment at which the clock shows this. In a jump the first is the later one."""
        first = shown.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        return first, shown.replace(tzinfo=self.zone, fold=1).astimezone(UTC)

    @property
    def _is_for_a_time_of_day(self) -> bool:
        minute, hour, *_ = self.cron.split()
        return not (minute.startswith("*") or hour.startswith("*"))


def _refuse_wrong_cron(cron: str) -> None:
    five = "minute, hour, day, month and weekday, such as `0 9 * * 1`"
    if len(cron.split()) != 5:
        raise UsageError(f"the cron line `{cron}` does not have five fields: {five}")
    try:
        comes = next(CronSim(cron, _SOME_DAY), None)
    except (CronSimError, ValueError, AssertionError) as wrong:
        why = str(wrong).removeprefix("Bad ") if isinstance(wrong, CronSimError) else ""
        raise UsageError(
            f"the cron line `{cron}` cannot be read{why and f': its {why} is wrong'}; it is {five}"
        ) from None
    if comes is None:
        raise UsageError(f"the cron line `{cron}` names a time that never comes")


def _refuse_unknown_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        near = get_close_matches(name, sorted(available_timezones()), n=1)
        hint = f"did you mean {near[0]}?" if near else "names are such as Europe/Berlin or UTC"
        raise UsageError(f"there is no time zone {name!r}: {hint}") from None
