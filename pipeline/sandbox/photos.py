"""Pictures that a caller sent, made ready for drawing. Whatever their format, mode or size, they never raise."""

from __future__ import annotations

import struct
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageChops, ImageFilter, ImageOps

from pipeline.sandbox.palettes import Palette
from pipeline.sandbox.scenery import Size
from pipeline.sandbox.tasks import Upload

LONGEST = 1024
"""Pixels of the longer side that a drawing makes use of."""
PAPER = (250, 246, 238)
_UNREADABLE = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError),
    *(struct.error, Image.DecompressionBombError),
)
"""What Pillow raises for damaged files."""


@lru_cache(maxsize=8)
def opened(upload: Upload) -> Image.Image:
    """The first frame upright, in RGB, on paper where it is see-through. What cannot be read is a sheet of paper."""
    try:
        with Image.open(BytesIO(upload.content)) as picture:
            picture.draft("RGB", (LONGEST, LONGEST))
            return _on_paper(ImageOps.exif_transpose(_small(picture)))
    except _UNREADABLE:
        return Image.new("RGB", (64, 64), PAPER)


@lru_cache(maxsize=4)
def mask(upload: Upload, size: Size) -> Image.Image:
    """In `L` at a size: 255 where it is white, softer towards its edges, and 0 where it is black or see-through."""
    try:
        with Image.open(BytesIO(upload.content)) as picture:
            flat = Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture.convert("RGBA"))
    except _UNREADABLE:
        return Image.new("L", size)
    hard = flat.convert("L").resize(size, Image.Resampling.BILINEAR)
    small = hard.resize((max(1, size[0] // 4), max(1, size[1] // 4)))
    spread = small.filter(ImageFilter.BoxBlur(max(small.size) / 40)).resize(size, Image.Resampling.BILINEAR)
    return ImageChops.darker(hard, spread.point([max(0, 2 * n - 255) for n in range(256)]))


def shape(upload: Upload) -> Size:
    """Width and height of the file in pixels as it is looked at. Reads no more than its head."""
    try:
        with Image.open(BytesIO(upload.content)) as picture:
            turned = picture.getexif().get(0x0112, 1) >= 5
            return (picture.height, picture.width) if turned else picture.size
    except _UNREADABLE:
        return 1, 1


def fitted(upload: Upload, size: Size) -> Image.Image:
    """Fills a size, the middle kept."""
    return ImageOps.fit(opened(upload), size, Image.Resampling.BICUBIC)


def contained(upload: Upload, size: Size) -> Image.Image:
    """The whole of it, as large as a size allows."""
    picture = opened(upload)
    share = min(size[0] / picture.width, size[1] / picture.height)
    return picture.resize((max(1, round(picture.width * share)), max(1, round(picture.height * share))))


def duotone(picture: Image.Image, palette: Palette) -> Image.Image:
    """In two colours of a palette, as a poster is printed."""
    return ImageOps.colorize(
        ImageOps.autocontrast(picture.convert("L"), cutoff=1), palette.ink, palette.light, mid=palette.sky[1]
    )


def _small(picture: Image.Image) -> Image.Image:
    picture.load()
    if picture.mode.startswith("I") or picture.mode == "F":
        return _in_eight_bits(picture)
    if picture.mode not in {"RGB", "RGBA", "L"}:
        return _thumbnail(picture.convert("RGBA" if picture.mode != "CMYK" else "RGB"))
    return _thumbnail(picture)


def _thumbnail(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail((LONGEST, LONGEST))
    return small


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Spread from its darkest to its brightest value, since such files do not say what is white."""
    deep = picture.convert("F")
    extrema = deep.getextrema()
    low, high = float(extrema[0]), float(extrema[1])  # type: ignore[arg-type]
    spread = 255 / (high - low) if high > low else 1.0
    return _thumbnail(deep.point(lambda value: value * spread - low * spread).convert("L"))


def _on_paper(picture: Image.Image) -> Image.Image:
    if "A" not in picture.getbands():
        return picture.convert("RGB")
    paper = Image.new("RGBA", picture.size, PAPER)
    return Image.alpha_composite(paper, picture.convert("RGBA")).convert("RGB")
