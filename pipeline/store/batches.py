"""Batches: a manifest's bytes come in, and its tasks are written in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row

from pipeline.errors import UsageError
from pipeline.store.engine import Transaction
from pipeline.store.growth import grow
from pipeline.task import FinishedTask, NewTask
from pipeline.then import only_adds, then_from_json, then_to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as its readers need it."""

    id: int
    account_id: int
    account: str
    name: str
    folder: str
    state: str
    problem: str | None
    deliver: bool
    task_count: int
    created_at: datetime


_COLUMNS = """b.id, b.account_id, a.name AS account, b.name, b.folder, b.state, b.problem, b.deliver, b.task_count,
    b.created_at"""


def receive(
    tx: Transaction, *, account_id: int, name: str, filename: str, manifest: bytes, deliver: bool
) -> tuple[int, bool]:
    """Hands a manifest over: the batch's id, and whether a worker has to read it.

    A manifest that is known already is not read again, unless reading it failed.
    """
    digest = sha256(manifest).hexdigest()
    batch_id = tx.scalar(
        """
        INSERT INTO batches AS b (account_id, name, folder, filename, manifest, manifest_sha256, deliver)
        SELECT :account_id, :name, CASE WHEN EXISTS (
                SELECT FROM batches WHERE folder = :name AND (account_id, name) <> (:account_id, :name)
            ) THEN :name || '-' || regexp_replace(a.name, '[^A-Za-z0-9._-]', '-', 'g') ELSE :name END,
            :filename, :manifest, :digest, :deliver
        FROM accounts a WHERE a.id = :account_id
        ON CONFLICT (account_id, name) DO UPDATE SET filename = excluded.filename, manifest = excluded.manifest,
            manifest_sha256 = excluded.manifest_sha256, deliver = excluded.deliver, state = 'received', problem = NULL
        WHERE b.manifest_sha256 <> excluded.manifest_sha256 OR b.state = 'unreadable' OR b.deliver <> excluded.deliver
        RETURNING id
        """,
        account_id=account_id,
        name=name,
        filename=filename,
        manifest=manifest,
        digest=digest,
        deliver=deliver,
    )
    if batch_id is not None:
        return int(batch_id), True
    known = tx.rows("SELECT id, state FROM batches WHERE account_id = :a AND name = :n", a=account_id, n=name)[0]
    return int(known.id), known.state == "received"


def refuse_changed_rows(tx: Transaction, account_id: int, name: str, tasks: Iterable[NewTask]) -> None:
    """Raises `UsageError` when a row was queued before with other contents: it may be paid for already."""
    known = {
        row.key: (row.prompt, row.mode, row.then)
        for row in tx.rows(
            """
            SELECT t.key, t.prompt, t.mode, t."then" FROM tasks t JOIN batches b ON b.id = t.batch_id
            WHERE b.account_id = :account_id AND b.name = :name AND t.parent_id IS NULL
            """,
            account_id=account_id,
            name=name,
        )
    }
    if not known:
        return
    changed = [
        f"{task.key!r} ({', '.join(fields)})"
        for task in tasks
        if task.key in known and (fields := _changed_fields(task, known[task.key]))
    ]
    if changed:
        some = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if changed[5:] else "")
        raise UsageError(
            f"batch {name!r} was queued before, and these rows have changed since: {some}; nothing was sent. "
            "What was queued may be paid for already: give a changed row a new key, which makes a new picture"
        )


def _changed_fields(task: NewTask, known: tuple[str, str | None, list[Any]]) -> list[str]:
    prompt, mode, then = known
    changes = {
        "prompt": prompt != task.prompt,
        "mode": mode != task.mode,
        "then, which may only grow": not only_adds(then_from_json(then), task.then),
    }
    return [field for field, changed in changes.items() if changed]


