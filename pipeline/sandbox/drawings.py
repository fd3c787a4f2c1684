"""From an order to a description of its picture. Follow-ups derive from their parent, down to what began the line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt

from pipeline.sandbox import photos
from pipeline.sandbox.collage import STYLES
from pipeline.sandbox.retouch import EDITS, REGRADES
from pipeline.sandbox.scenery import Size, lots, scenes_for
from pipeline.sandbox.tasks import Action, Order, Upload

WIDEST, NARROWEST = 4, 1 / 4
LARGEST = 4096
"""Pixels of the longer side that no upscale exceeds."""


class Kind(StrEnum):
    """How a drawing is made of its scenes, its images and the picture it came from (`inner`)."""

    SCENE = "scene"
    BLEND = "blend"
    SWAP = "swap"
    PHOTO = "photo"
    EDIT = "edit"
    EXTENDED = "extended"
    REGION = "region"
    NEAR = "near"


GIVEN = {Kind.SWAP, Kind.PHOTO}
"""There is but one of these, not four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What is drawn: four pictures in a grid, or with `quarter` (1 to 4) just that one."""

    words: str
    seed: str
    width: int
    height: int
    """Pixels of the grid, and of each picture of it once that is upscaled for the first time."""
    ways: tuple[str, ...]
    """How each of the four is made: its scene, or the style of a collage or a change."""
    kind: Kind = Kind.SCENE
    quarter: int | None = None
    images: tuple[Upload, ...] = ()
    mask: Upload | None = None
    inner: Drawing | None = None
    extent: str = ""
    """How far an extended picture reaches: the factor of a zoom, `square`, or a side."""
    scale: int = 1
    creative: bool = False

    @property
    def size(self) -> Size:
        """Pixels of the file."""
        share = min(self.scale, max(1.0, LARGEST / max(self.width, self.height)))
        return _even(self.width * share), _even(self.height * share)


def drawing_of(order: Order, side: int) -> Drawing:
    """What an order shows, with as many pixels as a square of `side`."""
    line = [order]
    while not _begins(line[-1]) and (parent := line[-1].parent):
        line.append(parent.order)
    drawing = _beginning(line.pop(), side)
    while line:
        drawing = _follow_up(drawing, line.pop(), side)
    return drawing


def _begins(order: Order) -> bool:
    """Whether it is drawn from what it says itself. A described or shortened prompt is imagined for itself."""
    if order.action in {Action.DESCRIBE, Action.EDIT, Action.VIDEO}:
        return bool(order.images) or order.parent is None
    return order.action in {Action.IMAGINE, Action.BLEND, Action.SWAP_FACE, Action.SHORTEN} or order.parent is None


def _beginning(order: Order, side: int) -> Drawing:
    if order.images:
        match order.action:
            case Action.BLEND:
                return _blend(order, side)
            case Action.SWAP_FACE:
                return _single(order, side, Kind.SWAP, order.images[-1])
            case Action.DESCRIBE | Action.VIDEO:
                return _single(order, side, Kind.PHOTO, order.images[0])
            case Action.EDIT:
                return _edit(order, side)
    words, seed = _said(order.prompt), _asked_seed(order.prompt)
    width, height = _shape(_asked_ratio(order.prompt), side)
    ways = scenes_for(words, seed)
    drawing = Drawing(words=words, seed=seed, width=width, height=height, ways=ways, images=order.images)
    return replace(drawing, quarter=_which(order)) if order.action is Action.VIDEO else drawing


def _blend(order: Order, side: int) -> Drawing:
    ratio = {"PORTRAIT": 2 / 3, "LANDSCAPE": 3 / 2}.get((order.variant or "").upper(), 1.0)
    width, height = _shape(ratio, side)
    words = _said(order.prompt)
    seed = " ".join(image.sha256 for image in order.images)
    return Drawing(
        kind=Kind.BLEND, words=words, seed=seed, width=width, height=height, ways=tuple(STYLES), images=order.images
    )


def _single(order: Order, side: int, kind: Kind, shown: Upload) -> Drawing:
    """One picture in the shape of the one that was sent."""
    width, height = _shape(_ratio(photos.shape(shown)), side)
    seed = " ".join(image.sha256 for image in order.images)
    return Drawing(
        kind=kind,
        words=_said(order.prompt),
        seed=seed,
        width=width,
        height=height,
        ways=(kind.value,) * 4,
        quarter=1,
        images=order.images,
    )


def _edit(order: Order, side: int) -> Drawing:
    given = replace(_single(order, side, Kind.EDIT, order.images[0]), quarter=None)
    return replace(given, ways=tuple(EDITS), mask=order.mask)


def _follow_up(parent: Drawing, order: Order, side: int) -> Drawing:
    which = parent.quarter or _which(order)
    single = replace(parent, quarter=which)
    words = _said(order.prompt) or parent.words
    seed = f"{parent.seed} {order.word}{order.variant or ''}"
    match order.action:
        case Action.UPSCALE if parent.quarter is None or not order.variant:
            return single
        case Action.UPSCALE:
            times = 4 if order.variant == "4x" else 2
            return replace(single, scale=parent.scale * times, creative=order.variant == "creative")
        case Action.VIDEO | Action.DESCRIBE:
            return single
        case Action.ZOOM | Action.PAN:
            return _extended(single, words, seed, order.variant or "2", side)
        case Action.EDIT:
            return _made_of(single, words, seed, Kind.EDIT, tuple(EDITS), order.mask)
        case Action.VARIATION if order.variant == "region" and order.mask:
            return _made_of(single, words, seed, Kind.REGION, scenes_for(words, seed), order.mask)
        case Action.VARIATION if order.variant == "subtle" or parent.kind in GIVEN:
            return _made_of(single, words, seed, Kind.NEAR, tuple(REGRADES))
        case Action.VARIATION:
            return _anew(single, words, seed, (parent.ways[which - 1],) * 4)
        case _:
            return _anew(single, words, seed, _shuffled(parent, words, seed))


def _which(order: Order) -> int:
    return min(max(order.index or 1, 1), 4)


def _anew(single: Drawing, words: str, seed: str, ways: tuple[str, ...]) -> Drawing:
    """The same kind of picture four times, from another seed. What was given is given once."""
    quarter = single.quarter if single.kind in GIVEN else None
    return replace(single, words=words, seed=seed, ways=ways, quarter=quarter, scale=1, creative=False)


def _shuffled(parent: Drawing, words: str, seed: str) -> tuple[str, ...]:
    if parent.kind in {Kind.SCENE, Kind.REGION}:
        return scenes_for(words, seed)
    return tuple(lots(seed, "ways").sample(parent.ways, 4))


def _made_of(
    single: Drawing, words: str, seed: str, kind: Kind, ways: tuple[str, ...], mask: Upload | None = None
) -> Drawing:
    """A grid of four that all come from one picture, in its shape."""
    inner = replace(single, scale=1, creative=False)
    return Drawing(
        kind=kind, words=words, seed=seed, width=inner.width, height=inner.height, ways=ways, inner=inner, mask=mask
    )


def _extended(single: Drawing, words: str, seed: str, extent: str, side: int) -> Drawing:
    outer = single.ways[(single.quarter or 1) - 1]
    scenes = scenes_for(words, seed)
    ways = (outer,) * 4 if single.kind in {Kind.SCENE, Kind.EXTENDED} else scenes
    drawing = replace(_made_of(single, words, seed, Kind.EXTENDED, ways), extent=extent)
    width, height = grown((single.width, single.height), extent)
    share = min(1.0, sqrt(2 * side * side / (width * height)))
    return replace(drawing, width=_even(width * share), height=_even(height * share))


REACHES = {"left", "right", "up", "down", "square"}
"""The extents that keep the picture as large as it was."""


def grown(size: Size, extent: str) -> Size:
    """The size of an extended picture: longer by half for a pan, both sides alike for a square."""
    width, height = size
    match extent:
        case "left" | "right":
            return width + _even(width / 2), height
        case "up" | "down":
            return width, height + _even(height / 2)
        case "square":
            return max(size), max(size)
        case _:
            return size


def _said(prompt: str) -> str:
    """The words of a prompt in lower case, without its flags and the links of its pictures."""
    return re.sub(r"https?://\S+", "", re.split(r"(?:^|\s)--\w", prompt, maxsplit=1)[0]).strip().lower()


def _asked_seed(prompt: str) -> str:
    asked = re.search(r"--seed\s+(\d+)", prompt)
    return asked.group(1) if asked else ""


def _asked_ratio(prompt: str) -> float:
    asked = re.search(r"--(?:ar|aspect)\s+(\d+):(\d+)", prompt)
    return _ratio((int(asked.group(1)), int(asked.group(2)))) if asked else 1.0


def _ratio(size: Size) -> float:
    return size[0] / size[1] if size[0] and size[1] else 1.0


def _shape(ratio: float, side: int) -> Size:
    """Width and height in pixels, both even; as many pixels as a square of `side`."""
    bounded = min(max(ratio, NARROWEST), WIDEST)
    return _even(side * sqrt(bounded)), _even(side / sqrt(bounded))


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)
