"""Our words as their JSON: which endpoint a task is sent to, with which body."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.action import Action
from pipeline.api.dialects import Traits
from pipeline.task import ClaimedTask

IMAGINE = "/submit/imagine"
ACTION = "/submit/action"
CHANGE = "/submit/change"
SIMPLE_CHANGE = "/submit/simple-change"

_BUTTON_FAMILY = {Action.UPSCALE: "upsample", Action.VARIATION: "variation", Action.REROLL: "reroll"}
_CHANGE_LETTER = {Action.UPSCALE: "U", Action.VARIATION: "V", Action.REROLL: "R"}


@dataclass(frozen=True, slots=True)
class Request:
    """A POST, without the address of the server. `path` begins below `/mj`."""

    path: str
    body: dict[str, Any]


def request_for(task: ClaimedTask, traits: Traits, unavailable: Container[str]) -> Request | None:
    """The best way to ask for this task that the server has; None when it has none.

    `unavailable` are the paths that this server has already answered with "no such endpoint".
    """
    for request in _ways(task, traits):
        if request.path not in unavailable:
            request.body["state"] = task.token
            return request
    return None


def _ways(task: ClaimedTask, traits: Traits) -> Iterator[Request]:
    if task.action is Action.IMAGINE:
        yield Request(IMAGINE, {"prompt": task.prompt})
        return
    button = _button(task) if traits.press_buttons else None
    if button:
        yield Request(ACTION, {"taskId": task.parent_remote_id, "customId": button})
    if traits.change:
        # Relays refuse a REROLL without a non-zero index, and the others ignore it.
        body = {"taskId": task.parent_remote_id, "action": task.action.upper(), "index": task.index or 1}
        yield Request(CHANGE, body)
    if traits.simple_change:
        yield Request(
            SIMPLE_CHANGE,
            {"content": f"{task.parent_remote_id} {_CHANGE_LETTER[task.action]}{task.index or ''}"},
        )


def _button(task: ClaimedTask) -> str | None:
    """The parent's button that does this, by its customId: labels are emoji, translated or empty."""
    wanted = f"::{_BUTTON_FAMILY[task.action]}::{task.index or 0}::"
    return next((button for button in task.parent_buttons if wanted in button), None)
