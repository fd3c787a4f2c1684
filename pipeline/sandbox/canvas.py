"""A canvas of twice the size of its picture, so that edges come out smooth. Places run from 0 to 1 on both axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from PIL import Image, ImageDraw

from pipeline.sandbox.palettes import Colour

Place = tuple[float, float]
FINE = 2
LARGEST = 2048  # pixels of a side beyond which a picture is smooth enough as it is
RIM = 179  # of Pillow's radial gradient, where it meets the sides of its square


class Canvas:
    """Lengths (radii, widths) are shares of the shorter side. `alpha` runs from 0 to 1. Begins with a `wash` or a
    picture that is laid on it."""

    def __init__(self, width: int, height: int) -> None:
        self._fine = FINE if max(width, height) <= LARGEST else 1
        self.width, self.height = width * self._fine, height * self._fine
        self.unit = min(self.width, self.height)

    @property
    def aspect(self) -> Place:
        """What turns a length into shares of width and of height."""
        return self.unit / self.width, self.unit / self.height

    def picture(self) -> Image.Image:
        return self.image.reduce(self._fine)

    def wash(self, colours: Sequence[Colour]) -> None:
        """Fills everything with a soft blend from the top to the bottom."""
        field = Image.new("RGB", (1, len(colours)))
        for n, colour in enumerate(colours):
            field.putpixel((0, n), colour)
        self.lay(field.resize((1, self.height), Image.Resampling.BICUBIC))

    def lay(self, ground: Image.Image) -> None:
        """Fills everything with a picture. One of the canvas's own size comes out as it was where nothing is drawn."""
        self.image = ground.resize((self.width, self.height), Image.Resampling.NEAREST)
        self._pen = ImageDraw.Draw(self.image)
        self._glaze = ImageDraw.Draw(self.image, "RGBA")

    def shape(self, places: Iterable[Place], colour: Colour, alpha: float = 1) -> None:
        outline = [(x * self.width, y * self.height) for x, y in places]
        if alpha == 1:
            self._pen.polygon(outline, fill=colour)
        else:
            self._glaze.polygon(outline, fill=_glazed(colour, alpha))

    def disc(self, place: Place, radius: float, colour: Colour, alpha: float = 1) -> None:
        if alpha == 1:
            self._pen.ellipse(self._box(place, radius), fill=colour)
        else:
            self._glaze.ellipse(self._box(place, radius), fill=_glazed(colour, alpha))

    def ring(self, place: Place, radius: float, colour: Colour, width: float) -> None:
        thick = max(1, round(width * self.unit))
        self._pen.ellipse(self._box(place, radius), outline=colour, width=thick)

    def stem(self, foot: Place, top: Place, colour: Colour, width: float) -> None:
        start, end = ((x * self.width, y * self.height) for x, y in (foot, top))
        self._pen.line([start, end], fill=colour, width=max(1, round(width * self.unit)))

    def slice(self, place: Place, radius: float, start: float, end: float, colour: Colour) -> None:
        """A piece of a disc, between two angles in degrees."""
        self._pen.pieslice(self._box(place, radius), start, end, fill=colour)

    def glow(self, place: Place, radius: float, colour: Colour, alpha: float) -> None:
        """Light that fades out towards `radius`."""
        left, top, right, bottom = self._box(place, radius)
        side = right - left
        seen = (max(0, ceil(left)), max(0, ceil(top)), min(self.width, int(right)), min(self.height, int(bottom)))
        size = (seen[2] - seen[0], seen[3] - seen[1])
        scale = 256 / side
        part = ((seen[0] - left) * scale, (seen[1] - top) * scale, (seen[2] - left) * scale, (seen[3] - top) * scale)
        mask = _halo(alpha).resize(size, Image.Resampling.BILINEAR, box=part)
        self.image.paste(colour, seen, mask)

    def haze(self, top: float, bottom: float, colour: Colour, alpha: float) -> None:
        """Mist: nothing at `top`, thickest at `bottom`."""
        seen = (0, round(top * self.height), self.width, min(self.height, round(bottom * self.height)))
        full = round(bottom * self.height) - seen[1]
        fade = Image.linear_gradient("L").point([round(n * alpha) for n in range(256)])
        column = fade.resize((1, full), box=(0, 0, 1, 256)).crop((0, 0, 1, seen[3] - seen[1]))
        mask = column.resize((self.width, seen[3] - seen[1]), Image.Resampling.NEAREST)
        self.image.paste(colour, seen, mask)

    def _box(self, place: Place, radius: float) -> tuple[float, float, float, float]:
        x, y, r = place[0] * self.width, place[1] * self.height, radius * self.unit
        return (x - r, y - r, x + r, y + r)


def _glazed(colour: Colour, alpha: float) -> tuple[int, int, int, int]:
    return (*colour, round(alpha * 255))


def _halo(alpha: float) -> Image.Image:
    """Brightest in the middle, nothing at the rim."""
    return Image.radial_gradient("L").point([round(max(0, 1 - n / RIM) ** 2 * 255 * alpha) for n in range(256)])
