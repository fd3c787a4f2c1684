"""What a person says of a whole batch: pause, go on, cancel, before others. It holds from the next claim on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pipeline.store import wanted
from pipeline.store.conditions import one_of
from pipeline.store.engine import Transaction
from pipeline.task import AT_THE_API, IN_FLIGHT

CANCELLED = "its batch was cancelled before it was sent"
MOST = 100
"""Tasks that the API is asked to stop at once."""
ASK_AGAIN = 30.0
"""Seconds until the API is asked again to stop a task, if it has not answered."""


def pause(tx: Transaction, batch_id: int) -> bool:
    """Sends nothing of the batch until it is resumed; what is sent goes on. False: it was paused before."""
    return bool(tx.run("UPDATE batches SET paused_at = now() WHERE id = :id AND paused_at IS NULL", id=batch_id))


def resume(tx: Transaction, batch_id: int) -> bool:
    """False: it was not paused."""
    return bool(tx.run("UPDATE batches SET paused_at = NULL WHERE id = :id AND paused_at IS NOT NULL", id=batch_id))


def prefer(tx: Transaction, batch_id: int, priority: int) -> None:
    """From 1 to 100: how many places the batch has for each one of a batch of priority 1."""
    tx.run("UPDATE batches SET priority = :priority WHERE id = :id", id=batch_id, priority=priority)


def cancel(tx: Transaction, batch_id: int) -> None:
    """Sends nothing more of the batch, and has the API asked to stop what it is making; see `take_to_stop`.

    What is made is kept, and what turns out to be made is brought home. A manifest that is being read is read to its
    end before. Its digest is forgotten, so that the same manifest, run again, is read again and goes on; what the API
    has stopped is sent again by a retry, as all that has ended there.
    """
    tx.run(
        "UPDATE batches SET cancelled_at = now(), paused_at = NULL, state = 'planned', problem = NULL, task_count = 0, "
        "manifest_sha256 = '' WHERE id = :id",
        id=batch_id,
    )
    wanted.lock_all(tx, batch_id)
    roots = tx.rows("SELECT id FROM tasks WHERE batch_id = :id AND parent_id IS NULL", id=batch_id)
    wanted.drop(tx, [row.id for row in roots], CANCELLED, "cancel")
    tx.run(f"UPDATE tasks SET stop_at = now() WHERE batch_id = :id AND {one_of('state', IN_FLIGHT)}", id=batch_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToStop:
    """A task that the API is making, and that nobody wants any more."""

    id: int
    remote_id: str


_IS_DUE = f"stop_at <= now() AND {one_of('state', AT_THE_API)}"


def any_to_stop(tx: Transaction, name: str) -> int | None:
    """The account's id, if its API is to be asked to stop something now."""
    found: int | None = tx.scalar(
        f"SELECT id FROM accounts c WHERE name = :name "
        f"AND EXISTS (SELECT FROM tasks WHERE account_id = c.id AND {_IS_DUE})",
        name=name,
    )
    return found


def take_to_stop(tx: Transaction, account_id: int, batch_id: int | None = None) -> list[ToStop]:
    """Up to `MOST` of them, of the batch alone if it is said, that nobody else asks about for `ASK_AGAIN`.

    What may be there, and has no name yet, is taken once it has.
    """
    rows = tx.rows(
        f"""
        UPDATE tasks SET stop_at = now() + :again * interval '1 second' WHERE id IN (
            SELECT id FROM tasks WHERE account_id = :id AND {_IS_DUE}
                AND (CAST(:batch_id AS bigint) IS NULL OR batch_id = :batch_id)
            ORDER BY id LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
        ) RETURNING id, remote_id
        """,
        id=account_id,
        batch_id=batch_id,
        again=ASK_AGAIN,
        most=MOST,
    )
    return [ToStop(id=row.id, remote_id=row.remote_id) for row in rows]


def was_asked(tx: Transaction, ids: Collection[int]) -> None:
    """The API has answered for these, one way or the other. What became of them is for its reports to say."""
    tx.run(
        "UPDATE tasks SET stop_at = NULL WHERE id IN "
        "(SELECT id FROM tasks WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)",
        ids=list(ids),
    )
