"""A process number means something in its own namespace only: of another one, nobody here says that it is dead."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from pipeline.store import claims
from pipeline.store.engine import SILENCE
from pipeline.store.presence import ALIVE, Presence
from pipeline.store.rescue import rescue
from tests.acceptance.outside import until
from tests.integration.conftest import World

PROGRAM = """
import sys, time
from pipeline.store.engine import Store
from pipeline.store.presence import Presence, dead_here
store = Store(sys.argv[1])
print(Presence(store.engine).hold(), flush=True)
with store.begin() as tx:
    print(len(dead_here(tx)), flush=True)
time.sleep(600)
"""
NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child")
WAYS = {"with-its-own-proc": ("--mount-proc",), "with-the-proc-of-another": ()}


@contextmanager
def elsewhere(database_url: str, *options: str) -> Iterator[tuple[int, int]]:
    """A worker in a namespace of its own: its number, and how many it takes for dead. It is killed at the end."""
    words = [*NAMESPACE, *options, "sh", "-c", '"$@"; true', "sh", sys.executable, "-c", PROGRAM, database_url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
        assert worker.stdout
        first = worker.stdout.readline()
        if not first:
            pytest.skip("namespaces cannot be made here")
        yield int(first), int(worker.stdout.readline())
        worker.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
def test_a_process_of_another_namespace_is_never_judged(
    world: World, database_url: str, options: tuple[str, ...]
) -> None:
    world.plan("fox")
    with elsewhere(database_url, *options) as (number, dead_there):
        assert dead_there == 0, "nor does it take itself for dead"
        with world.store.begin() as tx:
            claims.claim_for_submit(tx, world.account_id, most=1, lease=600, owner=number)
            assert rescue(tx, world.presence) == 0
    until(lambda: rescued(world) == 1, "its connection stays")
    assert (world.states(), world.column("lease_until") != [None]) == ({"fox": "in_doubt"}, True)


def rescued(world: World) -> int:
    with world.store.begin() as tx:
        return rescue(tx, world.presence)


def test_postgres_soon_notices_a_host_that_is_gone(world: World) -> None:
    with world.store.begin() as tx:
        heard = {name: int(tx.scalar(f"SHOW tcp_keepalives_{name}")) for name in SILENCE}
    assert heard == SILENCE


@pytest.mark.parametrize("broken", ["pg_advisory_lock", "INSERT INTO processes"])
def test_a_lock_that_could_not_be_taken_is_not_taken_for_held(world: World, broken: str) -> None:
    presence = Presence(world.store.engine)

    def refuse(_c: object, _cursor: object, statement: str, values: object, *_: object) -> tuple[str, object]:
        return statement.replace(broken, "nonsense"), values

    event.listen(world.store.engine, "before_cursor_execute", refuse, retval=True)
    try:
        with pytest.raises(DBAPIError):
            presence.hold()
    finally:
        event.remove(world.store.engine, "before_cursor_execute", refuse)
    number = presence.hold()
    with world.store.begin() as tx:
        assert tx.scalar(f"SELECT {ALIVE} FROM CAST(:number AS bigint) AS owner", number=number)
        assert tx.scalar("SELECT count(*) FROM processes WHERE number = :number", number=number) == 1
    presence.leave()
