"""Moves of tasks between states: one statement moves many rows, each guarded by the table of allowed moves, and each
move leaves a row in `task_events`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pipeline.inputs import inputs_to_json
from pipeline.store.engine import Transaction, as_json
from pipeline.store.money import moved_money
from pipeline.task import MOVES, REVIVALS, FinishedTask, Mode, NewTask, State
from pipeline.then import then_from_json, then_to_json


def _pairs(*tables: Mapping[State, frozenset[State]]) -> str:
    pairs = ((before, after) for table in tables for before, targets in table.items() for after in sorted(targets))
    return ", ".join(f"('{before}', '{after}')" for before, after in pairs)


def move_sql(columns: str, sets: str, *, guard: str = "true", returning: str = "t.id", revives: bool = False) -> str:
    """SQL that moves the tasks of `:rows` (JSON with `id`, `state`, `reason` and `columns`) and records each move.

    Rows are locked in the order of their ids, so that two steps that move the same tasks cannot deadlock. `revives`:
    whether it may make the moves of `REVIVALS` too.
    """
    allowed = _pairs(MOVES, REVIVALS) if revives else _pairs(MOVES)
    return f"""
        WITH v AS MATERIALIZED (
            SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(id bigint, state text, reason text {columns})
        ), old AS MATERIALIZED (
            SELECT t.id, t.state FROM tasks t JOIN v ON v.id = t.id
            WHERE (t.state = v.state OR (t.state, v.state) IN ({allowed})) AND ({guard})
            ORDER BY t.id FOR UPDATE OF t
        ), moved AS (
            UPDATE tasks t SET state = v.state, reason = v.reason, updated_at = clock_timestamp(), {sets}
            FROM v JOIN old ON old.id = v.id JOIN batches b ON true
            WHERE t.id = v.id AND b.id = t.batch_id
            RETURNING {returning}
        ), recorded AS (
            INSERT INTO task_events (task_id, at, from_state, to_state, cause, detail)
            SELECT id, clock_timestamp(), old.state, v.state, :cause, v.reason
            FROM old JOIN v USING (id) WHERE old.state <> v.state
        )
        SELECT * FROM moved
    """


_STOP = move_sql("", "next_attempt_at = NULL, lease_until = NULL", guard="t.state = 'planned' AND NOT t.wanted")
_NOT_WANTED = (
    "nobody asks for it any more (its row is gone or has changed, or its batch was cancelled), and it was not sent"
)


def stop(tx: Transaction, ids: Iterable[int], why: str = _NOT_WANTED, cause: str = "manifest") -> None:
    """Does not send those of the tasks that are planned and that nobody asks for any more."""
    rows = [{"id": id_, "state": State.CANCELLED, "reason": why} for id_ in ids]
    if rows:
        tx.rows(_STOP, rows=as_json(rows), cause=cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a report changes of a task."""

    id: int
    remote_id: str
    """The task of the API that the report is about: a report of another one changes nothing."""
    state: State
    reason: str | None = None
    progress: str | None = None
    image_url: str | None = None
    result: dict[str, Any] | None = None
    buttons: tuple[str, ...] | None = None
    properties: dict[str, Any] | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    settles: bool = True
    """Whether this is the API's own word. What only we have given up may still be made, and stays reserved."""


_COSTS_NOTHING = "(v.state = 'planned' OR (v.state IN ('failed', 'cancelled') AND v.settles))"
"""A window costs when it is answered; and what a server of this family says has failed, it does not charge."""
_IS_THERE_AFTER_ALL = "v.state = 'submitted' AND t.state = 'in_doubt'"

