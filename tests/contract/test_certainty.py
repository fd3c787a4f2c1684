"""`docs/certainty.md`, held to the code row by row: no row without a test, and no way to end without a row."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from pipeline.api.at_once import is_free
from pipeline.api.client import Api
from pipeline.api.line import Line, LostReplyError
from pipeline.api.trail import DROP_UNSENT, UNSENT_FOR, Trail
from pipeline.outcome import Accepted, Blame, InDoubt, Outcome, Refused, TryAgain, Window
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask
from tests.contract.endings import SMALL, TAKEN, WAYS
from tests.contract.scripted import CERTIFICATE, Guest, length, scripted

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/certainty.md").read_text(encoding="utf-8")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
BODIES = (b"", b"<html><h1>a page</h1></html>", b'{"status":500,"error":"Internal Server Error"}')
CODES = (-1, 1, 3, 4, 5, 9, 21, 22, 23, 24, 30, 99)
AFTER_REFUSALS = {
    Blame.TASK: "tried again",
    Blame.NOBODY: "tried again for nothing",
    Blame.ACCOUNT: "the account pauses",
    Blame.SERVER: "the account pauses",
    Blame.KEY: "the account pauses, or the task",
}


class Row(NamedTuple):
    """One row of the page. `follows` may name the test that shows it."""

    ending: str
    dialects: str
    certainty: str
    follows: str

    @property
    def shown_by(self) -> str | None:
        return self.follows.partition(": `")[2].rstrip("`") or None


def rows(heading: str) -> list[Row]:
    """The rows of the table under a heading."""
    part = (
        (ROOT / "docs/certainty.md").read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    )
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in part.splitlines() if line[:2] == "| "]
    return [Row(one[0], one[1] if len(one) == 5 else "every", one[-3], one[-1].strip(" |")) for one in cells[1:]]


NO_REPLY = rows("No reply that can be read")
BY_STATUS = rows("A reply without a code")
BY_WORDS = rows("A reply with a code, or with words that are known")


@pytest.fixture(autouse=True)
def _quick_and_direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *(name.lower() for name in PROXIES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pipeline.api.client.SUBMIT_TIMEOUT", httpx.Timeout(0.4, write=0.9))
    monkeypatch.setattr("pipeline.api.client.SEED_TIMEOUT", httpx.Timeout(0.4))


class Answers:
    """A server that answers what it is told to, and an account on it in every dialect."""

    def __init__(self) -> None:
        self._next: list[tuple[int, bytes, tuple[str, ...]]] = []
        self._stack = ExitStack()
        url = self._stack.enter_context(scripted(self._play)).url
        self._apis = {one: self._stack.enter_context(Api(url, "key", one)) for one in Dialect}
        self.close = self._stack.close

    def _play(self, guest: Guest) -> None:
        while guest.hears():
            status, body, headers = self._next.pop()
            guest.answers(status, body, *headers)

    def outcome(self, status: int, body: bytes, *headers: str, dialect: Dialect = Dialect.PLUS) -> Outcome:
        self._next.append((status, body, headers))
        return self._apis[dialect].submit(SMALL)


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    with closing(Answers()) as server:
        yield server


def certainty_and_consequence(task: ClaimedTask, outcome: Outcome) -> tuple[str, str]:
    """The outcome in the words of the page."""
    match outcome:
        case Accepted():
            return "surely", "submitted"
        case Window():
            return "surely not", "the window is answered"
        case Refused():
            return "surely not", "failed"
        case InDoubt():
            return "perhaps", "in doubt"
        case TryAgain():
            return "perhaps" if is_free(task) else "surely not", AFTER_REFUSALS[outcome.blame]


@pytest.mark.parametrize("row", [row for row in NO_REPLY if not row.shown_by], ids=lambda row: row.ending)
def test_without_a_reply_the_page_says_what_happens(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = WAYS[row.ending](monkeypatch)
    assert certainty_and_consequence(*ended) == (row.certainty, row.follows), ended[1]


def test_every_way_to_end_has_its_row() -> None:
    assert sorted(row.ending for row in NO_REPLY if not row.shown_by) == sorted(WAYS)


@pytest.mark.parametrize("row", [row for row in NO_REPLY if row.shown_by], ids=lambda row: row.ending)
def test_what_takes_more_than_a_server_is_shown_by_the_test_that_the_page_names(row: Row) -> None:
    file, _, name = str(row.shown_by).partition("::")
    assert f"def {name}(" in (ROOT / file).read_text()


def statuses(row: Row) -> Iterator[int]:
    for span in row.ending.removeprefix("HTTP ").split(", "):
        first, _, last = span.partition(" to ")
        yield from range(int(first), int(last or first) + 1)


def test_every_status_has_one_row() -> None:
    assert sorted(status for row in BY_STATUS for status in statuses(row)) == list(range(200, 600))


@pytest.mark.parametrize("row", BY_STATUS, ids=lambda row: row.ending)
def test_the_page_says_what_a_status_means_whatever_its_body(row: Row, answers: Answers) -> None:
    for status in statuses(row):
        for body in BODIES if status not in {204, 304} else (b"",):
            outcome = answers.outcome(status, body)
            assert certainty_and_consequence(SMALL, outcome) == (row.certainty, row.follows), (status, body, outcome)


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_server_that_sends_us_elsewhere_is_named_with_where_to_and_the_setting(status: int, answers: Answers) -> None:
    outcome = answers.outcome(status, b"", "location: https://elsewhere.test/mj/submit/imagine?key=secret")
    assert outcome == TryAgain(
        reason="the API says that it has moved to https://elsewhere.test/mj/submit/imagine "
        f"(HTTP {status}): set PIPELINE_API_BASE_URL to where it is",
        blame=Blame.ACCOUNT,
    )


def reply_of(row: Row) -> tuple[int, bytes]:
    status, _, body = row.ending.removeprefix("HTTP ").partition(" ")
    return int(status), body.strip("`").encode()


def dialects_of(row: Row) -> list[Dialect]:
    return [*Dialect] if row.dialects == "every" else [Dialect(name) for name in row.dialects.split(", ")]


@pytest.mark.parametrize("row", BY_WORDS, ids=lambda row: row.ending)
def test_the_page_says_what_the_servers_words_mean(row: Row, answers: Answers) -> None:
    for dialect in dialects_of(row):
        outcome = answers.outcome(*reply_of(row), dialect=dialect)
        assert certainty_and_consequence(SMALL, outcome) == (row.certainty, row.follows), (dialect, outcome)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_row_in_every_dialect(code: int, dialect: Dialect) -> None:
    said = re.compile(rf'"code":{code}\b(?!")'.encode())
    assert [row for row in BY_WORDS if said.search(reply_of(row)[1]) and dialect in dialects_of(row)]


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://{}", None),
        ("https://{}", None),
        ("http://api.test", "HTTP_PROXY"),
        ("https://localhost", "HTTPS_PROXY"),
    ],
    ids=["plain", "tls", "proxy", "tunnel"],
)
def test_every_connection_forgets_what_it_could_not_send(
    url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers(guest: Guest) -> None:
        if proxy == "HTTPS_PROXY":
            guest.hears()
            guest.answers(200)
            guest.starts_tls()
        guest.hears()
        guest.answers(200, TAKEN)

    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with scripted(answers, tls=url == "https://{}") as server:
        if proxy:
            monkeypatch.setenv(proxy, f"http://{server.address}")
        address = url.format(server.address)
        with Api(address, "key", Dialect.PLUS) as api:
            assert isinstance(api.submit(SMALL), Accepted)
        trace = {"trace": Trail()}
        with httpx.Client() as client, client.stream("POST", address, json={}, extensions=trace) as reply:
            connection = reply.extensions["network_stream"].get_extra_info("socket")
            assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == DROP_UNSENT
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                patience = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                assert patience == UNSENT_FOR * 1000


def test_a_request_that_is_given_up_in_our_send_buffer_is_never_delivered() -> None:
    with socket.socket() as listener, Line("http://127.0.0.1", {}) as api:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        api.base_url += f":{listener.getsockname()[1]}"
        with pytest.raises(LostReplyError):
            api.send("POST", "/mj/submit/imagine", {"prompt": "a fox " * 4_000}, httpx.Timeout(0.3))
        connection, _ = listener.accept()
        with connection:
            heard = Guest(connection, threading.Event()).hears()
    assert 0 < len(heard) < length(heard)
