"""SIGTERM: what is in flight is finished, what waits is handed back. Twice, or in vain: at once, with nothing lost."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from pipeline.cli.embedded import GRACE
from pipeline.store.engine import Store
from pipeline.store.migrate import migrate
from pipeline.wiring import CONCURRENT_DOWNLOADS, CONCURRENT_REQUESTS
from pipeline.worker.stopping import STOP_WITHIN
from tests.acceptance.conftest import Host, MakeServer
from tests.acceptance.outside import Command, Folder, Server, until

ROWS = CONCURRENT_REQUESTS + 8
"""More than one process sends at once."""


class Place:
    """A host with a batch that its account has room for all at once, and a server that can be frozen."""

    def __init__(self, folder: Folder, server: Server, database: str) -> None:
        self.server = server
        self.folder = folder
        self._database = psycopg.connect(database, autocommit=True)
        self.close = self._database.close
        store = Store(database.replace("postgresql:", "postgresql+psycopg:"))
        migrate(store)
        store.close()
        assert folder.pipeline("submit", folder.rows("many.csv", ROWS, then="")).status == 0
        self.beat = folder.start("beat")

    def count(self, where: str) -> int:
        row = self._database.execute(f"SELECT count(*) FROM tasks WHERE {where}").fetchone()
        assert row
        return int(row[0])

    def wait_for(self, number: int, where: str) -> None:
        until(lambda: self.count(where) == number, f"never {number}: {where}")

    def connections(self) -> int:
        """To the server, from anybody."""
        port = f":{int(self.server.url.rpartition(':')[2]):04X}"
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return sum(line[2].endswith(port) and line[3] == "01" for line in sockets)

    def worker_in_the_middle_of_its_posts(self, *words: str) -> Command:
        """With all of the batch claimed, and as much of it sent as goes at once, to a server that answers nothing."""
        self.server.freeze()
        worker = started(self.folder, *words) if words else self.folder.start("worker", "--only", "flow")
        self.wait_for(ROWS, "state = 'submitting'")
        until(lambda: self.connections() == CONCURRENT_REQUESTS, "nothing is sent")
        return worker

    def finish(self) -> None:
        """A worker does the rest."""
        self.folder.start("worker", "--name", "next")


def started(folder: Folder, *words: str) -> Command:
    command = Command(words, folder.path, folder.environment())
    folder.commands.append(command)
    return command


def told_until_it_ends(command: Command) -> None:
    def ended() -> bool:
        command.process.terminate()
        return not command.is_running()

    until(ended, "it does not end", seconds=5)


@pytest.fixture
def place(folder: Folder, serve: MakeServer, host: Host) -> Iterator[Place]:
    server, services = serve(slots=ROWS, queue=ROWS), host()
    folder.settings |= server.settings | services | {"max_running": str(ROWS), "horizon": "2"}
    with closing(Place(folder, server, services["database_url"])) as here:
        yield here


def test_posts_in_flight_are_finished_and_those_that_wait_are_handed_back_at_once(place: Place) -> None:
    worker = place.worker_in_the_middle_of_its_posts()
    worker.process.terminate()
    place.wait_for(8, "state = 'planned' AND next_attempt_at <= now() AND reason LIKE '%told to stop%'")
    assert place.count("state = 'submitting'") == CONCURRENT_REQUESTS
    assert worker.is_running()
    place.server.thaw()
    assert worker.wait().status == 0
    assert place.count("state = 'submitted'") == CONCURRENT_REQUESTS == place.server.accepted()

    place.finish()
    place.wait_for(ROWS, "state = 'delivered' AND tries = 0")
    assert (place.server.accepted(), place.server.audit()["duplicates"]) == (ROWS, [])


def test_a_second_signal_ends_it_at_once_and_what_was_in_flight_is_looked_for(place: Place) -> None:
    worker = place.worker_in_the_middle_of_its_posts()
    told_until_it_ends(worker)
    assert worker.wait().status == 1
    assert worker.log[-1]["why"] == "told twice"
    place.finish()
    place.wait_for(CONCURRENT_REQUESTS, "state = 'in_doubt'")
    place.server.thaw()
    place.wait_for(ROWS, "state = 'delivered'")
    assert (place.server.accepted(), set(place.server.audit()["by_work"].values())) == (ROWS, {1})


def test_a_worker_that_does_not_come_to_an_end_is_ended(place: Place) -> None:
    quick = "from pipeline.worker import stopping; from pipeline.cli import main; stopping.STOP_WITHIN = 1.5; main()"
    worker = place.worker_in_the_middle_of_its_posts(sys.executable, "-c", quick, "worker", "--only", "flow")
    worker.process.terminate()
    assert worker.wait(10).status == 1
    assert worker.log[-1]["why"] == "not at an end after 2 seconds"
    place.finish()
    place.wait_for(CONCURRENT_REQUESTS, "state = 'in_doubt'")


def test_downloads_that_wait_are_free_for_another_worker_at_once(place: Place) -> None:
    flow = place.folder.start("worker", "--only", "flow")
    place.wait_for(ROWS, "state = 'succeeded'")
    flow.process.terminate()
    assert flow.wait(10).status == 0
    place.server.freeze()
    worker = place.folder.start("worker", "--only", "deliver")
    place.wait_for(ROWS, "state = 'succeeded' AND lease_until > now()")
    until(lambda: place.connections() == CONCURRENT_DOWNLOADS, "nothing is downloaded")
    worker.process.terminate()
    place.wait_for(CONCURRENT_DOWNLOADS, "state = 'succeeded' AND lease_until > now()")
    assert worker.is_running()
    place.server.thaw()
    assert worker.wait().status == 0
    assert place.count("state = 'delivered'") == CONCURRENT_DOWNLOADS
    place.finish()
    place.wait_for(ROWS, "state = 'delivered'")
    place.beat.process.terminate()
    assert place.beat.wait(10).status == 0


def test_a_receiver_of_callbacks_ends_with_what_it_holds_or_at_once_if_it_is_told_twice(
    folder: Folder, host: Host
) -> None:
    folder.settings |= host() | {"api_base_url": "http://api.test", "api_key": "key"}
    assert folder.pipeline("migrate").status == 0
    patient, hurried = folder.start("hooks", "--port", "0"), folder.start("hooks", "--port", "0")
    until(lambda: all("callbacks_are_received" in one.err for one in (patient, hurried)), "they do not start")
    patient.process.terminate()
    assert patient.wait(10).status == 0
    port = int(hurried.log[0]["at"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as caller:
        caller.sendall(b"POST /hooks/0 HTTP/1.1\r\nhost: hooks\r\ncontent-length: 9\r\n\r\n{")
        told_until_it_ends(hurried)
    assert hurried.wait().status == 1
    assert "stopped_at_once" in hurried.err


def test_the_supervisor_waits_longer_than_a_worker_takes() -> None:
    assert STOP_WITHIN < GRACE
