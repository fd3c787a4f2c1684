"""A batch of reports, applied in one transaction through the same door as a poll's."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import OperationalError

from pipeline import track
from pipeline.hooks.callback import Callback, Verdict
from pipeline.hooks.judge import Judgement, judge
from pipeline.log import Log
from pipeline.store import callbacks, moves
from pipeline.store.callbacks import Addressees, Attempted, Reported
from pipeline.store.engine import Store, Transaction
from pipeline.store.moves import Change
from pipeline.task import AT_THE_API, State, TaskAtApi

log = Log("hooks")

Ask = Callable[[str, int, Sequence[int]], None]
"""Has the API asked about tasks: the account's name and id, and the tasks' ids."""


@dataclass(slots=True)
class Batch:
    """What a batch comes to. A report is judged by what those before it have made of its task."""

    attempts: dict[str, Attempted]
    tasks: dict[int, Reported]
    named: dict[int, str] = field(default_factory=dict)
    accepted: dict[int, str] = field(default_factory=dict)
    changes: dict[int, Change] = field(default_factory=dict)
    asked: dict[int, Reported] = field(default_factory=dict)
    heard_of: set[int] = field(default_factory=set)

    def apply(self, callback: Callback) -> Verdict:
        post = self.attempts[callback.token]
        task = self.tasks[post.task_id]
        judgement = judge(post, task, callback.report)
        if judgement.verdict is Verdict.TAKEN:
            self.heard_of.add(task.account_id)
            self._note(callback, judgement, post)
        return judgement.verdict

    def _note(self, callback: Callback, judgement: Judgement, post: Attempted) -> None:
        remote_id = callback.report.remote_id
        if judgement.names:
            self.named[post.id] = remote_id
            self.attempts[callback.token] = replace(post, remote_id=remote_id)
        if judgement.accepts:
            self.accepted[post.task_id] = remote_id
            known = replace(self.tasks[post.task_id].known, remote_id=remote_id, state=State.SUBMITTED)
            self._know(replace(known, seconds_since_submit=0.0))
        if judgement.shows:
            self._show(post.task_id, callback)
        if judgement.asks:
            self.asked[post.task_id] = self.tasks[post.task_id]

    def _show(self, task_id: int, callback: Callback) -> None:
        known = self.tasks[task_id].known
        for change in track.changes([known], [callback.report]):
            # That a task was given up after a day is the poll's to say.
            if change.state in AT_THE_API:
                self.changes[task_id] = change
                self._know(replace(known, state=change.state, progress=change.progress, seconds_since_update=0.0))

    def _know(self, known: TaskAtApi) -> None:
        self.tasks[known.id] = replace(self.tasks[known.id], known=known)


class Door:
    """Where reports come in. Used by one thread at a time."""

    def __init__(self, store: Store, ask: Ask) -> None:
        self._store = store
        self._ask = ask

    def take(self, batch: Sequence[Callback]) -> list[Verdict]:
        """Commits what the reports say; the verdict on each. A report that cannot be saved costs no other one."""
        try:
            return self._take(batch)
        except OperationalError as failure:
            log.warning("callbacks_not_taken", reports=len(batch), why=type(failure.orig).__name__)
            return [Verdict.AWAY] * len(batch)
        except Exception as bug:  # noqa: BLE001 - whatever one report does, its neighbours are taken
            if len(batch) > 1:
                middle = len(batch) // 2
                return self.take(batch[:middle]) + self.take(batch[middle:])
            # Without its message, which may hold what was sent.
            where = "".join(traceback.format_tb(bug.__traceback__))
            log.error("callback_crashed", why=type(bug).__name__, where=where)
            return [Verdict.BROKEN]

    def _take(self, batch: Sequence[Callback]) -> list[Verdict]:
        began = time.monotonic()
        with self._store.begin() as tx:
            found = callbacks.look_up(tx, (one.token for one in batch))
            known = Batch(dict(found.attempts), dict(found.tasks))
            verdicts = [_verdict(found, known, one) for one in batch]
            _save(tx, known)
        for (account, account_id), ids in _by_account(known.asked).items():
            self._ask(account, account_id, ids)
        log.info(
            "callbacks",
            reports=len(batch),
            taken=verdicts.count(Verdict.TAKEN),
            unknown=verdicts.count(Verdict.UNKNOWN),
            foreign=verdicts.count(Verdict.FOREIGN),
            named=len(known.named),
            accepted=len(known.accepted),
            shown=len(known.changes),
            asked=len(known.asked),
            ms=round(1000 * (time.monotonic() - began)),
        )
        return verdicts


def _verdict(found: Addressees, known: Batch, callback: Callback) -> Verdict:
    if callback.token in found.busy:
        return Verdict.BUSY
    return known.apply(callback) if callback.token in found.attempts else Verdict.UNKNOWN


def _save(tx: Transaction, known: Batch) -> None:
    callbacks.name(tx, known.named)
    callbacks.accept(tx, known.accepted)
    moves.report(tx, list(known.changes.values()), "callback")
    callbacks.called_back(tx, known.heard_of)


def _by_account(asked: dict[int, Reported]) -> dict[tuple[str, int], list[int]]:
    found: dict[tuple[str, int], list[int]] = {}
    for task_id, task in asked.items():
        found.setdefault((task.account, task.account_id), []).append(task_id)
    return found
