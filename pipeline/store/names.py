"""Names of files: what was made keeps its own, so that nothing paid for is ever overwritten; what never was gives it
up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pipeline.store.engine import Transaction, as_json

_NAMELESS = "(s.task_id IS NULL OR s.stem LIKE '%~old-' || s.task_id)"
"""A staged row that is new, or whose task gave its name up."""

_GIVE_UP = f"""
    UPDATE tasks t SET stem = t.stem || '~old-' || t.id FROM staged s
    WHERE t.batch_id = :id AND t.parent_id IS NULL AND t.key = s.key AND {_NAMELESS} AND t.id IS DISTINCT FROM s.task_id
        AND NOT t.wanted AND t.state IN ('failed', 'cancelled') AND t.remote_id IS NULL
        AND t.stem NOT LIKE '%~old-' || t.id
        AND NOT EXISTS (SELECT FROM tasks child WHERE child.parent_id = t.id)
        AND NOT EXISTS (SELECT FROM artifacts a WHERE a.task_id = t.id)
"""
_NAME = f"""
    UPDATE staged s SET stem = (
        SELECT free.stem FROM generate_series(1, 2 + (
                SELECT count(*) FROM tasks t WHERE t.batch_id = :id AND t.key = s.key AND t.parent_id IS NULL
            )) AS n, LATERAL (SELECT s.name || CASE WHEN n > 1 THEN '~' || n ELSE '' END AS stem) AS free
        WHERE NOT EXISTS (SELECT FROM tasks t WHERE t.batch_id = :id AND t.stem = free.stem)
        ORDER BY n LIMIT 1
    )
    WHERE {_NAMELESS}
        AND (s.task_id IS NOT NULL OR EXISTS (SELECT FROM tasks t WHERE t.batch_id = :id AND t.stem = s.stem))
"""


def name_rows(tx: Transaction, batch_id: int) -> None:
    """Names the tasks that come, or come back: `fox`, or `fox~2` where another task of this key has made `fox`."""
    tx.run(_GIVE_UP, id=batch_id)
    tx.run(_NAME, id=batch_id)


def give_up(tx: Transaction, ids: Sequence[int]) -> None:
    """Follow-ups that were never made leave their names to those that take their places."""
    tx.run(
        "UPDATE tasks SET key = key || '~old-' || id, stem = stem || '~old-' || id WHERE id = ANY(:ids)", ids=list(ids)
    )


def follow_names(tx: Transaction, words: Mapping[str, str]) -> None:
    """Has rows that use other rows' pictures name the tasks that are wanted now.

    `words`: of follow-ups by the stems that the plan gives them, where they are known by another word.
    """
    stems = {row.name: row.stem for row in tx.rows("SELECT name, stem FROM staged WHERE stem <> name")}
    if not stems and not words:
        return
    users = tx.rows("SELECT place, inputs FROM staged WHERE needs IS NOT NULL")
    tx.run(
        """
        UPDATE staged s SET inputs = v.inputs,
            needs = ARRAY(SELECT jsonb_array_elements_text(one -> 'stems')
                FROM jsonb_array_elements(v.inputs) AS one WHERE one ? 'stems')
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(place bigint, inputs jsonb) WHERE s.place = v.place
        """,
        rows=as_json(
            {"place": user.place, "inputs": [_renamed(one, stems, words) for one in user.inputs]} for user in users
        ),
    )


def _renamed(one: dict[str, Any], stems: Mapping[str, str], words: Mapping[str, str]) -> dict[str, Any]:
    """An input with the stems of the tasks on the way to its picture."""
    planned = one.get("stems")
    if not planned:
        return one
    way = [stems.get(planned[0], planned[0])]
    for before, stem in pairwise(planned):
        way.append(f"{way[-1]}-{words.get(stem, stem.removeprefix(f'{before}-'))}")
    return one | {"stems": way}
