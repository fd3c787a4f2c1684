"""The steps of one worker, called one by one, against an emulated server in a process of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline import dispatch, track
from pipeline.api.client import Api
from pipeline.deliver import LocalFolder
from pipeline.sandbox.attach import Services
from pipeline.settings import Dialect
from pipeline.store import batches, claims, rescue
from pipeline.store.presence import Presence
from pipeline.terms import Terms
from pipeline.wiring import Runtime
from pipeline.worker import applying, looking, sending
from pipeline.worker.app import connect
from tests.acceptance.outside import Server
from tests.integration.conftest import World


class Office:
    """A worker process and its server."""

    def __init__(self, world: World, server: Server, dialect: Dialect, folder: Path, horizon: float) -> None:
        self.world, self.server = world, server
        self.pools = [ThreadPoolExecutor(4) for _ in range(4)]
        self.at = Runtime(
            store=world.store,
            presence=Presence(world.store.engine),
            api=Api(server.url, server.key, dialect),
            account="acme",
            account_id=world.account_id,
            home=LocalFolder(folder),
            max_attempts=3,
            horizon=horizon,
            pool=self.pools[0],
            uploads=self.pools[1],
            questions=self.pools[2],
            downloads=self.pools[3],
            rng=random.Random(1),
        )

    def send(self) -> None:
        """What is planned and has room; a pause that a refusal set is over."""
        self.world.change("UPDATE accounts SET blocked_until = NULL")
        if sending.is_open(self.at):
            owner = self.at.presence.hold()
            with self.at.store.begin() as tx:
                handful = dispatch.take(tx, self.at.account_id, owner)
            sending.send_and_save(self.at, handful)

    def look(self, horizon: float | None = None) -> None:
        """Now, whatever is due later."""
        self.world.change("UPDATE tasks SET next_attempt_at = now() WHERE next_attempt_at > now()")
        looking.look_for(self.at if horizon is None else replace(self.at, horizon=horizon))

    def poll(self, ids: list[int] | None = None) -> None:
        with self.at.store.begin() as tx:
            known = claims.at_the_api(tx, self.at.account_id, ids)
        reports = self.at.api.list([task.remote_id for task in known])
        with self.at.store.begin() as tx:
            applying.adopt(tx, self.at.account_id, track.changes(known, reports), "poll")

    def rescue(self) -> int:
        with self.at.store.begin() as tx:
            return rescue.rescue(tx, self.at.presence)

    def agree(self, terms: Terms) -> None:
        with self.at.store.begin() as tx:
            batches.agree(tx, self.world.batch_id, terms)

    def row(self, key: str = "fox") -> dict[str, Any]:
        with self.at.store.begin() as tx:
            return dict(tx.rows("SELECT * FROM tasks WHERE key = :key", key=key)[0]._mapping)

    def posts(self) -> int:
        """How many submits the server has seen."""
        return sum(count for path, count in self.server.audit()["requests"].items() if "/submit/" in path)

    def close(self) -> None:
        self.at.presence.leave()
        self.at.api.close()
        for pool in self.pools:
            pool.shutdown()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """A server of each kind, started when it is first asked for; it has forgotten what others asked of it."""
    home = tmp_path_factory.mktemp("servers")
    started: dict[tuple[object, ...], Server] = {}
    with ExitStack() as stack:

        def server(**options: object) -> Server:
            kind = tuple(sorted(options.items()))
            if kind not in started:
                started[kind] = stack.enter_context(Server(home, **options))
            started[kind].reset()
            return started[kind]

        yield server


@pytest.fixture
def open_office(
    world: World, tmp_path: Path, servers: Callable[..., Server], services: Services
) -> Iterator[Callable[..., Office]]:
    """Opens offices: `open_office(dialect, horizon=0, **options of the server)`."""
    connect(services.redis())
    with ExitStack() as stack:

        def opened(dialect: Dialect = Dialect.PLUS, *, horizon: float = 0.0, **options: object) -> Office:
            office = Office(world, servers(dialect=dialect, **options), dialect, tmp_path, horizon)
            stack.callback(office.close)
            return office

        yield opened
