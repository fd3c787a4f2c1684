"""Real Postgres and Redis for the whole session, started from the same wheels as `pipeline run`; for each test a
database as the migrations made it, emptied of what the test before it left: to clone one for each costs more time than
most tests take."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from pipeline import follow_up
from pipeline.action import Action
from pipeline.sandbox.attach import Services, attach
from pipeline.store import accounts, batches, moves, rows
from pipeline.store.batches import Handed
from pipeline.store.engine import Store
from pipeline.store.migrate import migrate
from pipeline.store.presence import Presence
from pipeline.task import NewTask
from pipeline.then import FollowUp

_numbers = itertools.count()


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with attach(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture(scope="session")
def migrated_url(services: Services) -> str:
    url = new_database(services)
    store = Store(url)
    migrate(store)
    store.close()
    return url


@pytest.fixture
def database_url(migrated_url: str) -> str:
    engine = create_engine(migrated_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(_LEAVE))
        tables = connection.execute(text(_TABLES)).scalar()
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    engine.dispose()
    return migrated_url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url)
    yield store
    store.close()


@pytest.fixture
def quick_store(database_url: str) -> Iterator[Store]:
    """The same for tests of thousands of transactions: commits are as they are, but nobody waits for the disk."""
    store = Store(f"{database_url}?options=-csynchronous_commit%3Doff")
    yield store
    store.close()


def new_database(services: Services) -> str:
    """The URL of an empty one."""
    url, name = services.postgres().replace("postgresql://", "postgresql+psycopg://"), f"test_{next(_numbers)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(url).set(database=name).render_as_string(hide_password=False)


_LEAVE = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
"""Ends the connections that a test has left open, and with them its locks."""
_TABLES = """
    SELECT string_agg(tablename, ', ') FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


@dataclass(frozen=True, slots=True)
class World:
    """A store with one account and one batch, and what a test does to them."""

    store: Store
    account_id: int
    batch_id: int
    presence: Presence
    """A worker that is alive."""

    @property
    def owner(self) -> int:
        return self.presence.hold()

    def plan(self, *keys: str, then: tuple[FollowUp, ...] = ()) -> None:
        tasks = [NewTask(key=key, stem=key, action=Action.IMAGINE, prompt=f"a {key}", then=then) for key in keys]
        with self.store.begin() as tx:
            grown = rows.write_tasks(tx, self.batch_id, tasks)
            moves.add_children(tx, self.account_id, follow_up.children(grown))

    def states(self) -> dict[str, str]:
        with self.store.begin() as tx:
            return {row.key: row.state for row in tx.rows("SELECT key, state FROM tasks ORDER BY id")}

    def column(self, name: str) -> list[object]:
        with self.store.begin() as tx:
            return [row[0] for row in tx.rows(f"SELECT {name} FROM tasks ORDER BY id")]

    def change(self, sql: str) -> None:
        with self.store.begin() as tx:
            tx.run(sql)


@pytest.fixture
def world(store: Store) -> Iterator[World]:
    with store.begin() as tx:
        account_id = accounts.register(tx, name="acme", base_url="http://acme.test", max_running=3, max_queued=10)
        handed = Handed(name="spring", filename="spring.csv", manifest=b"prompt\na fox\n", deliver=True)
        batch_id, _ = batches.receive(tx, account_id, handed)
    presence = Presence(store.engine)
    presence.hold()
    yield World(store, account_id, batch_id, presence)
    presence.leave()
