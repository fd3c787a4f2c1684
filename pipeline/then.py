"""Follow-ups: tasks that are created because their parent has finished, by the words that name them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.action import Action, Makes
from pipeline.inputs import Input, inputs_from_json, inputs_to_json
from pipeline.prompt import tidied

_ONE_TO_FOUR = ("1", "2", "3", "4")
_ANY_PICTURE = frozenset({Makes.GRID, Makes.PICTURE, Makes.PLAIN_PICTURE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Follow-ups that differ in their value only: `pan-left` and `pan-up`."""

    action: Action
    of: frozenset[Makes]
    """What they can follow."""
    makes: Makes
    values: tuple[str, ...] = ()
    """Empty where the word stands alone, and for `zoom`, whose value is a factor from 1 to 2."""


FAMILIES = {
    "U": Family(action=Action.UPSCALE, of=frozenset({Makes.GRID}), makes=Makes.PICTURE, values=_ONE_TO_FOUR),
    "V": Family(action=Action.VARIATION, of=frozenset({Makes.GRID}), makes=Makes.GRID, values=_ONE_TO_FOUR),
    "R": Family(action=Action.REROLL, of=frozenset({Makes.GRID}), makes=Makes.GRID),
    "upscale": Family(
        action=Action.UPSCALE,
        of=frozenset({Makes.PICTURE}),
        makes=Makes.PICTURE,
        values=("subtle", "creative", "2x", "4x"),
    ),
    "vary": Family(
        action=Action.VARIATION, of=frozenset({Makes.PICTURE}), makes=Makes.GRID, values=("subtle", "strong")
    ),
    "vary_region": Family(action=Action.VARIATION, of=frozenset({Makes.PICTURE}), makes=Makes.GRID),
    "zoom": Family(action=Action.ZOOM, of=frozenset({Makes.PICTURE}), makes=Makes.GRID),
    "square": Family(action=Action.ZOOM, of=frozenset({Makes.PICTURE}), makes=Makes.GRID),
    "pan": Family(
        action=Action.PAN,
        of=frozenset({Makes.PICTURE}),
        makes=Makes.GRID,
        values=("left", "right", "up", "down"),
    ),
    "bookmark": Family(action=Action.BOOKMARK, of=frozenset({Makes.PICTURE}), makes=Makes.TEXT),
    "seed": Family(action=Action.SEED, of=frozenset({Makes.GRID, Makes.PICTURE}), makes=Makes.TEXT),
    "describe": Family(action=Action.DESCRIBE, of=_ANY_PICTURE, makes=Makes.PROMPTS),
    "imagine": Family(
        action=Action.IMAGINE,
        of=frozenset({Makes.PROMPTS, Makes.SHORTENED}),
        makes=Makes.GRID,
        values=(*_ONE_TO_FOUR, "5"),
    ),
}
"""The families by their names, as a person writes them. A describe has four prompts, a shorten has five."""

FOLLOW_UP_WORDS = (*(f"{letter}{n}" for letter in "UV" for n in range(1, 5)), "R")
"""The API's own shorthand, in the order in which people list it."""

_WORD = re.compile(r"(?P<letter>[UVR])(?P<number>[1-4]?)|(?P<family>[a-z_]+)(?:-(?P<value>[a-z0-9.]+))?")


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A follow-up by its word: `U1`, `R`, `zoom-1.5`, `vary_region`.

    A word that is said twice of one parent ends in `~2` the second time: siblings have different words.
    """

    word: str
    then: tuple[FollowUp, ...] = ()
    prompt: str | None = None
    """What is written into the window that the API opens; None: the parent's prompt."""
    mask: Input | None = None

    @property
    def family(self) -> str:
        return family_and_value(self.word)[0]

    @property
    def value(self) -> str:
        """`2`, `left`, `1.5`; empty where the family has none."""
        return family_and_value(self.word)[1]

    @property
    def action(self) -> Action:
        return FAMILIES[self.family].action

    @property
    def makes(self) -> Makes:
        return FAMILIES[self.family].makes

    @property
    def index(self) -> int | None:
        """Which of the four pictures, or of the prompts, from 1; None where there is nothing to count."""
        return int(self.value) if self.family in {"U", "V", "imagine"} else None

    @property
    def request(self) -> tuple[str, str | None, Input | None]:
        """What it asks for. Of siblings with one word it makes no difference which comes first."""
        return self.word.partition("~")[0], None if self.prompt is None else tidied(self.prompt), self.mask

    @property
    def size(self) -> int:
        """How many tasks this becomes, itself included."""
        return 1 + sum(child.size for child in self.then)


def family_and_value(word: str) -> tuple[str, str]:
    """`("zoom", "1.5")` of `zoom-1.5`, `("U", "2")` of `U2`. Raises ValueError for what is no follow-up's word."""
    found = _WORD.fullmatch(word.partition("~")[0])
    if found is None:
        raise ValueError(f"{word!r} is no follow-up")
    family = found["letter"] or found["family"]
    value = (found["number"] if found["letter"] else found["value"]) or ""
    if family not in FAMILIES or not _fits(family, value):
        raise ValueError(f"{word!r} is no follow-up")
    return family, value


def _fits(family: str, value: str) -> bool:
    if family == "zoom":
        return re.fullmatch(r"1(\.\d{1,2})?|2(\.0)?", value) is not None
    values = FAMILIES[family].values
    return value in values if values else not value


def alike(some: Iterable[FollowUp], others: Iterable[FollowUp]) -> bool:
    """Whether both ask for the same follow-ups, at every depth and in any order."""
    return _requests(some) == _requests(others)


def _requests(then: Iterable[FollowUp]) -> frozenset[Any]:
    return frozenset(Counter((one.request, _requests(one.then)) for one in then).items())


def then_to_json(then: Iterable[FollowUp]) -> list[Any]:
    """A follow-up tree as JSON: `["U1", {"V2": ["U1"]}, {"word": "vary_region", "prompt": "a hat", "mask": {...}}]`."""
    return [_to_json(one) for one in then]


def _to_json(one: FollowUp) -> Any:
    if one.prompt is None and one.mask is None:
        return {one.word: then_to_json(one.then)} if one.then else one.word
    return {
        "word": one.word,
        "prompt": one.prompt,
        "mask": inputs_to_json([one.mask])[0] if one.mask else None,
        "then": then_to_json(one.then),
    }


def then_from_json(tree: Sequence[Any]) -> tuple[FollowUp, ...]:
    """The inverse of `then_to_json`."""
    return tuple(follow_up for item in tree for follow_up in _from_json(item))


def _from_json(item: Any) -> list[FollowUp]:
    if isinstance(item, str):
        return [FollowUp(item)]
    if "word" not in item:
        return [FollowUp(word, then_from_json(children)) for word, children in item.items()]
    mask = inputs_from_json([item["mask"]])[0] if item["mask"] else None
    return [FollowUp(item["word"], then_from_json(item["then"]), item["prompt"], mask)]
