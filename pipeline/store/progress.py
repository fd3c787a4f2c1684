"""How far a batch is, counted from its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.store.engine import Transaction
from pipeline.store.schema import HOLDS_ROOM
from pipeline.task import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a batch is."""

    state: str
    problem: str | None
    tasks: int
    """All of them, follow-ups that do not exist yet included."""
    by_state: dict[State, int]
    waiting_for_a_person: int
    """Pictures that were made and could not be brought home, and tasks in doubt."""
    unfinished: int
    """Tasks that somebody is still working on, or will."""
    not_reached: int
    """Follow-ups that will never be asked for, as things stand: what they follow has failed or is in doubt."""
    blocked_reason: str | None
    """Why nothing is sent to the account just now."""

    @property
    def over(self) -> bool:
        return self.state != "received" and self.unfinished == 0


def progress_of(tx: Transaction, batch_id: int) -> Progress:
    batch = tx.rows(
        f"""
        SELECT b.state, b.problem, b.task_count, b.deliver,
            CASE WHEN a.blocked_until > now() THEN a.blocked_reason END AS blocked_reason,
            a.max_running + a.max_queued AS places, (
                SELECT count(*) FROM tasks WHERE account_id = a.id AND state = 'in_doubt' AND {HOLDS_ROOM}
            ) AS doubted
        FROM batches b JOIN accounts a ON a.id = b.account_id WHERE b.id = :id
        """,
        id=batch_id,
    )[0]
    counts = tx.rows(
        """
        SELECT state, count(*) AS tasks, count(*) FILTER (WHERE next_attempt_at IS NULL) AS parked,
            sum(follow_up_count)::bigint AS follow_ups
        FROM tasks WHERE batch_id = :id GROUP BY state
        """,
        id=batch_id,
    )
    by_state = {State(row.state): row.tasks for row in counts}
    parked = next((row.parked for row in counts if row.state == State.SUCCEEDED), 0)
    working = (State.PLANNED, State.SUBMITTING, State.SUBMITTED, State.RUNNING, State.SUCCEEDED)
    return Progress(
        state=batch.state,
        problem=batch.problem,
        tasks=batch.task_count,
        by_state=by_state,
        waiting_for_a_person=by_state.get(State.IN_DOUBT, 0) + (parked if batch.deliver else 0),
        not_reached=sum(
            row.follow_ups for row in counts if row.state in (State.FAILED, State.CANCELLED, State.IN_DOUBT)
        ),
        unfinished=sum(by_state.get(state, 0) for state in working) - parked,
        blocked_reason=batch.blocked_reason or _held_by_doubt(batch.doubted, batch.places),
    )


def _held_by_doubt(doubted: int, places: int) -> str | None:
    if doubted < places:
        return None
    return f"{doubted} tasks in doubt hold the account's {places} places, each for an hour: pipeline resolve frees them"


def posts(tx: Transaction, batch_id: int, *, since: datetime | None = None) -> int:
    """How many POSTs were made for the batch, since a moment of the database's clock."""
    return int(
        tx.scalar(
            "SELECT count(*) FROM attempts a JOIN tasks t ON t.id = a.task_id WHERE t.batch_id = :id "
            "AND (CAST(:since AS timestamptz) IS NULL OR a.sent_at >= :since)",
            id=batch_id,
            since=since,
        )
    )
