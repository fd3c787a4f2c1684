"""POSTs that nobody answers for any more. Safe to run at any time, on every host at once."""

from __future__ import annotations

from pipeline.store.engine import Transaction, as_json
from pipeline.store.moves import move_sql
from pipeline.store.presence import ALIVE, Presence, dead_here, forget
from pipeline.task import State

REASON = "the worker that sent it stopped before it noted the reply, so the API may or may not have accepted it"

_ABANDONED = f"(lease_until < now() OR owner = ANY(:dead) OR NOT {ALIVE})"
_NOT_ON_ITS_WAY = "(t.owner = ANY(:dead) OR (t.owner = ANY(:former) AND t.id <> ALL(:in_hand)))"
_DOUBT = move_sql(
    "",
    f"""
    lease_until = CASE WHEN {_NOT_ON_ITS_WAY} THEN NULL ELSE t.lease_until END,
    doubted_at = clock_timestamp(), next_attempt_at = clock_timestamp()
    """,
    guard=f"t.state = 'submitting' AND {_ABANDONED}",
)


def rescue(tx: Transaction, presence: Presence) -> int:
    """Puts in doubt every task whose POST nobody answers for, of any account. The number of them.

    What a process had sent that is surely dead is no longer on its way; of one that is only cut off it may be, as long
    as its lease lasts. Of itself the process that rescues, `presence`, knows what it took and never sent, because its
    connection broke just then.
    """
    dead = dead_here(tx)
    known = {"dead": dead, "former": presence.former, "in_hand": list(+presence.in_hand)}
    abandoned = tx.rows(f"SELECT id FROM tasks WHERE state = 'submitting' AND {_ABANDONED}", dead=dead)
    rows = as_json({"id": row.id, "state": State.IN_DOUBT, "reason": REASON} for row in abandoned)
    moved = tx.rows(_DOUBT, rows=rows, cause="rescue", **known) if abandoned else []
    if dead or presence.former:
        tx.run(
            f"UPDATE tasks SET lease_until = NULL WHERE id IN (SELECT id FROM tasks t "
            f"WHERE state = 'in_doubt' AND lease_until IS NOT NULL AND {_NOT_ON_ITS_WAY} ORDER BY id FOR UPDATE)",
            **known,
        )
        forget(tx, dead)
    return len(moved)
