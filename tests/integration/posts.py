"""POSTs and their replies, as a worker would commit them."""

from __future__ import annotations

from typing import Any

from pipeline.store import claims, settlements
from pipeline.store.settlements import Settlement
from pipeline.task import ClaimedTask, State
from tests.integration.conftest import World


def claim(world: World) -> list[ClaimedTask]:
    with world.store.begin() as tx:
        return claims.claim_for_submit(tx, world.account_id, most=32, lease=60, owner=world.owner)[0]


def settle(world: World, task: ClaimedTask, state: State, outcome: str, **more: Any) -> None:
    with world.store.begin() as tx:
        settlements.settle(tx, [Settlement(id=task.id, attempt=task.attempt, state=state, outcome=outcome, **more)])


def accept(world: World, task: ClaimedTask, remote_id: str = "77") -> None:
    settle(world, task, State.SUBMITTED, "accepted", remote_id=remote_id)
