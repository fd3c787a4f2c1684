"""What a person says of a whole batch: it holds from the next claim on, and never costs what is made."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from pipeline.action import Action
from pipeline.api.client import Api, QueryError
from pipeline.cancel import ask_to_stop
from pipeline.cli import steer
from pipeline.cli.show import show
from pipeline.errors import UsageError
from pipeline.outcome import Accepted, Blame, TryAgain
from pipeline.settings import Dialect
from pipeline.store import accounts, batches, deliveries, needs, retrying, rows, spending, steering
from pipeline.store.batches import Handed
from pipeline.store.conditions import Which
from pipeline.store.engine import as_json
from pipeline.store.progress import Progress, progress_of
from pipeline.store.retrying import ended_at_the_api, retry
from pipeline.task import State
from pipeline.terms import Terms
from pipeline.then import FollowUp
from tests.integration.conftest import World
from tests.integration.office import Office, open_office, servers
from tests.integration.reading import claim, end, read, row, send, settle

__all__ = ["open_office", "servers"]

Open = Callable[..., Office]
U1 = (FollowUp("U1"),)


def say(world: World, what: Callable[..., object], *words: object) -> None:
    with world.store.begin() as tx:
        what(tx, world.batch_id, *words)


def standing(world: World) -> Progress:
    with world.store.begin() as tx:
        return progress_of(tx, world.batch_id)


def other_batch(world: World, name: str, *keys: str, priority: int | None = None) -> int:
    handed = Handed(name=name, filename=f"{name}.csv", manifest=name.encode(), deliver=True)
    with world.store.begin() as tx:
        batch_id, _ = batches.receive(tx, world.account_id, handed)
        batches.agree(tx, batch_id, Terms(priority=priority))
        rows.write_tasks(tx, batch_id, [row(key) for key in keys])
        return batch_id


def test_nothing_of_a_paused_batch_is_sent_until_it_is_resumed(world: World) -> None:
    read(world, row("fox", then=U1), row("owl"), row("elk"))
    (fox,) = claim(world, 1)
    settle(world, fox, Accepted(remote_id=f"r{fox.id}", code=1, detail=""))
    say(world, steering.pause)
    end(world, "fox")
    assert claim(world) == []
    with world.store.begin() as tx:
        assert accounts.due_for_submit(tx, "acme") is None
    paused = standing(world)
    assert (paused.standing, paused.over, paused.planned) == ("paused", False, 3)
    assert paused.why_waiting == "it is paused: pipeline resume spring"

    other_batch(world, "summer", "bee")
    assert send(world) == ["a bee"]
    say(world, steering.resume)
    assert sorted(send(world)) == ["a elk", "a fox", "a owl"]


def test_twenty_rows_beside_many_have_the_next_place_and_then_half_of_the_account(world: World) -> None:
    read(world, *(row(f"big-{number}") for number in range(100)))
    first = send(world)
    assert len(first) == 13, "the account is full"
    other_batch(world, "small", *(f"small-{number}" for number in range(20)))
    end(world, "big-0")
    assert send(world) == ["a small-0"]
    for number in range(1, 12):
        end(world, f"big-{number}")
        send(world)
    with world.store.begin() as tx:
        held = tx.rows("SELECT batch_id, count(*) FROM tasks WHERE state = 'submitted' GROUP BY batch_id ORDER BY 1")
    assert sorted(row.count for row in held) == [6, 7]


def test_a_batch_of_priority_three_has_three_places_for_each_one_of_another(world: World) -> None:
    read(world, *(row(f"big-{number}") for number in range(30)))
    world.change("UPDATE accounts SET max_running = 4, max_queued = 8")
    urgent = other_batch(world, "urgent", *(f"urgent-{number}" for number in range(30)), priority=3)
    sent = send(world)
    assert len([prompt for prompt in sent if prompt.startswith("a urgent")]) in {8, 9, 10}, "chance decides in between"
    with world.store.begin() as tx:
        batches.agree(tx, urgent, Terms())
        assert tx.scalar("SELECT priority FROM batches WHERE id = :id", id=urgent) == 3


def test_equal_prompts_of_two_batches_take_turns(world: World) -> None:
    read(world, row("one", "a fox"), row("two", "an owl"))
    other_batch(world, "other", "fox")
    assert sorted(send(world)) == ["a fox", "an owl"]
    end(world, "one")
    assert send(world) == ["a fox"]


def test_a_batch_without_money_does_not_keep_others_from_the_account(world: World) -> None:
    read(world, *(row(f"poor-{number}") for number in range(20)))
    with world.store.begin() as tx:
        prices = {Action.IMAGINE: Decimal(1)}
        batches.agree(tx, world.batch_id, Terms(budget=Decimal(2), prices=prices))
    other_batch(world, "rich", *(f"rich-{number}" for number in range(5)))
    sent = send(world) + send(world)
    assert (len(sent), len([prompt for prompt in sent if "poor" in prompt])) == (7, 2)


def test_cancel_keeps_what_is_made_gives_back_what_is_not_sent_and_has_the_rest_stopped(world: World) -> None:
    with world.store.begin() as tx:
        batches.agree(tx, world.batch_id, Terms(prices={Action.IMAGINE: Decimal(1)}))
    read(world, row("made", then=U1), row("at"), row("away"), row("later"))
    for task in claim(world, 2):
        settle(world, task, Accepted(remote_id=f"r{task.id}", code=1, detail=""))
    (away,) = claim(world, 1)
    end(world, "made")
    say(world, steering.cancel)
    assert world.states() == {
        "made": "succeeded",
        "made-U1": "cancelled",
        "at": "submitted",
        "away": "submitting",
        "later": "cancelled",
    }
    with world.store.begin() as tx:
        assert [task.remote_id for task in steering.take_to_stop(tx, world.account_id)] == ["r2"]
    refused = TryAgain(reason="busy", blame=Blame.ACCOUNT)
    settle(world, away, refused)
    assert world.states()["away"] == "cancelled", "it is not sent again"
    end(world, "at", State.CANCELLED)
    with world.store.begin() as tx:
        money = tx.rows("SELECT sum(spent) AS spent, sum(reserved) AS reserved, sum(released) AS released FROM tasks")
    assert tuple(money[0]) == (1, 0, 2)
    assert (standing(world).standing, standing(world).tasks, standing(world).not_reached) == ("cancelled", 1, 0)


def test_what_turns_out_to_be_made_of_a_cancelled_batch_is_brought_home_and_nothing_follows(world: World) -> None:
    read(world, row("fox", then=U1))
    send(world)
    say(world, steering.cancel)
    end(world, "fox")
    assert world.states() == {"fox": "succeeded"}
    assert standing(world).downloading == 1
    assert claim(world) == []


def test_the_same_manifest_goes_on_after_a_cancel_and_what_was_accepted_is_not_sent_again(world: World) -> None:
    tasks = (row("fox", then=U1), row("owl"), row("elk"))
    read(world, *tasks)
    (fox,) = claim(world, 1)
    settle(world, fox, Accepted(remote_id=f"r{fox.id}", code=1, detail=""))
    say(world, steering.cancel)
    with world.store.begin() as tx:
        handed = Handed(name="spring", filename="spring.csv", manifest=b"prompt\na fox\n", deliver=True)
        assert batches.receive(tx, world.account_id, handed) == (world.batch_id, True)
    read(world, *tasks)
    assert standing(world).standing == "at work"
    assert world.column("stop_at") == [None, None, None]
    assert sorted(send(world)) == ["a elk", "a owl"]
    end(world, "fox")
    assert send(world) == ["a fox"], "its follow-up is wanted again"


def test_a_manifest_that_nobody_has_read_can_be_cancelled(world: World) -> None:
    say(world, steering.cancel)
    with world.store.begin() as tx:
        assert batches.take_to_read(tx, world.batch_id) is None
    assert (standing(world).standing, standing(world).over) == ("cancelled", True)


@pytest.mark.parametrize(("dialect", "stops"), [(Dialect.PLUS, True), (Dialect.NOVICEZK, False)])
def test_the_api_is_asked_to_stop_what_it_makes(world: World, open_office: Open, dialect: Dialect, stops: bool) -> None:
    office = open_office(dialect, imagine_seconds=60)
    world.plan("fox", "owl")
    office.send()
    say(world, steering.cancel)
    asked = ask_to_stop(office.at.store, office.at.api, world.account_id, office.at.questions.map)
    assert (asked.stopped, asked.refused) == ((2, 0) if stops else (0, 2))
    assert asked.why == (None if stops else "it cannot stop tasks")
    office.poll()
    assert set(world.states().values()) <= ({"cancelled"} if stops else {"submitted", "running"})
    assert ask_to_stop(office.at.store, office.at.api, world.account_id).stopped == 0, "once is enough"


def test_an_api_that_does_not_answer_is_asked_again(world: World) -> None:
    read(world, row("fox"))
    send(world)
    say(world, steering.cancel)
    with Api("http://127.0.0.1:9", "k", Dialect.PLUS) as away, pytest.raises(QueryError, match="cannot be reached"):
        ask_to_stop(world.store, away, world.account_id)
    with world.store.begin() as tx:
        assert steering.any_to_stop(tx, "acme") is None, "not at once"
        tx.run("UPDATE tasks SET stop_at = now() - interval '1 second' WHERE stop_at < now() + interval '31 seconds'")
        assert steering.any_to_stop(tx, "acme") == world.account_id


def test_on_an_account_of_one_place_each_batch_has_its_turns(world: World) -> None:
    world.change("UPDATE accounts SET max_running = 1, max_queued = 0")
    read(world, *(row(f"old-{number}") for number in range(40)))
    other_batch(world, "new", *(f"new-{number}" for number in range(40)))
    sent: list[str] = []
    for _ in range(30):
        (prompt,) = send(world)
        sent.append(prompt)
        end(world, prompt.removeprefix("a "))
    assert 3 < len([prompt for prompt in sent if "new" in prompt]) < 27


def test_what_shows_whether_the_account_takes_tasks_again_is_not_always_of_the_older_batch(world: World) -> None:
    read(world, *(row(f"old-{number}") for number in range(40)))
    other_batch(world, "new", *(f"new-{number}" for number in range(5)))
    world.change("UPDATE accounts SET refusals = 1")
    tried: set[str] = set()
    for _ in range(40):
        (task,) = claim(world)
        tried.add(task.prompt.split("-")[0])
        settle(world, task, TryAgain(reason="queue full", blame=Blame.ACCOUNT))
        world.change("UPDATE tasks SET next_attempt_at = now()")
    assert tried == {"a old", "a new"}


def test_a_retry_and_a_late_success_plan_nothing_of_a_batch_that_was_cancelled_meanwhile(world: World) -> None:
    read(world, row("fox"))
    send(world)
    end(world, "fox", State.FAILED)
    world.change("UPDATE tasks SET wanted = false")
    with world.store.begin() as tx:
        again = as_json([{"id": 1, "state": State.PLANNED, "reason": None}])
        assert tx.rows(retrying._AGAIN, rows=again, cause="retry") == []
        tx.run("UPDATE tasks SET attempt = 0")
        assert tx.rows(needs._REVIVE, rows=again, cause="needs") == []


def test_a_cancelled_batch_can_still_bring_home_what_is_made(world: World) -> None:
    read(world, row("fox"), row("owl"))
    send(world)
    say(world, steering.cancel)
    end(world, "fox")
    end(world, "owl", State.FAILED)
    world.change("UPDATE tasks SET next_attempt_at = NULL, reason = 'disk full' WHERE state = 'succeeded'")
    assert standing(world).stranded == 1
    with world.store.begin() as tx:
        assert retry(tx, world.batch_id).again == 0
        assert deliveries.deliver_again(tx, world.batch_id) == 1


def test_a_row_that_is_gone_from_the_manifest_and_being_made_is_stopped_too(world: World) -> None:
    read(world, row("fox"), row("owl"))
    send(world)
    read(world, row("owl"))
    say(world, steering.cancel)
    with world.store.begin() as tx:
        assert {task.remote_id for task in steering.take_to_stop(tx, world.account_id, world.batch_id)} == {"r1", "r2"}


def test_a_budget_that_is_spent_is_seen_at_a_glance_however_many_rows_wait(world: World) -> None:
    read(world, *(row(f"fox-{number}") for number in range(4_000)))
    with world.store.begin() as tx:
        batches.agree(tx, world.batch_id, Terms(budget=Decimal(1), prices={Action.IMAGINE: Decimal(2)}))
        plan = tx.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {spending.USED_UP}", id=world.batch_id)[0][0][0]["Plan"]
    assert most_loops(plan) < 10, "the sum is made once, not for each row"
    assert standing(world).unaffordable == 4_000


def most_loops(plan: dict[str, Any]) -> int:
    """Rows read together by the sums within a plan."""
    own = plan["Actual Loops"] * plan["Actual Rows"] if plan["Node Type"] == "Aggregate" else 0
    return int(own) + sum(most_loops(inner) for inner in plan.get("Plans", ()))


def test_retry_means_the_tasks_that_a_person_names(world: World) -> None:
    read(world, row("fox"), row("owl"), row("elk", then=U1))
    send(world)
    world.change("UPDATE tasks SET state = 'failed', reason = 'Banned prompt: ' || key")
    with world.store.begin() as tx:
        assert len(ended_at_the_api(tx, world.batch_id, Which(reason="PROMPT: owl"))) == 1
        assert retry(tx, world.batch_id, Which(action=Action.UPSCALE)).again == 0
        assert retry(tx, world.batch_id, Which(reason="PROMPT: owl")).again == 1
        assert retry(tx, world.batch_id, Which(action=Action.IMAGINE)).again == 2
    assert set(world.states().values()) == {"planned"}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (partial(steer.cancel, "spring"), "spring is over (0 of 0 done): there is nothing to cancel"),
        (partial(steer.pause, "spring"), "spring is over (0 of 0 done): there is nothing to pause"),
        (partial(steer.priority, "spring", 3), "spring is over (0 of 0 done): there is nothing to prefer"),
        (partial(steer.resume, "spring"), "spring is not paused: nothing was changed"),
        (partial(steer.pause, "autumn"), "there is no batch 'autumn': `pipeline status` lists them"),
        (partial(show, "spring/fox"), "there is no task 'spring/fox': name it as BATCH/KEY, such as spring/fox-U1"),
    ],
)
def test_what_cannot_be_steered_is_said_in_a_line(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch, command: Callable[[], None], why: str
) -> None:
    read(world)
    monkeypatch.setenv("PIPELINE_DATABASE_URL", database_url)
    monkeypatch.setenv("PIPELINE_ACCOUNT", "acme")
    with pytest.raises(UsageError) as refused:
        command()
    assert str(refused.value).startswith(why)
