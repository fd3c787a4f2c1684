"""Looking for a task by the token that we gave it as `state`, when the reply that named the task was lost.

"It is not there" is said only of a list that is known to be complete: what is not there may be sent, and paid, again.
"""

from __future__ import annotations

from typing import Any

from pipeline.api.dialects import LookUp
from pipeline.api.line import Line, QueryError, Reply
from pipeline.api.replies import no_such_endpoint
from pipeline.api.reports import read_reports
from pipeline.outcome import Report

NEWEST = 100
"""How many tasks a server lists that does not list all."""
PAGE = 50


def find(line: Line, token: str, look_ups: tuple[LookUp, ...]) -> Report | None:
    """The task with this token; None when there surely is none. Raises `QueryError` when that cannot be known."""
    for look_up in look_ups:
        tasks = _query(line, token) if look_up is LookUp.QUERY else _list(line, look_up)
        if tasks is None:
            continue
        found = read_reports([task for task in tasks if isinstance(task, dict) and task.get("state") == token])
        if found:
            return found[0]
        if look_up is LookUp.NEWEST and len(tasks) >= NEWEST:
            raise QueryError(f"{line.base_url} lists its newest {len(tasks)} tasks only, and it is not among them")
        return None
    raise QueryError(f"{line.base_url} offers no way to look for a task whose id is not known")


def _query(line: Line, token: str) -> list[Any] | None:
    """None where the server has no such endpoint."""
    wanted = {"state": token, "pageNumber": 0, "pageSize": PAGE, "sort": "submitTime,desc"}
    reply = line.ask("POST", "/task/query", wanted)
    if no_such_endpoint(reply.status, reply.text):
        return None
    page = reply.json()
    tasks = page.get("content") if isinstance(page, dict) else None
    if not isinstance(tasks, list):
        raise QueryError(f"{reply.url} answered something that is no page of tasks")
    if any(not isinstance(task, dict) or task.get("state") != token for task in tasks):
        raise QueryError(f"{reply.url} answered tasks that were not asked for")
    return tasks


def _list(line: Line, look_up: LookUp) -> list[Any] | None:
    """None where the server has no such endpoint. What waits is asked for first: it may be listed a moment later."""
    queued: list[Any] = []
    if look_up is LookUp.ALL:
        reply = line.ask("GET", "/task/queue")
        queued = [] if no_such_endpoint(reply.status, reply.text) else _tasks(reply)
    reply = line.ask("GET", "/task/list")
    return None if no_such_endpoint(reply.status, reply.text) else [*queued, *_tasks(reply)]


def _tasks(reply: Reply) -> list[Any]:
    tasks = reply.json()
    if not isinstance(tasks, list):
        raise QueryError(f"{reply.url} answered something that is no list of tasks")
    return tasks