_REPORT = move_sql(
    """, remote_id text, progress text, image_url text, result jsonb, buttons jsonb, properties jsonb,
    started_at timestamptz, finished_at timestamptz, settles boolean""",
    f"""
    {moved_money(spent="v.state = 'succeeded'", released=_COSTS_NOTHING, regained=_IS_THERE_AFTER_ALL)},
    progress = v.progress, remote_id = v.remote_id, missing_since = NULL, misses = 0,
    image_url = coalesce(v.image_url, t.image_url), buttons = coalesce(v.buttons, t.buttons),
    result = coalesce(v.result, t.result), properties = coalesce(v.properties, t.properties),
    window_id = CASE v.state WHEN 'planned' THEN t.remote_id ELSE t.window_id END,
    started_at = coalesce(v.started_at, t.started_at),
    finished_at = coalesce(v.finished_at, t.finished_at), tries = 0, first_failed_at = NULL,
    next_attempt_at = CASE WHEN v.state = 'planned' OR (v.state = 'succeeded' AND b.deliver) THEN now()
        WHEN v.state IN ('failed', 'cancelled') THEN now() + interval '1 minute' END
    """,
    # A window that was answered is not answered again, whatever an older report says: it may be working already.
    # That what was given up here has failed there is news as long as its money is reserved.
    guard="""(t.state <> v.state OR t.state IN ('submitted', 'running')
            OR (t.state = 'failed' AND v.settles AND t.reserved > 0))
        AND v.remote_id = coalesce(t.remote_id, t.window_id) AND (v.state <> 'planned' OR t.window_id IS NULL)
        AND (v.state <> 'submitted' OR t.state IN ('submitted', 'in_doubt'))""",
    returning="""t.id, t.state, t.key, t.stem, t.depth, t.prompt, t.mode, t."then", t.options, t.batch_id,
    t.result -> 'prompts' AS prompts, b.deliver, old.state IN ('failed', 'cancelled') AS late""",
)


def report(tx: Transaction, changes: Sequence[Change], cause: str) -> list[FinishedTask]:
    """Applies reports; the tasks that have just succeeded."""
    if not changes:
        return []
    rows = as_json(
        asdict(one)
        | {
            "started_at": one.started_at and one.started_at.isoformat(),
            "finished_at": one.finished_at and one.finished_at.isoformat(),
        }
        for one in changes
    )
    moved = tx.rows(_REPORT, rows=rows, cause=cause)
    stop(tx, (row.id for row in moved if row.state == State.PLANNED))
    return [
        FinishedTask(
            id=row.id,
            key=row.key,
            stem=row.stem,
            depth=row.depth,
            prompt=row.prompt,
            mode=Mode(row.mode) if row.mode else None,
            then=then_from_json(row.then),
            to_deliver=row.deliver,
            late=row.late,
            prompts=tuple(row.prompts or ()),
            options=row.options,
        )
        for row in moved
        if row.state == State.SUCCEEDED
    ]


def missed(tx: Transaction, ids: Sequence[int]) -> None:
    """Notes that the API was asked for these tasks and did not know them."""
    if ids:
        tx.run(
            "UPDATE tasks SET missing_since = coalesce(missing_since, now()), misses = misses + 1 WHERE id IN "
            "(SELECT id FROM tasks WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)",
            ids=list(ids),
        )


def add_children(tx: Transaction, account_id: int, children: Sequence[NewTask]) -> int:
    """Creates follow-ups; one that exists already is left as it is. The number created.

    Where a row has the name of a follow-up's file, as rows of an older version may, the follow-up gets another.
    """
    if not children:
        return 0
    rows = as_json(
        asdict(child)
        | {
            "then": then_to_json(child.then),
            "follow_up_count": child.follow_up_count,
            "inputs": inputs_to_json(child.inputs) or None,
        }
        for child in children
    )
    return tx.run(
        """
        INSERT INTO tasks
            (batch_id, account_id, parent_id, depth, key, stem, action, word, index, prompt, own_prompt, inputs,
            options, mode, "then", follow_up_count)
        SELECT p.batch_id, :account_id, v.parent_id, v.depth, v.key, CASE WHEN EXISTS (
                SELECT FROM tasks other WHERE other.batch_id = p.batch_id AND other.stem = v.stem
                    AND (other.parent_id IS NULL OR other.parent_id <> v.parent_id)
            ) THEN v.stem || '~' || v.parent_id ELSE v.stem END, v.action, v.word, v.index, v.prompt,
            v.own_prompt, v.inputs, v.options, v.mode, v."then", v.follow_up_count
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(parent_id bigint, depth int, key text, stem text,
            action text, word text, index int, prompt text, own_prompt boolean, inputs jsonb, options jsonb, mode text,
            "then" jsonb, follow_up_count bigint)
        JOIN tasks p ON p.id = v.parent_id
        ON CONFLICT (parent_id, key) WHERE parent_id IS NOT NULL DO NOTHING
        """,
        rows=rows,
        account_id=account_id,
    )
