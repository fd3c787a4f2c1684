"""A file whose age tells a health check whether this process works: it is touched as long as it does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from celery.signals import heartbeat_sent

TOUCH_EVERY = 5.0
"""Seconds."""


class Heartbeat:
    """Touches the file, at most once in `TOUCH_EVERY`. Without one it does nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._next = 0.0

    def __call__(self, *_: Any, **__: Any) -> None:
        if self._file and time.monotonic() >= self._next:
            self._next = time.monotonic() + TOUCH_EVERY
            self._file.touch()

    def with_the_worker(self) -> None:
        """From now on: whenever Celery's worker tells the broker that it lives, while it takes messages."""
        heartbeat_sent.connect(self, weak=False)
