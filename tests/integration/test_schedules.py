"""Schedules on a real Postgres: each fire time makes one batch, or says why none, whoever looks at it and when."""

from __future__ import annotations

import random
import threading
from bisect import bisect_left, bisect_right
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipeline import fire
from pipeline.action import Action
from pipeline.errors import UsageError
from pipeline.inputs import Picture
from pipeline.schedule import CatchUp, FireOutcome, Overlap, Per, Rules
from pipeline.store import accounts, batches, fires, pictures, schedule_contents, schedules
from pipeline.store.engine import Store
from pipeline.store.schedule_contents import Content
from pipeline.store.schedules import Schedule
from pipeline.terms import Terms
from pipeline.worker.app import Doorbell
from pipeline.worker.firing import Firing
from tests.integration.conftest import World
from tests.unit.wall_clock import END, START, THREE_ZONES

NINE = datetime(2026, 11, 30, 9, tzinfo=UTC)
MANIFEST = b"key,prompt\nfox-{{ date }},a fox in {{ month }}\n"


def content(name: str = "hourly", cron: str = "0 * * * *", terms: Terms | None = None, **said: Any) -> Content:
    return Content(
        name=name,
        rules=Rules(cron=cron, **said),
        filename="m.csv",
        manifest=MANIFEST,
        lint=True,
        deliver=True,
        terms=terms or Terms(),
        pictures={},
    )


