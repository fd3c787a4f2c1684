"""The emulated midjourney-proxy server ("plus" dialect): its routes, and how it is served.

What it does not imitate is said at the head of the package. Each route of the API is a bare ASGI endpoint, since a
benchmark of the client shares the processor with this server.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pipeline.sandbox import submits
from pipeline.sandbox.answers import Sandbox, spring_error
from pipeline.sandbox.options import Options
from pipeline.sandbox.pictures import drawing_of, png

HANG_UP = "sandbox.hang_up"
"""The extension of our ASGI scope that closes the connection without an answer."""

WELCOME = """This is the sandbox of mj-pipeline: an emulated midjourney-proxy server on this machine.
It costs nothing, and its pictures are drawings. {slots} tasks are made at once, {queue} more may wait.

  POST /mj/submit/imagine, change, simple-change, action
  POST /mj/task/list-by-condition    GET /mj/task/ID/fetch, /mj/task/list, /mj/task/queue
  GET  /pictures/ID.png
  GET  /sandbox/audit                what was asked for, and how often
  POST /sandbox/reset                forget everything
"""

Answer = Callable[[bytes, Scope], Response | None]


class Endpoint:
    """One route of the API: count, check the key, answer."""

    def __init__(self, sandbox: Sandbox, path: str, answer: Answer) -> None:
        self._sandbox = sandbox
        self._path = path
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = await _body(receive)
        self._sandbox.audit.requests[scope.get("root_path", "") + self._path] += 1
        response = self._sandbox.turned_away(scope) or self._answer(raw, scope)
        if response is None:
            await _hang_up(scope, receive)
        else:
            await response(scope, receive, send)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    raw: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        raw += message.get("body", b"")
    return raw


async def _hang_up(scope: Scope, receive: Receive) -> None:
    extension = scope.get("extensions", {}).get(HANG_UP)
    if extension is None:
        raise ConnectionResetError("The sandbox accepted the task and closes the connection without an answer.")
    extension["now"]()
    while (await receive())["type"] != "http.disconnect":
        pass


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also lets the application close the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {HANG_UP: {"now": self.transport.abort}}


def app(options: Options) -> Starlette:
    """The server as an ASGI application. Without `serve` around it a lost reply is a ConnectionResetError."""
    sandbox = Sandbox(options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        sandbox.close()

    api = _api_routes(sandbox)
    modes = [Mount(f"/mj-{mode}", routes=api) for mode in ("fast", "relax", "turbo")]
    return Starlette(
        routes=[*api, *modes, *_own_routes(sandbox)],
        exception_handlers={HTTPException: _not_found},
        lifespan=lifespan,
    )


def _api_routes(sandbox: Sandbox) -> list[Route]:
    def route(method: str, path: str, answer: Answer) -> Route:
        return Route(path, Endpoint(sandbox, path, answer), methods=[method])

    # The most used first: routes are tried in this order.
    return [
        route("POST", "/mj/task/list-by-condition", sandbox.list_by_condition),
        route("POST", "/mj/submit/action", partial(sandbox.submit, submits.press)),
        route("POST", "/mj/submit/imagine", partial(sandbox.submit, submits.imagine)),
        route("POST", "/mj/submit/change", partial(sandbox.submit, submits.change)),
        route("POST", "/mj/submit/simple-change", partial(sandbox.submit, submits.simple_change)),
        route("GET", "/mj/task/list", sandbox.list_all),
        route("GET", "/mj/task/queue", sandbox.list_queue),
        route("GET", "/mj/task/{id}/fetch", sandbox.fetch),
    ]


def _own_routes(sandbox: Sandbox) -> list[Route]:
    async def welcome(_: Request) -> Response:
        return PlainTextResponse(WELCOME.format(slots=sandbox.options.slots, queue=sandbox.options.queue))

    async def audit(_: Request) -> Response:
        sandbox.engine.advance()
        return JSONResponse(sandbox.audit.report(sandbox.engine))

    async def reset(_: Request) -> Response:
        sandbox.reset()
        return Response(status_code=204)

    return [
        Route("/pictures/{id}.png", partial(_picture, sandbox)),
        Route("/sandbox/audit", audit),
        Route("/sandbox/reset", reset, methods=["POST"]),
        Route("/", welcome),
    ]


async def _picture(sandbox: Sandbox, request: Request) -> Response:
    sandbox.engine.advance()
    task = sandbox.engine.tasks.get(request.path_params["id"])
    if task is None or task.status != "SUCCESS":
        return PlainTextResponse("This content is no longer available.", 404)
    spoilt = sandbox.faults.spoils(task.order)
    if spoilt == "missing":
        return PlainTextResponse("This content is no longer available.", 404)
    if spoilt == "html":
        return HTMLResponse("<!doctype html><title>Sign in</title><p>Please sign in to see this picture.")
    drawing = drawing_of(task.order, sandbox.options.picture_size)
    content = await asyncio.get_running_loop().run_in_executor(sandbox.painters, png, drawing)
    return Response(content[: len(content) // 2] if spoilt else content, media_type="image/png")


async def _not_found(request: Request, error: Exception) -> Response:
    return spring_error(error.status_code if isinstance(error, HTTPException) else 500, request.url.path)


class _Server(uvicorn.Server):
    """Says on stderr where it can be reached, as soon as it can."""

    def __init__(self, config: uvicorn.Config, options: Options) -> None:
        super().__init__(config)
        self._options = options

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"sandbox ready at {self._options.address}", file=sys.stderr, flush=True)


def serve(options: Options) -> None:
    """Serves until SIGINT or SIGTERM. Raises OSError where the port is taken or the journal cannot be written."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.create_server((options.host, options.port), family=family, backlog=512) as listener:
        options = replace(options, port=listener.getsockname()[1])
        config = uvicorn.Config(
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
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal again once it has closed everything: both should then end alike.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            _Server(config, options).run(sockets=[listener])
