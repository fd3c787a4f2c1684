"""What a client may ask the supervisor to run, and what it hears about it. Both sides of the control socket use it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.sandbox.lair import EmbeddedError, is_free
from pipeline.sandbox.processes import Command

SHELL = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
"""What a program gets of the asking process's environment; the rest it must be given in `env`."""

OVER = b"over\n"
"""What the supervisor says last, when everything has stopped and it is about to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program to keep running while somebody wants it. Equal programs are one: clients share it.

    `ready` is `tcp:127.0.0.1:PORT` where the program listens, or empty: then it counts as ready once it runs.
    `grace` is how many seconds it may take to stop after SIGTERM. `cwd` is by default the asking process's own.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str = ""
    grace: float = 10.0
    cwd: str = ""

    def as_asked_here(self) -> Program:
        """With this process's folder and shell environment filled in, so that it can be started elsewhere."""
        shell = {name: os.environ[name] for name in SHELL if name in os.environ}
        whole = {**asdict(self), "env": {**shell, **self.env}, "cwd": self.cwd or str(Path.cwd())}
        return Program(**whole)

    @classmethod
    def from_json(cls, words: Mapping[str, Any]) -> Program:
        return cls(**{**words, "argv": tuple(words["argv"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One child of the supervisor. `state` is starting, running, failed or stopping; `log` its last lines."""

    name: str
    state: str
    pid: int | None
    since: datetime
    restarts: int
    log: tuple[str, ...]

    @classmethod
    def from_json(cls, words: Mapping[str, Any]) -> Status:
        since = datetime.fromtimestamp(words["since"], tz=UTC)
        return cls(**{**words, "since": since, "log": tuple(words["log"])})


class ProgramRecipe:
    """The recipe of a program that a client asked for."""

    patience = 30.0
    stop_signal = signal.SIGTERM

    def __init__(self, program: Program) -> None:
        self.name = program.name
        self.grace = program.grace
        self.serves = bool(program.ready)
        self._program = program
        self._port = int(program.ready.rpartition(":")[2]) if program.ready else None
        self._started = False

    async def prepare(self, log: BinaryIO) -> Command:  # noqa: ARG002
        if self._port and not self._started and not is_free(self._port):
            raise EmbeddedError(f"{self.name} cannot be started: port {self._port} is taken by another program")
        self._started = True
        program = self._program
        return Command(argv=program.argv, env=program.env, cwd=Path(program.cwd))

    async def is_ready(self, pid: int) -> bool:  # noqa: ARG002
        if self._port is None:
            return True
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.close()
        except OSError:  # a timeout too
            return False
        return True
