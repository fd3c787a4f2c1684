from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from pipeline.action import Action
from pipeline.api.client import Api, QueryError
from pipeline.errors import ServiceError
from pipeline.outcome import Accepted, Blame, TryAgain
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask, Mode
from tests.unit.claimed import FIRST, SECOND, attached, follow_up, task

KEY = "sk-very-secret"


def api(answer: Callable[[httpx.Request], httpx.Response]) -> Api:
    return Api("http://api.test", KEY, Dialect.PLUS, transport=httpx.MockTransport(answer))


def always(status: int, **content: object) -> Api:
    return api(lambda _: httpx.Response(status, **content))  # type: ignore[arg-type]


def test_a_server_that_answers_a_list_is_right() -> None:
    always(200, json=[]).check()


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (401, {}, "refuses the key (HTTP 401): check PIPELINE_API_KEY"),
        (403, {"text": "no"}, "refuses the key (HTTP 403)"),
        (200, {"html": "<html>welcome</html>"}, "answered text/html that is no JSON: check PIPELINE_API_BASE_URL"),
        (200, {"text": ""}, "no JSON"),
        (200, {"json": {"hello": "world"}}, "does not speak the midjourney-proxy API"),
        (404, {"text": "nothing here"}, "answered HTTP 404: check PIPELINE_API_BASE_URL"),
        (502, {}, "answered HTTP 502"),
        (301, {"headers": {"location": "https://elsewhere.test/"}}, "no JSON"),
    ],
)
def test_what_is_wrong_with_a_server_is_one_sentence_without_the_key(
    status: int, content: dict[str, object], words: str
) -> None:
    with pytest.raises(ServiceError) as wrong:
        always(status, **content).check()
    assert words in str(wrong.value)
    assert "api.test" in str(wrong.value)
    assert KEY not in str(wrong.value)


def test_a_server_that_is_away_is_named() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno 111] Connection refused", request=request)

    with pytest.raises(ServiceError, match=r"http://api\.test cannot be reached.*refused"):
        api(away).check()
    with pytest.raises(QueryError):
        api(away).list(["1"])


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200),
        httpx.Response(200, text="null"),
        httpx.Response(204),
        httpx.Response(404, json={"code": 3, "description": "no"}),
        httpx.Response(400, json={"description": "task_no_found ", "type": "upstream_error", "code": 4}),
    ],
)
def test_every_way_to_say_unknown_is_none(reply: httpx.Response) -> None:
    assert api(lambda _: reply).fetch("77") is None


def test_a_list_endpoint_that_is_missing_is_not_asked_again_and_tasks_can_be_fetched() -> None:
    paths: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.method == "POST":
            return httpx.Response(405)
        return httpx.Response(200, json={"id": request.url.raw_path.decode().split("/")[3], "status": "IN_PROGRESS"})

    remote = api(server)
    for _ in range(2):
        assert remote.list(["1", "2"]) == []
    assert remote.fetch("../1").remote_id == "..%2F1"  # type: ignore[union-attr]
    assert paths == ["/mj/task/list-by-condition", "/mj/task/../1/fetch"]


ONLY_WAYS = [
    task(Action.BLEND, attached=attached(FIRST, SECOND)),
    task(Action.DESCRIBE, attached=attached(FIRST)),
    follow_up("zoom-2", "MJ::Outpaint::50::1::hash::SOLO"),
    follow_up("zoom-2", window_id="78"),
    follow_up("seed"),
    follow_up("seed", mode=Mode.FAST),
]


@pytest.mark.parametrize("claimed", ONLY_WAYS, ids=lambda claimed: claimed.word or claimed.action)
def test_what_can_be_asked_for_in_one_way_only_survives_a_404_of_a_proxy_that_restarts(claimed: ClaimedTask) -> None:
    answers = [httpx.Response(404, text="nginx"), httpx.Response(200, json={"code": 1, "result": "9"})]
    remote = api(lambda _: answers.pop(0))
    first = remote.submit(claimed)
    assert isinstance(first, TryAgain)
    assert (first.blame, first.after) == (Blame.TASK, 30.0)
    assert "http://api.test says that it has no /mj/" in first.reason
    assert f"if it stays so, leave {claimed.word or claimed.action} out" in first.reason
    assert isinstance(remote.submit(claimed), Accepted)


