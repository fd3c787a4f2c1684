"""A server, or a proxy, that does on each connection exactly what a test says: real sockets, with TLS or without."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

CERTIFICATE = Path(__file__).parent / "localhost.pem"
"""Of localhost and 127.0.0.1, with its key. Nobody trusts it unless SSL_CERT_FILE names it."""
UNKNOWN = 1 << 30


class Guest:
    """One connection, as the server has it."""

    def __init__(self, connection: socket.socket, over: threading.Event) -> None:
        self._connection = connection
        self.over = over
        self.heard: list[bytes] = []

    def hears(self, most: int = UNKNOWN) -> bytes:
        """The next request, or its first `most` bytes; less of it if the client hangs up before."""
        heard = b""
        with suppress(ConnectionResetError):
            while (wanted := min(most, length(heard)) - len(heard)) > 0:
                part = self._connection.recv(min(wanted, 1 << 16) if heard else 1)
                if not part:
                    break
                heard += part
        if heard:
            self.heard.append(heard)
        return heard

    def says(self, words: bytes) -> None:
        self._connection.sendall(words)

    def answers(self, status: int, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status} So", *headers]
        if status not in {204, 304}:
            lines.append(f"content-length: {len(body)}")
        self.says("\r\n".join((*lines, "", "")).encode() + body)

    def starts_tls(self) -> None:
        self._connection = _tls().wrap_socket(self._connection, server_side=True)

    def resets(self) -> None:
        """Hangs up rudely: what is on its way to here is refused."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def waits(self, seconds: float = 20.0) -> bool:
        """Reads nothing and says nothing until the test is over. Whether it is."""
        return self.over.wait(seconds)

    def close(self) -> None:
        self._connection.close()


Play = Callable[[Guest], object]


class Scripted:
    """Plays the first play on the first connection, the second on the second; the last on all that come after."""

    def __init__(self, listener: socket.socket, plays: tuple[Play, ...], *, tls: bool) -> None:
        port = listener.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self.url = f"{'https' if tls else 'http'}://{self.address}"
        self.over = threading.Event()
        self._listener = listener
        self._plays = plays
        self._tls = tls
        self._guests: list[Guest] = []

    @property
    def heard(self) -> list[bytes]:
        """Every request, whole or not."""
        return [request for guest in self._guests for request in guest.heard]

    def receive(self, pool: ThreadPoolExecutor) -> list[Future[None]]:
        plays = []
        with suppress(OSError):
            while True:
                guest = Guest(self._listener.accept()[0], self.over)
                self._guests.append(guest)
                play = self._plays[min(len(self._guests), len(self._plays)) - 1]
                plays.append(pool.submit(self._play, guest, play))
        return plays

    def _play(self, guest: Guest, play: Play) -> None:
        with suppress(OSError):
            if self._tls:
                guest.starts_tls()
            play(guest)
        guest.close()


@contextmanager
def scripted(*plays: Play, tls: bool = False) -> Iterator[Scripted]:
    """A server that plays these."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(8) as pool:
        server = Scripted(listener, plays, tls=tls)
        received = pool.submit(server.receive, pool)
        try:
            yield server
        finally:
            server.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            for played in received.result():
                played.result()


def length(heard: bytes) -> int:
    """How long the request is, as far as it is known yet."""
    head, end, _ = heard.partition(b"\r\n\r\n")
    if not end:
        return UNKNOWN
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(head) + len(end) + int(lengths[0] if lengths else 0)


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
