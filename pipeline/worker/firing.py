"""What recurs: the beat settles the fire times of its account's schedules, as any number of beats may at once."""

from __future__ import annotations

import time
from functools import partial

from sqlalchemy.exc import OperationalError

from pipeline import fire
from pipeline.errors import PipelineError
from pipeline.log import Log
from pipeline.store import schedules
from pipeline.store.engine import Store
from pipeline.worker.app import Doorbell

log = Log("beat")

LOOK_EVERY = 1.0
"""Seconds between two looks."""
LOOK_AT_WAITING_EVERY = 5
"""Looks, of which one is also at fire times that wait for the batch before: that costs a look at all of its tasks."""
ASIDE = 60.0
"""Seconds for which a schedule is left alone that could not be settled: it must not keep the others waiting."""


class Firing:
    """Of one account."""

    def __init__(self, store: Store, account: str, bell: Doorbell) -> None:
        self.store, self.account, self.bell = store, account, bell
        self._next_look = 0.0
        self._looks = 0
        self._aside: dict[int, float] = {}

    def look(self) -> None:
        """At most once in `LOOK_EVERY`. Raises what a database that is away does."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_EVERY
        self._looks += 1
        with self.store.begin() as tx:
            due = schedules.due(tx, self.account, waiting=self._looks % LOOK_AT_WAITING_EVERY == 0)
        for schedule_id in due:
            if self._aside.get(schedule_id, 0.0) <= time.monotonic():
                self._settle(schedule_id)

    def _settle(self, schedule_id: int) -> None:
        try:
            with self.store.begin() as tx:
                for batch_id in fire.settle(tx, schedule_id):
                    tx.after_commit(partial(self.bell.read, self.account, batch_id))
                    tx.after_commit(partial(log.info, "schedule_fired", schedule=schedule_id, batch=batch_id))
        except OperationalError:
            raise
        except PipelineError as problem:
            self._put_aside(schedule_id)
            log.warning("schedule_not_settled", schedule=schedule_id, again_in=ASIDE, why=str(problem))
        except Exception:
            self._put_aside(schedule_id)
            log.exception("schedule_not_settled", schedule=schedule_id, again_in=ASIDE)

    def _put_aside(self, schedule_id: int) -> None:
        self._aside[schedule_id] = time.monotonic() + ASIDE
