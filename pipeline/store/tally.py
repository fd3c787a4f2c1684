"""Figures over all tasks, kept from one look to the next: only where something has moved are tasks counted anew."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from pipeline.store.engine import Transaction
from pipeline.store.events import NEWEST, OLDEST_OPEN
from pipeline.store.figures import SECONDS, Figures, Posts, Tasks, WayHome

STRETCH = 200
"""Tasks next to each other, by their ids, that are counted together."""
IN_TURN = 20
"""Stretches that each look counts anew, in turn, though nothing has moved there: the few changes that leave no move,
such as money that is released long after, are seen so in the end."""

Where = Callable[[str], str]
"""The condition under which a task is counted, by its number as it is called in the statement."""


def _tasks(where: Where) -> str:
    return f"""
    SELECT id / :size, account_id, action, state, count(*), sum(spent), sum(reserved)
    FROM tasks WHERE {where("id")} GROUP BY 1, 2, 3, 4
    """


def _posts(where: Where) -> str:
    return f"""
    SELECT t.id / :size, account_id, coalesce(outcome, ''), count(*)
    FROM tasks t JOIN attempts p ON p.task_id = t.id
    WHERE {where("t.id")} AND {where("p.task_id")} GROUP BY 1, 2, 3
    """


def _way_home(where: Where) -> str:
    classes = ", ".join(f"count(*) FILTER (WHERE took <= {bound})" for bound in SECONDS)
    return f"""
    SELECT t.id / :size, count(*), sum(took), {classes}
    FROM tasks t JOIN artifacts f ON f.task_id = t.id,
        LATERAL (SELECT greatest(0, extract(epoch FROM f.created_at - t.finished_at)) AS took) AS way
    WHERE {where("t.id")} AND {where("f.task_id")} AND t.finished_at IS NOT NULL GROUP BY 1
    """


def _everywhere(_number: str) -> str:
    return "true"


def _in_a_stretch(number: str) -> str:
    return f"{number} >= s.number * :size AND {number} < (s.number + 1) * :size"


class Tally:
    """The first look reads every task, each later one the stretches where something has moved. For one thread."""

    def __init__(self) -> None:
        self._tasks, self._posts, self._way_home = _Sums(_tasks, 3), _Sums(_posts, 2), _Sums(_way_home, 0)
        self._stretches: dict[int, None] = {}
        """All of them, the one that was counted longest ago first."""
        self._looks: deque[_Look] = deque()
        """The first: all that was under way at that moment, the last one has seen to its end. And those after it."""

    def look(self, tx: Transaction) -> Figures:
        """Where it fails, the next look makes up for it."""
        now = _Look.of(tx)
        stretches = self._to_count(tx, now)
        for sums in (self._tasks, self._posts, self._way_home):
            sums.count(tx, stretches, everywhere=not self._looks)
        for number in stretches:
            self._stretches.pop(number, None)
            self._stretches[number] = None
        self._looks.append(now)
        names = {row.id: row.name for row in tx.rows("SELECT id, name FROM accounts")}
        return _figures(names, self._tasks.totals, self._posts.totals, self._way_home.totals)

    def _to_count(self, tx: Transaction, now: _Look) -> list[int]:
        """Where tasks have moved or come since the last look, or may have been committed late; and some in turn."""
        while len(self._looks) > 1 and self._looks[1].until <= self._looks[-1].ended:
            self._looks.popleft()
        before = self._looks[0] if self._looks else replace(now, task=0)
        moved = tx.rows(
            "SELECT DISTINCT task_id / :size AS stretch FROM task_events WHERE id > :move",
            size=STRETCH,
            move=before.move,
        )
        new = range(before.task // STRETCH, now.task // STRETCH + 1)
        return sorted({*(row.stretch for row in moved), *new, *islice(self._stretches, IN_TURN)})


@dataclass(frozen=True, slots=True)
class _Look:
    """The newest move and task that it saw; lower numbers may be committed later, by transactions before `until`."""

    ended: int
    """Of all transactions before this one it saw what they did."""
    until: int
    move: int
    task: int

    @classmethod
    def of(cls, tx: Transaction) -> _Look:
        newest = "SELECT coalesce(max(id), 0) FROM"
        ended = tx.scalar(OLDEST_OPEN)
        move, task = tx.scalar(f"{newest} task_events"), tx.scalar(f"{newest} tasks")
        return cls(ended=ended, until=tx.scalar(NEWEST), move=move, task=task)


class _Sums:
    """What a statement counts: a stretch, words by which the rest is told apart, and amounts, which are added up."""

    def __init__(self, sql: Callable[[Where], str], words: int) -> None:
        self._all = sql(_everywhere)
        # One stretch after the other: left to join them with the tasks, Postgres would read all tasks.
        self._some = f"""
            SELECT alike.*
            FROM unnest(CAST(:stretches AS bigint[])) AS s(number), LATERAL ({sql(_in_a_stretch)}) AS alike
        """
        self._words = words
        self._rows: dict[int, list[Sequence[Any]]] = {}
        self.totals: dict[tuple[Any, ...], list[Any]] = {}

    def count(self, tx: Transaction, stretches: Sequence[int], *, everywhere: bool) -> None:
        """Counts the stretches anew. `everywhere`: they are all there are."""
        asked = {} if everywhere else {"stretches": stretches}
        rows = tx.rows(self._all if everywhere else self._some, size=STRETCH, **asked)
        for number in stretches:
            self._add(self._rows.pop(number, ()), -1)
        for row in rows:
            self._rows.setdefault(row[0], []).append(row)
        self._add(rows, 1)

    def _add(self, rows: Sequence[Sequence[Any]], sign: int) -> None:
        for row in rows:
            alike, amounts = tuple(row[1 : 1 + self._words]), row[1 + self._words :]
            before = self.totals.get(alike, [0] * len(amounts))
            self.totals[alike] = [one + sign * more for one, more in zip(before, amounts, strict=True)]


def _figures(
    names: Mapping[int, str],
    tasks: Mapping[tuple[Any, ...], list[Any]],
    posts: Mapping[tuple[Any, ...], list[Any]],
    way_home: Mapping[tuple[Any, ...], list[Any]],
) -> Figures:
    deliveries, seconds, *within = way_home.get((), [0] * (2 + len(SECONDS)))
    return Figures(
        tasks=[
            Tasks(account=names[account], action=action, state=state, tasks=tasks, spent=spent, reserved=reserved)
            for (account, action, state), (tasks, spent, reserved) in sorted(tasks.items())
        ],
        posts=[
            Posts(account=names[account], outcome=outcome, posts=posts)
            for (account, outcome), (posts,) in sorted(posts.items())
        ],
        way_home=WayHome(deliveries=deliveries, seconds=seconds, within=within),
    )
