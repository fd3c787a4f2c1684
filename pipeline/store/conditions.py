"""Conditions on tasks that statements and partial indexes share: an index serves what says the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.action import Action
from pipeline.task import AT_THE_API, IN_FLIGHT, State


def one_of(column: str, words: type[StrEnum] | tuple[str, ...]) -> str:
    """`column IN (...)`."""
    return f"{column} IN ({', '.join(repr(str(word)) for word in words)})"


HOLDS_ROOM = f"{one_of('state', IN_FLIGHT)} AND (state <> 'in_doubt' OR updated_at > now() - interval '1 hour')"
"""What takes room on its account. Doubt does for an hour, within which every known server has finished or given up."""

OPEN_BATCHES = """unsent (batch_id) AS (
    SELECT min(batch_id) FROM tasks WHERE account_id = :account_id AND state = 'planned'
    UNION ALL
    SELECT (
        SELECT min(batch_id) FROM tasks
        WHERE account_id = :account_id AND state = 'planned' AND batch_id > unsent.batch_id
    ) FROM unsent WHERE batch_id IS NOT NULL
), open AS MATERIALIZED (
    SELECT b.id, b.priority, b.budget, b.prices FROM unsent JOIN batches b ON b.id = unsent.batch_id
    WHERE b.paused_at IS NULL
)"""
"""For `WITH RECURSIVE`: the account's batches of which something may be sent. It looks into `ix_tasks_planned` once for
each batch with anything unsent, however many tasks those have."""

TO_ASK_FOR = f"({one_of('state', AT_THE_API)} OR (state = 'in_doubt' AND window_id IS NOT NULL))"
"""What the API is asked for: what it has, and what it may have since a window of known id was answered."""

TO_LOOK_FOR = f"{one_of('state', (State.IN_DOUBT, State.FAILED, State.CANCELLED))} AND next_attempt_at IS NOT NULL"
"""What is looked for at the API beside that: doubt, and what ended here and may still succeed there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which tasks of a batch a person means; where nothing is said, all."""

    action: Action | None = None
    reason: str | None = None
    """A part of the reason why they failed or wait, in any capitals."""


ALL = Which()
MEANT = """(CAST(:action AS text) IS NULL OR t.action = :action)
    AND (CAST(:reason AS text) IS NULL OR position(lower(:reason) IN lower(t.reason)) > 0)"""
"""The tasks `t` of a `Which`, whose fields are the parameters."""
