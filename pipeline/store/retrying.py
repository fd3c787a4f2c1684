"""A person says: try again what failed. What was made is never made again, and what is in doubt is not guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pipeline.store.conditions import ALL, MEANT, Which
from pipeline.store.engine import Transaction, as_json
from pipeline.store.money import moved_money
from pipeline.store.moves import move_sql
from pipeline.task import State

_FAILED = f"""t.batch_id = :id AND t.wanted AND t.state IN ('failed', 'cancelled')
    AND {MEANT}"""
_DOUBTFUL = """EXISTS (
    SELECT FROM attempts a
    WHERE a.task_id = t.id AND a.number = t.attempt AND coalesce(a.outcome, 'in_doubt') = 'in_doubt'
        AND (t.remote_id IS NULL OR (a.remote_id IS NULL AND t.window_id IS NULL))
)"""
"""Given up while in doubt: it may be made, and paid for, already. That another POST of it was named changes nothing;
the answer to a window is known by the window's id."""

_AGAIN = move_sql(
    "",
    """
    remote_id = NULL, window_id = NULL, progress = NULL, image_url = NULL, result = NULL, buttons = NULL,
    properties = NULL, submitted_at = NULL, started_at = NULL, finished_at = NULL, missing_since = NULL, misses = 0,
    tries = 0, first_failed_at = NULL, next_attempt_at = CASE WHEN t.needs IS NULL THEN now() END
    """,
    guard=f"t.wanted AND t.state IN ('failed', 'cancelled') AND NOT {_DOUBTFUL}",
    revives=True,
)


_RESUME = move_sql(
    "",
    f"""
    {moved_money(regained="true")},
    submitted_at = clock_timestamp(), missing_since = NULL, misses = 0, next_attempt_at = NULL
    """,
    guard="t.state IN ('failed', 'cancelled') AND t.remote_id IS NOT NULL",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What a retry has set going, in tasks."""

    again: int
    doubtful: int
    """Left alone: they were given up while in doubt, so a person has to say what became of them."""


def ended_at_the_api(tx: Transaction, batch_id: int, which: Which = ALL) -> Sequence[int]:
    """What failed or was cancelled after the API had taken it: it may have succeeded there meanwhile."""
    sql = f"SELECT id FROM tasks t WHERE {_FAILED} AND remote_id IS NOT NULL"
    return [row.id for row in tx.rows(sql, id=batch_id, **asdict(which))]


def resume(tx: Transaction, ids: Sequence[int]) -> int:
    """Follows again what had been given up here, and of which the API says that it makes it. The number of them."""
    rows = as_json({"id": id_, "state": State.SUBMITTED, "reason": None} for id_ in ids)
    return len(tx.rows(_RESUME, rows=rows, cause="retry"))


def retry(tx: Transaction, batch_id: int, which: Which = ALL) -> Retried:
    """Plans again what failed, with all its tries. To be called once the API was asked about `ended_at_the_api`.

    Rows that failed because they need another one's picture wait for that picture again.
    """
    sql = f"SELECT id, {_DOUBTFUL} AS doubtful FROM tasks t WHERE {_FAILED}"
    failed = tx.rows(sql, id=batch_id, **asdict(which))
    reason = "a person said: try again"
    rows = as_json({"id": row.id, "state": State.PLANNED, "reason": reason} for row in failed if not row.doubtful)
    again = tx.rows(_AGAIN, rows=rows, cause="retry")
    return Retried(again=len(again), doubtful=sum(row.doubtful for row in failed))
