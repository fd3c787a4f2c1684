"""Rows that wait: for another row's picture, for their turn among equal prompts, for an answer to a window."""

from __future__ import annotations

import random

import pytest

from pipeline.action import Action
from pipeline.inputs import Input, Picture, Role
from pipeline.outcome import Accepted, Outcome, Window
from pipeline.store import claims, doubts, moves, needs, pictures, rows
from pipeline.store.moves import Change
from pipeline.store.progress import progress_of
from pipeline.submit import settlement
from pipeline.task import ClaimedTask, NewTask, State
from tests.integration.conftest import World


def imagine(key: str, prompt: str = "") -> NewTask:
    return NewTask(key=key, stem=key, action=Action.IMAGINE, prompt=prompt or f"a {key}")


def blend(key: str, *stems: str) -> NewTask:
    inputs = tuple(Input(role=Role.IMAGE, stems=(stem,)) for stem in stems)
    return NewTask(key=key, stem=key, action=Action.BLEND, prompt="", inputs=inputs)


def write(world: World, *tasks: NewTask) -> None:
    with world.store.begin() as tx:
        rows.write_tasks(tx, world.batch_id, tasks)


def claim(world: World, most: int = 32) -> list[ClaimedTask]:
    with world.store.begin() as tx:
        return claims.claim_for_submit(tx, world.account_id, most=most, lease=60, owner=world.owner)[0]


def settle(world: World, task: ClaimedTask, outcome: Outcome) -> None:
    with world.store.begin() as tx:
        moves.settle(tx, [settlement(task, outcome, 8, random.Random(1))])


def send(world: World, most: int = 32) -> list[ClaimedTask]:
    """Sends what may go; the API takes all of it."""
    claimed = claim(world, most)
    for task in claimed:
        settle(world, task, Accepted(remote_id=f"r{task.id}", code=1, detail=""))
    return claimed


def end(world: World, key: str, state: State) -> None:
    with world.store.begin() as tx:
        task_id = tx.scalar("SELECT id FROM tasks WHERE key = :key", key=key)
        moves.report(tx, [Change(id=task_id, state=state, reason=None, image_url="http://acme.test/x.png")], "poll")
        needs.settle(tx, world.account_id, [task_id])


def test_a_row_goes_when_every_picture_that_it_needs_is_made(world: World) -> None:
    write(world, imagine("a"), imagine("b"), blend("ab", "a", "b"))
    assert len(send(world)) == 2
    end(world, "a", State.SUCCEEDED)
    assert claim(world) == []
    end(world, "b", State.SUCCEEDED)
    (task,) = claim(world)
    assert (task.action, [one.stems for one in task.inputs]) == (Action.BLEND, [("a",), ("b",)])


def test_a_row_fails_with_the_picture_that_it_needs_and_its_own_dependants_with_it(world: World) -> None:
    write(world, imagine("a"), blend("b", "a", "a"), blend("c", "b", "b"))
    send(world)
    end(world, "a", State.FAILED)
    assert world.states() == {"a": "failed", "b": "failed", "c": "planned"}
    with world.store.begin() as tx:
        needs.settle(tx, world.account_id)
    assert world.states()["c"] == "failed"
    assert world.column("reason")[1] == "it needs the picture of a, which was not made"


def test_two_pictures_that_finish_at_once_do_not_leave_a_row_behind(world: World) -> None:
    write(world, imagine("a"), imagine("b"), blend("ab", "a", "b"))
    send(world)
    world.change("UPDATE tasks SET state = 'succeeded' WHERE key IN ('a', 'b')")
    with world.store.begin() as tx:
        needs.settle(tx, world.account_id)
    assert len(claim(world)) == 1


def test_a_row_behind_a_doubt_is_not_reached_until_the_doubt_is_settled(world: World) -> None:
    write(world, imagine("a"), blend("b", "a", "a"), blend("c", "b", "b"))
    claim(world)
    world.change("UPDATE tasks SET state = 'in_doubt' WHERE key = 'a'")
    with world.store.begin() as tx:
        progress = progress_of(tx, world.batch_id)
        assert (progress.not_reached, progress.unfinished, progress.over) == (2, 0, True)
        doubts.found(tx, doubts.in_doubt(tx, "spring/a"), "r1")
        assert progress_of(tx, world.batch_id).unfinished == 3


