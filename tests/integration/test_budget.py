"""A budget is a hard cap: what a POST may cost is reserved with its intent, and nobody reserves what is not there."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from pipeline.action import Action
from pipeline.store import accounts, batches, claims, moves, rows, settlements
from pipeline.store.batches import Handed
from pipeline.store.engine import Store
from pipeline.store.moves import Change
from pipeline.store.presence import Presence
from pipeline.store.progress import Progress, progress_of
from pipeline.store.settlements import Settlement
from pipeline.store.spending import spending_of
from pipeline.task import ClaimedTask, NewTask, State
from pipeline.terms import Terms
from pipeline.then import FollowUp
from tests.integration.conftest import World
from tests.integration.posts import accept, claim, settle

PRICES = {Action.IMAGINE: Decimal("0.04"), Action.UPSCALE: Decimal("0.01"), Action.BLEND: Decimal("0.07")}
RACES = 1_000
WORKERS = 4


def agree(world: World, budget: str) -> None:
    with world.store.begin() as tx:
        batches.agree(tx, world.batch_id, Terms(budget=Decimal(budget), prices=PRICES))


def standing(world: World) -> Progress:
    with world.store.begin() as tx:
        return progress_of(tx, world.batch_id)


def succeed(world: World, task: ClaimedTask, remote_id: str) -> None:
    with world.store.begin() as tx:
        moves.report(
            tx, [Change(id=task.id, remote_id=remote_id, state=State.SUCCEEDED, image_url="http://a/1")], "poll"
        )


def test_what_the_budget_does_not_pay_for_is_not_sent_and_said(world: World) -> None:
    world.plan("fox", "owl", "cat")
    agree(world, "0.09")
    fox, owl = claim(world)
    assert claim(world) == []
    assert (standing(world).unaffordable, standing(world).over) == (0, False)
    accept(world, fox, "r1")
    succeed(world, fox, "r1")
    settle(world, owl, State.FAILED, "refused", reason="banned")
    (cat,) = claim(world)
    accept(world, cat, "r2")
    succeed(world, cat, "r2")
    world.plan("hen", then=(FollowUp("U1"),))
    now = standing(world)
    assert (now.unaffordable, now.not_reached, now.planned, now.needs_a_person) == (1, 1, 0, 1)
    agree(world, "0.12")
    assert [task.prompt for task in claim(world)] == ["a hen"]


def test_doubt_stays_reserved(world: World) -> None:
    world.plan("fox", "owl")
    agree(world, "0.04")
    (fox,) = claim(world)
    settle(world, fox, State.IN_DOUBT, "in_doubt", reason="lost")
    assert claim(world) == []
    with world.store.begin() as tx:
        assert (spending_of(tx, world.batch_id).in_doubt, spending_of(tx, world.batch_id).spent) == (Decimal("0.04"), 0)


def test_a_cheap_task_is_not_held_up_by_a_dear_one_before_it(world: World) -> None:
    with world.store.begin() as tx:
        rows.write_tasks(
            tx,
            world.batch_id,
            [
                NewTask(key="dear", stem="dear", action=Action.BLEND, prompt=""),
                NewTask(key="cheap", stem="cheap", action=Action.IMAGINE, prompt="a fox"),
            ],
        )
    agree(world, "0.05")
    assert [task.action for task in claim(world)] == [Action.IMAGINE]


def test_another_batch_of_the_account_goes_on(world: World) -> None:
    world.plan("fox")
    agree(world, "0.01")
    with world.store.begin() as tx:
        other, _ = batches.receive(
            tx, world.account_id, Handed(name="other", filename="other.csv", manifest=b"y", deliver=True)
        )
        rows.write_tasks(tx, other, [NewTask(key="owl", stem="owl", action=Action.IMAGINE, prompt="an owl")])
    assert [task.prompt for task in claim(world)] == ["an owl"]


@pytest.mark.parametrize("seed", [20261125])
def test_a_thousand_races_of_four_workers_on_one_budget_are_never_over_by_one(quick_store: Store, seed: int) -> None:
    """Of each race the prices, the budget, how many tasks a worker takes at once and what it hears are drawn."""
    rng = random.Random(seed)
    presence = Presence(quick_store.engine)
    presence.hold()
    with ThreadPoolExecutor(WORKERS) as pool:
        for number in range(RACES):
            _race(quick_store, pool, presence, number, random.Random(rng.random()))
    presence.leave()


def _race(store: Store, pool: ThreadPoolExecutor, presence: Presence, number: int, rng: random.Random) -> None:
    prices = {action: Decimal(rng.randint(1, 9)) / 100 for action in (Action.IMAGINE, Action.BLEND)}
    count = rng.randint(2, 12)
    budget = Decimal(rng.randint(0, 9 * count)) / 100
    with store.begin() as tx:
        account_id = accounts.register(tx, name=f"a{number}", base_url="", max_running=50, max_queued=0)
        handed = Handed(name="race", filename="race.csv", manifest=b"x", deliver=False)
        batch_id, _ = batches.receive(tx, account_id, handed)
        batches.agree(tx, batch_id, Terms(budget=budget, prices=prices))
        wanted = [
            NewTask(key=f"k{n}", stem=f"k{n}", action=rng.choice(list(prices)), prompt=f"{n}") for n in range(count)
        ]
        rows.write_tasks(tx, batch_id, wanted)
    most = rng.randint(1, 4)
    answers = [rng.choice(list(State)[:3]) for _ in range(WORKERS)]

    def work(answer: State) -> None:
        with store.begin() as tx:
            taken, _ = claims.claim_for_submit(tx, account_id, most=most, lease=60, owner=presence.number)
        with store.begin() as tx:
            settlements.settle(tx, [_settled(task, answer) for task in taken])

    list(pool.map(work, answers))
    with store.begin() as tx:
        spending = spending_of(tx, batch_id)
        left = tx.rows(
            "SELECT action FROM tasks WHERE batch_id = :id AND state = 'planned' AND attempt = 0", id=batch_id
        )
    assert spending.spent + spending.reserved <= budget, number
    if not left:
        return
    with store.begin() as tx:
        more, _ = claims.claim_for_submit(tx, account_id, most=50, lease=60, owner=presence.number)
        spending = spending_of(tx, batch_id)
        cheapest = tx.scalar(
            "SELECT min((b.prices ->> t.action)::numeric) FROM tasks t JOIN batches b ON b.id = t.batch_id "
            "WHERE t.batch_id = :id AND t.state = 'planned' AND t.next_attempt_at <= now()",
            id=batch_id,
        )
    assert spending.spent + spending.reserved <= budget, number
    assert cheapest is None or cheapest + spending.spent + spending.reserved > budget or more, number


def _settled(task: ClaimedTask, answer: State) -> Settlement:
    if answer is State.PLANNED:
        return Settlement(id=task.id, attempt=task.attempt, state=answer, outcome="try_again", wait=60.0)
    if answer is State.IN_DOUBT:
        return Settlement(id=task.id, attempt=task.attempt, state=answer, outcome="in_doubt", wait=1.0)
    return Settlement(
        id=task.id, attempt=task.attempt, state=State.SUBMITTED, outcome="accepted", remote_id=f"r{task.id}"
    )
