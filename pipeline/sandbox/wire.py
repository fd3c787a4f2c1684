"""A task as the servers print it: one form per dialect. Times are epoch milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pipeline.sandbox import captions
from pipeline.sandbox.buttons import buttons_of
from pipeline.sandbox.results import ACCOUNT
from pipeline.sandbox.tasks import Action, Order, Task
from pipeline.sandbox.view import View

ACCEPTED = "提交成功"
WINDOW_OPEN = "窗口等待"
LATER_PROPERTIES = frozenset({"botType", "discordChannelId", "finalZhPrompt", "messageContent"})
"""What novicezk does not have yet."""


def queued(ahead: int) -> str:
    return f"排队中，前面还有{ahead}个任务"


Form = Callable[[View], dict[str, Any]]


def plus(view: View) -> dict[str, Any]:
    action = {"action": _remade(view.task.order).action}
    return _core(view) | action | {"properties": _properties(view), "buttons": _buttons(view)}


def novicezk(view: View) -> dict[str, Any]:
    """No buttons."""
    known = {name: value for name, value in _properties(view).items() if name not in LATER_PROPERTIES}
    return _core(view) | {"properties": known}


def trueai(view: View) -> dict[str, Any]:
    """Much more than anybody asked for: it leaks the caller's address and the account to every caller."""
    order = view.task.order
    properties = _properties(view)
    more = {
        "action": _remade(order).action,
        "parentId": order.parent.id if order.parent else None,
        "instanceId": ACCOUNT,
        "userId": None,
        "clientIp": "127.0.0.1",
        "botType": order.bot_type,
        "mode": order.mode.upper(),
        "nonce": properties["nonce"],
        "messageId": properties["messageId"],
        "jobId": properties["messageHash"],
        "seed": None,
        "version": None,
        "url": view.image,
        "thumbnailUrl": view.image,
        "imageUrls": [],
        "displays": displays(view),
    }
    if order.action is Action.DESCRIBE and view.text:
        lines = view.text.replace("\n\n", "\r\n")
        more |= {"prompt": None, "promptEn": lines}
        properties |= {"finalPrompt": lines, "finalZhPrompt": ""}
    return _core(view) | more | _films(view) | {"properties": properties, "buttons": _buttons(view, extras=True)}


def relay(view: View) -> dict[str, Any]:
    """A row of its own table: no nulls, `action` and `prompt` from the request, 100 % for whatever is over."""
    task, order = view.task, view.task.order
    seen = view.status != ""
    progress = "100%" if view.status == "FAILURE" else view.progress or "0%"
    upstream = _properties(view)
    told = {name: upstream[name] or "" for name in ("finalPrompt", "finalZhPrompt")}
    return {
        "id": task.id,
        "action": _relay_action(order),
        "customId": "",
        "botType": "",
        "prompt": captions.asked_prompt(order),
        "promptEn": (captions.prompt(view) or "") if seen else "",
        "description": _told(task),
        "state": (order.state or "") if seen else "",
        "submitTime": task.submitted,
        "startTime": (task.started or 0) if view.begun and seen else 0,
        "finishTime": (task.finished or 0) if view.status in {"SUCCESS", "FAILURE", "CANCEL"} else 0,
        "imageUrl": view.image or "",
        "status": view.status,
        "progress": progress,
        "failReason": (task.doom or "") if view.status == "FAILURE" else "",
        "buttons": _buttons(view) if seen else None,
        "maskBase64": "",
        "properties": told if seen else None,
        **_films(view),
    }


def displays(view: View) -> dict[str, Any]:
    """The same for a person's eyes, as `list-by-ids` shows it, in the time of this machine."""
    task, over = view.task, view.status in {"SUCCESS", "FAILURE", "CANCEL"}
    return {
        "status": view.status,
        "action": _remade(task.order).action,
        "submitTime": _clock(task.submitted),
        "startTime": _clock(task.started) if view.begun else None,
        "finishTime": _clock(task.finished) if over else None,
        "discordInstanceId": ACCOUNT,
    }


def _core(view: View) -> dict[str, Any]:
    task, order = view.task, view.task.order
    prompt = captions.prompt(view)
    over = view.status in {"SUCCESS", "FAILURE", "CANCEL"}
    core = {
        "id": task.id,
        "action": order.action,
        "status": view.status,
        "prompt": prompt,
        "promptEn": prompt,
        "description": captions.description(view),
        "state": order.state,
        "submitTime": task.submitted,
        "startTime": task.started if view.begun else None,
        "finishTime": task.finished if over else None,
        "progress": view.progress,
        "imageUrl": view.image,
        "failReason": task.doom if view.status == "FAILURE" else None,
    }
    return core | _films(view) if order.action is Action.VIDEO else core


def _properties(view: View) -> dict[str, Any]:
    task, order = view.task, view.task.order
    begun, made = view.begun, view.made
    properties = {
        "botType": "INSIGHT_FACE" if order.action is Action.SWAP_FACE else order.bot_type,
        "discordInstanceId": ACCOUNT,
        "discordChannelId": ACCOUNT,
        "nonce": _snowflake(task, 16),
        "notifyHook": order.notify_hook,
        "finalPrompt": captions.final_prompt(view) if begun else None,
        "finalZhPrompt": _final_zh_prompt(view) if begun else None,
        "progressMessageId": _snowflake(task, 20) if begun else None,
        "messageId": _snowflake(task, 24) if made else None,
        "messageHash": task.message_hash if made else None,
        "flags": 0 if made else None,
    }
    if order.prompt:
        properties["messageContent"] = captions.message(order) if made else None
    return properties


def _final_zh_prompt(view: View) -> str:
    """A describe's text once more; nothing here is ever translated."""
    return (view.text or "") if view.task.order.action is Action.DESCRIBE else ""


def _buttons(view: View, *, extras: bool = False) -> list[dict[str, Any]]:
    return [button.wire() for button in buttons_of(view.task, extras=extras)] if view.made else []


def _films(view: View) -> dict[str, Any]:
    """The addresses of the films, where there are any."""
    if view.task.order.action is not Action.VIDEO or not view.made:
        return {"videoUrl": None, "videoUrls": []}
    links = [view.links.film(view.task, n) for n in range(1, 5)]
    return {"videoUrl": links[0], "videoUrls": [{"url": link, "thumbnail": view.image} for link in links]}


def _remade(order: Order) -> Order:
    """A reroll counts as what it makes again: plus and trueai have no such action."""
    while order.action is Action.REROLL and order.parent is not None:
        order = order.parent.order
    return order


def _relay_action(order: Order) -> str:
    """As the request looked, not as it was understood."""
    if "::CustomZoom::" in order.button:
        return "CUSTOM_ZOOM"
    if order.action is Action.VARIATION and order.variant:
        return {"subtle": "LOW_VARIATION", "strong": "HIGH_VARIATION", "region": "INPAINT"}[order.variant]
    return "EDITS" if order.action is Action.EDIT else order.action


def _told(task: Task) -> str:
    """What the submit was answered."""
    if task.order.window or task.answered is not None:
        return WINDOW_OPEN
    return queued(task.ahead) if task.ahead else ACCEPTED


def _snowflake(task: Task, at: int) -> str:
    """A 19-digit number as Discord counts, the same for the same task."""
    return str(10**18 + int.from_bytes(task.digest[at : at + 7], "big"))


def _clock(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone():%Y-%m-%d %H:%M:%S}"
