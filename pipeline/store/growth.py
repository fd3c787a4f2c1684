"""Follow-ups that a person adds to rows that were queued before: what is made stays, what is new is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row

from pipeline.store.engine import Transaction, as_json
from pipeline.task import FinishedTask, Mode, State
from pipeline.then import FollowUp, then_from_json, then_to_json

Node = Row[Any]
_FINISHED = (State.SUCCEEDED, State.DELIVERED)

_CHANGED = """
    WITH RECURSIVE changed AS (
        SELECT t.id, s.tree FROM staged s JOIN tasks t ON t.batch_id = :id AND t.key = s.key AND t.parent_id IS NULL
        WHERE t."then" <> s.tree::jsonb
    ), nodes AS (
        SELECT id, tree FROM changed
        UNION ALL SELECT t.id, NULL FROM nodes JOIN tasks t ON t.parent_id = nodes.id
    )
    SELECT t.id, t.parent_id, t.key, t.stem, t.depth, t.prompt, t.mode, t.state, t.options,
        t.result -> 'prompts' AS prompts, nodes.tree::jsonb AS tree
    FROM nodes JOIN tasks t USING (id) ORDER BY t.id FOR UPDATE OF t
"""


def grow(tx: Transaction, batch_id: int) -> list[FinishedTask]:
    """Gives known rows the follow-ups that the table `staged` has for them.

    Returns the tasks that have finished, each with the follow-ups that are to be created now. Those of a task that has
    not finished are created when it does, as always.
    """
    nodes = tx.rows(_CHANGED, id=batch_id)
    known = {(node.parent_id, node.key): node for node in nodes}
    grown = [pair for node in nodes if node.tree is not None for pair in _walk(node, then_from_json(node.tree), known)]
    tx.run(
        """
        UPDATE tasks t SET "then" = v."then", follow_up_count = v.follow_up_count
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(id bigint, "then" jsonb, follow_up_count bigint)
        WHERE t.id = v.id
        """,
        rows=as_json(
            {"id": node.id, "then": then_to_json(then), "follow_up_count": sum(one.size for one in then)}
            for node, then in grown
        ),
    )
    return [_with_missing(node, then, known) for node, then in grown if node.state in _FINISHED]


def _walk(
    node: Node, then: tuple[FollowUp, ...], known: dict[tuple[int, str], Node]
) -> Iterator[tuple[Node, tuple[FollowUp, ...]]]:
    """Each task of the tree that exists, with its follow-ups as they are now."""
    yield node, then
    for one in then:
        child = known.get((node.id, f"{node.key}-{one.word}"))
        if child is not None:
            yield from _walk(child, one.then, known)


def _with_missing(node: Node, then: tuple[FollowUp, ...], known: dict[tuple[int, str], Node]) -> FinishedTask:
    """A finished task with those of its follow-ups that do not exist yet."""
    return FinishedTask(
        id=node.id,
        key=node.key,
        stem=node.stem,
        depth=node.depth,
        prompt=node.prompt,
        mode=Mode(node.mode) if node.mode else None,
        then=tuple(one for one in then if (node.id, f"{node.key}-{one.word}") not in known),
        to_deliver=False,
        prompts=tuple(node.prompts or ()),
        options=node.options,
    )
