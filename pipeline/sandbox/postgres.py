"""A private Postgres on a loopback port, its data in the lair."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from pipeline.sandbox.lair import EmbeddedError, Memory, with_tail
from pipeline.sandbox.postgres_install import Install, account_for, find_install
from pipeline.sandbox.processes import Command, living_in

DATABASE = "pipeline"
USER = "pipeline"
LEFTOVERS = 10.0  # seconds that servers of an earlier life may take to end
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # nothing to clash with, nothing too long
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # parallel plans need more /dev/shm than containers have
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_HERE = "/proc/self/cwd"
"""The data folder as Postgres is told it: its working directory. It is entered before root is dropped, so that folders
above it may be closed to the user that Postgres runs as, and its path may be of any length."""
_ACCESS = f"host all {USER} 127.0.0.1/32 scram-sha-256\n"

Run = Callable[[Command, BinaryIO], Awaitable[int]]


class Postgres:
    """The recipe of the embedded Postgres. `run` runs a command to its end and returns its exit status."""

    name = "postgres"
    patience = 60.0
    grace = 10.0
    serves = True
    stop_signal = signal.SIGINT  # a fast shutdown: clients are cut off, everything committed is written

    def __init__(self, folder: Path, memory: Memory, run: Run) -> None:
        self._folder = folder
        self._data = folder / "postgres"
        self._memory = memory
        self._run = run
        self._install: Install | None = None

    @property
    def url(self) -> str:
        port, password = self._memory.port(self.name), self._memory.secret(self.name)
        return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"

    async def prepare(self, log: BinaryIO) -> Command:
        if self._install is None:
            self._install = await self._make_ready(log)
        await vacate(self._data)
        settings = {**SETTINGS, "port": str(self._memory.port(self.name))}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return self._command(self._install, self._data, "postgres", "-D", _HERE, *options)

    async def is_ready(self, pid: int) -> bool:
        # Postgres writes its state into the eighth line of its lock file; pg_ctl reads it there too.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    async def _make_ready(self, log: BinaryIO) -> Install:
        install = find_install(account_for(self._data))
        if not (self._data / "PG_VERSION").exists():
            await self._create(install, log)
        written_by = int((self._data / "PG_VERSION").read_text().split(".")[0])
        if written_by != install.major:
            raise EmbeddedError(
                f"the data in {self._data} was written by Postgres {written_by} and this is Postgres {install.major} "
                f"({install.programs}): install Postgres {written_by}, or choose another data folder"
            )
        if self._memory.secret(self.name) is None:
            await vacate(self._data)
            await self._set_password(install, self._data, log)
        return install

    async def _create(self, install: Install, log: BinaryIO) -> None:
        """A complete cluster appears at once, or not at all."""
        draft = self._data.with_name("postgres.new")
        await vacate(draft)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if install.account:
            os.chown(draft, install.account.uid, install.account.gid)
        options = ("-D", _HERE, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions")
        if await self._run(self._command(install, draft, "initdb", *options), log):
            raise EmbeddedError(with_tail(self._folder, self.name, "postgres could not create its data (initdb)"))
        (draft / "pg_hba.conf").write_text(_ACCESS)
        await self._single(install, draft, f"CREATE DATABASE {DATABASE}", log)
        await self._set_password(install, draft, log)
        draft.rename(self._data)

    async def _set_password(self, install: Install, data: Path, log: BinaryIO) -> None:
        password = self._memory.secret(self.name) or self._memory.new_secret()
        await self._single(install, data, f"ALTER ROLE {USER} PASSWORD '{password}'", log)
        self._memory.keep_secret(self.name, password)

    async def _single(self, install: Install, data: Path, statement: str, log: BinaryIO) -> None:
        """One statement in a server of its own, that ends with it."""
        options = ("--single", "-D", _HERE, "-c", "exit_on_error=on", "-c", "log_min_error_statement=panic")
        command = self._command(install, data, "postgres", *options, "postgres", feed=f"{statement}\n".encode())
        if await self._run(command, log):
            raise EmbeddedError(with_tail(self._folder, self.name, "postgres could not set up its database"))

    def _command(self, install: Install, data: Path, program: str, *words: str, feed: bytes = b"") -> Command:
        return Command(
            argv=(str(install.programs / program), *words),
            # PG... variables of the person's shell are for their own servers.
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=data,
            account=install.account,
            dies_by=signal.SIGINT,
            feed=feed,
        )


async def vacate(data: Path) -> None:
    """Wait until no server of an earlier life works on the data, and remove the lock file it left.

    Postgres itself takes a zombie, or any process that got the pid since, for a live server and refuses to start.
    Raises EmbeddedError if a server does not leave.
    """
    lock = data / "postmaster.pid"
    gives_up = time.monotonic() + LEFTOVERS
    while living := living_in(data, "postgres"):
        if _pid_in(lock) not in living:
            for orphan in living:  # backends whose server is dead: nobody will ask them to stop
                with contextlib.suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGQUIT)
        if time.monotonic() > gives_up:
            pids = ", ".join(map(str, living))
            raise EmbeddedError(
                f"another Postgres (process {pids}) works on {data}: stop it (kill -INT {living[0]}) and try again"
            )
        await asyncio.sleep(0.02)
    lock.unlink(missing_ok=True)


def _pid_in(lock: Path) -> int | None:
    try:
        return int(lock.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
