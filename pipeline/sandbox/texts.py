"""What is said rather than drawn: four prompts for a picture, five shorter ones for a prompt."""

from __future__ import annotations

import re

from pipeline.sandbox import describing
from pipeline.sandbox.tasks import Action, Order

KEYCAP = "\ufe0f\u20e3"
"""What makes a digit an emoji."""


def text_of(order: Order) -> str | None:
    """The result of a describe or a shorten, as the proxies print it."""
    if order.action is Action.DESCRIBE:
        return "\n\n".join(f"{n}{KEYCAP} {prompt}" for n, prompt in enumerate(_described(order), 1))
    return describing.shorten(order.prompt) if order.action is Action.SHORTEN else None


def prompt_of(order: Order, n: int) -> str:
    """The n-th prompt that a describe or a shorten offers, counted from 1."""
    if order.action is Action.DESCRIBE:
        return _described(order)[n - 1]
    found = re.search(rf"^{n}{KEYCAP}\s*(.+)$", describing.shorten(order.prompt), re.MULTILINE)
    return found.group(1).strip() if found else order.prompt


def _described(order: Order) -> tuple[str, ...]:
    return describing.describe(order.images[0]) if order.images else ("",) * 4
