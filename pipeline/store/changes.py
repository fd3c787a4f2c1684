"""What a manifest changes of its batch, told before anything happens. Changes nothing itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from pipeline.action import Action
from pipeline.prompt import tidied
from pipeline.store.batches import Batch
from pipeline.store.engine import Transaction
from pipeline.store.growth import growth_of
from pipeline.store.staging import stage
from pipeline.store.wanted import SET_ASIDE
from pipeline.task import NewTask, State
from pipeline.then import FollowUp, alike, then_from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A row that is not as it was, and the fields in which it differs."""

    key: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A row that the manifest has no more. What was sent of it is followed to its end."""

    key: str
    sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The rows of a manifest beside those of its batch, and the tasks that would be sent now."""

    new: int
    changed: tuple[Changed, ...] = ()
    unchanged: int = 0
    done: int = 0
    """Unchanged rows of which everything is there."""
    removed: tuple[Removed, ...] = ()
    to_send: Mapping[Action, int]
    """Follow-ups included, as long as everything succeeds."""

    @property
    def differs(self) -> bool:
        """Whether the manifest is not what it was."""
        return bool(self.new or self.changed or self.removed)


def compare(tx: Transaction, batch: Batch, tasks: Iterable[NewTask]) -> Changes:
    """Raises `UsageError` for a key that was known in other capitals."""
    stage(tx, batch.id, tasks)
    differing = [(row, fields) for row in tx.rows(_DIFFERENT, id=batch.id) if (fields := _fields(row))]
    counts = tx.rows(_COUNTS, id=batch.id)[0]
    unchanged = counts.rows - counts.new - len(differing)
    undone = tx.scalar(_UNDONE, id=batch.id, deliver=batch.deliver, changed=[row.id for row, _ in differing])
    return Changes(
        new=counts.new,
        changed=tuple(Changed(key=row.key, fields=fields) for row, fields in differing),
        unchanged=unchanged,
        done=unchanged - undone,
        removed=tuple(Removed(key=row.key, sent=row.sent) for row in tx.rows(_REMOVED, id=batch.id)),
        to_send=_to_send(tx, batch.id),
    )


_WANTED_ROW = "t.batch_id = :id AND t.parent_id IS NULL AND t.wanted"
_COUNTS = f"""
    SELECT count(*) AS rows, count(*) FILTER (WHERE (s.task_id IS NULL OR EXISTS (
        SELECT FROM tasks t WHERE t.id = s.task_id AND {SET_ASIDE}
    )) AND NOT EXISTS (SELECT FROM tasks t WHERE {_WANTED_ROW} AND t.key = s.key)) AS new
    FROM staged s
"""
_DIFFERENT = f"""
    SELECT t.id, t.key, t.action, t.prompt, t.mode, t.inputs, t.options, t."then", s.action AS now_action,
        s.prompt AS now_prompt, s.mode AS now_mode, s.inputs AS now_inputs, s.options AS now_options, s.tree,
        s.task_id IS DISTINCT FROM t.id AS sends_more
    FROM staged s JOIN tasks t ON {_WANTED_ROW} AND t.key = s.key
    WHERE s.task_id IS DISTINCT FROM t.id OR t."then" <> s.tree
        OR t.options -> 'state' IS DISTINCT FROM s.options -> 'state'
    ORDER BY s.place
"""
_REMOVED = f"""
    SELECT t.key, t.state <> 'planned' AND t.attempt > 0 AS sent FROM tasks t
    WHERE {_WANTED_ROW} AND t.key NOT IN (SELECT key FROM staged) ORDER BY t.id
"""
_UNDONE = """
    WITH RECURSIVE undone AS (
        SELECT id, parent_id FROM tasks WHERE batch_id = :id AND wanted
            AND state <> 'delivered' AND (state <> 'succeeded' OR :deliver)
        UNION SELECT parent.id, parent.parent_id FROM undone JOIN tasks parent ON parent.id = undone.parent_id
    )
    SELECT count(*) FROM undone JOIN staged s ON s.task_id = undone.id WHERE undone.id <> ALL(:changed)
"""


def _fields(row: Row[Any]) -> tuple[str, ...]:
    """What differs, in the words of a manifest; nothing where only the order of its follow-ups does."""
    changes = {
        "action": row.action != row.now_action,
        "prompt": tidied(row.prompt) != tidied(row.now_prompt),
        "mode": row.mode != row.now_mode,
        "pictures": _pictures(row.inputs) != _pictures(row.now_inputs),
        **{name: row.options.get(name) != row.now_options.get(name) for name in row.options | row.now_options},
        "then": not alike(then_from_json(row.then), then_from_json(row.tree)),
    }
    fields = tuple(field for field, changed in changes.items() if changed)
    # A row that says the same and sends something else uses the picture of a row that has changed.
    return fields or (("pictures",) if row.sends_more else ())


_NUMBER = re.compile(r"~\d+(?=-|$)")


def _pictures(inputs: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """As the manifest names them, whichever task has the name now."""
    return [one | {"stems": [_NUMBER.sub("", stem) for stem in one.get("stems", ())]} for one in inputs or ()]


_NEW_TASKS = f"""
    SELECT s.action, s.tree, count(*) AS rows FROM staged s LEFT JOIN tasks t ON t.id = s.task_id
    WHERE s.task_id IS NULL OR {SET_ASIDE} GROUP BY s.action, s.tree
"""
_KNOWN_TASKS = """
    WITH RECURSIVE other AS (
        SELECT t.id FROM tasks t LEFT JOIN staged s ON s.task_id = t.id
        WHERE t.batch_id = :id AND t.parent_id IS NULL AND t.wanted AND (s.task_id IS NULL OR t."then" <> s.tree)
        UNION ALL SELECT child.id FROM other JOIN tasks child ON child.parent_id = other.id
    )
    SELECT action, state, "then", count(*) AS tasks FROM tasks
    WHERE batch_id = :id AND wanted AND state IN ('planned', 'submitting', 'submitted', 'running')
        AND id NOT IN (SELECT id FROM other)
    GROUP BY action, state, "then"
"""


def _to_send(tx: Transaction, batch_id: int) -> Mapping[Action, int]:
    to_send: Counter[Action] = Counter()
    for new in tx.rows(_NEW_TASKS):
        to_send[Action(new.action)] += new.rows
        _add(to_send, then_from_json(new.tree), new.rows)
    for known in tx.rows(_KNOWN_TASKS, id=batch_id):
        to_send[Action(known.action)] += known.tasks if known.state == State.PLANNED else 0
        _add(to_send, then_from_json(known.then), known.tasks)
    growth = growth_of(tx)
    for node, then in growth.thens:
        if not (node.set_aside and node.parent_id is None):
            to_send[Action(node.action)] += node.set_aside or node.state == State.PLANNED
            _add(to_send, then if node.set_aside or node.state in _UNFINISHED else (), 1)
    for finished in growth.finished:
        _add(to_send, finished.then, 1)
    return {action: to_send[action] for action in Action if to_send[action]}


_UNFINISHED = (State.PLANNED, State.SUBMITTING, State.SUBMITTED, State.RUNNING)


def _add(to_send: Counter[Action], then: Iterable[FollowUp], count: int) -> None:
    for one in then:
        to_send[one.action] += count
        _add(to_send, one.then, count)