class Clock:
    """Beats that look at the schedules of an account at moments that the test chooses."""

    def __init__(self, store: Store, account: str = "acme") -> None:
        self.store, self.account = store, account

    def add(self, added: Content, since: datetime = NINE) -> Schedule:
        with self.store.begin() as tx:
            account_id = accounts.register(tx, name=self.account, base_url="http://a", max_running=3, max_queued=10)
            schedule_contents.add(tx, account_id, added)
            schedule = schedules.find(tx, self.account, added.name)
            tx.run(
                "UPDATE schedules SET settled_until = :since, next_fire_at = :next WHERE id = :id",
                since=since,
                next=added.rules.calendar.next(since),
                id=schedule.id,
            )
            return schedules.find(tx, self.account, added.name)

    def look(self, now: datetime) -> list[int]:
        """What one beat does: the batches that it made."""
        with self.store.begin() as tx:
            due = schedules.due(tx, self.account, now=now)
        made: list[int] = []
        for schedule_id in due:
            with self.store.begin() as tx:
                made += fire.settle(tx, schedule_id, now=now)
        return made

    def at(self, hours: float) -> list[str]:
        """So many hours after nine: the names of the batches that are made."""
        made = self.look(NINE + timedelta(hours=hours))
        with self.store.begin() as tx:
            return [batch.name for batch in batches.by_ids(tx, made)]

    def outcomes(self, schedule: Schedule) -> list[tuple[int, str, str | None]]:
        """Hours after nine, outcome and reason; oldest first."""
        with self.store.begin() as tx:
            found = fires.newest(tx, schedule.id, 100)
        return [((one.fire_at - NINE) // timedelta(hours=1), one.outcome, one.reason) for one in reversed(found)]


@pytest.fixture
def clock(store: Store) -> Clock:
    return Clock(store)


def is_over(store: Store, batch: str) -> None:
    """Its only row was made, and is at home."""
    with store.begin() as tx:
        tx.run("UPDATE batches SET state = 'planned' WHERE name = :name", name=batch)
        tx.run("UPDATE tasks SET state = 'failed' WHERE batch_id = (SELECT id FROM batches WHERE name = :n)", n=batch)


def test_a_fire_time_makes_a_batch_with_its_values_once(clock: Clock) -> None:
    schedule = clock.add(content(timezone="Asia/Kolkata"), NINE - timedelta(minutes=45))
    assert clock.at(-0.6) == []
    assert clock.at(-0.5) == ["hourly-2026-11-30T1400"]
    assert clock.at(-0.4) == []
    with clock.store.begin() as tx:
        (batch,) = batches.every(tx)
        unread = batches.take_to_read(tx, batch.id)
        assert unread is not None
        assert unread.content == b"key,prompt\nfox-2026-11-30,a fox in 2026-11\n"
        assert schedules.find(tx, "acme", "hourly").batches_made == 1
        assert [one.batch for one in fires.newest(tx, schedule.id, 9)] == [batch.name]


def test_a_beat_that_is_killed_before_it_commits_has_done_nothing(store: Store) -> None:
    clock = Clock(store)
    schedule = clock.add(content())
    with store.look() as tx:
        assert len(fire.settle(tx, schedule.id, now=NINE + timedelta(hours=1))) == 1
    with store.begin() as tx:
        assert batches.every(tx) == []
        assert fires.newest(tx, schedule.id, 9) == []
    assert clock.at(1) == ["hourly-2026-11-30T1000"]


def test_two_beats_three_years_three_zones_outages_and_clocks_that_are_set_back(quick_store: Store) -> None:
    """0 duplicate and 0 unexplained missing fire times."""
    clock, rng = Clock(quick_store), random.Random(5)
    policies = {CatchUp.ALL: Overlap.ALLOW, CatchUp.LATEST: Overlap.QUEUE, CatchUp.SKIP: Overlap.SKIP}
    added = {}
    for entry, (catch_up, overlap) in zip(THREE_ZONES, policies.items(), strict=True):
        said = content(catch_up, entry.cron, timezone=entry.zone, catch_up=catch_up, overlap=overlap)
        added[entry] = clock.add(said, START)
    barrier = threading.Barrier(2)

    def beat(now: datetime) -> int:
        barrier.wait(30)
        return len(clock.look(now))

    made, now = 0, START
    with ThreadPoolExecutor(2) as beats:
        while now < END:
            hours = rng.choice([0.001, 1, 20, 20, 48, 48, 72, rng.random() * 600, -rng.random() * 5])
            now = min(END, now + timedelta(hours=hours))
            if rng.random() < 0.5:  # on time
                now = now.replace(minute=now.minute // 15 * 15, second=3)
            late_clock = now - timedelta(seconds=rng.choice([0, 0, 5, 7200]))
            made += sum(beats.map(beat, (now, late_clock)))
    while clock.look(END):
        pass
    assert made > 150
    with quick_store.begin() as tx:
        assert len(batches.every(tx)) == made == len({batch.name for batch in batches.every(tx)})
        for entry, schedule in added.items():
            times = entry.three_years()
            explained: Counter[datetime] = Counter()
            for one in fires.newest(tx, schedule.id, 100_000):
                explained.update(times[bisect_left(times, one.fire_at) : bisect_right(times, one.last_fire_at)])
                assert one.outcome == FireOutcome.MADE or one.reason
            assert explained == Counter(times)


@pytest.mark.parametrize(
    ("overlap", "after_two", "after_three", "once_over"),
    [
        (Overlap.SKIP, [], [], []),
        (Overlap.QUEUE, [], [], ["hourly-2026-11-30T1100"]),
        (Overlap.ALLOW, ["hourly-2026-11-30T1100"], ["hourly-2026-11-30T1200"], []),
    ],
)
def test_what_comes_while_the_batch_before_is_not_over(
    clock: Clock, overlap: Overlap, after_two: list[str], after_three: list[str], once_over: list[str]
) -> None:
    clock.add(content(overlap=overlap))
    assert clock.at(1) == ["hourly-2026-11-30T1000"]
    assert (clock.at(2), clock.at(3)) == (after_two, after_three)
    is_over(clock.store, "hourly-2026-11-30T1000")
    assert clock.at(3.2) == once_over
    assert clock.at(3.3) == []


def test_what_is_skipped_or_waits_says_for_whom(clock: Clock) -> None:
    schedule = clock.add(content(overlap=Overlap.QUEUE))
    for hour in (1, 2, 3):
        clock.at(hour)
    first = "hourly-2026-11-30T1000 is not over"
    assert clock.outcomes(schedule)[1:] == [
        (2, "queued", first),
        (3, "skipped", f"{first}, and another waits for it already"),
    ]
    is_over(clock.store, "hourly-2026-11-30T1000")
    clock.at(3.1)
    assert clock.outcomes(schedule)[1:2] == [(2, "made", None)]


def test_the_batch_before_is_cancelled_for_the_next(world: World) -> None:
    clock = Clock(world.store)
    clock.add(content(overlap=Overlap.CANCEL))
    (before,) = clock.look(NINE + timedelta(hours=1))
    replace(world, batch_id=before).plan("fox", "owl")
    assert clock.at(2) == ["hourly-2026-11-30T1100"]
    assert world.states() == {"fox": "cancelled", "owl": "cancelled"}


def at_the_api(world: World, batch_id: int, spent: int = 0) -> None:
    """One of its tasks is being made, and one is not sent."""
    replace(world, batch_id=batch_id).plan("fox", "owl")
    with world.store.begin() as tx:
        tx.run(
            "UPDATE tasks SET state = 'submitted', remote_id = 'r' || id, price = :spent, reserved = :spent "
            "WHERE batch_id = :id AND key = 'fox'",
            id=batch_id,
            spent=spent,
        )


def test_several_that_are_not_over_are_cancelled_at_once_and_each_of_them_once(world: World) -> None:
    clock = Clock(world.store)
    clock.add(content(overlap=Overlap.CANCEL))
    (first,) = clock.look(NINE + timedelta(hours=1))
    at_the_api(world, first)
    (second,) = clock.look(NINE + timedelta(hours=2))
    at_the_api(world, second)
    with world.store.begin() as tx:
        before = tx.scalar("SELECT cancelled_at FROM batches WHERE id = :id", id=first)
    assert clock.at(3) == ["hourly-2026-11-30T1200"]
    with world.store.begin() as tx:
        cancelled = tx.rows("SELECT id, cancelled_at FROM batches WHERE cancelled_at IS NOT NULL ORDER BY id")
    assert [row.id for row in cancelled] == [first, second]
    assert cancelled[0].cancelled_at == before


def test_an_outage_is_made_up_for_though_each_batch_cancels_the_one_before(world: World) -> None:
    clock = Clock(world.store)
    clock.add(content(overlap=Overlap.CANCEL, catch_up=CatchUp.ALL, at_most=3))
    assert len(clock.at(5.5)) == 3


def test_a_batch_that_is_cancelled_keeps_only_what_it_has_cost_of_the_budget(world: World) -> None:
    clock = Clock(world.store)
    prices = Terms(prices={Action.IMAGINE: Decimal(2)})
    schedule = clock.add(content(overlap=Overlap.CANCEL, budget=Decimal(20), per=Per.MONTH, terms=prices))
    (first,) = clock.look(NINE + timedelta(hours=1))
    at_the_api(world, first, spent=2)
    (second,) = clock.look(NINE + timedelta(hours=2))
    with world.store.begin() as tx:
        assert tx.scalar("SELECT budget FROM batches WHERE id = :id", id=second) == 18
    at_the_api(world, second, spent=18)
    assert clock.at(3) == []
    with world.store.begin() as tx:
        assert tx.scalar("SELECT cancelled_at FROM batches WHERE id = :id", id=second) is None
    assert clock.outcomes(schedule)[-1][1] == "unaffordable"


def test_a_batch_without_a_budget_leaves_nothing_of_a_budget_that_came_later(world: World) -> None:
    clock = Clock(world.store)
    schedule = clock.add(content(overlap=Overlap.ALLOW))
    (unlimited,) = clock.look(NINE + timedelta(hours=1))
    at_the_api(world, unlimited)
    world.change("UPDATE schedules SET budget = 20, per = 'month'")
    assert clock.at(2) == []
    assert clock.outcomes(schedule)[-1][1] == "unaffordable"


def test_a_batch_that_goes_on_after_it_was_over_is_not_over(world: World) -> None:
    clock = Clock(world.store)
    clock.add(content())
    (before,) = clock.look(NINE + timedelta(hours=1))
    replace(world, batch_id=before).plan("fox")
    world.change("UPDATE tasks SET state = 'in_doubt', next_attempt_at = NULL")
    (_, after) = (before, *clock.look(NINE + timedelta(hours=2)))
    world.change("UPDATE tasks SET state = 'planned', next_attempt_at = now()")
    assert clock.at(3) == []
    assert after


def test_a_batch_that_waits_for_a_person_is_over(world: World) -> None:
    clock = Clock(world.store)
    clock.add(content())
    (before,) = clock.look(NINE + timedelta(hours=1))
    replace(world, batch_id=before).plan("fox")
    assert clock.at(2) == []
    world.change("UPDATE tasks SET state = 'in_doubt', next_attempt_at = NULL")
    assert clock.at(3) == ["hourly-2026-11-30T1200"]


@pytest.mark.parametrize(
    ("said", "made", "reason"),
    [
        ({"catch_up": CatchUp.SKIP}, [], "no beat looked at it in time, and it is not made up for"),
        ({}, ["hourly-2026-11-30T1400"], "no beat looked at it in time, and only the latest is made up for"),
        (
            {"catch_up": CatchUp.ALL, "at_most": 2, "overlap": Overlap.ALLOW},
            ["hourly-2026-11-30T1300", "hourly-2026-11-30T1400"],
            "no beat looked at it in time, and only the newest 2 within 1d are made up for",
        ),
    ],
)
def test_an_outage_is_made_up_for_as_the_policy_says_and_explained_in_one_row(
    clock: Clock, said: dict[str, Any], made: list[str], reason: str
) -> None:
    schedule = clock.add(content(**said))
    assert clock.at(5.5) == made
    assert clock.outcomes(schedule)[0] == (1, "missed", reason)
    with clock.store.begin() as tx:
        found = fires.newest(tx, schedule.id, 9)
    assert sum(one.fire_times for one in found) == 5
    assert len(found) == 1 + len(made)
    assert clock.at(5.6) == []


def test_an_outage_of_a_year_of_minutes_is_settled_in_pages(clock: Clock) -> None:
    schedule = clock.add(content(cron="* * * * *"))
    hours = 12 * 24 + 1.0
    looks = [clock.at(hours + 0.01) for _ in range(5)]
    assert looks == [[], [], [], ["hourly-2026-12-12T1000"], []]
    with clock.store.begin() as tx:
        found = fires.newest(tx, schedule.id, 99)
    assert sum(one.fire_times for one in found) == hours * 60
    assert len(found) == 5


@pytest.mark.parametrize(("per", "days"), [(Per.DAY, 0.1), (Per.WEEK, 1), (Per.MONTH, 7)])
def test_a_budget_for_a_window_is_shared_by_its_batches(clock: Clock, per: Per, days: float) -> None:
    terms = Terms(budget=Decimal(8), prices={Action.IMAGINE: Decimal(1)})
    said = content(cron="0 * * * *", terms=terms, budget=Decimal(10), per=per, overlap=Overlap.ALLOW)
    since = datetime(2026, 11, 2, tzinfo=UTC)
    schedule = clock.add(said, since)
    looks = [since + timedelta(hours=1) + round(24 * days) * count * timedelta(hours=1) for count in range(3)]
    made = [clock.look(moment) for moment in looks]
    assert [budget_of(clock.store, batch) for batch in made if batch] == [Decimal(8), Decimal(2)]
    used_up = f"beyond the budget: all 10 of this {per} are spent or reserved"
    assert clock.outcomes(schedule)[-1][1:] == ("unaffordable", used_up)
    _, afterwards = said.rules.calendar.window(per, looks[0])
    assert budget_of(clock.store, clock.look(afterwards)) == Decimal(8)


def budget_of(store: Store, made: list[int]) -> Decimal:
    with store.begin() as tx:
        return Decimal(tx.scalar("SELECT budget FROM batches WHERE id = :id", id=made[0]))


def test_what_a_batch_left_over_of_the_budget_is_there_for_the_next(world: World) -> None:
    clock = Clock(world.store)
    terms = Terms(budget=Decimal(8), prices={Action.IMAGINE: Decimal(1)})
    clock.add(content(terms=terms, budget=Decimal(10), per=Per.MONTH))
    (first,) = clock.look(NINE + timedelta(hours=1))
    replace(world, batch_id=first).plan("fox", "owl")
    world.change("UPDATE tasks SET state = 'delivered', remote_id = 'r', spent = 1")
    assert budget_of(world.store, clock.look(NINE + timedelta(hours=2))) == Decimal(8)
    world.change("UPDATE batches SET state = 'planned'")  # the second has no tasks: it is over
    assert budget_of(world.store, clock.look(NINE + timedelta(hours=3))) == Decimal(8)


def test_a_paused_schedule_fires_nothing_and_what_passed_is_explained_in_a_row(clock: Clock) -> None:
    schedule = clock.add(content())
    clock.at(1)
    is_over(clock.store, "hourly-2026-11-30T1000")
    set_clock(clock, paused_at=NINE + timedelta(hours=2.5))
    assert clock.at(4) == []
    with clock.store.begin() as tx:
        taken = schedules.take(tx, "acme", "hourly")
        fire.resume(tx, at(taken, NINE + timedelta(hours=6.5)))
    assert clock.outcomes(schedule)[1:] == [
        (2, "missed", "no beat looked at it before the schedule was paused"),
        (3, "paused", "the schedule was paused"),
    ]
    assert clock.at(6.6) == []
    assert clock.at(7) == ["hourly-2026-11-30T1600"]


def at(schedule: Schedule, now: datetime) -> Schedule:
    return replace(schedule, now=now)


def set_clock(clock: Clock, **columns: datetime) -> None:
    with clock.store.begin() as tx:
        for name, value in columns.items():
            tx.run(f"UPDATE schedules SET {name} = :value", value=value)


def test_by_hand_it_is_made_at_once_with_a_name_of_its_own(clock: Clock) -> None:
    schedule = clock.add(content())
    names: list[str] = []
    for _ in range(2):
        with clock.store.begin() as tx:
            taken = at(schedules.take(tx, "acme", "hourly"), NINE + timedelta(minutes=7, seconds=len(names)))
            names.append(batches.get(tx, fire.run_now(tx, taken)).name)
    assert names == ["hourly-2026-11-30T090700", "hourly-2026-11-30T090701"]
    assert clock.at(1) == []  # what was made by hand is not over
    assert [outcome for _, outcome, _ in clock.outcomes(schedule)] == ["made", "made", "skipped"]


def test_by_hand_the_budget_holds_too(clock: Clock) -> None:
    clock.add(content(budget=Decimal(0), per=Per.DAY))
    with pytest.raises(UsageError, match="beyond the budget: all 0 of this day"), clock.store.begin() as tx:
        fire.run_now(tx, schedules.take(tx, "acme", "hourly"))


def test_a_name_in_use_is_refused_and_replaced_only_on_demand(clock: Clock) -> None:
    schedule = clock.add(content())
    clock.at(1)
    with pytest.raises(UsageError, match="there is a schedule 'hourly' already: take another name, or --replace it"):
        clock.add(content())
    with clock.store.begin() as tx:
        taken = at(schedules.take(tx, "acme", "hourly"), NINE + timedelta(hours=2, minutes=1))
        fire.change(tx, taken, content(cron="30 * * * *", overlap=Overlap.ALLOW))
        replaced = schedules.find(tx, "acme", "hourly")
    assert replaced.next_fire_at == NINE + timedelta(hours=2, minutes=30)
    assert replaced.batches_made == 1
    assert clock.outcomes(schedule)[1:] == [(2, "missed", "no beat looked at it before the schedule was replaced")]


def test_the_hour_that_comes_twice_makes_two_batches(clock: Clock) -> None:
    midnight = datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    clock.add(content(cron="*/30 2 * * *", timezone="Europe/Berlin", overlap=Overlap.ALLOW), midnight)
    made = clock.look(midnight + timedelta(minutes=15)) + clock.look(midnight + timedelta(minutes=75))
    with clock.store.begin() as tx:
        assert [batch.name for batch in batches.by_ids(tx, made)] == [
            "hourly-2026-10-25T0230",
            "hourly-2026-10-25T0230-2",
        ]


def test_a_batch_of_a_person_under_that_name_is_left_alone(world: World) -> None:
    clock = Clock(world.store)
    world.change("UPDATE batches SET name = 'hourly-2026-11-30T1000'")
    clock.add(content())
    assert clock.at(1) == ["hourly-2026-11-30T1000-2"]


def test_pictures_go_with_every_batch(world: World) -> None:
    clock = Clock(world.store)
    picture = Picture(sha256="ab", media_type="image/png", width=1, height=1)
    with world.store.begin() as tx:
        pictures.keep(tx, picture, b"bytes")
    clock.add(replace(content(), pictures={"art/cat.png": picture}))
    (made,) = clock.look(NINE + timedelta(hours=1))
    with world.store.begin() as tx:
        assert pictures.named(tx, made) == {"art/cat.png": picture}


def test_a_schedule_that_is_removed_leaves_its_batches(clock: Clock) -> None:
    clock.add(content())
    clock.at(1)
    with clock.store.begin() as tx:
        schedules.remove(tx, schedules.take(tx, "acme", "hourly"))
        assert schedules.every(tx) == []
        assert len(batches.every(tx)) == 1
    with pytest.raises(UsageError, match="there is no schedule 'hourly' of account acme"), clock.store.begin() as tx:
        schedules.take(tx, "acme", "hourly")


def test_accounts_have_schedules_of_their_own(store: Store) -> None:
    one, other = Clock(store), Clock(store, "other")
    one.add(content())
    other.add(content())
    assert one.at(1) == ["hourly-2026-11-30T1000"]
    assert other.at(1) == ["hourly-2026-11-30T1000"]


class Bell(Doorbell):
    """Notes what it rings for."""

    def __init__(self) -> None:
        self.read_rings: list[tuple[str, int]] = []

    def read(self, account: str, batch_id: int) -> None:
        self.read_rings.append((account, batch_id))


def test_a_schedule_that_cannot_be_settled_does_not_keep_the_others_waiting(
    clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.worker.firing.LOOK_EVERY", 0.0)
    clock.add(content("broken"))
    clock.add(content("sound"))
    with clock.store.begin() as tx:
        tx.run("UPDATE schedules SET timezone = 'Nowhere' WHERE name = 'broken'")
        tx.run("UPDATE schedules SET settled_until = now() - interval '1 hour', next_fire_at = now()")
    bell = Bell()
    firing = Firing(clock.store, "acme", bell)
    for _ in range(2):
        firing.look()
    with clock.store.begin() as tx:
        (made,) = batches.every(tx)
    assert bell.read_rings == [("acme", made.id)]
    assert made.name.startswith("sound-")
    with clock.store.begin() as tx:
        assert "there is no time zone" in tx.scalar("SELECT problem FROM schedules WHERE name = 'broken'")
        assert tx.scalar("SELECT problem FROM schedules WHERE name = 'sound'") is None
    (warning,) = caplog.records
    assert "there is no time zone 'Nowhere'" in warning.getMessage()
    assert not warning.exc_info
