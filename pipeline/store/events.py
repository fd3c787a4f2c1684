"""What has happened to tasks, for those who watch: moves as they are committed, and where everything stands."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

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

    id: int | None
    """Its number among the moves. None, as is `cause`, for where a task stands."""
    at: datetime
    from_state: State | None
    to_state: State
    cause: str | None
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
    """How many POSTs the task had had by then."""
    image_url: str | None
    submitted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


_TASK = """t.id AS task_id, t.parent_id, t.batch_id, b.name AS batch, a.name AS account, t.key, t.action, t.prompt,
    t.image_url, t.submitted_at, t.started_at, t.finished_at"""
_OF_A_TASK = "JOIN batches b ON b.id = t.batch_id JOIN accounts a ON a.id = t.account_id"

_STANDING = f"""
    SELECT NULL AS id, t.updated_at AS at, NULL AS from_state, t.state AS to_state, NULL AS cause, t.reason AS detail,
        t.attempt, {_TASK}
    FROM tasks t {_OF_A_TASK}
"""


class Tail:
    """Follows the moves of all tasks after number `last`. One that is committed behind later ones is not lost.

    `missing`: numbers up to `last` that were given and not seen; those of what was rolled back never come.
    """

    def __init__(self, last: int, missing: Iterable[int] = ()) -> None:
        self.last = last
        self.missing = dict.fromkeys(missing, time.monotonic())
        """And since when."""

    @classmethod
    def since(cls, tx: Transaction, seconds: float = 0.0) -> Self:
        """From so long ago on."""
        before = "SELECT id FROM task_events WHERE at <= clock_timestamp() - :ago * interval '1 second'"
        return cls(int(tx.scalar(f"{before} ORDER BY id DESC LIMIT 1", ago=seconds) or 0))

    @classmethod
    def kept(cls, tx: Transaction) -> Self:
        """From where it was kept last, by whichever process; from the very first move where it never was."""
        rows = tx.rows("SELECT last_id, missing FROM logged_moves")
        return cls(rows[0].last_id, rows[0].missing) if rows else cls(0)

    def keep(self, tx: Transaction) -> None:
        tx.run(
            """
            INSERT INTO logged_moves (last_id, missing) VALUES (:last, CAST(:missing AS bigint[]))
            ON CONFLICT (id) DO UPDATE SET last_id = excluded.last_id, missing = excluded.missing
            """,
            last=self.last,
            missing=list(self.missing),
        )

    def look(self, tx: Transaction) -> list[Event]:
        """The next moves in their order, at most `MOST`."""
        rows = tx.rows(
            f"""
            SELECT e.id, e.at, e.from_state, e.to_state, e.cause, e.detail, {_TASK},
                (SELECT count(*) FROM task_events s
                    WHERE s.task_id = e.task_id AND s.to_state = 'submitting' AND s.id <= e.id) AS attempt
            FROM task_events e JOIN tasks t ON t.id = e.task_id {_OF_A_TASK}
            WHERE e.id >= :first AND (e.id > :last OR e.id = ANY(:missing)) ORDER BY e.id LIMIT :most
            """,
            # Without a lower bound Postgres would walk through all moves there ever were.
            first=min((self.last, *self.missing)),
            last=self.last,
            missing=list(self.missing),
            most=MOST,
        )
        self._note({row.id for row in rows}, time.monotonic())
        return [_event(row) for row in rows]

    def _note(self, seen: set[int], now: float) -> None:
        newest = max((*seen, self.last))
        gaps = (number for number in range(self.last + 1, newest) if number not in seen)
        since = self.missing | dict.fromkeys(gaps, now)
        self.missing = {
            number: moment for number, moment in since.items() if number not in seen and now - moment < LATEST_COMMIT
        }
        self.last = newest


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
    states = {"from_state": State(row.from_state) if row.from_state else None, "to_state": State(row.to_state)}
    return Event(**row._asdict() | states)
