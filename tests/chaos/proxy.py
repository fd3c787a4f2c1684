"""The network between the workers and the API, as a TCP proxy that can be told to fail: before, during or after a POST.

It knows just enough of HTTP/1.1 to see where a request and its reply end. Connections are kept alive on both sides, as
without it, so that one which has gone stale is met too.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections import Counter, deque
from enum import StrEnum

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_SUBMIT = re.compile(rb"POST [^ ]*/mj/submit/")


class Cut(StrEnum):
    """Where a POST to the API is cut. The connection is reset, as by a router that has forgotten it."""

    BEFORE = "before"
    """Its head arrives here, and nothing of it at the server."""
    DURING = "during"
    """Half of it arrives at the server."""
    WAITING = "waiting"
    """All of it arrives at the server, and the connection breaks before the reply comes."""
    AFTER = "after"
    """The server has answered, and the reply gets lost."""
    HELD = "held"
    """Nothing is lost, but all of it arrives at the server only after `HOLD`."""


HOLD = 6.0
"""Seconds for which a POST that is held is under way."""


class Proxy:
    """Listens on a port of its own in a thread of its own. `cuts` counts what was done."""

    def __init__(self, port: int, upstream: int) -> None:
        self.port = port
        self.cuts: Counter[Cut] = Counter()
        self._upstream = upstream
        self._orders: deque[Cut] = deque()
        self._open: set[asyncio.StreamWriter] = set()
        self._served: set[asyncio.Future[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self.connect()

    def cut(self, *cuts: Cut) -> None:
        """The next POSTs meet these fates, in this order."""
        self._orders.extend(cuts)

    def wait_for_a_post(self, seconds: float) -> None:
        """Until the first of the orders is being carried out, or for so long."""
        ends, before = time.monotonic() + seconds, self.cuts.total()
        while self.cuts.total() == before and time.monotonic() < ends:
            time.sleep(0.02)

    def disconnect(self) -> None:
        """Nobody gets through: connections are reset, and new ones refused."""
        self._run(self._stop())

    def connect(self) -> None:
        self._run(self._listen())

    def close(self) -> None:
        self._run(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)  # type: ignore[arg-type]

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=512)

    async def _stop(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for writer in self._open:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _leave(self) -> None:
        """Nobody is waited for, and no connection stays open."""
        await self._stop()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for writer in self._open:  # of those who were cancelled before they began
            writer.transport.abort()
        await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Known from its first moment, so that it is cut with the others."""
        self._open.add(writer)
        served = asyncio.ensure_future(self._serve(reader, writer))
        self._served.add(served)
        served.add_done_callback(self._served.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._relay(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one side has gone, or the whole network: the other side hears of it now
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                cut = self._cut_of(head)
                if cut is Cut.BEFORE:
                    return
                request = head + await _body(reader, head)
                if cut is Cut.HELD:
                    await asyncio.sleep(HOLD)
                server = server or await asyncio.open_connection("127.0.0.1", self._upstream)
                reply = await _exchange(*server, request, cut)
                if reply is None:
                    return
                writer.write(reply)
                await writer.drain()
        finally:
            if server:
                server[1].close()
                with contextlib.suppress(OSError):
                    await server[1].wait_closed()

    def _cut_of(self, head: bytes) -> Cut | None:
        if not self._orders or not _SUBMIT.match(head):
            return None
        cut = self._orders.popleft()
        self.cuts[cut] += 1
        return cut


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, cut: Cut | None
) -> bytes | None:
    """The server's reply; None where the caller gets none."""
    writer.write(request[: len(request) // 2] if cut is Cut.DURING else request)
    await writer.drain()
    if cut in {Cut.DURING, Cut.WAITING}:
        return None
    head = await reader.readuntil(b"\r\n\r\n")
    reply = head + await _body(reader, head)
    return None if cut is Cut.AFTER else reply


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if length := _LENGTH.search(head):
        return await reader.readexactly(int(length[1]))
    if not _CHUNKED.search(head):
        return b""
    body, size = b"", b""
    while not size or int(size, 16):
        size = await reader.readuntil(b"\r\n")
        body += size + await reader.readexactly(int(size, 16) + 2)
    return body
