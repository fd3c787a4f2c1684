"""How far a batch is, counted from its rows."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime

from pipeline.store import spending
from pipeline.store.conditions import HOLDS_ROOM
from pipeline.store.engine import Transaction
from pipeline.task import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a batch is. The counts add up: `tasks` is the sum of those from `done` to `to_follow`.

    What the manifest no longer asks for counts if it is made, being made or in doubt.
    """

    state: str
    problem: str | None
    tasks: int
    """All of them, follow-ups that do not exist yet included."""
    done: int
    """Pictures at home; of a batch that is not delivered, pictures made."""
    failed: int
    in_doubt: int
    """Of these only a person can say what became of them."""
    looked_for: int
    """Of these the API is asked what became of them."""
    unaffordable: int
    """What the rest of the budget does not pay for."""
    stranded: int
    """Pictures that were made and could not be brought home; they wait for a person."""
    downloading: int
    running: int
    queued: int
    """In the account's queue at the API, or on the way there."""
    planned: int
    paused: bool
    """Nothing of it is sent until a person resumes it."""
    cancelled: bool
    """A person cancelled it; the counts are of what was made, is being made, or is in doubt."""
    not_reached: int
    """What will never be asked for, as things stand: what it follows, or needs, has failed or is in doubt."""
    why_waiting: str | None
    """What keeps the account from going on just now."""

    @property
    def unfinished(self) -> int:
        """Tasks that somebody is still working on, or will."""
        return self.downloading + self.running + self.queued + self.planned + self.looked_for

    @property
    def to_follow(self) -> int:
        """Follow-ups whose parent is not finished yet."""
        return self.tasks - self.done - self.failed - self.needs_a_person - self.unfinished - self.not_reached

    @property
    def needs_a_person(self) -> int:
        return self.in_doubt + self.stranded + self.unaffordable

    @property
    def over(self) -> bool:
        return self.state != "received" and self.unfinished == 0

    @property
    def not_sent(self) -> int:
        """Tasks that would be sent if nobody cancelled them."""
        return self.planned + self.to_follow + self.unaffordable + self.not_reached

    @property
    def standing(self) -> str:
        """In a word for people."""
        if self.cancelled:
            return "cancelled"
        if self.state == "unreadable":
            return self.state
        if self.paused and not self.over:
            return "paused"
        return "over" if self.over else "at work"

    @property
    def whole(self) -> bool:
        """Whether everything is there that the manifest asks for."""
        return self.state == "planned" and self.done == self.tasks


_BEFORE_FOLLOW_UPS = tuple(state for state in State if state not in {State.SUCCEEDED, State.DELIVERED})
"""Whose follow-ups do not exist yet."""


def progress_of(tx: Transaction, batch_id: int) -> Progress:
    found = tx.rows(
        "SELECT name, state, problem, deliver, account_id, budget, paused_at, cancelled_at FROM batches WHERE id = :id",
        id=batch_id,
    )
    batch, of = found[0], _counts(tx, batch_id)
    lost = of[State.FAILED].and_(of[State.CANCELLED])
    doubt, made = of[State.IN_DOUBT], of[State.SUCCEEDED]
    held_up = _held_up(tx, batch_id) if doubt.parked else _NONE
    stranded = made.parked if batch.deliver else 0
    to_send = of[State.PLANNED].without(held_up)
    beyond = to_send if batch.budget is not None and spending.is_used_up(tx, batch_id) else _NONE
    return Progress(
        state=batch.state,
        problem=batch.problem,
        tasks=sum(count.tasks for count in of.values()) + sum(of[state].follow_ups for state in _BEFORE_FOLLOW_UPS),
        done=of[State.DELIVERED].tasks + (0 if batch.deliver else made.tasks),
        failed=lost.tasks,
        in_doubt=doubt.parked,
        looked_for=doubt.tasks - doubt.parked,
        unaffordable=beyond.tasks - beyond.parked,
        stranded=stranded,
        downloading=made.tasks - stranded if batch.deliver else 0,
        running=of[State.RUNNING].tasks,
        queued=of[State.SUBMITTING].tasks + of[State.SUBMITTED].tasks,
        planned=to_send.tasks - beyond.tasks,
        not_reached=lost.follow_ups
        + doubt.behind_parked
        + held_up.tasks
        + held_up.follow_ups
        + beyond.parked
        + beyond.follow_ups,
        paused=batch.paused_at is not None,
        cancelled=batch.cancelled_at is not None,
        why_waiting=f"it is paused: pipeline resume {batch.name}"
        if batch.paused_at
        else _why_waiting(tx, batch.account_id),
    )


