"""What becomes of doubt: found at the API, surely not there, or by policy; and what it costs meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal

import pytest

from pipeline.action import Action
from pipeline.settings import Dialect
from pipeline.store import claims, retrying, rows
from pipeline.store.presence import Presence
from pipeline.store.progress import progress_of
from pipeline.store.spending import Spending, spending_of
from pipeline.task import NewTask, Policy
from pipeline.terms import Terms
from tests.acceptance.outside import until
from tests.integration.conftest import World
from tests.integration.office import Office, open_office, servers

__all__ = ["open_office", "servers"]

Open = Callable[..., Office]
PRICES = {Action.IMAGINE: Decimal("0.04"), Action.UPSCALE: Decimal("0.01")}
LOOKING = [Dialect.PLUS, Dialect.NOVICEZK, Dialect.TRUEAI]


def plan(world: World, **prompts: str) -> None:
    """What the manifest asks for now, by key."""
    wanted = [NewTask(key=key, stem=key, action=Action.IMAGINE, prompt=prompt) for key, prompt in prompts.items()]
    with world.store.begin() as tx:
        rows.write_tasks(tx, world.batch_id, wanted)


def money(office: Office) -> Spending:
    with office.at.store.begin() as tx:
        return spending_of(tx, office.world.batch_id)


def amounts(office: Office) -> tuple[Decimal, Decimal, Decimal]:
    row = office.row()
    return row["spent"], row["reserved"], row["released"]


@pytest.mark.parametrize("dialect", LOOKING)
def test_a_lost_reply_is_found_by_its_token_and_not_paid_for_again(
    world: World, open_office: Open, dialect: Dialect
) -> None:
    office = open_office(dialect, horizon=60)
    office.agree(Terms(prices=PRICES))
    plan(world, fox="a fox --sandbox lost")
    office.send()
    assert office.row()["state"] == "in_doubt"
    assert amounts(office) == (0, Decimal("0.04"), 0)
    office.look()
    assert office.row()["state"] == "submitted"
    until(lambda: office.poll() or office.row()["state"] == "succeeded")
    assert amounts(office) == (Decimal("0.04"), 0, 0)
    assert money(office).avoided == Decimal("0.04")
    assert (office.server.accepted(), office.posts()) == (1, 1)
    with world.store.begin() as tx:
        (attempt,) = tx.rows("SELECT outcome, remote_id FROM attempts")
    assert (attempt.outcome, attempt.remote_id) == ("accepted", office.row()["remote_id"])


@pytest.mark.parametrize("dialect", LOOKING)
def test_what_the_api_surely_has_not_is_sent_again_once_the_horizon_is_reached(
    world: World, open_office: Open, dialect: Dialect
) -> None:
    office = open_office(dialect, horizon=60)
    office.agree(Terms(prices=PRICES))
    plan(world, fox="a fox --sandbox 500")
    office.send()
    office.look()
    assert office.row()["state"] == "in_doubt"
    office.look(horizon=0)
    row = office.row()
    assert (row["state"], row["tries"]) == ("planned", 1)
    assert "does not have it" in row["reason"]
    assert amounts(office) == (0, 0, Decimal("0.04"))
    assert office.server.accepted() == 0
    office.send()
    assert office.posts() == 2


def test_while_its_post_may_be_on_its_way_absence_proves_nothing(world: World, open_office: Open) -> None:
    office = open_office()
    plan(world, fox="a fox")
    cut_off = Presence(world.store.engine)
    with world.store.begin() as tx:
        claims.claim_for_submit(tx, world.account_id, most=1, lease=600, owner=cut_off.hold())
    cut_off.leave()
    assert office.rescue() == 1
    office.look()
    assert office.row()["state"] == "in_doubt"
    world.change("UPDATE tasks SET lease_until = now() - interval '1 second'")
    office.look()
    assert office.row()["state"] == "planned"


def test_a_server_that_hung_must_have_answered_looks_for_as_long_as_the_horizon(
    world: World, open_office: Open
) -> None:
    office = open_office(horizon=60)
    plan(world, fox="a fox --sandbox 500")
    office.send()
    world.change("UPDATE tasks SET doubted_at = now() - interval '1 hour'")
    office.look()
    assert office.row()["state"] == "in_doubt"
    world.change("UPDATE tasks SET absent_since = now() - interval '61 s'")
    office.look()
    assert office.row()["state"] == "planned"


def test_of_a_process_that_is_dead_nothing_is_on_its_way(world: World, open_office: Open, database_url: str) -> None:
    office = open_office()
    plan(world, fox="a fox")
    program = (
        "import sys, time; from pipeline.store.engine import Store; from pipeline.store.presence import Presence\n"
        "print(Presence(Store(sys.argv[1]).engine).hold(), flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program, database_url], stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        number = int(worker.stdout.readline())
        with world.store.begin() as tx:
            claims.claim_for_submit(tx, world.account_id, most=1, lease=600, owner=number)
        assert office.rescue() == 0
        os.kill(worker.pid, signal.SIGKILL)
    until(lambda: office.rescue() == 1)
    assert office.row()["lease_until"] is None
    office.look()
    assert office.row()["state"] == "planned"
    with world.store.begin() as tx:
        assert tx.scalar("SELECT count(*) FROM processes WHERE number = :number", number=number) == 1
    office.rescue()
    with world.store.begin() as tx:
        assert tx.scalar("SELECT count(*) FROM processes WHERE number = :number", number=number) == 0


def test_a_server_that_has_forgotten_what_it_took_proves_nothing(world: World, open_office: Open) -> None:
    office = open_office()
    plan(world, owl="an owl")
    office.send()
    office.server.reset()
    plan(world, owl="an owl", fox="a fox --sandbox 500")
    office.send()
    office.look()
    row = office.row()
    assert (row["state"], row["next_attempt_at"]) == ("in_doubt", None)
    assert "has forgotten what it took before" in row["reason"]


def test_a_relay_cannot_be_asked_so_a_person_is(world: World, open_office: Open) -> None:
    office = open_office(Dialect.RELAY, horizon=60)
    office.agree(Terms(prices=PRICES))
    plan(world, fox="a fox --sandbox lost")
    office.send()
    office.look()
    with world.store.begin() as tx:
        standing = progress_of(tx, world.batch_id)
    assert (standing.looked_for, standing.in_doubt, standing.over) == (1, 0, False)
    office.look(horizon=0)
    with world.store.begin() as tx:
        standing = progress_of(tx, world.batch_id)
    assert (standing.looked_for, standing.in_doubt, standing.over) == (0, 1, True)
    assert "offers no way to look for a task" in office.row()["reason"]
    assert "the reply was lost" in office.row()["reason"]
    assert (money(office).in_doubt, money(office).spent) == (Decimal("0.04"), 0)


def test_the_policy_resubmit_sends_again_as_often_as_a_task_may_and_keeps_the_money_of_each(
    world: World, open_office: Open
) -> None:
    office = open_office(Dialect.RELAY)
    office.agree(Terms(prices=PRICES, in_doubt=Policy.RESUBMIT))
    plan(world, fox="a fox --sandbox lost")
    for _ in range(4):
        office.send()
        office.look()
    row = office.row()
    assert (row["state"], row["next_attempt_at"], row["attempt"]) == ("in_doubt", None, 3)
    assert row["reserved"] == Decimal("0.12")
    with world.store.begin() as tx:
        assert tx.scalar("SELECT count(*) FROM task_events WHERE cause = 'policy' AND to_state = 'planned'") == 2
    assert office.server.accepted() == 3


def test_the_policy_fail_gives_up_and_a_late_sight_is_still_the_truth(world: World, open_office: Open) -> None:
    office = open_office(Dialect.RELAY)
    office.agree(Terms(prices=PRICES, in_doubt=Policy.FAIL))
    plan(world, fox="a fox --sandbox lost")
    office.send()
    office.look()
    assert office.row()["state"] == "failed"
    assert amounts(office) == (0, Decimal("0.04"), 0)
    (task,) = office.server.audit()["by_state"]
    assert task == _token(world)


def _token(world: World) -> str:
    with world.store.begin() as tx:
        token: str = tx.scalar("SELECT token FROM attempts").hex
    return token


def test_what_was_given_up_in_doubt_is_found_late(world: World, open_office: Open) -> None:
    office = open_office(horizon=0)
    plan(world, fox="a fox --sandbox lost")
    office.send()
    world.change("UPDATE tasks SET state = 'failed', next_attempt_at = now()")
    office.look()
    assert office.row()["state"] == "submitted"
    assert office.posts() == 1


def test_what_was_given_up_here_and_made_there_is_taken_and_paid_for(world: World, open_office: Open) -> None:
    office = open_office()
    office.agree(Terms(prices=PRICES))
    plan(world, fox="a fox")
    office.send()
    task_id = office.row()["id"]
    world.change("UPDATE tasks SET state = 'failed', reserved = 0, released = price, next_attempt_at = now()")
    until(lambda: office.poll([task_id]) or office.row()["state"] == "succeeded")
    assert amounts(office) == (Decimal("0.04"), 0, 0)


def test_a_retry_leaves_alone_what_was_given_up_in_doubt_and_sends_the_rest_again(
    world: World, open_office: Open
) -> None:
    office = open_office(Dialect.RELAY)
    office.agree(Terms(in_doubt=Policy.FAIL))
    plan(world, fox="a fox --sandbox lost")
    office.send()
    office.look()
    plan(world, fox="a fox --sandbox lost", owl="an owl")
    world.change("UPDATE tasks SET state = 'failed', attempt = 1 WHERE key = 'owl'")
    with world.store.begin() as tx:
        retried = retrying.retry(tx, world.batch_id)
    assert (retried.again, retried.doubtful) == (1, 1)
    assert (office.row()["state"], office.row("owl")["state"]) == ("failed", "planned")


def test_an_answer_to_a_window_that_was_lost_is_found_by_the_window(world: World, open_office: Open) -> None:
    office = open_office(horizon=0)
    plan(world, fox="a fox")
    office.send()
    remote_id = office.row()["remote_id"]
    world.change(
        f"UPDATE tasks SET state = 'in_doubt', window_id = '{remote_id}', remote_id = NULL, next_attempt_at = now()"
    )
    office.look()
    assert (office.row()["state"], office.row()["remote_id"]) == ("submitted", remote_id)


def test_a_server_that_failed_is_asked_something_free_before_it_is_sent_a_task(world: World, open_office: Open) -> None:
    office = open_office(horizon=60)
    plan(world, fox="a fox")
    world.change("UPDATE accounts SET down = true, refusals = 3, blocked_reason = 'HTTP 502'")
    office.send()
    assert office.row()["state"] == "submitted"
    audit = office.server.audit()["requests"]
    assert audit["/mj/task/list-by-condition"] == 1
    with world.store.begin() as tx:
        (account,) = tx.rows("SELECT down, refusals FROM accounts")
    assert (account.down, account.refusals) == (False, 0)


def test_as_long_as_the_server_does_not_answer_the_free_question_nothing_is_sent(
    world: World, open_office: Open
) -> None:
    office = open_office(refuse="503=1")
    plan(world, fox="a fox")
    world.change("UPDATE accounts SET down = true, refusals = 3")
    for _ in range(3):
        office.send()
    assert (office.row()["state"], office.row()["attempt"], office.posts()) == ("planned", 0, 0)
    with world.store.begin() as tx:
        (account,) = tx.rows(
            "SELECT down, refusals, blocked_reason, blocked_until < now() + interval '31 s' AS soon FROM accounts"
        )
    assert (account.down, account.refusals, account.soon) == (True, 6, True)
    assert "HTTP 503" in account.blocked_reason


def test_what_a_worker_took_and_never_sent_because_its_connection_broke_is_known_to_itself(
    world: World, open_office: Open
) -> None:
    office = open_office()
    plan(world, fox="a fox", owl="an owl")
    with world.store.begin() as tx:
        fox, owl = claims.claim_for_submit(tx, world.account_id, most=2, lease=600, owner=office.at.presence.hold())[0]
    world.change("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    office.at.presence.hold()
    with office.at.presence.sending() as take_in_hand:
        take_in_hand([owl.id])
        assert office.rescue() == 2
    assert (office.row("fox")["lease_until"], office.row("owl")["lease_until"] is None) == (None, False)
    office.rescue()
    assert office.row("owl")["lease_until"] is None
    assert fox.id == office.row("fox")["id"]
