"""Tells Celery's event stream what happens to tasks, from the moves that were committed: no step is held up by it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

from celery.events.event import get_exchange
from celery.utils.time import utcoffset
from sqlalchemy.exc import SQLAlchemyError

from pipeline.log import Log
from pipeline.store import batches, events
from pipeline.store.engine import Store, Transaction
from pipeline.store.events import Tail
from pipeline.store.progress import Progress, progress_of
from pipeline.worker import flower
from pipeline.worker.app import app
from pipeline.worker.flower import Told

log = Log("beat")

TICK = 0.2
"""Seconds between two looks: at most `events.MOST` moves each, which is no burst that Redis or Flower would drop."""
COUNT_EVERY = 3.0
"""Seconds between two looks at how far tasks and batches are."""
TRY_AGAIN = 5.0
"""Seconds until a look that failed, or while another process tells, is tried again."""
HAND_OVER = 60.0
"""Seconds of the past that are told at the start: another process may have ended with them untold. Told twice, they
change nothing that Flower shows but its counts."""
_ONE_TELLS = 0x6D6A7465
"""Key of the advisory lock of the process that tells."""


class Teller(threading.Thread):
    """Tells of every account, for as long as this process lives. Of any number of them, in any processes, one does.

    While the broker is away it waits; Flower's view is made anew from the database when that starts.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(name="teller", daemon=True)
        self._store = store
        self._news: News | None = None
        self._untold: list[Told] = []

    def run(self) -> None:
        while True:
            try:
                self._tell_unless_another_does()
            except SQLAlchemyError as failure:
                log.warning("teller_cannot_look", why=type(failure).__name__)
            except Exception as failure:  # noqa: BLE001 - whatever a broker does, the clock beside it goes on
                log.warning("teller_cannot_tell", why=type(failure).__name__)
            time.sleep(TRY_AGAIN)

    def _tell_unless_another_does(self) -> None:
        with self._store.alone(_ONE_TELLS) as tx:
            if tx:
                self._tell(tx)
        self._news, self._untold = None, []

    def _tell(self, tx: Transaction) -> None:
        """Raises what the database or the broker does; what was not told yet is told by the next try."""
        self._news = self._news or News(tx)
        while True:
            if not self._untold:
                for news in self._news.look(tx):  # one by one: what was read before the database fails is kept
                    self._untold.append(news)
            publish(self._untold)
            self._untold = []
            time.sleep(TICK)


class News:
    """What there is to tell since the last look."""

    def __init__(self, tx: Transaction) -> None:
        self._tail = Tail.since(tx, HAND_OVER)
        self._progress = events.running(tx)
        self._touched: set[int] = set()
        self._counted: dict[int, Progress] = {}
        self._next_count = 0.0

    def look(self, tx: Transaction) -> Iterator[Told]:
        moves = self._tail.look(tx)
        self._touched.update(move.batch_id for move in moves)
        for move in moves:
            yield from flower.moved(move)
        if time.monotonic() >= self._next_count:
            self._next_count = time.monotonic() + COUNT_EVERY
            yield from self._how_far_tasks_are(tx)
            yield from self._how_far_batches_are(tx)

    def _how_far_tasks_are(self, tx: Transaction) -> Iterator[Told]:
        running = events.running(tx)
        news = events.of(tx, [id_ for id_, progress in running.items() if self._progress.get(id_) != progress])
        self._progress = running
        for event in news:
            yield flower.started(event, running[event.task_id])

    def _how_far_batches_are(self, tx: Transaction) -> Iterator[Told]:
        still: set[int] = set()
        for batch in batches.by_ids(tx, sorted(self._touched)):
            progress = progress_of(tx, batch.id)
            if self._counted.get(batch.id) != progress:
                self._counted[batch.id] = progress
                yield from flower.batch_stands(batch, progress)
            if not progress.over:
                still.add(batch.id)
            else:
                self._counted.pop(batch.id, None)
        self._touched = still


def publish(told: list[Told]) -> None:
    """Sends the events as one message. Raises what the broker does."""
    if not told:
        return
    stamp = {"utcoffset": utcoffset(), "pid": os.getpid()}
    with app.producer_or_acquire() as producer:
        exchange = get_exchange(producer.connection, app.conf.event_exchange)
        producer.publish(
            [event | stamp | {"clock": app.clock.forward()} for event in told],
            exchange=exchange.name,
            routing_key="task.multi",
            declare=[exchange],
            serializer="json",
            delivery_mode=1,
            retry=False,
        )
