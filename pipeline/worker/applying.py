"""What reports change, saved together with what it sets off: follow-ups, rows that waited, downloads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pipeline import follow_up
from pipeline.store import moves, needs
from pipeline.store.engine import Transaction
from pipeline.store.moves import Change
from pipeline.task import FinishedTask, State
from pipeline.wiring import Runtime
from pipeline.worker.app import Doorbell

bell = Doorbell()
_ENDS = (State.SUCCEEDED, State.FAILED, State.CANCELLED)


def adopt(tx: Transaction, account_id: int, changes: Sequence[Change], cause: str) -> list[FinishedTask]:
    """Applies the changes: what has succeeded has its follow-ups, and lets go the rows that waited for it."""
    finished = moves.report(tx, changes, cause)
    moves.add_children(tx, account_id, follow_up.children(finished))
    needs.revive(tx, account_id, [task.id for task in finished if task.late])
    if ended := [change.id for change in changes if change.state in _ENDS]:
        needs.settle(tx, account_id, ended)
    return finished


def apply(at: Runtime, tx: Transaction, changes: Sequence[Change], cause: str) -> None:
    """Applies the changes, and rings for what can go on once they are committed."""
    finished = adopt(tx, at.account_id, changes, cause)
    if any(change.state in _ENDS for change in changes) or any(change.state is State.PLANNED for change in changes):
        tx.after_commit(partial(bell.submit, at.account, at.account_id))
    tx.after_commit(partial(bell.deliver, at.account, [task.id for task in finished if task.to_deliver]))
