"""Alembic's entry point. `pipeline migrate` hands the connection in; there is no alembic.ini to keep in step."""

from __future__ import annotations

from alembic import context

from pipeline.store.schema import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, compare_server_default=True
)
with context.begin_transaction():
    context.run_migrations()
