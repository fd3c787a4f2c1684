"""The words a manifest may use, and what to say about one that it may not."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from pipeline.action import Action

ACTION_WORDS = {
    "prompt": Action.IMAGINE,
    "imagine": Action.IMAGINE,
    "blend": Action.BLEND,
    "describe": Action.DESCRIBE,
    "shorten": Action.SHORTEN,
    "swap_face": Action.SWAP_FACE,
    "edit": Action.EDIT,
    "video": Action.VIDEO,
    "upload": Action.UPLOAD,
}
"""What a row does. Its value is the prompt, or the pictures."""

FIELDS_OF = {
    "images": (Action.IMAGINE,),
    "dimensions": (Action.BLEND,),
    "source": (Action.SWAP_FACE,),
    "target": (Action.SWAP_FACE,),
    "image": (Action.EDIT, Action.VIDEO),
    "end": (Action.VIDEO,),
    "motion": (Action.VIDEO,),
    "loop": (Action.VIDEO,),
    "bot": (Action.IMAGINE, Action.BLEND, Action.DESCRIBE, Action.SHORTEN),
}
"""Fields that belong to some actions only."""

FIELDS = ("key", "then", "mask", "mode", "account_filter", "state", "requires")
"""Fields of every row: the columns of a CSV, the keys of a task in YAML."""

ROW_WORDS = (*FIELDS, *ACTION_WORDS, *FIELDS_OF)
DEFAULTS_WORDS = ("mode", "then")
FILE_WORDS = ("version", "batch", "budget", "in_doubt", "priority", "schedule", "defaults", "tasks")
SCHEDULE_WORDS = ("cron", "timezone", "overlap", "catch_up", "within", "at_most", "budget", "per")

MEANT = {
    "face_swap": "swap_face",
    "faceswap": "swap_face",
    "swap": "swap_face",
    "insight_face": "swap_face",
    "edits": "edit",
    "retexture": "edit",
    "animate": "video",
    "film": "video",
    "reference": "images",
    "references": "images",
    "base64array": "images",
    "image_prompts": "images",
    "bot_type": "bot",
    "bottype": "bot",
    "ratio": "dimensions",
    "aspect": "dimensions",
    "accountfilter": "account_filter",
    "filter": "account_filter",
    "end_image": "end",
    "face": "source",
    "needs": "requires",
    "text": "prompt",
    "prompts": "prompt",
    "description": "prompt",
    "name": "key",
    "id": "key",
    "speed": "mode",
    "follow_ups": "then",
    "actions": "then",
}
"""Words of other tools and of the API, and which of ours is meant."""

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

_IN_THEN = {"zoom": "zoom-1.5", "pan": "pan-left", "vary": "vary-strong", "upscale": "upscale-subtle"}

_FLAGS = ("seed", "ar", "chaos", "stylize", "tile", "iw", "niji", "version", "v", "quality", "weird", "sref", "cref")


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """The sentence for a word that is not among `known`. `kind` is what it would have been: a column, a key."""
    known = tuple(known)
    low = plain(word)
    if (meant := MEANT.get(low)) in known:
        return f"unknown {kind} `{word}`: did you mean `{meant}`?"
    if low in _IN_THEN and "then" in known:
        return f"unknown {kind} `{word}`: put it in `then`, such as `U1({_IN_THEN[low]})`"
    if low in ROW_WORDS:
        return f"`{word}` belongs to a single row, not here: write it in each of `tasks`"
    if near := nearest(low, known):
        return f"unknown {kind} `{word}`: did you mean `{near}`?"
    if low in _FLAGS:
        return f"unknown {kind} `{word}`: write it in the prompt, as `--{low}`"
    if kind == "key" and " " in word:
        return f"unknown key `{word}`: if it belongs to the text before it, put all of that in quotes"
    return f"unknown {kind} `{word}`: known here are {listed(known)}"


def plain(word: str) -> str:
    """A column or key without what people vary: capitals, spaces around it, `-` for `_`."""
    return word.strip().casefold().replace("-", "_").replace(" ", "_")


def nearest(word: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(word, known, n=1)), None)


def listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
