"""Pictures on their way home: which are due, what is known of them, and how a delivery ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pipeline.action import Action
from pipeline.store.conditions import ALL, MEANT, Which
from pipeline.store.engine import Transaction, as_json
from pipeline.store.moves import move_sql
from pipeline.store.presence import ALIVE
from pipeline.task import Mode, State

_FREE = f"(lease_until IS NULL OR lease_until < now() OR NOT {ALIVE})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """A picture that is still at the API, with everything that its record will say."""

    id: int
    batch: str
    folder: str
    key: str
    stem: str
    action: Action
    prompt: str
    word: str | None
    index: int | None
    mode: Mode | None
    state: str | None
    image_url: str | None
    result: dict[str, Any] | None
    remote_id: str
    parent_remote_id: str | None
    seed: str | None
    account: str
    attempts: int
    tries: int
    seconds_failing: float
    submitted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


def claim_for_delivery(tx: Transaction, ids: Sequence[int], *, lease: float, owner: int) -> list[Undelivered]:
    """Takes those of `ids` whose picture is due to be brought home and that nobody else is bringing.

    Locked in the order of their ids, as every move does: a late report about some of them must not deadlock with this.
    """
    rows = tx.rows(
        f"""
        WITH due AS (
            SELECT id FROM tasks WHERE id = ANY(:ids) AND state = 'succeeded' AND next_attempt_at <= now() AND {_FREE}
            ORDER BY id FOR UPDATE
        ), taken AS (
            UPDATE tasks SET lease_until = now() + :lease * interval '1 second', owner = :owner
            WHERE id IN (SELECT id FROM due) RETURNING *
        )
        SELECT t.id, b.name AS batch, b.folder, t.key, t.stem, t.action, t.prompt, t.word, t.index, t.mode,
            t.options ->> 'state' AS state, t.image_url, t.result, t.remote_id,
            parent.remote_id AS parent_remote_id, t.properties ->> 'seed' AS seed, a.name AS account,
            t.attempt AS attempts, t.tries, coalesce(extract(epoch FROM now() - t.first_failed_at), 0)::float
                AS seconds_failing, t.submitted_at, t.started_at, t.finished_at
        FROM taken t JOIN batches b ON b.id = t.batch_id JOIN accounts a ON a.id = t.account_id
            LEFT JOIN tasks parent ON parent.id = t.parent_id
        ORDER BY t.id
        """,
        ids=list(ids),
        lease=lease,
        owner=owner,
    )
    return [
        Undelivered(**row._asdict() | {"action": Action(row.action), "mode": Mode(row.mode) if row.mode else None})
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEnd:
    """How one delivery ended: with a file, or with a reason and perhaps another try after `wait` seconds."""

    id: int
    path: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    media_type: str | None = None
    reason: str | None = None
    wait: float | None = None
    image_url: str | None = None
    """A fresh link, where the old one was dead."""


_END = move_sql(
    ", wait float, image_url text",
    """
    lease_until = NULL, next_attempt_at = clock_timestamp() + v.wait * interval '1 second',
    tries = t.tries + (v.reason IS NOT NULL)::int, image_url = coalesce(v.image_url, t.image_url),
    first_failed_at = CASE WHEN v.reason IS NULL THEN NULL ELSE coalesce(t.first_failed_at, now()) END
    """,
    guard="t.state = 'succeeded'",
)


def record(tx: Transaction, ends: Sequence[DeliveryEnd]) -> None:
    """Records how deliveries ended. A picture that two workers brought home at once is recorded once."""
    rows = as_json(
        asdict(end) | {"state": State.DELIVERED if end.path else State.SUCCEEDED, "wait": end.wait} for end in ends
    )
    tx.run(
        """
        INSERT INTO artifacts (task_id, path, bytes, sha256, width, height, media_type)
        SELECT id, path, bytes, sha256, width, height, media_type
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(id bigint, path text, bytes bigint, sha256 text,
            width int, height int, media_type text)
        WHERE path IS NOT NULL
        ON CONFLICT (task_id) DO UPDATE SET path = excluded.path, bytes = excluded.bytes, sha256 = excluded.sha256,
            width = excluded.width, height = excluded.height, media_type = excluded.media_type
        """,
        rows=rows,
    )
    tx.rows(_END, rows=rows, cause="deliver")


def due(tx: Transaction, account_id: int, *, most: int) -> list[int]:
    """The account's pictures that are due and that nobody is bringing: their messages may be lost."""
    rows = tx.rows(
        f"""
        SELECT id FROM tasks
        WHERE state = 'succeeded' AND account_id = :id AND next_attempt_at <= now() - interval '1 second' AND {_FREE}
        ORDER BY next_attempt_at LIMIT :most
        """,
        id=account_id,
        most=most,
    )
    return [row.id for row in rows]


def deliver_again(tx: Transaction, batch_id: int, which: Which = ALL) -> int:
    """Makes every picture of the batch that waits for a person due again. The number of them."""
    return tx.run(
        f"""
        UPDATE tasks SET next_attempt_at = now(), tries = 0, first_failed_at = NULL WHERE id IN (
            SELECT id FROM tasks t WHERE batch_id = :id AND state = 'succeeded' AND {MEANT}
                AND (SELECT deliver FROM batches WHERE batches.id = batch_id)
            ORDER BY id FOR UPDATE
        )
        """,
        id=batch_id,
        **asdict(which),
    )
