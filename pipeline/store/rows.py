"""The rows of a manifest become tasks, in one transaction: what it asks for now is wanted, nothing is sent twice."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.store.engine import Transaction
from pipeline.store.growth import grow
from pipeline.store.names import follow_names, name_rows
from pipeline.store.staging import stage
from pipeline.store.wanted import SET_ASIDE, drop_rows, lock, take_back
from pipeline.task import FinishedTask, NewTask


def write_tasks(tx: Transaction, batch_id: int, tasks: Iterable[NewTask]) -> list[FinishedTask]:
    """Makes the batch what the manifest asks for now. A row is known by its key and its fingerprint.

    What it no longer asks for is not sent any more, and what it asks for again is wanted again; whatever was sent is
    followed to its end. Returns the finished tasks that have follow-ups to be created now.
    """
    stage(tx, batch_id, tasks)
    lock(tx, batch_id)
    drop_rows(tx, batch_id)
    name_rows(tx, batch_id)
    growth = grow(tx)
    follow_names(tx, growth.words)
    _take_back_rows(tx)
    _add_rows(tx, batch_id)
    _note(tx)
    tx.run(
        """
        UPDATE batches SET state = 'planned', problem = NULL, task_count = (
            SELECT coalesce(sum(1 + follow_up_count), 0) FROM tasks
            WHERE batch_id = :id AND parent_id IS NULL AND wanted
        ) WHERE id = :id
        """,
        id=batch_id,
    )
    return growth.finished


def _take_back_rows(tx: Transaction) -> None:
    """Rows that are back, as they were. One that was not sent uses the pictures that are wanted now."""
    back = [row.id for row in tx.rows("SELECT t.id FROM staged s JOIN tasks t ON t.id = s.task_id WHERE NOT t.wanted")]
    if back:
        tx.run(
            f"""
            UPDATE tasks t SET stem = s.stem, inputs = s.inputs, needs = s.needs FROM staged s
            WHERE t.id = s.task_id AND t.id = ANY(:ids) AND {SET_ASIDE}
            """,
            ids=back,
        )
        take_back(tx, back)


def _add_rows(tx: Transaction, batch_id: int) -> None:
    """Rows with equal prompts take turns, so the second of each comes after the first of all."""
    tx.run(
        """
        INSERT INTO tasks (batch_id, account_id, key, stem, action, prompt, mode, "then", follow_up_count, inputs,
            needs, options, fingerprint, next_attempt_at, turn)
        SELECT b.id, b.account_id, s.key, s.stem, s.action, s.prompt, s.mode, s.tree, s.follow_up_count, s.inputs,
            s.needs, s.options, s.fingerprint, CASE WHEN s.needs IS NULL THEN now() END, s.turn
        FROM (
            SELECT *, CASE action WHEN 'imagine' THEN
                row_number() OVER (PARTITION BY action, prompt ORDER BY place) - 1 ELSE 0 END AS turn
            FROM staged
        ) AS s JOIN batches b ON b.id = :id
        WHERE s.task_id IS NULL ORDER BY s.place
        """,
        id=batch_id,
    )


def _note(tx: Transaction) -> None:
    """The person's own notes, which are not sent, are what the manifest says now; follow-ups have their row's."""
    tx.run(
        """
        WITH RECURSIVE noted AS (
            SELECT t.id, s.options -> 'state' AS note FROM staged s JOIN tasks t ON t.id = s.task_id
            WHERE s.options -> 'state' IS DISTINCT FROM t.options -> 'state'
            UNION ALL SELECT child.id, noted.note FROM noted JOIN tasks child ON child.parent_id = noted.id
        )
        UPDATE tasks t SET options = t.options - 'state' || jsonb_strip_nulls(jsonb_build_object('state', noted.note))
        FROM noted WHERE t.id = noted.id
        """
    )
