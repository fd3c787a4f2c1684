"""A prompt made ready to be sent, and what its flags say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.prompt.problems import Problem, permutation, problems
from pipeline.prompt.reading import DASHES, Reading, collapsed, read
from pipeline.prompt.values import numbers_of_ratio

_PLAIN = rf"(?:[^{DASHES}{{]++|(?<=[^{DASHES}\s])-(?=\w))+"
_NUMBERED = r"(?:ar|aspect|v|version|s|stylize|c|chaos|w|weird|seed|iw|q|quality|stop|exp) [0-9]+(?:[.:][0-9]+)?"
_TIDY = re.compile(rf"{_PLAIN}(?:(?<= )--(?:{_NUMBERED}|tile|raw|draft)(?: (?=--)|\Z))*")
"""Words without dashes but those inside of them, then flags that are right: most prompts of most manifests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """A prompt as it should be sent, and the problems of the text it was made from, in the order of the text."""

    prompt: str
    problems: tuple[Problem, ...]


def lint(text: str) -> Linted:
    """The prompt with white space collapsed, typographic dashes of flags made `--` and flags moved last.

    Servers find their pictures by the prompt's text, and Midjourney rewrites all of these. What is wrong is told and
    left as it was written. Linting the result again changes nothing. A text of white space alone has no problem.
    """
    if several := permutation(text):
        return Linted(prompt=collapsed(text), problems=(several,))
    reading = read(text)
    return Linted(prompt=_ordered(reading), problems=tuple(problems(text, reading)))


def tidied(text: str) -> str:
    """The prompt as `lint` has it. Most are tidy, which is seen sooner than they are taken apart."""
    prompt = collapsed(text)
    return prompt if _TIDY.fullmatch(prompt) else lint(text).prompt


def parameters(prompt: str) -> dict[str, str | bool]:
    """The flags of a prompt by long name: `a fox --ar 3:2 --tile` gives `{"aspect": "3:2", "tile": True}`.

    Values are as written. A flag without one is True; one that is written twice keeps both values, joined by a space.
    """
    flags: dict[str, str | bool] = {}
    for found in read(prompt).flags:
        if found.sure:
            name = found.flag.name if found.flag else found.word
            values = (flags.get(name), found.value)
            flags[name] = " ".join(value for value in values if isinstance(value, str) and value) or True
    return flags


def aspect(prompt: str) -> tuple[int, int]:
    """Width and height as `--ar` or `--aspect` has them; (1, 1) without one, or if it cannot be understood."""
    written = parameters(prompt).get("aspect")
    return (numbers_of_ratio(written) if isinstance(written, str) else None) or (1, 1)


def _ordered(reading: Reading) -> str:
    if not any(reading.words[1:]):
        return reading.in_order
    moved = reading.flags_last
    return moved if reading.stays(moved) and permutation(moved) is None else reading.in_order
