"""Actions and follow-ups as a person says them."""

from __future__ import annotations

from pipeline.action import Action
from pipeline.then import family_and_value

_FAMILIES = {
    "upscale": "Upscale ({})",
    "vary": "Vary ({})",
    "vary_region": "Vary (region)",
    "square": "Make square",
    "zoom": "Zoom {}",
    "pan": "Pan {}",
    "bookmark": "Bookmark",
    "seed": "Seed",
    "describe": "Describe",
    "imagine": "Imagine {}",
}
_ACTIONS = {
    Action.SWAP_FACE: "Face swap",
    Action.VIDEO: "Film",
}
_OF_PICTURES = (Action.BLEND, Action.UPLOAD)


def label(word: str) -> str:
    """`U1`, `Zoom 1.5`, `Vary (region)`; a word that is said twice of one picture has its number: `U1 (2)`."""
    said, _, again = word.partition("~")
    try:
        family, value = family_and_value(said)
    except ValueError:
        return word
    text = _FAMILIES.get(family, f"{family}{{}}").format(value)
    return f"{text} ({again})" if again else text


def trail_label(trail: str) -> str:
    """The words that lead to a task, as a path."""
    return " › ".join(map(label, trail.split()))


def deed(action: Action, pictures: int = 0) -> str:
    """What a task does: `Describe`, `Blend of 3 pictures`."""
    name = _ACTIONS.get(action, action.value.replace("_", " ").capitalize())
    if action not in _OF_PICTURES or not pictures:
        return name
    return f"{name} of {pictures} picture{'s' if pictures > 1 else ''}"
