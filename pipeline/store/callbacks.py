"""Whom reports are addressed to, and what is noted when a report names a task.

No report waits for a lock: a row that a worker holds is left out, and asked for again a moment later. So reports
neither hold up the workers nor deadlock with them, whatever order they lock their rows in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.action import Action
from pipeline.store.engine import Transaction, as_json
from pipeline.store.money import moved_money
from pipeline.store.moves import move_sql
from pipeline.task import State, TaskAtApi

NOTED_EVERY = 1.0
"""Seconds between two notes that an account's server reports by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """A POST of ours that a report may be about."""

    id: int
    task_id: int
    number: int
    ended: bool
    """Whether its own reply was noted."""
    refused: bool
    """Its reply said that nothing was accepted."""
    accepted: bool
    """Its reply said that it was, or a look showed it."""
    remote_id: str | None
    newer_named: bool
    """Whether a later POST for the same task was accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A task that a report may be about. `known.remote_id` is empty as long as the API has not named it."""

    account: str
    account_id: int
    attempt: int
    window_id: str | None
    known: TaskAtApi


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressees:
    """By token, and the tasks by id. `busy`: tokens that a worker is writing to; all others are no tokens of ours."""

    attempts: Mapping[str, Attempted]
    tasks: Mapping[int, Reported]
    busy: frozenset[str]


_LOOK_UP = """
    SELECT a.token, a.id AS attempt_id, a.number, a.outcome, a.remote_id AS attempt_remote_id,
        a.number < t.attempt AND EXISTS (
            SELECT FROM attempts n WHERE n.task_id = a.task_id AND n.number > a.number AND n.remote_id IS NOT NULL
        ) AS newer_named,
        t.id, t.account_id, c.name AS account, t.action, t.attempt, t.state, t.remote_id, t.window_id, t.progress,
        t.misses, extract(epoch FROM now() - t.updated_at) AS updated,
        extract(epoch FROM now() - coalesce(t.submitted_at, t.updated_at)) AS submitted,
        extract(epoch FROM now() - t.missing_since) AS missing
    FROM attempts a JOIN tasks t ON t.id = a.task_id JOIN accounts c ON c.id = t.account_id
    WHERE a.token = ANY(CAST(:tokens AS uuid[])) FOR UPDATE OF a, t SKIP LOCKED
"""


def look_up(tx: Transaction, tokens: Iterable[str]) -> Addressees:
    """The POSTs with these tokens and their tasks, locked until commit."""
    wanted = sorted(set(tokens))
    attempts: dict[str, Attempted] = {}
    tasks: dict[int, Reported] = {}
    for row in tx.rows(_LOOK_UP, tokens=wanted):
        attempts[row.token.hex] = Attempted(
            id=row.attempt_id,
            task_id=row.id,
            number=row.number,
            ended=row.outcome is not None,
            refused=row.outcome in {"try_again", "refused"},
            accepted=row.outcome == "accepted",
            remote_id=row.attempt_remote_id,
            newer_named=row.newer_named,
        )
        known = TaskAtApi(
            id=row.id,
            action=Action(row.action),
            remote_id=row.remote_id or "",
            state=State(row.state),
            answered=row.window_id is not None,
            progress=row.progress,
            seconds_since_update=float(row.updated),
            seconds_since_submit=float(row.submitted),
            seconds_missing=None if row.missing is None else float(row.missing),
            misses=row.misses,
        )
        tasks[row.id] = Reported(
            account=row.account, account_id=row.account_id, attempt=row.attempt, window_id=row.window_id, known=known
        )
    return Addressees(attempts=attempts, tasks=tasks, busy=_busy(tx, [one for one in wanted if one not in attempts]))


def _busy(tx: Transaction, missing: Sequence[str]) -> frozenset[str]:
    if not missing:
        return frozenset()
    rows = tx.rows("SELECT token FROM attempts WHERE token = ANY(CAST(:tokens AS uuid[]))", tokens=list(missing))
    return frozenset(row.token.hex for row in rows)


def name(tx: Transaction, remote_ids: Mapping[int, str]) -> None:
    """Notes what the API calls these POSTs, by the ids of their rows. What their own replies say still wins."""
    if remote_ids:
        tx.run(
            """
            UPDATE attempts a SET remote_id = v.remote_id
            FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(id bigint, remote_id text)
            WHERE a.id = v.id AND a.remote_id IS NULL
            """,
            rows=as_json({"id": id_, "remote_id": remote_id} for id_, remote_id in remote_ids.items()),
        )


_ACCEPT = move_sql(
    ", remote_id text",
    f"""
    {moved_money(regained="true")},
    remote_id = v.remote_id, lease_until = NULL, submitted_at = clock_timestamp(), next_attempt_at = NULL,
    missing_since = NULL, misses = 0
    """,
    guard="t.state IN ('planned', 'submitting', 'in_doubt', 'failed', 'cancelled')",
)


def accept(tx: Transaction, remote_ids: Mapping[int, str]) -> int:
    """Moves tasks, by id, as the reply of their POST would have: the API has them. The number that moved."""
    if not remote_ids:
        return 0
    rows = as_json(
        {"id": id_, "state": State.SUBMITTED, "reason": None, "remote_id": remote_id}
        for id_, remote_id in remote_ids.items()
    )
    return len(tx.rows(_ACCEPT, rows=rows, cause="callback"))


def called_back(tx: Transaction, account_ids: Iterable[int]) -> None:
    """Notes that these accounts' servers report by themselves."""
    ids = sorted(set(account_ids))
    if ids:
        tx.run(
            """
            UPDATE accounts SET called_back_at = now() WHERE id IN (
                SELECT id FROM accounts WHERE id = ANY(:ids)
                    AND (called_back_at IS NULL OR called_back_at < now() - :every * interval '1 second')
                FOR NO KEY UPDATE SKIP LOCKED
            )
            """,
            ids=ids,
            every=NOTED_EVERY,
        )


def make_up(tx: Transaction) -> None:
    """Has every account asked about its tasks at once: what was reported while nobody received is lost.

    Until a server reports again, it counts as one that does not: perhaps its way here is what has changed.
    """
    tx.run("UPDATE accounts SET next_poll_at = clock_timestamp(), called_back_at = NULL")
