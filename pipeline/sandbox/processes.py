"""Processes on Linux: born so that they die with their parent, adopted, waited for, found by folder."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating system user that a child runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How to start one process. `env` is its whole environment; `feed` is its standard input."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    account: Account | None = None
    dies_by: signal.Signals = signal.SIGTERM
    feed: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A running child. `exited` yields its exit status, negative if a signal ended it."""

    pid: int
    exited: asyncio.Future[int]


class Children:
    """Starts child processes and reaps them, from one thread: a death signal follows the thread that forked."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._living: dict[subprocess.Popen[bytes], asyncio.Future[int]] = {}
        self._loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def spawn(self, command: Command, log: BinaryIO) -> Process:
        """Start a process in a session of its own. Raises OSError where it cannot be started."""
        account = command.account
        popen = subprocess.Popen(  # noqa: S603
            command.argv,
            stdin=subprocess.PIPE if command.feed else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=command.cwd,
            env=dict(command.env),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            umask=0o077 if account else -1,
            start_new_session=True,
            # CPython calls this after it has changed the user, which would have cleared the wish.
            preexec_fn=functools.partial(die_with, os.getpid(), command.dies_by),  # noqa: PLW1509
        )
        exited: asyncio.Future[int] = self._loop.create_future()
        self._living[popen] = exited
        if popen.stdin:
            with contextlib.suppress(BrokenPipeError), popen.stdin:
                popen.stdin.write(command.feed)
        return Process(pid=popen.pid, exited=exited)

    async def run(self, command: Command, log: BinaryIO) -> int:
        """Run a command to its end and return its exit status."""
        process = self.spawn(command, log)
        try:
            return await asyncio.shield(process.exited)
        except asyncio.CancelledError:
            end_group(process.pid)
            await process.exited
            raise

    def _reap(self) -> None:
        for popen, exited in list(self._living.items()):
            status = popen.poll()
            if status is not None:
                del self._living[popen]
                if not exited.done():
                    exited.set_result(status)


def die_with(parent: int, signal_number: int) -> None:
    """Ask the kernel for this signal when the parent dies. Belongs into a fresh child."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies: not every init reaps them."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_group(leader: int) -> None:
    """SIGKILL a process and what it forked."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def children_of(parent: int) -> list[int]:
    """Pids whose parent is `parent`, zombies included."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                # The command name may hold spaces and brackets; the fields follow its last bracket.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == parent:
                    found.append(int(entry.name))
    return found


def living_in(folder: Path, *names: str) -> list[int]:
    """Pids of the programs so named whose working directory is `folder`, a server's data. Zombies have none."""
    home = str(folder.resolve())
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if str((entry / "cwd").readlink()) == home and (entry / "comm").read_text().strip() in names:
                    found.append(int(entry.name))
    return found
