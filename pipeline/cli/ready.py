"""A database that is reachable and whose tables fit this version."""

from __future__ import annotations

from pipeline.errors import UsageError
from pipeline.settings import Settings
from pipeline.store.engine import Store
from pipeline.wiring import open_store


def ready_store(settings: Settings, *, migrate_first: bool) -> Store:
    """Raises `ServiceError` when it is not reachable, `UsageError` when its tables are of another version."""
    from pipeline.store.migrate import is_current, migrate  # noqa: PLC0415 - Alembic is slow to import

    store = open_store(settings)
    store.ping()
    if migrate_first:
        migrate(store)
    elif not is_current(store):
        raise UsageError("the database's tables are not those of this version: run `pipeline migrate` first")
    return store