@dataclass(frozen=True, slots=True)
class _Count:
    """Tasks in one state. `parked` are those without a next attempt; `behind_parked` what would follow them."""

    tasks: int = 0
    parked: int = 0
    follow_ups: int = 0
    behind_parked: int = 0

    def and_(self, other: _Count) -> _Count:
        return self._each(other, 1)

    def without(self, other: _Count) -> _Count:
        return self._each(other, -1)

    def _each(self, other: _Count, sign: int) -> _Count:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return _Count(*(one + sign * another for one, another in pairs))


_NONE = _Count()


def _counts(tx: Transaction, batch_id: int) -> dict[State, _Count]:
    rows = tx.rows(
        """
        SELECT state, count(*) AS tasks, count(*) FILTER (WHERE next_attempt_at IS NULL) AS parked,
            sum(follow_up_count)::bigint AS follow_ups,
            coalesce(sum(follow_up_count) FILTER (WHERE next_attempt_at IS NULL), 0)::bigint AS behind_parked
        FROM tasks WHERE batch_id = :id AND (wanted OR state NOT IN ('failed', 'cancelled')) GROUP BY state
        """,
        id=batch_id,
    )
    found = {State(row.state): _Count(row.tasks, row.parked, row.follow_ups, row.behind_parked) for row in rows}
    return dict.fromkeys(State, _NONE) | found


def _held_up(tx: Transaction, batch_id: int) -> _Count:
    """How many rows wait for the picture of one that is in doubt, perhaps through others; and their follow-ups."""
    rows = tx.rows(
        """
        WITH RECURSIVE held AS (
            SELECT id, stem FROM tasks WHERE batch_id = :id AND state = 'in_doubt' AND next_attempt_at IS NULL
            UNION SELECT d.id, d.stem FROM held JOIN tasks d ON d.batch_id = :id AND held.stem = ANY(d.needs)
            WHERE d.state = 'planned' AND d.next_attempt_at IS NULL
        )
        SELECT count(*) AS tasks, coalesce(sum(follow_up_count), 0)::bigint AS follow_ups
        FROM held JOIN tasks USING (id) WHERE state = 'planned'
        """,
        id=batch_id,
    )
    return _Count(rows[0].tasks, rows[0].tasks, rows[0].follow_ups, rows[0].follow_ups)


def _why_waiting(tx: Transaction, account_id: int) -> str | None:
    account = tx.rows(
        f"""
        SELECT CASE WHEN blocked_until > now() THEN blocked_reason END AS blocked, poll_problem,
            max_running + max_queued AS places, doubted, unknown
        FROM accounts a, LATERAL (
            SELECT count(*) FILTER (WHERE state = 'in_doubt') AS doubted, count(*) FILTER (WHERE misses > 1) AS unknown
            FROM tasks WHERE account_id = a.id AND {HOLDS_ROOM}
        ) AS held
        WHERE a.id = :id
        """,
        id=account_id,
    )[0]
    if account.poll_problem or account.blocked:
        return str(account.poll_problem or account.blocked)
    if account.doubted >= account.places:
        return (
            f"{account.doubted} tasks in doubt hold the account's {account.places} places, each for an hour: "
            "pipeline resolve frees them"
        )
    if account.unknown:
        return f"the server does not know {account.unknown} tasks that it took; each is given up after a quarter hour"
    return None


def posts(tx: Transaction, batch_id: int, *, since: datetime | None = None) -> int:
    """How many POSTs were made for the batch, since a moment of the database's clock.

    One that only opened a window is not counted: nothing was made of it, and its answer counts.
    """
    return int(
        tx.scalar(
            "SELECT count(*) FROM attempts a JOIN tasks t ON t.id = a.task_id WHERE t.batch_id = :id "
            "AND a.outcome IS DISTINCT FROM 'window' "
            "AND (CAST(:since AS timestamptz) IS NULL OR a.sent_at >= :since)",
            id=batch_id,
            since=since,
        )
    )
