"""A line for every move: once, whoever writes it, whatever goes away meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.exc import DBAPIError

from pipeline.log import Said
from pipeline.store import events
from pipeline.store.events import Tail
from pipeline.task import State
from pipeline.worker.move_log import MoveLog
from tests.integration.conftest import World
from tests.integration.embedded_guest import until
from tests.integration.posts import accept, claim, settle

MOVE = "INSERT INTO task_events (task_id, from_state, to_state, cause) VALUES (:id, 'planned', 'submitting', 'test')"
KEY = 4711


@pytest.fixture
def moved(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[dict[str, object]]]]:
    """The moves that were logged since it was asked last."""
    caplog.set_level("INFO", "pipeline.beat")

    def since() -> list[dict[str, object]]:
        said = [record.msg for record in caplog.records if isinstance(record.msg, Said)]
        caplog.clear()
        assert {one.event for one in said} <= {"moved"}
        return [dict(one.known()) for one in said]

    return since


def write(world: World, log: MoveLog) -> int:
    """As soon as the session that wrote before is gone, which the database may notice a moment later."""

    written: list[int] = []

    def wrote() -> bool:
        with world.store.alone(KEY) as tx:
            if tx:
                written.append(log.write_next(tx))
        return bool(written)

    until(wrote)
    return written[0]


def test_each_move_is_a_line_that_says_what_happened_to_which_task(
    world: World, moved: Callable[[], list[dict[str, object]]]
) -> None:
    world.plan("fox")
    settle(world, claim(world)[0], State.PLANNED, "try_again", reason="the queue is full", wait=0.0)
    accept(world, claim(world)[0])
    log = MoveLog(world.store)
    assert (write(world, log), write(world, log)) == (4, 0)
    lines = moved()
    assert [(line["from"], line["to"], line["attempt"], line["cause"]) for line in lines] == [
        ("planned", "submitting", 1, "dispatch"),
        ("submitting", "planned", 1, "submit"),
        ("planned", "submitting", 2, "dispatch"),
        ("submitting", "submitted", 2, "submit"),
    ]
    assert "detail" not in lines[0]
    assert lines[1]["detail"] == "the queue is full"
    assert {
        "account": "acme",
        "batch": "spring",
        "batch_id": 1,
        "task": 1,
        "key": "fox",
        "action": "imagine",
    }.items() <= lines[0].items()
    assert [line["move"] for line in lines] == [1, 2, 3, 4]
    assert str(lines[0]["at"]).endswith("+00:00")


def test_the_next_process_goes_on_where_the_last_one_ended(
    world: World, moved: Callable[[], list[dict[str, object]]]
) -> None:
    world.plan("fox", "owl", "cat")
    one, other, third = claim(world)
    write(world, MoveLog(world.store))
    assert len(moved()) == 3
    with world.store.begin() as slow:
        slow.run(MOVE, id=one.id)
        accept(world, other)
        write(world, MoveLog(world.store))
        assert [line["task"] for line in moved()] == [other.id]
    accept(world, third)
    write(world, MoveLog(world.store))
    assert [line["task"] for line in moved()] == [one.id, third.id]


def test_a_database_that_goes_away_costs_no_line_and_doubles_none(
    world: World, moved: Callable[[], list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST", 2)
    monkeypatch.setattr(Tail, "keep", after(lambda: end_session(world), Tail.keep))
    world.plan("fox", "owl", "cat")
    tasks = claim(world)
    log = MoveLog(world.store)
    with pytest.raises(DBAPIError):
        write(world, log)
    monkeypatch.undo()
    accept(world, tasks[0])
    while write(world, log):
        pass
    assert [line["move"] for line in moved()] == [1, 2, 3, 4]
    while write(world, MoveLog(world.store)):
        pass
    assert moved() == []


def after(first: Callable[[], None], then: Callable[..., None]) -> Callable[..., None]:
    def both(*args: object) -> None:
        first()
        then(*args)

    return both


def end_session(world: World) -> None:
    """Of whoever is alone: Postgres goes away between the lines and the note of them."""
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND objid = :key"
    with world.store.begin() as tx:
        assert tx.scalar(end, key=KEY)


def test_of_any_number_one_is_alone(world: World) -> None:
    with world.store.alone(KEY) as first, world.store.alone(KEY) as second, world.store.alone(KEY + 1) as other:
        assert (first is None, second is None, other is None) == (False, True, False)
    with world.store.alone(KEY) as next_one:
        assert next_one
