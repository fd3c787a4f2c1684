"""The bodies that the servers send with an HTTP error, each in its framework's own shape."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.responses import PlainTextResponse, Response

from pipeline.sandbox.results import REQUEST_ID, RelayRefusedError, envelope, no_channel, open_ai
from pipeline.sandbox.tasks import encode

JSON = "application/json"
RETRY = {"Retry-After": "1"}
UNSUPPORTED = "https://tools.ietf.org/html/rfc9110#section-15.5.16"

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
    """What it cannot bind, it answers with status 200. Another Content-Type is refused by ASP.NET itself."""
    match status:
        case 400:
            return Response(encode(envelope("参数错误")), 200, media_type=JSON)
        case 401:
            return PlainTextResponse("Authorization header missing.", status)
        case 403:
            return PlainTextResponse("账号不可用", status)
        case 415:
            named = {"type": UNSUPPORTED, "title": HTTPStatus(status).phrase, "status": status, "traceId": "00-0-0-00"}
            return Response(encode(named), status, media_type="application/problem+json")
        case 500:
            return Response(encode(envelope("操作失败")), status, media_type=JSON)
    return Response(status_code=status, headers=RETRY if status == 429 else None)


def relay(status: int, method: str, path: str) -> Response:
    match status:
        case 400 if path.endswith("/task/list-by-condition"):
            return Response(RelayRefusedError("do_request_failed").answer, status, media_type=JSON)
        case 404 | 405:
            return _open_ai(404, f"Invalid URL ({method} {path})", "invalid_request_error", param="", code="")
        case 429:
            answer = RelayRefusedError("当前分组负载已饱和，请稍后再试", 30).answer
            return Response(answer, status, headers=RETRY, media_type=JSON)
    if status == 503:
        return _open_ai(status, no_channel("mj_imagine"), "new_api_error")
    words = {400: "无效的请求", 401: "无效的令牌", 403: "用户已被封禁"}
    return _open_ai(status, f"{words.get(status, 'do_request_failed')} {REQUEST_ID}", "new_api_error")


def _open_ai(status: int, message: str, kind: str, **more: str) -> Response:
    body = encode(open_ai(message, kind, **more))
    return Response(body, status, headers=RETRY if status == 429 else None, media_type=JSON)
