"""The answer to a window that the API has opened, from what the task says."""

from __future__ import annotations

import re
from typing import Any

from pipeline.api.endpoints import MODAL, Request, UnaskableError
from pipeline.api.follow_ups import word_of
from pipeline.api.rows import pictures
from pipeline.inputs import Role
from pipeline.task import ClaimedTask
from pipeline.then import family_and_value

_ZOOM = re.compile(r"\s*--zoom(?:\s+[\d.]+)?(?=\s|$)")


def answer(task: ClaimedTask) -> Request:
    """The POST that starts the task. Raises `UnaskableError` that says which word to add."""
    word = word_of(task)
    family, value = family_and_value(word) if word else ("", "")
    body: dict[str, Any] = {"taskId": task.window_id}
    if prompt := _prompt(task, family, value):
        body["prompt"] = prompt
    elif word is None:
        raise UnaskableError(f"the API asks for a prompt before it starts: add `prompt` to this {task.action}")
    if family == "vary_region":
        masks = pictures(task, Role.MASK)
        if not masks:
            raise UnaskableError("the API asks for the region to paint anew: add `mask` to this vary_region")
        body["maskBase64"] = masks[0]
    return Request(MODAL, body)


def _prompt(task: ClaimedTask, family: str, value: str) -> str:
    """An empty prompt keeps the one that the window came with."""
    if family != "zoom":
        return task.prompt
    return f"{_ZOOM.sub('', task.prompt)} --zoom {value}".strip()
