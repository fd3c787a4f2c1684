"""New pictures from a picture that is there: with room around it, a little different, or changed by words."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from PIL import Image, ImageChops, ImageOps

from pipeline.sandbox import figures, photos
from pipeline.sandbox.canvas import Canvas
from pipeline.sandbox.palettes import mix
from pipeline.sandbox.scenery import Size, backdrop, palette_of, scenes_for

Box = tuple[int, int, int, int]
Edit = Callable[[Image.Image, str, Random], Image.Image]
Tone = tuple[float, float, float]

REGRADES: dict[str, Tone] = {
    "warmer": (1.1, 1.0, 0.86),
    "cooler": (0.87, 0.99, 1.12),
    "brighter": (1.13, 1.12, 1.08),
    "deeper": (0.86, 0.82, 0.9),
}
"""What becomes of red, green and blue."""


def surroundings(inner: Image.Image, box: Box, size: Size) -> tuple[Image.Image, Image.Image]:
    """A picture in its place with its mirror images around it, and how much of that is seen: all of the picture, and
    less and less of what lies around."""
    reach = max(2, round(min(size) * 0.12))
    across, down = _fading(size[0], (box[0], box[2]), reach), _fading(size[1], (box[1], box[3]), reach)
    row = Image.frombytes("L", (size[0], 1), across).resize(size, Image.Resampling.NEAREST)
    column = Image.frombytes("L", (1, size[1]), down).resize(size, Image.Resampling.NEAREST)
    return _mirrored(inner, box, size), ImageChops.multiply(row, column)


def _mirrored(inner: Image.Image, box: Box, size: Size) -> Image.Image:
    wide = Image.new("RGB", size)
    flipped = {1: ImageOps.mirror(inner), 2: ImageOps.flip(inner)}
    flipped |= {0: inner, 3: ImageOps.flip(flipped[1])}
    columns = [x for x in (-1, 0, 1) if box[0] + x * inner.width < size[0] and box[2] + x * inner.width > 0]
    rows = [y for y in (-1, 0, 1) if box[1] + y * inner.height < size[1] and box[3] + y * inner.height > 0]
    for x in columns:
        for y in rows:
            place = (box[0] + x * inner.width, box[1] + y * inner.height)
            wide.paste(flipped[abs(x) + 2 * abs(y)], place)
    return wide


def _fading(length: int, kept: tuple[int, int], reach: int) -> bytes:
    """255 within, falling to 0 at `reach` pixels outside."""
    outside = (max(kept[0] - n, n - kept[1] + 1, 0) for n in range(length))
    return bytes(255 * max(0, reach - away) // reach for away in outside)


def near(inner: Image.Image, way: str, rng: Random) -> Image.Image:
    """Nearly the same: a step closer, in another light."""
    width, height = inner.size
    share = rng.uniform(0.04, 0.09)
    left, top = rng.uniform(0, share) * width, rng.uniform(0, share) * height
    box = (left, top, left + width * (1 - share), top + height * (1 - share))
    closer = inner.resize(inner.size, Image.Resampling.BICUBIC, box=box)
    return _toned(closer, REGRADES[way])


def graded(photo: Image.Image, words: str, rng: Random) -> Image.Image:
    """In the light of the words."""
    palette = palette_of(words)
    light = mix(palette.light, palette.sky[1], rng.uniform(0.35, 0.55))
    lit = ImageChops.multiply(photo, Image.new("RGB", photo.size, light))
    return _with_figure(Image.blend(photo, lit, 0.85), words, rng)


def printed(photo: Image.Image, words: str, rng: Random) -> Image.Image:
    """As a poster in the colours of the words."""
    palette = palette_of(words)
    flat = photos.duotone(ImageOps.posterize(photo.convert("L").convert("RGB"), 2), palette)
    return _with_figure(Image.blend(flat, photo, 0.2), words, rng)


def grounded(photo: Image.Image, words: str, rng: Random) -> Image.Image:
    """The scene of the words rises into the picture from below."""
    scene = backdrop(words, rng, scenes_for(words, str(rng.random()))[0], photo.size)
    fade = Image.linear_gradient("L").point([max(0, min(255, 3 * n - 330)) for n in range(256)]).resize(photo.size)
    return _with_figure(Image.composite(scene, photo, fade), words, rng)


def veiled(photo: Image.Image, words: str, rng: Random) -> Image.Image:
    """The scene of the words shines through everywhere."""
    scene = backdrop(words, rng, scenes_for(words, str(rng.random()))[0], photo.size)
    return _with_figure(Image.blend(photo, ImageChops.soft_light(photo, scene), 0.9), words, rng)


EDITS: dict[str, Edit] = {"graded": graded, "printed": printed, "grounded": grounded, "veiled": veiled}


def glinting(picture: Image.Image, words: str, rng: Random) -> Image.Image:
    """With glints of light, the detail that a creative upscale adds."""
    light, side = palette_of(words).light, min(picture.size)
    spark = Image.radial_gradient("L").point([max(0, 200 - 2 * n) for n in range(256)])
    for _ in range(160):
        radius = max(1, round(side * rng.uniform(0.002, 0.009)))
        x, y = rng.randrange(picture.width), rng.randrange(picture.height)
        picture.paste(light, (x - radius, y - radius), spark.resize((2 * radius, 2 * radius)))
    return picture


def _toned(picture: Image.Image, tone: Tone) -> Image.Image:
    return picture.point([min(255, round(n * share)) for share in tone for n in range(256)])


def _with_figure(picture: Image.Image, words: str, rng: Random) -> Image.Image:
    """What the words name stands in the foreground."""
    if (figure := figures.named(words)) is None:
        return picture
    canvas = Canvas(*picture.size)
    canvas.lay(picture)
    figures.draw(canvas, palette_of(words), rng, figure, framed=False)
    return canvas.picture()
