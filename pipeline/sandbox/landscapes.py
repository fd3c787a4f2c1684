"""Pictures with a horizon: each function paints a whole canvas from a palette and a random source."""

from __future__ import annotations

from itertools import pairwise
from math import cos, pi, sin
from random import Random

from pipeline.sandbox.canvas import Canvas, Place
from pipeline.sandbox.palettes import Palette, mix


def ridge(rng: Random, base: float, height: float, rough: float = 0.55, steps: int = 7) -> list[Place]:
    """The outline of a mountain range from edge to edge, `base` down the picture, then round the lower corners."""
    line = [rng.uniform(-1, 1), rng.uniform(-1, 1)]
    swing = 1.0
    for _ in range(steps):
        swing *= rough
        middles = [(a + b) / 2 + rng.uniform(-swing, swing) for a, b in pairwise(line)]
        line = [line[0], *(y for pair in zip(middles, line[1:], strict=True) for y in pair)]
    crest = [(n / (len(line) - 1), base + y * height) for n, y in enumerate(line)]
    return [*crest, (1, 1.02), (0, 1.02)]


def swell(rng: Random, base: float, height: float, waves: float) -> list[Place]:
    """A gentle outline: two sines."""
    shift, other = rng.uniform(0, 2 * pi), rng.uniform(0, 2 * pi)
    crest = [
        (n / 60, base + height * (sin(n / 60 * waves * pi + shift) + 0.4 * sin(n / 60 * waves * 2.3 * pi + other)))
        for n in range(61)
    ]
    return [*crest, (1, 1.02), (0, 1.02)]


def sky(canvas: Canvas, palette: Palette, rng: Random, low: float = 0.5) -> Place:
    """Sky, and a sun or moon in it. Returns where."""
    canvas.wash((*palette.sky, palette.sky[-1]))
    place = (rng.uniform(0.22, 0.78), rng.uniform(0.18, low))
    radius = rng.uniform(0.07, 0.15)
    canvas.glow(place, radius * 3.6, palette.light, 0.8)
    canvas.disc(place, radius, palette.light)
    return place


def specks(canvas: Canvas, palette: Palette, rng: Random, count: int, lowest: float = 1) -> None:
    """Stars or snowflakes."""
    for _ in range(count):
        size = rng.uniform(0.0008, 0.0035) if rng.random() < 0.9 else rng.uniform(0.004, 0.008)
        canvas.disc((rng.random(), rng.random() * lowest), size, palette.light, rng.uniform(0.45, 1))


def mountains(canvas: Canvas, palette: Palette, rng: Random) -> None:
    sky(canvas, palette, rng, 0.4)
    for depth, colour in enumerate(palette.land):
        base = 0.45 + depth * 0.145
        canvas.shape(ridge(rng, base, 0.2 - depth * 0.03), colour)
        if depth < len(palette.land) - 1:
            canvas.haze(base, base + 0.3, mix(colour, palette.sky[-1], 0.6), 0.55)
    specks(canvas, palette, rng, 130)


def hills(canvas: Canvas, palette: Palette, rng: Random) -> None:
    sky(canvas, palette, rng, 0.35)
    aspect = canvas.aspect
    for depth, colour in enumerate(palette.land):
        outline = swell(rng, 0.52 + depth * 0.13, 0.045, rng.uniform(1.2, 2.4))
        canvas.shape(outline, colour)
        for x, y in rng.sample(outline[3:-5], 4 + depth):
            size = 0.02 + depth * 0.012
            crown = mix(colour, palette.accent, 0.75) if rng.random() < 0.45 else mix(colour, palette.ink, 0.45)
            canvas.stem((x, y + 0.01), (x, y - size * 1.6 * aspect[1]), palette.ink, size * 0.16)
            canvas.disc((x, y - size * 2.1 * aspect[1]), size, crown)


