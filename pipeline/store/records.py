"""What is known of tasks, for people: the trees of a batch, and what went wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pipeline.store.engine import Store, Transaction
from pipeline.task import State

_ROWS_A_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One task with its file, and its follow-ups."""

    id: int
    key: str
    prompt: str
    state: State
    reason: str | None
    path: str | None
    """Relative to the output folder."""
    width: int | None
    height: int | None
    remote_id: str | None
    started_at: datetime | None
    finished_at: datetime | None
    children: tuple[Record, ...]


def trees(store: Store, batch_id: int) -> Iterator[Record]:
    """The batch's rows in the order of its manifest, each with its follow-ups; read page by page."""
    last = 0
    while True:
        with store.begin() as tx:
            page = _page(tx, batch_id, last)
        if not page:
            return
        last = page[-1].id
        yield from page


def _page(tx: Transaction, batch_id: int, last: int) -> list[Record]:
    rows = tx.rows(
        """
        WITH RECURSIVE page AS (
            SELECT id FROM tasks WHERE batch_id = :batch_id AND parent_id IS NULL AND id > :last
            ORDER BY id LIMIT :page
        ), tree AS (
            SELECT id FROM page UNION ALL SELECT t.id FROM tasks t JOIN tree ON t.parent_id = tree.id
        )
        SELECT t.id, t.parent_id, t.key, t.prompt, t.state, t.reason, a.path, a.width, a.height, t.remote_id,
            t.started_at, t.finished_at
        FROM tree JOIN tasks t USING (id) LEFT JOIN artifacts a ON a.task_id = t.id
        ORDER BY t.depth DESC, t.key
        """,
        batch_id=batch_id,
        last=last,
        page=_ROWS_A_PAGE,
    )
    children: dict[int | None, list[Record]] = {}
    for row in rows:  # deepest first, so that a task's children are there before it
        fields = row._asdict()
        parent_id = fields.pop("parent_id")
        fields["state"] = State(row.state)
        record = Record(**fields, children=tuple(children.pop(row.id, ())))
        children.setdefault(parent_id, []).append(record)
    return sorted(children.get(None, ()), key=lambda record: record.id)


def counts(tx: Transaction, batch_id: int) -> dict[State, int]:
    """How many of the batch's tasks are in each state."""
    rows = tx.rows("SELECT state, count(*) AS tasks FROM tasks WHERE batch_id = :id GROUP BY state", id=batch_id)
    return {State(row.state): row.tasks for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A task that needs a look: failed, in doubt, or made and not brought home."""

    key: str
    state: State
    reason: str


def troubles(tx: Transaction, batch_id: int, *, most: int) -> list[Trouble]:
    rows = tx.rows(
        """
        SELECT key, state, coalesce(reason, '') AS reason FROM tasks
        WHERE batch_id = :id AND (state IN ('failed', 'in_doubt', 'cancelled')
            OR (state = 'succeeded' AND next_attempt_at IS NULL AND reason IS NOT NULL))
        ORDER BY id LIMIT :most
        """,
        id=batch_id,
        most=most,
    )
    return [Trouble(key=row.key, state=State(row.state), reason=row.reason) for row in rows]
