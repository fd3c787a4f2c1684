"""Rows that need other rows' results: they wait until those are there, and fail with them."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.store.engine import Transaction, as_json
from pipeline.store.moves import move_sql
from pipeline.task import State

_WAITING = "d.needs IS NOT NULL AND d.state = 'planned' AND d.next_attempt_at IS NULL"
_TOUCHED = """(CAST(:ids AS bigint[]) IS NULL OR (
    d.needs && ARRAY(SELECT stem FROM tasks WHERE id = ANY(:ids))
    AND d.batch_id IN (SELECT batch_id FROM tasks WHERE id = ANY(:ids))
))"""

_RELEASE = f"""
    UPDATE tasks SET next_attempt_at = now() WHERE id IN (
        SELECT id FROM tasks d
        WHERE {_WAITING} AND d.account_id = :account_id AND {_TOUCHED} AND NOT EXISTS (
            SELECT FROM unnest(d.needs) AS needed (stem) WHERE NOT EXISTS (
                SELECT FROM tasks s
                WHERE s.batch_id = d.batch_id AND s.stem = needed.stem AND s.state IN ('succeeded', 'delivered')
            )
        )
        ORDER BY id FOR UPDATE
    )
"""
_LOST = f"""
    SELECT d.id, min(s.key) AS key FROM tasks d
        JOIN tasks s ON s.batch_id = d.batch_id AND s.stem = ANY(d.needs) AND s.state IN ('failed', 'cancelled')
    WHERE {_WAITING} AND d.account_id = :account_id AND {_TOUCHED} GROUP BY d.id
"""
_FAIL = move_sql("", "lease_until = NULL", guard="t.state = 'planned'")


_REVIVE = move_sql(
    "", "next_attempt_at = NULL", guard="t.wanted AND t.state = 'failed' AND t.attempt = 0", revives=True
)


def revive(tx: Transaction, account_id: int, made: Sequence[int]) -> None:
    """What failed because it needs one of these tasks, which were made after all, waits for it again. See `settle`."""
    if not made:
        return
    failed = tx.rows(
        """
        SELECT DISTINCT d.id FROM tasks s JOIN tasks d ON d.batch_id = s.batch_id AND s.stem = ANY(d.needs)
        WHERE s.id = ANY(:made) AND d.account_id = :account_id AND d.wanted AND d.state = 'failed' AND d.attempt = 0
        """,
        made=list(made),
        account_id=account_id,
    )
    rows = as_json({"id": row.id, "state": State.PLANNED, "reason": None} for row in failed)
    tx.rows(_REVIVE, rows=rows, cause="needs")


def settle(tx: Transaction, account_id: int, moved: Sequence[int] | None = None) -> int:
    """Lets go what has everything that it needs, and fails what never will; only for the tasks `moved`, if given.

    Two sources that finish at the same moment may each see the other unfinished: rescue settles all, now and then. The
    number of tasks that failed, dependants of dependants included.
    """
    ids = None if moved is None else list(moved)
    tx.run(_RELEASE, account_id=account_id, ids=ids)
    failed = 0
    while lost := tx.rows(_LOST, account_id=account_id, ids=ids):
        rows = as_json(
            {"id": row.id, "state": State.FAILED, "reason": f"it needs the picture of {row.key}, which was not made"}
            for row in lost
        )
        ids = [row.id for row in tx.rows(_FAIL, rows=rows, cause="needs")]
        failed += len(ids)
    return failed
