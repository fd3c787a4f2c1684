"""Flower itself, in this process: read-only, and with all that it missed put into its view from the database."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator

from flower.app import Flower
from flower.options import options
from flower.urls import settings as pages

from pipeline.log import Log
from pipeline.store import batches, events
from pipeline.store.engine import Store
from pipeline.store.progress import progress_of
from pipeline.worker import flower
from pipeline.worker.app import app
from pipeline.worker.flower import Told

log = Log("flower")

COLUMNS = "name,args,state,runtime,result,kwargs,started,uuid"
AFTER_IT_LISTENS = 1.0
"""Seconds until the events of now surely reach it: what is read later than that has no gap before them."""
MOST_BATCHES = 200
"""Batches whose counts it is told of at the start, the newest."""


def serve(store: Store, host: str, port: int, login: str | None, most_tasks: int) -> None:
    """Until the process is told to stop. Raises OSError where it cannot listen."""
    logging.getLogger("celery.events.state").setLevel(logging.ERROR)  # told of what is past, it doubts our clock
    logging.getLogger("flower.inspector").setLevel(logging.ERROR)  # that no worker is there yet is no trouble
    _configure(host, port, login, most_tasks)
    server = Flower(capp=app, options=options, **pages)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    bound = server.start_http_server()
    log.info("flower_is_shown", at=f"http://{f'[{host}]' if ':' in host else host}:{bound}")
    server.io_loop.call_later(AFTER_IT_LISTENS, catch_up, server, store, most_tasks)
    try:
        server.start()
    finally:
        server.stop()


def _configure(host: str, port: int, login: str | None, most_tasks: int) -> None:
    options.address, options.port = host, port
    options.max_tasks = most_tasks
    options.read_only = True  # it shows; what steers is the command line
    options.enable_events = False  # the steps are plumbing, and stay hidden
    options.tasks_columns = COLUMNS
    if login:
        options.basic_auth = [login]
    else:
        os.environ["FLOWER_UNAUTHENTICATED_API"] = "true"  # on loopback only, and it reads only


async def catch_up(server: Flower, store: Store, most_tasks: int) -> None:
    """Tells this Flower, and no other, where all tasks and batches stand. In between it answers."""
    began = time.monotonic()
    count = 0
    with store.look() as tx:
        for page in events.standing(tx, most_tasks):
            for event in page:
                _tell(server, flower.stands(event))
            count += len(page)
            await asyncio.sleep(0)
        for batch in batches.every(tx)[:MOST_BATCHES]:
            _tell(server, flower.batch_stands(batch, progress_of(tx, batch.id)))
            await asyncio.sleep(0)
    log.info("flower_caught_up", tasks=count, seconds=round(time.monotonic() - began, 1))


def _tell(server: Flower, told: Iterator[Told]) -> None:
    for event in told:
        server.events.state.event(event | {"local_received": event["timestamp"], "clock": app.clock.forward()})
