"""Animals and things that a prompt may name, cut from paper: outlines on a sheet 100 wide whose foot is at 140."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from pipeline.sandbox.canvas import Canvas, Place
from pipeline.sandbox.palettes import Colour, Palette, mix

# One shape a line: its colour, `*` when its mirror image is drawn too, and points `x,y`, or a disc `x,y r`.
FIGURES = {
    "fox": """
        body 58,136 84,139 104,120 106,92 98,66 86,92 70,112
        light 106,92 98,66 89,86 96,96
        body 50,56 76,140 24,140
        light 50,70 61,104 50,126 39,104
        shade* 40,140 48,140 49,122 43,118
        body* 13,0 43,27 16,46
        ink* 19,13 35,28 21,38
        body 18,30 50,23 82,30 93,53 50,93 7,53
        light* 7,53 35,55 50,93
        ink* 34,51 4
        ink 50,90 5""",
    "owl": """
        shade* 12,22 44,34 16,54
        body 50,66 40
        body 50,98 41
        shade* 10,62 26,84 24,132 8,104
        light 50,104 27
        shade* 38,96 44,104 32,104
        shade* 50,96 56,104 44,104
        shade* 38,112 44,120 32,120
        shade* 50,112 56,120 44,120
        light* 32,58 19
        ink* 33,58 11
        light* 30,54 4
        gold 50,62 58,72 50,86 42,72
        gold* 32,134 46,134 39,141""",
    "cat": """
        body 70,134 92,130 100,108 96,84 106,76 112,104 104,132 84,141
        body 50,52 80,140 20,140
        shade* 40,141 48,141 49,112 44,110
        body* 16,2 44,28 18,46
        shade* 22,14 36,28 24,36
        body 50,48 35
        gold* 35,46 9
        ink* 35,46 4
        light 46,60 54,60 50,65
        shade* 20,58 2,54 20,60
        shade* 20,63 3,66 20,65""",
    "whale": """
        body 96,92 112,70 104,60 126,62 128,76 116,96 100,120
        body 4,98 12,78 34,68 62,70 90,88 106,94 100,124 76,140 24,140 8,126
        light 8,126 30,118 70,124 96,124 76,140 24,140
        ink 26,104 4
        shade 44,118 62,124 58,140
        light 36,66 30,40 16,36 28,28 36,36 44,28 56,36 42,40""",
    "lighthouse": """
        shade 10,140 24,122 76,122 92,140
        light 36,40 64,40 72,126 28,126
        body 34.6,52 65.4,52 67.4,70 32.6,70
        body 31.2,88 68.8,88 70.8,106 29.2,106
        ink 30,34 70,34 70,41 30,41
        gold 38,18 62,18 62,34 38,34
        body 34,18 50,4 66,18
        ink 46,112 54,112 54,126 46,126""",
    "house": """
        light 14,80 86,80 86,140 14,140
        body 2,84 50,42 98,84
        shade 68,36 78,36 78,72 68,64
        ink 44,108 60,108 60,140 44,140
        gold 22,96 36,96 36,112 22,112
        gold 68,96 80,96 80,112 68,112""",
    "robot": """
        shade* 30,124 42,124 42,140 26,140
        shade* 4,78 16,78 16,112 4,112
        body 18,70 82,70 78,128 22,128
        light 32,82 68,82 68,108 32,108
        gold* 42,95 5
        ink 48,14 52,14 52,28 48,28
        gold 50,12 6
        body 20,26 80,26 80,66 20,66
        ink 27,34 73,34 73,56 27,56
        gold* 38,45 6""",
}
_AT_SEA = {"whale", "lighthouse"}
_ALSO = {"kitten": "cat", "owlet": "owl", "cottage": "house", "cabin": "house", "vixen": "fox", "android": "robot"}


def named(words: str) -> str | None:
    """The first figure that the words name."""
    said: list[str] = re.findall(r"[a-z]+", words.lower())
    for word in said:
        one = word if word in FIGURES else word.removesuffix("s")
        if (name := _ALSO.get(one, one)) in FIGURES:
            return name
    return None


def fits(name: str, *, sea: bool) -> bool:
    """Whether it may stand in a landscape, on land or at sea."""
    return name in _AT_SEA if sea else name != "whale"


def draw(canvas: Canvas, palette: Palette, rng: Random, name: str, *, framed: bool) -> None:
    """Stands in the foreground, or `framed` on a disc of paper."""
    size = rng.uniform(0.42, 0.48) if framed else rng.uniform(0.32, 0.44)
    foot = (0.5, 0.5 + size * 0.68 * canvas.aspect[1]) if framed else (rng.uniform(0.32, 0.68), 0.95)
    if framed:
        canvas.disc((0.5, 0.5), size * 0.9, palette.ink)
        canvas.disc((0.5, 0.5), size * 0.87, mix(palette.sky[-1], palette.light, 0.35))
    colours = {
        "body": palette.accent,
        "shade": mix(palette.accent, palette.ink, 0.45),
        "light": palette.light,
        "ink": mix(palette.ink, (10, 10, 20), 0.5),
        "gold": (247, 196, 84),
    }
    for role, points, radius in _shapes(FIGURES[name]):
        places = [_place(canvas, foot, size, point) for point in points]
        _cut(canvas, places, radius * size / 100, colours[role])


def _shapes(lines: str) -> Iterator[tuple[str, list[Place], float]]:
    for line in lines.split("\n"):
        role, *parts = line.split() or [""]
        if not parts:
            continue
        radius = float(parts.pop()) if "," not in parts[-1] else 0.0
        points = [(float(x), float(y)) for x, y in (part.split(",") for part in parts)]
        yield role.rstrip("*"), points, radius
        if role.endswith("*"):
            yield role.rstrip("*"), [(100 - x, y) for x, y in points], radius


def _place(canvas: Canvas, foot: Place, size: float, point: Place) -> Place:
    (w, h), (x, y) = canvas.aspect, point
    return foot[0] + (x - 50) / 100 * size * w, foot[1] + (y - 140) / 100 * size * h


def _cut(canvas: Canvas, places: list[Place], radius: float, colour: Colour) -> None:
    if radius:
        canvas.disc(places[0], radius, colour)
    else:
        canvas.shape(places, colour)
