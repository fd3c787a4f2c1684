"""A line in the log for every move of every task, from the moves that were committed: no step is held up by it."""

from __future__ import annotations

import threading
import time
from datetime import UTC

from sqlalchemy.exc import SQLAlchemyError

from pipeline.log import Log
from pipeline.store import events
from pipeline.store.engine import Store, Transaction
from pipeline.store.events import Event, Tail

log = Log("beat")

TICK = 0.5
"""Seconds between two looks, when there is nothing more to write."""
TRY_AGAIN = 5.0
"""Seconds until a look that failed, or while another process writes, is tried again."""
_ONE_WRITES = 0x6D6A6C6F
"""Key of the advisory lock of the process that writes."""


class MoveLog(threading.Thread):
    """Writes for every account, for as long as this process lives. Of any number of them, in any processes, one does.

    How far it has come is kept in the database, after the lines. So each move is written once, whichever process made
    it, while beats come and go, and however long all of them or the database were away. Only between its lines and that
    note a process that is killed, or loses the database while another takes over, leaves them, `events.MOST` at most,
    to be written again by the next: a move is known by its number.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(name="move-log", daemon=True)
        self._store = store
        self._tail: Tail | None = None

    def run(self) -> None:
        while True:
            try:
                with self._store.alone(_ONE_WRITES) as tx:
                    while tx:
                        if self.write_next(tx) < events.MOST:
                            time.sleep(TICK)
            except SQLAlchemyError as failure:
                log.warning("moves_wait_to_be_logged", why=type(failure).__name__)
            except Exception:
                log.exception("move_log_crashed")
            time.sleep(TRY_AGAIN)

    def write_next(self, tx: Transaction) -> int:
        """Writes the next moves, `events.MOST` at most; the number of them."""
        kept = Tail.kept(tx)
        if self._tail is None or kept.last > self._tail.last:
            self._tail = kept  # another process has come further; what of ours could not be kept is not written again
        moves = self._tail.look(tx)
        for move in moves:
            _write(move)
        if moves:
            self._tail.keep(tx)
        return len(moves)


def _write(move: Event) -> None:
    log.info(
        "moved",
        move=move.id,
        at=move.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        account=move.account,
        batch=move.batch,
        batch_id=move.batch_id,
        task=move.task_id,
        key=move.key,
        action=move.action,
        attempt=move.attempt,
        **{"from": move.from_state, "to": move.to_state},
        cause=move.cause,
        detail=move.detail,
    )
