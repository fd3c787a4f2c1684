"""What is known of tasks, for people: the trees of a batch, and what went wrong in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from pipeline.action import Action
from pipeline.inputs import Input, inputs_from_json
from pipeline.store.engine import Store, Transaction
from pipeline.task import State
from pipeline.then import FAMILIES, family_and_value

_ROWS_A_PAGE = 500
_FAMILY_ORDER = tuple(FAMILIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One task with its file, and its follow-ups in the order in which people list them."""

    id: int
    key: str
    action: Action
    word: str | None
    prompt: str
    own_prompt: bool
    inputs: tuple[Input, ...]
    input_paths: tuple[str | None, ...]
    """Of each input that is another row's result, and at home: its file."""
    state: State
    wanted: bool
    """Whether the manifest still asks for it."""
    reason: str | None
    note: str | None
    """The person's own `state`."""
    path: str | None
    """Relative to the output folder."""
    sha256: str | None
    media_type: str | None
    width: int | None
    height: int | None
    seed: str | None
    """As the server reported it with the picture; that of a seed task is in `result`."""
    result: dict[str, Any] | None
    remote_id: str | None
    attempts: int
    submitted_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    children: tuple[Record, ...]


def trees(store: Store, batch_id: int) -> Iterator[Record]:
    """The batch's rows in the order of its manifest, each with its follow-ups; read page by page."""
    last = 0
    while True:
        with store.begin() as tx:
            page = _page(tx, batch_id, last)
        if not page:
            return
        last = page[-1].id
        yield from page


def _page(tx: Transaction, batch_id: int, last: int) -> list[Record]:
    # OFFSET 0 keeps the planner, which cannot know how small a page is, from reading whole tables for each.
    rows = tx.rows(
        """
        WITH RECURSIVE page AS (
            SELECT id FROM tasks WHERE batch_id = :batch_id AND parent_id IS NULL AND id > :last
            ORDER BY id LIMIT :page
        ), tree AS (
            SELECT id FROM page
            UNION ALL SELECT child.id
            FROM tree, LATERAL (SELECT id FROM tasks WHERE parent_id = tree.id OFFSET 0) AS child
        )
        SELECT t.id, t.parent_id, t.key, t.action, t.word, t.prompt, t.own_prompt, t.inputs, t.state, t.wanted,
            t.reason, t.options ->> 'state' AS note, a.path, a.sha256, a.media_type, a.width, a.height,
            t.properties ->> 'seed' AS seed, t.result, t.remote_id, t.attempt AS attempts, t.submitted_at,
            t.started_at, t.finished_at
        FROM tree, LATERAL (SELECT * FROM tasks WHERE id = tree.id OFFSET 0) AS t
            LEFT JOIN LATERAL (SELECT * FROM artifacts WHERE task_id = t.id OFFSET 0) AS a ON true
        ORDER BY t.depth DESC, t.id
        """,
        batch_id=batch_id,
        last=last,
        page=_ROWS_A_PAGE,
    )
    paths = _paths_of_inputs(tx, batch_id, rows)
    children: dict[int | None, list[Record]] = {}
    for row in rows:  # deepest first, so that a task's children are there before it
        listed = tuple(sorted(children.pop(row.id, ()), key=_place))
        children.setdefault(row.parent_id, []).append(_record(row, paths, listed))
    return children.get(None, [])


def _record(row: Row[Any], paths: dict[str, str], children: tuple[Record, ...]) -> Record:
    fields = row._asdict()
    del fields["parent_id"]
    inputs = inputs_from_json(row.inputs)
    fields |= {
        "action": Action(row.action),
        "state": State(row.state),
        "inputs": inputs,
        "input_paths": tuple(paths.get(one.stems[-1]) if one.stems else None for one in inputs),
    }
    return Record(**fields, children=children)


def _paths_of_inputs(tx: Transaction, batch_id: int, rows: Sequence[Row[Any]]) -> dict[str, str]:
    """The files of those tasks of the batch whose results go into `rows`, by their stems."""
    stems = {one.stems[-1] for row in rows if row.inputs for one in inputs_from_json(row.inputs) if one.stems}
    if not stems:
        return {}
    found = tx.rows(
        "SELECT t.stem, a.path FROM tasks t JOIN artifacts a ON a.task_id = t.id "
        "WHERE t.batch_id = :id AND t.stem = ANY(:stems)",
        id=batch_id,
        stems=list(stems),
    )
    return {row.stem: row.path for row in found}


def _place(record: Record) -> tuple[int, float, int]:
    """Among its siblings, however late it was added: `U1`, `U2`, `V1`, `zoom-1.5`, as `FAMILIES` lists them."""
    try:
        family, value = family_and_value(record.word or "")
    except ValueError:
        return len(_FAMILY_ORDER), 0, record.id
    values = FAMILIES[family].values
    return _FAMILY_ORDER.index(family), values.index(value) if values else float(value or 0), record.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A task that needs a look: failed, in doubt, or made and not brought home."""

    key: str
    state: State
    reason: str
    reserved: Decimal
    """What it may have cost, as far as nobody knows."""


def troubles(tx: Transaction, batch_id: int, *, most: int) -> list[Trouble]:
    rows = tx.rows(
        """
        SELECT key, state, coalesce(reason, '') AS reason, reserved FROM tasks
        WHERE batch_id = :id AND (state = 'in_doubt' OR (state IN ('failed', 'cancelled') AND (wanted OR reserved > 0))
            OR (state = 'succeeded' AND next_attempt_at IS NULL AND reason IS NOT NULL))
        ORDER BY id LIMIT :most
        """,
        id=batch_id,
        most=most,
    )
    return [Trouble(key=row.key, state=State(row.state), reason=row.reason, reserved=row.reserved) for row in rows]
