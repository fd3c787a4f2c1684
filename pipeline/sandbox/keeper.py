"""Keeps one child alive: starts it, waits until it answers, restarts it when it dies, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pipeline.sandbox.lair import EmbeddedError, cut_log, log_tail, open_log, with_tail
from pipeline.sandbox.processes import Children, Command, Process, end_group

QUICK = 10.0  # seconds; a life shorter than this counts as a quick death
QUICK_DEATHS = 5  # in a row, before giving up
LOOK_AT_LOG_EVERY = 30.0  # seconds
LONGEST_PAUSE = 5.0  # seconds between two starts


class Recipe(Protocol):
    """What a keeper must know of a child.

    `patience` and `grace` are the seconds it may take to answer and to stop. `serves` says that others connect to it.
    """

    name: str
    patience: float
    grace: float
    stop_signal: signal.Signals
    serves: bool

    async def prepare(self, log: BinaryIO) -> Command:
        """Make everything ready for a start. Raises EmbeddedError or OSError if it cannot be."""

    async def is_ready(self, pid: int) -> bool:
        """Whether the child answers by now."""


class Keeper:
    """One supervised child, from its first start to `stop`. `state` is starting, running, failed or stopping."""

    def __init__(self, recipe: Recipe, children: Children, folder: Path) -> None:
        self.recipe = recipe
        self.state = "starting"
        self.restarts = 0
        self.why = ""
        self.gone = asyncio.Event()
        self._children = children
        self._folder = folder
        self._process: Process | None = None
        self._born = 0.0
        self._born_at = 0.0
        self._log_start = 0
        self._settled = asyncio.Event()
        self._task = asyncio.create_task(self._keep())

    async def ready(self) -> None:
        """Wait until the child answers. Raises EmbeddedError if it has failed for good."""
        await self._settled.wait()
        if self.state != "running":
            raise EmbeddedError(self.why or f"{self.recipe.name} is being stopped")

    def retire(self) -> None:
        """Restart it no more. `stop` follows."""
        if self.state != "stopping":
            self.state = "stopping"
            self._settled.set()
            self._task.cancel()

    async def stop(self) -> None:
        """End the child: politely, after its grace by force. Whatever it forked ends with it."""
        self.retire()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._process is not None:
            await self._end(self._process)
        self.gone.set()

    def describe(self) -> dict[str, Any]:
        """For `status`, as JSON."""
        return {
            "name": self.recipe.name,
            "state": self.state,
            "pid": self._process.pid if self._process else None,
            "since": self._born_at,
            "restarts": self.restarts,
            "log": log_tail(self._folder, self.recipe.name, self._log_start),
        }

    async def _keep(self) -> None:
        quick_deaths = 0
        answered = False
        try:
            while True:
                process = await self._start()
                if await self._answers(process):
                    answered = True
                    self.state = "running"
                    self._settled.set()
                status = await self._end_of(process)
                self._bury(process)
                quick_deaths = quick_deaths + 1 if time.monotonic() - self._born < QUICK else 0
                if not answered or quick_deaths >= QUICK_DEATHS:
                    raise EmbeddedError(self._obituary(status, quick_deaths))
                await asyncio.sleep(min(0.05 * 2**quick_deaths, LONGEST_PAUSE))
                self.restarts += 1
        except (EmbeddedError, OSError) as error:
            self.why = str(error) if isinstance(error, EmbeddedError) else self._refusal(error)
            self.state = "failed"
            self._settled.set()

    async def _end_of(self, process: Process) -> int:
        """Waits for the child's exit status, and keeps its log from growing without end."""
        while True:
            await asyncio.wait((process.exited,), timeout=LOOK_AT_LOG_EVERY)
            if process.exited.done():
                return process.exited.result()
            if cut_log(self._folder, self.recipe.name):
                self._log_start = 0

    async def _start(self) -> Process:
        with open_log(self._folder, self.recipe.name) as log:
            self._log_start = os.fstat(log.fileno()).st_size
            command = await self.recipe.prepare(log)
            process = self._children.spawn(command, log)
        self._process = process
        self._born, self._born_at = time.monotonic(), time.time()
        return process

    async def _answers(self, process: Process) -> bool:
        """Wait for readiness; False if the child died first. Raises EmbeddedError when patience ends."""
        patience_ends = self._born + self.recipe.patience
        while not process.exited.done():
            if await self.recipe.is_ready(process.pid):
                return True
            if time.monotonic() > patience_ends:
                await self._end(process)
                sentence = f"{self.recipe.name} did not answer within {self.recipe.patience:.0f} s"
                raise EmbeddedError(with_tail(self._folder, self.recipe.name, sentence, self._log_start))
            await asyncio.wait((process.exited,), timeout=0.02)
        return False

    async def _end(self, process: Process) -> None:
        if not process.exited.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, self.recipe.stop_signal)
            await asyncio.wait((process.exited,), timeout=self.recipe.grace)
        end_group(process.pid)
        await process.exited
        self._process = None

    def _bury(self, process: Process) -> None:
        end_group(process.pid)  # what the dead one forked must not meet its successor
        self._process = None
        self._settled.clear()
        self.state = "starting"

    def _obituary(self, status: int, quick_deaths: int) -> str:
        how = f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"
        often = f" {quick_deaths} times in a row" if quick_deaths > 1 else ""
        sentence = f"{self.recipe.name} {how}{often}"
        return with_tail(self._folder, self.recipe.name, sentence, self._log_start)

    def _refusal(self, error: OSError) -> str:
        where = f"{error.filename}: " if error.filename else ""
        return f"{self.recipe.name} cannot be started: {where}{error.strerror or error}"
