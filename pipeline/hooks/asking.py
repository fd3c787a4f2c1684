"""Has the API asked about tasks that are said to have ended. The broker may be slow or away: nobody waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from pipeline.store.accounts import RING_AGAIN

MOST_IN_A_RING = 100
"""Tasks: as many as one call to the API asks about."""

Ring = Callable[[str, int, Sequence[int]], None]
"""Rings the step that asks: the account's name and id, and the tasks' ids. It may take its time."""


class Asker:
    """Rings on a thread of its own, for many tasks at once.

    For one task at most once in `RING_AGAIN` seconds: servers tell an end twice, and polling finds what a ring missed.
    """

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._waiting: dict[int, tuple[str, int]] = {}
        self._rung: dict[int, float] = {}
        self._closed = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="asker", daemon=True)
        self._thread.start()

    def ask(self, account: str, account_id: int, task_ids: Sequence[int]) -> None:
        with self._news:
            self._waiting.update(dict.fromkeys(task_ids, (account, account_id)))
            self._news.notify()

    def close(self, within: float) -> None:
        """Rings what still waits, for at most so many seconds."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join(within)

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                waiting, self._waiting = self._waiting, {}
            self._ring_for(waiting)

    def _ring_for(self, waiting: dict[int, tuple[str, int]]) -> None:
        now = time.monotonic()
        self._rung = {task_id: at for task_id, at in self._rung.items() if now - at < RING_AGAIN}
        by_account: dict[tuple[str, int], list[int]] = {}
        for task_id, whose in waiting.items():
            if task_id not in self._rung:
                self._rung[task_id] = now
                by_account.setdefault(whose, []).append(task_id)
        for (account, account_id), ids in by_account.items():
            for start in range(0, len(ids), MOST_IN_A_RING):
                self._ring(account, account_id, ids[start : start + MOST_IN_A_RING])
