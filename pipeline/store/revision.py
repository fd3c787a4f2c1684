"""Which version the database's tables are of. Apart from `migrate`: every process asks, Alembic is slow to import."""

from __future__ import annotations

from pipeline.store.engine import Store

NEWEST = "0007"
"""The last of migrations/versions."""


def is_current(store: Store) -> bool:
    """Whether the tables are those that this version of the program works with."""
    with store.look() as tx:
        is_set_up = tx.scalar("SELECT to_regclass('alembic_version') IS NOT NULL")
        return bool(is_set_up and tx.scalar("SELECT version_num FROM alembic_version") == NEWEST)
