"""Which server answers, told by how it answers."""

from __future__ import annotations

import httpx
import pytest

from pipeline.api.client import Api
from pipeline.settings import Dialect

KEY = "sk-very-secret"


class Server:
    """Answers what each path is said to, and takes the key in one header only."""

    def __init__(self, header: tuple[str, str] | None = None, **answers: httpx.Response) -> None:
        self.header = header
        self.answers = answers
        self.methods: list[tuple[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        last = request.url.path.rpartition("/")[2]
        self.methods.append((request.method, last))
        if self.header and request.headers.get(self.header[0]) != self.header[1]:
            return httpx.Response(401)
        return self.answers.get(last.replace("-", "_"), httpx.Response(404))


def probed(server: Server, dialect: Dialect = Dialect.PLUS) -> tuple[Dialect | None, str]:
    return Api("http://api.test", KEY, dialect, transport=httpx.MockTransport(server)).probe()


@pytest.mark.parametrize("configured", Dialect)
@pytest.mark.parametrize(
    ("server", "dialect", "seen"),
    [
        (Server(fetch=httpx.Response(204)), Dialect.TRUEAI, "answers an unknown task with HTTP 204"),
        (
            Server(fetch=httpx.Response(204), header=("authorization", KEY)),
            Dialect.TRUEAI,
            "takes the key as `Authorization`",
        ),
        (
            Server(fetch=httpx.Response(400, json={"code": 4, "description": "task_no_found "})),
            Dialect.RELAY,
            "HTTP 400 and code 4",
        ),
        (
            Server(fetch=httpx.Response(200), query=httpx.Response(200, json={"content": []})),
            Dialect.PLUS,
            "has /mj/task/query",
        ),
        (
            Server(fetch=httpx.Response(200), image_seed=httpx.Response(200, json={"code": 3})),
            Dialect.PLUS,
            "has seeds",
        ),
        (Server(fetch=httpx.Response(200), header=("mj-api-secret", KEY)), Dialect.NOVICEZK, "has neither"),
    ],
)
def test_each_server_is_told_by_its_answers(server: Server, dialect: Dialect, seen: str, configured: Dialect) -> None:
    found, evidence = probed(server, configured)
    assert found is dialect
    assert seen in evidence
    assert KEY not in evidence


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (Server(), "answers an unknown task with HTTP 404, as no known server"),
        (Server(fetch=httpx.Response(200, json={"hello": "world"})), "as no known server"),
        (Server(header=("x-other", "")), "refuses the key however it is shown (HTTP 401)"),
    ],
)
def test_a_server_that_fits_none_is_not_guessed(server: Server, words: str) -> None:
    found, evidence = probed(server)
    assert found is None
    assert words in evidence


def test_a_probe_submits_nothing() -> None:
    server = Server(fetch=httpx.Response(200))
    probed(server)
    assert server.methods == [("GET", "fetch"), ("POST", "query"), ("GET", "image-seed")]


def test_a_server_that_is_away_is_said() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    found, evidence = Api("http://api.test", KEY, Dialect.PLUS, transport=httpx.MockTransport(away)).probe()
    assert (found, evidence) == (None, "http://api.test cannot be reached (refused)")
