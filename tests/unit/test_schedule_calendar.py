"""Fire times: three years of them, in zones that change their clocks by an hour, by half an hour, and never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import pytest

from pipeline.errors import UsageError
from pipeline.schedule import Calendar, Per
from tests.unit.wall_clock import DAYLIGHT_SAVING, END, START, Entry


@pytest.mark.parametrize("entry", DAYLIGHT_SAVING, ids=lambda entry: f"{entry.cron} {entry.zone}")
def test_three_years_are_as_the_wall_clock_shows_them(entry: Entry) -> None:
    walked = list(entry.three_years())
    assert list(takewhile(lambda time: time <= END, Calendar(entry.cron, entry.zone).after(START))) == walked
    assert len(walked) >= 24


CHANGES = ((3, 8), (3, 28), (4, 4), (9, 5), (10, 3), (10, 24), (11, 1))
"""Days on which one of the zones changes its clocks, or the day before."""


@pytest.mark.parametrize("entry", DAYLIGHT_SAVING, ids=lambda entry: f"{entry.cron} {entry.zone}")
def test_wherever_one_begins_the_next_is_the_same(entry: Entry) -> None:
    calendar = Calendar(entry.cron, entry.zone)
    for changes in (datetime(2026, *day, tzinfo=UTC) for day in CHANGES):
        walked = list(entry.walk(changes, changes + timedelta(days=2)))
        for minutes in range(0, 24 * 60, 50):
            moment = changes + timedelta(minutes=minutes, seconds=7)
            soonest = next((time for time in walked if time > moment), None)
            if soonest:
                assert calendar.next(moment) == soonest


def local(cron: str, zone: str, after: str, count: int = 3) -> list[str]:
    calendar = Calendar(cron, zone)
    times = islice(calendar.after(datetime.fromisoformat(after)), count)
    return [f"{calendar.local(time):%d %H:%M %z}" for time in times]


def test_a_time_that_is_jumped_over_fires_after_the_jump_once() -> None:
    fired = local("0,30 2 * * *", "Europe/Berlin", "2026-03-28T03:00+01:00")
    assert fired == ["29 03:00 +0200", "30 02:00 +0200", "30 02:30 +0200"]
    assert local("30 2 * * *", "Europe/Berlin", "2026-03-29T03:00+02:00", 1) == ["30 02:30 +0200"]


def test_a_time_that_is_shown_twice_fires_the_first_time() -> None:
    assert local("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2) == ["25 02:30 +0200", "26 02:30 +0100"]
    assert local("30 2 * * *", "Europe/Berlin", "2026-10-25T02:10+01:00", 1) == ["26 02:30 +0100"]


def test_every_half_hour_means_every_half_hour() -> None:
    fired = local("*/30 * * * *", "Europe/Berlin", "2026-10-25T02:15+02:00", 4)
    assert fired == ["25 02:30 +0200", "25 02:00 +0100", "25 02:30 +0100", "25 03:00 +0100"]
    fired = local("*/30 * * * *", "Europe/Berlin", "2026-03-29T01:15+01:00", 2)
    assert fired == ["29 01:30 +0100", "29 03:00 +0200"]


def test_a_day_that_begins_with_a_jump() -> None:
    assert local("0 0 * * *", "America/Santiago", "2026-09-05T12:00Z", 2) == ["06 01:00 -0300", "07 00:00 -0300"]


@pytest.mark.parametrize(
    ("cron", "zone", "says"),
    [
        ("0 9 * *", "UTC", "the cron line `0 9 * *` does not have five fields: minute, hour, day, month and weekday"),
        ("0 9 * * 1 *", "UTC", "does not have five fields"),
        ("", "UTC", "does not have five fields"),
        ("0 25 * * *", "UTC", "the cron line `0 25 * * *` cannot be read: its hour is wrong; it is minute, hour"),
        ("0 9 * * NEVER", "UTC", "its day-of-week is wrong"),
        ("0 9 30 2 *", "UTC", "its day-of-month is wrong"),
        ("0 9 30 2 ,", "UTC", "its day-of-week is wrong"),
        ("0 9 * * 1", "Europe/Berln", "there is no time zone 'Europe/Berln': did you mean Europe/Berlin?"),
        ("0 9 * * 1", "Berlin", "did you mean Europe/Berlin?"),
        ("0 9 * * 1", "../passwd", "there is no time zone '../passwd'"),
        ("0 9 * * 1", "", "there is no time zone ''"),
    ],
)
def test_what_is_no_cron_line_and_no_zone_is_said_in_a_line(cron: str, zone: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        Calendar(cron, zone)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("per", "first", "last"),
    [
        (Per.DAY, "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00"),
        (Per.WEEK, "2026-10-19T00:00+02:00", "2026-10-26T00:00+01:00"),
        (Per.MONTH, "2026-10-01T00:00+02:00", "2026-11-01T00:00+01:00"),
    ],
)
def test_a_window_is_a_day_a_week_or_a_month_of_the_zone(per: Per, first: str, last: str) -> None:
    window = Calendar("0 9 * * 1", "Europe/Berlin").window(per, datetime.fromisoformat("2026-10-25T22:30Z"))
    assert window == (datetime.fromisoformat(first), datetime.fromisoformat(last))
