"""Who may work on what now. A claim is a guarded UPDATE that commits before the work begins, so that a message that
comes twice, or two workers at once, never do the same thing."""

from __future__ import annotations

from typing import Any

from pipeline.action import Action
from pipeline.store.engine import Transaction
from pipeline.store.schema import HOLDS_ROOM, one_of
from pipeline.task import AT_THE_API, ClaimedTask, Mode, State, TaskAtApi

_CLAIM = """
    WITH due AS MATERIALIZED (
        SELECT id FROM tasks
        WHERE account_id = :account_id AND state = 'planned' AND next_attempt_at <= now()
        ORDER BY {order} LIMIT :room FOR UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE tasks t SET state = 'submitting', attempt = t.attempt + 1, updated_at = now(),
            lease_until = now() + :lease * interval '1 second', owner = :owner
        FROM due WHERE t.id = due.id
        RETURNING t.id, t.attempt, t.action, t.prompt, t.index, t.mode, t.parent_id, t.tries, t.first_failed_at
    ), intent AS (
        INSERT INTO attempts (task_id, number) SELECT id, attempt FROM moved RETURNING task_id, token
    ), recorded AS (
        INSERT INTO task_events (task_id, from_state, to_state, cause)
        SELECT id, 'planned', 'submitting', 'dispatch' FROM moved
    )
    SELECT moved.*, intent.token, parent.remote_id AS parent_remote_id, parent.buttons AS parent_buttons,
        coalesce(extract(epoch FROM now() - moved.first_failed_at), 0) AS seconds_failing
    FROM moved JOIN intent ON intent.task_id = moved.id LEFT JOIN tasks parent ON parent.id = moved.parent_id
    ORDER BY moved.id
"""


def claim_for_submit(
    tx: Transaction, account_id: int, *, most: int, lease: float, owner: int
) -> tuple[list[ClaimedTask], bool]:
    """Takes what the account has room for, at most `most`, for `lease` seconds; and whether more may be taken at once.

    The account's row is locked first and its tasks are counted in a statement of their own: a statement that waited for
    the lock would count what was there before it waited, and two workers together could pass the limit.
    """
    account = tx.rows(
        """
        SELECT max_running + max_queued AS most, refusals > 0 AS probing FROM accounts
        WHERE id = :id AND (blocked_until IS NULL OR blocked_until <= clock_timestamp()) FOR NO KEY UPDATE
        """,
        id=account_id,
    )
    if not account:
        return [], False
    in_flight = tx.scalar(f"SELECT count(*) FROM tasks WHERE account_id = :id AND {HOLDS_ROOM}", id=account_id)
    room = account[0].most - in_flight
    if room <= 0:
        return [], False
    order = _PROBE if account[0].probing else _order(tx, account_id, account[0].most)
    most = 1 if account[0].probing else most
    rows = tx.rows(_CLAIM.format(order=order), account_id=account_id, room=min(room, most), lease=lease, owner=owner)
    return [_claimed(row) for row in rows], len(rows) == most < room and not account[0].probing


_PROBE = "attempt, id"
"""After a refusal one task shows whether the account is taken again; not always the same, which may be the cause."""


def _order(tx: Transaction, account_id: int, most: int) -> str:
    """Follow-ups first, so that a row is complete soon after its grid, while its links live, however large the batch.

    Near the end rows first: once all that remain fit the account together, their follow-ups fill it to the last.
    """
    roots = tx.scalar(
        """
        SELECT count(*) FROM (
            SELECT 1 FROM tasks WHERE account_id = :id AND state = 'planned' AND depth = 0 LIMIT :most + 1
        ) AS few
        """,
        id=account_id,
        most=most,
    )
    return "depth, id" if roots <= most else "depth DESC, id"


def _claimed(row: Any) -> ClaimedTask:
    return ClaimedTask(
        id=row.id,
        attempt=row.attempt,
        token=row.token.hex,
        action=Action(row.action),
        prompt=row.prompt,
        index=row.index,
        mode=Mode(row.mode) if row.mode else None,
        tries=row.tries,
        seconds_failing=float(row.seconds_failing),
        parent_remote_id=row.parent_remote_id,
        parent_buttons=tuple(row.parent_buttons or ()),
    )


def at_the_api(tx: Transaction, account_id: int) -> list[TaskAtApi]:
    """What the account is working on, oldest first."""
    rows = tx.rows(
        f"""
        SELECT id, remote_id, state, progress, misses, extract(epoch FROM now() - updated_at) AS updated,
            extract(epoch FROM now() - coalesce(submitted_at, updated_at)) AS submitted,
            extract(epoch FROM now() - missing_since) AS missing
        FROM tasks WHERE account_id = :id AND {one_of("state", AT_THE_API)} ORDER BY submitted_at
        """,
        id=account_id,
    )
    return [
        TaskAtApi(
            id=row.id,
            remote_id=row.remote_id,
            state=State(row.state),
            progress=row.progress,
            seconds_since_update=float(row.updated),
            seconds_since_submit=float(row.submitted),
            seconds_missing=None if row.missing is None else float(row.missing),
            misses=row.misses,
        )
        for row in rows
    ]
