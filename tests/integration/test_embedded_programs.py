"""Programs that a client asks the supervisor to run: shared, restarted, stopped with their last user, explained."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from pipeline.sandbox.attach import EmbeddedError, Program, Services, Status, attach
from tests.integration.embedded_guest import Guest, alive, until, watched_folder

SLEEPER = Program(name="sleeper", argv=("sleep", "1000"))


@pytest.fixture
def folder() -> Iterator[Path]:
    with watched_folder() as folder:
        yield folder


def python(name: str, code: str, **words: str) -> Program:
    return Program(name=name, argv=(sys.executable, "-c", code), **words)


def the(services: Services, name: str) -> Status:
    return next(child for child in services.status() if child.name == name)


def test_the_same_program_asked_for_twice_runs_once(folder: Path) -> None:
    with attach(folder) as one, attach(folder) as two:
        one.ensure(SLEEPER)
        two.ensure(SLEEPER)
        assert [child.name for child in one.status()] == ["sleeper"]


def test_other_settings_make_another_program(folder: Path) -> None:
    with attach(folder) as one, attach(folder) as two:
        one.ensure(SLEEPER)
        two.ensure(Program(**{**asdict(SLEEPER), "env": {"SPEED": "2"}}))
        assert [child.name for child in one.status()] == ["sleeper", "sleeper"]


def test_a_program_stops_when_its_last_user_leaves(folder: Path) -> None:
    with attach(folder) as one:
        with attach(folder) as two, Guest(folder) as guest:
            two.ensure(SLEEPER)
            guest.ask(f"services.ensure(__import__('pipeline.sandbox.attach').sandbox.attach.{SLEEPER!r})")
            two.close()
            assert the(one, "sleeper").state == "running"
        assert one.status() == ()


def test_processes_that_come_and_go_at_once_never_fail_each_other(folder: Path) -> None:
    churn = """
import sys
from pipeline.sandbox.attach import Program, attach
for _ in range(25):
    with attach(sys.argv[1]) as services:
        services.ensure(Program(name="sleeper", argv=("sleep", "1000")))
"""
    visitors = [subprocess.Popen([sys.executable, "-c", churn, str(folder)]) for _ in range(3)]
    assert [visitor.wait(60) for visitor in visitors] == [0, 0, 0]


def test_a_program_that_dies_is_restarted(folder: Path) -> None:
    with attach(folder) as services:
        services.ensure(SLEEPER)
        pid = the(services, "sleeper").pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: the(services, "sleeper").restarts == 1)
        services.ensure(SLEEPER)
        assert the(services, "sleeper").pid not in {None, pid}


def test_a_program_that_keeps_dying_is_given_up_with_its_last_words(folder: Path) -> None:
    mortal = python("mortal", "raise SystemExit('no account is configured')")
    with attach(folder) as services:
        services.ensure(mortal)
        until(lambda: the(services, "mortal").state == "failed", seconds=30)
        assert the(services, "mortal").log == ("no account is configured",)


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    with attach(folder) as services:
        server = python("api", "raise SystemExit('bad option')", ready=f"tcp:127.0.0.1:{services.port('api')}")
        with pytest.raises(EmbeddedError, match=r"api ended with exit status 1.*\n.*bad option"):
            services.ensure(server)


def test_a_program_that_is_not_installed_is_named(folder: Path) -> None:
    with attach(folder) as services, pytest.raises(EmbeddedError, match="no-such-program: No such file"):
        services.ensure(Program(name="ghost", argv=("no-such-program",)))


def test_a_server_is_ready_when_it_listens(folder: Path) -> None:
    with attach(folder) as services:
        port = services.port("web")
        serve = ("-m", "http.server", "--bind", "127.0.0.1", str(port))
        services.ensure(Program(name="web", argv=(sys.executable, *serve), ready=f"tcp:127.0.0.1:{port}"))
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


def test_a_port_that_a_stranger_holds_is_not_taken_for_ours(folder: Path) -> None:
    with attach(folder) as services, socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"port {port} is taken"):
            services.ensure(python("web", "input()", ready=f"tcp:127.0.0.1:{port}"))


def test_what_a_program_forked_ends_with_it_even_when_it_ignores_sigterm(folder: Path) -> None:
    stubborn = "import os, signal, time; signal.signal(15, signal.SIG_IGN); os.fork(); time.sleep(1000)"
    with attach(folder) as services:
        services.ensure(Program(name="stubborn", argv=(sys.executable, "-c", stubborn, str(folder)), grace=0.2))


def test_a_killed_supervisor_takes_down_programs_and_what_they_forked(folder: Path) -> None:
    family = f"import os, time; print(os.fork(), flush=True); open({str(folder / 'up')!r}, 'w'); time.sleep(1000)"
    with attach(folder) as services:
        services.ensure(Program(name="family", argv=(sys.executable, "-c", family, str(folder))))
        until((folder / "up").exists)
        father = the(services, "family").pid
        assert father
        os.kill(services.supervisor_pid, signal.SIGKILL)
        until(lambda: not alive(father))
