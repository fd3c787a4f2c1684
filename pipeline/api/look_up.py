"""Looking for tasks by the tokens that we gave them as `state`, when the replies that named them were lost.

"It is not there" is said only of a list that is known to be complete: what is not there may be sent, and paid, again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pipeline.api.dialects import LookUp
from pipeline.api.line import Line, QueryError, Reply
from pipeline.api.replies import no_such_endpoint
from pipeline.api.reports import read_report
from pipeline.outcome import Sightings

NEWEST = 100
"""How many tasks a server lists that does not list all."""
PAGE = 50
SKEW = timedelta(minutes=5)
"""By how much the server's clock and ours may differ."""


class _NoListError(Exception):
    """The server answered, and not with what it should: nothing can be told from it."""


def find(line: Line, tokens: Sequence[str], look_ups: tuple[LookUp, ...], since: datetime) -> Sightings:
    """The tasks with these tokens, none of which was sent before `since`. Raises `QueryError` without an answer."""
    for look_up in look_ups:
        try:
            if look_up is LookUp.QUERY:
                return _found(_queried(line, tokens), tokens)
            listed = _listed(line, look_up)
            return _found(listed, tokens, why="" if _reaches_back(listed, look_up, since) else _too_short(line, listed))
        except _NoSuchEndpointError:
            continue
        except _NoListError as strange:
            return Sightings(why=str(strange))
    return Sightings(why=f"{line.base_url} offers no way to look for a task whose id is not known")


class _NoSuchEndpointError(Exception):
    """The server has no such route; it may have another one."""


def _found(tasks: Sequence[Any], tokens: Sequence[str], why: str = "") -> Sightings:
    by_state = {task["state"]: task for task in tasks if isinstance(task, dict) and isinstance(task.get("state"), str)}
    found = {token: report for token in tokens if (report := read_report(by_state.get(token)))}
    return Sightings(found=found, complete=not why, why=why)


def _queried(line: Line, tokens: Sequence[str]) -> list[Any]:
    """One question for each token: the server filters by it."""
    found: list[Any] = []
    for token in tokens:
        wanted = {"state": token, "pageNumber": 0, "pageSize": PAGE, "sort": "submitTime,desc"}
        reply = _answered(line.ask("POST", "/task/query", wanted))
        page = _json(reply)
        tasks = page.get("content") if isinstance(page, dict) else None
        if not isinstance(tasks, list):
            raise _NoListError(f"{reply.url} answered something that is no page of tasks")
        if any(not isinstance(task, dict) or task.get("state") != token for task in tasks):
            raise _NoListError(f"{reply.url} answered tasks that were not asked for")
        found += tasks
    return found


def _listed(line: Line, look_up: LookUp) -> list[Any]:
    """What waits is asked for first: it may be listed a moment later."""
    queued: list[Any] = []
    if look_up is LookUp.ALL:
        reply = line.ask("GET", "/task/queue")
        queued = [] if no_such_endpoint(reply.status, reply.text) else _tasks(reply)
    return [*queued, *_tasks(_answered(line.ask("GET", "/task/list")))]


def _answered(reply: Reply) -> Reply:
    if no_such_endpoint(reply.status, reply.text):
        raise _NoSuchEndpointError
    return reply


def _tasks(reply: Reply) -> list[Any]:
    tasks = _json(reply)
    if not isinstance(tasks, list):
        raise _NoListError(f"{reply.url} answered something that is no list of tasks")
    return tasks


def _json(reply: Reply) -> Any:
    """Raises `QueryError` for an error, which may pass, and `_NoListError` for a page that some relay shows."""
    try:
        return reply.json()
    except QueryError as failure:
        if reply.status < 400:
            raise _NoListError(str(failure)) from None
        raise


def _reaches_back(tasks: Sequence[Any], look_up: LookUp, since: datetime) -> bool:
    """Whether whatever was sent after `since` would be among them."""
    if look_up is not LookUp.NEWEST or len(tasks) < NEWEST:
        return True
    moments = [task.get("submitTime") for task in tasks if isinstance(task, dict)]
    known = [moment for moment in moments if isinstance(moment, int | float) and moment > 0]
    return bool(known) and min(known) < (since - SKEW).timestamp() * 1000


def _too_short(line: Line, tasks: Sequence[Any]) -> str:
    return f"{line.base_url} lists its newest {len(tasks)} tasks only, and they are all newer"
