"""A task as the servers print it: one form per dialect. Times are epoch milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.sandbox.buttons import buttons_of
from pipeline.sandbox.results import ACCOUNT
from pipeline.sandbox.tasks import Action, Order, Task
from pipeline.sandbox.view import View, extension

BOT_USER = "936929561302675456"
ACCEPTED = "提交成功"
WINDOW_OPEN = "窗口等待"


def queued(ahead: int) -> str:
    return f"排队中，前面还有{ahead}个任务"


Form = Callable[[View], dict[str, Any]]


def plus(view: View) -> dict[str, Any]:
    return _core(view) | {"properties": _properties(view), "buttons": _buttons(view)}


def novicezk(view: View) -> dict[str, Any]:
    """No buttons; what a describe says is its prompt too."""
    core = _core(view)
    if view.text:
        core |= {"prompt": view.text, "promptEn": view.text}
    return core | {"properties": _properties(view)}


def trueai(view: View) -> dict[str, Any]:
    """Much more than anybody asked for: it leaks the caller's address and the account to every caller."""
    order = view.task.order
    properties = _properties(view)
    if order.action is Action.DESCRIBE and view.text:
        properties["finalPrompt"] = view.text.replace("\n\n", "\r\n")
    more = {
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
    core = _core(view) | {"action": _origin(order).action} | more | _films(view)
    return core | {"properties": properties, "buttons": _buttons(view, extras=True)}


def relay(view: View) -> dict[str, Any]:
    """A row of its own table: no nulls, `action` from the request, 100 % for whatever is over."""
    task, order = view.task, view.task.order
    seen = view.status != ""
    progress = "100%" if view.status == "FAILURE" else view.progress or "0%"
    text = _final_prompt(view) if seen and view.begun else None
    return {
        "id": task.id,
        "action": _relay_action(order),
        "customId": "",
        "botType": "",
        "prompt": "InsightFace" if order.action is Action.SWAP_FACE else order.prompt,
        "promptEn": order.prompt if seen else "",
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
        "properties": {"finalPrompt": text or "", "finalZhPrompt": ""} if seen else None,
        **_films(view),
    }


def displays(view: View) -> dict[str, Any]:
    """The same for a person's eyes, as `list-by-ids` shows it."""
    task = view.task
    return {
        "status": view.status,
        "action": task.order.action,
        "submitTime": str(task.submitted),
        "startTime": str(task.started or ""),
        "finishTime": str(task.finished or ""),
        "discordInstanceId": ACCOUNT,
    }


def _core(view: View) -> dict[str, Any]:
    task, order = view.task, view.task.order
    prompt = _with_links(view, order) or None
    over = view.status in {"SUCCESS", "FAILURE", "CANCEL"}
    core = {
        "id": task.id,
        "action": order.action,
        "status": view.status,
        "prompt": prompt,
        "promptEn": prompt,
        "description": _description(task, prompt or ""),
        "state": order.state,
        "submitTime": task.submitted,
        "startTime": task.started if view.begun else None,
        "finishTime": task.finished if over else None,
        "progress": view.progress,
        "imageUrl": view.image,
        "failReason": task.doom if view.status == "FAILURE" else None,
    }
    return core | _films(view) if order.action is Action.VIDEO else core


def _with_links(view: View, order: Order) -> str:
    """Reference pictures stand before the prompt once they are uploaded, that is after acceptance."""
    if not order.images or order.action is not Action.IMAGINE or not view.begun:
        return order.prompt
    return " ".join([*map(view.links.upload, order.images), order.prompt])


def _description(task: Task, prompt: str) -> str:
    order = task.order
    match order.action:
        case Action.BLEND:
            return f"/blend {task.id} {len(order.images)}"
        case Action.DESCRIBE:
            picture = order.images[0] if order.images else None
            return f"/describe {picture.sha256[:16]}.{extension(picture.content)}" if picture else "/describe"
        case Action.SHORTEN | Action.VIDEO:
            return f"/{order.action.lower()} {order.prompt}"
        case Action.SWAP_FACE:
            return "/swap"
        case Action.EDIT:
            return f"/edit {order.prompt}"
    if order.parent is None:
        return f"/imagine {prompt}"
    return f"/up {order.parent.id} {order.word}"


def _properties(view: View) -> dict[str, Any]:
    task, order = view.task, view.task.order
    begun, made = view.begun, view.made
    return {
        "botType": "INSIGHT_FACE" if order.action is Action.SWAP_FACE else order.bot_type,
        "discordInstanceId": ACCOUNT,
        "discordChannelId": ACCOUNT,
        "nonce": _snowflake(task, 16),
        "notifyHook": order.notify_hook,
        "finalPrompt": _final_prompt(view) if begun else None,
        "finalZhPrompt": "" if begun else None,
        "progressMessageId": _snowflake(task, 20) if begun else None,
        "messageId": _snowflake(task, 24) if made else None,
        "messageContent": _message(order) if made else None,
        "messageHash": task.message_hash if made else None,
        "flags": 0 if made else None,
    }


def _final_prompt(view: View) -> str:
    if view.text is not None:
        return view.text
    order = view.task.order
    if order.action is not Action.IMAGINE:
        return order.prompt
    return " ".join([*(f"<https://s.mj.run/{image.sha256[:11]}>" for image in order.images), order.prompt])


def _buttons(view: View, *, extras: bool = False) -> list[dict[str, Any]]:
    return [button.wire() for button in buttons_of(view.task, extras=extras)] if view.made else []


def _films(view: View) -> dict[str, Any]:
    """The addresses of the films, where there are any."""
    if view.task.order.action is not Action.VIDEO or not view.made:
        return {"videoUrl": None, "videoUrls": []}
    links = [view.links.film(view.task, n) for n in range(1, 5)]
    return {"videoUrl": links[0], "videoUrls": [{"url": link, "thumbnail": view.image} for link in links]}


def _origin(order: Order) -> Order:
    """A reroll counts as what it makes again."""
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


def _message(order: Order) -> str:
    which = f" - Image #{order.index}" if order.action is Action.UPSCALE and order.index else ""
    return f"**{order.prompt}**{which} - <@{BOT_USER}> ({order.mode})"
