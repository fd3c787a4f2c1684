"""Doubt, settled by a person: the task was found at the API, is to be sent again, or is given up."""

from __future__ import annotations

from pipeline.errors import UsageError
from pipeline.store.batches import find
from pipeline.store.engine import Transaction, as_json
from pipeline.store.moves import move_sql
from pipeline.task import State

_SETTLE = move_sql(
    ", remote_id text",
    """
    remote_id = coalesce(v.remote_id, t.remote_id), lease_until = NULL,
    submitted_at = CASE WHEN v.state = 'submitted' THEN coalesce(t.submitted_at, t.updated_at) END,
    next_attempt_at = CASE WHEN v.state = 'planned' THEN now() END
    """,
    guard="t.state = 'in_doubt'",
)


def in_doubt(tx: Transaction, word: str, account: str) -> int:
    """The id of the task in doubt that a person means by its id or by `BATCH/KEY`. Raises `UsageError`."""
    batch, slash, key = word.partition("/")
    if slash:
        found = "t.batch_id = :batch_id AND t.key = :key"
        values: dict[str, object] = {"batch_id": find(tx, batch, account).id, "key": key}
    else:
        found, values = "CAST(t.id AS text) = :word", {"word": word}
    rows = tx.rows(
        f"SELECT t.id, t.state FROM tasks t WHERE {found} ORDER BY t.state = 'in_doubt' DESC, t.id DESC LIMIT 1 "
        "FOR UPDATE OF t",
        **values,
    )
    if not rows:
        raise UsageError(f"there is no task {word!r}: name it as BATCH/KEY, such as spring/fox-U1")
    if rows[0].state != State.IN_DOUBT:
        raise UsageError(f"task {word} is {rows[0].state}, not in doubt: there is nothing to settle")
    return int(rows[0].id)


def found(tx: Transaction, task_id: int, remote_id: str) -> None:
    """The API did accept it, under this id."""
    if not (remote_id.isprintable() and 0 < len(remote_id) <= 255):
        raise UsageError("that is no task id")
    _move(tx, task_id, State.SUBMITTED, None, remote_id)


def send_again(tx: Transaction, task_id: int) -> None:
    """A person is sure, or takes the risk, that nothing was accepted."""
    _move(tx, task_id, State.PLANNED, "a person said: send it again")


def give_up(tx: Transaction, task_id: int) -> None:
    _move(tx, task_id, State.FAILED, "a person gave it up while it was in doubt")


def _move(tx: Transaction, task_id: int, state: State, reason: str | None, remote_id: str | None = None) -> None:
    row = {"id": task_id, "state": state, "reason": reason, "remote_id": remote_id}
    tx.rows(_SETTLE, rows=as_json([row]), cause="resolve")
