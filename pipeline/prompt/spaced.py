"""A dash with a space after it: the flag that a phone or an editor has spoilt, or punctuation."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.prompt.flags import Flag
from pipeline.prompt.values import Links, Nothing, Number, Profiles, Ratio, Takes, Word

_ALSO_ENGLISH = {"version", "seed", "chaos", "weird", "stop", "quality", "zoom", "exp", "repeat", "width", "height"}
"""Names that may follow a mere dash, as in `a car — version 2`."""


class Dash(NamedTuple):
    """What tells whether a dash is meant as a flag's."""

    repaired: bool
    """Another dash of the text is surely a flag's."""
    follows_flag: bool
    """It stands behind a flag, with no word of the prompt between."""

    @property
    def likely(self) -> bool:
        return self.repaired or self.follows_flag


def spaced_lead(flag: Flag, word: str, value: str, dashes: str, dash: Dash, *, hyphen: bool, last: bool) -> str:
    """The dashes to send: `--` where a flag is surely meant, those written where it only may be, nothing for words.

    `value` is what the flag would take, `last` whether only another dash may follow that.
    """
    if isinstance(flag.takes, Ratio) and meant(flag.takes, value):
        return f"{dashes} " if hyphen else "--"
    telling = _is_telling(flag.takes, value)
    if hyphen:
        return f"{dashes} " if telling else ""
    if telling:
        own_name = dashes != "--" and last and len(word) > 1 and word.lower() not in _ALSO_ENGLISH
        return "--" if dash.likely or own_name else f"{dashes} "
    if flag.name == "no" and value:
        return "--" if dash.likely else ""
    fits = isinstance(flag.takes, Nothing | Word) and flag.takes.fits("" if isinstance(flag.takes, Nothing) else value)
    return "--" if fits and last and dash.likely else ""


def meant(takes: Takes, value: str) -> bool:
    """Whether the value is right, or wrong in a plain way."""
    return bool(value) and (takes.fits(value) or takes.repaired(value) is not None)


def _is_telling(takes: Takes, value: str) -> bool:
    """Whether the value alone says that a flag is meant."""
    if isinstance(takes, Profiles):
        return any(character.isdigit() for character in value)
    if isinstance(takes, Number | Links):
        return meant(takes, value)
    return isinstance(takes, Word) and bool(takes.known) and takes.fits(value)
