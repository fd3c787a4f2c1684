"""Whatever a person makes of a manifest, run by run: nothing is sent twice, and what is asked for is sent."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import follow_up
from pipeline.action import Action
from pipeline.fingerprint import Fingerprints
from pipeline.inputs import Input, Role
from pipeline.outcome import Accepted, Blame, InDoubt, Outcome, Refused, TryAgain, Window
from pipeline.store import accounts, batches, claims, moves, needs, rows, settlements
from pipeline.store.batches import Handed
from pipeline.store.engine import Store
from pipeline.store.moves import Change
from pipeline.store.presence import Presence
from pipeline.store.progress import progress_of
from pipeline.submit import settlement
from pipeline.task import ClaimedTask, NewTask, State
from pipeline.then import FollowUp

KEYS = ("ant", "bee", "cat", "dog")
THENS = ((), (FollowUp("U1"),), (FollowUp("V2", (), "a hat"),), (FollowUp("V2", (), "a cap"), FollowUp("U1")))
ENDS = ("made", "made", "taken", "failed at the API", "refused", "busy", "in doubt", "window")
_numbers = itertools.count()


class Run(NamedTuple):
    """One reading of the manifest, and how the POSTs end that are sent before the next."""

    tasks: tuple[NewTask, ...]
    ends: tuple[str, ...]


def row(key: str, prompt: str, then: tuple[FollowUp, ...]) -> NewTask:
    return NewTask(key=key, stem=key, action=Action.IMAGINE, prompt=f"{key} {prompt}", then=then)


def blend(key: str, *stems: str) -> NewTask:
    inputs = tuple(Input(role=Role.IMAGE, stems=(stem,)) for stem in stems)
    return NewTask(key=key, stem=key, action=Action.BLEND, prompt="", inputs=inputs)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True))
    tasks = [row(key, draw(st.sampled_from(("red", "blue"))), draw(st.sampled_from(THENS))) for key in keys]
    if {"ant", "bee"} <= set(keys) and draw(st.booleans()):
        tasks += [blend("mash", "ant", "bee"), blend("film", "mash")]
    return Run(tuple(tasks), tuple(draw(st.lists(st.sampled_from(ENDS), max_size=5))))


class Batch:
    """A batch of its own, and what was sent of it."""

    def __init__(self, store: Store, owner: int) -> None:
        self.store, self.owner = store, owner
        name = f"account-{next(_numbers)}"
        with store.begin() as tx:
            self.account_id = accounts.register(tx, name=name, base_url="http://x.test", max_running=9, max_queued=9)
            handed = Handed(name="spring", filename="spring.csv", manifest=b"", deliver=False)
            self.id, _ = batches.receive(tx, self.account_id, handed)
        self.paid: Counter[tuple[object, ...]] = Counter()
        self.names: dict[int, str] = {}

    def read(self, tasks: Sequence[NewTask]) -> None:
        with self.store.begin() as tx:
            grown = rows.write_tasks(tx, self.id, tasks)
            moves.add_children(tx, self.account_id, follow_up.children(grown))
            needs.settle(tx, self.account_id)

    def send(self, end: str) -> None:
        with self.store.begin() as tx:
            sent, _ = claims.claim_for_submit(tx, self.account_id, most=1, lease=60, owner=self.owner)
        for task in sent:
            self._end(task, end)

    def _end(self, task: ClaimedTask, end: str) -> None:
        name = f"r{task.id}-{task.attempt}"
        outcome: Outcome = {
            "refused": Refused(reason="no"),
            "busy": TryAgain(reason="busy", blame=Blame.NOBODY),
            "in doubt": InDoubt(reason="lost"),
            "window": Window(remote_id=name, code=21, reason="a window"),
        }.get(end) or Accepted(remote_id=name, code=1, detail="")
        with self.store.begin() as tx:
            settlements.settle(tx, [settlement(task, outcome, 8, random.Random(1))])
            tx.run("UPDATE tasks SET next_attempt_at = now() WHERE state = 'planned' AND id = :id", id=task.id)
            (known,) = tx.rows("SELECT * FROM tasks WHERE id = :id", id=task.id)
            if end in ("made", "taken", "failed at the API", "in doubt"):
                word = (known.word or "").partition("~")[0]
                self.paid[known.parent_id or known.key, word, known.fingerprint or known.prompt] += 1
                self.names[task.id] = known.stem
            if end in ("made", "failed at the API"):
                state = State.SUCCEEDED if end == "made" else State.FAILED
                change = Change(id=task.id, remote_id=known.remote_id, state=state, image_url="http://x.test/1.png")
                finished = moves.report(tx, [change], "poll")
                moves.add_children(tx, self.account_id, follow_up.children(finished))
                needs.settle(tx, self.account_id, [task.id])

    def tasks(self) -> Sequence[object]:
        with self.store.begin() as tx:
            return tx.rows("SELECT * FROM tasks WHERE batch_id = :id ORDER BY id", id=self.id)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(runs(), min_size=2, max_size=5))
def test_nothing_is_sent_twice_and_what_is_asked_for_and_unsent_is_planned(store: Store, history: list[Run]) -> None:
    presence = Presence(store.engine)
    batch = Batch(store, presence.hold())
    for run in history:
        batch.read(run.tasks)
        check(batch, run.tasks)
        for end in run.ends:
            batch.send(end)
        assert max(batch.paid.values(), default=1) == 1, batch.paid
    presence.leave()


def check(batch: Batch, asked: Sequence[NewTask]) -> None:
    fingerprints = Fingerprints()
    staged = {(task.key, fingerprints.of(task)) for task in asked}
    tasks = batch.tasks()
    roots = [task for task in tasks if task.parent_id is None]
    assert {(task.key, task.fingerprint) for task in roots if task.wanted} == staged
    assert [task for task in tasks if task.state == "planned" and not task.wanted] == []
    touched = {(task.key, task.fingerprint) for task in roots if task.attempt or task.state == "failed"}
    unsent = {(task.key, task.fingerprint) for task in roots if task.wanted and task.state == "planned"}
    assert staged - touched <= unsent
    assert {task.id: task.stem for task in tasks if task.id in batch.names} == batch.names
    check_follow_ups({task.key: task for task in asked}, tasks)
    check_progress(batch, tasks)


def check_follow_ups(asked: dict[str, NewTask], tasks: Sequence[object]) -> None:
    """Each row that is made has just the follow-ups that it asks for."""
    for root in tasks:
        if root.wanted and root.parent_id is None and root.state == "succeeded":
            made = Counter(
                (child.word.partition("~")[0], child.prompt if child.own_prompt else None)
                for child in tasks
                if child.parent_id == root.id and child.wanted
            )
            assert made == Counter((one.word, one.prompt) for one in asked[root.key].then)


def check_progress(batch: Batch, tasks: Sequence[object]) -> None:
    with batch.store.begin() as tx:
        counts = progress_of(tx, batch.id)
    assert counts.to_follow >= 0
    assert counts.planned + counts.not_reached + counts.to_follow + counts.failed <= counts.tasks
    assert counts.failed == sum(task.wanted and task.state in ("failed", "cancelled") for task in tasks)
