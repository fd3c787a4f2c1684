"""Batches: a manifest's bytes come in, and wait to be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row

from pipeline.errors import UsageError
from pipeline.store.engine import Transaction
from pipeline.terms import Terms


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A manifest as a person hands it over."""

    name: str
    filename: str
    manifest: bytes
    deliver: bool
    lint: bool = True
    pictures: tuple[str, ...] = ()
    """Digests of the picture files that it names."""
    folder: str | None = None
    """Where a new batch puts its pictures; None: in a folder of its name, or of its name and account."""

    @property
    def digest(self) -> str:
        return sha256(self.manifest + "".join(sorted(set(self.pictures))).encode()).hexdigest()


def receive(tx: Transaction, account_id: int, handed: Handed) -> tuple[int, bool]:
    """Hands a manifest over: the batch's id, and whether a worker has to read it.

    A manifest that is known already is not read again, unless reading it failed.
    """
    batch_id = tx.scalar(
        """
        INSERT INTO batches AS b (account_id, name, folder, filename, manifest, manifest_sha256, deliver, lint)
        SELECT :account_id, :name, coalesce(:folder, CASE WHEN EXISTS (
                SELECT FROM batches WHERE folder = :name AND (account_id, name) <> (:account_id, :name)
            ) THEN :name || '-' || regexp_replace(a.name, '[^A-Za-z0-9._-]', '-', 'g') ELSE :name END),
            :filename, :manifest, :digest, :deliver, :lint
        FROM accounts a WHERE a.id = :account_id
        ON CONFLICT (account_id, name) DO UPDATE SET filename = excluded.filename, manifest = excluded.manifest,
            manifest_sha256 = excluded.manifest_sha256, deliver = excluded.deliver, lint = excluded.lint,
            state = 'received', problem = NULL, cancelled_at = NULL
        WHERE b.state = 'unreadable' OR (b.manifest_sha256, b.deliver, b.lint)
            <> (excluded.manifest_sha256, excluded.deliver, excluded.lint)
        RETURNING id
        """,
        account_id=account_id,
        name=handed.name,
        filename=handed.filename,
        manifest=handed.manifest,
        digest=handed.digest,
        deliver=handed.deliver,
        lint=handed.lint,
        folder=handed.folder,
    )
    if batch_id is not None:
        return int(batch_id), True
    known = tx.rows("SELECT id, state FROM batches WHERE account_id = :a AND name = :n", a=account_id, n=handed.name)[0]
    return int(known.id), known.state == "received"


def leave_name(tx: Transaction, batch: Batch) -> str:
    """Leaves the batch's name to another one: it is `NAME~1` from now on, or the next that is free.

    Nobody reads its manifest meanwhile. No person can name a batch so: see `is_batch_name`.
    """
    tx.run("SELECT FROM batches WHERE id = :id FOR NO KEY UPDATE", id=batch.id)
    return str(
        tx.scalar(
            """
            UPDATE batches SET name = :before || (
                SELECT 1 + coalesce(max(substr(name, 1 + length(:before))::int), 0) FROM batches
                WHERE account_id = :account_id AND starts_with(name, :before)
            ) WHERE id = :id RETURNING name
            """,
            id=batch.id,
            account_id=batch.account_id,
            before=f"{batch.name}~",
        )
    )


def folders(tx: Transaction) -> set[str]:
    """Those that batches have their pictures in."""
    return {row.folder for row in tx.rows("SELECT folder FROM batches")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A manifest that waits to be read."""

    filename: str
    content: bytes
    lint: bool


def agree(tx: Transaction, batch_id: int, terms: Terms) -> None:
    """What is sent for the batch from now on is sent on these terms."""
    tx.run(
        "UPDATE batches SET budget = :budget, prices = CAST(:prices AS jsonb), in_doubt = :in_doubt, "
        "priority = coalesce(:priority, priority) WHERE id = :id",
        id=batch_id,
        budget=terms.budget,
        prices=json.dumps({str(action): str(price) for action, price in terms.prices.items()}),
        in_doubt=terms.in_doubt,
        priority=terms.priority,
    )


def take_to_read(tx: Transaction, batch_id: int) -> Unread | None:
    """A manifest that waits to be read; None when somebody else has it, until commit."""
    found = tx.rows(
        "SELECT filename, manifest, lint FROM batches WHERE id = :id AND state = 'received' "
        "FOR NO KEY UPDATE SKIP LOCKED",
        id=batch_id,
    )
    return Unread(filename=found[0].filename, content=bytes(found[0].manifest), lint=found[0].lint) if found else None


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


def find(tx: Transaction, word: str, account: str) -> Batch:
    """The batch with this id, or of this name: the account's own, else the only one. Raises `UsageError`."""
    rows = tx.rows(
        f"""
        SELECT {_COLUMNS} FROM batches b JOIN accounts a ON a.id = b.account_id
        WHERE b.name = :word OR CAST(b.id AS text) = :word ORDER BY b.name = :word DESC, a.name = :account DESC, b.id
        """,
        word=word,
        account=account,
    )
    if not rows:
        raise UsageError(f"there is no batch {word!r}: `pipeline status` lists them")
    first, *others = (_batch(row) for row in rows)
    if first.account != account and any(one.name == first.name for one in others):
        which = " or ".join(f"{one.id} (account {one.account})" for one in (first, *others))
        raise UsageError(f"several accounts have a batch {word!r}: say its id, {which}")
    return first


def task_meant(tx: Transaction, word: str, account: str) -> tuple[str, dict[str, object]]:
    """The condition on tasks `t`, and its values, that a person means by a task's id or by `BATCH/KEY`."""
    batch, slash, key = word.partition("/")
    if slash:
        return "t.batch_id = :batch_id AND t.key = :key", {"batch_id": find(tx, batch, account).id, "key": key}
    return "CAST(t.id AS text) = :word", {"word": word}


def known(tx: Transaction, account: str, name: str) -> Batch | None:
    """The account's batch of this name, if there is one."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM batches b JOIN accounts a ON a.id = b.account_id "
        "WHERE a.name = :account AND b.name = :name",
        account=account,
        name=name,
    )
    return _batch(rows[0]) if rows else None


def is_of(tx: Transaction, batch: Batch, handed: Handed) -> bool:
    """Whether the batch was made of this very manifest, with these very pictures, to be handled alike."""
    known = tx.rows("SELECT manifest_sha256, deliver, lint FROM batches WHERE id = :id", id=batch.id)[0]
    return tuple(known) == (handed.digest, handed.deliver, handed.lint)


def get(tx: Transaction, batch_id: int) -> Batch:
    """The batch with this id, which exists."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM batches b JOIN accounts a ON a.id = b.account_id WHERE b.id = :id", id=batch_id
    )
    return _batch(rows[0])


def by_ids(tx: Transaction, ids: Sequence[int]) -> list[Batch]:
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM batches b JOIN accounts a ON a.id = b.account_id WHERE b.id = ANY(:ids) ORDER BY b.id",
        ids=list(ids),
    )
    return [_batch(row) for row in rows]


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
