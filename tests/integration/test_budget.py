"""A budget is a hard cap: what a POST may cost is reserved with its intent, and nobody reserves what is not there."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import pytest

from pipeline.action import Action
from pipeline.store import accounts, batches, claims, moves, rows, settlements
from pipeline.store.batches import Handed
from pipeline.store.engine import Store, as_json
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
    """Of each race the prices, the budget, how many tasks a worker takes at once and what it hears are drawn.

    Nobody leaves money lying either: what the rest pays for is taken in the end.
    """
    rng = random.Random(seed)
    races = [_Race(number, rng) for number in range(RACES)]
    _prepare(quick_store, races)
    presence = Presence(quick_store.engine)
    presence.hold()
    with ThreadPoolExecutor(WORKERS) as pool:
        for race in races:
            list(pool.map(partial(race.work, quick_store, presence.number), race.answers))
            while race.claim(quick_store, presence.number):
                pass
    presence.leave()
    assert _over(quick_store) == []
    assert _left_lying(quick_store) == []


class _Race:
    """One account with one batch."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self.name = f"race-{number}"
        self.account_id = 0
        self.prices = {action: Decimal(rng.randint(1, 9)) / 100 for action in (Action.IMAGINE, Action.BLEND)}
        self.actions = [rng.choice(list(self.prices)) for _ in range(rng.randint(2, 12))]
        self.budget = Decimal(rng.randint(0, 9 * len(self.actions))) / 100
        self.most = rng.randint(1, 4)
        self.answers = [rng.choice((State.PLANNED, State.SUBMITTED, State.IN_DOUBT)) for _ in range(WORKERS)]

    def claim(self, store: Store, owner: int) -> list[ClaimedTask]:
        with store.begin() as tx:
            return claims.claim_for_submit(tx, self.account_id, most=self.most, lease=60, owner=owner)[0]

    def work(self, store: Store, owner: int, answer: State) -> None:
        """One worker takes some, and hears this of each."""
        if taken := self.claim(store, owner):
            with store.begin() as tx:
                settlements.settle(tx, [_settled(task, answer) for task in taken])


def _prepare(store: Store, races: list[_Race]) -> None:
    with store.begin() as tx:
        for race in races:
            race.account_id = accounts.register(tx, name=race.name, base_url="", max_running=50, max_queued=0)
        handed = Handed(name="race", filename="race.csv", manifest=b"x", deliver=False)
        for race in races:
            batch_id, _ = batches.receive(tx, race.account_id, handed)
            batches.agree(tx, batch_id, Terms(budget=race.budget, prices=race.prices))
        tx.run(
            """
            INSERT INTO tasks (batch_id, account_id, key, stem, action, prompt)
            SELECT b.id, v.account, v.place, v.place, v.action, v.place
            FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(account bigint, place text, action text)
                JOIN batches b ON b.account_id = v.account
            """,
            rows=as_json(
                {"account": race.account_id, "place": str(place), "action": action}
                for race in races
                for place, action in enumerate(race.actions)
            ),
        )


def _over(store: Store) -> list[int]:
    with store.begin() as tx:
        found = tx.rows(
            "SELECT b.id FROM batches b JOIN tasks t ON t.batch_id = b.id "
            "GROUP BY b.id HAVING sum(t.reserved + t.spent) > b.budget"
        )
    return [row.id for row in found]


def _left_lying(store: Store) -> list[int]:
    with store.begin() as tx:
        found = tx.rows(
            """
            SELECT b.id FROM batches b JOIN tasks t ON t.batch_id = b.id GROUP BY b.id
            HAVING b.budget - sum(t.reserved + t.spent) >= min((b.prices ->> t.action)::numeric)
                FILTER (WHERE t.state = 'planned' AND t.next_attempt_at <= now())
            """
        )
    return [row.id for row in found]


def _settled(task: ClaimedTask, answer: State) -> Settlement:
    if answer is State.PLANNED:
        return Settlement(id=task.id, attempt=task.attempt, state=answer, outcome="try_again", wait=3_600.0)
    if answer is State.IN_DOUBT:
        return Settlement(id=task.id, attempt=task.attempt, state=answer, outcome="in_doubt", wait=1.0)
    return Settlement(
        id=task.id, attempt=task.attempt, state=State.SUBMITTED, outcome="accepted", remote_id=f"r{task.id}"
    )
