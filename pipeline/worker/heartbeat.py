"""A file whose age tells a health check whether this process works: it is touched as long as it does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from celery.signals import heartbeat_sent

from pipeline.log import Log

log = Log("heartbeat")

TOUCH_EVERY = 5.0
"""Seconds."""


class Heartbeat:
    """Touches the file, at most once in `TOUCH_EVERY`. Without one it does nothing.

    One that cannot be written is told once and tried again: it is the health check that fails then, not the work.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._next = 0.0
        self._warned = False

    def __call__(self, *_: Any, **__: Any) -> None:
        if self._file and time.monotonic() >= self._next:
            self._next = time.monotonic() + TOUCH_EVERY
            self._touch(self._file)

    def _touch(self, file: Path) -> None:
        try:
            file.touch()
        except OSError as failure:
            if not self._warned:
                log.warning("heartbeat_file_cannot_be_written", file=str(file), why=failure.strerror)
            self._warned = True

    def with_the_worker(self) -> None:
        """From now on: whenever Celery's worker tells the broker that it lives, while it takes messages."""
        heartbeat_sent.connect(self, weak=False)