def test_a_mode_whose_path_is_not_found_is_tried_again_and_says_what_to_do() -> None:
    remote = always(404, text="nginx")
    for claimed in (task(mode=Mode.FAST), follow_up("U1", "MJ::JOB::upsample::1::hash", mode=Mode.FAST)):
        outcome = remote.submit(claimed)
        assert isinstance(outcome, TryAgain)
        assert (outcome.blame, outcome.after) == (Blame.TASK, 30.0)
        assert "/mj-fast/mj/submit/" in outcome.reason
        assert outcome.reason.endswith("if it stays so, leave `mode` out")


def test_an_endpoint_with_a_substitute_counts_as_missing_only_for_what_can_do_without_it() -> None:
    paths: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path.removeprefix("/mj/submit/"))
        return httpx.Response(404) if len(paths) == 1 else httpx.Response(200, json={"code": 1, "result": "9"})

    remote = api(server)
    upscale = follow_up("U1", "MJ::JOB::upsample::1::hash")
    first = remote.submit(upscale)
    assert isinstance(first, TryAgain)
    assert first.blame is Blame.NOBODY
    assert isinstance(remote.submit(upscale), Accepted)
    assert isinstance(remote.submit(ONLY_WAYS[2]), Accepted)
    assert paths == ["action", "change", "action"]


def test_a_follow_up_whose_ways_are_all_missing_spends_its_tries() -> None:
    upscale = follow_up("U1", "MJ::JOB::upsample::1::hash")
    remote = always(404)
    outcomes = [remote.submit(upscale) for _ in range(5)]
    assert [getattr(one, "blame", None) for one in outcomes] == [Blame.NOBODY] * 2 + [Blame.TASK] * 3


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, {}),
        (401, {}),
        (200, {"json": {"success": False, "code": -1, "message": "busy"}}),
        (200, {"text": "<html>"}),
        (400, {"json": {"code": 5, "description": "do_request_failed"}}),
    ],
)
def test_a_question_that_fails_is_not_mistaken_for_a_task_that_is_unknown(
    status: int, content: dict[str, object]
) -> None:
    with pytest.raises(QueryError):
        always(status, **content).list(["1"])
    with pytest.raises(QueryError):
        always(status, **content).fetch("1")


@pytest.mark.parametrize(
    ("dialect", "headers"),
    [
        (Dialect.PLUS, {"mj-api-secret": KEY, "authorization": f"Bearer {KEY}"}),
        (Dialect.RELAY, {"mj-api-secret": KEY, "authorization": f"Bearer {KEY}"}),
        (Dialect.NOVICEZK, {"mj-api-secret": KEY}),
        (Dialect.TRUEAI, {"authorization": KEY}),
    ],
)
def test_the_key_is_shown_as_the_server_reads_it(dialect: Dialect, headers: dict[str, str]) -> None:
    seen: list[httpx.Headers] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, json=[])

    Api("http://api.test", KEY, dialect, transport=httpx.MockTransport(server)).check()
    shown = {name: seen[0][name] for name in ("mj-api-secret", "authorization") if name in seen[0]}
    assert shown == headers


@pytest.mark.parametrize("content", [{"json": {"code": 1, "description": "ok"}}, {"text": ""}])
def test_a_task_is_cancelled(content: dict[str, object]) -> None:
    assert always(200, **content).cancel("5") is None


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (404, {}, "it cannot stop tasks"),
        (400, {"text": "演示模式，禁止操作"}, "HTTP 400: 演示模式，禁止操作"),
        (200, {"json": {"code": 4, "description": "too late"}}, "HTTP 200: too late"),
    ],
)
def test_a_task_that_is_not_cancelled_says_why(status: int, content: dict[str, object], words: str) -> None:
    assert words in (always(status, **content).cancel("5") or "")


def test_a_server_that_fails_to_say_whether_it_cancels_is_asked_again() -> None:
    for status, content in ((500, {}), (401, {}), (302, {}), (429, {}), (200, {"text": "<html>a gateway</html>"})):
        with pytest.raises(QueryError, match=f"HTTP {status}"):
            always(status, **content).cancel("5")
