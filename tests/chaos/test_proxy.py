"""The network that the chaos suite cuts: what arrives at the server, and what the caller sees."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from pipeline.sandbox.lair import is_free
from tests.acceptance.outside import until
from tests.chaos.proxy import Cut, Proxy


class Server(ThreadingHTTPServer):
    """Notes how many bytes of each body arrived."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.arrived: list[int] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Server)
        self.server.arrived.append(len(body))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    port = next(port for port in range(14_000, 15_000) if is_free(port))
    proxy = Proxy(port, server.server_address[1])
    yield proxy
    proxy.close()


def post(proxy: Proxy, path: str = "/mj/submit/imagine") -> str:
    return httpx.post(f"http://127.0.0.1:{proxy.port}{path}", content=b"x" * 1000, trust_env=False).text


def test_what_is_not_cut_passes_whole(proxy: Proxy, server: Server) -> None:
    assert post(proxy) == "x" * 1000
    assert server.arrived == [1000]


@pytest.mark.parametrize(
    ("cut", "arrives"), [(Cut.BEFORE, []), (Cut.DURING, [500]), (Cut.WAITING, [1000]), (Cut.AFTER, [1000])]
)
def test_a_cut_lets_through_what_it_says_and_the_caller_gets_no_reply(
    proxy: Proxy, server: Server, cut: Cut, arrives: list[int]
) -> None:
    proxy.cut(cut)
    with pytest.raises(httpx.TransportError):
        post(proxy)
    if arrives:
        until(lambda: server.arrived, "nothing arrives at the server")
    assert [size < 1000 for size in server.arrived] == [size < 1000 for size in arrives]
    assert post(proxy) == "x" * 1000


def test_what_is_held_arrives_later(proxy: Proxy, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chaos.proxy.HOLD", 0.3)
    proxy.cut(Cut.HELD)
    began = time.monotonic()
    assert post(proxy) == "x" * 1000
    assert time.monotonic() - began >= 0.3


def test_only_submissions_are_cut(proxy: Proxy) -> None:
    proxy.cut(Cut.BEFORE)
    assert post(proxy, "/mj/task/list-by-condition") == "x" * 1000
    with pytest.raises(httpx.HTTPError):
        post(proxy)


def test_a_network_that_is_cut_refuses_connections_until_it_is_mended(proxy: Proxy) -> None:
    proxy.disconnect()
    with pytest.raises(httpx.ConnectError):
        post(proxy)
    proxy.connect()
    assert post(proxy) == "x" * 1000