def take_to_read(tx: Transaction, batch_id: int) -> tuple[str, bytes] | None:
    """File name and bytes of a manifest that waits to be read; None when somebody else has it, until commit."""
    found = tx.rows(
        "SELECT filename, manifest FROM batches WHERE id = :id AND state = 'received' FOR NO KEY UPDATE SKIP LOCKED",
        id=batch_id,
    )
    return (found[0].filename, bytes(found[0].manifest)) if found else None


def write_tasks(tx: Transaction, batch_id: int, tasks: Iterable[NewTask]) -> list[FinishedTask]:
    """Writes a batch's root tasks by COPY. A known key is left as it is, but for follow-ups that were added to it.

    Returns the finished tasks that have follow-ups to be created now.
    """
    tx.run(
        "CREATE TEMPORARY TABLE staged (key text, stem text, action text, prompt text, mode text, tree text, "
        "follow_up_count bigint) "
        "ON COMMIT DROP"
    )
    driver: Any = tx.connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy("COPY staged FROM STDIN") as copy:
        for task in tasks:
            tree = json.dumps(then_to_json(task.then))
            copy.write_row((task.key, task.stem, str(task.action), task.prompt, task.mode, tree, task.follow_up_count))
    tx.run(
        """
        INSERT INTO tasks (batch_id, account_id, key, stem, action, prompt, mode, "then", follow_up_count)
        SELECT b.id, b.account_id, s.key, s.stem, s.action, s.prompt, s.mode, s.tree::jsonb, s.follow_up_count
        FROM staged s JOIN batches b ON b.id = :id
        ON CONFLICT (batch_id, key) WHERE parent_id IS NULL DO NOTHING
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


def unreadable(tx: Transaction, batch_id: int, problem: str) -> None:
    tx.run(
        "UPDATE batches SET state = 'unreadable', problem = :problem WHERE id = :id AND state = 'received'",
        id=batch_id,
        problem=problem,
    )


def unread(tx: Transaction, account_id: int) -> list[int]:
    """The account's batches that wait to be read: their messages may be lost."""
    rows = tx.rows("SELECT id FROM batches WHERE state = 'received' AND account_id = :id ORDER BY id", id=account_id)
    return [row.id for row in rows]


def find(tx: Transaction, word: str) -> Batch:
    """The batch with this id or name (the newest of that name). Raises `UsageError` when there is none."""
    rows = tx.rows(
        f"""
        SELECT {_COLUMNS} FROM batches b JOIN accounts a ON a.id = b.account_id
        WHERE b.name = :word OR CAST(b.id AS text) = :word ORDER BY b.name = :word DESC, b.id DESC LIMIT 1
        """,
        word=word,
    )
    if not rows:
        raise UsageError(f"there is no batch {word!r}: `pipeline status` lists them")
    return _batch(rows[0])


def known(tx: Transaction, account: str, name: str) -> Batch | None:
    """The account's batch of this name, if there is one."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM batches b JOIN accounts a ON a.id = b.account_id "
        "WHERE a.name = :account AND b.name = :name",
        account=account,
        name=name,
    )
    return _batch(rows[0]) if rows else None


def is_of(tx: Transaction, batch: Batch, manifest: bytes) -> bool:
    """Whether the batch was made of this very manifest."""
    digest = tx.scalar("SELECT manifest_sha256 FROM batches WHERE id = :id", id=batch.id)
    return bool(digest == sha256(manifest).hexdigest())


def get(tx: Transaction, batch_id: int) -> Batch:
    """The batch with this id, which exists."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM batches b JOIN accounts a ON a.id = b.account_id WHERE b.id = :id", id=batch_id
    )
    return _batch(rows[0])


def every(tx: Transaction) -> list[Batch]:
    """All batches, newest first."""
    return [
        _batch(row)
        for row in tx.rows(
            f"SELECT {_COLUMNS} FROM batches b JOIN accounts a ON a.id = b.account_id ORDER BY b.id DESC"
        )
    ]


def _batch(row: Row[Any]) -> Batch:
    return Batch(**row._asdict())
