"""What recurs: the beat settles the fire times of its account's schedules, as any number of beats may at once.

In a thread of its own: neither a batch that is large, or being read just now, nor a schedule that cannot be settled
holds up a poll.
"""

from __future__ import annotations

import threading
import time
from functools import partial

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

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
ASIDE = 15.0
"""Seconds for which a schedule is left alone that could not be settled: it must not keep the others waiting. Far less
than the grace of a fire time."""


class Firing(threading.Thread):
    """Of one account, for as long as this process lives."""

    def __init__(self, store: Store, account: str, bell: Doorbell) -> None:
        super().__init__(name="firing", daemon=True)
        self.store, self.account, self.bell = store, account, bell
        self._looks = 0
        self._aside: dict[int, float] = {}

    def run(self) -> None:
        while True:
            try:
                self.look()
            except SQLAlchemyError as failure:
                log.warning("schedules_wait", why=type(failure).__name__)
            except Exception:
                log.exception("firing_crashed")
            time.sleep(LOOK_EVERY)

    def look(self) -> None:
        """Raises what a database that is away does."""
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
        except DBAPIError as failure:
            if failure.connection_invalidated:
                raise
            self._put_aside(schedule_id, f"the database refused: {' '.join(str(failure.orig).split())}")
            log.exception("schedule_not_settled", schedule=schedule_id, again_in=ASIDE)
        except PipelineError as problem:
            self._put_aside(schedule_id, str(problem))
            log.warning("schedule_not_settled", schedule=schedule_id, again_in=ASIDE, why=str(problem))
        except Exception as bug:
            self._put_aside(schedule_id, f"this program failed ({type(bug).__name__}); see the beat's log")
            log.exception("schedule_not_settled", schedule=schedule_id, again_in=ASIDE)

    def _put_aside(self, schedule_id: int, problem: str) -> None:
        self._aside[schedule_id] = time.monotonic() + ASIDE
        with self.store.begin() as tx:
            schedules.cannot_settle(tx, schedule_id, problem)
