"""What has happened to tasks, for those who watch: moves as they are committed, and where everything stands."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.store.engine import Transaction
from pipeline.task import State

LATEST_COMMIT = 30.0
"""Seconds for which a number that is missing may still be committed: numbers are given before the commit."""
MOST = 500
"""Events of one look."""
A_PAGE = 500
"""Tasks that are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One move of a task, or, from nowhere, where the task stands; with what a person wants to know of the task."""

    at: datetime
    from_state: State | None
    to_state: State
    detail: str | None
    task_id: int
    parent_id: int | None
    batch_id: int
    batch: str
    account: str
    key: str
    action: str
    prompt: str
    attempt: int
    image_url: str | None
    submitted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


_TASK = """t.id AS task_id, t.parent_id, t.batch_id, b.name AS batch, a.name AS account, t.key, t.action, t.prompt,
    t.attempt, t.image_url, t.submitted_at, t.started_at, t.finished_at"""
_OF_A_TASK = "JOIN batches b ON b.id = t.batch_id JOIN accounts a ON a.id = t.account_id"

_STANDING = f"""
    SELECT t.updated_at AS at, NULL AS from_state, t.state AS to_state, t.reason AS detail, {_TASK}
    FROM tasks t {_OF_A_TASK}
"""


class Tail:
    """Follows the moves of all tasks from `seconds` ago on. One that is committed late, behind others, is not lost."""

    def __init__(self, tx: Transaction, seconds: float = 0.0) -> None:
        before = "SELECT id FROM task_events WHERE at <= clock_timestamp() - :ago * interval '1 second'"
        self._last = int(tx.scalar(f"{before} ORDER BY id DESC LIMIT 1", ago=seconds) or 0)
        self.missing: dict[int, float] = {}
        """Numbers that were given and not seen, and since when; those of what was rolled back never come."""

    def look(self, tx: Transaction) -> list[Event]:
        """The next moves in their order, at most `MOST`."""
        rows = tx.rows(
            f"""
            SELECT e.id, e.at, e.from_state, e.to_state, e.detail, {_TASK}
            FROM task_events e JOIN tasks t ON t.id = e.task_id {_OF_A_TASK}
            WHERE e.id > :last OR e.id = ANY(:missing) ORDER BY e.id LIMIT :most
            """,
            last=self._last,
            missing=list(self.missing),
            most=MOST,
        )
        self._note({row.id for row in rows}, time.monotonic())
        return [_event(row) for row in rows]

    def _note(self, seen: set[int], now: float) -> None:
        newest = max((*seen, self._last))
        gaps = (number for number in range(self._last + 1, newest) if number not in seen)
        since = self.missing | dict.fromkeys(gaps, now)
        self.missing = {
            number: moment for number, moment in since.items() if number not in seen and now - moment < LATEST_COMMIT
        }
        self._last = newest


def standing(tx: Transaction, most: int) -> Iterator[Sequence[Event]]:
    """Where the newest `most` tasks stand that were ever sent, in pages, parents before their follow-ups."""
    after = tx.scalar(
        "SELECT coalesce(min(id), 1) - 1 "
        "FROM (SELECT id FROM tasks WHERE attempt > 0 ORDER BY id DESC LIMIT :most) AS newest",
        most=most,
    )
    while rows := tx.rows(
        f"{_STANDING} WHERE t.attempt > 0 AND t.id > :after ORDER BY t.id LIMIT :page", after=after, page=A_PAGE
    ):
        yield [_event(row) for row in rows]
        after = rows[-1].task_id


def of(tx: Transaction, task_ids: Sequence[int]) -> list[Event]:
    """Where these tasks stand."""
    rows = tx.rows(f"{_STANDING} WHERE t.id = ANY(:ids) ORDER BY t.id", ids=list(task_ids)) if task_ids else []
    return [_event(row) for row in rows]


def running(tx: Transaction) -> dict[int, str]:
    """How far the tasks are that are being made, in the API's own words (`40%`), by their ids."""
    rows = tx.rows("SELECT id, progress FROM tasks WHERE state = 'running' AND progress <> ''")
    return {row.id: row.progress for row in rows}


def _event(row: Any) -> Event:
    fields = row._asdict()
    fields.pop("id", None)
    return Event(
        **fields | {"from_state": State(row.from_state) if row.from_state else None, "to_state": State(row.to_state)}
    )
