"""The table from reply to outcome, row by row. A row that says "again" where a job may exist would be paid twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pipeline.api.replies import no_such_endpoint, read_reply
from pipeline.outcome import Accepted, Blame, InDoubt, Outcome, Refused, TryAgain, Window


def answered(status: int, body: object, **headers: str) -> Outcome:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return read_reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)


def code(number: int, description: str = "words", result: object = None, **properties: object) -> dict[str, object]:
    return {"code": number, "description": description, "result": result, "properties": properties}


@pytest.mark.parametrize("number", [1, 22])
@pytest.mark.parametrize("result", ["0741798445574458", 741798445574458])
def test_1_and_22_are_accepted_whatever_the_type_of_the_id(number: int, result: object) -> None:
    outcome = answered(200, code(number, "提交成功", result))
    assert outcome == Accepted(remote_id=str(result), code=number, detail="提交成功")


@pytest.mark.parametrize("result", [None, "", " ", True, [], {}, "x" * 256, "a\0b"])
def test_accepted_without_an_id_is_in_doubt(result: object) -> None:
    assert isinstance(answered(200, code(1, result=result)), InDoubt)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, code(23, "队列已满，请稍后尝试", "1320098173412546")),
        (200, code(9, "提交失败，队列已满，请稍后重试")),
        (400, code(23)),
        (429, code(30, "当前分组上游负载已饱和")),
        (429, ""),
        (429, {"error": {"message": "slow down"}}),
        (402, "pay"),
        (200, code(3, "无可用的账号实例")),
        (400, {"description": "quota_not_enough ", "type": "upstream_error", "code": 4}),
        (200, code(4, "账号余额不足")),
        (200, code(4, "并发数已达上限")),
        (200, {"success": False, "code": -1, "message": "队列数已达上限", "timestamp": "638000000000000000"}),
        (503, {"error": {"message": "no available channel", "type": "new_api_error"}}),
    ],
)
def test_what_concerns_the_account_blames_the_account(status: int, body: object) -> None:
    outcome = answered(status, body)
    assert isinstance(outcome, TryAgain)
    assert outcome.blame is Blame.ACCOUNT


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, code(3, "账号不可用: 1")),
        (200, code(3, "关联任务不存在或已失效")),
        (404, code(3, "关联任务不存在或已失效")),
        (200, code(4, "关联任务状态错误")),
        (400, {"description": "task_not_found ", "type": "upstream_error", "code": 4}),
    ],
)
def test_what_may_pass_is_tried_again_by_the_task_alone(status: int, body: object) -> None:
    outcome = answered(status, body)
    assert isinstance(outcome, TryAgain)
    assert outcome.blame is Blame.TASK


@pytest.mark.parametrize(
    ("status", "body"),
    [(401, ""), (401, {"error": {"message": "invalid token (request id: 1)"}}), (403, "账号不可用")],
)
def test_a_refusal_of_the_key_is_told_from_other_refusals(status: int, body: object) -> None:
    outcome = answered(status, body)
    assert isinstance(outcome, TryAgain)
    assert outcome.blame is Blame.KEY


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, code(4, "prompt不能为空"), "prompt不能为空 (code 4)"),
        (200, code(24, "可能包含敏感词", bannedWord="blood"), "可能包含敏感词 (code 24): blood"),
        (200, {"success": False, "code": -1, "message": "too long"}, "too long (code -1)"),
        (400, {"description": "index_is_required ", "type": "upstream_error", "code": 4}, "index_is_required (code 4)"),
        (400, {"timestamp": 1, "status": 400, "error": "Bad Request", "path": "/"}, "HTTP 400: Bad Request"),
        (413, "<html>too large</html>", "HTTP 413: a web page"),
    ],
)
def test_refusals_for_good_carry_the_apis_own_words(status: int, body: object, words: str) -> None:
    outcome = answered(status, body)
    assert isinstance(outcome, Refused)
    assert words in outcome.reason


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, ""),
        (200, "<html>ok</html>"),
        (200, "{"),
        (200, "[]"),
        (200, {}),
        (200, {"code": True}),
        (200, {"code": "1", "result": "5"}),
        (200, code(9, "提交失败，系统异常")),
        (200, code(99)),
        (400, {"description": "do_request_failed ", "type": "upstream_error", "code": 5}),
        (408, ""),
        (500, code(4)),
        (500, "oops"),
        (502, "<html>bad gateway</html>"),
        (503, ""),
        (503, {"error": {"message": "content policy"}}),
        (200, code(10**12)),
        (200, code(1, result=["5", "6"])),
        (200, code(21, "窗口等待")),
        (200, {"success": False, "message": "who knows"}),
        (200, "[" * 100_000),
        (504, ""),
        (204, ""),
        (302, ""),
    ],
)
def test_everything_else_is_in_doubt(status: int, body: object) -> None:
    assert isinstance(answered(status, body), InDoubt)


def test_21_with_the_status_of_a_job_is_the_job_that_exists() -> None:
    outcome = answered(200, code(21, "任务已存在", "77", status="SUCCESS", imageUrl="http://x/y.png"))
    assert outcome == Accepted(remote_id="77", code=21, detail="任务已存在")


@pytest.mark.parametrize(("words", "result"), [("窗口等待", "78"), ("Waiting for window confirm", 78)])
def test_21_is_a_window_on_servers_that_open_any(words: str, result: object) -> None:
    reply = code(21, words, result, finalPrompt="a fox", remix=True)
    assert answered(200, reply) == Window(remote_id="78", code=21, reason=words)


def test_21_is_the_job_that_exists_on_servers_that_open_none() -> None:
    text = json.dumps(code(21, "任务已存在", "77"))
    assert read_reply(200, {}, text, windows=False) == Accepted(remote_id="77", code=21, detail="任务已存在")


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    seconds = answered(429, "", retry_after="12")
    date = answered(429, "", retry_after=in_a_minute)
    nonsense = answered(429, "", retry_after="soon")
    assert isinstance(seconds, TryAgain)
    assert isinstance(date, TryAgain)
    assert isinstance(nonsense, TryAgain)
    assert seconds.after == 12
    assert date.after == pytest.approx(60, abs=3)
    assert nonsense.after is None


@pytest.mark.parametrize(
    ("status", "text", "missing"),
    [
        (404, '{"status":404,"error":"Not Found"}', True),
        (405, "", True),
        (404, '{"code":3,"description":"关联任务不存在"}', False),
        (200, "", False),
    ],
)
def test_a_route_that_is_missing_is_told_from_a_task_that_is(status: int, text: str, missing: bool) -> None:
    assert no_such_endpoint(status, text) is missing
