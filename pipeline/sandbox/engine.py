"""One account: its slots, its queue, and when each task begins and ends.

There are no timers. What has come due since the last look is worked off at the next one, in order of time, so that a
task begins at the very moment at which another made room.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable
from random import Random

from pipeline.sandbox.journal import Journal
from pipeline.sandbox.options import Options
from pipeline.sandbox.tasks import GRIDS, Action, Order, Task

Watch = Callable[[Task, int], None]
"""Told of a task that has begun or ended, and of the moment."""


class Engine:
    """The account. `clock` gives epoch seconds."""

    def __init__(
        self, options: Options, journal: Journal | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.tasks: dict[str, Task] = {}
        self.waiting: deque[Task] = deque()
        self.max_running = self.max_waiting = 0
        self.watch: Watch | None = None
        self._options = options
        self._journal = journal or Journal(None)
        self._clock = clock
        self._running: list[tuple[int, str, Task]] = []
        self._last_id = 0
        self._jitter = Random(options.seed)  # noqa: S311 - not a secret
        if options.forgetful:
            self._journal.clear()
        self._restore()

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def next_end(self) -> int | None:
        """When the next running task ends."""
        return self._running[0][0] if self._running else None

    def unfinished(self) -> list[Task]:
        """Running and waiting tasks, oldest first."""
        return sorted([*(task for _, _, task in self._running), *self.waiting], key=lambda task: task.id)

    def advance(self) -> int:
        """Ends and begins what has come due. Returns now, in epoch milliseconds."""
        now = int(self._clock() * 1000)
        while self._running and self._running[0][0] <= now:
            moment, _, task = heapq.heappop(self._running)
            self._end(task, moment)
            self._fill(moment)
        return now

    def accept(self, order: Order, doom: str | None = None, *, late: bool = False) -> tuple[Task | None, int]:
        """The new task and how many waited before it; no task when the queue is full.

        The count is taken before the task joins, as the servers do: the first one that waits is still told 0.
        """
        now = self.advance()
        ahead = len(self.waiting)
        if ahead >= self._options.queue:
            return None, ahead
        task = self._new(order, now)
        task.doom, task.late_doom, task.ahead = doom, late, ahead
        self._journal.accepted(task)
        self._take(task)
        self._fill(now)
        return task, ahead

    def open(self, order: Order) -> Task:
        """A task that holds no slot and no place until its window is answered."""
        task = self._new(order, self.advance())
        self._journal.accepted(task)
        self.tasks[task.id] = task
        return task

    def answer(self, task: Task, order: Order, doom: str | None = None, *, late: bool = False) -> int | None:
        """Starts a task whose window was filled in: how many waited before it; None when the queue is full."""
        now = self.advance()
        ahead = len(self.waiting)
        if ahead >= self._options.queue:
            return None
        task.order, task.answered = order, now
        task.doom, task.late_doom, task.ahead = doom, late, ahead
        self._journal.answered(task)
        self._take(task)
        self._fill(now)
        return ahead

    def cancel(self, task: Task) -> None:
        """Stops a task that is not over, whatever it is doing."""
        now = self.advance()
        if task.finished is not None:
            return
        if task in self.waiting:
            self.waiting.remove(task)
        self._running = [entry for entry in self._running if entry[2] is not task]
        heapq.heapify(self._running)
        task.cancelled = True
        self._end(task, now)
        self._fill(now)

    def reset(self) -> None:
        """Forgets every task, in the journal too. Ids go on, so that an old one never names a new task."""
        self.tasks.clear()
        self.waiting.clear()
        self._running.clear()
        self.max_running = self.max_waiting = 0
        self._journal.clear()

    def _new(self, order: Order, now: int) -> Task:
        self._last_id = max(self._last_id + 1, now * 1000)
        return Task(id=str(self._last_id), order=order, submitted=now)

    def _end(self, task: Task, moment: int) -> None:
        task.finished = moment
        self._journal.finished(task)
        if self.watch is not None:
            self.watch(task, moment)

    def _take(self, task: Task) -> None:
        self.tasks[task.id] = task
        if task.finished is None and task.order.window is None:
            self.waiting.append(task)

    def _fill(self, moment: int) -> None:
        while self.waiting and len(self._running) < self._options.slots:
            task = self.waiting.popleft()
            task.started = moment
            task.takes = self._service_time(task.order.action)
            heapq.heappush(self._running, (moment + task.takes, task.id, task))
            if self.watch is not None:
                self.watch(task, moment)
        self.max_running = max(self.max_running, len(self._running))
        self.max_waiting = max(self.max_waiting, len(self.waiting))

    def _service_time(self, action: Action) -> int:
        options = self._options
        seconds = options.imagine_seconds if action in GRIDS or action is Action.VIDEO else options.upscale_seconds
        if options.jitter:
            seconds *= self._jitter.uniform(1 - options.jitter, 1 + options.jitter)
        return int(seconds * 1000)

    def _restore(self) -> None:
        for task in self._journal.tasks():
            self._take(task)
            self._last_id = max(self._last_id, int(task.id))
        self._fill(int(self._clock() * 1000))
