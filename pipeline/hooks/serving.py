"""How the receiver is served: on one port, by one process, against callers who are slow or never finish."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pipeline.errors import ServiceError
from pipeline.hooks.receiver import FINISH_WITHIN
from pipeline.log import Log

log = Log("hooks")

SLOWEST_HEAD = 10.0
"""Seconds that a request may take until its body begins."""
BACKLOG = 2_048
"""Connections that may wait to be accepted: a burst opens many at once."""


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also hangs up on a caller who does not finish asking."""

    _too_slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_clock()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_clock()

    def on_headers_complete(self) -> None:
        self._stop_clock()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def _start_clock(self) -> None:
        self._stop_clock()
        self._too_slow = self.loop.call_later(SLOWEST_HEAD, self.transport.abort)

    def _stop_clock(self) -> None:
        if self._too_slow is not None:
            self._too_slow.cancel()
            self._too_slow = None


class Server(uvicorn.Server):
    """Says when it takes reports."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                loop="uvloop",
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=round(FINISH_WITHIN),
            )
        )
        self._ready = ready

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A second signal ends it at once: what it holds is asked for when a receiver starts."""
        if self.should_exit:
            log.warning("stopped_at_once", why="told twice")
            os._exit(1)
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def listen(host: str, port: int) -> socket.socket:
    """Raises `ServiceError` where the port is taken or the address is not of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as failure:
        why = (failure.strerror or str(failure)).partition(" (")[0]
        raise ServiceError(
            f"callbacks cannot be received on {host}:{port}: {why}. "
            "Choose another --port (0 takes any free one) or --host"
        ) from None


def serve(server: Server, listener: socket.socket) -> None:
    """Serves until SIGINT or SIGTERM, and then finishes what it holds."""
    if threading.current_thread() is threading.main_thread():
        # uvicorn raises the signal again once it has closed everything: both should then end alike.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
