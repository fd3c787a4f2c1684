"""A database that was restored from a backup: a person tells it what was sent since, and that is not paid for again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from pipeline.errors import UsageError
from pipeline.store import doubts
from tests.acceptance.outside import until
from tests.integration.conftest import World
from tests.integration.office import Office, open_office, servers  # noqa: F401 - fixtures
from tests.integration.test_doubts import plan

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
