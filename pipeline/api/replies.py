"""How a POST ended, from its reply. The question behind every line: may the API have created a job that costs money?

Codes: 1 accepted, 22 accepted and queued, 3 not found, 4 invalid, 5 a relay lost its upstream, 9 server failure, 21 a
window waits (or, on old servers, the job exists), 23 queue full, 24 banned word, 30 group saturated (server sources of
the family). Anything this table does not know is in doubt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.outcome import Accepted, Blame, InDoubt, Outcome, Refused, TryAgain

MOMENT_TOO_EARLY = ("关联任务不存在或已失效", "关联任务状态错误")
"""What servers say for a moment after SUCCESS, when a follow-up comes before they have noted it themselves."""
QUEUE_FULL = "队列已满"


def read_reply(status: int, headers: Mapping[str, str], text: str) -> Outcome:
    """The outcome of a POST that was answered with this."""
    body = _object(text)
    code = body.get("code")
    if isinstance(code, int) and not isinstance(code, bool) and status < 500 and status not in {401, 403}:
        return _by_code(code, body, _retry_after(headers))
    return _by_status(status, body, text, _retry_after(headers))


def no_such_endpoint(status: int, text: str) -> bool:
    """Whether the server has no such route, rather than no such task."""
    return status in {404, 405} and "code" not in _object(text)


def _by_code(code: int, body: Mapping[str, Any], after: float | None) -> Outcome:
    words = _words(body)
    said = f"{words} (code {code})" if words else f"code {code}"
    match code:
        case 1 | 22:
            remote_id = _remote_id(body.get("result"))
            if remote_id is None:
                return InDoubt(reason=f"accepted, but the reply names no task: {said}", code=code)
            return Accepted(remote_id=remote_id, code=code, detail=words)
        case 21:
            return _window_or_known(body, words)
        case 23 | 30 | 429:
            return TryAgain(reason=f"the account's queue is full: {said}", blame=Blame.ACCOUNT, after=after, code=code)
        case 9 if QUEUE_FULL in words:
            return TryAgain(reason=f"the account's queue is full: {said}", blame=Blame.ACCOUNT, after=after, code=code)
        case 3:
            return TryAgain(reason=said, after=after, code=code)
        case 4 if any(early in words for early in MOMENT_TOO_EARLY):
            return TryAgain(reason=said, after=after, code=code)
        case 4 | 24 | -1:
            return Refused(reason=said + _banned(body), code=code)
        case _:
            return InDoubt(reason=f"the API answered {said}, which does not say whether it took the task", code=code)


def _window_or_known(body: Mapping[str, Any], words: str) -> Outcome:
    """Code 21 has two meanings; only the older one comes with the status of the job that exists."""
    properties = body.get("properties")
    remote_id = _remote_id(body.get("result"))
    if remote_id and isinstance(properties, dict) and "status" in properties:
        return Accepted(remote_id=remote_id, code=21, detail=words)
    return Refused(
        reason=f"the API asks for more input before it starts ({words or 'a window waits'}, code 21): "
        "switch remix mode off on this account",
        code=21,
    )


def _by_status(status: int, body: Mapping[str, Any], text: str, after: float | None) -> Outcome:
    said = f"HTTP {status}" + (f": {words}" if (words := _words(body) or _plain(text)) else "")
    if status in {401, 403}:
        reason = f"the API refuses this account ({said}): check PIPELINE_API_KEY and the account's balance"
        return TryAgain(reason=reason, blame=Blame.ACCOUNT, after=after)
    if status == 429:
        return TryAgain(reason=f"too many requests ({said})", blame=Blame.ACCOUNT, after=after)
    if status == 503 and isinstance(body.get("error"), dict):
        # A relay that found no channel says so in this shape, before it asks anyone.
        return TryAgain(reason=f"the relay has no channel for this ({said})", blame=Blame.ACCOUNT, after=after)
    if 400 <= status < 500 and status != 408:
        return Refused(reason=f"the API refuses the request ({said})")
    return InDoubt(reason=f"the reply does not say whether the API took the task ({said or 'empty'})")


def _object(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _remote_id(result: object) -> str | None:
    """Ids are strings; some documents and servers print them as integers."""
    if isinstance(result, int) and not isinstance(result, bool):
        return str(result)
    return result.strip() or None if isinstance(result, str) else None


def _words(body: Mapping[str, Any]) -> str:
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
