"""A task is looked for by our token; "it is not there" is said only of a complete list."""

from __future__ import annotations

import httpx
import pytest

from pipeline.api.client import Api, QueryError
from pipeline.settings import Dialect
from pipeline.task import State

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
    report = remote.find("token")
    assert report is not None
    assert (report.remote_id, report.state) == ("5", State.RUNNING)


@pytest.mark.parametrize(
    "remote",
    [
        api(Dialect.PLUS, query={"content": []}),
        api(Dialect.NOVICEZK, list=[OTHER], queue=[]),
        api(Dialect.TRUEAI, list=[OTHER] * 99),
    ],
)
def test_what_a_complete_list_does_not_name_is_not_there(remote: Api) -> None:
    assert remote.find("token") is None


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        (api(Dialect.TRUEAI, list=[OTHER] * 100), "lists its newest 100 tasks only"),
        (api(Dialect.RELAY, list=[], queue=[], query={"content": []}), "offers no way to look"),
        (api(Dialect.NOVICEZK), "offers no way to look"),
        (api(Dialect.PLUS, query={"content": [OTHER]}), "tasks that were not asked for"),
        (api(Dialect.PLUS, query={}), "no page of tasks"),
        (api(Dialect.NOVICEZK, list={}), "no list of tasks"),
    ],
)
def test_what_cannot_be_known_is_not_said(remote: Api, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        remote.find("token")
