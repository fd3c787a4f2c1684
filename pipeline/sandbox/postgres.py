"""A private Postgres on a loopback port, its data in the lair (or where `postgres_install` must put it)."""

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
from pipeline.sandbox.postgres_install import Install, account_for, find_install, settle_data
from pipeline.sandbox.processes import Account, Command, living_in

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
_ACCESS = f"host all {USER} 127.0.0.1/32 scram-sha-256\n"

Run = Callable[[Command, BinaryIO], Awaitable[int]]


class Postgres:
    """The recipe of the embedded Postgres. `run` runs a command to its end and returns its exit status."""

    name = "postgres"
    patience = 60.0
    grace = 10.0
    stop_signal = signal.SIGINT  # a fast shutdown: clients are cut off, everything committed is written

    def __init__(self, folder: Path, memory: Memory, run: Run) -> None:
        self._folder = folder
        self._data = folder / "postgres"
        self._memory = memory
        self._run = run
        self._ready_to_start: tuple[Install, Account | None] | None = None

    @property
    def url(self) -> str:
        port, password = self._memory.port(self.name), self._memory.secret(self.name)
        return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"

    async def prepare(self, log: BinaryIO) -> Command:
        if self._ready_to_start is None:
            self._ready_to_start = await self._make_ready(log)
        install, account = self._ready_to_start
        await vacate(self._data)
        settings = {**SETTINGS, "port": str(self._memory.port(self.name))}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return self._command(install, account, "postgres", "-D", str(self._data.resolve()), *options)

    async def is_ready(self, pid: int) -> bool:
        # Postgres writes its state into the eighth line of its lock file; pg_ctl reads it there too.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    async def _make_ready(self, log: BinaryIO) -> tuple[Install, Account | None]:
        account = account_for(self._data)
        install = find_install(account)
        if account:
            settle_data(self._data, account)
        if not (self._data / "PG_VERSION").exists():
            await self._create(install, account, log)
        written_by = int((self._data / "PG_VERSION").read_text().split(".")[0])
        if written_by != install.major:
            raise EmbeddedError(
                f"the data in {self._data} was written by Postgres {written_by} and this is Postgres {install.major} "
                f"({install.programs}): install Postgres {written_by}, or choose another data folder"
            )
        if self._memory.secret(self.name) is None:
            await vacate(self._data)
            await self._set_password(install, account, self._data, log)
        return install, account

    async def _create(self, install: Install, account: Account | None, log: BinaryIO) -> None:
        """A complete cluster appears at once, or not at all."""
        place = self._data.resolve()
        draft = place.with_name(f"{place.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if account:
            os.chown(draft, account.uid, account.gid)
        initdb = ("initdb", "-D", str(draft), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        if await self._run(self._command(install, account, *initdb, "--no-instructions"), log):
            raise EmbeddedError(with_tail(self._folder, self.name, "postgres could not create its data (initdb)"))
        (draft / "pg_hba.conf").write_text(_ACCESS)
        await self._single(install, account, draft, f"CREATE DATABASE {DATABASE}", log)
        await self._set_password(install, account, draft, log)
        with contextlib.suppress(FileNotFoundError):
            place.rmdir()
        draft.rename(place)

    async def _set_password(self, install: Install, account: Account | None, data: Path, log: BinaryIO) -> None:
        password = self._memory.secret(self.name) or self._memory.new_secret()
        await self._single(install, account, data, f"ALTER ROLE {USER} PASSWORD '{password}'", log)
        self._memory.keep_secret(self.name, password)

    async def _single(
        self, install: Install, account: Account | None, data: Path, statement: str, log: BinaryIO
    ) -> None:
        """One statement in a server of its own, that ends with it."""
        options = ("--single", "-D", str(data), "-c", "exit_on_error=on", "-c", "log_min_error_statement=panic")
        command = self._command(install, account, "postgres", *options, "postgres", feed=f"{statement}\n".encode())
        if await self._run(command, log):
            raise EmbeddedError(with_tail(self._folder, self.name, "postgres could not set up its database"))

    def _command(
        self, install: Install, account: Account | None, program: str, *words: str, feed: bytes = b""
    ) -> Command:
        return Command(
            argv=(str(install.programs / program), *words),
            # PG... variables of the person's shell are for their own servers.
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=Path("/"),
            account=account,
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
