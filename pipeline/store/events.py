"""What has happened to tasks, for those who watch: moves as they are committed, and where everything stands."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from pipeline.store.engine import Transaction
from pipeline.task import State

MOST_GAPS = 10_000
"""Gaps that are looked at again, however wide: the newest. There are so many only where one transaction stays open
while thousands of others are rolled back."""
MOST = 500
"""Events of one look."""
OLDEST_OPEN = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
"""All transactions with lower numbers have ended."""
NEWEST = "SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
"""The number of this transaction, and higher than that of any that has changed something before. The snapshot's upper
bound would not do: transactions that are open may lie above it."""
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


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers from `first` to `end`, without that, that were given and not seen."""

    first: int
    end: int
    until: int | None = None
    """Whoever was given them is a transaction with a lower number than this. None: it is still to be asked for."""

    def without(self, seen: Sequence[int]) -> Iterator[Gap]:
        """What is left of it; `seen` is in order."""
        first = self.first
        for number in (*seen[bisect_left(seen, first) : bisect_left(seen, self.end)], self.end):
            if first < number:
                yield replace(self, first=first, end=number)
            first = number + 1


class Tail:
    """Follows the moves of all tasks after number `last`. One that is committed behind later ones is not lost.

    `missing`: numbers up to `last` that were given and not seen. Numbers are given before the commit, by a large
    manifest long before; those of what was rolled back never come. A transaction has changed the task, and so has a
    number of its own, before it is given that of a move: when all as old have ended, nothing of the gap can come.
    """

    def __init__(self, last: int, missing: Iterable[Gap] = ()) -> None:
        self.last = last
        self.missing = list(missing)

    @classmethod
    def since(cls, tx: Transaction, seconds: float = 0.0) -> Self:
        """From so long ago on."""
        before = "SELECT id FROM task_events WHERE at <= clock_timestamp() - :ago * interval '1 second'"
        return cls(int(tx.scalar(f"{before} ORDER BY id DESC LIMIT 1", ago=seconds) or 0))

    @classmethod
    def kept(cls, tx: Transaction) -> Self:
        """From where it was kept last, by whichever process; from the very first move where it never was."""
        rows = tx.rows("SELECT last_id, missing FROM logged_moves")
        return cls(rows[0].last_id, [Gap(gap.lower, gap.upper) for gap in rows[0].missing]) if rows else cls(0)

    def keep(self, tx: Transaction) -> None:
        tx.run(
            """
            INSERT INTO logged_moves (last_id, missing) VALUES (:last, CAST(:missing AS int8multirange))
            ON CONFLICT (id) DO UPDATE SET last_id = excluded.last_id, missing = excluded.missing
            """,
            last=self.last,
            missing=self._numbers(),
        )

    def look(self, tx: Transaction) -> list[Event]:
        """The next moves in their order, at most `MOST`."""
        # Asked before the moves are read: what had ended by then is seen, unless there is more than one look takes.
        ended = self._ended(tx)
        rows = tx.rows(
            f"""
            SELECT e.id, e.at, e.from_state, e.to_state, e.cause, e.detail, {_TASK},
                (SELECT count(*) FROM task_events s
                    WHERE s.task_id = e.task_id AND s.to_state = 'submitting' AND s.id <= e.id) AS attempt
            FROM task_events e JOIN tasks t ON t.id = e.task_id {_OF_A_TASK}
            WHERE e.id >= :first AND (e.id > :last OR e.id <@ CAST(:missing AS int8multirange))
            ORDER BY e.id LIMIT :most
            """,
            # Without a lower bound Postgres would walk through all moves there ever were.
            first=min((self.last, *(gap.first for gap in self.missing))),
            last=self.last,
            missing=self._numbers(),
            most=MOST,
        )
        self._note([row.id for row in rows], ended if len(rows) < MOST else 0)
        return [_event(row) for row in rows]

    def _ended(self, tx: Transaction) -> int:
        """All transactions with lower numbers have."""
        if not self.missing:
            return 0
        if any(gap.until is None for gap in self.missing):
            newest = tx.scalar(NEWEST)
            self.missing = [gap if gap.until else replace(gap, until=newest) for gap in self.missing]
        return int(tx.scalar(OLDEST_OPEN))

    def _note(self, seen: Sequence[int], ended: int) -> None:
        newest = max((*seen, self.last))
        gaps = [gap for gap in self.missing if gap.until is None or gap.until > ended]
        gaps.append(Gap(self.last + 1, newest))
        self.missing = [rest for gap in gaps for rest in gap.without(seen)][-MOST_GAPS:]
        self.last = newest

    def _numbers(self) -> str:
        return f"{{{','.join(f'[{gap.first},{gap.end})' for gap in self.missing)}}}"


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
