"""The routes of the emulated server: those of the API that its dialect has, and its own.

Each route of the API is a bare ASGI endpoint, since a benchmark of the client shares the processor with this server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from pipeline.sandbox import follow_ups, submits
from pipeline.sandbox.answers import Call, Sandbox
from pipeline.sandbox.describing import describe
from pipeline.sandbox.desk import Desk, Place
from pipeline.sandbox.docs import page
from pipeline.sandbox.media import Media
from pipeline.sandbox.openapi import document
from pipeline.sandbox.queries import Queries
from pipeline.sandbox.results import MalformedError
from pipeline.sandbox.uploads import received, wanted

HANG_UP = "sandbox.hang_up"
"""The extension of our ASGI scope that closes the connection without an answer."""

WELCOME = """This is the sandbox of mj-pipeline: an emulated midjourney-proxy server on this machine.
It speaks the dialect of {dialect}. It costs nothing, and its pictures are drawings.
{slots} tasks are made at once, {queue} more may wait.

  {paths}

  GET  /docs, /openapi.json          what each of these takes and answers
  GET  /sandbox/audit                what was asked for, and how often
  POST /sandbox/reset                forget everything
"""

Answer = Callable[[Call], Response | None]
Before = Callable[[Call], Awaitable[None] | None]


class Endpoint:
    """One route of the API: count, check the key, answer. `before` is what must be waited for before the answer."""

    def __init__(self, sandbox: Sandbox, path: str, answer: Answer, before: Before | None = None) -> None:
        self._sandbox = sandbox
        self._path = path
        self._answer = answer
        self._before = before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = Call(self._path, await _body(receive), scope, self._sandbox.dialect)
        self._sandbox.audit.requests[scope.get("root_path", "") + self._path] += 1
        response = self._sandbox.turned_away(call)
        if response is None and call.fault != "hang_up":
            if self._before is not None and (waiting := self._before(call)) is not None:
                await waiting
            response = self._answer(call)
        if response is None:
            await _hang_up(scope, receive)
        else:
            await response(scope, receive, send)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    raw: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return raw
    parts = [raw]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


async def _hang_up(scope: Scope, receive: Receive) -> None:
    extension = scope.get("extensions", {}).get(HANG_UP)
    if extension is None:
        raise ConnectionResetError("The sandbox accepted the task and closes the connection without an answer.")
    extension["now"]()
    while (await receive())["type"] != "http.disconnect":
        pass


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Everything that is served, the most used first: routes are tried in this order."""
    api, prefixes = _api_routes(sandbox), sandbox.dialect.prefixes
    return [*api, *_own_routes(sandbox), *([_mounted(api, prefixes)] if prefixes else [])]


def _api_routes(sandbox: Sandbox) -> list[Route]:
    desk, queries = Desk(sandbox), Queries(sandbox)
    own = sandbox.options.link_base + "/"
    loose = sandbox.dialect.loose_pictures

    def pictures(call: Call) -> Awaitable[None] | None:
        """Most bodies have none."""
        try:
            texts = wanted(call.body, own)
        except MalformedError:
            return None
        return opened(call, texts) if texts else None

    async def opened(call: Call, texts: list[str]) -> None:
        call.pictures = await received(texts, own, loose=loose)
        if call.path == "/mj/submit/describe":
            # A large picture takes a tenth of a second to look at: not when the finished task is printed.
            readable = [upload for upload in call.pictures.values() if upload and not upload.flaw]
            await asyncio.gather(*(asyncio.to_thread(describe, upload) for upload in readable))

    def patience(_: Call) -> Awaitable[None]:
        return asyncio.sleep(min(sandbox.options.seed_seconds, sandbox.dialect.seed_patience[0]))

    def place(answer: Place) -> Answer:
        return partial(desk.submit, answer)

    def order(read: submits.Reader) -> Answer:
        return place(partial(desk.order, read))

    table: list[tuple[str, str, Answer, Before | None]] = [
        ("POST", "/mj/task/list-by-condition", queries.list_by_condition, None),
        ("POST", "/mj/submit/action", place(desk.press), None),
        ("POST", "/mj/submit/imagine", order(submits.imagine), pictures),
        ("POST", "/mj/submit/change", order(follow_ups.change), None),
        ("POST", "/mj/submit/simple-change", order(follow_ups.simple_change), None),
        ("POST", "/mj/submit/modal", place(desk.modal), pictures),
        ("POST", "/mj/submit/blend", order(submits.blend), pictures),
        ("POST", "/mj/submit/describe", order(submits.describe), pictures),
        ("POST", "/mj/submit/shorten", order(submits.shorten), None),
        ("POST", "/mj/submit/edits", order(submits.edits), pictures),
        ("POST", "/mj/submit/edit", order(submits.edits), pictures),
        ("POST", "/mj/submit/retexture", order(submits.edits), pictures),
        ("POST", "/mj/submit/video", order(submits.video), pictures),
        ("POST", "/mj/submit/upload-discord-images", place(desk.upload), pictures),
        ("POST", "/mj/insight-face/swap", order(submits.swap), pictures),
        ("POST", "/mj/task/list-by-ids", queries.list_by_ids, None),
        ("POST", "/mj/task/query", queries.query, None),
        ("GET", "/mj/task/list", queries.list_all, None),
        ("GET", "/mj/task/queue", queries.list_queue, None),
        ("GET", "/mj/task/{id}/fetch", queries.fetch, None),
        ("GET", "/mj/task/{id}/image-seed", queries.seed, patience),
        ("POST", "/mj/task/{id}/cancel", queries.cancel, None),
    ]
    return [
        Route(path, Endpoint(sandbox, path, answer, before), methods=[method])
        for method, path, answer, before in table
        if path in sandbox.dialect.paths
    ]


def _mounted(api: list[Route], prefixes: str) -> Mount:
    """The same routes below the first segments that name a speed."""

    class Prefix(Convertor[str]):
        regex = prefixes

        def convert(self, value: str) -> str:
            return value

        def to_string(self, value: str) -> str:
            return value

    register_url_convertor("prefix", Prefix())
    return Mount("/{speed:prefix}", routes=api)


def _own_routes(sandbox: Sandbox) -> list[Route]:
    media = Media(sandbox)

    async def welcome(_: Request) -> Response:
        paths = "\n  ".join(sorted(sandbox.dialect.paths))
        room = {"slots": sandbox.options.slots, "queue": sandbox.options.queue}
        return PlainTextResponse(WELCOME.format(dialect=sandbox.dialect.name, paths=paths, **room))

    async def openapi(_: Request) -> Response:
        return JSONResponse(document(sandbox.dialect, sandbox.options.link_base))

    async def docs(_: Request) -> Response:
        return HTMLResponse(page(document(sandbox.dialect, sandbox.options.link_base)))

    async def audit(_: Request) -> Response:
        sandbox.engine.advance()
        return JSONResponse(sandbox.audit.report(sandbox.engine) | {"callbacks": dict(sandbox.callbacks.counts)})

    async def reset(_: Request) -> Response:
        sandbox.reset()
        return Response(status_code=204)

    return [
        *media.routes(),
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        Route("/sandbox/audit", audit),
        Route("/sandbox/reset", reset, methods=["POST"]),
        Route("/", welcome),
    ]
