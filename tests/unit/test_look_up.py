"""A task is looked for by our token; "it is not there" is said only of a complete list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from pipeline.api.client import Api, QueryError
from pipeline.outcome import Sightings
from pipeline.settings import Dialect
from pipeline.task import State

NOW = datetime.now(UTC)
LONG_AGO = (NOW - timedelta(minutes=6)).timestamp() * 1000
OURS = {"id": "5", "state": "token", "status": "IN_PROGRESS"}
OTHER = {"id": "6", "state": "other", "status": "SUCCESS"}


def api(dialect: Dialect, **answers: object) -> Api:
    """A server whose paths under /mj/task answer this JSON, and the others 404."""

    def server(request: httpx.Request) -> httpx.Response:
        last = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json=answers[last]) if last in answers else httpx.Response(404)

    return Api("http://api.test", "k", dialect, transport=httpx.MockTransport(server))


@pytest.mark.parametrize(
    "remote",
    [
        api(Dialect.PLUS, query={"content": [OURS]}),
        api(Dialect.PLUS, list=[OTHER, OURS]),
        api(Dialect.NOVICEZK, list=[OTHER], queue=[OURS]),
        api(Dialect.NOVICEZK, list=[OTHER, OURS], queue=[OURS]),
        api(Dialect.TRUEAI, list=[OTHER, "nonsense", OURS]),
    ],
)
def test_a_task_is_found_by_its_token(remote: Api) -> None:
    report = remote.find(["token"], NOW).found["token"]
    assert (report.remote_id, report.state) == ("5", State.RUNNING)


@pytest.mark.parametrize(
    "remote",
    [
        api(Dialect.PLUS, query={"content": []}),
        api(Dialect.NOVICEZK, list=[OTHER], queue=[]),
        api(Dialect.TRUEAI, list=[OTHER] * 99),
        api(Dialect.TRUEAI, list=[OTHER] * 99 + [OTHER | {"submitTime": LONG_AGO}]),
    ],
)
def test_what_a_complete_list_does_not_name_is_not_there(remote: Api) -> None:
    assert remote.find(["token"], NOW) == Sightings(complete=True)


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        (api(Dialect.TRUEAI, list=[OTHER] * 100), "lists its newest 100 tasks only"),
        (api(Dialect.TRUEAI, list=[OTHER | {"submitTime": NOW.timestamp() * 1000 - 1}] * 100), "all newer"),
        (api(Dialect.RELAY, list=[], queue=[], query={"content": []}), "offers no way to look"),
        (api(Dialect.NOVICEZK), "offers no way to look"),
        (api(Dialect.PLUS, query={"content": [OTHER]}), "tasks that were not asked for"),
        (api(Dialect.PLUS, query={}), "no page of tasks"),
        (api(Dialect.NOVICEZK, list={}), "no list of tasks"),
        (api(Dialect.PLUS, query="<html>"), "no page of tasks"),
    ],
)
def test_what_cannot_be_known_is_not_said(remote: Api, words: str) -> None:
    seen = remote.find(["token"], NOW)
    assert not seen.complete
    assert words in seen.why


def test_what_a_list_names_is_found_even_if_the_list_is_not_complete() -> None:
    seen = api(Dialect.TRUEAI, list=[OURS, *[OTHER] * 99]).find(["token"], NOW)
    assert (list(seen.found), seen.complete) == (["token"], False)


@pytest.mark.parametrize("status", [401, 429, 500, 502])
def test_an_error_may_pass_so_it_is_asked_again(status: int) -> None:
    remote = Api("http://api.test", "k", Dialect.PLUS, transport=httpx.MockTransport(lambda _: httpx.Response(status)))
    with pytest.raises(QueryError, match=str(status)):
        remote.find(["token"], NOW)
