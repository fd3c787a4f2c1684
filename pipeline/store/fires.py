"""What became of the fire times of schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pipeline.schedule import FireOutcome
from pipeline.store.engine import Transaction
from pipeline.store.progress import progress_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """What became of a fire time, or of several in a row."""

    fire_at: datetime
    last_fire_at: datetime
    fire_times: int
    by_hand: bool
    outcome: FireOutcome
    reason: str | None
    batch_id: int | None
    batch: str | None
    """Its name."""
    problem: str | None
    """Why its manifest could not be read."""


def record(
    tx: Transaction,
    schedule_id: int,
    fire_at: datetime,
    outcome: FireOutcome,
    *,
    reason: str | None = None,
    batch_id: int | None = None,
    by_hand: bool = False,
) -> None:
    """What became of a fire time. A second row for it is refused by the database, and with it the whole transaction."""
    tx.run(
        """
        INSERT INTO schedule_fires (schedule_id, fire_at, last_fire_at, by_hand, outcome, reason, batch_id)
        VALUES (:schedule_id, :fire_at, :fire_at, :by_hand, :outcome, :reason, :batch_id)
        """,
        schedule_id=schedule_id,
        fire_at=fire_at,
        by_hand=by_hand,
        outcome=outcome,
        reason=reason,
        batch_id=batch_id,
    )


def record_all(
    tx: Transaction, schedule_id: int, fire_times: Sequence[datetime], outcome: FireOutcome, reason: str
) -> None:
    """What became of fire times that follow each other, in one row; nothing for none."""
    if fire_times:
        tx.run(
            """
            INSERT INTO schedule_fires (schedule_id, fire_at, last_fire_at, fire_times, outcome, reason)
            VALUES (:schedule_id, :first, :last, :count, :outcome, :reason)
            """,
            schedule_id=schedule_id,
            first=fire_times[0],
            last=fire_times[-1],
            count=len(fire_times),
            outcome=outcome,
            reason=reason,
        )


def queued(tx: Transaction, schedule_id: int) -> datetime | None:
    """The fire time that waits for the batch before."""
    found: datetime | None = tx.scalar(
        "SELECT fire_at FROM schedule_fires WHERE schedule_id = :id AND outcome = 'queued'", id=schedule_id
    )
    return found


def forget_queued(tx: Transaction, schedule_id: int) -> None:
    """So that what becomes of it now can be recorded, in the same transaction."""
    tx.run("DELETE FROM schedule_fires WHERE schedule_id = :id AND outcome = 'queued'", id=schedule_id)


@dataclass(frozen=True, slots=True)
class Running:
    """A batch of the schedule that is not over."""

    id: int
    name: str
    cancelled: bool
    """Nothing more of it is sent; the API may still be making some."""


def running(tx: Transaction, schedule_id: int) -> list[Running]:
    """The schedule's batches that are not over, oldest first. One that was over may go on: doubt was settled since."""
    tx.run(
        """
        UPDATE schedule_fires f SET over_at = NULL FROM batches b
        WHERE f.schedule_id = :id AND f.over_at IS NOT NULL AND b.id = f.batch_id AND EXISTS (
            SELECT FROM tasks t WHERE t.account_id = b.account_id AND t.batch_id = b.id AND t.state = 'planned'
        )
        """,
        id=schedule_id,
    )
    tx.run(
        """
        UPDATE schedule_fires f SET over_at = now() FROM batches b
        WHERE f.schedule_id = :id AND f.over_at IS NULL AND b.id = f.batch_id AND b.state <> 'received' AND NOT EXISTS (
            SELECT FROM tasks t WHERE t.batch_id = b.id AND t.state NOT IN ('delivered', 'failed', 'cancelled')
        )
        """,
        id=schedule_id,
    )
    rows = tx.rows(
        """
        SELECT b.id, b.name, b.cancelled_at IS NOT NULL AS cancelled
        FROM schedule_fires f JOIN batches b ON b.id = f.batch_id
        WHERE f.schedule_id = :id AND f.over_at IS NULL ORDER BY b.id
        """,
        id=schedule_id,
    )
    # Where tasks are not finished the batch may be over all the same: what is left may wait for a person.
    over = {row.id for row in rows if progress_of(tx, row.id).over}
    tx.run("UPDATE schedule_fires SET over_at = now() WHERE batch_id = ANY(:ids)", ids=list(over))
    return [Running(**row._asdict()) for row in rows if row.id not in over]


def committed(
    tx: Transaction, schedule_id: int, window: tuple[datetime, datetime], given_up: Sequence[int] = ()
) -> Decimal:
    """What the batches of fire times in the window have cost, and may still cost.

    One that is not over may cost all of its budget, unless it is cancelled, or about to be: `given_up`. Without a
    budget there is no end to that. Call `running` first, which sees what is over.
    """
    return Decimal(
        tx.scalar(
            """
            SELECT coalesce(sum(CASE WHEN f.over_at IS NULL AND b.cancelled_at IS NULL AND b.id <> ALL(:given_up)
                THEN greatest(coalesce(b.budget, 'Infinity'), cost) ELSE cost END), 0)
            FROM schedule_fires f JOIN batches b ON b.id = f.batch_id, LATERAL (
                SELECT coalesce(sum(spent + reserved), 0) AS cost FROM tasks WHERE batch_id = b.id
            ) AS known
            WHERE f.schedule_id = :id AND f.fire_at >= :first AND f.fire_at < :last
            """,
            id=schedule_id,
            first=window[0],
            last=window[1],
            given_up=list(given_up),
        )
    )


def newest(tx: Transaction, schedule_id: int, most: int) -> list[Fire]:
    """What became of the last fire times, newest first."""
    rows = tx.rows(
        """
        SELECT f.fire_at, f.last_fire_at, f.fire_times, f.by_hand, f.outcome, f.reason, f.batch_id, b.name AS batch,
            b.problem
        FROM schedule_fires f LEFT JOIN batches b ON b.id = f.batch_id
        WHERE f.schedule_id = :id ORDER BY f.fire_at DESC, f.by_hand DESC LIMIT :most
        """,
        id=schedule_id,
        most=most,
    )
    return [Fire(**row._asdict() | {"outcome": FireOutcome(row.outcome)}) for row in rows]
