"""Reports to `notifyHook`: the whole task, when it begins, at each step of its progress, and when it is over.

Nothing runs here until a task has a hook. Then one asyncio task wakes at the next moment at which something is due, and
ten others send. A report that fails is counted and forgotten, as by the real servers; two may overtake each other.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import httpx

from pipeline.sandbox.dialects import Dialect
from pipeline.sandbox.engine import Engine
from pipeline.sandbox.options import Options
from pipeline.sandbox.printer import Printer
from pipeline.sandbox.tasks import Task

AT_ONCE = 10
"""`notify-pool-size` of the real servers."""
PATIENCE = 10.0
"""Seconds that one report may take."""
OVERTAKEN = 0.05
"""Seconds by which a report that lost its turn comes after the one that follows it."""


@dataclass(frozen=True, slots=True)
class Report:
    """One POST, as the task was when the change was noticed."""

    url: str
    body: bytes


class Callbacks:
    """Watches the engine. `counts`: delivered, refused (another status than 2xx), failed, and the chosen faults."""

    def __init__(self, options: Options, dialect: Dialect, engine: Engine, printer: Printer) -> None:
        self.counts: Counter[str] = Counter()
        self._options = options
        self._dialect = dialect
        self._engine = engine
        self._printer = printer
        self._running: list[asyncio.Task[None]] = []
        self.reset()
        engine.watch = self._moved
        for task in engine.unfinished():
            if task.order.notify_hook:
                self._awaited.add(task.id)
                self._climbing(task, 0)

    def reset(self) -> None:
        self.counts.clear()
        self._lots = Random(self._options.seed)  # noqa: S311 - not a secret
        self._awaited: set[str] = set()
        self._steps: list[tuple[int, str, int, Task]] = []
        self._held: dict[str, Report] = {}
        self._outbox: asyncio.Queue[Report] = asyncio.Queue()
        self._woken = asyncio.Event()
        for task in self._running:
            task.cancel()
        self._running = []

    async def close(self) -> None:
        self._engine.watch = None
        running, self._running = self._running, []
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def start(self) -> None:
        """Begins to look after what a journal brought back."""
        if self._awaited:
            self._wake()

    def expect(self, task: Task) -> None:
        """A new task, which may have a hook, and may still wait."""
        if task.order.notify_hook and task.finished is None:
            self._awaited.add(task.id)
            self._wake()

    def _moved(self, task: Task, moment: int) -> None:
        """The engine's: a task has begun or ended."""
        if self._awaited:
            self._climb(moment)
        if not task.order.notify_hook:
            return
        if task.finished is not None:
            self._awaited.discard(task.id)
            self._report(task, moment)
        else:
            self._awaited.add(task.id)
            self._report(task, moment)
            self._climbing(task, 1)
            self._wake()

    def _climbing(self, task: Task, step: int) -> None:
        moment = task.step(step)
        if moment is not None:
            heapq.heappush(self._steps, (moment, task.id, step, task))

    def _climb(self, now: int) -> None:
        """Reports every step that has been reached."""
        while self._steps and self._steps[0][0] <= now:
            moment, _, step, task = heapq.heappop(self._steps)
            if task.finished is None or moment < task.finished:
                self._report(task, moment)
                self._climbing(task, step + 1)

    def _wake(self) -> None:
        self._woken.set()
        if not self._running:
            loop = asyncio.get_running_loop()
            client = httpx.AsyncClient(timeout=PATIENCE, trust_env=False)
            senders = [loop.create_task(self._send(client, self._outbox)) for _ in range(AT_ONCE)]
            self._running = [loop.create_task(self._watch(client)), *senders]

    async def _watch(self, client: httpx.AsyncClient) -> None:
        try:
            while True:
                self._woken.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._idle()):
                        await self._woken.wait()
                self._climb(self._engine.advance())
        finally:
            await client.aclose()

    def _idle(self) -> float | None:
        """Seconds until something is due; None where nobody waits for a report."""
        if not self._awaited:
            return None
        moments = [self._engine.next_end, self._steps[0][0] if self._steps else None]
        due = min((moment for moment in moments if moment is not None), default=None)
        return None if due is None else max(0.0, due / 1000 - time.time()) + 0.001

    def _report(self, task: Task, moment: int) -> None:
        """Sends what a task shows at a moment, with the faults that were chosen."""
        options, url = self._options, task.order.notify_hook
        if not url:
            return
        if self._strikes(options.lost_callback_rate, "lost"):
            return
        report = Report(url, self._printer.report(task, moment))
        over = task.finished is not None and task.finished <= moment
        held = self._held.pop(task.id, None)
        if held is None and not over and self._strikes(options.reordered_callback_rate, "reordered"):
            self._held[task.id] = report
            return
        times = (self._dialect.final_reports if over else 1) + self._strikes(options.doubled_callback_rate, "doubled")
        after = options.late_callback_seconds if self._strikes(options.late_callback_rate, "late") else 0.0
        for _ in range(times):
            self._post(report, after)
        if held is not None:
            self._post(held, after + OVERTAKEN)

    def _post(self, report: Report, after: float) -> None:
        if after:
            asyncio.get_running_loop().call_later(after, self._outbox.put_nowait, report)
        else:
            self._outbox.put_nowait(report)

    def _strikes(self, rate: float, fault: str) -> bool:
        struck = rate > 0 and self._lots.random() < rate
        if struck:
            self.counts[fault] += 1
        return struck

    async def _send(self, client: httpx.AsyncClient, outbox: asyncio.Queue[Report]) -> None:
        while True:
            report = await outbox.get()
            try:
                answer = await client.post(
                    report.url, content=report.body, headers={"Content-Type": "application/json"}
                )
                self.counts["delivered" if answer.is_success else "refused"] += 1
            except (httpx.HTTPError, httpx.InvalidURL, ValueError):
                self.counts["failed"] += 1
