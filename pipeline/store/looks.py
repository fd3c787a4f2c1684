"""What is looked for at the API: tasks in doubt, and those that ended here and may still succeed there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from pipeline.action import Action
from pipeline.store.conditions import TO_LOOK_FOR, one_of
from pipeline.store.engine import Transaction, as_json
from pipeline.task import Policy, State

LOOK_FOR = 30.0
"""Seconds until another step may look for the same task, if the one that took it dies."""
MOST = 100
"""Tasks that one step looks for."""
DONE_AT_ONCE = (Action.UPLOAD, Action.SEED, Action.BOOKMARK)
"""What the reply of the POST brings already, so that the API knows no task of it."""

OPEN = "(a.outcome IS NULL OR a.outcome = 'in_doubt')"
"""An attempt `a` of which it is not known how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A task that is looked for at the API: it is in doubt, or has ended here and may still succeed there."""

    id: int
    attempt: int
    state: State
    reason: str
    tokens: tuple[str, ...]
    """Of its POSTs whose end is not known, the newest first."""
    sent_at: datetime | None
    """The first of them."""
    remote_id: str | None
    window_id: str | None
    policy: Policy
    wanted: bool
    """Whether the manifest still asks for it."""
    tries: int
    seconds_in_doubt: float
    seconds_quiet: float
    """Since its POST can no longer be on its way; less than none while it can."""
    seconds_absent: float
    """Since the API first said that it does not have it; none, if it has not, or did not answer in between."""
    seconds_unknown: float
    """Since it first answered in a way that tells nothing of it; none, as before."""


_TAKE = f"""
    WITH due AS (
        SELECT id FROM tasks WHERE account_id = :account_id AND {TO_LOOK_FOR} AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT :most FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE tasks t SET next_attempt_at = CASE
        WHEN t.state = 'in_doubt' THEN now() + :again * interval '1 second'
        WHEN t.updated_at > now() - interval '1 day' THEN now() + greatest(interval '1 minute', now() - t.updated_at)
        END
    FROM due, batches b WHERE t.id = due.id AND b.id = t.batch_id
    RETURNING t.id, t.attempt, t.state, coalesce(t.reason, '') AS reason, t.remote_id, t.window_id,
        b.in_doubt AS policy, t.wanted, t.tries,
        ARRAY(SELECT a.token FROM attempts a WHERE a.task_id = t.id AND {OPEN} ORDER BY number DESC) AS tokens,
        (SELECT min(sent_at) FROM attempts a WHERE a.task_id = t.id AND {OPEN}) AS sent_at,
        extract(epoch FROM now() - coalesce(t.doubted_at, t.updated_at))::float AS seconds_in_doubt,
        extract(epoch FROM now() - greatest(t.lease_until, t.doubted_at))::float AS seconds_quiet,
        CASE WHEN t.absent_since >= t.doubted_at THEN extract(epoch FROM now() - t.absent_since)::float ELSE 0 END
            AS seconds_absent,
        CASE WHEN t.unknown_since >= t.doubted_at THEN extract(epoch FROM now() - t.unknown_since)::float ELSE 0 END
            AS seconds_unknown
"""
"""What has ended here is looked for less and less often, for a day: a late success is a success."""


def take_to_look(tx: Transaction, account_id: int) -> list[Sought]:
    """The account's tasks that are due to be looked for and that nobody else looks for."""
    return [
        Sought(
            **row._asdict()
            | {
                "state": State(row.state),
                "policy": Policy(row.policy),
                "tokens": tuple(token.hex for token in row.tokens),
                "seconds_quiet": row.seconds_quiet or 0.0,
            }
        )
        for row in tx.rows(_TAKE, account_id=account_id, most=MOST, again=LOOK_FOR)
    ]


def any_due(tx: Transaction, name: str) -> int | None:
    """The account's id, if any of its tasks is due to be looked for."""
    found: int | None = tx.scalar(
        f"SELECT id FROM accounts c WHERE name = :name AND EXISTS ("
        f"SELECT FROM tasks WHERE account_id = c.id AND {TO_LOOK_FOR} AND next_attempt_at <= now())",
        name=name,
    )
    return found


def look_again(tx: Transaction, waits: Mapping[int, float], absent: Collection[int], unknown: Collection[int]) -> None:
    """Tasks in doubt, by id, are looked for again in so many seconds. `absent`: the API does not have them now.
    `unknown`: it answered, and that tells nothing of them. Of the others it did not answer."""
    tx.run(
        """
        WITH v AS MATERIALIZED (
            SELECT v.* FROM jsonb_to_recordset(CAST(:rows AS jsonb))
                AS v(id bigint, wait float, absent boolean, unknown boolean) JOIN tasks t USING (id)
            WHERE t.state = 'in_doubt' ORDER BY t.id FOR UPDATE OF t
        )
        UPDATE tasks t SET next_attempt_at = clock_timestamp() + v.wait * interval '1 second',
            absent_since = CASE WHEN NOT v.absent THEN NULL WHEN t.absent_since >= t.doubted_at THEN t.absent_since
                ELSE clock_timestamp() END,
            unknown_since = CASE WHEN NOT v.unknown THEN NULL WHEN t.unknown_since >= t.doubted_at THEN t.unknown_since
                ELSE clock_timestamp() END
        FROM v WHERE t.id = v.id
        """,
        rows=as_json(
            {"id": id_, "wait": wait, "absent": id_ in absent, "unknown": id_ in unknown} for id_, wait in waits.items()
        ),
    )


def witnesses(tx: Transaction, task_ids: Collection[int]) -> dict[int, str]:
    """For each of the tasks one that their account took just before the doubt began, by the API's name.

    A server that has forgotten it may have forgotten any. None for what is older than all that the account ever took.
    What is done at once has no name at the API.
    """
    rows = tx.rows(
        f"""
        SELECT t.id, w.remote_id FROM tasks t, LATERAL (
            SELECT remote_id FROM tasks WHERE account_id = t.account_id AND submitted_at < t.doubted_at
                AND remote_id IS NOT NULL AND id <> t.id AND NOT {one_of("action", DONE_AT_ONCE)}
            ORDER BY submitted_at DESC LIMIT 1
        ) AS w WHERE t.id = ANY(:ids)
        """,
        ids=list(task_ids),
    )
    return {row.id: row.remote_id for row in rows}
