"""A database that was restored from a backup: a person tells it what was sent since, and that is not paid for again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from pipeline import fire
from pipeline.errors import UsageError
from pipeline.schedule import Overlap
from pipeline.store import doubts, schedules
from pipeline.store.engine import Store
from tests.acceptance.outside import until
from tests.integration.conftest import World
from tests.integration.office import Office, open_office, servers  # noqa: F401 - fixtures
from tests.integration.test_doubts import plan
from tests.integration.test_schedules import NINE, Clock, at, content, is_over

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
TABLES = ("tasks", "attempts", "task_events")


def backed_up(world: World) -> None:
    for table in TABLES:
        world.change(f"CREATE TABLE backup_of_{table} AS TABLE {table}")


def restored(world: World) -> None:
    with world.store.begin() as tx:
        tx.run("TRUNCATE tasks, attempts, task_events CASCADE")
        for table in TABLES:
            tx.run(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE backup_of_{table}")
            tx.connection.execute(text(f"DROP TABLE backup_of_{table}"))


def meant(world: World, word: str, *, or_planned: bool) -> int:
    with world.store.begin() as tx:
        return doubts.in_doubt(tx, word, "acme", or_planned=or_planned)


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:  # noqa: F811
    return open_office()


def test_what_was_sent_since_the_backup_is_told_and_not_sent_again(world: World, office: Office) -> None:
    plan(world, fox="a fox", owl="an owl")
    backed_up(world)
    office.send()
    (sent,) = office.server.task_ids("a fox")
    restored(world)
    assert office.row("fox")["state"] == "planned"

    with pytest.raises(UsageError, match="is planned, not in doubt"):
        meant(world, "spring/fox", or_planned=False)
    with world.store.begin() as tx:
        doubts.found(tx, doubts.in_doubt(tx, "spring/fox", "acme", or_planned=True), sent)
    assert (office.row("fox")["state"], office.row("fox")["remote_id"]) == ("submitted", sent)
    until(lambda: office.poll() or office.row("fox")["state"] == "succeeded")
    office.send()
    assert len(office.server.task_ids("a fox")) == 1
    assert len(office.server.task_ids("an owl")) == 2, "what nobody told it of is paid for twice"
    with pytest.raises(UsageError, match="is succeeded, not in doubt"):
        meant(world, "spring/fox", or_planned=True)


def test_only_a_person_who_has_found_it_can_settle_what_is_planned(world: World) -> None:
    plan(world, fox="a fox")
    fox = meant(world, "spring/fox", or_planned=True)
    with world.store.begin() as tx:
        doubts.give_up(tx, fox)
    assert world.states() == {"fox": "planned"}


def test_a_schedule_that_is_paused_as_the_docs_say_makes_nothing_again(store: Store) -> None:
    clock = Clock(store)
    schedule = clock.add(content(overlap=Overlap.QUEUE))
    assert (clock.at(1), clock.at(2)) == (["hourly-2026-11-30T1000"], [])
    is_over(store, "hourly-2026-11-30T1000")  # and that the one of eleven was made is not in the backup
    procedure = OPERATIONS.read_text().partition("### After restoring an older state")[2]
    statements = re.findall(r"UPDATE schedule[^;\"]+", procedure)
    assert len(statements) == 2
    with store.begin() as tx:
        for statement in statements:
            tx.run(statement)
    assert clock.at(6) == []
    with store.begin() as tx:
        fire.resume(tx, at(schedules.take(tx, "acme", "hourly"), NINE + timedelta(hours=6.5)))
    assert clock.at(6.6) == []
    assert [outcome for _, outcome, _ in clock.outcomes(schedule)] == ["made", "missed", "paused"]
    assert clock.at(7) == ["hourly-2026-11-30T1600"]
