"""The requests of a manifest's rows, and of follow-ups that begin anew with another picture or prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.action import Action
from pipeline.api.endpoints import (
    BLEND,
    DESCRIBE,
    EDITS,
    IMAGINE,
    SHORTEN,
    SWAP_FACE,
    UPLOAD,
    VIDEO,
    Request,
    UnaskableError,
)
from pipeline.inputs import Role
from pipeline.task import ClaimedTask

Body = dict[str, Any]


def row(task: ClaimedTask) -> Request:
    """The request of a task that presses no button. Raises `UnaskableError`."""
    endpoint, body_of = _ROWS[task.action]
    body = body_of(task)
    if endpoint in _WITH_BOT and (bot := task.options.get("bot")):
        body["botType"] = bot
    if account_filter := task.options.get("account_filter"):
        body["accountFilter"] = account_filter
    return Request(endpoint, body)


def pictures(task: ClaimedTask, role: Role) -> list[str]:
    return [one.content for one in task.attached if one.role is role]


def _imagine(task: ClaimedTask) -> Body:
    """Pictures with an address stand before the prompt, as Midjourney reads them."""
    if not task.prompt:
        raise UnaskableError(f"there is no prompt {task.index or ''}".rstrip() + ": the task before it made none")
    given = pictures(task, Role.IMAGE)
    data = [one for one in given if one.startswith("data:")]
    addresses = [one for one in given if one not in data]
    body: Body = {"prompt": " ".join([*addresses, task.prompt])}
    return body | {"base64Array": data} if data else body


def _blend(task: ClaimedTask) -> Body:
    given = _given(task, Role.IMAGE, "`blend`")
    if not 2 <= len(given) <= 5:
        raise UnaskableError(f"a blend takes two to five pictures, and this one has {len(given)}: change `blend`")
    body: Body = {"base64Array": given}
    if dimensions := task.options.get("dimensions"):
        body["dimensions"] = dimensions
    return body


def _describe(task: ClaimedTask) -> Body:
    return {"base64": _given(task, Role.IMAGE, "a picture")[0]}


def _shorten(task: ClaimedTask) -> Body:
    return {"prompt": task.prompt}


def _swap_face(task: ClaimedTask) -> Body:
    source, target = _given(task, Role.SOURCE, "`source`"), _given(task, Role.TARGET, "`target`")
    return {"sourceBase64": source[0], "targetBase64": target[0]}


def _edit(task: ClaimedTask) -> Body:
    return {"prompt": task.prompt, "image": _given(task, Role.IMAGE, "`image`")[0]}


def _video(task: ClaimedTask) -> Body:
    """One film: servers make, and charge for, four unless they are told."""
    body: Body = {"prompt": task.prompt, "batchSize": 1}
    body |= {name: task.options[name] for name in ("motion", "loop") if name in task.options}
    frames = {"image": pictures(task, Role.IMAGE), "endImage": pictures(task, Role.END)}
    return body | {name: given[0] for name, given in frames.items() if given}


def _upload(task: ClaimedTask) -> Body:
    return {"base64Array": _given(task, Role.IMAGE, "a picture")}


_ROWS: dict[Action, tuple[str, Callable[[ClaimedTask], Body]]] = {
    Action.IMAGINE: (IMAGINE, _imagine),
    Action.BLEND: (BLEND, _blend),
    Action.DESCRIBE: (DESCRIBE, _describe),
    Action.SHORTEN: (SHORTEN, _shorten),
    Action.SWAP_FACE: (SWAP_FACE, _swap_face),
    Action.EDIT: (EDITS, _edit),
    Action.VIDEO: (VIDEO, _video),
    Action.UPLOAD: (UPLOAD, _upload),
}
_WITH_BOT = frozenset({IMAGINE, BLEND, DESCRIBE, SHORTEN})


def _given(task: ClaimedTask, role: Role, what: str) -> list[str]:
    given = pictures(task, role)
    if not given:
        raise UnaskableError(f"there is no picture to {task.action.replace('_', ' ')}: add {what}")
    return given
