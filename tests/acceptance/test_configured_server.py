"""A person at a terminal, and a server with a secret key: what is asked of the server, what is shown, what is kept."""

from __future__ import annotations

import os
import pty
import subprocess
import termios
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis

from tests.acceptance.outside import COMMAND, DEADLINE, Folder, Server, processes_of

SECRET = "sk-very-secret-123"
ROWS, TASKS = 4, 20


class Terminal:
    """One end of a pseudo-terminal of 80 columns, and everything that was shown on it."""

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, (24, 80))
        self._shown = bytearray()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while chunk := os.read(self._master, 65_536):
                self._shown += chunk
        except OSError:
            pass  # the last writer has closed it

    def close(self) -> str:
        os.close(self.slave)
        self._reader.join()
        os.close(self._master)
        return self._shown.decode()


@dataclass
class Visit:
    """A run in a terminal, and what could be seen while it ran."""

    folder: Folder
    status: int = -1
    out: str = ""
    err: str = ""
    audit: dict[str, Any] = field(default_factory=dict)
    command_lines: set[str] = field(default_factory=set)
    said_to_redis: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    home = tmp_path_factory.mktemp("terminal")
    folder = Folder(home / "project", workers="2")
    folder.rows("shown.csv", ROWS)
    with Server(home, key=SECRET, imagine_seconds=0.5) as server:
        visit = Visit(folder)
        with folder.services() as services:
            listener = redis.Redis.from_url(services.redis(), decode_responses=True)
            with listener.monitor() as monitor:  # type: ignore[no-untyped-call]
                ear = threading.Thread(target=listen, args=(monitor, visit.said_to_redis))
                ear.start()
                run_in_a_terminal(visit, server)
                with redis.Redis.from_url(services.redis()) as mouth:
                    mouth.echo("the end")
                ear.join()
            listener.close()
        visit.audit = server.audit()
        yield visit
    folder.leave()


def listen(monitor: Any, heard: list[str]) -> None:
    for words in monitor.listen():
        heard.append(words["command"])
        if heard[-1] == "ECHO the end":
            return


def run_in_a_terminal(visit: Visit, server: Server) -> None:
    out, err = Terminal(), Terminal()
    env = visit.folder.environment(**server.settings) | {"TERM": "xterm-256color"}
    run = subprocess.Popen(
        [*COMMAND, "run", "shown.csv"], cwd=visit.folder.path, env=env, stdout=out.slave, stderr=err.slave
    )
    watching = threading.Thread(target=watch, args=(run, visit))
    watching.start()
    visit.status = run.wait(DEADLINE)
    watching.join()
    visit.out, visit.err = out.close(), err.close()


def watch(run: subprocess.Popen[bytes], visit: Visit) -> None:
    """Command lines of everything that works for the folder, as any user of the machine could list them."""
    while run.poll() is None:
        visit.command_lines |= {command for _, command, _ in processes_of(visit.folder.path)}
        try:
            run.wait(0.1)
        except subprocess.TimeoutExpired:
            continue


def test_each_task_is_accepted_once_and_never_more_than_the_account_allows(visit: Visit) -> None:
    assert visit.status == 0, visit.err
    audit = visit.audit
    assert (audit["accepted"], audit["duplicates"], audit["refused"]) == (TASKS, [], {})
    assert set(audit["by_state"].values()) == {1}
    assert audit["max_running"] <= 3
    assert audit["max_waiting"] <= 10


def test_upscales_are_asked_for_by_the_buttons_that_the_server_offers(visit: Visit) -> None:
    asked = {path: count for path, count in visit.audit["requests"].items() if "submit" in path}
    assert asked == {"/mj/submit/imagine": ROWS, "/mj/submit/action": TASKS - ROWS}
    words = Counter(
        work.rpartition(" ")[2] for work in visit.audit["by_work"] if work.endswith(("U1", "U2", "U3", "U4"))
    )
    assert words == dict.fromkeys(("U1", "U2", "U3", "U4"), ROWS)


def test_a_terminal_shows_a_live_view_and_then_the_summary(visit: Visit) -> None:
    assert f"{TASKS} of {TASKS} pictures delivered" in visit.out
    assert "Gallery: " in visit.out
    assert "%" not in visit.out
    assert "\x1b[" in visit.err
    assert "100%" in visit.err
    assert f" of {TASKS} done" in visit.err
    assert "Traceback" not in visit.out + visit.err


def test_the_key_is_in_no_output_no_file_and_no_command_line(visit: Visit) -> None:
    assert any("pipeline worker" in command for command in visit.command_lines)
    assert [command for command in visit.command_lines if SECRET in command] == []
    assert SECRET not in visit.out + visit.err
    assert visit.folder.holds("shown.csv") != []
    assert visit.folder.holds(SECRET) == []


def test_the_key_is_never_said_to_redis(visit: Visit) -> None:
    assert any("pipeline.submit" in command for command in visit.said_to_redis)
    assert [command for command in visit.said_to_redis if SECRET in command] == []
