"""Pictures without a horizon: each function paints a whole canvas from a palette and a random source."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from pipeline.sandbox.canvas import Canvas
from pipeline.sandbox.landscapes import specks
from pipeline.sandbox.palettes import Colour, Palette, mix


def tiles(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Quarter discs and discs on a board, as the Bauhaus printed them."""
    canvas.wash([palette.light])
    across = rng.choice((4, 5))
    down = max(1, round(across * canvas.height / canvas.width))
    tones = [*palette.land, palette.accent, palette.accent, palette.sky[1], palette.sky[-1]]
    for row in range(down):
        for column in range(across):
            _tile(canvas, rng, (column / across, row / down, 1 / across, 1 / down), tones)


def _tile(canvas: Canvas, rng: Random, cell: tuple[float, float, float, float], tones: list[Colour]) -> None:
    x, y, w, h = cell
    ground, figure, dot = rng.sample(tones, 3)
    canvas.shape([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], ground)
    side = min(w * canvas.width, h * canvas.height) / canvas.unit
    kind = rng.randrange(4)
    if kind == 0:
        canvas.disc((x + w / 2, y + h / 2), side * 0.42, figure)
        canvas.disc((x + w / 2, y + h / 2), side * 0.2, dot)
    elif kind == 1:
        canvas.shape([(x, y), (x + w, y + h), (x, y + h)], figure)
    else:
        # Half discs stay inside the cell; a quarter would spill over its neighbours.
        turn = rng.randrange(4)
        middle = (x + w / 2, y + h / 2)
        canvas.slice(middle, side * 0.5, turn * 90, turn * 90 + 180, figure)
        if kind == 3:
            canvas.slice(middle, side * 0.28, turn * 90 + 180, turn * 90 + 360, dot)


