"""Our words as their JSON: which endpoint a task is sent to, with which body."""

from __future__ import annotations

from collections.abc import Container, Iterable

from pipeline.api.dialects import Traits
from pipeline.api.endpoints import MODAL, Request, UnaskableError
from pipeline.api.follow_ups import ways, word_of
from pipeline.api.rows import row
from pipeline.api.windows import answer
from pipeline.outcome import Refused, TryAgain
from pipeline.task import ClaimedTask


def request_for(
    task: ClaimedTask, traits: Traits, unavailable: Container[str] = (), hook_url: str | None = None
) -> Request | Refused | TryAgain:
    """The best way to ask for this task that the server has, or why there is none.

    `unavailable` are the endpoints that this server has already answered with "no such endpoint".
    """
    try:
        for request in _ways(task, traits):
            if request.endpoint not in unavailable:
                return _marked(request, task, traits, hook_url)
    except UnaskableError as why:
        return Refused(reason=str(why))
    return TryAgain(reason=f"this server offers no way to ask for {word_of(task) or task.action}")


def _ways(task: ClaimedTask, traits: Traits) -> Iterable[Request]:
    if task.window_id is not None:
        return [answer(task)]
    return [row(task)] if word_of(task) is None else ways(task, traits)


def _marked(request: Request, task: ClaimedTask, traits: Traits, hook_url: str | None) -> Request:
    """With the attempt's token, by which a lost reply is found again, and with where to report."""
    if request.body is None:
        return request
    request.body["state"] = task.token
    if hook_url and traits.hooks and (traits.window_hooks or request.endpoint != MODAL):
        request.body["notifyHook"] = f"{hook_url}/hooks/{task.token}"
    return request
