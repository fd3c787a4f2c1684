"""The buttons beneath a finished task, and what pressing each one asks for.

customId grammar: `MJ::JOB::<operation>::<n>::<HASH>[::SOLO]`, or `MJ::<Family>::...`; HASH is the task's messageHash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.sandbox.tasks import GRIDS, Action, Order, Task, Window

BOOKMARK = "MJ::BOOKMARK::"
DESCRIBE_ALL = "MJ::Job::PicReader::all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """What is shown, and the order that it stands for. `index` and `variant` as in `Order`."""

    custom_id: str
    action: Action
    label: str = ""
    emoji: str = ""
    index: int | None = None
    variant: str | None = None
    window: Window | None = None

    @property
    def editable(self) -> bool:
        """Whether an account with remix on asks for a prompt first."""
        return self.action in {Action.REROLL, Action.VARIATION, Action.PAN} and self.window is None

    def wire(self) -> dict[str, Any]:
        return {"customId": self.custom_id, "emoji": self.emoji, "label": self.label, "type": 2, "style": 2}


def buttons_of(task: Task, *, extras: bool) -> list[Button]:
    """What Discord shows beneath the finished task, in its order; `extras` are those that only trueai presses."""
    action, of = task.order.action, task.message_hash
    if action in GRIDS:
        return list(_grid(of))
    if action is Action.UPSCALE:
        return list(_single(of, task.order, extras=extras))
    if action is Action.DESCRIBE:
        return list(_describe(extras=extras))
    if action is Action.SHORTEN:
        return [_numbered("MJ::Job::PromptAnalyzer", n) for n in range(1, 6)]
    return list(_film(of)) if action is Action.VIDEO else []


def _job(operation: str, n: int, of: str, action: Action, **more: Any) -> Button:
    return Button(custom_id=f"MJ::JOB::{operation}::{n}::{of}", action=action, **more)


def _solo(operation: str, of: str, action: Action, **more: Any) -> Button:
    return Button(custom_id=f"MJ::JOB::{operation}::1::{of}::SOLO", action=action, **more)


def _reroll(of: str) -> Button:
    return Button(custom_id=f"MJ::JOB::reroll::0::{of}::SOLO", action=Action.REROLL, emoji="🔄")


def _grid(of: str) -> Iterator[Button]:
    for n in range(1, 5):
        yield _job("upsample", n, of, Action.UPSCALE, index=n, label=f"U{n}")
    yield _reroll(of)
    for n in range(1, 5):
        yield _job("variation", n, of, Action.VARIATION, index=n, label=f"V{n}")


def _single(of: str, order: Order, *, extras: bool) -> Iterator[Button]:
    yield from _upscales(of, order.prompt)
    for variant, operation in (("subtle", "low_variation"), ("strong", "high_variation")):
        label = f"Vary ({variant.title()})"
        yield _solo(operation, of, Action.VARIATION, variant=variant, label=label, emoji="🪄")
    region: dict[str, Any] = {"variant": "region", "window": Window.REGION, "label": "Vary (Region)", "emoji": "🖌️"}
    yield Button(custom_id=f"MJ::Inpaint::1::{of}::SOLO", action=Action.VARIATION, **region)
    for percent, factor in ((50, "2"), (75, "1.5")):
        more: dict[str, Any] = {"variant": factor, "label": f"Zoom Out {factor}x", "emoji": "🔍"}
        yield Button(custom_id=f"MJ::Outpaint::{percent}::1::{of}::SOLO", action=Action.ZOOM, **more)
    zoom: dict[str, Any] = {"window": Window.ZOOM, "label": "Custom Zoom", "emoji": "🔍"}
    yield Button(custom_id=f"MJ::CustomZoom::{of}", action=Action.ZOOM, **zoom)
    if not _square(order):
        square: dict[str, Any] = {"variant": "square", "label": "Make Square", "emoji": "↔️"}
        yield Button(custom_id=f"MJ::Outpaint::100::1::{of}::SOLO", action=Action.ZOOM, **square)
    for side, arrow in (("left", "⬅️"), ("right", "➡️"), ("up", "⬆️"), ("down", "⬇️")):
        yield _solo(f"pan_{side}", of, Action.PAN, variant=side, emoji=arrow)
    if extras:
        for motion in ("high", "low"):
            label = f"Animate ({motion.title()} motion)"
            yield _solo(f"animate_{motion}", of, Action.VIDEO, variant=motion, label=label, emoji="🎞️")
        yield Button(custom_id=BOOKMARK + of, action=Action.UPSCALE, emoji="❤️")
    yield _reroll(of)


def _upscales(of: str, prompt: str) -> Iterator[Button]:
    if re.search(r"--v(?:ersion)?\s+5", prompt):
        for size in ("2x", "4x"):
            yield _solo(f"upsample_v5_{size}", of, Action.UPSCALE, variant=size, label=f"Upscale ({size})")
        return
    for variant in ("subtle", "creative"):
        label = f"Upscale ({variant.title()})"
        yield _solo(f"upsample_v6_2x_{variant}", of, Action.UPSCALE, variant=variant, label=label)


def _describe(*, extras: bool) -> Iterator[Button]:
    for n in range(1, 5):
        yield _numbered("MJ::Job::PicReader", n)
    yield Button(custom_id="MJ::Picread::Retry", action=Action.DESCRIBE, emoji="🔄")
    if extras:
        yield Button(custom_id=DESCRIBE_ALL, action=Action.IMAGINE, label="Imagine all", emoji="🎉")


def _numbered(family: str, n: int) -> Button:
    more: dict[str, Any] = {"index": n, "window": Window.PROMPT, "emoji": f"{n}️⃣"}
    return Button(custom_id=f"{family}::{n}", action=Action.IMAGINE, **more)


def _film(of: str) -> Iterator[Button]:
    for n in range(1, 5):
        for motion in ("high", "low"):
            label = f"Extend {n} ({motion.title()} motion)"
            yield _job(f"animate_{motion}_extend", n, of, Action.VIDEO, index=n, variant=motion, label=label)


def _square(order: Order) -> bool:
    """Whether the picture is as wide as it is high: by the last step that gave it a shape."""
    of: Order | None = order
    while of is not None:
        if of.action is Action.PAN or (of.action is Action.ZOOM and of.variant == "square"):
            return of.action is Action.ZOOM
        if of.action is Action.BLEND:
            return of.variant in {None, "SQUARE"}
        of = of.parent.order if of.parent else None
    asked = re.search(r"--(?:ar|aspect)\s+(\d+):(\d+)", order.prompt)
    return asked is None or int(asked.group(1)) == int(asked.group(2))
