"""Who may work on what now. A claim is a guarded UPDATE that commits before the work begins, so that a message that
comes twice, or two workers at once, never do the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.action import Action
from pipeline.inputs import inputs_from_json
from pipeline.store.conditions import HOLDS_ROOM, OPEN_BATCHES, TO_ASK_FOR, one_of
from pipeline.store.engine import Transaction
from pipeline.task import AT_THE_API, ClaimedTask, Mode, State, TaskAtApi

_AT_WORK = one_of("state", (State.SUBMITTING, *AT_THE_API))
_LOOKS = 4
"""Candidates of a batch for each place: some of them may have to take turns. Rows are ordered by turn, so few have."""

_PRICE = "coalesce((open.prices ->> t.action)::numeric, 0)"

_CLAIM = f"""
    WITH RECURSIVE {OPEN_BATCHES}, purses AS MATERIALIZED (
        SELECT id, budget - coalesce((SELECT sum(reserved + spent) FROM tasks WHERE batch_id = open.id), 0) AS rest
        FROM open WHERE budget IS NOT NULL
    ), candidates AS MATERIALIZED (
        SELECT c.*, open.priority FROM open LEFT JOIN purses USING (id), LATERAL (
            SELECT *, row_number() OVER () AS place FROM (
                SELECT t.id, t.batch_id, {_PRICE} AS price,
                    CASE t.action WHEN 'imagine' THEN t.prompt ELSE t.id::text END AS twins
                FROM tasks t
                WHERE t.account_id = :account_id AND t.batch_id = open.id AND t.state = 'planned'
                    AND t.next_attempt_at <= now() AND (t.action <> 'imagine' OR t.prompt NOT IN (
                        SELECT prompt FROM tasks WHERE account_id = :account_id AND {_AT_WORK} AND action = 'imagine'
                    ))
                    AND (purses.rest IS NULL OR {_PRICE} <= purses.rest)
                ORDER BY {{order}} LIMIT :looks
            ) AS ordered
        ) AS c
    ), held AS (
        SELECT batch_id, count(*) AS places FROM tasks WHERE account_id = :account_id AND {HOLDS_ROOM}
        GROUP BY batch_id
    ), apart AS (
        SELECT * FROM (
            SELECT *, row_number() OVER (PARTITION BY twins ORDER BY priority DESC, place, batch_id) AS turn
            FROM candidates
        ) AS t WHERE turn = 1
    ), chosen AS (
        SELECT *, (
            {{places}} + row_number() OVER (PARTITION BY batch_id ORDER BY place) - random()
        ) / priority AS share
        FROM apart LEFT JOIN held USING (batch_id) ORDER BY share LIMIT :room
    ), affordable AS (
        SELECT c.id, c.price
        FROM (SELECT *, sum(price) OVER (PARTITION BY batch_id ORDER BY place) AS together FROM chosen) AS c
            LEFT JOIN purses ON purses.id = c.batch_id
        WHERE purses.id IS NULL OR together <= purses.rest
    ), due AS MATERIALIZED (
        SELECT t.id, affordable.price FROM affordable JOIN tasks t ON t.id = affordable.id
        WHERE t.state = 'planned' AND t.next_attempt_at <= now() ORDER BY t.id FOR UPDATE OF t SKIP LOCKED
    ), moved AS (
        UPDATE tasks t SET state = 'submitting', attempt = t.attempt + 1, updated_at = now(),
            lease_until = now() + :lease * interval '1 second', owner = :owner,
            price = due.price, reserved = t.reserved + due.price
        FROM due WHERE t.id = due.id
        RETURNING t.id, t.attempt, t.action, t.word, t.prompt, t.own_prompt, t.index, t.mode, t.inputs,
            t.options, t.window_id, t.parent_id, t.tries, t.first_failed_at
    ), intent AS (
        INSERT INTO attempts (task_id, number) SELECT id, attempt FROM moved RETURNING task_id, token
    ), recorded AS (
        INSERT INTO task_events (task_id, from_state, to_state, cause)
        SELECT id, 'planned', 'submitting', 'dispatch' FROM moved
    )
    SELECT moved.*, intent.token, parent.remote_id AS parent_remote_id, parent.buttons AS parent_buttons,
        coalesce(extract(epoch FROM now() - moved.first_failed_at), 0) AS seconds_failing
    FROM moved JOIN intent ON intent.task_id = moved.id LEFT JOIN tasks parent ON parent.id = moved.parent_id
    ORDER BY moved.id
"""
"""Batches share the account: the next place is for the one with the fewest, each counted by its priority, so that
twenty rows beside a hundred thousand have theirs as soon as one is free. Chance decides between equals, or the oldest
batch would always win back the only place.

