"""The shorthand of `then`: `U1-U4`, `V2(U1-U4) R`. Words with their places grow into a tree of follow-ups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pipeline.errors import Fault
from pipeline.manifest.place import Faults, Place, Unreadable
from pipeline.manifest.vocabulary import OTHER_FOLLOW_UPS, SENT, nearest
from pipeline.then import FOLLOW_UP_WORDS, FollowUp

MAX_DEPTH = 5
"""Levels of follow-ups: in `V1(U2)` there are two."""

MAX_TASKS = 1000
"""Tasks that one row may become, itself included."""

_PART = re.compile(r"[()]|[^\s,;()]+")
_DASH_WITH_SPACES = re.compile(r"(?<=\w)\s+[-–]\s+(?=\w)|(?<=\w)[-–]\s+(?=\w)|(?<=\w)\s+[-–](?=\w)")
_RANGE = re.compile(r"([A-Z])(\d{1,3})(?:[-–]([A-Z]?)(\d{1,3}))?")

_NO_NUMBER = re.compile(r"[UV]\D?")


@dataclass(slots=True)
class Word:
    """One word of a `then` as it was written (`U1`, `v1-4`), what is to follow it, and where it stands."""

    text: str
    place: Place
    then: list[Word] = field(default_factory=list)

    @property
    def is_follow_up(self) -> bool:
        """Whether it has the form of one, so that what stands under it is meant to follow."""
        text = self.text.upper()
        return text == "R" or _RANGE.fullmatch(text) is not None


@lru_cache(maxsize=256)
def from_text(text: str) -> tuple[tuple[FollowUp, ...], tuple[str, ...]]:
    """The follow-ups that a shorthand names, and what is wrong with it. Most rows of a manifest share one."""
    messages = _Messages()
    nowhere = Place(file="", line=0)
    try:
        return tree(split(text, nowhere), nowhere, messages), tuple(messages.told)
    except Unreadable as stop:
        return (), (*messages.told, stop.fault.message)


class _Messages(Faults):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def add(self, fault: Fault) -> None:
        self.told.append(fault.message)


def split(text: str, place: Place) -> list[Word]:
    """The words of a shorthand, nested as its parentheses say. Unbalanced ones raise `Unreadable`."""
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


def tree(words: Sequence[Word], place: Place, faults: Faults) -> tuple[FollowUp, ...]:
    """The whole `then` of a row, or of the defaults, at `place`: ranges spread out, every word checked."""
    grown = _siblings(words, faults)
    size = 1 + sum(one.size for one in grown)
    if size > MAX_TASKS:
        faults.add(place.fault(f"this row would become {size} tasks; at most {MAX_TASKS} are allowed: split it"))
    return grown


def _siblings(words: Sequence[Word], faults: Faults, depth: int = 1) -> tuple[FollowUp, ...]:
    if words and depth > MAX_DEPTH:
        faults.add(
            words[0].place.fault(f"follow-ups are nested more than {MAX_DEPTH} deep: {words[0].text} is too far")
        )
        return ()
    found: dict[str, FollowUp] = {}
    for word in words:
        names = list(_spread(word, faults))
        if not names:
            continue
        if word.then and names[0].startswith("U"):
            faults.add(word.then[0].place.fault(_after_upscale(word.text, word.then[0].text)))
            continue
        then = _siblings(word.then, faults, depth + 1)
        for name in names:
            if name in found:
                faults.add(word.place.fault(f"{name} is named twice: once is enough"))
            found[name] = FollowUp(name, then)
    return tuple(found.values())


def _after_upscale(upscale: str, after: str) -> str:
    return f"{after} cannot follow {upscale}: an upscale is one picture; U, V and R need a grid of four"


def _spread(word: Word, faults: Faults) -> Iterator[str]:
    """`U1-U3` as U1, U2, U3; nothing, and a fault, for what is no follow-up."""
    text = word.text.upper()
    if text in FOLLOW_UP_WORDS:
        yield text
        return
    span = _RANGE.fullmatch(text)
    if not span or span[1] not in "UV":
        faults.add(word.place.fault(_unknown(word.text)))
        return
    letter, first, last = span[1], int(span[2]), int(span[4] or span[2])
    if span[3] and span[3] != letter:
        faults.add(word.place.fault(f"the range {word.text} mixes {letter} and {span[3]}: write two ranges"))
    elif not 1 <= first <= 4 or not 1 <= last <= 4:
        faults.add(word.place.fault(f"{word.text}: there are only four pictures: {letter}1 to {letter}4"))
    elif first > last:
        faults.add(word.place.fault(f"the range {word.text} runs backwards: write {letter}{last}-{letter}{first}"))
    else:
        yield from (f"{letter}{n}" for n in range(first, last + 1))


def _unknown(text: str) -> str:
    low = text.casefold().replace("-", "_")
    for word, hint in OTHER_FOLLOW_UPS.items():
        if re.match(rf"{word}(?![a-z])", low):
            return f"`{text.rstrip(':')}` is known to the API, but {SENT}{hint}"
    upper = text.upper()
    if _NO_NUMBER.fullmatch(upper):
        return f"`{text}` needs the number of a picture: {upper[0]}1 to {upper[0]}4, or {upper[0]}1-{upper[0]}4 for all"
    near = nearest(upper, FOLLOW_UP_WORDS)
    hint = f"did you mean `{near}`?" if near else "follow-ups are U1 to U4, V1 to V4 and R"
    return f"unknown follow-up `{text}`: {hint}"
