"""Doubt, and how it is settled: by what a look at the API shows, by policy, or by a person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from pipeline.errors import UsageError
from pipeline.store.batches import find
from pipeline.store.engine import Transaction, as_json
from pipeline.store.money import moved_money
from pipeline.store.moves import move_sql, stop
from pipeline.store.schema import TO_LOOK_FOR
from pipeline.task import Policy, State

LOOK_FOR = 30.0
"""Seconds until another step may look for the same task, if the one that took it dies."""
MOST = 100
"""Tasks that one step looks for."""

_OPEN = "(a.outcome IS NULL OR a.outcome = 'in_doubt')"
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
    tries: int
    seconds_in_doubt: float
    seconds_quiet: float
    """Since its POST can no longer be on its way; less than none while it can."""
    seconds_absent: float
    """Since the API first said that it does not have it; none, if it has not, or did not answer in between."""


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
        b.in_doubt AS policy, t.tries,
        ARRAY(SELECT a.token FROM attempts a WHERE a.task_id = t.id AND {_OPEN} ORDER BY number DESC) AS tokens,
        (SELECT min(sent_at) FROM attempts a WHERE a.task_id = t.id AND {_OPEN}) AS sent_at,
        extract(epoch FROM now() - coalesce(t.doubted_at, t.updated_at))::float AS seconds_in_doubt,
        extract(epoch FROM now() - greatest(t.lease_until, t.doubted_at))::float AS seconds_quiet,
        CASE WHEN t.absent_since >= t.doubted_at THEN extract(epoch FROM now() - t.absent_since)::float ELSE 0 END
            AS seconds_absent
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


def look_again(tx: Transaction, waits: Mapping[int, float], absent: Collection[int]) -> None:
    """Tasks in doubt, by id, are looked for again in so many seconds. `absent`: the API does not have them now."""
    tx.run(
        """
        WITH v AS MATERIALIZED (
            SELECT v.* FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(id bigint, wait float, absent boolean)
                JOIN tasks t USING (id)
            WHERE t.state = 'in_doubt' ORDER BY t.id FOR UPDATE OF t
        )
        UPDATE tasks t SET next_attempt_at = clock_timestamp() + v.wait * interval '1 second',
            absent_since = CASE WHEN NOT v.absent THEN NULL WHEN t.absent_since >= t.doubted_at THEN t.absent_since
                ELSE clock_timestamp() END
        FROM v WHERE t.id = v.id
        """,
        rows=as_json({"id": id_, "wait": wait, "absent": id_ in absent} for id_, wait in waits.items()),
    )


def witness(tx: Transaction, account_id: int, before: datetime) -> str | None:
    """A task that the account took before that moment, by the API's name: a server that forgot it may forget any."""
    found: str | None = tx.scalar(
        "SELECT remote_id FROM tasks WHERE account_id = :id AND remote_id IS NOT NULL AND submitted_at < :before "
        "ORDER BY submitted_at DESC LIMIT 1",
        id=account_id,
        before=before,
    )
    return found


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


def _resolve_sql(*, revives: bool) -> str:
    return move_sql(
        ", attempt int, remote_id text, wait float, counts int, costs_nothing boolean",
        f"""
        {moved_money(released="v.costs_nothing", regained="v.state = 'submitted'")},
        remote_id = coalesce(v.remote_id, t.remote_id), lease_until = NULL, tries = t.tries + v.counts,
        submitted_at = CASE v.state WHEN 'submitted' THEN coalesce(t.submitted_at, t.doubted_at, t.updated_at) END,
        next_attempt_at = clock_timestamp() + v.wait * interval '1 second'
        """,
        guard="""t.attempt = v.attempt
            AND (t.state = 'in_doubt' OR (t.state IN ('failed', 'cancelled') AND t.remote_id IS NULL))""",
        revives=revives,
    )


_NOTE = f"""
    WITH noted AS MATERIALIZED (
        SELECT a.id, v.reason, v.remote_id, v.costs_nothing
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
            AS v(id bigint, attempt int, reason text, remote_id text, token uuid, costs_nothing boolean)
            JOIN attempts a ON a.task_id = v.id
        WHERE {_OPEN} AND (v.costs_nothing OR v.remote_id IS NOT NULL)
            AND (a.token = v.token OR (v.token IS NULL AND a.number = v.attempt))
        ORDER BY a.id FOR UPDATE OF a
    )
    UPDATE attempts a SET ended_at = clock_timestamp(), detail = noted.reason,
        remote_id = coalesce(noted.remote_id, a.remote_id),
        outcome = CASE WHEN noted.costs_nothing THEN 'try_again' ELSE 'accepted' END
    FROM noted WHERE a.id = noted.id
"""
_RESOLVE = _resolve_sql(revives=False)
_RESOLVE_AS_TOLD = _resolve_sql(revives=True)


def resolve(tx: Transaction, resolutions: Iterable[Resolution], cause: str) -> list[int]:
    """Moves what was looked for; the ids of the tasks that moved."""
    return _resolve(tx, _RESOLVE, resolutions, cause)


def _resolve(tx: Transaction, sql: str, resolutions: Iterable[Resolution], cause: str) -> list[int]:
    rows = as_json(asdict(one) for one in resolutions)
    tx.run(_NOTE, rows=rows)
    moved = [row.id for row in tx.rows(sql, rows=rows, cause=cause)]
    stop(tx, moved)
    return moved


def in_doubt(tx: Transaction, word: str, account: str) -> int:
    """The id of the task in doubt that a person means by its id or by `BATCH/KEY`. Raises `UsageError`.

    One that was given up in doubt may still be settled.
    """
    batch, slash, key = word.partition("/")
    if slash:
        meant = "t.batch_id = :batch_id AND t.key = :key"
        values: dict[str, object] = {"batch_id": find(tx, batch, account).id, "key": key}
    else:
        meant, values = "CAST(t.id AS text) = :word", {"word": word}
    rows = tx.rows(
        f"""
        SELECT t.id, t.state, t.state = 'in_doubt' OR (t.state IN ('failed', 'cancelled')
            AND t.remote_id IS NULL
            AND EXISTS (SELECT FROM attempts a WHERE a.task_id = t.id AND a.number = t.attempt AND {_OPEN})) AS open
        FROM tasks t WHERE {meant} ORDER BY open DESC, t.id DESC LIMIT 1 FOR UPDATE OF t
        """,
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
