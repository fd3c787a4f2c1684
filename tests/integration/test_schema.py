from __future__ import annotations

from collections.abc import Callable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from pipeline.action import Action
from pipeline.cli.ready import ready_store
from pipeline.errors import UsageError
from pipeline.settings import load
from pipeline.store.engine import Store
from pipeline.store.migrate import migrate
from pipeline.store.revision import NEWEST, is_current
from pipeline.store.schema import Base
from pipeline.task import Mode, State
from tests.integration.conftest import World


def test_models_and_migrations_are_equal(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_checks_are_equal_too(store: Store) -> None:
    """Alembic does not compare CHECK constraints, so they are compared as Postgres itself prints them."""
    query = text(
        "SELECT conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'c' AND connamespace = 'public'::regnamespace ORDER BY 1"
    )
    with store.engine.connect() as connection:  # which is rolled back
        migrated = connection.execute(query).scalars().all()
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        Base.metadata.create_all(connection)
        modelled = connection.execute(query).scalars().all()
    assert migrated == modelled
    assert len(migrated) >= 8


def test_migrating_twice_does_nothing(store: Store) -> None:
    assert is_current(store)
    assert migrate(store) is False


def test_tables_of_a_newer_version_are_left_to_it(store: Store, database_url: str) -> None:
    current = load(database_url=database_url)
    ready_store(current, migrate_first=False).close()
    try:
        with store.begin() as tx:
            tx.run("UPDATE alembic_version SET version_num = '9999'")
        for migrate_first in (True, False):
            with pytest.raises(UsageError, match=r"newer version \(9999\).*install that version here too"):
                ready_store(current, migrate_first=migrate_first)
    finally:
        with store.begin() as tx:
            tx.run(f"UPDATE alembic_version SET version_num = '{NEWEST}'")


@pytest.mark.parametrize(("column", "words"), [("state", State), ("action", Action), ("mode", Mode)])
def test_the_database_knows_every_word_and_no_other(
    world: World, column: str, words: type[State | Action | Mode]
) -> None:
    world.plan("fox")
    for word in words:
        world.change(f"UPDATE tasks SET {column} = '{word}', remote_id = 'r'")
    with pytest.raises(IntegrityError, match=f"ck_tasks_{column}"):
        world.change(f"UPDATE tasks SET {column} = 'nonsense'")


def test_a_task_at_the_api_has_a_name_there(world: World) -> None:
    world.plan("fox")
    with pytest.raises(IntegrityError, match="named_by_the_api"):
        world.change("UPDATE tasks SET state = 'submitted'")


def test_doorbells_ring_after_the_commit_and_never_without_one(store: Store) -> None:
    rung: list[str] = []
    with store.begin() as tx:
        tx.after_commit(lambda: rung.append("first"))
        assert rung == []
    with pytest.raises(ProgrammingError):
        _fail_after(store, lambda: rung.append("second"))
    assert rung == ["first"]


def _fail_after(store: Store, ring: Callable[[], None]) -> None:
    with store.begin() as tx:
        tx.after_commit(ring)
        tx.run("SELECT nonsense")
