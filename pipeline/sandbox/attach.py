"""The client side of the embedded services: `with attach(folder) as services: services.postgres()`.

Tests start throwaway servers the same way: `attach(tmp_path)`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.sandbox.lair import EmbeddedError, open_lair, open_log, socket_address, take_lock, with_tail
from pipeline.sandbox.program import OVER, Program, Status

__all__ = ["EmbeddedError", "Program", "Services", "Status", "attach"]

START = 30.0  # seconds; an earlier supervisor may have to stop its programs first
ANSWER = 120.0  # seconds; Postgres may have to recover
FAREWELL = 60.0  # seconds; programs have their grace
ENDING = 1.0  # seconds from a supervisor's last word to its exit
_started: list[subprocess.Popen[bytes]] = []  # supervisors that this process started and must reap


def attach(folder: Path | str = ".pipeline") -> Services:
    """The embedded services of a data folder; started if nobody has started them yet.

    They run until the last process that is attached has left. Raises EmbeddedError.
    """
    lair = open_lair(Path(folder))
    _reap()
    gives_up = time.monotonic() + START
    supervisor: subprocess.Popen[bytes] | None = None
    while True:
        if greeted := _connect(lair):
            return Services(lair, *greeted)
        if supervisor is not None and (status := supervisor.poll()) is not None:
            if status != 0:
                sentence = f"the supervisor of {lair} ended with exit status {status}"
                raise EmbeddedError(with_tail(lair, "supervisor", sentence))
            supervisor = None  # it has served others, and they have left
        if supervisor is None:
            supervisor = _start(lair)
        if time.monotonic() > gives_up:
            raise EmbeddedError(with_tail(lair, "supervisor", f"the supervisor of {lair} does not answer"))
        time.sleep(0.01)


class Services:
    """An attachment to the embedded services. Threads may share it; processes must not."""

    def __init__(self, folder: Path, connection: socket.socket, supervisor_pid: int) -> None:
        self.folder = folder
        self.supervisor_pid = supervisor_pid
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._turn = threading.Lock()

    def postgres(self) -> str:
        """The URL of a Postgres that answers: `postgresql://user:password@127.0.0.1:port/pipeline`."""
        return str(self._ask("postgres")["url"])

    def redis(self) -> str:
        """The URL of a Redis that answers: `redis://:password@127.0.0.1:port/0`."""
        return str(self._ask("redis")["url"])

    def port(self, name: str) -> int:
        """A free loopback port for a program of that name; the same one every time, unless somebody takes it."""
        return int(self._ask("port", name=name)["port"])

    def ensure(self, program: Program) -> None:
        """Have a program run, and restarted when it dies, until this attachment ends. Returns once it is ready.

        Raises EmbeddedError, with the last lines of its log, if it cannot be had.
        """
        self._ask("ensure", program=asdict(program.as_asked_here()))

    def status(self) -> tuple[Status, ...]:
        """Every child of the supervisor."""
        return tuple(Status.from_json(words) for words in self._ask("status")["children"])

    def close(self) -> None:
        """Leave. Returns once everything that only this attachment wanted has stopped."""
        if self._lines.closed:
            return
        last_words = b""
        with contextlib.suppress(OSError), self._connection, self._lines:
            self._connection.settimeout(FAREWELL)
            self._connection.shutdown(socket.SHUT_WR)
            last_words = self._lines.read()
        _reap(wait=ENDING if last_words.endswith(OVER) else 0)

    def _ask(self, do: str, **words: object) -> dict[str, Any]:
        try:
            with self._turn:
                self._connection.sendall(json.dumps({"do": do, **words}).encode() + b"\n")
                line = self._lines.readline()
        except (OSError, ValueError) as error:
            line = b""
            cause: Exception | None = error
        else:
            cause = None
        if not line:
            sentence = f"the supervisor of {self.folder} has gone while this process needed it; start again"
            raise EmbeddedError(with_tail(self.folder, "supervisor", sentence)) from cause
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EmbeddedError(answer["error"])
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _connect(folder: Path) -> tuple[socket.socket, int] | None:
    """A connection, and the pid of the supervisor that greeted it; None if nobody serves, or is about to end."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(ANSWER)
        with socket_address(folder) as address:
            connection.connect(address)
        connection.sendall(b'{"do": "hello"}\n')
        if greeting := connection.recv(4096):
            return connection, json.loads(greeting)["pid"]
    except (OSError, ValueError):
        pass  # nobody there, or its last word
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[int | None]:
    lock = take_lock(folder)
    try:
        yield lock
    finally:
        if lock is not None:
            os.close(lock)


def _start(folder: Path) -> subprocess.Popen[bytes] | None:
    """Start a supervisor and hand it the lock; None while another one holds it."""
    try:
        return _spawn(folder)
    except OSError as error:
        raise EmbeddedError(f"the supervisor of {folder} cannot be started: {error}") from error


def _spawn(folder: Path) -> subprocess.Popen[bytes] | None:
    with _lock(folder) as lock, open_log(folder, "supervisor") as log:
        if lock is None:
            return None
        supervisor = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "pipeline.sandbox.supervisor", str(folder), str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[2],  # where `-m` finds the package, installed or not
            start_new_session=True,  # Ctrl-C at the terminal is for the client alone
            pass_fds=(lock,),
        )
    _started.append(supervisor)
    return supervisor


def _reap(wait: float = 0) -> None:
    """Bury those that have ended; a `wait` (seconds) lets the latest end first."""
    if wait and _started:
        with contextlib.suppress(subprocess.TimeoutExpired):
            _started[-1].wait(wait)
    _started[:] = [supervisor for supervisor in _started if supervisor.poll() is None]
