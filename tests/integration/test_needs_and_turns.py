"""Rows that wait: for another row's picture, for their turn among equal prompts, for an answer to a window."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pipeline import follow_up, track
from pipeline.action import Action
from pipeline.inputs import Input, Picture, Role
from pipeline.outcome import Accepted, InDoubt, Outcome, Report, Window
from pipeline.store import accounts, claims, doubts, moves, needs, pictures, rows, settlements
from pipeline.store.moves import Change
from pipeline.store.progress import progress_of
from pipeline.submit import settlement
from pipeline.task import ClaimedTask, NewTask, State
from pipeline.then import FollowUp
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
        settlements.settle(tx, [settlement(task, outcome, 8, random.Random(1))])


def send(world: World, most: int = 32) -> list[ClaimedTask]:
    """Sends what may go; the API takes all of it."""
    claimed = claim(world, most)
    for task in claimed:
        settle(world, task, Accepted(remote_id=f"r{task.id}", code=1, detail=""))
    return claimed


def end(world: World, key: str, state: State) -> None:
    with world.store.begin() as tx:
        task_id = tx.scalar("SELECT id FROM tasks WHERE key = :key", key=key)
        moves.report(
            tx,
            [Change(id=task_id, remote_id=f"r{task_id}", state=state, reason=None, image_url="http://acme.test/x.png")],
            "poll",
        )
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
    assert world.states() == {"a": "failed", "b": "failed", "c": "failed"}
    assert world.column("reason")[1:] == [f"it needs the picture of {key}, which was not made" for key in "ab"]


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
    world.change("UPDATE tasks SET state = 'in_doubt', next_attempt_at = NULL WHERE key = 'a'")
    with world.store.begin() as tx:
        progress = progress_of(tx, world.batch_id)
        assert (progress.not_reached, progress.unfinished, progress.over) == (2, 0, True)
        doubts.found(tx, doubts.in_doubt(tx, "spring/a", "acme"), "r1")
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
        moves.report(tx, [Change(id=task.id, remote_id=f"r{task.id}", state=State.PLANNED, reason="a window")], "poll")
    (again,) = claim(world)
    assert again.window_id == f"r{task.id}"


@pytest.mark.parametrize("ids", [None, [], [1]])
def test_only_the_tasks_that_were_reported_are_asked_for(world: World, ids: list[int] | None) -> None:
    write(world, imagine("a"), imagine("b"))
    send(world)
    with world.store.begin() as tx:
        found = claims.at_the_api(tx, world.account_id, ids)
    assert [task.id for task in found] == ([1, 2] if ids is None else ids)


def open_window(world: World) -> ClaimedTask:
    """A task whose window is answered now."""
    write(world, imagine("a"))
    (first,) = claim(world)
    settle(world, first, Window(remote_id="w7", code=21, reason="a window"))
    (second,) = claim(world)
    return second


def report(world: World, task: ClaimedTask, state: State, remote_id: str = "w7") -> None:
    with world.store.begin() as tx:
        moves.report(tx, [Change(id=task.id, remote_id=remote_id, state=state, reason="a report")], "poll")


@pytest.mark.parametrize("outcome", [None, Accepted(remote_id="w7", code=1, detail=""), InDoubt(reason="lost")])
@pytest.mark.parametrize("told", [State.PLANNED, State.SUBMITTED])
def test_an_old_report_does_not_have_a_window_answered_twice(
    world: World, outcome: Outcome | None, told: State
) -> None:
    """A poll that began before the window was answered, and ends after it."""
    task = open_window(world)
    if outcome:
        settle(world, task, outcome)
    before = world.states()
    if told is State.PLANNED or outcome is None:
        report(world, task, told)
        assert world.states() == before
    assert claim(world) == []


def test_an_old_report_does_not_close_a_window_that_has_just_been_seen(world: World) -> None:
    write(world, imagine("a"))
    (task,) = send(world)
    name = f"r{task.id}"
    report(world, task, State.PLANNED, name)
    report(world, task, State.SUBMITTED, name)
    assert world.states() == {"a": "planned"}


def test_a_report_of_another_task_changes_nothing(world: World) -> None:
    write(world, imagine("a"))
    (task,) = send(world)
    report(world, task, State.SUCCEEDED, "somebody else's")
    assert world.states() == {"a": "submitted"}


def test_an_answer_in_doubt_is_asked_for_by_the_id_of_its_window(world: World) -> None:
    task = open_window(world)
    settle(world, task, InDoubt(reason="lost"))
    with world.store.begin() as tx:
        (asked,) = claims.at_the_api(tx, world.account_id)
        assert accounts.due_for_poll(tx, "acme") == world.account_id
    assert (asked.state, asked.remote_id) == (State.IN_DOUBT, "w7")
    still_open = Report(remote_id="w7", state=State.SUBMITTED, window=True)
    assert track.changes([asked], [still_open]) == []
    (change,) = track.changes([asked], [replace(still_open, state=State.SUCCEEDED, window=False, image_url="http://x")])
    with world.store.begin() as tx:
        moves.report(tx, [change], "poll")
        (found,) = claims.at_the_api(tx, world.account_id)
    assert (found.state, found.remote_id, found.answered) == (State.SUBMITTED, "w7", True)


def test_a_row_that_has_the_name_of_a_follow_ups_file_keeps_it(world: World) -> None:
    """As one may that was planned before the follow-up had a name of its own."""
    write(world, imagine("fox-seed"), replace(imagine("fox"), then=(FollowUp("seed"),)))
    claimed = {task.prompt: task for task in send(world)}
    with world.store.begin() as tx:
        change = Change(
            id=claimed["a fox"].id, remote_id=f"r{claimed['a fox'].id}", state=State.SUCCEEDED, image_url="http://x"
        )
        finished = moves.report(tx, [change], "poll")
        assert moves.add_children(tx, world.account_id, follow_up.children(finished)) == 1
        assert moves.add_children(tx, world.account_id, follow_up.children(finished)) == 0
    assert world.column("stem") == ["fox-seed", "fox", f"fox-seed~{claimed['a fox'].id}"]


def test_equal_prompts_of_many_batches_leave_the_account_to_others(world: World) -> None:
    foxes = [imagine(f"fox{n}", "a fox") for n in range(60)]
    write(world, *foxes, *(imagine(f"owl{n}") for n in range(20)))
    world.change("UPDATE tasks SET turn = 0")
    assert len(send(world)) == 1
    assert len(send(world)) == 12


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
