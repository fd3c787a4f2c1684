"""Accounts: their limits, and which of them have something due."""

from __future__ import annotations

from datetime import datetime

from pipeline.store.conditions import HOLDS_ROOM, OPEN_BATCHES, TO_ASK_FOR
from pipeline.store.engine import Transaction, words

RING_AGAIN = 2.0
"""Seconds after which a doorbell that had no effect is rung again: its message may be lost."""

CALLED_BACK_RECENTLY = 600.0
"""Seconds for which a server that has reported by itself is trusted to go on with it."""


ASKING = 60.0
"""Seconds after which another worker asks a server that failed, if the first one does not say how it went."""


def register(tx: Transaction, *, name: str, base_url: str, max_running: int, max_queued: int) -> int:
    """The account's id; its address and limits are what the newest settings say."""
    found: int = tx.scalar(
        """
        INSERT INTO accounts (name, base_url, max_running, max_queued)
        VALUES (:name, :base_url, :max_running, :max_queued)
        ON CONFLICT (name) DO UPDATE SET base_url = excluded.base_url, max_running = excluded.max_running,
            max_queued = excluded.max_queued
        RETURNING id
        """,
        name=name,
        base_url=base_url,
        max_running=max_running,
        max_queued=max_queued,
    )
    return found


def due_for_submit(tx: Transaction, name: str) -> int | None:
    """The account's id, if it has room and something planned for now. At most once in `RING_AGAIN` seconds."""
    return _due(
        tx,
        name,
        f"""
        WITH RECURSIVE {OPEN_BATCHES}
        UPDATE accounts a SET next_dispatch_at = now() + :again * interval '1 second'
        WHERE id = :account_id AND next_dispatch_at <= now() AND (blocked_until IS NULL OR blocked_until <= now())
            AND EXISTS (SELECT FROM open, LATERAL (
                SELECT FROM tasks WHERE account_id = :account_id AND batch_id = open.id AND state = 'planned'
                    AND next_attempt_at <= now() LIMIT 1
            ) AS due)
            AND max_running + max_queued >
                (SELECT count(*) FROM tasks WHERE account_id = a.id AND {HOLDS_ROOM})
        RETURNING id
        """,
    )


def due_for_poll(tx: Transaction, name: str) -> int | None:
    """The account's id, if its tasks are due to be asked for. At most once in `RING_AGAIN` seconds."""
    return _due(
        tx,
        name,
        f"""
        UPDATE accounts a SET next_poll_at = now() + :again * interval '1 second'
        WHERE id = :account_id AND next_poll_at <= now()
            AND EXISTS (SELECT FROM tasks WHERE account_id = a.id AND {TO_ASK_FOR})
        RETURNING id
        """,
    )


def next_poll(tx: Transaction, name: str) -> float | None:
    """Seconds until the account is due to be asked; None when nothing is at its API."""
    seconds = tx.scalar(
        f"""
        SELECT extract(epoch FROM next_poll_at - clock_timestamp())::float FROM accounts a
        WHERE name = :name AND EXISTS (SELECT FROM tasks WHERE account_id = a.id AND {TO_ASK_FOR})
        """,
        name=name,
    )
    return None if seconds is None else float(seconds)


def _due(tx: Transaction, name: str, sql: str) -> int | None:
    account_id = tx.scalar("SELECT id FROM accounts WHERE name = :name", name=name)
    rows = tx.rows(sql, account_id=account_id, again=RING_AGAIN)
    return int(rows[0].id) if rows else None


def poll_again(tx: Transaction, account_id: int, *, after: float) -> None:
    """Makes the account due in `after` seconds; in less than none, at once."""
    tx.run(
        "UPDATE accounts SET next_poll_at = clock_timestamp() + :after * interval '1 second' WHERE id = :id",
        id=account_id,
        after=after,
    )


def polled(tx: Transaction, account_id: int, *, again: float, problem: str | None = None) -> None:
    """Notes how a poll ended, for the person who waits, and when the next is due, in seconds."""
    tx.run(
        """
        UPDATE accounts SET next_poll_at = clock_timestamp() + :again * interval '1 second', poll_problem = :problem
        WHERE id = :id
        """,
        id=account_id,
        again=again,
        problem=problem and words(problem),
    )


def refusals(tx: Transaction, account_id: int) -> int:
    """How often in a row the account was refused, up to now."""
    return int(tx.scalar("SELECT refusals FROM accounts WHERE id = :id", id=account_id) or 0)


def block(tx: Transaction, account_id: int, *, seconds: float, reason: str, again: bool, down: bool = False) -> None:
    """Sends nothing to this account for so long; `reason` is shown to the person who waits.

    A longer block stays. `again`: one more in a row, after which the next wait is longer. `down`: its server failed,
    so that it is asked something free before it is sent a task.
    """
    tx.run(
        """
        UPDATE accounts SET refusals = least(refusals + :again, 1000), blocked_reason = :reason, down = down OR :down,
            blocked_until = greatest(blocked_until, clock_timestamp() + :seconds * interval '1 second')
        WHERE id = :id
        """,
        id=account_id,
        seconds=seconds,
        reason=words(reason),
        again=int(again),
        down=down,
    )


def take_to_ask(tx: Transaction, account_id: int) -> datetime | None:
    """Until when the caller alone is to ask the account's server, which failed, whether it answers; None: not at all.

    Until then nothing is sent to it.
    """
    taken: datetime | None = tx.scalar(
        "UPDATE accounts SET blocked_until = clock_timestamp() + :asking * interval '1 second' "
        "WHERE id = :id AND down AND (blocked_until IS NULL OR blocked_until <= clock_timestamp()) "
        "RETURNING blocked_until",
        id=account_id,
        asking=ASKING,
    )
    return taken


def was_asked(tx: Transaction, account_id: int, taken: datetime, *, answers: bool) -> None:
    """How that went: the caller's turn is over, and a pause that somebody else has set meanwhile stays.

    When it answers, one task may show whether it takes tasks again.
    """
    tx.run(
        "UPDATE accounts SET down = down AND NOT :answers, blocked_until = nullif(blocked_until, :taken) "
        "WHERE id = :id",
        id=account_id,
        answers=answers,
        taken=taken,
    )


def unblock(tx: Transaction, account_id: int) -> bool:
    """Notes that the account took a task. Whether it was blocked before, and is no more."""
    return bool(
        tx.run(
            "UPDATE accounts SET refusals = 0, down = false, blocked_until = NULL, blocked_reason = NULL "
            "WHERE id = :id AND refusals > 0 AND (blocked_until IS NULL OR blocked_until <= clock_timestamp())",
            id=account_id,
        )
    )


def calls_back(tx: Transaction, account_id: int) -> bool:
    """Whether the account's server has reported by itself of late."""
    return bool(
        tx.scalar(
            "SELECT called_back_at > now() - :recent * interval '1 second' FROM accounts WHERE id = :id",
            id=account_id,
            recent=CALLED_BACK_RECENTLY,
        )
    )
