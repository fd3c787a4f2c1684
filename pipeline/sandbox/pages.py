"""The bodies that the servers send with an HTTP error, each in its framework's own shape."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.responses import PlainTextResponse, Response

from pipeline.sandbox.results import RelayRefusedError, envelope
from pipeline.sandbox.tasks import encode

JSON = "application/json"
RETRY = {"Retry-After": "1"}

Page = Callable[[int, str, str], Response]
"""From an HTTP status, a method and a path to the answer. Its status may be another one."""


def novicezk(status: int, method: str, path: str) -> Response:  # noqa: ARG001 - one shape for all pages
    if status in {401, 403, 503}:
        return Response(status_code=status)
    if status == 429:
        return Response(status_code=status, headers=RETRY)
    page = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "status": status,
        "error": HTTPStatus(status).phrase,
        "path": path,
    }
    return Response(encode(page), status, media_type=JSON)


def plus(status: int, method: str, path: str) -> Response:
    """As novicezk; no balance, too many requests and no capacity are said by the gateway before it."""
    words = {403: "Insufficient balance", 429: "Too many requests", 503: "Service unavailable"}
    if status not in words:
        return novicezk(status, method, path)
    return _open_ai(status, words[status], str(status))


def trueai(status: int, method: str, path: str) -> Response:  # noqa: ARG001 - one shape for all pages
    """What it cannot bind, it answers with status 200."""
    match status:
        case 400:
            return Response(encode(envelope("参数错误")), 200, media_type=JSON)
        case 401:
            return PlainTextResponse("账号无权限", status)
        case 403:
            return PlainTextResponse("账号不可用", status)
        case 500:
            return Response(encode(envelope("操作失败")), status, media_type=JSON)
    return Response(status_code=status, headers=RETRY if status == 429 else None)


def relay(status: int, method: str, path: str) -> Response:
    match status:
        case 400:
            return Response(RelayRefusedError("bind_request_body_failed").answer, status, media_type=JSON)
        case 404 | 405:
            return _open_ai(404, f"Invalid URL ({method} {path})", "invalid_request_error")
        case 429:
            answer = RelayRefusedError("当前分组负载已饱和，请稍后再试", 30).answer
            return Response(answer, status, headers=RETRY, media_type=JSON)
    words = {401: "无效的令牌", 403: "用户已被封禁", 503: "当前分组下对于模型 midjourney 无可用渠道"}
    return _open_ai(status, words.get(status, "do_request_failed") + " (request id: sandbox)", "new_api_error")


def _open_ai(status: int, message: str, kind: str) -> Response:
    body = encode({"error": {"message": message, "type": kind, "param": None, "code": None}})
    return Response(body, status, headers=RETRY if status == 429 else None, media_type=JSON)
