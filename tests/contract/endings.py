"""How a POST can end without a reply that can be read: each way by the name that `docs/certainty.md` gives it."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from pipeline.action import Action
from pipeline.api import line
from pipeline.api.client import Api
from pipeline.dispatch import Handful, now
from pipeline.outcome import Accepted, Outcome
from pipeline.settings import Dialect
from pipeline.submit import Post, send
from pipeline.task import ClaimedTask
from tests.contract.scripted import Guest, Play, Scripted, scripted
from tests.unit.claimed import FIRST, attached, follow_up, task

Patch = pytest.MonkeyPatch
Way = Callable[[Patch], tuple[ClaimedTask, Outcome]]

TAKEN = b'{"code":1,"description":"ok","result":"77"}'
SMALL = task()
LARGE = task(Action.DESCRIBE, attached=attached("data:image/png;base64," + "A" * 12_000_000))
"""More than both ends of a connection keep."""

WAYS: dict[str, Way] = {}


def way(name: str) -> Callable[[Way], Way]:
    def noted(plays: Way) -> Way:
        assert name not in WAYS
        WAYS[name] = plays
        return plays

    return noted


def sent(claimed: ClaimedTask, post: Post, *, late: bool = False, told: bool = False) -> tuple[ClaimedTask, Outcome]:
    """The task with its outcome, by the way that every task goes."""
    with ThreadPoolExecutor(1) as pool:
        ((ended,),) = send(Handful([claimed], False, now() + (-1 if late else 60)), post, lambda _: pool, lambda: told)
    return ended


def posted(url: str, claimed: ClaimedTask = SMALL, dialect: Dialect = Dialect.PLUS) -> tuple[ClaimedTask, Outcome]:
    with Api(url, "key", dialect) as api:
        return sent(claimed, api.submit)


def plays(name: str, *played: Play, claimed: ClaimedTask = SMALL, tls: bool = False) -> None:
    """A way to end that takes a server which plays this."""

    @way(name)
    def _ends(_: Patch) -> tuple[ClaimedTask, Outcome]:
        with scripted(*played, tls=tls) as server:
            return posted(server.url, claimed)


def through(name: str, proxy: Play, variable: str = "HTTPS_PROXY") -> None:
    """A way to end that takes a proxy which plays this."""

    @way(name)
    def _ends(patch: Patch) -> tuple[ClaimedTask, Outcome]:
        with scripted(proxy) as server:
            patch.setenv(variable, f"http://{server.address}")
            return posted("https://api.test")


def nobody_listens() -> str:
    """An address where a connection is refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def crowded() -> Iterator[str]:
    """An address whose backlog is full, so that nobody answers there."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def unasked(**when: bool) -> tuple[ClaimedTask, Outcome]:
    with scripted(once) as server, Api(server.url, "key", Dialect.PLUS) as api:
        ended = sent(SMALL, api.submit, **when)
        assert server.heard == []
    return ended


@way("the worker comes to it too late")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    return unasked(late=True)


@way("the worker is told to stop before it sends")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    return unasked(told=True)


@way("the server's name is not found")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    return posted("http://api.invalid")


@way("the connection is refused")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    return posted(f"http://{nobody_listens()}")


@way("the connection is not made in time")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    with crowded() as url:
        return posted(url)


@way("no connection is free in time")
def _(patch: Patch) -> tuple[ClaimedTask, Outcome]:
    patch.setattr("pipeline.api.client.SUBMIT_TIMEOUT", httpx.Timeout(20.0, pool=0.2))
    one = httpx.HTTPTransport(limits=httpx.Limits(max_connections=1))
    with ThreadPoolExecutor(1) as pool, scripted(lambda guest: (guest.hears(), guest.waits())) as server:
        with Api(server.url, "key", Dialect.PLUS, transport=one) as api:
            first = pool.submit(api.submit, SMALL)
            wait_until_heard(server)
            ended = sent(SMALL, api.submit)
            server.over.set()
            first.result()
        assert len(server.heard) == 1
    return ended


def wait_until_heard(server: Scripted) -> None:
    gives_up = time.monotonic() + 10
    while not server.heard:
        assert time.monotonic() < gives_up, "nothing was sent"
        time.sleep(0.005)


plays("the server's certificate is not trusted", lambda guest: guest.answers(200, TAKEN), tls=True)


@way("the server hangs up during the TLS handshake")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    with scripted(lambda guest: guest.hears(10)) as server:
        return posted(f"https://{server.address}")


@way("the TLS handshake is not done in time")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    with scripted(lambda guest: guest.waits()) as server:
        return posted(f"https://{server.address}")


@way("the proxy's address cannot be used")
def _(patch: Patch) -> tuple[ClaimedTask, Outcome]:
    patch.setenv("ALL_PROXY", "gopher://user:secret@127.0.0.1:70")
    ended = posted("http://api.test")
    assert "secret" not in str(ended[1])
    return ended


@way("the proxy cannot be reached")
def _(patch: Patch) -> tuple[ClaimedTask, Outcome]:
    patch.setenv("HTTPS_PROXY", f"http://{nobody_listens()}")
    return posted("https://api.test")


@way("the proxy of a plain http address cannot be reached")
def _(patch: Patch) -> tuple[ClaimedTask, Outcome]:
    patch.setenv("HTTP_PROXY", f"http://{nobody_listens()}")
    return posted("http://api.test")


through("the proxy refuses to connect", lambda guest: (guest.hears(), guest.answers(403, b"no")))
through("the proxy hangs up instead of connecting", lambda guest: guest.hears())
through("the proxy does not connect in time", lambda guest: (guest.hears(), guest.waits()))
through("the proxy answers with what is no HTTP", lambda guest: (guest.hears(), guest.says(b"HELO proxy\r\n\r\n")))
through(
    "the certificate behind the proxy is not trusted",
    lambda guest: (guest.hears(), guest.answers(200), guest.starts_tls(), guest.hears()),
)

plays(
    "the server hangs up half way through the request",
    lambda guest: (guest.hears(100_000), guest.resets()),
    claimed=LARGE,
)
plays("the server takes no more of the request", lambda guest: (guest.hears(10_000), guest.waits()), claimed=LARGE)


@way("sending takes too long in all")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    def slow(guest: Guest) -> None:
        while not guest.waits(0.05):
            guest.hears(200_000)

    with scripted(slow) as server:
        ended = posted(server.url, LARGE)
        assert "the server took" in str(ended[1])
    return ended


def once(guest: Guest) -> None:
    guest.hears()
    guest.answers(200, TAKEN)


def twice_and_silent(guest: Guest) -> None:
    once(guest)
    guest.hears()


@way("the server has closed a kept connection before")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    return second_post(once)


@way("the server closes a kept connection as the request goes out")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    return second_post(twice_and_silent, once)


def second_post(*played: Play) -> tuple[ClaimedTask, Outcome]:
    """A POST after one that was taken. Each was sent once."""
    with scripted(*played) as server, ThreadPoolExecutor(1) as one, Api(server.url, "key", Dialect.PLUS) as api:
        handful = Handful([SMALL], False, now() + 60)
        (((_, first),),) = send(handful, api.submit, lambda _: one, lambda: False)
        assert isinstance(first, Accepted)
        ((ended,),) = send(handful, api.submit, lambda _: one, lambda: False)
        assert len(server.heard) == 2
    return ended


plays("no reply comes in time", lambda guest: (guest.hears(), guest.waits()))
plays("the connection is closed without a reply", lambda guest: guest.hears())
plays("the connection is reset after the request", lambda guest: (guest.hears(), guest.resets()))
plays("the reply is no HTTP", lambda guest: (guest.hears(), guest.says(b"220 mail.test ESMTP\r\n")))
plays(
    "the reply ends half way",
    lambda guest: (guest.hears(), guest.says(b"HTTP/1.1 200 OK\r\ncontent-length: 43\r\n\r\n" + TAKEN[:20])),
)
plays(
    "the reply cannot be unpacked",
    lambda guest: (guest.hears(), guest.answers(200, gzip.compress(TAKEN)[:9] + b"?", "content-encoding: gzip")),
)
plays(
    "the reply is JSON that is nested too deep",
    lambda guest: (guest.hears(), guest.answers(200, b'{"code":' + b"[" * 100_000)),
)
plays(
    "the reply names a charset that nobody knows",
    lambda guest: (guest.hears(), guest.answers(200, TAKEN, "content-type: text/json; charset=klingon")),
)
plays("the reply is lost, and no picture was asked for", lambda guest: guest.hears(), claimed=follow_up("seed"))
plays(
    "no such endpoint, and there is another way to ask",
    lambda guest: (guest.hears(), guest.answers(404)),
    claimed=follow_up("U1", "MJ::JOB::upsample::1::hash"),
)
plays(
    "no such endpoint, and there is no other way to ask",
    lambda guest: (guest.hears(), guest.answers(404)),
    claimed=task(Action.DESCRIBE, attached=attached(FIRST)),
)


@way("the reply does not end")
def _(patch: Patch) -> tuple[ClaimedTask, Outcome]:
    def drips(guest: Guest) -> None:
        guest.hears()
        guest.says(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + TAKEN)
        while not guest.waits(0.05):
            guest.says(b" ")

    patch.setattr(line, "SLOWEST_REPLY", 0.3)
    with scripted(drips) as server:
        return posted(server.url)


@way("the reply is too long")
def _(patch: Patch) -> tuple[ClaimedTask, Outcome]:
    patch.setattr(line, "LONGEST_REPLY", 1_000)
    with scripted(lambda guest: (guest.hears(), guest.answers(200, TAKEN + b" " * 2_000))) as server:
        return posted(server.url)


@way("this program fails while it sends")
def _(_: Patch) -> tuple[ClaimedTask, Outcome]:
    def fails(_: ClaimedTask) -> Outcome:
        raise ZeroDivisionError

    return sent(SMALL, fails)
