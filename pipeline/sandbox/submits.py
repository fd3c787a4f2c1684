"""The bodies of the submit routes: from JSON to an order, or to a refusal in the server's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.sandbox.tasks import ACCOUNT, LETTERS, OPERATIONS, Action, Order, Task, custom_id, encode

Body = dict[str, Any]
Known = Mapping[str, Task]
Reader = Callable[[Body, Known], Order]

BANNED = re.compile(r"\b(nude|naked|nsfw|gore)\b", re.IGNORECASE)
_SIMPLE_CHANGE = re.compile(r"(\d+) (?:([UV])([1-4])\d*|(R))", re.IGNORECASE)


class MalformedError(Exception):
    """Not what the framework can read: status 400."""


class RefusedError(Exception):
    """Read, and answered with a code that accepts nothing."""

    def __init__(self, code: int, description: str, **properties: str) -> None:
        super().__init__(description)
        self.code = code
        self.answer = result(code, description, properties=properties)


def result(
    code: int, description: str, task_id: str | None = None, properties: Mapping[str, object] | None = None
) -> bytes:
    """A SubmitResult: all four keys, always."""
    return encode(
        {"code": code, "description": description, "result": task_id, "properties": properties or {}}
    ).encode()


def placed(task: Task, ahead: int) -> bytes:
    """The answer to an accepted order; `ahead` tasks waited before it."""
    if not ahead:
        return result(1, "提交成功", task.id, {"discordInstanceId": ACCOUNT})
    place = {"numberOfQueues": ahead, "discordInstanceId": ACCOUNT}
    return result(22, f"排队中，前面还有{ahead}个任务", task.id, place)


QUEUE_FULL = result(23, "队列已满，请稍后尝试", properties={"discordInstanceId": ACCOUNT})


def parse(raw: bytes) -> Body:
    """The JSON object of a request. Raises MalformedError."""
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise MalformedError from error
    if not isinstance(body, dict):
        raise MalformedError
    return body


def imagine(body: Body, known: Known) -> Order:  # noqa: ARG001 - one shape for all readers
    prompt = _text(body, "prompt").strip()
    if not prompt:
        raise RefusedError(4, "prompt不能为空")
    bot_type = _text(body, "botType") or "MID_JOURNEY"
    if bot_type not in {"MID_JOURNEY", "NIJI_JOURNEY"}:
        raise MalformedError
    if banned := BANNED.search(prompt):
        raise RefusedError(24, "可能包含敏感词", promptEn=prompt, bannedWord=banned.group())
    return Order(action=Action.IMAGINE, prompt=prompt, bot_type=bot_type, **_common(body))


def change(body: Body, known: Known) -> Order:
    task_id = _text(body, "taskId")
    if not task_id.strip():
        raise RefusedError(4, "taskId不能为空")
    if body.get("action") not in LETTERS.values():
        raise RefusedError(4, "action参数错误")
    action = Action(body["action"])
    if action is Action.REROLL:
        return _follow_up(body, known, task_id, action, None)
    index = body.get("index")
    if type(index) is not int or not 1 <= index <= 4:
        raise RefusedError(4, "index参数错误")
    return _follow_up(body, known, task_id, action, index)


def simple_change(body: Body, known: Known) -> Order:
    asked = _SIMPLE_CHANGE.fullmatch(_text(body, "content"))
    if asked is None:
        raise RefusedError(4, "content参数错误")
    task_id, letter, index, reroll = asked.groups()
    action = LETTERS[(letter or reroll).upper()]
    return _follow_up(body, known, task_id, action, int(index) if index else None)


def press(body: Body, known: Known) -> Order:
    """`/submit/action`: one of the buttons that the task really has, of those that are imitated."""
    task_id, button = _text(body, "taskId"), _text(body, "customId")
    if not task_id.strip():
        raise RefusedError(4, "taskId不能为空")
    if not button.strip():
        raise RefusedError(4, "customId不能为空")
    parts = button.split("::")
    action = OPERATIONS.get(parts[2]) if len(parts) > 4 else None
    if action is None or not parts[3].isdecimal() or int(parts[3]) > 4:
        raise RefusedError(4, "未知的 Action 类型")
    order = _follow_up(body, known, task_id, action, int(parts[3]) or None)
    if order.parent is None or button != custom_id(parts[2], int(parts[3]), order.parent.message_hash):
        raise RefusedError(4, "customId参数错误")
    return order


def _follow_up(body: Body, known: Known, task_id: str, action: Action, index: int | None) -> Order:
    parent = known.get(task_id)
    if parent is None:
        raise RefusedError(3, "关联任务不存在或已失效")
    if parent.status != "SUCCESS":
        raise RefusedError(4, "关联任务状态错误")
    if parent.order.action is Action.UPSCALE:
        raise RefusedError(4, "关联任务不允许执行变化")
    return Order(
        action=action,
        prompt=parent.order.prompt,
        bot_type=parent.order.bot_type,
        parent=parent,
        index=index,
        **_common(body),
    )


def _common(body: Body) -> dict[str, Any]:
    return {"state": _text(body, "state") or None, "notify_hook": _text(body, "notifyHook") or None}


def _text(body: Body, name: str) -> str:
    """A string field. Numbers are read as strings, as Jackson does; anything else is malformed."""
    value = body.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return str(value)
    raise MalformedError
