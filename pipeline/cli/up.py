"""`pipeline up`: every service on this machine."""

from __future__ import annotations

import signal
import sys
import threading
from typing import Annotated

import typer

from pipeline.cli.embedded import Place, place
from pipeline.cli.ready import ready_store
from pipeline.settings import load
from pipeline.wiring import open_api

LOOK_EVERY = 2.0
"""Seconds between two looks at whether everything stays up."""


def up(
    flower_port: Annotated[int, typer.Option(min=1, max=65535, help="Where Flower listens, on loopback.")] = 5555,
) -> None:
    """Every service on this machine, until you stop it: workers, beat, hooks, Flower, and what is not configured."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with place(load()) as here:
        ready_store(here.settings, migrate_first=True).close()
        here.bring_up_api()
        open_api(here.settings).check()
        here.start_work()
        here.start_flower(flower_port)
        _tell(here, flower_port)
        while not stop.wait(LOOK_EVERY):
            here.check_work()


def _tell(here: Place, flower_port: int) -> None:
    asked = "the sandbox" if here.is_sandbox else here.account_name
    print(
        f"everything is up, and asks {asked}. `pipeline run FILE` in this folder uses it; "
        f"Flower is at http://127.0.0.1:{flower_port}. Ctrl-C stops it",
        file=sys.stderr,
        flush=True,
    )
