"""How the emulated midjourney-proxy server is served. What it does not imitate is said at the head of the package."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pipeline.sandbox.answers import Sandbox
from pipeline.sandbox.dialects import Dialect
from pipeline.sandbox.options import Options
from pipeline.sandbox.routes import HANG_UP, routes


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also lets the application close the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {HANG_UP: {"now": self.transport.abort}}


def app(options: Options) -> ASGIApp:
    """The server as an ASGI application. Without `serve` around it a lost reply is a ConnectionResetError."""
    sandbox = Sandbox(options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sandbox.callbacks.start()
        yield
        await sandbox.close()

    served = Starlette(
        routes=routes(sandbox),
        exception_handlers=dict.fromkeys((HTTPException, Exception), partial(_error_page, sandbox.dialect)),
        lifespan=lifespan,
    )
    return _open_to_pages(served) if sandbox.dialect.cross_origin else served


def _open_to_pages(served: ASGIApp) -> ASGIApp:
    """Lets pages of any site call. Whoever names no origin is no page, and goes past all that, which costs a third of
    a submit."""
    across = CORSMiddleware(served, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])

    async def entrance(scope: Scope, receive: Receive, send: Send) -> None:
        await (across if b"origin" in dict(scope.get("headers", ())) else served)(scope, receive, send)

    return entrance


async def _error_page(dialect: Dialect, request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return dialect.page(500, request.method, request.url.path)
    response = dialect.page(error.status_code, request.method, request.url.path)
    if error.headers and response.status_code == error.status_code:
        response.headers.update(error.headers)  # which methods are allowed
    return response


class _Server(uvicorn.Server):
    """Says on stderr where it can be reached, as soon as it can."""

    def __init__(self, config: uvicorn.Config, options: Options) -> None:
        super().__init__(config)
        self._options = options

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"sandbox ready at {self._options.address}", file=sys.stderr, flush=True)


def configured(options: Options) -> uvicorn.Config:
    """How the application is run. `options` know the port."""
    return uvicorn.Config(
        app(options),
        http=Protocol,
        loop="uvloop",
        ws="none",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=2,
    )


def serve(options: Options) -> None:
    """Serves until SIGINT or SIGTERM. Raises OSError where the port is taken or the journal cannot be written, and
    ScriptError where the script cannot be understood."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.create_server((options.host, options.port), family=family, backlog=512) as listener:
        options = replace(options, port=listener.getsockname()[1])
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal again once it has closed everything: both should then end alike.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            _Server(configured(options), options).run(sockets=[listener])
