"""From an order to a PNG: the same words and seed draw the same picture, on every machine.

Each quarter of a grid is drawn at the size of its upscale and halved for the grid, so that an upscale is exactly the
quarter that was asked for, larger: resized to a quarter with Pillow's BOX it equals it, pixel for pixel.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from math import sqrt
from random import Random

from PIL import Image

from pipeline.sandbox import figures, landscapes, ornaments
from pipeline.sandbox.canvas import Canvas
from pipeline.sandbox.palettes import Palette, choose
from pipeline.sandbox.tasks import Action, Order

Scene = Callable[[Canvas, Palette, Random], None]

SCENES: dict[str, Scene] = {
    "mountains": landscapes.mountains,
    "hills": landscapes.hills,
    "waves": landscapes.waves,
    "forest": landscapes.forest,
    "city": landscapes.city,
    "dunes": landscapes.dunes,
    "tiles": ornaments.tiles,
    "petals": ornaments.petals,
    "flow": ornaments.flow,
    "planets": ornaments.planets,
    "rays": ornaments.rays,
    "contours": ornaments.contours,
}

_HINTS = {
    "mountains": "snow winter mountain peak alps fox wolf mist fog ice",
    "hills": "hill meadow field village farm spring autumn tree house horse",
    "waves": "sea ocean wave boat ship whale fish water lake harbour lighthouse ukiyo",
    "forest": "forest fir pine wood tree jungle owl deer bear fox",
    "city": "city street skyline neon tokyo tower cyberpunk robot building",
    "dunes": "desert sand dune camel lion pyramid gold",
    "tiles": "geometric bauhaus abstract pattern poster architecture",
    "petals": "flower garden rose blossom petal lotus butterfly sakura",
    "flow": "wind hair portrait abstract smoke wave river cat",
    "planets": "space planet star moon galaxy astronaut night rocket owl",
    "rays": "sun sunset sunrise poster retro mountain bicycle",
    "contours": "paper map cave abstract layer island",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What is drawn: four scenes in a grid, or with `quarter` (1 to 4) just that one. Sizes are pixels of the file."""

    words: str
    seed: str
    width: int
    height: int
    scenes: tuple[str, ...]
    quarter: int | None = None


def drawing_of(order: Order, side: int) -> Drawing:
    """What an order shows. Follow-ups derive from their parent, down to the imagine."""
    if order.parent is None:
        return _imagine(order.prompt, side)
    parent = drawing_of(order.parent.order, side)
    if order.action is Action.UPSCALE:
        return replace(parent, quarter=order.index)
    seed = f"{parent.seed} {order.word}"
    if order.action is Action.VARIATION and order.index:
        return replace(parent, seed=seed, scenes=(parent.scenes[order.index - 1],) * 4)
    return replace(parent, seed=seed, scenes=_scenes(parent.words, seed))


@lru_cache(maxsize=32)
def png(drawing: Drawing) -> bytes:
    """The file. Takes some 150 ms of one core for a grid of 1024 pixels, and a quarter of that for an upscale."""
    picture = _grid(drawing) if drawing.quarter is None else _quarter(drawing, drawing.quarter)
    file = BytesIO()
    picture.save(file, "PNG", compress_level=2)
    return file.getvalue()


def _grid(drawing: Drawing) -> Image.Image:
    grid = Image.new("RGB", (drawing.width, drawing.height))
    half = (drawing.width // 2, drawing.height // 2)
    for n in range(4):
        place = (n % 2 * half[0], n // 2 * half[1])
        grid.paste(_quarter(drawing, n + 1).resize(half, Image.Resampling.BOX), place)
    return grid


def _quarter(drawing: Drawing, n: int) -> Image.Image:
    """One of the four pictures, at full size."""
    palette = choose(drawing.words, _random(drawing.words))
    canvas = Canvas(drawing.width, drawing.height)
    rng = _random(drawing.words, drawing.seed, str(n))
    scene = SCENES[drawing.scenes[n - 1]]
    scene(canvas, palette, rng)
    if (figure := figures.named(drawing.words)) is not None:
        outdoors = scene.__module__ == landscapes.__name__
        fits = outdoors and figures.fits(figure, sea=scene is landscapes.waves)
        figures.draw(canvas, palette, rng, figure, framed=not fits)
    return canvas.picture()


def _imagine(prompt: str, side: int) -> Drawing:
    words = re.split(r"\s--\w", prompt, maxsplit=1)[0].strip().lower()
    asked = re.search(r"--seed\s+(\d+)", prompt)
    seed = asked.group(1) if asked else ""
    width, height = _shape(prompt, side)
    return Drawing(words=words, seed=seed, width=width, height=height, scenes=_scenes(words, seed))


def _scenes(words: str, seed: str) -> tuple[str, ...]:
    """Four different scenes: up to three that the words call for, then any."""
    rng = _random(words, seed, "scenes")
    said = set(re.findall(r"[a-z]+", words))
    said |= {word.removesuffix("s") for word in said}
    order = rng.sample(list(SCENES), len(SCENES))
    fitting = [scene for scene in order if said & set(_HINTS[scene].split())][:3]
    chosen = [*fitting, *(scene for scene in order if scene not in fitting)][:4]
    return tuple(rng.sample(chosen, 4))


def _shape(prompt: str, side: int) -> tuple[int, int]:
    """Width and height in pixels for `--ar w:h`, both even; as many pixels as a square of `side`."""
    asked = re.search(r"--(?:ar|aspect)\s+(\d+):(\d+)", prompt)
    w, h = (int(asked.group(1)), int(asked.group(2))) if asked else (1, 1)
    ratio = min(max(w / h, 1 / 4), 4) if w and h else 1
    return _even(side * sqrt(ratio)), _even(side / sqrt(ratio))


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


def _random(*parts: str) -> Random:
    return Random(sha256("\n".join(parts).encode()).digest())  # noqa: S311 - a drawing, not a secret
