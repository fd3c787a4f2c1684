"""The clock: a Celery beat whose entries are what is due in Postgres, for one account. Any number of them may run."""

from __future__ import annotations

import time
from typing import Any

from celery.beat import Scheduler
from sqlalchemy.exc import SQLAlchemyError

from pipeline.log import Log
from pipeline.settings import load
from pipeline.store import accounts, looks, steering
from pipeline.wiring import open_store
from pipeline.worker.app import Doorbell
from pipeline.worker.firing import Firing
from pipeline.worker.heartbeat import Heartbeat
from pipeline.worker.move_log import MoveLog
from pipeline.worker.telling import Teller

log = Log("beat")

SHORTEST_TICK, LONGEST_TICK = 0.02, 0.25
"""Seconds between two looks: until the next poll is due, within these bounds."""
AFTER_A_RING = 0.05
"""Seconds until a step that was rung will have said when it wants to be rung again."""
LOOK_EVERY = 0.5
"""Seconds between two rings for tasks that are looked for, or to be stopped."""
RESCUE_EVERY = 2.0
"""Seconds between two rounds of rescue."""
THOROUGH_EVERY = 10
"""Rounds of rescue, of which one is thorough."""


class DueScheduler(Scheduler):  # type: ignore[misc]
    """Rings the doorbell of whatever is due. Keeps nothing of its own."""

    def __init__(self, *args: Any, **options: Any) -> None:
        settings = load()
        self.account = settings.account_name
        self.store = open_store(settings)
        MoveLog(self.store).start()
        if settings.events:
            Teller(self.store).start()
        self.bell = Doorbell()
        self.beats = Heartbeat(settings.heartbeat_file)
        Firing(self.store, self.account, self.bell).start()
        self.next_look = self.next_rescue = 0.0
        self.rounds = 0
        super().__init__(*args, **options)

    def setup_schedule(self) -> None:
        """There is none but the database's."""

    def tick(self, *_args: Any, **_options: Any) -> float:
        """One look; the seconds until the next."""
        try:
            with self.store.begin() as tx:
                to_poll = accounts.due_for_poll(tx, self.account)
                to_submit = accounts.due_for_submit(tx, self.account)
                soonest = accounts.next_poll(tx, self.account)
                looks_now = time.monotonic() >= self.next_look
                to_look = looks.any_due(tx, self.account) if looks_now else None
                to_cancel = steering.any_to_stop(tx, self.account) if looks_now else None
        except SQLAlchemyError as failure:
            log.warning("beat_cannot_look", why=" ".join(str(failure.__cause__ or failure).split()))
            return 10 * LONGEST_TICK
        self.beats()
        if to_poll:
            self.bell.track(self.account, to_poll)
        if to_submit:
            self.bell.submit(self.account, to_submit)
        if looks_now:
            self.next_look = time.monotonic() + LOOK_EVERY
        if to_look:
            self.bell.look(self.account, to_look)
        if to_cancel:
            self.bell.cancel(self.account, to_cancel)
        if time.monotonic() >= self.next_rescue:
            self.next_rescue = time.monotonic() + RESCUE_EVERY
            self.rounds += 1
            self.bell.rescue(self.account, thorough=self.rounds % THOROUGH_EVERY == 0)
        if to_poll:
            return AFTER_A_RING
        return LONGEST_TICK if soonest is None else min(LONGEST_TICK, max(SHORTEST_TICK, soonest))
