"""Several pictures in one, each still to be recognised: the styles of a blend, a face swap, and reference pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, sqrt
from random import Random

from PIL import Image, ImageDraw

from pipeline.sandbox import photos
from pipeline.sandbox.palettes import Palette
from pipeline.sandbox.scenery import Size
from pipeline.sandbox.tasks import Upload

Box = tuple[int, int, int, int]
Style = Callable[[Sequence[Upload], Size, Palette, Random], Image.Image]


def bands(images: Sequence[Upload], size: Size, palette: Palette, rng: Random) -> Image.Image:
    """Side by side along the longer side, each melting into the next."""
    mixed, along = Image.new("RGB", size, palette.ink), 0 if size[0] >= size[1] else 1
    step = size[along] / len(images)
    melt = round(step * rng.uniform(0.25, 0.4))
    for n, image in enumerate(_shuffled(images, rng)):
        start = max(0, round(n * step - melt / 2))
        part = (size[0] - start, size[1]) if along == 0 else (size[0], size[1] - start)
        seen = (min(part[0], ceil(step + melt)), part[1]) if along == 0 else (part[0], min(part[1], ceil(step + melt)))
        mask = _rising(seen, melt if n else 0, along)
        mixed.paste(photos.fitted(image, seen), (start, 0) if along == 0 else (0, start), mask)
    return mixed


def shards(images: Sequence[Upload], size: Size, palette: Palette, rng: Random) -> Image.Image:
    """Slanted pieces with a bright seam between them."""
    width, height = size
    lean, step = rng.choice((-1, 1)) * rng.uniform(0.1, 0.2) * width, width / len(images)
    mixed = Image.new("RGB", size, palette.light)
    seam = max(1, round(min(size) * 0.006))
    for n, image in enumerate(_shuffled(images, rng)):
        left = n * step if n else -width
        right = (n + 1) * step if n + 1 < len(images) else 2 * width
        mask = Image.new("L", size)
        outline = [(left + lean, 0), (right + lean - seam, 0), (right - lean - seam, height), (left - lean, height)]
        ImageDraw.Draw(mask).polygon(outline, fill=255)
        reach = (max(0, round(n * step - abs(lean))), min(width, round((n + 1) * step + abs(lean))))
        photo = photos.fitted(image, (max(1, reach[1] - reach[0]), height))
        mixed.paste(photo, (reach[0], 0), mask.crop((reach[0], 0, reach[0] + photo.width, height)))
    return mixed


def cards(images: Sequence[Upload], size: Size, palette: Palette, rng: Random) -> Image.Image:
    """Photographs with a white rim, laid out on the blurred colours of all of them."""
    table = Image.blend(blurred(images, size), Image.new("RGB", size, palette.ink), 0.25)
    return with_cards(table, _shuffled(images, rng), rng, (0, 0, *size))


def lenses(images: Sequence[Upload], size: Size, palette: Palette, rng: Random) -> Image.Image:
    """One picture fills everything, the others look through round windows."""
    first, *others = _shuffled(images, rng)
    mixed = photos.fitted(first, size)
    places = rng.sample([(0.27, 0.28), (0.73, 0.72), (0.74, 0.27), (0.26, 0.73)], min(4, len(others)))
    share = 0.5 if len(others) == 1 else 0.42
    for image, (x, y) in zip(others, places, strict=False):
        side = max(2, round(min(size) * share * rng.uniform(0.92, 1.05)))
        corner = (round(x * size[0] - side / 2), round(y * size[1] - side / 2))
        rim = max(1, side // 40)
        mixed.paste(palette.light, (corner[0] - rim, corner[1] - rim), _oval((side + 2 * rim, side + 2 * rim)))
        mixed.paste(photos.fitted(image, (side, side)), corner, _oval((side, side)))
    return mixed


STYLES: dict[str, Style] = {"bands": bands, "cards": cards, "lenses": lenses, "shards": shards}


def swapped(face: Upload, target: Upload, size: Size) -> Image.Image:
    """The target, and where a face would be the other picture in a soft oval."""
    picture = photos.fitted(target, size)
    height = round(min(size[1] * 0.5, size[0] * 0.62))
    oval = (max(2, round(height * 0.78)), max(2, height))
    place = ((size[0] - oval[0]) // 2, round(size[1] * 0.4 - height / 2))
    picture.paste(photos.fitted(face, oval), place, _oval(oval, soft=0.12))
    return picture


def with_cards(table: Image.Image, images: Sequence[Upload], rng: Random, area: Box) -> Image.Image:
    """Photographs laid on a picture, within an area of it."""
    width, height = area[2] - area[0], area[3] - area[1]
    rows = min(max(round(sqrt(len(images) * height / width)), 1), len(images))
    queue = list(images)
    for row in range(rows):
        across = ceil(len(queue) / (rows - row))
        room = (round(width / across * 0.86), round(height / rows * 0.86))
        for column in range(across):
            middle = (area[0] + (column + 0.5) * width / across, area[1] + (row + 0.5) * height / rows)
            _lay_card(table, queue.pop(0), middle, room, rng.uniform(-8, 8))
    return table


def blurred(images: Sequence[Upload], size: Size) -> Image.Image:
    """The colours of all of them, out of focus."""
    spots = Image.new("RGB", (4 * len(images), 4))
    for n, image in enumerate(images):
        spots.paste(photos.fitted(image, (4, 4)), (4 * n, 0))
    return spots.resize(size, Image.Resampling.BICUBIC)


def _lay_card(table: Image.Image, image: Upload, middle: tuple[float, float], room: Size, turn: float) -> None:
    photo = photos.contained(image, (max(1, round(room[0] * 0.92)), max(1, round(room[1] * 0.92))))
    rim = max(1, round(min(room) * 0.03))
    card = Image.new("RGBA", (photo.width + 2 * rim, photo.height + 2 * rim), (252, 250, 245, 255))
    card.paste(photo, (rim, rim))
    turned = card.rotate(turn, Image.Resampling.BICUBIC, expand=True)
    corner = (round(middle[0] - turned.width / 2), round(middle[1] - turned.height / 2))
    shade = turned.getchannel("A").point([n // 3 for n in range(256)])
    table.paste((0, 0, 0), (corner[0] + rim, corner[1] + rim), shade)
    table.paste(turned, corner, turned)


def _shuffled(images: Sequence[Upload], rng: Random) -> list[Upload]:
    return rng.sample(list(images), len(images))


def _rising(size: Size, over: int, along: int) -> Image.Image:
    """A mask that grows from nothing to full over its first pixels."""
    line = bytes(min(255, 255 * (n + 1) // (over + 1)) for n in range(size[along]))
    ramp = Image.frombytes("L", (size[0], 1) if along == 0 else (1, size[1]), line)
    return ramp.resize(size, Image.Resampling.NEAREST)


def _oval(size: Size, soft: float = 0.0) -> Image.Image:
    """A mask; `soft` is the share of the radius over which it fades."""
    if soft:
        steep = round(1 / soft)
        fading = Image.radial_gradient("L").point(
            [max(0, min(255, (179 - n) * 255 * steep // 179)) for n in range(256)]
        )
        return fading.resize(size, Image.Resampling.BICUBIC)
    fine = Image.new("L", (size[0] * 2, size[1] * 2))
    ImageDraw.Draw(fine).ellipse((0, 0, fine.width - 1, fine.height - 1), fill=255)
    return fine.reduce(2)


def referenced(images: Sequence[Upload], scene: Image.Image, n: int, rng: Random) -> Image.Image:
    """A scene with reference pictures worked in, another way for each of the four."""
    size = scene.size
    if n % 2:
        low, high = round(size[1] * 0.06), round(size[1] * 0.6)
        return with_cards(scene, images, rng, (round(size[0] * 0.08), low, round(size[0] * 0.92), high))
    mixed = _side_by_side(images, size)
    fade = Image.linear_gradient("L").point([max(0, min(255, 3 * k - 300)) for k in range(256)]).resize(size)
    return Image.composite(scene, mixed, fade)


def _side_by_side(images: Sequence[Upload], size: Size) -> Image.Image:
    mixed, step = Image.new("RGB", size), ceil(size[0] / len(images))
    for k, image in enumerate(images):
        mixed.paste(photos.fitted(image, (step, size[1])), (k * step, 0))
    return mixed
