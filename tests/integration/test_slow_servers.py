"""Servers that read slowly, or stop reading, on real sockets: a large POST is neither given up early nor doubted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

import httpx
import pytest

from pipeline.api.line import Line, LostReplyError
from pipeline.api.upload import CutShortError

BODY = {"base64": "A" * 16_000_000}
"""More than both ends of a connection keep."""
REPLY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def read(connection: socket.socket) -> int:
    """Reads the request, or what of it comes until the client hangs up. By how many bytes the body is too short."""
    head, body = b"", 0
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    with suppress(ConnectionResetError):
        while body < length and (part := connection.recv(1 << 20)):
            body += len(part)
    return length - body


@contextmanager
def server(waits: float, answer: bytes) -> Iterator[tuple[str, Future[int]]]:
    """Lets the client wait before it reads. Its address, and by how many bytes the body that came was too short."""

    def serve(listener: socket.socket) -> int:
        connection, _ = listener.accept()
        with connection:
            stopped.wait(waits)
            missing = read(connection)
            with suppress(BrokenPipeError):
                connection.sendall(answer)
            return missing

    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        arrived = pool.submit(serve, listener)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", arrived
        stopped.set()


def test_a_body_that_takes_longer_than_any_reply_may_is_answered() -> None:
    patience = httpx.Timeout(0.4, connect=5.0, write=30.0)
    with server(1.2, REPLY) as (url, arrived), Line(url, {}) as line:
        assert line.send("POST", "/mj/submit/describe", BODY, patience).status == 200
        assert arrived.result(10) == 0


def test_a_server_that_takes_no_more_never_gets_the_end_of_the_body() -> None:
    patience = httpx.Timeout(10.0, write=0.6)
    with (
        server(10.0, b"") as (url, arrived),
        Line(url, {}) as line,
        pytest.raises(CutShortError, match="timed out"),
    ):
        line.send("POST", "/mj/submit/describe", BODY, patience)
    assert arrived.result(10) > 0


def test_a_server_that_hangs_up_after_the_whole_body_leaves_doubt() -> None:
    with server(0.0, b"") as (url, arrived), Line(url, {}) as line:
        with pytest.raises(LostReplyError):
            line.send("POST", "/mj/submit/describe", BODY, httpx.Timeout(10.0))
        assert arrived.result(10) == 0
