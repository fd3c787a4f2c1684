"""What can be measured in a picture, and the words for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from math import log

from PIL import Image, ImageFilter, ImageStat

from pipeline.sandbox import photos
from pipeline.sandbox.palettes import Colour
from pipeline.sandbox.tasks import Upload

_NAMED = """
    black 12,12,14; charcoal 54,56,62; grey 128,128,130; silver 192,194,198; white 250,250,250
    cream 248,240,218; beige 222,202,170; sand 214,178,122; ochre 204,140,44; brown 122,74,44; chocolate 70,42,30
    red 206,44,40; crimson 150,24,48; coral 240,110,92; orange 242,132,44; gold 226,172,52; yellow 248,216,72
    lime 168,214,64; olive 118,120,50; green 58,150,74; forest green 26,82,50; sage 158,178,146; mint 164,224,190
    teal 24,128,128; turquoise 60,198,190; sky blue 140,194,234; blue 44,104,202; steel blue 92,130,170
    navy 22,34,84; indigo 66,50,132; purple 128,70,160; lavender 186,168,216; plum 92,40,84
    magenta 214,56,150; pink 244,168,192; rose 222,110,140; slate 84,100,120; ice blue 208,226,240
"""
GREYS = ("black", "charcoal", "grey", "silver", "white")
_COMMON_RATIOS = (
    *("1:1", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5", "16:9", "9:16", "2:1", "1:2"),
    *("7:4", "4:7", "21:9", "9:21", "3:1", "1:3", "4:1", "1:4"),
)


def _table() -> dict[str, Colour]:
    entries = (entry.rsplit(maxsplit=1) for line in _NAMED.split("\n") for entry in line.split(";") if entry.strip())
    rows = ((name.strip(), [int(part) for part in numbers.split(",")]) for name, numbers in entries)
    return {name: (rgb[0], rgb[1], rgb[2]) for name, rgb in rows}


COLOURS = _table()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Of a picture: its pixels, its colours (most of it first), and how its light lies, each from 0 to 1."""

    width: int
    height: int
    colours: tuple[str, ...]
    accent: str
    top: str
    bottom: str
    brightness: float
    contrast: float
    colourfulness: float
    detail: float

    @property
    def ratio(self) -> str:
        """`3:2`: a common one when it is close, and never beyond 4:1."""
        ratio = min(max(self.width / self.height, 1 / 4), 4.0)
        near = min(_COMMON_RATIOS, key=lambda text: abs(log(ratio / _value(text))))
        if abs(log(ratio / _value(near))) < 0.015:
            return near
        exact = Fraction(ratio).limit_denominator(20)
        return f"{exact.numerator}:{exact.denominator}"


def look(upload: Upload) -> Look:
    picture = photos.opened(upload)
    small = picture.resize((60, 60), Image.Resampling.BOX)
    shares = _shares(small)
    names = tuple(name for name, share in shares.most_common() if share >= 0.04)
    grey = ImageStat.Stat(small.convert("L"))
    edges = picture.resize((128, 128), Image.Resampling.BOX).convert("L").filter(ImageFilter.FIND_EDGES)
    width, height = photos.shape(upload)
    return Look(
        width=width,
        height=height,
        colours=names,
        accent=max((name for name in shares if shares[name] >= 0.01), key=lambda name: _vivid(COLOURS[name])),
        top=_shares(small.crop((0, 0, 60, 20))).most_common(1)[0][0],
        bottom=_shares(small.crop((0, 40, 60, 60))).most_common(1)[0][0],
        brightness=grey.mean[0] / 255,
        contrast=min(1.0, grey.stddev[0] / 100),
        colourfulness=ImageStat.Stat(small.convert("HSV")).mean[1] / 255,
        detail=min(1.0, ImageStat.Stat(edges.crop((1, 1, 127, 127))).mean[0] / 60),
    )


def name_of(colour: Colour) -> str:
    """The nearest of the named colours, as the eye weighs red, green and blue; a grey is never taken for a colour."""
    names = GREYS if _vivid(colour) < 14 else tuple(COLOURS)
    return min(names, key=lambda name: _distance(COLOURS[name], colour))


def _shares(picture: Image.Image) -> Counter[str]:
    """How much of a picture each named colour covers."""
    few = picture.quantize(12, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")
    shares: Counter[str] = Counter()
    for count, colour in few.getcolors(maxcolors=256) or []:
        assert isinstance(colour, tuple)  # noqa: S101 - an RGB picture
        shares[name_of((int(colour[0]), int(colour[1]), int(colour[2])))] += count
    area = picture.width * picture.height
    return Counter({name: count / area for name, count in shares.items()})


def _distance(one: Colour, other: Colour) -> float:
    """The weighted distance known as redmean."""
    red = (one[0] + other[0]) / 2
    weights = (2 + red / 256, 4.0, 2 + (255 - red) / 256)
    return sum(weight * (a - b) ** 2 for weight, a, b in zip(weights, one, other, strict=True))


def _vivid(colour: Colour) -> int:
    return max(colour) - min(colour)


def _value(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)
