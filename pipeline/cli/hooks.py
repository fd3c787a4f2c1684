"""`pipeline hooks`: the callback receiver, on its own."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer

from pipeline.cli.ready import is_loopback, log_to_stderr, ready_broker, ready_store, redis_url
from pipeline.log import Log
from pipeline.settings import Settings, load

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")]


def hooks(*, host: Host = "127.0.0.1", port: Port = 8091) -> None:
    """Receive what servers report by themselves. PIPELINE_HOOK_URL must lead here from where the server is."""
    from pipeline.hooks.metrics import Access  # noqa: PLC0415 - slow to import
    from pipeline.hooks.receiver import app  # noqa: PLC0415
    from pipeline.hooks.serving import Server, listen, serve  # noqa: PLC0415
    from pipeline.store import callbacks  # noqa: PLC0415
    from pipeline.worker.app import Doorbell, connect  # noqa: PLC0415

    settings = load()
    broker = redis_url(settings)
    store = ready_store(settings, migrate_first=False)
    ready_broker(broker)
    connect(broker)
    log_to_stderr(settings)
    with listen(host, port) as listener:
        address = listener.getsockname()
        where = f"http://[{address[0]}]:{address[1]}" if ":" in address[0] else f"http://{address[0]}:{address[1]}"
        # Callers wait in the listener's backlog by now, so nothing is lost after this.
        with store.begin() as tx:
            callbacks.make_up(tx)
        token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
        access = Access(token=token, private=_is_private(settings))
        serve(Server(app(store, Doorbell().track, access), lambda: _say_where(settings, where)), listener)
    store.close()


def _is_private(settings: Settings) -> bool:
    """Whether the receiver is reached on this machine alone."""
    return settings.hook_url is None or is_loopback(urlsplit(settings.hook_url).hostname or "")


def _say_where(settings: Settings, where: str) -> None:
    note = (
        f"PIPELINE_HOOK_URL ({settings.hook_url}) must lead here from where the server is"
        if settings.hook_url
        else "PIPELINE_HOOK_URL is not set: set it, for the workers, to an address that leads here"
    )
    Log("hooks").info("callbacks_are_received", at=where, note=note)
