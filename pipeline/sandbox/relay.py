"""What the relay checks itself, before the server behind it hears of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.sandbox.bodies import JSON, Body, parse
from pipeline.sandbox.results import MalformedError, NoChannelError, RelayRefusedError
from pipeline.sandbox.tasks import Task

_STRINGS = (
    *("prompt", "customId", "botType", "notifyHook", "action", "state", "taskId", "content", "maskBase64"),
    *("base64", "sourceBase64", "targetBase64", "image", "motion", "dimensions"),
)
_REQUIRED = {
    "/mj/submit/imagine": (("prompt", "prompt_is_required"),),
    "/mj/submit/change": (("taskId", "task_id_is_required"), ("action", "action_is_required")),
    "/mj/submit/action": (("customId", "custom_id_is_required"), ("taskId", "task_id_is_required")),
    "/mj/submit/modal": (("taskId", "task_id_is_required"),),
    "/mj/insight-face/swap": (
        ("sourceBase64", "sour_base64_and_target_base64_is_required"),
        ("targetBase64", "sour_base64_and_target_base64_is_required"),
    ),
}
_WHOLE_NAMES = frozenset({"low_variation", "high_variation", "variation", "Outpaint", "CustomZoom", "Inpaint"})
_PARTS = ("upsample", "pan", "reroll")


def read(path: str, kind: bytes, raw: bytes) -> Body:
    """Sees nothing in a body of another Content-Type; only a list never asks for that. Raises MalformedError."""
    if kind.startswith(JSON) or path == "/mj/task/list-by-condition":
        return parse(raw)
    return {}


def screen(path: str, body: Mapping[str, Any], known: Mapping[str, Task]) -> None:
    """Raises MalformedError for a field of the wrong type, NoChannelError for a route that has no price, else
    RelayRefusedError (status 400, code 4)."""
    _decode(body)
    if path == "/mj/submit/simple-change":
        raise NoChannelError("mj_")  # its model is named by the `action` of the body, and there is none
    for name, words in _REQUIRED.get(path, ()):
        if not body.get(name):
            raise RelayRefusedError(words)
    if path == "/mj/submit/change" and not body.get("index"):
        raise RelayRefusedError("index_is_required")
    if path == "/mj/submit/action":
        _understand(body["customId"])
    if path.startswith("/mj/submit/") and (task_id := body.get("taskId")):
        if task_id not in known:
            raise RelayRefusedError("task_not_found")
        if path != "/mj/submit/modal" and known[task_id].status != "SUCCESS":
            raise RelayRefusedError("task_status_not_success")


def _decode(body: Mapping[str, Any]) -> None:
    """As a Go struct is filled: a null is as good as nothing, any other wrong type is not."""
    for name in _STRINGS:
        if not isinstance(body.get(name), str | None):
            raise MalformedError
    index = body.get("index")
    pictures = body.get("base64Array")
    if not (index is None or type(index) is int) or not (pictures is None or isinstance(pictures, list)):
        raise MalformedError
    if not all(isinstance(picture, str) for picture in pictures or ()):
        raise MalformedError


def _understand(custom_id: str) -> None:
    """Which action it will be charged as; families that it has never heard of are refused."""
    parts = custom_id.split("::")
    operation = parts[2] if parts[1:2] == ["JOB"] and len(parts) > 3 else parts[min(1, len(parts) - 1)]
    if operation not in _WHOLE_NAMES and not any(part in operation for part in _PARTS):
        raise RelayRefusedError(f"unknown_action:{custom_id}")
