"""From an order to a PNG: the same order draws the same picture, on every machine.

Each quarter of a grid is drawn at the size of its upscale and halved for the grid, so that an upscale is exactly the
quarter that was asked for, larger: resized to a quarter with Pillow's BOX it equals it, pixel for pixel.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

from PIL import Image

from pipeline.sandbox import collage, photos, retouch, scenery
from pipeline.sandbox.drawings import REACHES, Drawing, Kind, drawing_of, grown
from pipeline.sandbox.scenery import Size, lots, palette_of

__all__ = ["Drawing", "drawing_of", "picture", "png"]


@lru_cache(maxsize=32)
def png(drawing: Drawing) -> bytes:
    """The file. A grid of 1024 pixels takes some 150 ms of one core, up to half as much more when it is made of other
    pictures, and an upscale a third of that."""
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
            return _within_mask(drawing, _region(drawing, n, size), _inner(drawing, size))
        case Kind.NEAR:
            return retouch.near(_inner(drawing, size), way, rng)


def _region(drawing: Drawing, n: int, size: Size) -> Image.Image:
    """What is painted anew. The figure of the words is there once already, unless the words are other ones."""
    rng = lots(drawing.words, drawing.seed, str(n))
    said_anew = drawing.words != _source(drawing).words
    return (scenery.scene if said_anew else scenery.backdrop)(drawing.words, rng, drawing.ways[n - 1], size)


def _edited(drawing: Drawing, n: int, size: Size) -> Image.Image:
    given = _inner(drawing, size) if drawing.inner else photos.fitted(drawing.images[0], size)
    rng = lots(drawing.words, drawing.seed, str(n))
    return _within_mask(drawing, retouch.EDITS[drawing.ways[n - 1]](given, drawing.words, rng), given)


def _within_mask(drawing: Drawing, changed: Image.Image, given: Image.Image) -> Image.Image:
    return Image.composite(changed, given, photos.mask(drawing.mask, given.size)) if drawing.mask else changed


def _extended(drawing: Drawing, n: int, size: Size) -> Image.Image:
    rng = lots(drawing.words, drawing.seed, str(n))
    outer = scenery.backdrop(drawing.words, rng, drawing.ways[n - 1], size)
    picture, seen = _surroundings(_source(drawing), drawing.extent, size)
    outer.paste(picture, (0, 0), seen)
    return outer


@lru_cache(maxsize=2)
def _surroundings(single: Drawing, extent: str, size: Size) -> tuple[Image.Image, Image.Image]:
    """What the four of an extended grid have in common."""
    box = _place((single.width, single.height), extent, size)
    room = (box[2] - box[0], box[3] - box[1])
    whole = _painted(single, single.quarter or 1, room if extent in REACHES else size)
    return retouch.surroundings(whole.resize(room, Image.Resampling.BICUBIC), box, size)


def _place(within: Size, extent: str, size: Size) -> retouch.Box:
    """Where the picture that is extended lies, in pixels."""
    whole, factor = grown(within, extent), 1.0 if extent in REACHES else _factor(extent)
    width, height = (max(1, round(size[k] * within[k] / whole[k] / factor)) for k in (0, 1))
    left = {"left": size[0] - width, "right": 0}.get(extent, (size[0] - width) // 2)
    top = {"up": size[1] - height, "down": 0}.get(extent, (size[1] - height) // 2)
    return left, top, left + width, top + height


def _factor(extent: str) -> float:
    try:
        return min(max(1.0, float(extent)), 4.0)  # in this order `nan` is 1
    except ValueError:
        return 2.0


def _source(drawing: Drawing) -> Drawing:
    """The picture that this one is made of."""
    if drawing.inner is None:
        raise ValueError(f"A drawing of the kind {drawing.kind} is made of a picture, but it was given none.")
    return drawing.inner


def _inner(drawing: Drawing, size: Size) -> Image.Image:
    return _kept(_source(drawing), size)


@lru_cache(maxsize=2)
def _kept(single: Drawing, size: Size) -> Image.Image:
    """The four of a grid share it, so it must not be painted on."""
    return _painted(single, single.quarter or 1, size)
