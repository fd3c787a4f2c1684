"""The clock: a Celery beat whose entries are what is due in Postgres. Any number of them may run."""

from __future__ import annotations

import logging
from typing import Any

from celery.beat import Scheduler
from sqlalchemy.exc import SQLAlchemyError

from pipeline.settings import load
from pipeline.store import accounts
from pipeline.wiring import open_store
from pipeline.worker.app import Doorbell

log = logging.getLogger("pipeline.beat")

TICK = 0.1
"""Seconds between two looks: as often as an account can ask to be polled."""
RESCUE_EVERY = 50
"""Ticks between two rounds of rescue."""


class DueScheduler(Scheduler):  # type: ignore[misc]
    """Rings the doorbell of whatever is due. Keeps nothing of its own."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.settings = load()
        self.store = open_store(self.settings)
        self.bell = Doorbell()
        self.ticks = 0
        super().__init__(*args, **options)

    def setup_schedule(self) -> None:
        """There is no schedule but the database's."""

    def tick(self, *_args: Any, **_options: Any) -> float:
        """One look; the seconds until the next."""
        self.ticks += 1
        try:
            with self.store.begin() as tx:
                to_poll, to_submit = accounts.due_for_poll(tx), accounts.due_for_submit(tx)
        except SQLAlchemyError as failure:
            log.warning("beat_cannot_look why=%s", " ".join(str(failure.__cause__ or failure).split()))
            return 10 * TICK
        for account in to_poll:
            self.bell.track(account.name, account.id)
        for account in to_submit:
            self.bell.submit(account.name, account.id)
        if self.ticks % RESCUE_EVERY == 1:
            self.bell.rescue(self.settings.account_name)
        return TICK
