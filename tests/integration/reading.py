"""A manifest that is read, run by run, and what happens to its tasks between."""

from __future__ import annotations

import random

from pipeline import follow_up
from pipeline.action import Action
from pipeline.inputs import Input, Role
from pipeline.outcome import Accepted, Outcome
from pipeline.store import claims, deliveries, moves, needs, rows, settlements
from pipeline.store.deliveries import DeliveryEnd
from pipeline.store.moves import Change
from pipeline.submit import settlement
from pipeline.task import ClaimedTask, NewTask, State
from pipeline.then import FollowUp
from tests.integration.conftest import World


def row(key: str, prompt: str = "", then: tuple[FollowUp, ...] = (), **options: object) -> NewTask:
    return NewTask(
        key=key, stem=key, action=Action.IMAGINE, prompt=prompt or f"a {key}", then=then, options=dict(options)
    )


def blend(key: str, *ways: str) -> NewTask:
    """Of pictures such as `fox` or `fox/V2`."""
    inputs = tuple(Input(role=Role.IMAGE, stems=stems(way)) for way in ways)
    return NewTask(key=key, stem=key, action=Action.BLEND, prompt="", inputs=inputs)


def stems(way: str) -> tuple[str, ...]:
    words = way.split("/")
    return tuple("-".join(words[: count + 1]) for count in range(len(words)))


def read(world: World, *tasks: NewTask) -> None:
    """What a worker does with a manifest."""
    with world.store.begin() as tx:
        grown = rows.write_tasks(tx, world.batch_id, tasks)
        moves.add_children(tx, world.account_id, follow_up.children(grown))
        needs.settle(tx, world.account_id)


def claim(world: World, most: int = 32) -> list[ClaimedTask]:
    with world.store.begin() as tx:
        return claims.claim_for_submit(tx, world.account_id, most=most, lease=60, owner=world.owner)[0]


def settle(world: World, task: ClaimedTask, outcome: Outcome) -> None:
    with world.store.begin() as tx:
        settlements.settle(tx, [settlement(task, outcome, 8, random.Random(1))])


def send(world: World) -> list[str]:
    """Sends what may go, and the API takes all of it; the prompts, or actions where there is none."""
    claimed = claim(world)
    for task in claimed:
        settle(world, task, Accepted(remote_id=f"r{task.id}", code=1, detail=""))
    return [task.prompt or str(task.action) for task in claimed]


def end(world: World, stem: str, state: State = State.SUCCEEDED) -> None:
    with world.store.begin() as tx:
        task_id = tx.scalar("SELECT id FROM tasks WHERE stem = :stem", stem=stem)
        change = Change(id=task_id, remote_id=f"r{task_id}", state=state, image_url="http://acme.test/x.png")
        finished = moves.report(tx, [change], "poll")
        moves.add_children(tx, world.account_id, follow_up.children(finished))
        needs.settle(tx, world.account_id, [task_id])


def bring(world: World, stem: str) -> None:
    """The picture is brought home."""
    with world.store.begin() as tx:
        task_id = tx.scalar("SELECT id FROM tasks WHERE stem = :stem", stem=stem)
        png = DeliveryEnd(id=task_id, path=f"spring/{stem}.png", bytes=5, sha256="ab", media_type="image/png")
        deliveries.record(tx, [png])


def make(world: World, *names: str) -> None:
    send(world)
    for stem in names:
        end(world, stem)
        bring(world, stem)
