"""What reports change, saved together with what it sets off: follow-ups, rows that waited, downloads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pipeline import follow_up
from pipeline.store import moves, needs
from pipeline.store.engine import Transaction
from pipeline.store.moves import Change
from pipeline.task import State
from pipeline.wiring import Runtime
from pipeline.worker.app import Doorbell

bell = Doorbell()
_ENDS = (State.SUCCEEDED, State.FAILED, State.CANCELLED)


def apply(at: Runtime, tx: Transaction, changes: Sequence[Change], cause: str) -> None:
    """Applies the changes, and rings for what can go on once they are committed."""
    finished = moves.report(tx, changes, cause)
    moves.add_children(tx, at.account_id, follow_up.children(finished))
    ended = [change.id for change in changes if change.state in _ENDS]
    if ended:
        needs.settle(tx, at.account_id, ended)
    if ended or any(change.state is State.PLANNED for change in changes):
        tx.after_commit(partial(bell.submit, at.account, at.account_id))
    tx.after_commit(partial(bell.deliver, at.account, [task.id for task in finished if task.to_deliver]))
