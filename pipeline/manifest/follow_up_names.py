"""One follow-up as a person writes it (`U1-U4`, `zoom:1.5x`, `vary_strong`, `reroll`), and what it means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches

from pipeline.action import Makes
from pipeline.then import FAMILIES, FOLLOW_UP_WORDS


@dataclass(frozen=True, slots=True)
class Named:
    """A family of follow-ups and the values that were named; none where a needed value is still missing."""

    family: str
    values: tuple[str, ...] = ()

    @property
    def lacks_value(self) -> bool:
        return not self.values and (self.family == "zoom" or bool(FAMILIES[self.family].values))

    @property
    def words(self) -> tuple[str, ...]:
        joint = "" if self.family in {"U", "V"} else "-"
        return tuple(f"{self.family}{joint}{value}" for value in self.values) or (self.family,)


class Unnamed(ValueError):  # noqa: N818 - told to people as a Fault
    """A text that names no follow-up. The message says what to write instead."""


SPELLINGS = {
    "zoom": ("zoom", "zoom_out", "custom_zoom", "outpaint"),
    "pan": ("pan",),
    "vary": ("vary", "variation", "variations"),
    "vary_region": ("vary_region", "region", "inpaint"),
    "upscale": ("upscale", "upsample"),
    "square": ("square", "make_square"),
    "R": ("reroll", "rerun", "redo"),
    "bookmark": ("bookmark", "favorite", "favourite"),
    "seed": ("seed", "image_seed"),
    "describe": ("describe",),
    "imagine": ("imagine",),
}
"""How people call the families that have a name, by what they are called here."""

_FAMILY_OF = {spelling: family for family, spellings in SPELLINGS.items() for spelling in spellings}
_LONGEST_FIRST = sorted(_FAMILY_OF, key=len, reverse=True)

ROWS_OF_THEIR_OWN = ("animate", "blend", "edit", "retexture", "shorten", "swap_face", "upload", "video")

_RANGE = re.compile(r"([A-Z])(\d{1,3})(?:[-–]([A-Z]?)(\d{1,3}))?")
_NO_NUMBER = re.compile(r"[UV]\D?")
_SPAN = re.compile(r"(\d)(?:_(?:[a-z]+_)?(\d))?")
_FACTOR = re.compile(r"\d(\.\d{1,9})?")
_MEANT_BY_CHANCE = ("1", "2", "3", "4")


def named(text: str) -> Named:
    """What a text names. Raises `Unnamed`."""
    upper = text.upper()
    if upper in FOLLOW_UP_WORDS:
        return Named(upper[0], (upper[1],) if upper[1:] else ())
    if (span := _RANGE.fullmatch(upper)) and span[1] in "UV":
        return Named(span[1], _range(text, span))
    low = re.sub(r"[-–:=_]+", "_", text.casefold()).strip("_")
    low = re.sub(r"(?<=[a-z])(?=\d)", "_", low)
    for spelling in _LONGEST_FIRST:
        if low == spelling:
            return Named(_FAMILY_OF[spelling])
        if low.startswith(f"{spelling}_"):
            return with_value(_FAMILY_OF[spelling], low.removeprefix(f"{spelling}_"), text)
    raise Unnamed(_unknown(text, low))


def with_value(family: str, value: str, text: str) -> Named:
    """The family with a value as a person writes it. `text` is the whole, for the sentence of `Unnamed`."""
    value = value.strip().casefold()
    if family == "zoom":
        return Named(family, (_factor(value.removesuffix("x"), text),))
    if family == "vary" and value in _MEANT_BY_CHANCE:
        return Named("V", (value,))
    if family == "upscale" and value in _MEANT_BY_CHANCE:
        return Named(family, (value,))
    if family == "imagine" and (span := _SPAN.fullmatch(value.replace("-", "_"))):
        numbers = tuple(str(n) for n in range(int(span[1]), int(span[2] or span[1]) + 1))
        if numbers and set(numbers) <= set(FAMILIES[family].values):
            return Named(family, numbers)
    if value in FAMILIES[family].values:
        return Named(family, (value,))
    raise Unnamed(_wrong_value(family, value, text))


def upscale_meant(family: Named, of: Makes | None) -> Named:
    """`upscale-2` is U2 of a grid, and twice the size of one picture."""
    number = family.values[0]
    if of is not Makes.PICTURE:
        return Named("U", family.values)
    if number in {"2", "4"}:
        return Named("upscale", (f"{number}x",))
    raise Unnamed(_wrong_value("upscale", number, f"upscale-{number}"))


def value_missing(family: str, text: str, of: Makes | None) -> str:
    """The sentence for `vary` where `vary-strong` is meant, or V2."""
    if of is Makes.GRID and family in {"upscale", "vary"}:
        letter, doing = ("U", "for one picture of the grid") if family == "upscale" else ("V", "to vary the grid")
        return f"`{text}` needs a number here: {doing} write {letter}1 to {letter}4"
    return f"`{text}` needs to know {_QUESTIONS[family]}: {_choices(family)}"


EXAMPLES = {"zoom": "zoom-1.5", "pan": "pan-left", "imagine": "imagine-1"}
"""One word of the families whose name alone is of no other use."""

_QUESTIONS = {
    "zoom": "how far",
    "pan": "where to",
    "vary": "how much",
    "upscale": "which way",
    "imagine": "which prompt",
}


def _choices(family: str) -> str:
    if family == "zoom":
        return "write zoom-1.5, zoom-2 or another factor from 1 to 2"
    return f"write {_or(f'{family}-{value}' for value in FAMILIES[family].values)}"


def _range(text: str, span: re.Match[str]) -> tuple[str, ...]:
    letter, first, last = span[1], int(span[2]), int(span[4] or span[2])
    if span[3] and span[3] != letter:
        raise Unnamed(f"the range {text} mixes {letter} and {span[3]}: write two ranges")
    if not 1 <= first <= 4 or not 1 <= last <= 4:
        raise Unnamed(f"{text}: there are only four pictures: {letter}1 to {letter}4")
    if first > last:
        raise Unnamed(f"the range {text} runs backwards: write {letter}{last}-{letter}{first}")
    return tuple(str(n) for n in range(first, last + 1))


def _factor(value: str, text: str) -> str:
    if not _FACTOR.fullmatch(value) or not 1 <= Decimal(value) <= 2 or Decimal(value) != round(Decimal(value), 2):
        raise Unnamed(f"`{_cut(text)}`: a zoom is a factor from 1 to 2, such as zoom-1.5")
    return f"{Decimal(value).normalize():f}"


def _wrong_value(family: str, value: str, text: str) -> str:
    values = FAMILIES[family].values
    if not values:
        return f"`{_cut(text)}`: {family} stands alone, without `{_cut(value)}`"
    if near := get_close_matches(value, values, n=1):
        return f"`{_cut(text)}` is no follow-up: did you mean `{family}-{near[0]}`?"
    return f"`{_cut(text)}` is no follow-up: {_choices(family)}"


def _unknown(text: str, low: str) -> str:
    for word in ROWS_OF_THEIR_OWN:
        if low == word or low.startswith(f"{word}_"):
            action = {"animate": "video", "retexture": "edit"}.get(word, word)
            return f"`{_cut(text)}` follows nothing: make it a row of its own, `{action}`, with a picture `row:KEY/U1`"
    upper = text.upper()
    if _NO_NUMBER.fullmatch(upper):
        return f"`{text}` needs the number of a picture: {upper[0]}1 to {upper[0]}4, or {upper[0]}1-{upper[0]}4 for all"
    if near := get_close_matches(upper[:50], FOLLOW_UP_WORDS, n=1):
        return f"unknown follow-up `{_cut(text)}`: did you mean `{near[0]}`?"
    if near := get_close_matches(low[:50], _EVERY_WORD, n=1):
        return f"unknown follow-up `{_cut(text)}`: did you mean `{near[0]}`?"
    others = ", ".join(name for name in FAMILIES if len(name) > 1)
    return f"unknown follow-up `{_cut(text)}`: follow-ups are U1 to U4, V1 to V4 and R, and {others}"


_EVERY_WORD = [
    *(f"{name}-{value}" for name, family in FAMILIES.items() if len(name) > 1 for value in family.values),
    *(name for name in FAMILIES if len(name) > 1),
    "zoom-1.5",
]


def _or(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."
