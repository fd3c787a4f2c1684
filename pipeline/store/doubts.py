"""Doubt, and how it is settled: by what a look at the API shows, by policy, or by a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from pipeline.errors import UsageError
from pipeline.store.batches import task_meant
from pipeline.store.engine import Transaction, as_json
from pipeline.store.looks import LOOK_FOR, OPEN
from pipeline.store.money import moved_money
from pipeline.store.moves import move_sql, stop
from pipeline.task import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """How doubt about a task's last POST ends, and where that puts the task."""

    id: int
    attempt: int
    state: State
    reason: str | None = None
    remote_id: str | None = None
    token: str | None = None
    """Of the POST that was found, where that is known; else it was the last one."""
    wait: float | None = None
    """Seconds until the next POST, or the next look."""
    counts: int = 0
    """1 when it spends one of the task's tries."""
    costs_nothing: bool = False
    """Whether the POST surely was not accepted."""


_UNKNOWN_HERE = "t.state = 'planned' AND v.state = 'submitted'"
"""A database that was restored from a backup does not know what was sent since; a person who looked does."""


def _resolve_sql(*, as_told: bool) -> str:
    return move_sql(
        ", attempt int, remote_id text, wait float, counts int, costs_nothing boolean",
        f"""
        {moved_money(released="v.costs_nothing", regained="v.state = 'submitted'")},
        remote_id = coalesce(v.remote_id, t.remote_id), lease_until = NULL, tries = t.tries + v.counts,
        submitted_at = CASE v.state WHEN 'submitted' THEN coalesce(t.submitted_at, t.doubted_at, t.updated_at) END,
        next_attempt_at = clock_timestamp() + v.wait * interval '1 second'
        """,
        guard=f"""t.attempt = v.attempt AND (t.state = 'in_doubt'
            OR (t.state IN ('failed', 'cancelled') AND t.remote_id IS NULL) OR ({as_told} AND {_UNKNOWN_HERE}))""",
        revives=as_told,
    )


_NOTE = f"""
    WITH noted AS MATERIALIZED (
        SELECT a.id, v.reason, v.remote_id, v.costs_nothing
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
            AS v(id bigint, attempt int, reason text, remote_id text, token uuid, costs_nothing boolean)
            JOIN attempts a ON a.task_id = v.id
        WHERE {OPEN} AND (v.costs_nothing OR v.remote_id IS NOT NULL)
            AND (a.token = v.token OR (v.token IS NULL AND a.number = v.attempt))
        ORDER BY a.id FOR UPDATE OF a
    )
    UPDATE attempts a SET ended_at = clock_timestamp(), detail = noted.reason,
        remote_id = coalesce(noted.remote_id, a.remote_id),
        outcome = CASE WHEN noted.costs_nothing THEN 'try_again' ELSE 'accepted' END
    FROM noted WHERE a.id = noted.id
"""
_RESOLVE = _resolve_sql(as_told=False)
_RESOLVE_AS_TOLD = _resolve_sql(as_told=True)


def resolve(tx: Transaction, resolutions: Iterable[Resolution], cause: str) -> list[int]:
    """Moves what was looked for; the ids of the tasks that moved."""
    return _resolve(tx, _RESOLVE, resolutions, cause)


def _resolve(tx: Transaction, sql: str, resolutions: Iterable[Resolution], cause: str) -> list[int]:
    rows = as_json(asdict(one) for one in resolutions)
    tx.run(_NOTE, rows=rows)
    moved = [row.id for row in tx.rows(sql, rows=rows, cause=cause)]
    stop(tx, moved)
    return moved


def in_doubt(tx: Transaction, word: str, account: str, *, or_planned: bool = False) -> int:
    """The id of the task in doubt that a person means by its id or by `BATCH/KEY`. Raises `UsageError`.

    One that was given up in doubt may still be settled; `or_planned`: one that was not sent, as far as is known here.
    """
    meant, values = task_meant(tx, word, account)
    rows = tx.rows(
        f"""
        SELECT t.id, t.state, t.state = 'in_doubt' OR (:or_planned AND t.state = 'planned')
            OR (t.state IN ('failed', 'cancelled') AND t.remote_id IS NULL
            AND EXISTS (SELECT FROM attempts a WHERE a.task_id = t.id AND a.number = t.attempt AND {OPEN})) AS open
        FROM tasks t WHERE {meant} ORDER BY open DESC, t.id DESC LIMIT 1 FOR UPDATE OF t
        """,
        or_planned=or_planned,
        **values,
    )
    if not rows:
        raise UsageError(f"there is no task {word!r}: name it as BATCH/KEY, such as spring/fox-U1")
    if not rows[0].open:
        raise UsageError(f"task {word} is {rows[0].state}, not in doubt: there is nothing to settle")
    return int(rows[0].id)


def found(tx: Transaction, task_id: int, remote_id: str) -> None:
    """The API did accept it, under this id."""
    if not (remote_id.isprintable() and 0 < len(remote_id) <= 255):
        raise UsageError("that is no task id")
    _as_told(tx, task_id, State.SUBMITTED, remote_id=remote_id)


def send_again(tx: Transaction, task_id: int) -> None:
    """A person is sure, or takes the risk, that nothing was accepted."""
    _as_told(tx, task_id, State.PLANNED, reason="a person said: send it again", wait=0.0)


def give_up(tx: Transaction, task_id: int) -> None:
    _as_told(tx, task_id, State.FAILED, reason="a person gave it up while it was in doubt", wait=LOOK_FOR)


def _as_told(
    tx: Transaction,
    task_id: int,
    state: State,
    *,
    reason: str | None = None,
    remote_id: str | None = None,
    wait: float | None = None,
) -> None:
    known = tx.rows("SELECT attempt, state FROM tasks WHERE id = :id FOR UPDATE", id=task_id)[0]
    if known.state == state:
        raise UsageError("it was given up already: nothing was changed")
    told = Resolution(id=task_id, attempt=known.attempt, state=state, reason=reason, remote_id=remote_id, wait=wait)
    _resolve(tx, _RESOLVE_AS_TOLD, [told], "resolve")
