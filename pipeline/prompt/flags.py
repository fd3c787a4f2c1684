"""Every flag that Midjourney documents or documented, what it takes, and those that a row says in its own words.

Ranges are those of Midjourney's parameter list, for models since version 4 and the widest where these differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from pipeline.prompt.values import Links, Nothing, Number, Profiles, Ratio, Takes, Word, Words

MAX_SEED = 4_294_967_295


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag by its canonical, long name. `refused` says why it must not be in a prompt of a row."""

    name: str
    takes: Takes
    aliases: tuple[str, ...] = ()
    refused: str = ""


def find(word: str) -> Flag | None:
    """The flag of a name or alias as written, capitals or not."""
    return _BY_WORD.get(word) or _BY_WORD.get(word.lower())


@lru_cache(maxsize=1024)
def nearest(word: str) -> str | None:
    """The known name that an unknown one probably means."""
    return _MEANT.get(word.lower()) or next(iter(get_close_matches(word.lower(), _BY_WORD, n=1)), None)


def _whole(low: int, high: int) -> Number:
    return Number(low=low, high=high, says=f"a whole number from {low} to {high}")


def _version(low: int, example: str, *, needed: bool) -> Number:
    # Far above the newest, so that a model that comes tomorrow is not refused; a forgotten point (`61`) is.
    return Number(low=low, high=20, whole=False, says=f"the number of a model, such as {example}", needed=needed)


_MEANT = {"negative": "no", "negative-prompt": "no", "neg": "no", "size": "ar", "ratio": "ar", "model": "v"}
"""Flags of other tools, and which of Midjourney's is meant."""

_SIZES = "Midjourney takes a shape, not a size: write `--ar 3:2` with the shape you want"
_MODE = "the row chooses the speed: remove `--{0}` and write `{0}` as its `mode`"

_FLAGS = (
    Flag(name="aspect", aliases=("ar",), takes=Ratio()),
    Flag(name="version", aliases=("v",), takes=_version(1, "`7` or `6.1`", needed=True)),
    Flag(name="niji", takes=_version(4, "`6`, or nothing", needed=False)),
    Flag(name="seed", takes=_whole(0, MAX_SEED)),
    Flag(name="sameseed", takes=_whole(0, MAX_SEED)),
    Flag(name="chaos", aliases=("c",), takes=_whole(0, 100)),
    Flag(name="stylize", aliases=("s",), takes=_whole(0, 1000)),
    Flag(name="weird", aliases=("w",), takes=_whole(0, 3000)),
    Flag(name="exp", takes=_whole(0, 100)),
    Flag(name="stop", takes=_whole(10, 100)),
    Flag(
        name="quality",
        aliases=("q",),
        takes=Number(low=0.25, high=4, whole=False, only=(0.25, 0.5, 1, 2, 4), says="`.25`, `.5`, `1`, `2` or `4`"),
    ),
    Flag(name="no", takes=Words(says="what must not be in the picture, such as `text, people`")),
    Flag(name="iw", takes=Number(low=0, high=3, whole=False, says="a number from 0 to 3")),
    Flag(name="sref", takes=Links(says="links to pictures, codes of styles or `random`", codes=True)),
    Flag(name="sw", takes=_whole(0, 1000)),
    Flag(name="sv", takes=_whole(1, 20)),
    Flag(name="cref", takes=Links(says="links to pictures")),
    Flag(name="cw", takes=_whole(0, 100)),
    Flag(name="oref", takes=Links(says="the link to a picture")),
    Flag(name="ow", takes=_whole(1, 1000)),
    Flag(name="dref", takes=Links(says="the link to a picture")),
    Flag(name="dw", takes=Number(low=0, high=1000, says="a whole number")),
    Flag(name="profile", aliases=("p", "personalize"), takes=Profiles()),
    Flag(name="style", takes=Word(says="the name of a style, such as `raw`")),
    Flag(name="zoom", takes=Number(low=1, high=2, whole=False, says="a number from 1 to 2")),
    Flag(name="motion", takes=Word(says="`low` or `high`", known=("low", "high"))),
    Flag(name="end", takes=Word(says="the link to a picture, or `loop`")),
    Flag(name="bs", takes=Number(low=1, high=4, only=(1, 2, 4), says="`1`, `2` or `4`")),
    Flag(name="sandbox", takes=Word(says="the name of a fault that the sandbox shall make")),
    *(
        Flag(name=name, takes=Nothing())
        for name in (
            *("tile", "raw", "draft", "hd", "sd", "video", "loop", "public", "stealth"),
            *("uplight", "upbeta", "upanime", "test", "testp", "creative", "beta"),
        )
    ),
    *(Flag(name=name, takes=Nothing(), refused=_MODE.format(name)) for name in ("fast", "relax", "turbo")),
    Flag(
        name="repeat",
        aliases=("r",),
        takes=_whole(1, 40),
        refused="one row makes one grid: remove `--repeat` and write the row as often as you want it",
    ),
    Flag(name="width", takes=_whole(1, 10_000), refused=_SIZES),
    Flag(name="height", aliases=("h",), takes=_whole(1, 10_000), refused=_SIZES),
)

_BY_WORD = {word: flag for flag in _FLAGS for word in (flag.name, *flag.aliases)}
