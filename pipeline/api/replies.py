"""How a POST ended, from its reply. The question behind every line: may the API have created a job that costs money?

Codes: 1 accepted, 22 accepted and queued, 3 not found, 4 invalid, 5 a relay lost its upstream, 9 server failure, 21 a
window waits (or, on old servers, the job exists), 23 queue full, 24 banned word, 30 group saturated, -1 refused by
trueai outside of its codes (server sources of the family). Anything this table does not know is in doubt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.outcome import Accepted, Blame, InDoubt, Outcome, Refused, TryAgain, Window

MOMENT_TOO_EARLY = ("关联任务不存在或已失效", "关联任务状态错误", "task_not_found", "task_no_found")
"""What servers say for a moment after SUCCESS, when a follow-up comes before they have noted it themselves."""
NO_ACCOUNT_FREE = "无可用"
QUEUE_FULL = "队列已满"
LIMIT_REACHED = "已达上限"
"""How trueai ends its limits on a user's tasks: at once, waiting, a day, in all."""
NO_MONEY = ("quota", "balance", "余额", "额度", "欠费")
BEHIND_THE_RELAY = (
    *("do_request_failed", "close_request_body_failed", "response_body_failed", "fail_to_fetch_midjourney"),
    *("insert_midjourney_task_failed", "midjourney_billing_failed"),
)
"""What relays say with code 4 after they have asked the server behind them."""
NO_CHANNEL = ("no available channel", "无可用渠道")
"""What a relay says of itself before it asks anyone."""
AFTER_ANOTHER = ("(retry)", "（retry）")
"""How it ends the same when it has asked one channel already, and found no second."""
LONGEST_ID = 255


def read_reply(status: int, headers: Mapping[str, str], text: str, *, windows: bool = True) -> Outcome:
    """The outcome of a POST that was answered with this. `windows`: whether this server opens any."""
    body = object_in(text)
    code = body.get("code")
    if isinstance(code, int) and abs(code) < 2**31 and code is not True and status < 500 and status not in {401, 403}:
        if code == 21:
            return _window_or_known(body, windows=windows)
        return _by_code(code, body, _retry_after(headers))
    return _by_status(status, headers, body, text)


def no_such_endpoint(status: int, text: str) -> bool:
    """Whether the server has no such route, rather than no such task."""
    return status in {404, 405} and "code" not in object_in(text)


def _by_code(code: int, body: Mapping[str, Any], after: float | None) -> Outcome:
    words = words_in(body)
    said = f"{words} (code {code})" if words else f"code {code}"
    account = _account_is_why(code, words)
    if account:
        return TryAgain(reason=f"{account}: {said}", blame=Blame.ACCOUNT, after=after, code=code)
    match code:
        case 1 | 22:
            remote_id = _remote_id(body.get("result"))
            if remote_id is None:
                return InDoubt(reason=f"accepted, but the reply names no task: {said}", code=code)
            return Accepted(remote_id=remote_id, code=code, detail=words)
        case 3:
            return TryAgain(reason=said, after=after, code=code)
        case 4 if any(early in words for early in MOMENT_TOO_EARLY):
            return TryAgain(reason=said, after=after, code=code)
        case 4 if any(lost in words for lost in BEHIND_THE_RELAY):
            return InDoubt(reason=f"the relay had asked the server behind it, and then failed: {said}", code=code)
        case 4 | 24 | -1:
            return Refused(reason=said + _banned(body), code=code)
        case _:
            return InDoubt(reason=f"the API answered {said}, which does not say whether it took the task", code=code)


def _account_is_why(code: int, words: str) -> str | None:
    """Why the whole account has to wait, for the codes that mean it; every task would hear the same."""
    if code in {23, 30, 429} or (code == 9 and QUEUE_FULL in words):
        return "the account's queue is full"
    if code == 3 and NO_ACCOUNT_FREE in words:
        return "the server has no account free"
    if code in {4, -1} and LIMIT_REACHED in words:
        return "the account has reached a limit of its own"
    if code in {3, 4} and any(money in words.lower() for money in NO_MONEY):
        return "the account has no money left"
    return None


def _window_or_known(body: Mapping[str, Any], *, windows: bool) -> Outcome:
    """Code 21 has two meanings; only the older one comes with the status of the job that exists."""
    properties, words = body.get("properties"), words_in(body)
    remote_id = _remote_id(body.get("result"))
    if remote_id is None:
        return InDoubt(reason=f"the API has opened a window, and the reply does not name it: {words}", code=21)
    if not windows or (isinstance(properties, dict) and "status" in properties):
        return Accepted(remote_id=remote_id, code=21, detail=words)
    return Window(remote_id=remote_id, code=21, reason=words or "a window waits")


def _by_status(status: int, headers: Mapping[str, str], body: Mapping[str, Any], text: str) -> Outcome:
    said = f"HTTP {status}" + (f": {words}" if (words := words_in(body) or _plain(text)) else "")
    after = _retry_after(headers)
    if status in {401, 403}:
        reason = f"the API refuses this account ({said}): check PIPELINE_API_KEY and the account's balance"
        return TryAgain(reason=reason, blame=Blame.KEY, after=after)
    if why := _nobody_is_served(status, said, headers):
        return TryAgain(reason=why, blame=Blame.ACCOUNT, after=after)
    if 400 <= status < 500 and status not in {408, 499}:
        return Refused(reason=f"the API refuses the request ({said})")
    return InDoubt(reason=f"the reply does not say whether the API took the task ({said or 'empty'})")


def _nobody_is_served(status: int, said: str, headers: Mapping[str, str]) -> str | None:
    """Why no task of this account would be taken now, for the statuses that mean it."""
    match status:
        case 301 | 307 | 308:
            to = " ".join(headers.get("location", "elsewhere").partition("?")[0].split())[:200]
            return f"the API says that it has moved to {to} ({said}): set PIPELINE_API_BASE_URL to where it is"
        case 402:
            return f"the account has no money left ({said})"
        case 407:
            return f"the proxy on the way to the API asks for a password ({said}): check HTTP_PROXY"
        case 429:
            return f"too many requests ({said})"
        case 503 if _no_channel(said.lower()):
            return f"the relay has no channel for this ({said})"
    return None


def _no_channel(said: str) -> bool:
    """Any other 503 may come from behind the relay."""
    return any(words in said for words in NO_CHANNEL) and not any(words in said for words in AFTER_ANOTHER)


def object_in(text: str) -> dict[str, Any]:
    """The JSON object in a reply; empty where there is none."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _remote_id(result: object) -> str | None:
    """Ids are strings; some documents and servers print them as integers."""
    if isinstance(result, int) and not isinstance(result, bool):
        result = str(result)
    remote_id = result.strip() if isinstance(result, str) else ""
    return remote_id if remote_id.isprintable() and 0 < len(remote_id) <= LONGEST_ID else None


def words_in(body: Mapping[str, Any]) -> str:
    """The API's own words, wherever this server puts them."""
    error = body.get("error")
    candidates = (
        body.get("description"),
        body.get("message"),
        error.get("message") if isinstance(error, dict) else error,
    )
    return next((" ".join(words.split())[:500] for words in candidates if isinstance(words, str) and words.strip()), "")


def _banned(body: Mapping[str, Any]) -> str:
    properties = body.get("properties")
    word = properties.get("bannedWord") if isinstance(properties, dict) else None
    return f": {word}" if word else ""


def _plain(text: str) -> str:
    start = " ".join(text[:2000].split())
    return "a web page" if start[:1] == "<" else start[:200]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, which is a number or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
