"""The words a manifest may use, and what to say about one that it may not.

The API family knows more actions than this version sends; they are recognised, so that the answer is not "unknown".
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

FIELDS = ("key", "prompt", "then", "mode")
"""What a row may say: the columns of a CSV, the keys of a task in YAML."""

SYNONYMS = {"imagine": "prompt"}
"""The action's own word for its text."""

ROW_WORDS = (*FIELDS, *SYNONYMS)
DEFAULTS_WORDS = ("mode", "then")
FILE_WORDS = ("version", "batch", "defaults", "tasks")

NOT_A_GRID = {
    "describe": "a describe makes text",
    "shorten": "a shorten makes text",
    "swap_face": "a face swap makes one picture",
    "video": "a video makes a film",
}
"""Actions of the API family whose result U, V and R cannot work on, and why."""

OTHER_ACTIONS = ("blend", "edits", "modal", "retexture", *NOT_A_GRID)
OTHER_FIELDS = ("dimensions", "images", "base64", "base64array", "bot_type", "source", "target", "seed")

OTHER_FOLLOW_UPS = {
    "upscale": "; for one picture of the grid write U1 to U4",
    "upsample": "; for one picture of the grid write U1 to U4",
    "variation": "; for variations of one picture write V1 to V4",
    "vary": "; for variations of one picture write V1 to V4",
    "reroll": "; to make the whole grid again write R",
    "zoom": "",
    "pan": "",
    "inpaint": "",
    "outpaint": "",
    "animate": "",
    **dict.fromkeys(OTHER_ACTIONS, ""),
}

DOING = {
    "imagine": "imagine",
    "blend": "blend pictures",
    "describe": "describe a picture",
    "shorten": "shorten a prompt",
    "swap_face": "swap faces",
    "edit": "edit a picture",
    "video": "make a video",
    "upload": "upload pictures",
    "upscale": "upscale a picture once more",
    "vary": "vary one picture",
    "vary_region": "vary a region",
    "zoom": "zoom",
    "square": "make a picture square",
    "pan": "pan",
    "bookmark": "bookmark a picture",
    "seed": "tell the seed",
    "remix": "take a new prompt for a V or R",
    "mode": "choose a mode",
}
"""What a server may be unable to do, by the words of `requires`, and how to say so after `cannot`."""

SENT = "this version sends imagine, with U, V and R as follow-ups"


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """The sentence for a word that is not among `known`. `kind` is what it would have been: a column, a key."""
    known = tuple(known)
    low = plain(word)
    if low in OTHER_ACTIONS or low in OTHER_FIELDS:
        return f"`{word}` is known to the API, but {SENT}: remove it"
    if near := nearest(low, known):
        return f"unknown {kind} `{word}`: did you mean `{near}`?"
    if low in ROW_WORDS:
        return f"`{word}` belongs to a single row, not here: write it in each of `tasks`"
    return f"unknown {kind} `{word}`: known here are {listed(known)}"


def plain(word: str) -> str:
    """A column or key without what people vary: capitals, spaces around it, `-` for `_`."""
    return word.strip().casefold().replace("-", "_").replace(" ", "_")


def nearest(word: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(word, known, n=1)), None)


def listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