def test_equal_prompts_are_sent_one_after_the_other(world: World) -> None:
    write(world, imagine("a", "a fox"), imagine("b", "a fox"), imagine("c", "an owl"), imagine("d", "a fox"))
    assert [task.prompt for task in send(world)] == ["a fox", "an owl"]
    assert claim(world) == []
    end(world, "a", State.SUCCEEDED)
    assert [task.prompt for task in send(world)] == ["a fox"]
    end(world, "b", State.FAILED)
    assert [task.prompt for task in send(world)] == ["a fox"]


def test_repeated_prompts_do_not_keep_others_from_the_account(world: World) -> None:
    """A hundred foxes before thirteen owls: the owls fill the account while the foxes take turns."""
    foxes = [imagine(f"fox{n}", "a fox") for n in range(100)]
    write(world, *foxes, *(imagine(f"owl{n}") for n in range(13)))
    assert len(send(world)) == 13


def test_equal_prompts_of_other_actions_do_not_wait(world: World) -> None:
    write(world, blend("a", "x"), blend("b", "x"))
    world.change("UPDATE tasks SET next_attempt_at = now()")
    assert len(claim(world)) == 2


def test_a_window_is_answered_as_the_same_task_under_the_id_that_the_api_gave_it(world: World) -> None:
    write(world, imagine("a"))
    (first,) = claim(world)
    settle(world, first, Window(remote_id="w7", code=21, reason="a window"))
    assert world.states() == {"a": "planned"}
    (second,) = claim(world)
    assert (second.window_id, second.attempt) == ("w7", 2)
    settle(world, second, Accepted(remote_id="w7", code=1, detail=""))
    with world.store.begin() as tx:
        (task,) = claims.at_the_api(tx, world.account_id)
        assert (task.remote_id, task.answered) == ("w7", True)
        assert tx.rows("SELECT outcome, remote_id FROM attempts ORDER BY number") == [
            ("window", "w7"),
            ("accepted", "w7"),
        ]


def test_a_window_that_shows_later_is_answered_too(world: World) -> None:
    write(world, imagine("a"))
    (task,) = send(world)
    with world.store.begin() as tx:
        moves.report(tx, [Change(id=task.id, state=State.PLANNED, reason="a window")], "poll")
    (again,) = claim(world)
    assert again.window_id == f"r{task.id}"


@pytest.mark.parametrize("ids", [None, [], [1]])
def test_only_the_tasks_that_were_reported_are_asked_for(world: World, ids: list[int] | None) -> None:
    write(world, imagine("a"), imagine("b"))
    send(world)
    with world.store.begin() as tx:
        found = claims.at_the_api(tx, world.account_id, ids)
    assert [task.id for task in found] == ([1, 2] if ids is None else ids)


def test_a_task_that_failed_here_is_asked_for_when_its_server_reports_it(world: World) -> None:
    write(world, imagine("a"))
    (task,) = send(world)
    end(world, "a", State.FAILED)
    with world.store.begin() as tx:
        assert claims.at_the_api(tx, world.account_id) == []
        assert [late.state for late in claims.at_the_api(tx, world.account_id, [task.id])] == [State.FAILED]
    end(world, "a", State.SUCCEEDED)
    assert world.states() == {"a": "succeeded"}


def test_a_picture_is_kept_once_and_found_by_its_name(world: World) -> None:
    picture = Picture(sha256="ab", media_type="image/png", width=3, height=2)
    with world.store.begin() as tx:
        for _ in range(2):
            pictures.keep(tx, picture, b"bytes")
            pictures.name_them(tx, world.batch_id, {"art/a.png": picture})
        assert pictures.missing(tx, ["ab", "cd"]) == {"cd"}
        assert pictures.named(tx, world.batch_id) == {"art/a.png": picture}
        assert pictures.contents(tx, ["ab"]) == {"ab": ("image/png", b"bytes")}
