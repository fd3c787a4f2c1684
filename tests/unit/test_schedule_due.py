"""What is made of fire times: on time, after an outage, after a step of the clock."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.schedule import CatchUp, Due, Rules, due
from pipeline.schedule.due import MOST
from tests.unit.wall_clock import END, START, THREE_ZONES, Entry

HOURLY = datetime(2026, 11, 30, 9, tzinfo=UTC)


def look(catch_up: CatchUp, hours: float, *, late: float = 0.0, **said: object) -> Due:
    """At an entry of every full hour, so many hours after its last look, and `late` seconds after the last hour."""
    rules = Rules(cron="0 * * * *", catch_up=catch_up, **said)  # type: ignore[arg-type]
    return due(rules, HOURLY, HOURLY + timedelta(hours=hours, seconds=late))


def hours(times: tuple[datetime, ...]) -> list[int]:
    return [int((time - HOURLY) / timedelta(hours=1)) for time in times]


@pytest.mark.parametrize("catch_up", CatchUp)
def test_on_time_it_is_kept_whatever_the_policy(catch_up: CatchUp) -> None:
    found = look(catch_up, 1, late=59)
    assert (hours(found.kept), found.missed) == ([1], ())
    assert found.until == HOURLY + timedelta(hours=1, seconds=59)


@pytest.mark.parametrize("catch_up", CatchUp)
def test_between_two_of_them_there_is_nothing_to_do(catch_up: CatchUp) -> None:
    found = look(catch_up, 0.5)
    assert (found.kept, found.missed) == ((), ())


@pytest.mark.parametrize(
    ("catch_up", "said", "missed", "kept"),
    [
        (CatchUp.SKIP, {}, [1, 2, 3, 4, 5], []),
        (CatchUp.LATEST, {}, [1, 2, 3, 4], [5]),
        (CatchUp.ALL, {}, [], [1, 2, 3, 4, 5]),
        (CatchUp.ALL, {"at_most": 2}, [1, 2, 3], [4, 5]),
        (CatchUp.ALL, {"within": timedelta(hours=3)}, [1, 2], [3, 4, 5]),
        (CatchUp.ALL, {"within": timedelta(minutes=10)}, [1, 2, 3, 4, 5], []),
    ],
)
def test_after_an_outage(catch_up: CatchUp, said: dict[str, object], missed: list[int], kept: list[int]) -> None:
    found = look(catch_up, 5.5, **said)
    assert (hours(found.missed), hours(found.kept)) == (missed, kept)


def test_the_latest_stands_for_all_before_it_even_if_it_is_on_time() -> None:
    found = look(CatchUp.LATEST, 5, late=1)
    assert (hours(found.missed), hours(found.kept)) == ([1, 2, 3, 4], [5])


def test_a_clock_that_is_set_back_fires_nothing_again() -> None:
    found = look(CatchUp.ALL, -3)
    assert (found.kept, found.missed, found.until) == ((), (), HOURLY)


@pytest.mark.parametrize("catch_up", CatchUp)
def test_a_year_of_minutes_is_looked_at_in_bounded_pages(catch_up: CatchUp) -> None:
    rules = Rules(cron="* * * * *", catch_up=catch_up, at_most=3)
    since, now = HOURLY, HOURLY + timedelta(days=10, seconds=90)
    pages = []
    while since < now:
        pages.append(due(rules, since, now))
        since = pages[-1].until
    assert max(len(page.missed) for page in pages) <= MOST + 100
    assert sum(len(page.missed) + len(page.kept) for page in pages) == 14_401
    assert len(pages[-1].kept) == {CatchUp.SKIP: 1, CatchUp.LATEST: 1, CatchUp.ALL: 4}[catch_up]
    assert [page.kept for page in pages[:-1]] == [()] * (len(pages) - 1)


def moments(rng: random.Random) -> list[datetime]:
    """When beats look: often, with outages of up to three weeks and clocks that are set back by up to five hours."""
    now, looks = START, []
    while now < END:
        now += timedelta(seconds=rng.choice([1, 60, 900, 40_000, 300_000, rng.random() * 2e6, -rng.random() * 18_000]))
        looks.append(min(now, END))
    return looks


@pytest.mark.parametrize("catch_up", CatchUp)
@pytest.mark.parametrize("entry", THREE_ZONES, ids=lambda entry: f"{entry.cron} {entry.zone}")
def test_in_three_years_every_fire_time_is_settled_once(entry: Entry, catch_up: CatchUp) -> None:
    rules = Rules(cron=entry.cron, timezone=entry.zone, catch_up=catch_up, within=timedelta(days=2), at_most=5)
    settled: Counter[datetime] = Counter()
    since = START
    for now in moments(random.Random(entry.cron)):
        for _beat in range(2):
            found = due(rules, since, now)
            settled.update(found.missed + found.kept)
            since = found.until
    while since < END:
        found = due(rules, since, END)
        settled.update(found.missed + found.kept)
        since = found.until
    assert settled == Counter(entry.three_years())
