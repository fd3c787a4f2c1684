"""Where a reply says more than that the task was taken: it is the result already, or it answers for a window."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.action import Action
from pipeline.api.endpoints import MODAL, SEED, UPLOAD, Request
from pipeline.api.replies import object_in
from pipeline.outcome import Accepted, InDoubt, Outcome, Report, TryAgain, Window
from pipeline.task import ClaimedTask, State


def settled(task: ClaimedTask, request: Request, outcome: Outcome, text: str) -> Outcome:
    """The outcome of this very request. `outcome` is what the reply `text` means of any."""
    if request.endpoint == SEED:
        return _seed(task, outcome)
    if request.endpoint == UPLOAD:
        return _links(task, outcome, text)
    if request.endpoint == MODAL:
        return _started(task, outcome, text)
    if task.action is Action.BOOKMARK and isinstance(outcome, Accepted) and outcome.remote_id == task.parent_remote_id:
        return _finished(outcome, {"text": "bookmarked"})
    return outcome


def _seed(task: ClaimedTask, outcome: Outcome) -> Outcome:
    """Seeds are free, so whatever does not say that there is none may be asked again."""
    if isinstance(outcome, Accepted):
        seed = outcome.remote_id
        named = replace(outcome, remote_id=task.parent_remote_id or seed)
        return _finished(named, {"seed": seed, "text": seed})
    if isinstance(outcome, InDoubt | Window):
        return TryAgain(reason=f"the seed did not come: {outcome.reason}", code=outcome.code)
    return outcome


def _links(task: ClaimedTask, outcome: Outcome, text: str) -> Outcome:
    """An upload makes no task, so its id is our own token."""
    body = object_in(text)
    urls = body.get("result")
    if not isinstance(outcome, Accepted | InDoubt) or body.get("code") != 1 or not isinstance(urls, list) or not urls:
        return outcome
    if not all(isinstance(url, str) for url in urls):
        return outcome
    taken = Accepted(remote_id=task.token, code=1, detail=str(body.get("description") or ""))
    return _finished(taken, {"urls": urls, "text": "\n".join(urls)})


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