def petals(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Flowers of see-through petals, the largest last."""
    canvas.wash([*palette.sky[::-1], palette.sky[0]])
    for n in range(9):
        size = 0.1 + n * 0.032
        place = (rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.95)) if n < 8 else (0.5, 0.5)
        _flower(canvas, palette, rng, place, size)


def _flower(canvas: Canvas, palette: Palette, rng: Random, at: tuple[float, float], size: float) -> None:
    (x, y), (w, h) = at, canvas.aspect
    count, turn = rng.choice((6, 8, 10, 12)), rng.uniform(0, pi)
    outer = rng.choice((palette.accent, palette.land[0], palette.land[1], mix(palette.accent, palette.light, 0.5)))
    for ring, (length, tone) in enumerate(((1.0, outer), (0.68, mix(outer, palette.light, 0.45)))):
        for petal in range(count):
            angle = turn + (petal + ring / 2) * 2 * pi / count
            outline = []
            for step in range(17):
                along = (1 - cos(step / 16 * 2 * pi)) / 2
                aside = sin(step / 16 * 2 * pi) * 0.75 / count**0.5 * along**0.5
                r, side = along * size * length, aside * size * length
                outline.append(
                    (x + (r * cos(angle) - side * sin(angle)) * w, y + (r * sin(angle) + side * cos(angle)) * h)
                )
            canvas.shape(outline, tone, 0.78)
    canvas.disc(at, size * 0.17, palette.ink)
    canvas.disc(at, size * 0.1, palette.light)


def flow(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Hundreds of strokes that follow one field, like combed hair or wind on water."""
    canvas.wash([palette.ink, mix(palette.ink, palette.land[1], 0.5), palette.ink])
    a, b, c = (rng.uniform(0.6, 1.8) * rng.choice((-1, 1)) for _ in range(3))
    shift, (w, h) = rng.uniform(0, 2 * pi), canvas.aspect
    for _ in range(520):
        x, y = rng.uniform(-0.1, 1.1), rng.uniform(-0.1, 1.1)
        band = (sin(x * 3 * a + shift) + cos(y * 3 * b)) / 4 + 0.5
        tone = palette.all[int(band * 5.99) % len(palette.all)] if rng.random() < 0.85 else palette.light
        thick, left, right = rng.uniform(0.0025, 0.006), [], []
        for step in range(19):
            angle = sin(x * 3.2 * a + shift) * 1.6 + cos(y * 3.4 * b) * 1.4 + c
            dx, dy = cos(angle) * w, sin(angle) * h
            half = thick * sin((step + 0.5) / 19 * pi)
            left.append((x - dy * half, y + dx * half))
            right.append((x + dy * half, y - dx * half))
            x, y = x + 0.017 * dx, y + 0.017 * dy
        canvas.shape([*left, *reversed(right)], tone)


def planets(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """A ringed world, its orbits and its moons."""
    canvas.wash([palette.ink, mix(palette.ink, palette.land[1], 0.6), mix(palette.ink, palette.accent, 0.35)])
    specks(canvas, palette, rng, 260)
    centre = (rng.uniform(0.3, 0.7), rng.uniform(0.35, 0.65))
    (w, h), radius = canvas.aspect, rng.uniform(0.17, 0.25)
    canvas.glow(centre, radius * 3.2, palette.accent, 0.5)
    for n in range(4):
        orbit = radius * (1.55 + n * 0.42)
        canvas.ring(centre, orbit, mix(palette.ink, palette.light, 0.55), 0.0022)
        angle = rng.uniform(0, 2 * pi)
        moon = (centre[0] + orbit * cos(angle) * w, centre[1] + orbit * sin(angle) * h)
        canvas.disc(moon, rng.uniform(0.012, 0.035), rng.choice((palette.light, palette.accent, palette.sky[-1])))
    for step in range(26):
        lit = step / 25
        place = (centre[0] - radius * 0.38 * lit * w, centre[1] - radius * 0.38 * lit * h)
        canvas.disc(place, radius * (1 - lit * 0.62), mix(palette.accent, palette.light, lit * 0.75))


def rays(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """A poster sun: rays round a disc of rings, ridges at its foot."""
    canvas.wash([palette.sky[-1]])
    centre, count = (rng.uniform(0.35, 0.65), rng.uniform(0.5, 0.66)), rng.choice((18, 22, 26))
    turn = rng.uniform(0, pi)
    for n in range(count):
        sides = [turn + (n + k) * 2 * pi / count for k in (0, 0.5)]
        rim = [(centre[0] + 2 * cos(angle), centre[1] + 2 * sin(angle)) for angle in sides]
        canvas.shape([centre, *rim], mix(palette.sky[1], palette.light, 0.2))
    canvas.glow(centre, 0.95, palette.light, 0.85)
    for ring, tone in enumerate((palette.accent, palette.light, palette.accent, palette.light, palette.accent)):
        canvas.disc(centre, 0.27 - ring * 0.05, tone)
    for depth, tone in enumerate(palette.land[1:]):
        base = 0.74 + depth * 0.1
        peaks = [(n / 8, base + rng.uniform(-0.07, 0.05)) for n in range(9)]
        canvas.shape([*peaks, (1, 1.02), (0, 1.02)], tone)


def contours(canvas: Canvas, palette: Palette, rng: Random) -> None:
    """Sheets of cut paper, one deeper than the other."""
    tones = [palette.light, *palette.sky[::-1], *palette.land, palette.accent]
    canvas.wash([palette.ink])
    centre, (w, h) = (rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.65)), canvas.aspect
    waves = [(k, rng.uniform(0, 2 * pi), rng.uniform(0.03, 0.11) / k**0.5) for k in (2, 3, 5)]
    for depth in range(len(tones)):
        size = 0.92 - depth * 0.1
        sheet = []
        for n in range(96):
            angle = n / 96 * 2 * pi
            r = size * (1 + sum(a * sin(k * angle + s + depth * 0.22) for k, s, a in waves))
            sheet.append((centre[0] + r * cos(angle) * w, centre[1] + r * sin(angle) * h))
        shade = mix(tones[depth - 1] if depth else palette.ink, palette.ink, 0.4)
        canvas.shape([(x + 0.012 * w, y + 0.016 * h) for x, y in sheet], shade)
        canvas.shape(sheet, tones[depth])
