"""What a task says of itself in words: its prompt, its command, the prompt that was painted, its Discord message."""

from __future__ import annotations

from pipeline.sandbox.tasks import Action, Order
from pipeline.sandbox.view import View, extension

BOT_USER = "936929561302675456"


def prompt(view: View) -> str | None:
    """What a describe says is its prompt too. Reference pictures stand before one once they are uploaded, that is
    after acceptance."""
    order = view.task.order
    if order.action is Action.DESCRIBE:
        return view.text
    if not order.images or order.action is not Action.IMAGINE or not view.begun:
        return order.prompt or None
    return " ".join([*map(view.links.upload, order.images), order.prompt])


def asked_prompt(order: Order) -> str:
    """As a relay notes it once: a follow-up has the prompt of what began its line, whatever its window was answered."""
    while order.parent is not None and order.action is not Action.VIDEO:
        order = order.parent.order
    return "InsightFace" if order.action is Action.SWAP_FACE else order.prompt


def final_prompt(view: View) -> str:
    if view.text is not None:
        return view.text
    order = view.task.order
    if order.action is not Action.IMAGINE:
        return order.prompt
    return " ".join([*(f"<https://s.mj.run/{image.sha256[:11]}>" for image in order.images), order.prompt])


def description(view: View) -> str:
    """The command. A picture is named by the task that it was sent with."""
    task, order = view.task, view.task.order
    match order.action:
        case Action.BLEND:
            return f"/blend {task.id} {len(order.images)}"
        case Action.DESCRIBE:
            return f"/describe {task.id}.{extension(order.images[0].content)}" if order.images else "/describe"
        case Action.SHORTEN | Action.VIDEO | Action.EDIT:
            return f"/{order.action.lower()} {order.prompt}"
        case Action.SWAP_FACE:
            return "/swap"
    if order.parent is None:
        return f"/imagine {prompt(view) or ''}"
    return f"/up {order.parent.id} {order.word}"


def message(order: Order) -> str:
    which = f" - Image #{order.index}" if order.action is Action.UPSCALE and order.index else ""
    return f"**{order.prompt}**{which} - <@{BOT_USER}> ({order.mode})"
