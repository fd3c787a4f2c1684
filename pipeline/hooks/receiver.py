"""The HTTP side: who may send how much, and which status says what became of it. Nothing of a request is echoed.

| status | because |
|---|---|
| 200 | what the report says is committed; doubled, late and overtaken ones say nothing new |
| 400 | no task object |
| 404 | no POST of ours gave out this address |
| 405 | not a POST |
| 408 | the body took longer than `SLOWEST_BODY` |
| 409 | about another task than the one that has this address |
| 413 | longer than `LARGEST_BODY`; the rest is not read |
| 500 | this program failed on it |
| 503 | the database is away, or more reports wait than can be kept |
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pipeline.errors import ServiceError
from pipeline.hooks.asking import Asker, Ring
from pipeline.hooks.callback import Verdict, read_callback
from pipeline.hooks.door import Door
from pipeline.hooks.inbox import Inbox
from pipeline.hooks.metrics import Access, Metrics
from pipeline.store.engine import Store

LARGEST_BODY = 1 << 20
LARGEST_BODIES = 64 << 20
"""Bytes of one body, and of all that are being read at once."""
SLOWEST_BODY = 10.0
"""Seconds that a body may take to arrive."""
HEALTH_WITHIN = 3.0
"""Seconds in which the database must answer for this process to count as healthy."""
FINISH_WITHIN = 3.0
"""Seconds for each of what is left when this process is told to stop: answers, reports that wait, rings."""

_TOKEN = re.compile(r"[0-9a-f]{32}")

OUTCOMES = {
    200: "taken",
    400: "no_task",
    404: "unknown",
    408: "too_slow",
    409: "foreign",
    413: "too_large",
    500: "failed",
    503: "away",
}
"""What the statuses are counted as."""

_AGAIN = {"Retry-After": "1"}
_NO_MORE = {"Connection": "close"}
"""Tells uvicorn to hang up rather than to read on."""

_ANSWERS = {
    Verdict.TAKEN: PlainTextResponse("taken\n"),
    Verdict.UNKNOWN: PlainTextResponse("no such address\n", 404),
    Verdict.FOREIGN: PlainTextResponse("this address is another task's\n", 409),
    Verdict.AWAY: PlainTextResponse("the database is away\n", 503, _AGAIN),
    Verdict.BROKEN: PlainTextResponse("failed\n", 500),
}
_NO_TASK = PlainTextResponse("not a task object\n", 400)
_TOO_LARGE = PlainTextResponse("too large\n", 413, _NO_MORE)
_TOO_SLOW = PlainTextResponse("too slow\n", 408, _NO_MORE)
_TOO_MANY = PlainTextResponse("too many at once\n", 503, _AGAIN | _NO_MORE)
_WELL, _UNWELL = PlainTextResponse("ok\n"), PlainTextResponse("the database is away\n", 503)


class _Refusal(Exception):  # noqa: N818 - an answer, not an error
    """The body is not read any further."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer


class _Hung(Exception):  # noqa: N818
    """The caller has gone before it had sent everything."""


class Receiver:
    """The endpoint of the reports, as a bare ASGI application: it is the hot path."""

    def __init__(self) -> None:
        self.inbox: Inbox | None = None
        self.answered = dict.fromkeys(OUTCOMES.values(), 0)
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except _Refusal as refusal:
            answer = refusal.answer
        except _Hung:
            return
        self.answered[OUTCOMES[answer.status_code]] += 1
        # uvloop's word for a caller who has gone; the report is committed all the same.
        with suppress(RuntimeError):
            await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        token = scope["path_params"]["token"]
        if not _TOKEN.fullmatch(token):
            return _ANSWERS[Verdict.UNKNOWN]
        if self.inbox is None or self.inbox.full:
            return _TOO_MANY
        callback = read_callback(token, await self._body(scope, receive))
        return _NO_TASK if callback is None else _ANSWERS[await self.inbox.put(callback)]

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Raises `_Refusal` as soon as it is too long, however much is announced or still to come."""
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if len(length) > 9 or int(length) > LARGEST_BODY:
            raise _Refusal(_TOO_LARGE)
        chunks: list[bytes] = []
        read = 0
        try:
            async with asyncio.timeout(SLOWEST_BODY):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Hung
                    chunk = message.get("body", b"")
                    read += len(chunk)
                    self._held += len(chunk)
                    chunks.append(chunk)
                    if read > LARGEST_BODY:
                        raise _Refusal(_TOO_LARGE)
                    if self._held > LARGEST_BODIES:
                        raise _Refusal(_TOO_MANY)
                    if not message.get("more_body"):
                        return b"".join(chunks)
        except TimeoutError:
            raise _Refusal(_TOO_SLOW) from None
        finally:
            self._held -= read


class Health:
    """Whether the database answers. Callers at once share one question: a database that hangs must not eat threads."""

    def __init__(self, ping: Callable[[], None]) -> None:
        self._ping = ping
        self._asked: asyncio.Future[None] | None = None

    async def answer(self, _: Request) -> Response:
        if self._asked is None or self._asked.done():
            self._asked = asyncio.get_running_loop().run_in_executor(None, self._ping)
            self._asked.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        try:
            async with asyncio.timeout(HEALTH_WITHIN):
                await asyncio.shield(self._asked)
        except (ServiceError, TimeoutError):
            return _UNWELL
        return _WELL


def app(store: Store, ring: Ring, access: Access) -> Starlette:
    """The receiver as an ASGI application. `ring` has the API asked about tasks that are said to have ended.

    `access`: who may see the figures.
    """
    receiver = Receiver()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        asker = Asker(ring)
        receiver.inbox = inbox = Inbox(Door(store, asker.ask).take)
        yield
        await inbox.close(FINISH_WITHIN)
        await asyncio.to_thread(asker.close, FINISH_WITHIN)

    found = Starlette(
        routes=[
            Route("/hooks/{token}", receiver, methods=["POST"]),
            Route("/healthz", Health(store.ping).answer, methods=["GET"]),
            Route("/metrics", Metrics(store, receiver.answered, access).answer, methods=["GET"]),
        ],
        lifespan=lifespan,
    )
    # A redirect would repeat the address that was asked for.
    found.router.redirect_slashes = False
    return found
