"""What a batch has cost, may still cost, and was spared."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pipeline.store.conditions import one_of
from pipeline.store.engine import Transaction
from pipeline.task import AT_THE_API, State

ON_ITS_WAY = (State.SUBMITTING, *AT_THE_API)

_FOUND = """
    SELECT coalesce(sum(t.price), 0) FROM tasks t WHERE t.batch_id = :id AND EXISTS (
        SELECT FROM task_events e WHERE e.task_id = t.id AND e.from_state = 'in_doubt' AND e.to_state = 'submitted'
    )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """In the currency of the batch's prices."""

    budget: Decimal | None
    spent: Decimal
    reserved: Decimal
    """For what is on its way, being made, or in doubt."""
    in_doubt: Decimal
    """Of that, what is in doubt or was given up: perhaps spent, perhaps not."""
    avoided: Decimal
    """What sending lost replies' tasks again would have cost: the API had them."""

    @property
    def any(self) -> bool:
        return self.budget is not None or bool(self.spent or self.reserved or self.avoided)


def spending_of(tx: Transaction, batch_id: int) -> Spending:
    row = tx.rows(
        f"""
        SELECT (SELECT budget FROM batches WHERE id = :id) AS budget, coalesce(sum(spent), 0) AS spent,
            coalesce(sum(reserved), 0) AS reserved,
            coalesce(sum(reserved) FILTER (WHERE NOT {one_of("state", ON_ITS_WAY)}), 0) AS in_doubt
        FROM tasks WHERE batch_id = :id
        """,
        id=batch_id,
    )[0]
    return Spending(**row._asdict(), avoided=tx.scalar(_FOUND, id=batch_id) if row.spent or row.reserved else Decimal())


USED_UP = f"""
    SELECT true FROM batches b, LATERAL (
        SELECT b.budget - coalesce(sum(reserved + spent), 0) AS rest FROM tasks WHERE batch_id = b.id OFFSET 0
    ) AS purse
    WHERE b.id = :id AND b.budget IS NOT NULL
        AND EXISTS (SELECT FROM tasks WHERE batch_id = b.id AND state = 'planned')
        AND NOT EXISTS (
            SELECT FROM tasks WHERE batch_id = b.id AND ({one_of("state", ON_ITS_WAY)}
                OR (state = 'in_doubt' AND next_attempt_at IS NOT NULL))
        )
        AND NOT EXISTS (
            SELECT FROM tasks t WHERE batch_id = b.id AND state = 'planned' AND next_attempt_at IS NOT NULL
                AND coalesce((b.prices ->> t.action)::numeric, 0)
                    <= purse.rest
        )
"""


def is_used_up(tx: Transaction, batch_id: int) -> bool:
    """Whether the rest of the budget pays for nothing that is planned, and nothing on its way could change that."""
    return bool(tx.scalar(USED_UP, id=batch_id))
