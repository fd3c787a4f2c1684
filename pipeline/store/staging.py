"""What a manifest asks for now, beside what its batch was asked for before: the table `staged`, for one transaction."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from typing import Any

from pipeline.action import Action
from pipeline.errors import UsageError
from pipeline.fingerprint import Fingerprints
from pipeline.inputs import inputs_from_json, inputs_to_json
from pipeline.store.engine import Transaction, as_json
from pipeline.task import Mode, NewTask
from pipeline.then import then_from_json, then_to_json

_COLUMNS = "key, name, stem, action, prompt, mode, tree, follow_up_count, inputs, needs, options, fingerprint"
_PAGE = 10_000


def stage(tx: Transaction, batch_id: int, tasks: Iterable[NewTask]) -> None:
    """Writes the rows as the manifest has them, each with the task that it is known as, if there is one.

    `name` is the stem that the plan gives, `stem` that of the task. Raises `UsageError` for a key that was known in
    other capitals.
    """
    _know_by_what_they_send(tx, batch_id)
    tx.run(
        "CREATE TEMPORARY TABLE staged (place bigint GENERATED ALWAYS AS IDENTITY, key text, name text, stem text, "
        "action text, prompt text, mode text, tree jsonb, follow_up_count bigint, inputs jsonb, needs text[], "
        "options jsonb, fingerprint text, task_id bigint) ON COMMIT DROP"
    )
    fingerprints = Fingerprints()
    driver: Any = tx.connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY staged ({_COLUMNS}) FROM STDIN") as copy:
        for task in tasks:
            copy.write_row(_staged(task, fingerprints.of(task)))
    tx.run("ANALYZE staged")
    tx.run(
        """
        UPDATE staged s SET task_id = t.id, stem = t.stem FROM tasks t
        WHERE t.batch_id = :id AND t.parent_id IS NULL AND t.key = s.key AND t.fingerprint = s.fingerprint
        """,
        id=batch_id,
    )
    _refuse_other_capitals(tx, batch_id)


def _staged(task: NewTask, fingerprint: str) -> tuple[object, ...]:
    needs = [stem for one in task.inputs for stem in one.stems]
    return (
        task.key,
        task.stem,
        task.stem,
        str(task.action),
        task.prompt,
        task.mode,
        json.dumps(then_to_json(task.then)),
        task.follow_up_count,
        json.dumps(inputs_to_json(task.inputs)) if task.inputs else None,
        needs or None,
        json.dumps(dict(task.options)),
        fingerprint,
    )


def _know_by_what_they_send(tx: Transaction, batch_id: int) -> None:
    """Gives rows that an older version queued their fingerprints."""
    fingerprints = Fingerprints()
    while rows := tx.rows(
        """
        SELECT id, key, stem, action, prompt, mode, "then", inputs, options FROM tasks
        WHERE batch_id = :id AND parent_id IS NULL AND fingerprint IS NULL ORDER BY id LIMIT :page
        """,
        id=batch_id,
        page=_PAGE,
    ):
        tx.run(
            "UPDATE tasks t SET fingerprint = v.fingerprint "
            "FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(id bigint, fingerprint text) WHERE t.id = v.id",
            rows=as_json({"id": row.id, "fingerprint": fingerprints.of(_as_planned(row))} for row in rows),
        )


def _as_planned(row: Any) -> NewTask:
    return NewTask(
        key=row.key,
        stem=row.stem,
        action=Action(row.action),
        prompt=row.prompt,
        mode=Mode(row.mode) if row.mode else None,
        then=then_from_json(row.then),
        inputs=inputs_from_json(row.inputs),
        options=row.options,
    )


def _refuse_other_capitals(tx: Transaction, batch_id: int) -> None:
    """Keys that differ in capitals only are one key to some disks, and what the other one made may be paid for."""
    new = tx.rows(
        "SELECT key FROM staged s WHERE task_id IS NULL AND NOT EXISTS "
        "(SELECT FROM tasks t WHERE t.batch_id = :id AND t.key = s.key AND t.parent_id IS NULL) ORDER BY place",
        id=batch_id,
    )
    gone = new and tx.rows(
        "SELECT DISTINCT key FROM tasks WHERE batch_id = :id AND parent_id IS NULL "
        "AND key NOT IN (SELECT key FROM staged)",
        id=batch_id,
    )
    known = {_without_capitals(row.key): row.key for row in gone}
    met = [(row.key, before) for row in new if (before := known.get(_without_capitals(row.key)))]
    if met:
        some = ", ".join(f"{key!r} (its key was {before!r})" for key, before in met[:5])
        raise UsageError(
            f"these rows were queued before under keys that differ in capitals only: {some}"
            f"{f' and {len(met) - 5} more' if met[5:] else ''}; nothing was sent. What was queued may be paid for "
            "already, and some disks take both for one name: write the key as it was, or another one, which makes a "
            "new picture"
        )


def _without_capitals(key: str) -> str:
    return unicodedata.normalize("NFC", key.casefold())
