"""The embedded services as a client sees them: they start, are shared, and end with their last client."""

from __future__ import annotations

import os
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis

from pipeline.sandbox import postgres_install
from pipeline.sandbox.attach import EmbeddedError, attach
from tests.integration.embedded_guest import Guest, alive, count, pids, remember, until, watched_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with watched_folder() as folder:
        yield folder


def test_a_folder_serves_postgres_and_redis_and_keeps_what_they_hold(folder: Path) -> None:
    with attach(folder) as services:
        first = services.postgres(), services.redis()
        remember(*first)
    with attach(folder) as services:
        assert (services.postgres(), services.redis()) == first
        assert count(*first) == (1, 1)


def test_nothing_runs_after_the_last_client_has_left(folder: Path) -> None:
    with attach(folder) as services:
        services.postgres()
        services.redis()
        running = pids(services)
        assert all(map(alive, running))
    assert not any(map(alive, running))
    assert not (folder / "supervisor.sock").exists()


def test_two_processes_share_one_server_that_stays_for_the_second(folder: Path) -> None:
    with Guest(folder) as guest:
        url = guest.ask("services.postgres()")
        with attach(folder) as services:
            assert services.postgres() == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_many_that_start_at_once_share_one_server(folder: Path) -> None:
    with ExitStack() as stack:
        guests = [stack.enter_context(Guest(folder)) for _ in range(5)]
        for guest in guests:
            guest.send("services.postgres()")
        assert len({guest.hear() for guest in guests}) == 1


def test_a_killed_client_leaves_nothing_behind(folder: Path) -> None:
    with Guest(folder) as guest:
        guest.ask("services.postgres()")
        guest.ask("services.redis()")
        with attach(folder) as services:
            running = pids(services)
        guest.process.kill()
        until(lambda: not any(map(alive, running)))
    assert not (folder / "supervisor.sock").exists()


def test_ctrl_c_at_the_terminal_reaches_only_the_client(folder: Path) -> None:
    with attach(folder) as services, Guest(folder) as guest:
        url = guest.ask("services.postgres()")
        guest.interrupt()
        assert services.postgres() == url


@pytest.mark.parametrize("service", ["postgres", "redis"])
def test_a_killed_server_comes_back_with_its_data_at_the_same_url(folder: Path, service: str) -> None:
    with attach(folder) as services:
        urls = services.postgres(), services.redis()
        remember(*urls)
        old = next(child.pid for child in services.status() if child.name == service)
        assert old
        os.kill(old, signal.SIGKILL)
        until(lambda: any(s.name == service and s.restarts == 1 for s in services.status()))
        assert (services.postgres(), services.redis()) == urls
        assert count(*urls) == (1, 1)


def test_a_killed_supervisor_takes_its_children_down_and_the_next_attach_works(folder: Path) -> None:
    with attach(folder) as services:
        urls = services.postgres(), services.redis()
        remember(*urls)
        running = pids(services)
        os.kill(services.supervisor_pid, signal.SIGKILL)
        until(lambda: not any(map(alive, running)))
        with pytest.raises(EmbeddedError, match="start again"):
            services.postgres()
    with attach(folder) as services:
        assert (services.postgres(), services.redis()) == urls
        assert count(*urls) == (1, 1)


def test_everything_killed_at_once_loses_nothing_that_was_committed(folder: Path) -> None:
    with attach(folder) as services:
        urls = services.postgres(), services.redis()
        remember(*urls)
        outer = int(Path(f"/proc/{services.supervisor_pid}/stat").read_text().split()[3])
        for pid in (outer, services.supervisor_pid, *pids(services)):
            os.kill(pid, signal.SIGKILL)
    with attach(folder) as services:
        assert (services.postgres(), services.redis()) == urls
        assert count(*urls) == (1, 1)


def test_a_lock_file_that_names_another_program_does_not_block_postgres(folder: Path) -> None:
    with attach(folder) as services:
        services.postgres()
        lock = (folder / "postgres" / "postmaster.pid").read_text().splitlines()
    (folder / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lock[1:]]) + "\n")
    with attach(folder) as services:
        assert services.postgres()


def test_a_lost_password_file_costs_no_data(folder: Path) -> None:
    with attach(folder) as services:
        remember(services.postgres(), services.redis())
    (folder / "remembered.json").unlink()
    with attach(folder) as services:
        assert count(services.postgres(), services.redis()) == (1, 1)


def test_a_supervisor_that_is_told_to_end_ends_all_in_order(folder: Path) -> None:
    with attach(folder) as services:
        services.postgres()
        running = pids(services)
        os.kill(services.supervisor_pid, signal.SIGTERM)
        until(lambda: not any(map(alive, running)))
    assert "database system is shut down" in (folder / "log" / "postgres.log").read_text()
    assert (folder / "log" / "supervisor.log").read_text() == ""


def test_a_folder_deeper_than_a_socket_address_may_be_long(folder: Path) -> None:
    deep = folder.joinpath(*["a-folder-of-thirty-characters"] * 5)
    with attach(deep) as services:
        remember(services.postgres(), services.redis())
        assert len(str(deep)) > 108


def test_two_folders_have_servers_of_their_own(folder: Path) -> None:
    with attach(folder / "one") as one, attach(folder / "two") as two:
        remember(one.postgres(), one.redis())
        assert count(two.postgres(), two.redis()) == (0, 0)


def test_a_port_is_the_same_every_time_unless_somebody_takes_it(folder: Path) -> None:
    with attach(folder) as services:
        port = services.port("api")
    with attach(folder) as services:
        assert services.port("api") == port
    with socket.create_server(("127.0.0.1", port)), attach(folder) as services:
        assert services.port("api") != port


def test_the_servers_ask_for_a_password_that_only_the_owner_can_read(folder: Path) -> None:
    with attach(folder) as services:
        postgres, cache = services.postgres(), services.redis()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(postgres, password="guessed")
        guess = cache.replace(cache[len("redis://:") : cache.index("@")], "guessed")
        with redis.Redis.from_url(guess) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    assert stat.S_IMODE((folder / "remembered.json").stat().st_mode) == 0o600
    assert not folder.stat().st_mode & 0o077


def test_the_supervisor_itself_has_ended_when_its_last_client_has_left(folder: Path) -> None:
    with attach(folder) as services:
        outer = int(Path(f"/proc/{services.supervisor_pid}/stat").read_text().split()[3])
    assert not Path(f"/proc/{outer}").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands Postgres to another user")
def test_root_keeps_its_data_below_a_closed_folder_and_opens_none(folder: Path) -> None:
    folder.parent.chmod(0o700)
    with attach(folder) as services:
        remember(services.postgres(), services.redis())
        assert (folder / "postgres").stat().st_uid != 0
    assert [stat.S_IMODE(place.stat().st_mode) for place in (folder.parent, folder)] == [0o700, 0o700]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands Postgres to another user")
def test_root_copies_programs_that_the_other_user_cannot_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = postgres_install.find_install(None).programs.parents[1]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        (closed / part.name).symlink_to(part)
    account = postgres_install.account_for(tmp_path / "none yet")
    monkeypatch.syspath_prepend(closed)
    with tempfile.TemporaryDirectory() as state:
        Path(state).chmod(0o755)
        monkeypatch.setattr(postgres_install, "STATE", Path(state))
        install = postgres_install.find_install(account)
        assert install.programs.is_relative_to(state)
