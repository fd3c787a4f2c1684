"""The rows of a manifest become tasks, in one transaction; what was queued before is left as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from pipeline.errors import UsageError
from pipeline.inputs import inputs_to_json
from pipeline.prompt import lint
from pipeline.store.engine import Transaction
from pipeline.store.growth import grow
from pipeline.task import FinishedTask, NewTask
from pipeline.then import only_adds, then_from_json, then_to_json


def refuse_changed_rows(tx: Transaction, account_id: int, name: str, tasks: Iterable[NewTask]) -> None:
    """Raises `UsageError` when a row was queued before with other contents: it may be paid for already."""
    known = {
        row.key: row
        for row in tx.rows(
            """
            SELECT t.key, t.action, t.prompt, t.mode, t."then", t.inputs, t.options
            FROM tasks t JOIN batches b ON b.id = t.batch_id
            WHERE b.account_id = :account_id AND b.name = :name AND t.parent_id IS NULL
            """,
            account_id=account_id,
            name=name,
        )
    }
    if not known:
        return
    as_written = {key.casefold(): row for key, row in known.items()}
    changed = [
        f"{task.key!r} ({', '.join(fields)})"
        for task in tasks
        if (before := known.get(task.key) or as_written.get(task.key.casefold()))
        and (fields := _changed_fields(task, before))
    ]
    if changed:
        some = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if changed[5:] else "")
        raise UsageError(
            f"batch {name!r} was queued before, and these rows have changed since: {some}; nothing was sent. "
            "What was queued may be paid for already: undo the change, or give the row a new key, which makes a new "
            "picture"
        )


def _changed_fields(task: NewTask, known: Row[Any]) -> list[str]:
    options = known.options | dict(task.options)
    changes = {
        f"its key was {known.key!r}": known.key != task.key,
        "action": known.action != task.action,
        # The same words, sent as they were written or tidied, are the same prompt.
        "prompt": known.prompt != task.prompt and lint(known.prompt).prompt != lint(task.prompt).prompt,
        "mode": known.mode != task.mode,
        "pictures": (known.inputs or []) != inputs_to_json(task.inputs),
        **{name: known.options.get(name) != task.options.get(name) for name in options},
        "then, which may only grow": not only_adds(then_from_json(known.then), task.then),
    }
    return [field for field, changed in changes.items() if changed]


_COLUMNS = "key, stem, action, prompt, mode, tree, follow_up_count, inputs, needs, options, fingerprint"


def write_tasks(tx: Transaction, batch_id: int, tasks: Iterable[NewTask]) -> list[FinishedTask]:
    """Writes a batch's root tasks by COPY. A known key is left as it is, but for follow-ups that were added to it.

    Returns the finished tasks that have follow-ups to be created now.
    """
    tx.run(
        "CREATE TEMPORARY TABLE staged (place bigint GENERATED ALWAYS AS IDENTITY, key text, stem text, action text, "
        "prompt text, mode text, tree text, follow_up_count bigint, inputs text, needs text[], options text, "
        "fingerprint text) ON COMMIT DROP"
    )
    driver: Any = tx.connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY staged ({_COLUMNS}) FROM STDIN") as copy:
        for task in tasks:
            copy.write_row(_staged(task))
    # Rows with equal prompts take turns, so the second of each comes after the first of all.
    tx.run(
        """
        INSERT INTO tasks (batch_id, account_id, key, stem, action, prompt, mode, "then", follow_up_count, inputs,
            needs, options, fingerprint, next_attempt_at, turn)
        SELECT b.id, b.account_id, s.key, s.stem, s.action, s.prompt, s.mode, s.tree::jsonb, s.follow_up_count,
            s.inputs::jsonb, s.needs, s.options::jsonb, s.fingerprint, CASE WHEN s.needs IS NULL THEN now() END,
            CASE s.action WHEN 'imagine' THEN
                row_number() OVER (PARTITION BY s.action, s.prompt ORDER BY s.place) - 1 ELSE 0 END
        FROM staged s JOIN batches b ON b.id = :id
        ORDER BY s.place
        ON CONFLICT (batch_id, key, fingerprint) WHERE parent_id IS NULL DO NOTHING
        """,
        id=batch_id,
    )
    grown = grow(tx, batch_id)
    # Rows that are no longer in the manifest were asked for too: what is counted as done is counted as asked.
    tx.run(
        """
        UPDATE batches SET state = 'planned', problem = NULL, task_count = (
            SELECT coalesce(sum(1 + follow_up_count), 0) FROM tasks WHERE batch_id = :id AND parent_id IS NULL
        ) WHERE id = :id
        """,
        id=batch_id,
    )
    return grown


def _staged(task: NewTask) -> tuple[object, ...]:
    needs = [stem for one in task.inputs for stem in one.stems]
    return (
        task.key,
        task.stem,
        str(task.action),
        task.prompt,
        task.mode,
        json.dumps(then_to_json(task.then)),
        task.follow_up_count,
        json.dumps(inputs_to_json(task.inputs)) if task.inputs else None,
        needs or None,
        json.dumps(dict(task.options)),
        task.fingerprint,
    )
