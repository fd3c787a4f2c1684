"""From an order to a PNG: the same order draws the same picture, on every machine.

Each quarter of a grid is drawn at the size of its upscale and halved for the grid, so that an upscale is exactly the
quarter that was asked for, larger: resized to a quarter with Pillow's BOX it equals it, pixel for pixel.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from io import BytesIO

from PIL import Image

from pipeline.sandbox import collage, photos, retouch, scenery
from pipeline.sandbox.drawings import Drawing, Kind, drawing_of, grown
from pipeline.sandbox.scenery import Size, lots, palette_of

__all__ = ["Drawing", "drawing_of", "picture", "png"]


@lru_cache(maxsize=32)
def png(drawing: Drawing) -> bytes:
    """The file. Takes some 150 ms of one core for a grid of 1024 pixels, and a quarter of that for an upscale."""
    file = BytesIO()
    picture(drawing).save(file, "PNG", compress_level=2)
    return file.getvalue()


def picture(drawing: Drawing) -> Image.Image:
    """What the file shows, in RGB."""
    if drawing.quarter is None:
        return _grid(drawing)
    single = _painted(drawing, drawing.quarter, drawing.size)
    if drawing.creative:
        return retouch.glinting(single, drawing.words, lots(drawing.words, drawing.seed, "glints"))
    return single


def _grid(drawing: Drawing) -> Image.Image:
    grid = Image.new("RGB", (drawing.width, drawing.height))
    half = (drawing.width // 2, drawing.height // 2)
    for n in range(4):
        place = (n % 2 * half[0], n // 2 * half[1])
        whole = _painted(drawing, n + 1, (drawing.width, drawing.height))
        grid.paste(whole.resize(half, Image.Resampling.BOX), place)
    return grid


def _painted(drawing: Drawing, n: int, size: Size) -> Image.Image:
    """One of the four pictures, a fresh one that may be painted on."""
    words, way = drawing.words, drawing.ways[n - 1]
    rng = lots(words, drawing.seed, str(n))
    match drawing.kind:
        case Kind.SCENE if drawing.images:
            return collage.referenced(drawing.images, scenery.scene(words, rng, way, size), n, rng)
        case Kind.SCENE:
            return scenery.scene(words, rng, way, size)
        case Kind.BLEND:
            return collage.STYLES[way](drawing.images, size, palette_of(words or drawing.seed), rng)
        case Kind.SWAP:
            return collage.swapped(drawing.images[0], drawing.images[-1], size)
        case Kind.PHOTO:
            return photos.fitted(drawing.images[0], size)
        case Kind.EDIT:
            return _edited(drawing, n, size)
        case Kind.EXTENDED:
            return _extended(drawing, n, size)
        case Kind.REGION:
            scene = scenery.scene(words, rng, way, size)
            return retouch.region(_inner(drawing, size), _mask(drawing, size), scene)
        case Kind.NEAR:
            return retouch.near(_inner(drawing, size), way, rng)


def _edited(drawing: Drawing, n: int, size: Size) -> Image.Image:
    given = photos.fitted(drawing.images[0], size) if drawing.inner is None else _inner(drawing, size)
    rng = lots(drawing.words, drawing.seed, str(n))
    changed = retouch.EDITS[drawing.ways[n - 1]](given, drawing.words, rng)
    return Image.composite(changed, given, _mask(drawing, size)) if drawing.mask else changed


def _extended(drawing: Drawing, n: int, size: Size) -> Image.Image:
    rng = lots(drawing.words, drawing.seed, str(n))
    outer = scenery.backdrop(drawing.words, rng, drawing.ways[n - 1], size)
    box = _place(drawing, size)
    room = (box[2] - box[0], box[3] - box[1])
    inner = _inner(drawing, room) if drawing.extent in _WHOLE else _inner(drawing, size).resize(room)
    return retouch.extended(inner, box, outer)


_WHOLE = {"left", "right", "up", "down", "square"}


def _place(drawing: Drawing, size: Size) -> retouch.Box:
    """Where the picture that is extended lies, in pixels."""
    assert drawing.inner is not None  # noqa: S101
    within = (drawing.inner.width, drawing.inner.height)
    whole = grown(within, drawing.extent)
    width, height = (round(size[k] * within[k] / whole[k]) for k in (0, 1))
    if drawing.extent not in _WHOLE:
        factor = _factor(drawing.extent)
        width, height = max(1, round(width / factor)), max(1, round(height / factor))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    left = {"left": size[0] - width, "right": 0}.get(drawing.extent, left)
    top = {"up": size[1] - height, "down": 0}.get(drawing.extent, top)
    return left, top, left + width, top + height


def _factor(extent: str) -> float:
    try:
        return min(max(float(extent), 1.0), 4.0)
    except ValueError:
        return 2.0


def _inner(drawing: Drawing, size: Size) -> Image.Image:
    assert drawing.inner is not None  # noqa: S101
    return _kept(replace(drawing.inner), size)


@lru_cache(maxsize=4)
def _kept(single: Drawing, size: Size) -> Image.Image:
    """The picture that others are made of. The four of a grid share it, so it must not be painted on."""
    return _painted(single, single.quarter or 1, size)


def _mask(drawing: Drawing, size: Size) -> Image.Image:
    return photos.masked(drawing.mask, size) if drawing.mask else Image.new("L", size, 0)