Of tasks with equal prompts one is sent at a time: servers find their pictures by the prompt, and mix such up.

What a POST may cost is reserved with its intent. The account's lock is held, so nobody else reserves from the budgets
of its batches meanwhile: together they never come to more.
"""


def claim_for_submit(
    tx: Transaction, account_id: int, *, most: int, lease: float, owner: int
) -> tuple[list[ClaimedTask], bool]:
    """Takes what the account has room for, at most `most`, for `lease` seconds; and whether more may be taken at once.

    The account's row is locked first and its tasks are counted in a statement of their own: a statement that waited for
    the lock would count what was there before it waited, and two workers together could pass the limit.
    """
    account = tx.rows(
        """
        SELECT max_running + max_queued AS most, refusals > 0 AS probing FROM accounts
        WHERE id = :id AND (blocked_until IS NULL OR blocked_until <= clock_timestamp()) FOR NO KEY UPDATE
        """,
        id=account_id,
    )
    if not account:
        return [], False
    in_flight = tx.scalar(f"SELECT count(*) FROM tasks WHERE account_id = :id AND {HOLDS_ROOM}", id=account_id)
    room = account[0].most - in_flight
    if room <= 0:
        return [], False
    order = _PROBE if account[0].probing else _order(tx, account_id, account[0].most)
    places = "0" if account[0].probing else "coalesce(places, 0)"
    most = 1 if account[0].probing else most
    rows = tx.rows(
        _CLAIM.format(order=order, places=places),
        account_id=account_id,
        room=min(room, most),
        looks=_LOOKS * account[0].most,
        lease=lease,
        owner=owner,
    )
    return [_claimed(row) for row in rows], len(rows) == most < room and not account[0].probing


_PROBE = "attempt, id"
"""After a refusal one task shows whether the account is taken again; not always the same, which may be the cause, nor
always of the same batch."""


def _order(tx: Transaction, account_id: int, most: int) -> str:
    """Follow-ups first, so that a row is complete soon after its grid, while its links live, however large the batch.

    Near the end rows first: once all that remain fit the account together, their follow-ups fill it to the last.
    """
    roots = tx.scalar(
        f"""
        WITH RECURSIVE {OPEN_BATCHES}
        SELECT count(*) FROM open, LATERAL (
            SELECT FROM tasks
            WHERE account_id = :account_id AND batch_id = open.id AND state = 'planned' AND depth = 0 LIMIT :most + 1
        ) AS few
        """,
        account_id=account_id,
        most=most,
    )
    return "depth, turn, id" if roots <= most else "depth DESC, turn, id"


def _claimed(row: Any) -> ClaimedTask:
    return ClaimedTask(
        id=row.id,
        attempt=row.attempt,
        token=row.token.hex,
        action=Action(row.action),
        prompt=row.prompt,
        index=row.index,
        mode=Mode(row.mode) if row.mode else None,
        tries=row.tries,
        seconds_failing=float(row.seconds_failing),
        word=row.word,
        own_prompt=row.own_prompt,
        inputs=inputs_from_json(row.inputs),
        options=row.options,
        window_id=row.window_id,
        parent_remote_id=row.parent_remote_id,
        parent_buttons=tuple(row.parent_buttons or ()),
    )


def at_the_api(tx: Transaction, account_id: int, ids: Sequence[int] | None = None) -> list[TaskAtApi]:
    """What the account is working on, oldest first; with what is in doubt whether the answer to its window was taken.

    With `ids` of these only, those included that failed here after they were accepted: a late success is a success.
    """
    late = f"OR (state IN ('{State.FAILED}', '{State.CANCELLED}') AND remote_id IS NOT NULL)" if ids is not None else ""
    rows = tx.rows(
        f"""
        SELECT id, action, coalesce(remote_id, window_id) AS remote_id, state, window_id IS NOT NULL AS answered,
            progress, misses,
            extract(epoch FROM now() - updated_at) AS updated,
            extract(epoch FROM now() - coalesce(submitted_at, updated_at)) AS submitted,
            extract(epoch FROM now() - missing_since) AS missing
        FROM tasks WHERE account_id = :id AND ({TO_ASK_FOR} {late})
            AND (CAST(:ids AS bigint[]) IS NULL OR id = ANY(:ids))
        ORDER BY submitted_at
        """,
        id=account_id,
        ids=None if ids is None else list(ids),
    )
    return [
        TaskAtApi(
            id=row.id,
            action=Action(row.action),
            remote_id=row.remote_id,
            state=State(row.state),
            answered=row.answered,
            progress=row.progress,
            seconds_since_update=float(row.updated),
            seconds_since_submit=float(row.submitted),
            seconds_missing=None if row.missing is None else float(row.missing),
            misses=row.misses,
        )
        for row in rows
    ]
