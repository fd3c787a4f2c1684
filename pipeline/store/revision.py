"""Which version the database's tables are of. Apart from `migrate`: every process asks, Alembic is slow to import."""

from __future__ import annotations

from pipeline.errors import UsageError
from pipeline.store.engine import Store

NEWEST = "0007"
"""The last of migrations/versions."""


def is_current(store: Store) -> bool:
    """Whether the tables are those that this version of the program works with."""
    return _revision(store) == NEWEST


def refuse_newer(store: Store) -> None:
    """Raises `UsageError` when the tables are of a later version of the program: only that one knows them."""
    if (revision := _revision(store)) > NEWEST:
        raise UsageError(
            f"the database's tables are of a newer version ({revision}) than this program ({NEWEST}): install that "
            "version here too; workers of this one that still run go on"
        )


def _revision(store: Store) -> str:
    """Empty where there are no tables yet."""
    with store.look() as tx:
        is_set_up = tx.scalar("SELECT to_regclass('alembic_version') IS NOT NULL")
        return str(tx.scalar("SELECT version_num FROM alembic_version") or "") if is_set_up else ""
