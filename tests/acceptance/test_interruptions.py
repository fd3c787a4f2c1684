"""Ctrl-C, kill -9 of any process, and several runs at once: nothing is lost, and nothing is paid for twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from pipeline.sandbox.attach import Services
from tests.acceptance.conftest import MakeServer
from tests.acceptance.outside import Command, Ended, Folder, Server, Started, processes_of, until


@pytest.fixture
def slow_server(serve: MakeServer) -> Server:
    """Slow enough that there is a middle of a run."""
    return serve(imagine_seconds=0.6, upscale_seconds=0.15)


def wait_for_the_middle(run: Command, server: Server, accepted: int) -> None:
    until(lambda: server.accepted() >= accepted or not run.is_running(), "nothing is accepted")
    assert run.is_running(), run.err


def test_ctrl_c_leaves_a_batch_that_watch_and_the_same_run_go_on_with(folder: Folder, slow_server: Server) -> None:
    folder.settings |= slow_server.settings
    folder.rows("long.csv", 5)
    run = folder.start("run", "long.csv", "--json")
    wait_for_the_middle(run, slow_server, accepted=3)
    run.interrupt()
    interrupted = run.wait()
    assert (interrupted.status, interrupted.out) == (130, "")
    assert interrupted.err.splitlines()[-1] == ("interrupted: nothing is lost. Go on with: pipeline run long.csv")
    assert folder.running() == []
    after_run = slow_server.accepted()
    assert after_run < 25

    watch = folder.start("watch", "long")
    wait_for_the_middle(watch, slow_server, accepted=after_run + 3)
    watch.interrupt()
    interrupted = watch.wait()
    assert (interrupted.status, interrupted.out) == (130, "")
    assert "pipeline watch long" in interrupted.err
    assert "Traceback" not in interrupted.err
    assert folder.running() == []
    after_watch = slow_server.accepted()
    assert after_watch < 25

    again = folder.pipeline("run", "long.csv", "--json")
    assert again.status == 0, again.err
    assert {"tasks": 25, "sent": 25 - after_watch, "delivered": 25, "in_doubt": 0}.items() <= again.json.items()
    assert (slow_server.accepted(), slow_server.audit()["duplicates"]) == (25, [])


VICTIMS = {"our-own": ("worker-1", "beat", "deliver"), "redis": ("redis",), "postgres": ("postgres",)}


@pytest.fixture(scope="module")
def wounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Started]]:
    """Runs, all at once, in the middle of which something is killed."""
    with ExitStack() as stack:
        started = {}
        for name in VICTIMS:
            home = tmp_path_factory.mktemp(name)
            server = stack.enter_context(Server(home, imagine_seconds=1.0, upscale_seconds=0.3))
            folder = Folder(home / "project", **server.settings)
            stack.callback(folder.leave)
            started[name] = folder, server, folder.start("run", folder.rows("tough.csv", 4), "--json")
        for name, (folder, server, run) in started.items():
            wait_for_the_middle(run, server, accepted=4)
            with folder.services() as services:
                wait_for_a_rest(services.postgres())
                kill(services, *VICTIMS[name])
        yield started


def wait_for_a_rest(database: str) -> None:
    """A worker that dies in a POST leaves a doubt, which is another story."""
    until(lambda: in_a_post(database) == 0, "it never rests")


def in_a_post(database: str) -> int:
    """How many tasks are being sent right now."""
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM tasks WHERE state = 'submitting'").fetchone()
    assert row
    return int(row[0])


def kill(services: Services, *victims: str) -> None:
    pids = {child.name: child.pid for child in services.status()}
    for victim in victims:
        pid = pids[victim]
        assert pid, f"{victim} does not run"
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("victims", VICTIMS)
def test_a_run_survives_kill_9_of_what_works_for_it(wounded: dict[str, Started], victims: str) -> None:
    folder, server, run = wounded[victims]
    ended = run.wait(40)
    assert "Traceback" not in ended.err
    assert server.audit()["duplicates"] == []
    assert (ended.status, ended.json["delivered"], ended.json["in_doubt"]) == (0, 20, 0), ended.err
    assert len(folder.pictures("tough")) == 20
    assert folder.running() == []


def test_a_run_whose_supervisor_is_killed_says_so_leaves_nothing_and_is_gone_on_with(
    folder: Folder, slow_server: Server
) -> None:
    folder.settings |= slow_server.settings
    run = folder.start("run", folder.rows("orphan.csv", 3), "--json")
    wait_for_the_middle(run, slow_server, accepted=3)
    with folder.services() as services:
        wait_for_a_rest(services.postgres())
        for pid, command, _ in processes_of(folder.path):
            if "pipeline.sandbox.supervisor" in command:
                os.kill(pid, signal.SIGKILL)
    ended = run.wait()
    assert (ended.status, ended.out, "Traceback" in ended.err) == (3, "", False)
    assert "start again" in ended.err
    until(lambda: not folder.running(), "something is left")
    again = folder.pipeline("run", "orphan.csv", "--json")
    assert (again.status, again.json["delivered"]) == (0, 15), again.err
    assert slow_server.audit()["duplicates"] == []


def killed_in_a_post(folder: Folder, server: Server) -> Ended:
    """A run whose worker is killed while its three POSTs are on their way; they arrive, or they do not."""
    run = folder.start("run", folder.rows("post.csv", 3), "--json")
    until(lambda: run.err or not run.is_running(), "it says nothing")
    server.freeze()
    with folder.services() as services:
        database = services.postgres()
        until(lambda: in_a_post(database) == 3, "nothing is sent")
        kill(services, "worker-1")
        server.thaw()
    return run.wait()


def test_what_was_in_a_post_when_its_worker_was_killed_is_found_at_the_api_or_sent_again(
    folder: Folder, server: Server
) -> None:
    folder.settings |= server.settings | {"horizon": "1"}
    ended = killed_in_a_post(folder, server)
    wanted = {"tasks": 15, "delivered": 15, "failed": 0, "in_doubt": 0}
    assert (ended.status, {key: ended.json[key] for key in wanted}) == (0, wanted), ended.err
    assert (server.accepted(), server.audit()["duplicates"]) == (15, [])
    assert set(server.audit()["by_work"].values()) == {1}


def test_where_nobody_can_tell_it_is_in_doubt_and_never_sent_again(folder: Folder, serve: MakeServer) -> None:
    server = serve(dialect="relay")
    folder.settings |= server.settings | {"horizon": "1", "api_dialect": "relay"}
    ended = killed_in_a_post(folder, server)
    wanted = {"tasks": 15, "sent": 3, "delivered": 0, "failed": 0, "in_doubt": 3}
    assert (ended.status, {key: ended.json[key] for key in wanted}) == (1, wanted)

    again = folder.pipeline("run", "post.csv", "--json")
    assert (again.status, again.json["sent"], again.json["in_doubt"]) == (1, 0, 3)
    assert server.accepted() <= 3
    assert server.audit()["duplicates"] == []
