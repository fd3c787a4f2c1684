"""The live view of a batch: a few lines that move in a terminal, plain lines elsewhere. Always on stderr."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import OperationalError

from pipeline.cli.interruption import raise_if_asked
from pipeline.report import duration
from pipeline.store.batches import Batch
from pipeline.store.engine import Store
from pipeline.store.progress import Progress, progress_of

LOOK_EVERY = 0.25
"""Seconds between two looks at the database."""
PATIENCE = 120.0
"""Seconds for which a database may be away."""
PLAIN_LINE_EVERY = 5.0
"""Seconds between two lines where stderr is no terminal."""
RATE_WINDOW = 60.0
"""Seconds over which pictures per minute are counted."""


class Workplace(Protocol):
    """Whoever keeps the workers running."""

    def check_work(self) -> None:
        """Raises `ServiceError` when the workers cannot go on."""


def follow(here: Workplace, store: Store, batch: Batch) -> Progress:
    """Shows the batch until it is over."""
    with _view(batch) as show:
        while True:
            progress, took = _look(here, store, batch)
            show(progress)
            if progress.over:
                return progress
            here.check_work()
            raise_if_asked()
            # A look at a hundred thousand rows takes a while; the database has better things to do.
            time.sleep(max(LOOK_EVERY, 10 * took))


def _look(here: Workplace, store: Store, batch: Batch) -> tuple[Progress, float]:
    """The progress, and how many seconds it took to read it.

    Waits for a database that is being restarted, as the workers do; that wait is no part of those seconds. Raises what
    the database says when it stays away.
    """
    give_up = time.monotonic() + PATIENCE
    while True:
        began = time.monotonic()
        try:
            with store.begin() as tx:
                return progress_of(tx, batch.id), time.monotonic() - began
        except OperationalError:
            here.check_work()
            raise_if_asked()
            if time.monotonic() > give_up:
                raise
            time.sleep(1.0)


ENOUGH_FOR_AN_ESTIMATE = 5
"""Finished tasks: before that the first ones' start is taken for everybody's speed."""


class Speed:
    """Pictures a minute over the last minute, and how long the rest will take at that."""

    def __init__(self) -> None:
        self.samples: deque[tuple[float, int]] = deque()

    def add(self, now: float, done: int) -> None:
        self.samples.append((now, done))
        while len(self.samples) > 2 and now - self.samples[0][0] > RATE_WINDOW:
            self.samples.popleft()

    @property
    def per_second(self) -> float:
        (began, before), (now, done) = self.samples[0], self.samples[-1]
        return (done - before) / (now - began) if now > began else 0.0

    def seconds_left(self, remaining: int) -> float | None:
        return remaining / self.per_second if self.per_second > 0 else None


def line(progress: Progress, speed: Speed) -> str:
    """The counts as one line; what there is none of is not named."""
    if progress.state == "received":
        return "starting"
    counts = {
        "running": progress.running,
        "queued": progress.queued,
        "waiting": progress.planned + progress.to_follow,
        "downloading": progress.downloading,
        "failed": progress.failed,
        "in doubt": progress.in_doubt,
        "looked for": progress.looked_for,
        "beyond the budget": progress.unaffordable,
        "made, not here": progress.stranded,
        "not reached": progress.not_reached,
    }
    words = [f"{progress.done:,} of {progress.tasks:,} done"]
    words += [f"{count:,} {word}" for word, count in counts.items() if count]
    if progress.over:
        return ", ".join(words)
    words.append(f"{60 * speed.per_second:,.0f} pictures/min")
    left = speed.seconds_left(progress.unfinished + progress.to_follow)
    if left and progress.done >= ENOUGH_FOR_AN_ESTIMATE and not progress.why_waiting:
        words.append(f"{duration(left)} left")
    return ", ".join(words)


class _View:
    def __init__(self, batch: Batch, console: Console, live: Live | None) -> None:
        self.batch, self.console, self.live = batch, console, live
        self.speed = Speed()
        self.next_line = 0.0
        self.last_line = ""

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        self.speed.add(now, progress.done)
        if self.live:
            self.live.update(self._picture(progress))
        elif now >= self.next_line or progress.over:
            self._say(f"{self.batch.name}: {line(progress, self.speed)}{_why(progress)}")
            self.next_line = now + PLAIN_LINE_EVERY

    def _say(self, said: str) -> None:
        if said != self.last_line:
            self.console.print(said, soft_wrap=True, highlight=False, markup=False)
        self.last_line = said

    def _picture(self, progress: Progress) -> RenderableType:
        head = Table.grid(padding=(0, 1), expand=True)
        head.add_column(no_wrap=True)
        head.add_column(ratio=1)
        head.add_column(justify="right", no_wrap=True)
        share = progress.done / progress.tasks if progress.tasks else 0.0
        bar = ProgressBar(total=max(progress.tasks, 1), completed=progress.done)
        head.add_row(Text(self.batch.name, style="bold"), bar, f"{share:4.0%}")
        lines: list[RenderableType] = [head, Text(line(progress, self.speed), style="dim")]
        if progress.why_waiting and not progress.over:
            lines.append(Text(f"waiting: {progress.why_waiting}", style="yellow"))
        return Group(*lines)


def _why(progress: Progress) -> str:
    return f" ({progress.why_waiting})" if progress.why_waiting and not progress.over else ""


@contextmanager
def _view(batch: Batch) -> Iterator[_View]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _View(batch, console, None)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield _View(batch, console, live)
