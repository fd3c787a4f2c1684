"""Colours, chosen by the words of a prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """`sky` runs from the zenith to the horizon, `land` from the farthest to the nearest."""

    sky: tuple[Colour, ...]
    land: tuple[Colour, ...]
    accent: Colour
    light: Colour

    @property
    def ink(self) -> Colour:
        return self.land[-1]

    @property
    def all(self) -> tuple[Colour, ...]:
        return (*self.land, self.accent, self.light, *self.sky)


def _colour(text: str) -> Colour:
    return (int(text[:2], 16), int(text[2:4], 16), int(text[4:], 16))


def _palette(sky: str, land: str, accent: str, light: str) -> Palette:
    return Palette(
        sky=tuple(map(_colour, sky.split())),
        land=tuple(map(_colour, land.split())),
        accent=_colour(accent),
        light=_colour(light),
    )


_PALETTES = {
    "snow winter ice arctic frost white polar": _palette(
        "6f8fb8 b5cbe0 f4ece6", "c3d3e4 9db4cf 6c87a9 2f4360", "e2603f", "fffaf0"
    ),
    "sunset sunrise autumn fire fall maple": _palette(
        "3b2552 c2495a f8b26a", "b5525c 86384f 562545 2a1634", "ff7a3d", "ffe3a8"
    ),
    "sea ocean wave whale water lake river boat ship": _palette(
        "0f3f6b 3f8fb5 d8ece6", "6fb0c4 35809f 175a7d 0b2f4c", "f2685c", "fff4d6"
    ),
    "forest tree leaf jungle moss garden": _palette(
        "5c8f86 b4d0ae f5ecc4", "94b58e 5d8f74 2f6654 12392f", "ef8a4c", "fff6c9"
    ),
    "night star space moon galaxy planet cosmic owl astronaut": _palette(
        "070b24 1d2660 6a4b93", "443c7a 2d2a5e 191b42 090b22", "f7b84b", "f9f3dc"
    ),
    "blossom cherry spring flower rose sakura": _palette(
        "8fb7d6 f3c6cf ffeadf", "e8a5b4 c9738d 8f4666 4a2340", "e4456b", "fff7ee"
    ),
    "lavender dusk dream magic": _palette("2c1e5c 8157a8 f2b4b8", "9468ad 69468f 42306e 1f1744", "ff9d6c", "ffe9c7"),
    "golden desert sand dune sun yellow lion camel": _palette(
        "3f7f95 f0c77e fbe6b2", "e5a75b c67a3f 934c30 4a2423", "d8432f", "fff3c4"
    ),
    "ukiyo japan japanese kyoto woodblock ink crane": _palette(
        "2f5d7c a9c0b3 f1e3c4", "9fb3a4 6d8f91 37627a 1c3347", "c93a32", "f7ead0"
    ),
    "city neon cyberpunk street rain tokyo robot skyline": _palette(
        "0d0b2b 3d1a66 d1417f", "5b2a7a 3c1f66 22144a 0c0922", "25d3d0", "ffd1e8"
    ),
    "fog mist mountain stone storm wolf": _palette(
        "65788a a6b5bd e6e4dc", "a3b0b8 74858f 485a66 1f2b35", "d9743a", "faf6ea"
    ),
    "tropical island parrot summer": _palette(
        "0b6e78 5fc2ae fdebb8", "66b79d 2c8f86 14626a 0a3640", "ff6f59", "fff5cf"
    ),
}

_ACCENTS = {
    "red": "d93a2b", "orange": "f07f2f", "yellow": "f5c33b", "gold": "e5a92f", "green": "3f9b5b", "blue": "2f6fc0",
    "purple": "8650b0", "violet": "8650b0", "pink": "ee6b94", "white": "faf7f0", "black": "1c1b22", "teal": "1f9c97",
    "turquoise": "2fb5ad", "silver": "c3cad3", "brown": "8a5634", "copper": "c26d3a", "crimson": "b71f3a",
}  # fmt: skip


def choose(words: str, rng: Random) -> Palette:
    """The palette that most words speak for, else any; its accent is the first colour that is named."""
    said = re.findall(r"[a-z]+", words.lower())
    stems = {*said, *(word.removesuffix("s") for word in said)}
    votes = {tags: len(stems & set(tags.split())) for tags in _PALETTES}
    best = max(votes.values())
    palette = _PALETTES[rng.choice([tags for tags, n in votes.items() if n == best])]
    named = next((_ACCENTS[word] for word in said if word in _ACCENTS), None)
    if named is None:
        return palette
    return Palette(sky=palette.sky, land=palette.land, accent=_colour(named), light=palette.light)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """From `one` (share 0) to `other` (share 1)."""
    return (
        round(one[0] + (other[0] - one[0]) * share),
        round(one[1] + (other[1] - one[1]) * share),
        round(one[2] + (other[2] - one[2]) * share),
    )
