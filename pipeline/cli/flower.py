"""`pipeline flower`: Flower, which shows every API task as a task of its own."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from pipeline.cli.ready import is_loopback, log_to_stderr, ready_broker, ready_store, redis_url
from pipeline.errors import ServiceError, UsageError
from pipeline.settings import load

MOST_TASKS = 100_000
"""Tasks that Flower keeps, the newest: some 7 KB of memory each, see docs/speed.md."""


def flower(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 5555,
    host: Annotated[str, typer.Option(help="Address to listen on. Beyond loopback it asks for a login.")] = "127.0.0.1",
) -> None:
    """Watch pictures being made, in Flower: what goes on, and what has gone on before it started."""
    settings = load()
    login = settings.flower_login.get_secret_value() if settings.flower_login else None
    if login is None and not is_loopback(host):
        raise UsageError(
            f"whoever reaches {host} would see every prompt: set PIPELINE_FLOWER_LOGIN to user:password, "
            "or listen on 127.0.0.1"
        )
    store = ready_store(settings, migrate_first=False)
    ready_broker(redis_url(settings))
    from pipeline.worker.app import connect  # noqa: PLC0415 - slow to import
    from pipeline.worker.flower_server import serve  # noqa: PLC0415

    connect(redis_url(settings))
    log_to_stderr(settings)
    try:
        serve(store, host, port, login, MOST_TASKS)
    except OSError as failure:
        raise ServiceError(f"Flower cannot listen on {host}:{port}: {os.strerror(failure.errno or 0)}") from None
