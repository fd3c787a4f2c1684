"""The promises about money and loss, where they are kept: in the statements."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from pipeline import follow_up
from pipeline.errors import UsageError
from pipeline.store import accounts, claims, deliveries, doubts, moves, rescue, settlements
from pipeline.store.deliveries import DeliveryEnd
from pipeline.store.engine import Transaction
from pipeline.store.moves import Change
from pipeline.store.presence import Presence
from pipeline.store.progress import progress_of
from pipeline.store.settlements import Settlement
from pipeline.task import ClaimedTask, FinishedTask, State
from pipeline.then import FollowUp
from tests.integration.conftest import World
from tests.integration.embedded_guest import until

UPSCALES = tuple(FollowUp(f"U{n}") for n in range(1, 5))


def claim(world: World, most: int = 32) -> list[ClaimedTask]:
    with world.store.begin() as tx:
        return claims.claim_for_submit(tx, world.account_id, most=most, lease=60, owner=world.owner)[0]


def settle(world: World, *ends: Settlement) -> int:
    with world.store.begin() as tx:
        return settlements.settle(tx, ends)


def accept(world: World, *tasks: ClaimedTask) -> None:
    settle(
        world,
        *(
            Settlement(
                id=task.id, attempt=task.attempt, state=State.SUBMITTED, outcome="accepted", remote_id=f"r{task.id}"
            )
            for task in tasks
        ),
    )


def report(world: World, *changes: Change) -> list[FinishedTask]:
    with world.store.begin() as tx:
        finished = moves.report(tx, changes, "poll")
        moves.add_children(tx, world.account_id, follow_up.children(finished))
        return finished


def succeed(world: World, task: ClaimedTask) -> list[FinishedTask]:
    return report(
        world,
        Change(
            id=task.id,
            remote_id=f"r{task.id}",
            state=State.SUCCEEDED,
            image_url="http://acme.test/1.png",
            buttons=("MJ::JOB::upsample::1::h",),
            finished_at=datetime.now(UTC),
        ),
    )


def test_a_claim_commits_the_intent_before_anything_is_sent(world: World) -> None:
    world.plan("fox")
    (task,) = claim(world)
    with world.store.begin() as tx:
        (attempt,) = tx.rows("SELECT number, token, ended_at FROM attempts WHERE task_id = :id", id=task.id)
    assert (attempt.number, attempt.token.hex, attempt.ended_at) == (1, task.token, None)
    assert world.states() == {"fox": "submitting"}


def test_the_limit_holds_however_many_workers_claim_at_once(world: World) -> None:
    world.plan(*(f"fox-{number}" for number in range(100)))
    with ThreadPoolExecutor(8) as pool:
        claimed = [task.id for tasks in pool.map(lambda _: claim(world, most=5), range(24)) for task in tasks]
    assert len(claimed) == len(set(claimed)) == 13


def test_room_is_counted_from_rows_so_that_a_crash_leaks_none(world: World) -> None:
    world.plan(*(f"fox-{number}" for number in range(20)))
    first = claim(world)
    assert claim(world) == []
    accept(world, *first)
    assert claim(world) == []
    succeed(world, first[0])
    assert len(claim(world)) == 1


def test_a_blocked_account_is_sent_nothing(world: World) -> None:
    world.plan("fox")
    with world.store.begin() as tx:
        accounts.block(tx, world.account_id, seconds=60, reason="HTTP 401", again=True)
        accounts.block(tx, world.account_id, seconds=0, reason="HTTP 401", again=True)
        assert accounts.refusals(tx, world.account_id) == 2
        assert accounts.unblock(tx, world.account_id) is False
    assert claim(world) == []


def test_after_a_refusal_one_task_shows_whether_the_account_is_taken_again_and_not_always_the_same(
    world: World,
) -> None:
    world.plan("fox", "owl", "cat")
    with world.store.begin() as tx:
        accounts.block(tx, world.account_id, seconds=0, reason="HTTP 403", again=True)
    tried = []
    for _ in range(3):
        (task,) = claim(world)
        tried.append(task.prompt)
        settle(world, Settlement(id=task.id, attempt=task.attempt, state=State.PLANNED, outcome="try_again", wait=0))
    assert tried == ["a fox", "a owl", "a cat"]
    with world.store.begin() as tx:
        assert accounts.unblock(tx, world.account_id) is True
    assert len(claim(world)) == 3


def test_follow_ups_go_before_rows_and_rows_first_once_few_remain(world: World) -> None:
    world.plan(*(f"fox-{number}" for number in range(60)), then=UPSCALES)
    first = claim(world)
    accept(world, *first)
    for task in first[:2]:
        succeed(world, task)
    assert [task.index for task in claim(world)] == [1, 2]
    world.change("UPDATE tasks SET state = 'failed' WHERE state = 'planned' AND depth = 0 AND id > 20")
    succeed(world, first[2])
    assert [task.index for task in claim(world)] == [None]


def test_a_claim_brings_what_a_follow_up_needs_of_its_parent(world: World) -> None:
    world.plan("fox", then=UPSCALES[:1])
    (parent,) = claim(world)
    accept(world, parent)
    succeed(world, parent)
    (child,) = claim(world)
    assert (child.parent_remote_id, child.parent_buttons) == (f"r{parent.id}", ("MJ::JOB::upsample::1::h",))


def test_a_reply_of_an_old_attempt_changes_nothing(world: World) -> None:
    world.plan("fox")
    (old,) = claim(world)
    settle(world, Settlement(id=old.id, attempt=1, state=State.PLANNED, outcome="try_again", wait=0))
    (new,) = claim(world)
    assert new.attempt == 2
    stale = Settlement(id=old.id, attempt=1, state=State.SUBMITTED, outcome="accepted", remote_id="x")
    assert settle(world, stale) == 0
    assert world.states() == {"fox": "submitting"}


def test_a_retry_waits_and_counts(world: World) -> None:
    world.plan("fox")
    (task,) = claim(world)
    settle(
        world,
        Settlement(id=task.id, attempt=1, state=State.PLANNED, outcome="try_again", wait=60, counts=1, reason="3"),
    )
    assert claim(world) == []
    assert world.column("tries") == [1]
    assert world.column("reason") == ["3"]


def test_a_post_that_nobody_answers_for_is_in_doubt_and_never_sent_again(world: World) -> None:
    world.plan("fox", "owl")
    claim(world)
    world.change("UPDATE tasks SET lease_until = now() - interval '1 second' WHERE key = 'fox'")
    with world.store.begin() as tx:
        assert rescue.rescue(tx, world.presence) == 1
    assert world.states() == {"fox": "in_doubt", "owl": "submitting"}
    assert claim(world) == []


def test_a_worker_that_has_died_is_known_at_once(world: World) -> None:
    dead = Presence(world.store.engine)
    world.plan("fox")
    with world.store.begin() as tx:
        claims.claim_for_submit(tx, world.account_id, most=1, lease=600, owner=dead.hold())
    with world.store.begin() as tx:
        assert rescue.rescue(tx, world.presence) == 0
    dead.leave()
    with world.store.begin() as tx:
        assert rescue.rescue(tx, world.presence) == 1
    assert world.states() == {"fox": "in_doubt"}


def test_a_worker_that_lost_its_connection_is_there_again_and_what_it_took_before_is_free(world: World) -> None:
    presence = Presence(world.store.engine)
    number = presence.hold()
    world.plan("owl")
    with world.store.begin() as tx:
        claims.claim_for_submit(tx, world.account_id, most=1, lease=600, owner=number)
    world.change(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
    )
    world.plan("fox")
    with world.store.begin() as tx:
        claims.claim_for_submit(tx, world.account_id, most=1, lease=600, owner=presence.hold())
    with world.store.begin() as tx:
        rescue.rescue(tx, world.presence)
    assert world.states() == {"owl": "in_doubt", "fox": "submitting"}
    presence.leave()


def test_a_worker_whose_connection_breaks_while_it_takes_its_lock_is_there_a_moment_later(world: World) -> None:
    presence = Presence(world.store.engine)
    struck: list[int] = []

    @event.listens_for(world.store.engine, "before_cursor_execute")
    def strike(_: object, cursor: psycopg.Cursor[object], statement: str, *__: object) -> None:
        if "pg_advisory_lock" in statement and not struck:
            struck.append(cursor.connection.info.backend_pid)
            world.change(f"SELECT pg_terminate_backend({struck[0]})")

    with pytest.raises(OperationalError):
        presence.hold()
    assert presence.hold() == presence.number
    presence.leave()


def test_a_reply_that_comes_after_the_doubt_ends_it(world: World) -> None:
    world.plan("fox")
    (task,) = claim(world)
    world.change("UPDATE tasks SET lease_until = now() - interval '1 second'")
    with world.store.begin() as tx:
        rescue.rescue(tx, world.presence)
    accept(world, task)
    assert world.states() == {"fox": "submitted"}


def test_success_reported_twice_makes_children_once(world: World) -> None:
    world.plan("fox", then=UPSCALES)
    (task,) = claim(world)
    accept(world, task)
    assert len(succeed(world, task)) == 1
    assert succeed(world, task) == []
    assert sorted(world.states()) == ["fox", "fox-U1", "fox-U2", "fox-U3", "fox-U4"]


def test_two_pollers_with_the_same_news_make_children_once(world: World) -> None:
    world.plan("fox", then=UPSCALES)
    (task,) = claim(world)
    accept(world, task)
    with ThreadPoolExecutor(8) as pool:
        finished = [len(found) for found in pool.map(lambda _: succeed(world, task), range(8))]
    assert sorted(finished) == [0] * 7 + [1]
    assert len(world.states()) == 5


@pytest.mark.parametrize("late", [State.SUBMITTED, State.RUNNING, State.FAILED])
def test_nothing_moves_backwards(world: World, late: State) -> None:
    world.plan("fox")
    (task,) = claim(world)
    accept(world, task)
    succeed(world, task)
    report(world, Change(id=task.id, remote_id=f"r{task.id}", state=late))
    assert world.states() == {"fox": "succeeded"}


def test_a_late_success_is_taken(world: World) -> None:
    world.plan("fox", then=UPSCALES)
    (task,) = claim(world)
    accept(world, task)
    report(world, Change(id=task.id, remote_id=f"r{task.id}", state=State.FAILED, reason="timeout"))
    succeed(world, task)
    assert world.states()["fox"] == "succeeded"
    assert world.column("reason")[0] is None


def test_every_move_leaves_a_row(world: World) -> None:
    world.plan("fox")
    (task,) = claim(world)
    accept(world, task)
    report(world, Change(id=task.id, remote_id=f"r{task.id}", state=State.RUNNING, progress="31%"))
    report(world, Change(id=task.id, remote_id=f"r{task.id}", state=State.FAILED, reason="[Banned] no"))
    with world.store.begin() as tx:
        events = tx.rows("SELECT from_state, to_state, cause, detail FROM task_events ORDER BY id")
    assert [tuple(event) for event in events] == [
        ("planned", "submitting", "dispatch", None),
        ("submitting", "submitted", "submit", None),
        ("submitted", "running", "poll", None),
        ("running", "failed", "poll", "[Banned] no"),
    ]


def test_a_picture_is_brought_home_by_one_worker(world: World) -> None:
    world.plan("fox")
    (task,) = claim(world)
    accept(world, task)
    succeed(world, task)

    def take(_: int) -> int:
        with world.store.begin() as tx:
            return len(deliveries.claim_for_delivery(tx, [task.id], lease=60, owner=world.owner))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1


def test_pictures_are_taken_in_the_order_in_which_reports_lock_their_tasks(world: World) -> None:
    world.plan("fox", "owl")
    tasks = claim(world)
    accept(world, *tasks)
    for task in tasks:
        succeed(world, task)
    world.change("UPDATE tasks SET updated_at = now() WHERE key = 'fox'")

    def take() -> int:
        """As of a table that is read from its beginning, where the fox lies behind the owl since its last change."""
        with world.store.begin() as tx:
            tx.run("SELECT set_config(name, 'off', true) FROM pg_settings WHERE name ~ '^enable_(bitmap|index).*scan$'")
            ids = [task.id for task in tasks]
            return len(deliveries.claim_for_delivery(tx, ids, lease=60, owner=world.owner))

    def is_waited_for() -> bool:
        with world.store.begin() as tx:
            return bool(tx.rows("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%tasks%'"))

    with ThreadPoolExecutor(1) as pool:
        with world.store.begin() as report:
            report.run("SELECT FROM tasks WHERE key = 'fox' FOR UPDATE")
            taken = pool.submit(take)
            until(is_waited_for)
            report.run("SELECT FROM tasks WHERE key = 'owl' FOR UPDATE NOWAIT")
        assert taken.result() == 2


def test_a_delivery_that_fails_is_tried_again_and_in_the_end_waits_for_a_person(world: World) -> None:
    world.plan("fox")
    (task,) = claim(world)
    accept(world, task)
    succeed(world, task)
    for wait, due in ((0.0, 1), (None, 0)):
        with world.store.begin() as tx:
            deliveries.claim_for_delivery(tx, [task.id], lease=60, owner=world.owner)
            deliveries.record(tx, [DeliveryEnd(id=task.id, reason="HTTP 404", wait=wait)])
        with world.store.begin() as tx:
            assert len(deliveries.claim_for_delivery(tx, [task.id], lease=0, owner=world.owner)) == due
    with world.store.begin() as tx:
        assert deliveries.deliver_again(tx, world.batch_id) == 1
        assert len(deliveries.claim_for_delivery(tx, [task.id], lease=60, owner=world.owner)) == 1


def test_a_delivered_picture_is_recorded_with_its_hash(world: World) -> None:
    world.plan("fox")
    (task,) = claim(world)
    accept(world, task)
    succeed(world, task)
    end = DeliveryEnd(
        id=task.id, path="spring/fox.png", bytes=5, sha256="ab", width=2, height=2, media_type="image/png"
    )
    for _ in range(2):
        with world.store.begin() as tx:
            deliveries.record(tx, [end])
    assert world.states() == {"fox": "delivered"}
    with world.store.begin() as tx:
        assert [tuple(row) for row in tx.rows("SELECT path, sha256 FROM artifacts")] == [("spring/fox.png", "ab")]


def test_doorbells_that_were_lost_are_rung_again_and_not_at_every_look(world: World) -> None:
    world.plan("fox")
    with world.store.begin() as tx:
        assert accounts.due_for_submit(tx, "other") is None
        assert accounts.due_for_submit(tx, "acme") == world.account_id
    with world.store.begin() as tx:
        assert accounts.due_for_submit(tx, "acme") is None
        assert accounts.due_for_poll(tx, "acme") is None
    accept(world, *claim(world))
    with world.store.begin() as tx:
        assert accounts.due_for_poll(tx, "acme") == world.account_id
    with world.store.begin() as tx:
        assert accounts.due_for_poll(tx, "acme") is None
        accounts.poll_again(tx, world.account_id, after=-1)
        assert accounts.next_poll(tx, "acme") == pytest.approx(-1, abs=0.5)
        assert accounts.due_for_poll(tx, "acme") == world.account_id


def test_pictures_whose_message_was_lost_are_found(world: World) -> None:
    world.plan("fox")
    (task,) = claim(world)
    accept(world, task)
    succeed(world, task)
    world.change("UPDATE tasks SET next_attempt_at = now() - interval '1 minute'")
    with world.store.begin() as tx:
        assert deliveries.due(tx, world.account_id, most=10) == [task.id]
        assert deliveries.due(tx, world.account_id + 1, most=10) == []


def test_doubt_holds_its_place_for_an_hour_and_says_so(world: World) -> None:
    world.plan(*(f"fox-{number}" for number in range(20)))
    doubted = claim(world)
    settle(
        world,
        *(
            Settlement(id=task.id, attempt=1, state=State.IN_DOUBT, outcome="in_doubt", reason="502")
            for task in doubted
        ),
    )
    assert claim(world) == []
    with world.store.begin() as tx:
        assert "13 tasks in doubt hold the account's 13 places" in (progress_of(tx, world.batch_id).why_waiting or "")
    world.change("UPDATE tasks SET updated_at = now() - interval '61 minutes' WHERE state = 'in_doubt'")
    assert len(claim(world)) == 7
    with world.store.begin() as tx:
        assert progress_of(tx, world.batch_id).why_waiting is None


def test_a_server_that_does_not_answer_is_named_until_it_does(world: World) -> None:
    with world.store.begin() as tx:
        accounts.polled(tx, world.account_id, again=5, problem="http://acme.test cannot be reached")
        assert progress_of(tx, world.batch_id).why_waiting == "http://acme.test cannot be reached"
        accounts.polled(tx, world.account_id, again=5)
        assert progress_of(tx, world.batch_id).why_waiting is None


@pytest.mark.parametrize("settled", [doubts.give_up, doubts.send_again])
def test_an_acceptance_that_comes_after_a_person_settled_the_doubt_is_still_the_truth(
    world: World, settled: Callable[[Transaction, int], None]
) -> None:
    world.plan("fox")
    (task,) = claim(world)
    settle(world, Settlement(id=task.id, attempt=1, state=State.IN_DOUBT, outcome="in_doubt"))
    with world.store.begin() as tx:
        settled(tx, doubts.in_doubt(tx, "spring/fox", "acme"))
    accept(world, task)
    assert world.states() == {"fox": "submitted"}
    assert world.column("remote_id") == [f"r{task.id}"]


def test_a_task_that_a_person_found_is_tracked(world: World) -> None:
    world.plan("fox")
    (task,) = claim(world)
    settle(world, Settlement(id=task.id, attempt=1, state=State.IN_DOUBT, outcome="in_doubt"))
    with world.store.begin() as tx:
        doubts.found(tx, doubts.in_doubt(tx, str(task.id), "acme"), "77")
    with world.store.begin() as tx:
        assert [known.remote_id for known in claims.at_the_api(tx, world.account_id)] == ["77"]
        with pytest.raises(UsageError, match="is submitted, not in doubt"):
            doubts.in_doubt(tx, "spring/fox", "acme")
        with pytest.raises(UsageError, match="no task 'spring/owl'"):
            doubts.in_doubt(tx, "spring/owl", "acme")


def test_what_postgres_cannot_hold_costs_no_neighbour_its_report(world: World) -> None:
    world.plan("fox", "owl")
    fox, owl = claim(world)
    accept(world, fox, owl)
    hostile = {"seed": float("inf"), "finalPrompt": "\ud83e \0", "list": [float("nan")]}
    report(
        world,
        Change(id=fox.id, remote_id=f"r{fox.id}", state=State.FAILED, reason="no \0 \ud83e", properties=hostile),
        Change(id=owl.id, remote_id=f"r{owl.id}", state=State.SUCCEEDED, image_url="http://acme.test/1.png"),
    )
    assert world.states() == {"fox": "failed", "owl": "succeeded"}
    assert world.column("reason")[0] == "no \ufffd ?"
