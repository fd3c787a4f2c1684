"""Everything that is known of one task: what was asked, each POST, each move, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pipeline.action import Action
from pipeline.errors import UsageError
from pipeline.store.batches import task_meant
from pipeline.store.engine import Transaction
from pipeline.task import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One POST for the task. `outcome` is None while nobody knows how it ended."""

    number: int
    token: str
    sent_at: datetime
    ended_at: datetime | None
    outcome: str | None
    code: int | None
    detail: str | None
    remote_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move between states, and why."""

    at: datetime
    from_state: State
    to_state: State
    cause: str
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A task, with its POSTs and its moves in their order. Times are UTC, money is in the currency of the prices."""

    id: int
    batch: str
    account: str
    key: str
    action: Action
    prompt: str
    state: State
    wanted: bool
    """Whether its manifest still asks for it."""
    reason: str | None
    paused: bool
    """Its batch is."""
    cancelled: bool
    """Its batch was."""
    progress: str | None
    parent: str | None
    """Key of the task that it follows."""
    follow_ups: tuple[str, ...]
    """Keys of those that exist."""
    needs: tuple[str, ...]
    remote_id: str | None
    image_url: str | None
    result: dict[str, Any] | None
    path: str | None
    """Of its file, from the output folder."""
    next_attempt_at: datetime | None
    submitted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    spent: Decimal
    reserved: Decimal
    posts: tuple[Post, ...]
    moves: tuple[Move, ...]


def history(tx: Transaction, word: str, account: str) -> History:
    """Of the task that a person means by its id or by `BATCH/KEY`. Raises `UsageError` where there is none.

    Of several versions of a row it is the one that the manifest asks for now.
    """
    meant, values = task_meant(tx, word, account)
    rows = tx.rows(
        f"""
        SELECT t.id, b.name AS batch, c.name AS account, t.key, t.action, t.prompt, t.state, t.wanted, t.reason,
            b.paused_at IS NOT NULL AS paused, b.cancelled_at IS NOT NULL AS cancelled, t.progress,
            parent.key AS parent, t.needs, t.remote_id, t.image_url, t.result, a.path, t.next_attempt_at,
            t.submitted_at, t.started_at, t.finished_at, t.spent, t.reserved,
            ARRAY(SELECT key FROM tasks WHERE parent_id = t.id ORDER BY id) AS follow_ups
        FROM tasks t JOIN batches b ON b.id = t.batch_id JOIN accounts c ON c.id = t.account_id
            LEFT JOIN tasks parent ON parent.id = t.parent_id LEFT JOIN artifacts a ON a.task_id = t.id
        WHERE {meant} ORDER BY t.wanted DESC, t.id DESC LIMIT 1
        """,
        **values,
    )
    if not rows:
        raise UsageError(f"there is no task {word!r}: name it as BATCH/KEY, such as spring/fox-U1, or by its id")
    fields = rows[0]._asdict() | {"action": Action(rows[0].action), "state": State(rows[0].state)}
    fields |= {name: tuple(fields[name] or ()) for name in ("follow_ups", "needs")}
    return History(**fields, posts=tuple(_posts(tx, rows[0].id)), moves=tuple(_moves(tx, rows[0].id)))


def _posts(tx: Transaction, task_id: int) -> Sequence[Post]:
    rows = tx.rows(
        "SELECT number, token, sent_at, ended_at, outcome, code, detail, remote_id FROM attempts "
        "WHERE task_id = :id ORDER BY number",
        id=task_id,
    )
    return [Post(**row._asdict() | {"token": row.token.hex}) for row in rows]


def _moves(tx: Transaction, task_id: int) -> Sequence[Move]:
    rows = tx.rows(
        "SELECT at, from_state, to_state, cause, detail FROM task_events WHERE task_id = :id ORDER BY id", id=task_id
    )
    return [
        Move(**row._asdict() | {"from_state": State(row.from_state), "to_state": State(row.to_state)}) for row in rows
    ]
