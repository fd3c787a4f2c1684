"""What a manifest asks for, and what it no longer does. A tree is wanted or not as a whole; what was sent is followed
to its end either way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.store.engine import Transaction, as_json
from pipeline.store.moves import move_sql, stop
from pipeline.task import State

REMOVED = "its row was removed from the manifest before it was sent"
CHANGED = "its row has changed since, and it was not sent before"
NO_FOLLOW_UP = "its row no longer asks for this follow-up, and it was not sent before"

SET_ASIDE = """(t.state = 'cancelled' AND (
    SELECT e.cause FROM task_events e WHERE e.task_id = t.id ORDER BY e.id DESC LIMIT 1
) IN ('manifest', 'cancel'))"""
"""Surely not sent, and given up only because nobody asked for it any more."""

_TOUCHED = """
    WITH RECURSIVE touched AS (
        SELECT t.id FROM tasks t LEFT JOIN staged s ON s.task_id = t.id
        WHERE t.batch_id = :id AND t.parent_id IS NULL AND (
            t.wanted <> (s.task_id IS NOT NULL) OR t."then" <> s.tree
            OR t.options ->> 'state' IS DISTINCT FROM s.options ->> 'state' AND s.task_id IS NOT NULL
        )
        UNION ALL SELECT child.id FROM touched JOIN tasks child ON child.parent_id = touched.id
    )
    SELECT t.id FROM touched JOIN tasks t USING (id) ORDER BY t.id FOR UPDATE OF t
"""


def lock(tx: Transaction, batch_id: int) -> None:
    """Locks every tree that the manifest changes, until no follow-up has come to it meanwhile.

    A report that is being applied, or a claim, comes before this or after it, never between: whoever creates follow-ups
    holds their parent.
    """
    _lock(tx, _TOUCHED, batch_id)


def lock_all(tx: Transaction, batch_id: int) -> None:
    """The same for every tree of the batch, of which no manifest asks for anything any more."""
    _lock(tx, "SELECT id FROM tasks WHERE batch_id = :id ORDER BY id FOR UPDATE", batch_id)


def _lock(tx: Transaction, sql: str, batch_id: int) -> None:
    before, now = -1, len(tx.rows(sql, id=batch_id))
    while now not in (0, before):
        before, now = now, len(tx.rows(sql, id=batch_id))


def drop_rows(tx: Transaction, batch_id: int) -> None:
    """Drops the trees of rows that the manifest no longer has, or has otherwise."""
    gone = tx.rows(
        """
        SELECT t.id, EXISTS (SELECT FROM staged s WHERE s.key = t.key) AS changed
        FROM tasks t LEFT JOIN staged s ON s.task_id = t.id
        WHERE t.batch_id = :id AND t.parent_id IS NULL AND t.wanted AND s.task_id IS NULL
        """,
        id=batch_id,
    )
    drop(tx, [row.id for row in gone if row.changed], CHANGED)
    drop(tx, [row.id for row in gone if not row.changed], REMOVED)


def drop(tx: Transaction, ids: Sequence[int], why: str, cause: str = "manifest") -> None:
    """No longer wants these trees: what is planned is not sent, and nothing new follows from the rest."""
    if not ids:
        return
    dropped = tx.rows(
        """
        WITH RECURSIVE gone AS (
            SELECT id FROM tasks WHERE id = ANY(:ids)
            UNION ALL SELECT child.id FROM gone JOIN tasks child ON child.parent_id = gone.id
        )
        UPDATE tasks t SET wanted = false, "then" = '[]', follow_up_count = 0 FROM gone WHERE t.id = gone.id
        RETURNING t.id, t.state
        """,
        ids=list(ids),
    )
    stop(tx, [row.id for row in dropped if row.state == State.PLANNED], why, cause)


_PLAN_AGAIN = move_sql(
    "",
    """
    next_attempt_at = CASE WHEN t.needs IS NULL THEN now() END, lease_until = NULL, tries = 0, first_failed_at = NULL,
    window_id = NULL, remote_id = NULL
    """,
    guard=SET_ASIDE,
    revives=True,
)
"""A window that was open then may be gone: the task is asked for from the start, which costs nothing twice."""


def take_back(tx: Transaction, ids: Iterable[int]) -> None:
    """Wants these tasks again: what was set aside is planned again, and what was made stays as it is."""
    listed = list(ids)
    if listed:
        tx.run("UPDATE tasks SET wanted = true, stop_at = NULL WHERE id = ANY(:ids)", ids=listed)
        tx.rows(_PLAN_AGAIN, rows=as_json({"id": id_, "state": State.PLANNED} for id_ in listed), cause="manifest")
