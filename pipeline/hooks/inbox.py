"""Reports that wait to be written. While one batch commits the next collects, so the busier it is the fewer commits
each report costs, and nobody waits for a timer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from pipeline.hooks.callback import Callback, Verdict
from pipeline.log import Log

log = Log("hooks")

MOST_IN_A_BATCH = 500
MOST_WAITING = 10_000
"""Reports. More than that are turned away before they are read."""
BUSY_FOR = 5.0
"""Seconds for which a report waits for a task that a worker is writing to, before the database counts as away."""
TRY_BUSY_AGAIN = 0.02
"""Seconds between two tries when there is nothing else to write."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    callback: Callback
    verdict: asyncio.Future[Verdict]
    since: float = field(default_factory=lambda: asyncio.get_running_loop().time())


class Inbox:
    """The queue, and the one task that empties it. Everything but `take` runs on the event loop."""

    def __init__(self, take: Callable[[Sequence[Callback]], Sequence[Verdict]]) -> None:
        self._take = take
        self._waiting: deque[_Waiting] = deque()
        self._in_hand = 0
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="callbacks")
        self._work = asyncio.create_task(self._empty_forever(), name="inbox")

    @property
    def full(self) -> bool:
        return len(self._waiting) + self._in_hand >= MOST_WAITING

    async def put(self, callback: Callback) -> Verdict:
        """The verdict, once it is committed. The report is kept even if the caller has gone meanwhile."""
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(callback, verdict))
        self._empty.clear()
        self._news.set()
        return await verdict

    async def close(self, within: float) -> None:
        """Writes what it holds, for at most so many seconds. Nothing may be put in any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._empty.wait()
        self._work.cancel()
        lost = len(self._waiting) + self._in_hand
        if lost:
            log.warning("callbacks_dropped", reports=lost, why="the database was away while this process stopped")
        self._writer.shutdown(wait=not lost, cancel_futures=True)

    async def _empty_forever(self) -> None:
        while True:
            await self._news.wait()
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_BATCH))]
            self._in_hand = len(batch)
            busy = await self._write(batch)
            self._waiting.extendleft(reversed(busy))
            self._in_hand = 0
            if not self._waiting:
                self._news.clear()
                self._empty.set()
            elif len(busy) == len(self._waiting):
                await asyncio.sleep(TRY_BUSY_AGAIN)

    async def _write(self, batch: Sequence[_Waiting]) -> list[_Waiting]:
        """Those that a worker keeps from being written."""
        loop = asyncio.get_running_loop()
        verdicts = await loop.run_in_executor(self._writer, self._take, [one.callback for one in batch])
        busy = []
        for one, verdict in zip(batch, verdicts, strict=True):
            if verdict is Verdict.BUSY and loop.time() - one.since < BUSY_FOR:
                busy.append(one)
            elif not one.verdict.done():
                one.verdict.set_result(Verdict.AWAY if verdict is Verdict.BUSY else verdict)
        return busy
