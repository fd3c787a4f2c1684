"""What those who watch are told of: every committed move once, and where everything stands."""

from __future__ import annotations

import pytest

from pipeline.store import events
from pipeline.store.events import Event, Tail
from pipeline.task import State
from tests.integration.conftest import World
from tests.integration.posts import accept, claim

MOVE = "INSERT INTO task_events (task_id, from_state, to_state, cause) VALUES (:id, 'planned', 'submitting', 'test')"


def tail_of(world: World) -> Tail:
    with world.store.look() as tx:
        return Tail.since(tx)


def look(world: World, tail: Tail) -> list[Event]:
    with world.store.look() as tx:
        return tail.look(tx)


def test_each_move_is_seen_once_and_in_its_order(world: World) -> None:
    world.plan("fox", "owl")
    tail = tail_of(world)
    one, other = claim(world)
    accept(world, one)
    seen = look(world, tail)
    assert [(event.task_id, event.from_state, event.to_state) for event in seen] == [
        (one.id, State.PLANNED, State.SUBMITTING),
        (other.id, State.PLANNED, State.SUBMITTING),
        (one.id, State.SUBMITTING, State.SUBMITTED),
    ]
    first = seen[0]
    assert (first.batch, first.account, first.key, first.prompt) == ("spring", "acme", "fox", "a fox")
    assert [(event.attempt, event.cause) for event in seen] == [(1, "dispatch"), (1, "dispatch"), (1, "submit")]
    assert look(world, tail) == []


def test_a_move_that_is_committed_behind_later_ones_is_not_lost(world: World) -> None:
    world.plan("fox", "owl")
    tail = tail_of(world)
    with world.store.begin() as slow:
        slow.run(MOVE, id=1)
        with world.store.begin() as quick:
            quick.run(MOVE, id=2)
        assert [event.task_id for event in look(world, tail)] == [2]
    assert [event.task_id for event in look(world, tail)] == [1]
    assert look(world, tail) == []


def test_however_many_looks_pass_a_move_is_waited_for_until_its_transaction_ends(world: World) -> None:
    """Whichever of the two began first: the numbers of transactions need not be in the order of the moves'."""
    world.plan("fox", "owl", "cat")
    tail = tail_of(world)
    with world.store.begin() as quick:
        quick.run("UPDATE tasks SET progress = '1%' WHERE id = 2")
        with world.store.begin() as slow:
            slow.run(MOVE, id=1)
            quick.run(MOVE, id=2)
            quick.connection.commit()
            assert [event.task_id for event in look(world, tail)] == [2]
            for _ in range(3):
                assert look(world, tail) == []
            world.change(MOVE.replace(":id", "3"))
            assert [event.task_id for event in look(world, tail)] == [3]
    assert [event.task_id for event in look(world, tail)] == [1]
    assert not tail.missing


def test_a_large_transaction_is_one_gap_and_is_seen_in_pieces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST", 2)
    world.plan("fox", "owl")
    tail = tail_of(world)
    with world.store.begin() as slow:
        slow.run(f"{MOVE.replace('VALUES (:id', 'SELECT 1').removesuffix(')')} FROM generate_series(1, 5)")
        world.change(MOVE.replace(":id", "2"))
        assert [event.task_id for event in look(world, tail)] == [2]
        assert len(tail.missing) == 1
        with world.store.begin() as tx:
            tail.keep(tx)
    with world.store.look() as tx:
        tails = (tail, Tail.kept(tx))
    for one in tails:
        assert [[event.id for event in look(world, one)] for _ in range(4)] == [[1, 2], [3, 4], [5], []]


def test_what_was_rolled_back_is_waited_for_no_longer_than_it_can_come(world: World) -> None:
    world.plan("fox", "owl")
    tail = tail_of(world)
    with world.store.look() as tx:
        tx.run(MOVE, id=1)
    world.change(MOVE.replace(":id", "2"))
    assert [event.task_id for event in look(world, tail)] == [2]
    assert tail.missing
    look(world, tail)
    assert not tail.missing


def test_gaps_are_as_many_as_can_be_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_GAPS", 2)
    world.plan("fox")
    tail = tail_of(world)
    with world.store.look() as slow:
        for _ in range(4):
            slow.run(MOVE, id=1)
            world.change(MOVE.replace(":id", "1"))
        look(world, tail)
        assert [(gap.first, gap.end) for gap in tail.missing] == [(5, 6), (7, 8)]


def test_a_burst_is_seen_in_pieces(world: World) -> None:
    world.plan("fox")
    tail = tail_of(world)
    world.change(f"{MOVE.replace('VALUES (:id', 'SELECT 1').removesuffix(')')} FROM generate_series(1, 1200)")
    assert [len(look(world, tail)) for _ in range(4)] == [500, 500, 200, 0]


def test_where_everything_stands_is_told_parents_first_and_of_the_newest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "A_PAGE", 2)
    world.plan("fox", "owl", "cat", "hen")
    accept(world, claim(world)[0])
    with world.store.look() as tx:
        pages = list(events.standing(tx, 100))
        newest = list(events.standing(tx, 1))
    assert [[event.key for event in page] for page in pages] == [["fox", "owl"], ["cat", "hen"]]
    assert [event.to_state for page in pages for event in page] == [State.SUBMITTED, *[State.SUBMITTING] * 3]
    assert [[event.key for event in page] for page in newest] == [["hen"]]


def test_how_far_tasks_are_is_told_of_those_that_are_being_made(world: World) -> None:
    world.plan("fox", "owl")
    accept(world, claim(world)[0])
    world.change("UPDATE tasks SET state = 'running', progress = '40%' WHERE key = 'fox'")
    with world.store.look() as tx:
        assert events.running(tx) == {1: "40%"}
        assert [event.key for event in events.of(tx, [1])] == ["fox"]
        assert events.of(tx, []) == []
