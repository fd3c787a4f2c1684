"""Folders to work in, servers to ask, and the services of a host where Postgres and Redis run already."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from pipeline.sandbox.attach import attach
from tests.acceptance.outside import Folder, Server

_numbers = itertools.count()
REDIS_DATABASES = 16
"""As many as a Redis has. Tests that share one do not meet: each asks a server of its own, which names its queues."""

Host = Callable[[], dict[str, str]]
MakeServer = Callable[..., Server]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """A fresh folder, in which nothing may be left running."""
    folder = Folder(tmp_path / "project")
    yield folder
    folder.leave()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[MakeServer]:
    """Starts an emulated server that is configured as if it were a real one."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Server(tmp_path, **options))


@pytest.fixture
def server(serve: MakeServer) -> Server:
    return serve()


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Postgres and Redis that run already, as on a server: gives the settings of a database of its own."""
    with attach(tmp_path_factory.mktemp("host")) as services:
        postgres, redis = services.postgres(), services.redis().removesuffix("/0")

        def settings() -> dict[str, str]:
            number = next(_numbers)
            with psycopg.connect(postgres, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE host_{number}")
            return {
                "database_url": f"{postgres.rpartition('/')[0]}/host_{number}",
                "redis_url": f"{redis}/{number % REDIS_DATABASES}",
            }

        yield settings