def waves(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Rows of overlapping ringed scales beneath a low sun, as on Japanese cloth."""
    x, _ = sky(canvas, palette, rng, 0.34)
    wide, high = canvas.aspect
    rows, radius = 8, rng.uniform(0.11, 0.15)
    for row in range(rows):
        y = 0.56 + row * 0.075
        colour = mix(palette.land[0], palette.ink, row / (rows - 1))
        offset = (row % 2) * radius * wide + rng.uniform(-0.01, 0.01)
        for n in range(-1, int(1 / (2 * radius * wide)) + 3):
            place = (n * 2 * radius * wide + offset, y + radius * high)
            for ring in range(4):
                tone = colour if ring % 2 == 0 else mix(colour, palette.light, 0.72)
                canvas.disc(place, radius * 1.05 * (1 - ring * 0.23), tone)
    mast = (min(max(1 - x, 0.2), 0.8), 0.56)
    boat(canvas, palette, mast)


def boat(canvas: Canvas, palette: Palette, at: Place) -> None:
    (x, y), (w, h) = at, canvas.aspect
    canvas.shape(
        [(x - 0.09 * w, y), (x + 0.09 * w, y), (x + 0.06 * w, y + 0.04 * h), (x - 0.06 * w, y + 0.04 * h)],
        palette.ink,
    )
    canvas.shape([(x, y - 0.01 * h), (x, y - 0.2 * h), (x + 0.085 * w, y - 0.02 * h)], palette.light)
    canvas.shape(
        [(x - 0.01 * w, y - 0.01 * h), (x - 0.01 * w, y - 0.16 * h), (x - 0.07 * w, y - 0.02 * h)], palette.accent
    )


def forest(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Firs in rows that come nearer out of the mist."""
    sky(canvas, palette, rng, 0.4)
    for depth, colour in enumerate(palette.land):
        base = 0.6 + depth * 0.11
        count = 22 - depth * 5
        for n in range(count):
            x = (n + rng.uniform(0.1, 0.9)) / count
            _fir(canvas, (x, base + rng.uniform(-0.02, 0.03)), rng.uniform(0.2, 0.3) * (0.7 + depth * 0.3), colour)
        canvas.shape(swell(rng, base, 0.012, 3), colour)
        if depth < len(palette.land) - 1:
            canvas.haze(base - 0.22, base + 0.12, palette.sky[-1], 0.6)
    specks(canvas, palette, rng, 60)


def _fir(canvas: Canvas, foot: Place, height: float, colour: tuple[int, int, int]) -> None:
    (x, y), (w, h) = foot, canvas.aspect
    for tier in range(4):
        top = y - height * h * (1 - tier * 0.2)
        half = height * w * (0.09 + tier * 0.05)
        canvas.shape([(x, top), (x + half, top + height * h * 0.36), (x - half, top + height * h * 0.36)], colour)


def city(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Blocks with lit windows, the nearest darkest."""
    sky(canvas, palette, rng, 0.35)
    specks(canvas, palette, rng, 70, 0.5)
    for depth, colour in enumerate(palette.land):
        x = -0.03
        while x < 1:
            width = rng.uniform(0.06, 0.13)
            top = 0.3 + depth * 0.14 + rng.uniform(-0.06, 0.16)
            canvas.shape([(x, top), (x + width, top), (x + width, 1), (x, 1)], colour)
            if depth:
                _windows(canvas, palette, rng, (x, top), width)
            x += width + rng.uniform(-0.01, 0.02)
        canvas.haze(0.5, 1, mix(colour, palette.sky[-1], 0.5), 0.3)


def _windows(canvas: Canvas, palette: Palette, rng: Random, corner: Place, width: float) -> None:
    across = 4
    pane = width / (across * 2 + 1)
    for row in range(14):
        for n in range(across):
            if rng.random() < 0.38:
                x, y = corner[0] + pane * (2 * n + 1), corner[1] + 0.025 + row * 0.04
                tone = palette.accent if rng.random() < 0.2 else palette.light
                canvas.shape([(x, y), (x + pane, y), (x + pane, y + 0.018), (x, y + 0.018)], tone)


def dunes(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Sand with a lit and a shaded side, parted by a winding edge."""
    sky(canvas, palette, rng, 0.36)
    side = rng.choice((0, 1))
    for depth, colour in enumerate(palette.land):
        peak = (rng.uniform(0.1, 0.4) + 0.5 * ((depth + side) % 2), 0.5 + depth * 0.11)
        lee = _slope(peak, (peak[0] + 0.9, peak[1] + 0.32))
        canvas.shape([*_slope((peak[0] - 0.9, peak[1] + 0.32), peak), *lee, (1.5, 1.02), (-0.5, 1.02)], colour)
        bend = rng.uniform(0.03, 0.08)
        edge = [(peak[0] + bend * sin(n / 3) * n / 20, peak[1] + 0.6 * n / 20) for n in range(21)]
        canvas.shape([*edge, (1.5, 1.1), *reversed(lee)], mix(colour, palette.light, 0.3))


def _slope(start: Place, end: Place) -> list[Place]:
    return [
        (start[0] + (end[0] - start[0]) * n / 24, start[1] + (end[1] - start[1]) * (1 - cos(n / 24 * pi)) / 2)
        for n in range(25)
    ]
