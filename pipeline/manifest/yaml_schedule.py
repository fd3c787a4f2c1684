"""YAML: what a manifest says under `schedule` of when it is to be made again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any

from pipeline.errors import UsageError
from pipeline.manifest.nodes import Node, Scalar
from pipeline.manifest.place import Faults, Place
from pipeline.schedule import MOST_CAUGHT_UP, Calendar, CatchUp, Overlap, Per, Rules, duration
from pipeline.terms import amount

_ANY_CRON = "0 0 * * *"


def read_schedule(fields: Mapping[str, Node], at: Callable[[str], Place], faults: Faults) -> dict[str, Any]:
    """The fields as `Rules` takes them. What is wrong is told at its place, and left out."""
    said: dict[str, Any] = {}
    before = faults.count
    for word, node in fields.items():
        if isinstance(node, Scalar) and node.is_nothing:
            continue
        try:
            said[word] = _READ[word](node.text.strip() if isinstance(node, Scalar) else "")
        except UsageError as wrong:
            faults.add(at(word).fault(str(wrong)))
    if faults.count == before:
        try:
            Rules(**{"cron": _ANY_CRON} | said)  # an option may say when
        except UsageError as wrong:
            faults.add(at("").fault(str(wrong)))
    return said


def _one_of(words: type[StrEnum], text: str) -> StrEnum:
    try:
        return words(text.casefold())
    except ValueError:
        raise UsageError(f"`{text}` is none of {', '.join(words)}") from None


def _number(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,2}", text) or int(text) > MOST_CAUGHT_UP:
        raise UsageError(f"`at_most` is a number from 1 to {MOST_CAUGHT_UP}")
    return int(text)


_READ: Mapping[str, Callable[[str], Any]] = {
    "cron": lambda text: Calendar(" ".join(text.split()), "UTC").cron,
    "timezone": lambda text: Calendar(_ANY_CRON, text).timezone,
    "overlap": partial(_one_of, Overlap),
    "catch_up": partial(_one_of, CatchUp),
    "within": duration,
    "at_most": _number,
    "budget": amount,
    "per": partial(_one_of, Per),
}
