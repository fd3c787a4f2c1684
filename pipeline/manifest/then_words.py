"""The shorthand of `then`: `U1-U4`, `V2(U1-U4) R`, `U1(zoom-1.5 pan-left)`, as words that know their places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.inputs import Input
from pipeline.manifest.nodes import Scalar
from pipeline.manifest.place import Place, Unreadable
from pipeline.manifest.prompts import Where
from pipeline.then import FollowUp

_PART = re.compile(r"[()]|[^\s,;()]+")
_DASH_WITH_SPACES = re.compile(r"(?<=\w)\s+[-–]\s+(?=\w)|(?<=\w)[-–]\s+(?=\w)|(?<=\w)\s+[-–](?=\w)")


_LABELS = tuple(
    (re.compile(label, re.IGNORECASE), word)
    for label, word in (
        (r"[🔍🪄🖌↔]\ufe0f?\s*(?=[a-z])", ""),
        (r"\bzoom\s+out\s+(\d(?:\.\d+)?)\s*x?(?![\w.])", r"zoom-\1"),
        (r"\bzoom\s+out\b", "zoom"),
        (r"\bcustom\s+zoom\b", "zoom"),
        (r"\bvary\s*\(\s*region\s*\)|\bvary\s+region\b", "vary_region"),
        (r"\bmake\s+square\b", "square"),
        ("⬅\ufe0f?", " pan-left "),
        ("➡\ufe0f?", " pan-right "),
        ("⬆\ufe0f?", " pan-up "),
        ("⬇\ufe0f?", " pan-down "),
        ("🔄", " R "),
        ("❤\ufe0f?", " bookmark "),
    )
)
"""Midjourney's own labels of its buttons that a word here does not read as they are written."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text that stands beside a word: its prompt, or the name of its mask."""

    node: Scalar
    where: Where


@dataclass(slots=True)
class Word:
    """One word of a `then` as it was written (`U1`, `v1-4`, `zoom:1.5`), what is to follow it, and where it stands."""

    text: str
    place: Place
    then: list[Word] = field(default_factory=list)
    value: str | None = None
    """Of the word, where it was written apart from it: `zoom: 1.5`."""
    prompt: Said | None = None
    mask: Said | None = None

    @property
    def whole(self) -> str:
        return self.text if self.value is None else f"{self.text}-{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """The follow-ups of a row."""

    follow_ups: tuple[FollowUp, ...] = ()
    mask_places: Mapping[Input, Place] = field(default_factory=dict)
    """Where each mask was named first."""


def split(text: str, place: Place) -> list[Word]:
    """The words of a shorthand, nested as its parentheses say. Unbalanced ones raise `Unreadable`."""
    for label, meant in _LABELS:
        text = label.sub(meant, text)
    top: list[Word] = []
    open_lists = [top]
    for part in _PART.findall(_DASH_WITH_SPACES.sub("-", text)):
        siblings = open_lists[-1]
        if part == "(":
            if not siblings:
                raise Unreadable(place.fault("`(` must come after the word that it belongs to, as in `V2(U1-U4)`"))
            open_lists.append(siblings[-1].then)
        elif part == ")":
            if len(open_lists) == 1:
                raise Unreadable(place.fault("a `)` without its `(`: write nested follow-ups as in `V2(U1-U4)`"))
            open_lists.pop()
        else:
            siblings.append(Word(part, place))
    if len(open_lists) > 1:
        raise Unreadable(place.fault("a `(` without its `)`: write nested follow-ups as in `V2(U1-U4)`"))
    return top
