"""Folders to work in, servers to ask, and the services of a host where Postgres and Redis run already."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from pipeline.sandbox.attach import attach
from tests.acceptance.outside import Command, Folder, Server

_numbers = itertools.count()
REDIS_DATABASES = 16
"""As many as a Redis has. Tests that share one do not meet: each asks a server of its own, which names its queues."""

Host = Callable[[], dict[str, str]]
MakeServer = Callable[..., Server]
Started = tuple[Folder, Server, Command]


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


@pytest.fixture(scope="session")
def dead_links(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[Started]:
    """A run that finds a dead link and a web page where two of its three pictures should be."""
    home = tmp_path_factory.mktemp("links")
    with Server(home) as server:
        folder = Folder(home / "project", **server.settings, **host())
        rows = ("good,a fox", "gone,a fox --sandbox missing", "page,an owl --sandbox html")
        yield folder, server, folder.start("run", folder.manifest("links.csv", *rows, columns="key,prompt"))
        folder.leave()


@pytest.fixture(scope="session")
def full_disk(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[Started]:
    """A run whose output folder has no room for a picture."""
    home = tmp_path_factory.mktemp("disk")
    with Server(home, picture_size=512) as server:
        folder = Folder(home / "project", **server.settings, **host())
        (folder.path / "pictures").mkdir()
        manifest = folder.manifest("disk.csv", "fox,a fox", "owl,an owl", columns="key,prompt")
        yield folder, server, folder.start("run", manifest, before=without_room(home))
        folder.leave()


def without_room(place: Path) -> tuple[str, ...]:
    """What to put before a command: a tiny disk that only it sees, else (where nobody may mount) tiny files."""
    tiny = "mount -t tmpfs -o size=8k tmpfs"
    for unshare in (("unshare", "--mount"), ("unshare", "--mount", "--user", "--map-root-user")):
        attempt = [*unshare, *tiny.split(), str(place)]
        if shutil.which("unshare") and subprocess.run(attempt, capture_output=True, check=False).returncode == 0:
            return (*unshare, "sh", "-c", f'{tiny} pictures && exec "$@"', "sh")
    return ("sh", "-c", 'ulimit -f 16; exec "$@"', "sh")


@pytest.fixture(scope="session", autouse=True)
def _slow_ones_first(request: pytest.FixtureRequest) -> None:
    """Deliveries are tried for half a minute: meanwhile the other tests go on."""
    for name in ("dead_links", "full_disk"):
        if any(name in getattr(item, "fixturenames", ()) for item in request.session.items):
            request.getfixturevalue(name)
