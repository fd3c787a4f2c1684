"""What the tests of the embedded services share: a second process that attaches, and a look at what is left running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import psycopg
import redis

from pipeline.sandbox.attach import Services

_GUEST = """
import signal, sys
from pipeline.sandbox.attach import attach
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the shell of the tests ignores
with attach(sys.argv[1]) as services:
    for line in sys.stdin:
        print(eval(line, {"services": services}), flush=True)
"""


class Guest:
    """Another process that is attached to the same folder; it answers expressions about its `services`."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _GUEST, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def ask(self, expression: str) -> str:
        self.send(expression)
        return self.hear()

    def send(self, expression: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{expression}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def interrupt(self) -> None:
        """Ctrl-C at its terminal."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired), contextlib.suppress(BrokenPipeError):
            self.process.communicate(timeout=20)
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def watched_folder() -> Iterator[Path]:
    """A throwaway folder; fails if anything that belongs to it still runs at the end."""
    with tempfile.TemporaryDirectory(prefix="embedded-") as name:
        folder = Path(name) / "lair"
        yield folder
        until(lambda: not running_for(folder))


def running_for(folder: Path) -> list[str]:
    """Command lines of living processes that were told the folder or work below it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_text().replace("\0", " ")
                if str(folder) in command or (entry / "cwd").readlink().is_relative_to(folder):
                    found.append(command)
    return found


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for a condition; fails if it does not come true in time."""
    gives_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < gives_up, "waited in vain"
        time.sleep(0.02)


def pids(services: Services) -> list[int]:
    return [child.pid for child in services.status() if child.pid]


def alive(pid: int) -> bool:
    """Whether it runs. A zombie does not, whether or not somebody reaps it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def remember(postgres: str, cache: str) -> None:
    """Write one row and one list item."""
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (word text)")
        connection.execute("INSERT INTO memory VALUES ('kept')")
    with redis.Redis.from_url(cache) as client:
        client.rpush("memory", "kept")


def count(postgres: str, cache: str) -> tuple[int, int]:
    """How many rows and items are there."""
    with psycopg.connect(postgres) as connection:
        exists = connection.execute("SELECT to_regclass('memory')").fetchone() != (None,)
        row = connection.execute("SELECT count(*) FROM memory").fetchone() if exists else (0,)
    with redis.Redis.from_url(cache) as client:
        return row[0] if row else 0, client.llen("memory")
