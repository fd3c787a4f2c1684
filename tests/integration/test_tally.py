"""Figures that are kept from look to look: what is counted where something moved is what all rows together say."""

from __future__ import annotations

import random

import pytest
from sqlalchemy.exc import DBAPIError

from pipeline.store import tally
from pipeline.store.engine import Transaction
from pipeline.store.figures import Figures
from pipeline.store.tally import Tally
from pipeline.task import State
from tests.integration.conftest import World
from tests.integration.posts import accept, claim, settle


@pytest.fixture(autouse=True)
def _short_stretches_and_none_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "STRETCH", 3)
    monkeypatch.setattr(tally, "IN_TURN", 0)


def look(world: World, kept: Tally) -> Figures:
    with world.store.look() as tx:
        return kept.look(tx)


def all_that_is(figures: Figures) -> Figures:
    """Without what there was before, and is no more."""
    tasks = [one for one in figures.tasks if one.tasks]
    return Figures(tasks=tasks, posts=[one for one in figures.posts if one.posts], way_home=figures.way_home)


def states(figures: Figures) -> dict[str, int]:
    return {one.state: one.tasks for one in figures.tasks if one.tasks}


def deliver(world: World, task_id: int) -> None:
    with world.store.begin() as tx:
        seconds = "finished_at = now() - interval '3 seconds'"
        tx.run(f"UPDATE tasks SET state = 'delivered', {seconds}, spent = 0.04 WHERE id = :id", id=task_id)
        move(tx, task_id, "delivered")
        values = "VALUES (:id, CAST(:id AS text), 1, '', 'x')"
        tx.run(f"INSERT INTO artifacts (task_id, path, bytes, sha256, media_type) {values}", id=task_id)


def move(tx: Transaction, task_id: int, state: str) -> None:
    tx.run(
        "INSERT INTO task_events (task_id, from_state, to_state, cause) VALUES (:id, 'planned', :state, 'test')",
        id=task_id,
        state=state,
    )


def test_whatever_moves_the_figures_are_those_of_all_rows(world: World) -> None:
    kept, chance = Tally(), random.Random(7)
    assert look(world, kept) == look(world, Tally())
    world.change("""UPDATE batches SET prices = '{"imagine": 0.04}'; UPDATE accounts SET max_running = 100""")
    for turn in range(5):
        world.plan(*(f"fox-{turn}-{number}" for number in range(chance.randrange(1, 9))))
        for task in claim(world):
            match chance.randrange(4):
                case 0:
                    settle(world, task, State.IN_DOUBT, "in_doubt")
                case 1:
                    settle(world, task, State.PLANNED, "try_again", wait=0.0)
                case 2:
                    accept(world, task)
                    deliver(world, task.id)
        assert all_that_is(look(world, kept)) == all_that_is(look(world, Tally()))
    assert look(world, kept).way_home.deliveries > 0
    assert {one.outcome for one in look(world, kept).posts} == {"", "accepted", "in_doubt", "try_again"}


def test_only_where_something_has_moved_is_counted_anew(world: World) -> None:
    world.plan("fox", "owl", "cat", "hen")
    kept = Tally()
    assert states(look(world, kept)) == {"planned": 4}
    world.change("UPDATE tasks SET state = 'cancelled' WHERE id IN (1, 2)")
    assert states(look(world, kept)) == {"planned": 4}
    with world.store.begin() as tx:
        move(tx, 2, "cancelled")
    assert states(look(world, kept)) == {"planned": 2, "cancelled": 2}


def test_in_turn_what_left_no_move_is_seen_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "IN_TURN", 1)
    world.plan(*(f"fox-{number}" for number in range(12)))
    kept = Tally()
    look(world, kept)
    world.change("UPDATE tasks SET spent = 1")
    spent = [sum(one.spent for one in look(world, kept).tasks) for _ in range(5)]
    assert spent == sorted(spent)
    assert spent[0] < spent[-1] == 12


def test_a_move_that_is_committed_late_is_seen(world: World) -> None:
    world.plan("fox", "owl", "cat", "hen")
    kept = Tally()
    look(world, kept)
    with world.store.begin() as slow:
        slow.run("UPDATE tasks SET state = 'cancelled' WHERE id = 1")
        move(slow, 1, "cancelled")
        accept(world, claim(world)[0])
        for _ in range(3):
            assert "cancelled" not in states(look(world, kept))
    assert states(look(world, kept))["cancelled"] == 1


def test_however_late_it_is_whichever_transaction_began_first(world: World) -> None:
    world.plan("fox", "owl", "cat", "hen")
    kept = Tally()
    look(world, kept)
    with world.store.begin() as quick:
        quick.run("UPDATE tasks SET progress = '1%' WHERE id = 4")
        with world.store.begin() as slow:
            slow.run("UPDATE tasks SET state = 'cancelled' WHERE id = 1")
            move(slow, 1, "cancelled")
            move(quick, 4, "planned")
            quick.connection.commit()
            for _ in range(4):
                look(world, kept)
    assert states(look(world, kept)) == {"cancelled": 1, "planned": 3}
    look(world, kept)
    assert len(kept._looks) <= 3


def test_a_look_that_fails_is_made_up_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.plan("fox")
    kept = Tally()
    look(world, kept)
    (task,) = claim(world)
    with monkeypatch.context() as broken:
        broken.setattr(kept._posts, "_some", "SELECT nonsense")
        with pytest.raises(DBAPIError):
            look(world, kept)
    accept(world, task)
    seen = look(world, kept)
    assert states(seen) == {"submitted": 1}
    assert all_that_is(seen) == all_that_is(look(world, Tally()))
