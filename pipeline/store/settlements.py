"""How POSTs ended, as the step that sent them saw it: recorded with the attempt, and moving its task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from pipeline.store.engine import Transaction, as_json
from pipeline.store.money import moved_money
from pipeline.store.moves import move_sql, stop
from pipeline.task import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How one POST ended, and where that puts the task."""

    id: int
    attempt: int
    state: State
    outcome: str
    reason: str | None = None
    code: int | None = None
    remote_id: str | None = None
    """What the API called the task, or the window that it opened."""
    wait: float | None = None
    """Seconds until the next attempt, when there is one."""
    counts: int = 0
    """1 when the failure spends one of the task's tries."""


_NOT_ACCEPTED = "v.outcome IN ('try_again', 'refused', 'window')"

_SETTLE = move_sql(
    ", attempt int, outcome text, remote_id text, wait float, counts int",
    f"""
    {moved_money(released=_NOT_ACCEPTED, regained="v.state = 'submitted'")},
    doubted_at = CASE v.state WHEN 'in_doubt' THEN clock_timestamp() ELSE t.doubted_at END,
    remote_id = CASE v.state WHEN 'submitted' THEN v.remote_id ELSE t.remote_id END, lease_until = NULL,
    window_id = CASE WHEN v.outcome = 'window' THEN v.remote_id ELSE t.window_id END,
    submitted_at = CASE v.state WHEN 'submitted' THEN clock_timestamp() ELSE t.submitted_at END,
    next_attempt_at = clock_timestamp() + v.wait * interval '1 second', tries = t.tries + v.counts,
    first_failed_at = CASE WHEN v.counts > 0 THEN coalesce(t.first_failed_at, now()) ELSE t.first_failed_at END
    """,
    # An acceptance that comes after its doubt was settled otherwise is the truth, unless a newer POST is under way.
    guard="""(t.attempt = v.attempt AND (t.state IN ('submitting', 'in_doubt') OR v.state = 'submitted'))
        OR (t.attempt > v.attempt AND v.state = 'submitted' AND t.remote_id IS NULL
            AND t.state IN ('planned', 'in_doubt', 'failed', 'cancelled'))""",
)


def settle(tx: Transaction, settlements: Iterable[Settlement]) -> int:
    """Records how POSTs ended. The number of tasks that moved: one that a newer attempt owns does not."""
    listed = list(settlements)
    rows = as_json(asdict(one) for one in listed)
    tx.run(
        """
        WITH ended AS MATERIALIZED (
            SELECT a.id, v.outcome, v.code, v.reason, v.remote_id
            FROM jsonb_to_recordset(CAST(:rows AS jsonb))
                AS v(id bigint, attempt int, outcome text, code int, reason text, remote_id text)
                JOIN attempts a ON a.task_id = v.id AND a.number = v.attempt
            WHERE a.outcome IS NULL OR a.outcome = 'in_doubt' ORDER BY a.id FOR UPDATE OF a
        )
        UPDATE attempts a SET ended_at = clock_timestamp(), outcome = e.outcome, code = e.code, detail = e.reason,
            remote_id = coalesce(e.remote_id, a.remote_id)
        FROM ended e WHERE a.id = e.id
        """,
        rows=rows,
    )
    moved = len(tx.rows(_SETTLE, rows=rows, cause="submit"))
    stop(tx, (one.id for one in listed if one.state is State.PLANNED))
    return moved
