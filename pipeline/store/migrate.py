"""Brings the database's tables up to date. Safe to run at once from many hosts."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from pipeline.store.engine import Store

_ONE_AT_A_TIME = 0x6D6A7069
"""Key of the advisory lock under which migrations run."""


def _config() -> Config:
    package = Path(__file__).parents[1]
    installed, checkout = package / "migrations", package.parent / "migrations"
    config = Config()
    folder = installed if installed.is_dir() else checkout
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def migrate(store: Store) -> bool:
    """Whether there was anything to do. Raises what the database says when a migration fails; nothing is half done."""
    config = _config()
    newest = ScriptDirectory.from_config(config).get_current_head()
    with store.engine.begin() as connection:
        if _revision(connection) == newest:
            return False
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
