"""Where a reply says more than that the task was taken: it is the result already, or it answers for a window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.action import Action
from pipeline.api.dialects import Traits
from pipeline.api.endpoints import ACTION, MODAL, SEED, UPLOAD, Request
from pipeline.api.follow_ups import word_of
from pipeline.api.replies import object_in
from pipeline.log import Log
from pipeline.outcome import Accepted, InDoubt, Outcome, Report, TryAgain, Window
from pipeline.task import ClaimedTask, State

log = Log("api")

_FREE = (Action.SEED, Action.UPLOAD, Action.BOOKMARK)


def is_free(task: ClaimedTask) -> bool:
    """Whether asking for it twice costs nothing: no picture is made."""
    return task.action in _FREE


def settled(task: ClaimedTask, request: Request, outcome: Outcome, text: str, traits: Traits) -> Outcome:
    """The outcome of this very request. `outcome` is what the reply `text` means of any."""
    if request.endpoint == SEED:
        outcome = _seed(task, outcome)
    elif request.endpoint == UPLOAD:
        outcome = _links(task, outcome, text)
    elif request.endpoint == MODAL:
        outcome = _started(task, outcome, text)
    elif isinstance(outcome, Accepted) and task.action is Action.BOOKMARK:
        outcome = _bookmark(task, outcome)
    elif isinstance(outcome, Accepted) and task.own_prompt and request.endpoint == ACTION:
        outcome = _without_its_prompt(task, outcome, traits)
    if is_free(task) and isinstance(outcome, InDoubt | Window):
        return TryAgain(reason=f"the {task.action} did not come: {outcome.reason}", code=outcome.code)
    return outcome


def _seed(task: ClaimedTask, outcome: Outcome) -> Outcome:
    if not isinstance(outcome, Accepted):
        return outcome
    seed = outcome.remote_id
    named = replace(outcome, remote_id=task.parent_remote_id or seed)
    return _finished(named, {"seed": seed, "text": seed})


def _links(task: ClaimedTask, outcome: Outcome, text: str) -> Outcome:
    """An upload makes no task, so its id is our own token."""
    body = object_in(text)
    result = body.get("result")
    urls = [result] if isinstance(result, str) and result.startswith(("http://", "https://")) else result
    if not isinstance(outcome, Accepted | InDoubt) or body.get("code") != 1 or not isinstance(urls, list) or not urls:
        return outcome
    if not all(isinstance(url, str) for url in urls):
        return outcome
    taken = Accepted(remote_id=task.token, code=1, detail=str(body.get("description") or ""))
    return _finished(taken, {"urls": urls, "text": "\n".join(urls)})


def _bookmark(task: ClaimedTask, outcome: Accepted) -> Accepted:
    """Servers name the parent, unless they make a task of it."""
    return _finished(outcome, {"text": "bookmarked"}) if outcome.remote_id == task.parent_remote_id else outcome


def _without_its_prompt(task: ClaimedTask, outcome: Accepted, traits: Traits) -> Accepted:
    """A prompt of its own goes into a window; where none opened, the server has begun without it."""
    word = word_of(task)
    told = f"the server opened no window, so this {word} is made with its parent's prompt and not with its own"
    if not traits.windows_told:
        told = f"if the server shows no window later, this {word} is made with its parent's prompt and not with its own"
    log.warning("made_without_its_prompt", task=task.id, why=told)
    return replace(outcome, detail=f"{told} (the API said: {outcome.detail})" if outcome.detail else told)


def _started(task: ClaimedTask, outcome: Outcome, text: str) -> Outcome:
    """An answered window starts the task under the window's own id."""
    if isinstance(outcome, Window):
        return InDoubt(reason=f"the API answered its window with another one: {outcome.reason}", code=outcome.code)
    nameless = isinstance(outcome, InDoubt) and outcome.code in {1, 22}
    if nameless and task.window_id is not None:
        return Accepted(remote_id=task.window_id, code=1, detail=str(object_in(text).get("description") or ""))
    return outcome


def _finished(accepted: Accepted, result: dict[str, Any]) -> Accepted:
    report = Report(remote_id=accepted.remote_id, state=State.SUCCEEDED, progress="100%", result=result)
    return replace(accepted, report=report)
