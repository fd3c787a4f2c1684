"""What a report does to a task, from the request to the row: at every station of a task, and every wrong report."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pipeline.store import accounts, doubts, moves
from pipeline.store.engine import Transaction
from pipeline.store.moves import Change
from pipeline.task import ClaimedTask, State
from tests.integration.conftest import World
from tests.integration.hooks import UNKNOWN, Hooks, body, served
from tests.integration.posts import accept, claim, settle


@pytest.fixture
def hooks(world: World) -> Iterator[Hooks]:
    with served(world.store) as running:
        yield running


@pytest.fixture
def fox(world: World) -> ClaimedTask:
    """A task whose POST is under way."""
    world.plan("fox")
    (task,) = claim(world)
    return task


def finish(world: World, task: ClaimedTask, state: State) -> None:
    with world.store.begin() as tx:
        remote_id = tx.scalar("SELECT remote_id FROM tasks WHERE id = :id", id=task.id)
        change = Change(id=task.id, remote_id=remote_id, state=state, image_url="http://acme.test/1.png")
        moves.report(tx, [change], "poll")


def state(world: World) -> str:
    return world.states()["fox"]


def moved(world: World) -> list[tuple[str, str]]:
    """The moves that reports have made."""
    with world.store.begin() as tx:
        rows = tx.rows("SELECT from_state, to_state FROM task_events WHERE cause = 'callback' ORDER BY id")
        return [(row.from_state, row.to_state) for row in rows]


def named(world: World) -> list[str | None]:
    """What the API called each POST."""
    with world.store.begin() as tx:
        return [row.remote_id for row in tx.rows("SELECT remote_id FROM attempts ORDER BY id")]


def test_a_report_before_the_reply_is_saved_names_the_task_and_the_reply_agrees(
    world: World, hooks: Hooks, fox: ClaimedTask
) -> None:
    assert hooks.post(fox.token, body("77", "IN_PROGRESS", "15%")) == 200
    assert (state(world), named(world), moved(world)) == ("submitted", ["77"], [("submitting", "submitted")])
    accept(world, fox)
    assert (state(world), world.column("remote_id"), named(world)) == ("submitted", ["77"], ["77"])
    assert hooks.post(fox.token, body("77", "IN_PROGRESS", "31%")) == 200
    assert (state(world), world.column("progress")) == ("running", ["31%"])


@pytest.mark.parametrize(
    ("where", "outcome"),
    [
        (State.IN_DOUBT, "in_doubt"),
        (State.PLANNED, "try_again"),
        (State.FAILED, "refused"),
        (State.PLANNED, "window"),
    ],
)
def test_a_reply_that_denies_what_was_reported_before_it_does_not_have_the_task_sent_again(
    world: World, hooks: Hooks, fox: ClaimedTask, where: State, outcome: str
) -> None:
    hooks.post(fox.token, body("77", "SUBMITTED"))
    settle(world, fox, where, outcome, remote_id="77" if outcome == "window" else None, wait=0.0)
    assert (state(world), world.column("remote_id")) == ("submitted", ["77"])
    assert claim(world) == []
    assert hooks.post(fox.token, body("77", "IN_PROGRESS", "15%")) == 200
    assert hooks.post(fox.token, body("78", "IN_PROGRESS", "15%")) == 409
    assert state(world) == "running"


def test_the_reply_outranks_a_report_that_named_another_task_before_it(
    world: World, hooks: Hooks, fox: ClaimedTask
) -> None:
    hooks.post(fox.token, body("666", "IN_PROGRESS", "15%"))
    accept(world, fox)
    assert (state(world), world.column("remote_id"), named(world)) == ("submitted", ["77"], ["77"])
    assert hooks.post(fox.token, body("666", "SUCCESS")) == 409


@pytest.mark.parametrize("status", ["SUBMITTED", "IN_PROGRESS", "SUCCESS", "FAILURE", "MODAL"])
def test_a_report_settles_doubt_by_its_token(world: World, hooks: Hooks, fox: ClaimedTask, status: str) -> None:
    settle(world, fox, State.IN_DOUBT, "in_doubt", reason="the reply was lost")
    assert hooks.post(fox.token, body("77", status)) == 200
    assert state(world) == ("running" if status == "IN_PROGRESS" else "submitted")
    assert (world.column("remote_id"), named(world)) == (["77"], ["77"])
    assert moved(world)[0] == ("in_doubt", "submitted")
    if status in {"SUCCESS", "FAILURE", "MODAL"}:
        assert hooks.rung() == [("acme", world.account_id, (fox.id,))]
    accept(world, fox)
    assert world.column("remote_id") == ["77"]


@pytest.mark.parametrize("settled", [doubts.give_up, doubts.send_again])
def test_a_report_is_the_truth_even_if_a_person_has_settled_the_doubt_otherwise(
    world: World, hooks: Hooks, fox: ClaimedTask, settled: Callable[[Transaction, int], None]
) -> None:
    settle(world, fox, State.IN_DOUBT, "in_doubt")
    with world.store.begin() as tx:
        settled(tx, fox.id)
    assert hooks.post(fox.token, body("77", "SUBMITTED")) == 200
    assert (state(world), world.column("remote_id"), claim(world)) == ("submitted", ["77"], [])


def test_of_two_attempts_that_were_both_accepted_the_newer_stays_and_the_older_is_on_record(
    world: World, hooks: Hooks, fox: ClaimedTask
) -> None:
    settle(world, fox, State.IN_DOUBT, "in_doubt")
    with world.store.begin() as tx:
        doubts.send_again(tx, fox.id)
    (again,) = claim(world)
    assert hooks.post(fox.token, body("77", "IN_PROGRESS", "15%")) == 200
    assert (state(world), named(world)) == ("submitting", ["77", None])
    accept(world, again, "88")
    assert hooks.post(fox.token, body("77", "SUCCESS")) == 200
    assert hooks.post(again.token, body("88", "IN_PROGRESS", "15%")) == 200
    assert (state(world), world.column("remote_id"), named(world)) == ("running", ["88"], ["77", "88"])
    assert hooks.rings == []


def test_an_attempt_that_is_reported_is_not_repeated_although_a_newer_one_was_refused(
    world: World, hooks: Hooks, fox: ClaimedTask
) -> None:
    settle(world, fox, State.IN_DOUBT, "in_doubt")
    with world.store.begin() as tx:
        doubts.send_again(tx, fox.id)
    (again,) = claim(world)
    settle(world, again, State.PLANNED, "try_again", wait=0.0)
    assert hooks.post(fox.token, body("77", "SUBMITTED")) == 200
    assert (state(world), world.column("remote_id"), claim(world)) == ("submitted", ["77"], [])


def test_an_attempt_that_is_reported_does_not_close_the_window_that_a_newer_one_opened(
    world: World, hooks: Hooks, fox: ClaimedTask
) -> None:
    settle(world, fox, State.IN_DOUBT, "in_doubt")
    with world.store.begin() as tx:
        doubts.send_again(tx, fox.id)
    (again,) = claim(world)
    settle(world, again, State.PLANNED, "window", remote_id="88", wait=0.0)
    assert hooks.post(fox.token, body("77", "IN_PROGRESS", "15%")) == 200
    assert (state(world), named(world)) == ("planned", ["77", "88"])


@pytest.mark.parametrize("status", ["FAILURE", "CANCEL"])
def test_a_refusal_that_is_reported_too_is_one_refusal(
    world: World, hooks: Hooks, fox: ClaimedTask, status: str
) -> None:
    settle(world, fox, State.PLANNED, "try_again", wait=0.0)
    assert hooks.post(fox.token, body("77", status)) == 200
    assert (state(world), hooks.rings) == ("planned", [])


def test_progress_goes_up_and_nothing_goes_back(world: World, hooks: Hooks, fox: ClaimedTask) -> None:
    accept(world, fox)
    told = []
    for status, progress in [("IN_PROGRESS", "46%"), ("SUBMITTED", "0%"), ("IN_PROGRESS", "15%"), ("", None)]:
        world.change("UPDATE tasks SET updated_at = now() - interval '10 seconds'")
        assert hooks.post(fox.token, body("77", status, progress)) == 200
        told.append((state(world), world.column("progress")[0]))
    assert told == [("running", "46%")] * 4


def test_no_report_gives_a_task_up(world: World, hooks: Hooks, fox: ClaimedTask) -> None:
    accept(world, fox)
    world.change("UPDATE tasks SET submitted_at = now() - interval '2 days'")
    assert hooks.post(fox.token, body("77", "IN_PROGRESS", "15%")) == 200
    assert state(world) == "submitted"


def test_progress_is_noted_now_and_then(world: World, hooks: Hooks, fox: ClaimedTask) -> None:
    accept(world, fox)
    for percent in range(20, 60):
        assert hooks.post(fox.token, body("77", "IN_PROGRESS", f"{percent}%")) == 200
    assert world.column("progress") == ["20%"]
    world.change("UPDATE tasks SET updated_at = now() - interval '10 seconds'")
    hooks.post(fox.token, body("77", "IN_PROGRESS", "62%"))
    assert world.column("progress") == ["62%"]


@pytest.mark.parametrize("status", ["SUCCESS", "FAILURE", "CANCEL", "MODAL"])
def test_an_end_is_asked_for_and_never_believed(world: World, hooks: Hooks, fox: ClaimedTask, status: str) -> None:
    accept(world, fox)
    report = body("77", status, "100%", imageUrl="http://evil.test/1.png", failReason="no")
    assert hooks.post(fox.token, report) == 200
    assert hooks.rung() == [("acme", world.account_id, (fox.id,))]
    assert (state(world), world.column("image_url"), world.column("reason")) == ("submitted", [None], [None])
    assert moved(world) == []


def test_an_end_that_is_told_twice_is_asked_for_once(world: World, hooks: Hooks, fox: ClaimedTask) -> None:
    accept(world, fox)
    for _ in range(5):
        assert hooks.post(fox.token, body("77", "SUCCESS", "100%")) == 200
    hooks.rung()
    assert hooks.rings == [("acme", world.account_id, (fox.id,))]


@pytest.mark.parametrize("end", [State.SUCCEEDED, State.DELIVERED])
def test_what_is_made_stays_made_however_late_the_report(
    world: World, hooks: Hooks, fox: ClaimedTask, end: State
) -> None:
    accept(world, fox)
    finish(world, fox, State.SUCCEEDED)
    world.change(f"UPDATE tasks SET state = '{end}'")
    for status in ("SUBMITTED", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "MODAL"):
        assert hooks.post(fox.token, body("77", status, "31%")) == 200
        assert hooks.post(fox.token, body("78", status, "31%")) == 409
    assert (state(world), hooks.rings, moved(world)) == (end, [], [])


@pytest.mark.parametrize("end", [State.FAILED, State.CANCELLED])
def test_after_a_failure_only_a_success_is_worth_a_question(
    world: World, hooks: Hooks, fox: ClaimedTask, end: State
) -> None:
    accept(world, fox)
    finish(world, fox, end)
    for status in ("IN_PROGRESS", "FAILURE", "CANCEL", "MODAL"):
        assert hooks.post(fox.token, body("77", status)) == 200
    assert hooks.rings == []
    assert hooks.post(fox.token, body("77", "SUCCESS")) == 200
    assert hooks.rung() == [("acme", world.account_id, (fox.id,))]
    assert (state(world), moved(world)) == (end, [])


def test_a_window_that_waits_for_its_answer_is_not_taken_for_a_start(
    world: World, hooks: Hooks, fox: ClaimedTask
) -> None:
    settle(world, fox, State.PLANNED, "window", remote_id="77", wait=0.0)
    for status in ("MODAL", "SUBMITTED", "IN_PROGRESS", "SUCCESS"):
        assert hooks.post(fox.token, body("77", status)) == 200
    assert (state(world), hooks.rings) == ("planned", [])
    (answer,) = claim(world)
    assert answer.window_id == "77"
    hooks.post(fox.token, body("77", "IN_PROGRESS"))
    assert state(world) == "submitting"


def test_a_window_that_was_answered_is_old_news(world: World, hooks: Hooks, fox: ClaimedTask) -> None:
    settle(world, fox, State.PLANNED, "window", remote_id="77", wait=0.0)
    (answer,) = claim(world)
    accept(world, answer, "77")
    assert hooks.post(fox.token, body("77", "MODAL")) == 200
    assert hooks.post(fox.token, body("77", "IN_PROGRESS", "15%")) == 200
    assert (state(world), hooks.rings) == ("running", [])


def test_an_answer_in_doubt_is_settled_by_the_reports_of_its_window(
    world: World, hooks: Hooks, fox: ClaimedTask
) -> None:
    settle(world, fox, State.PLANNED, "window", remote_id="77", wait=0.0)
    (answer,) = claim(world)
    settle(world, answer, State.IN_DOUBT, "in_doubt")
    for status in ("MODAL", "SUBMITTED"):
        hooks.post(fox.token, body("77", status))
        assert state(world) == "in_doubt"
    assert hooks.post(fox.token, body("77", "IN_PROGRESS", "15%")) == 200
    assert (state(world), world.column("remote_id")) == ("running", ["77"])


@pytest.mark.parametrize("outcome", ["refused", "in_doubt"])
def test_a_window_that_was_given_up_and_made_all_the_same_is_asked_for(
    world: World, hooks: Hooks, fox: ClaimedTask, outcome: str
) -> None:
    settle(world, fox, State.PLANNED, "window", remote_id="77", wait=0.0)
    (answer,) = claim(world)
    settle(world, answer, State.IN_DOUBT, "in_doubt")
    with world.store.begin() as tx:
        doubts.send_again(tx, fox.id)
    (again,) = claim(world)
    settle(world, again, State.FAILED, outcome, reason="the window was answered before")
    for status in ("MODAL", "SUBMITTED", "FAILURE", "CANCEL"):
        assert hooks.post(fox.token, body("77", status)) == 200
    assert (state(world), hooks.rings) == ("failed", [])
    assert hooks.post(fox.token, body("77", "SUCCESS", "100%")) == 200
    assert (state(world), world.column("remote_id")) == ("submitted", ["77"])
    assert hooks.rung() == [("acme", world.account_id, (fox.id,))]


def test_a_token_speaks_for_its_own_task_only(world: World, hooks: Hooks) -> None:
    world.plan("fox", "owl")
    fox, owl = claim(world)
    accept(world, fox, "77")
    accept(world, owl, "88")
    assert hooks.post(fox.token, body("88", "SUCCESS")) == 409
    assert hooks.post(UNKNOWN, body("88", "SUCCESS")) == 404
    assert (world.states(), hooks.rings) == ({"fox": "submitted", "owl": "submitted"}, [])
    with world.store.begin() as tx:
        assert accounts.calls_back(tx, world.account_id) is False


def test_an_account_that_calls_back_is_known_for_it(world: World, hooks: Hooks, fox: ClaimedTask) -> None:
    accept(world, fox)
    hooks.post(fox.token, body("77", "SUBMITTED"))
    with world.store.begin() as tx:
        assert accounts.calls_back(tx, world.account_id) is True


def test_a_task_that_a_worker_holds_is_waited_for_and_no_other_is(world: World, hooks: Hooks, fox: ClaimedTask) -> None:
    accept(world, fox)
    world.plan("owl")
    (owl,) = claim(world)
    accept(world, owl, "88")
    with hooks.later() as later:
        with world.store.begin() as tx:
            tx.rows("SELECT FROM tasks WHERE id = :id FOR UPDATE", id=fox.id)
            held = later.submit(hooks.post, fox.token, body("77", "IN_PROGRESS", "15%"))
            assert hooks.post(owl.token, body("88", "IN_PROGRESS", "15%")) == 200
            assert not held.done()
        assert held.result(10) == 200
    assert world.states() == {"fox": "running", "owl": "running"}


def test_what_postgres_cannot_hold_harms_no_neighbour(world: World, hooks: Hooks, fox: ClaimedTask) -> None:
    accept(world, fox)
    assert hooks.post(fox.token, body("77", "IN_PROGRESS", "\0\ud83e" * 200)) == 200
    assert hooks.post(fox.token, body("77\0", "IN_PROGRESS")) == 400
    assert state(world) == "running"
