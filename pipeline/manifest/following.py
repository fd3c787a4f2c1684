"""What can follow what, and what to say of the rest."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.action import MADE_OF, Action, Makes
from pipeline.then import FAMILIES, FollowUp, family_and_value

PROMPTED = frozenset({"V", "R", "vary", "vary_region", "zoom", "pan", "imagine"})
"""Families that can take a prompt of their own."""

CALLED = {
    Action.IMAGINE: "an imagine",
    Action.BLEND: "a blend",
    Action.SWAP_FACE: "a face swap",
    Action.EDIT: "an edit",
    Action.VIDEO: "a video",
    Action.DESCRIBE: "a describe",
    Action.SHORTEN: "a shorten",
    Action.UPLOAD: "an upload",
}

_MADE = {
    Makes.GRID: "a grid of four",
    Makes.PICTURE: "one picture",
    Makes.PLAIN_PICTURE: "a picture without buttons",
    Makes.FILM: "a film",
    Makes.PROMPTS: "four prompts",
    Makes.SHORTENED: "five prompts",
    Makes.TEXT: "a line of text",
}


@dataclass(frozen=True, slots=True)
class Parent:
    """What follow-ups follow. `makes` is None for the defaults of a file, which stand under rows of any kind."""

    called: str
    makes: Makes | None

    @classmethod
    def row(cls, action: Action | None) -> Parent:
        return cls("a row", None) if action is None else cls(CALLED[action], MADE_OF[action])


def refusal(word: str, parent: Parent) -> str | None:
    """Why this word cannot follow that, and what to write instead; None where it can."""
    family, value = family_and_value(word)
    if parent.makes is None:
        return None
    if parent.makes in FAMILIES[family].of:
        if parent.makes is Makes.PROMPTS and value == "5":
            return f"{word} cannot follow {parent.called}: it makes four prompts, imagine-1 to imagine-4"
        return None
    if parent.makes is Makes.GRID and Makes.PICTURE in FAMILIES[family].of:
        return f"{family} cannot follow {parent.called}: it needs one picture: write U1({word})"
    if family == "imagine" and parent.makes in {Makes.GRID, Makes.PICTURE, Makes.PLAIN_PICTURE}:
        return f"{word} cannot follow {parent.called}: it needs the prompts of a describe: write describe({word})"
    return (
        f"{word} cannot follow {parent.called}: it makes {_MADE[parent.makes]}, and {_named(family)} {_needed(family)}"
    )


def fitting(follow_ups: tuple[FollowUp, ...], parent: Parent) -> tuple[FollowUp, ...]:
    """Those that can follow this parent."""
    return tuple(one for one in follow_ups if refusal(one.word, parent) is None)


def _named(family: str) -> str:
    return "U, V and R need" if family in {"U", "V", "R"} else f"{family} needs"


def _needed(family: str) -> str:
    of = FAMILIES[family].of
    if Makes.PROMPTS in of:
        return "the prompts of a describe or a shorten"
    if Makes.PLAIN_PICTURE in of:
        return "a picture"
    if Makes.GRID in of:
        return "a grid of four" if Makes.PICTURE not in of else "a grid of four, or one picture of it"
    return "one picture of a grid"
