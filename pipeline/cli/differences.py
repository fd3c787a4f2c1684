"""What a manifest changes of its batch, in words."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Any

from pipeline.cli.embedded import place
from pipeline.settings import Settings
from pipeline.store import batches
from pipeline.store.changes import Changed, Changes, compare
from pipeline.store.revision import is_current
from pipeline.task import NewTask
from pipeline.wiring import open_store

_NAMED = 5
"""Rows that are named; the others are counted."""


def differences(settings: Settings, batch: str, tasks: Callable[[], Iterable[NewTask]]) -> Changes | None:
    """What the manifest changes of its batch, as the database knows it; None where there is no such batch.

    Nothing is changed, and no database is made: where none is named, the embedded one is asked if it is there.
    """
    if settings.database_url is None and not (settings.data_dir / "postgres").is_dir():
        return None
    with place(settings) as here, closing(open_store(here.settings)) as store:
        store.ping()
        if not is_current(store):
            print(
                "the database's tables are not those of this version, so every row is shown as new: `pipeline migrate` "
                "or `pipeline run` brings them up to date",
                file=sys.stderr,
            )
            return None
        with store.look() as tx:
            known = batches.known(tx, here.account_name, batch)
            return None if known is None else compare(tx, known, tasks())


def in_a_line(batch: str, changes: Changes) -> str:
    """Such as `spring: 2 new, 1 changed (fox: prompt), 97 unchanged, 1 removed`."""
    named = f" ({'; '.join(_named(map(_fields, changes.changed)))})" if changes.changed else ""
    return (
        f"{batch}: {changes.new:,} new, {len(changes.changed):,} changed{named}, {changes.unchanged:,} unchanged, "
        f"{len(changes.removed):,} removed"
    )


def in_lines(batch: str, changes: Changes) -> Iterator[str]:
    """The numbers, then the rows that a person should look at."""
    done = f" ({changes.done:,} done, {changes.unchanged - changes.done:,} not yet)" if changes.unchanged else ""
    yield (
        f"Since {batch} was last run: {changes.new:,} new, {len(changes.changed):,} changed, "
        f"{changes.unchanged:,} unchanged{done}, {len(changes.removed):,} removed."
    )
    for line in _named(map(_fields, changes.changed)):
        yield f"  changed: {line}"
    for line in _named(f"{one.key} ({'sent already' if one.sent else 'not sent any more'})" for one in changes.removed):
        yield f"  removed: {line}"


def as_json(changes: Changes) -> dict[str, Any]:
    return {
        "new": changes.new,
        "changed": [asdict(one) for one in changes.changed],
        "unchanged": changes.unchanged,
        "done": changes.done,
        "removed": [asdict(one) for one in changes.removed],
    }


def _fields(changed: Changed) -> str:
    return f"{changed.key}: {', '.join(changed.fields)}"


def _named(rows: Iterable[str]) -> list[str]:
    listed = list(rows)
    return listed[:_NAMED] + ([f"and {len(listed) - _NAMED:,} more"] if len(listed) > _NAMED else [])
