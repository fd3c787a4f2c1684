"""The three ways to ask for more of a finished task: `change`, `simple-change`, and pressing one of its buttons."""

from __future__ import annotations

import re

from pipeline.sandbox.buttons import BOOKMARK, Button, buttons_of
from pipeline.sandbox.results import MalformedError, RefusedError
from pipeline.sandbox.submission import Submission
from pipeline.sandbox.tasks import GRIDS, LETTERS, Action, Order, Task, Window
from pipeline.sandbox.texts import prompt_of

_SIMPLE_CHANGE = re.compile(r"(\d+) (?:([UV])([1-4])\d*|(R))", re.IGNORECASE | re.ASCII)


def change(asked: Submission) -> Order:
    """An action that there is not is the framework's to refuse. It is said that novicezk crashes (500) where `index` is
    missing; code 4 tells a caller more, and an emulator should not crash."""
    named = asked.text("action")
    if named and named not in asked.dialect.actions:
        raise MalformedError
    task_id = asked.required("taskId")
    if named not in LETTERS.values():
        raise RefusedError(4, "action参数错误")
    action = Action(named)
    index = None if action is Action.REROLL else asked.number("index")
    if action is not Action.REROLL and (index is None or not 1 <= index <= 4):
        raise RefusedError(4, "index参数错误")
    return _changed(asked, task_id, action, index)


def simple_change(asked: Submission) -> Order:
    written = _SIMPLE_CHANGE.fullmatch(asked.text("content"))
    if written is None:
        raise RefusedError(4, "content参数错误")
    task_id, letter, index, reroll = written.groups()
    action = LETTERS[(letter or reroll).upper()]
    return _changed(asked, task_id, action, int(index) if index else None)


def _changed(asked: Submission, task_id: str, action: Action, index: int | None) -> Order:
    parent = asked.parent(task_id)
    if parent.order.action not in GRIDS:
        raise RefusedError(4, "关联任务不允许执行变化")
    window = Window.PROMPT if asked.remix and action is not Action.UPSCALE else None
    return Order(
        action=action,
        prompt=parent.order.prompt,
        bot_type=parent.order.bot_type,
        parent=parent,
        index=index,
        window=window,
        **asked.common(),
    )


def pressed(asked: Submission) -> tuple[Task, Button]:
    """`/submit/action`: the parent, and which of the buttons that it really has."""
    task_id, custom_id = asked.required("taskId"), asked.required("customId")
    parent = asked.parent(task_id)
    shown = buttons_of(parent, extras=asked.dialect.extras)
    found = next((button for button in shown if button.custom_id == custom_id), None)
    if found is not None:
        return parent, found
    if custom_id.startswith("MJ::JOB::") and custom_id.partition(parent.message_hash)[1] == "":
        raise RefusedError(4, "customId参数错误")
    raise RefusedError(4, "未知的 Action 类型" if not custom_id.startswith(BOOKMARK) else "customId参数错误")


def press(asked: Submission, parent: Task, button: Button) -> Order:
    """The order that a button stands for; with `window` where it asks for something first."""
    window = button.window
    if asked.flag("enableRemix") or (asked.remix and button.editable):
        window = window or Window.PROMPT
    prompt = parent.order.prompt
    if button.action is Action.IMAGINE and button.index:
        prompt = prompt_of(parent.order, button.index)
    return Order(
        action=button.action,
        prompt=prompt,
        bot_type=parent.order.bot_type,
        parent=parent,
        index=button.index,
        variant=button.variant,
        images=parent.order.images if button.action is Action.DESCRIBE else (),
        button=button.custom_id,
        window=window,
        **asked.common(),
    )


def described_four(asked: Submission, parent: Task, button: Button) -> list[Order]:
    """Describe's `all`: one imagine for each of its prompts, named `<state>::<n>`. They report to nobody."""
    common = asked.common()
    return [
        Order(
            action=Action.IMAGINE,
            prompt=prompt_of(parent.order, n),
            bot_type=parent.order.bot_type,
            parent=parent,
            index=n,
            button=button.custom_id,
            **common | {"state": f"{common['state'] or ''}::{n}", "notify_hook": None},
        )
        for n in range(1, 5)
    ]
