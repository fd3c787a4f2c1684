"""Scenes from words: which of them a prompt calls for, and one of them painted with the figure that it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from random import Random

from PIL import Image

from pipeline.sandbox import figures, landscapes, ornaments
from pipeline.sandbox.canvas import Canvas
from pipeline.sandbox.palettes import Palette, choose

Scene = Callable[[Canvas, Palette, Random], None]
Size = tuple[int, int]

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
HINTED = frozenset(" ".join(_HINTS.values()).split())
"""Every word that calls for a scene."""


def lots(*parts: str) -> Random:
    """The same parts draw the same lots, on every machine."""
    return Random(sha256("\n".join(parts).encode()).digest())  # noqa: S311 - a drawing, not a secret


def palette_of(words: str) -> Palette:
    return choose(words, lots(words))


def scenes_for(words: str, seed: str) -> tuple[str, ...]:
    """Four different scenes: up to three that the words call for, then any."""
    rng = lots(words, seed, "scenes")
    said = set(re.findall(r"[a-z]+", words))
    said |= {word.removesuffix("s") for word in said}
    order = rng.sample(list(SCENES), len(SCENES))
    fitting = [scene for scene in order if said & set(_HINTS[scene].split())][:3]
    chosen = [*fitting, *(scene for scene in order if scene not in fitting)][:4]
    return tuple(rng.sample(chosen, 4))


def scene(words: str, rng: Random, name: str, size: Size) -> Image.Image:
    """A whole picture: the scene, and in its foreground what the words name."""
    palette, canvas, paint = palette_of(words), Canvas(*size), SCENES[name]
    paint(canvas, palette, rng)
    if (figure := figures.named(words)) is not None:
        outdoors = paint.__module__ == landscapes.__name__
        fits = outdoors and figures.fits(figure, sea=paint is landscapes.waves)
        figures.draw(canvas, palette, rng, figure, framed=not fits)
    return canvas.picture()


def backdrop(words: str, rng: Random, name: str, size: Size) -> Image.Image:
    """The scene without figures and a little out of focus: painted at half the size, for a quarter of the work."""
    canvas = Canvas(max(1, size[0] // 2), max(1, size[1] // 2))
    SCENES[name](canvas, palette_of(words), rng)
    return canvas.picture().resize(size, Image.Resampling.BILINEAR)
