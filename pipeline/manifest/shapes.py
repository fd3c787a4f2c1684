"""The shapes of pictures that are still to be made, as far as they are known: a mask must have the shape of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pipeline.action import Action
from pipeline.prompt import aspect, parameters
from pipeline.then import FollowUp

TOLERANCE = 0.02
"""How much the sides of a mask may be off, as a part of their ratio."""

Shape = tuple[int, int] | None
"""Width to height; None where it cannot be told."""

_OF_BLENDS = {"PORTRAIT": (2, 3), "SQUARE": (1, 1), "LANDSCAPE": (3, 2)}


def shape_of_row(action: Action, prompt: str, options: Mapping[str, Any]) -> Shape:
    if action is Action.IMAGINE:
        return aspect(prompt)
    if action is Action.BLEND:
        return _OF_BLENDS.get(options.get("dimensions") or "SQUARE")
    return _asked_for(prompt)


@lru_cache(maxsize=1024)
def depend_on_shape(follow_ups: tuple[FollowUp, ...]) -> bool:
    """Whether one of them needs a picture of a certain shape."""
    return any(one.family in {"vary_region", "square"} or depend_on_shape(one.then) for one in follow_ups)


def shaped(follow_ups: tuple[FollowUp, ...], shape: Shape) -> Iterator[tuple[FollowUp, Shape]]:
    """Each follow-up at any depth, with the shape of the picture that it works on."""
    for one in follow_ups:
        yield one, shape
        yield from shaped(one.then, _after(one, shape))


def fits(width: int, height: int, shape: tuple[int, int]) -> bool:
    return abs(width / height * shape[1] / shape[0] - 1) <= TOLERANCE


def _after(one: FollowUp, shape: Shape) -> Shape:
    if one.prompt and one.family != "vary_region":
        return _asked_for(one.prompt)
    if one.family == "square":
        return 1, 1
    return None if one.family in {"pan", "imagine", "describe"} else shape


def _asked_for(prompt: str) -> Shape:
    return aspect(prompt) if "aspect" in parameters(prompt) else None
