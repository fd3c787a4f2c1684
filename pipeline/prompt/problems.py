"""What is surely wrong with a prompt: where it stands, and the sentence that says what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.prompt.flags import Flag, find, nearest
from pipeline.prompt.reading import Found, Reading, attached
from pipeline.prompt.values import Nothing

_GLUED = re.compile(r"[^\s-]--([A-Za-z]+)(?![A-Za-z-])")
_COMMAND = re.compile(r"\s*(/imagine\b(?:\s+prompt\b)?:?)", re.IGNORECASE)
_BARE = re.compile(r"(?<!\S)--(?!\S)")
_YES = {"true", "yes", "on", "1"}
_YES_OR_NO = {*_YES, "false", "off", "0"}
_SHOWN = 40
"""Characters of a person's text that a message repeats."""

_EITHER = {"niji": "version", "version": "niji"}
"""Flags that choose the same thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a prompt that Midjourney would refuse or misread.

    `at` is the index of the first wrong character in the text as it was given, `message` a sentence for a person.
    """

    at: int
    message: str


def problems(text: str, reading: Reading) -> list[Problem]:
    """Every problem of the text and its reading, in the order of the text."""
    command = _COMMAND.match(text)
    if command:
        shown = " ".join(command[0].split())
        return [Problem(at=command.start(1), message=f"leave `{shown}` out: a row says only what to imagine")]
    found = [*_glued(text), *_bare(text, reading), *_needless(text, reading), *_without_words(reading)]
    found += _of_flags(reading)
    return sorted(found, key=lambda problem: problem.at)


def permutation(text: str) -> Problem | None:
    """`{red, blue}`, of which Midjourney makes one job for each word. Braces without a comma are harmless."""
    start = _permutation_start(text) if "{" in text else None
    if start is None:
        return None
    return Problem(
        at=start,
        message="`{...}` with commas makes several jobs of one row: write a row for each, or `\\{` for a mere brace",
    )


def _permutation_start(text: str) -> int | None:
    opened: list[tuple[int, bool]] = []
    escaped = False
    for at, character in enumerate(text):
        if escaped or character == "\\":
            escaped = not escaped
        elif character == "{":
            opened.append((at, False))
        elif character == "," and opened:
            opened[-1] = (opened[-1][0], True)
        elif character == "}" and opened:
            start, several = opened.pop()
            if several:
                return start
    return None


def _glued(text: str) -> Iterator[Problem]:
    for match in _GLUED.finditer(text):
        name = match[1]
        if find(name) and "://" not in text[: match.end()].rsplit(maxsplit=1)[-1]:
            message = f"`--{name}` sticks to the word before it: put a space between them"
            yield Problem(at=match.start() + 1, message=message)


def _bare(text: str, reading: Reading) -> Iterator[Problem]:
    flags = {found.at for found in reading.flags}
    for match in _BARE.finditer(text):
        if match.start() not in flags:
            yield Problem(
                at=match.start(),
                message="`--` without a flag: remove it, write a comma for a mere dash, or the flag without a space",
            )


def _needless(text: str, reading: Reading) -> Iterator[Problem]:
    """Values of flags that take none, such as `--tile true`."""
    for found, words in zip(reading.flags, reading.words[1:], strict=True):
        if found.sure and found.flag and isinstance(found.flag.takes, Nothing) and words.lower() in _YES_OR_NO:
            remedy = f"remove `{words}`" if words.lower() in _YES else f"remove `{found.name} {words}`"
            at = found.end + len(text[found.end :]) - len(text[found.end :].lstrip())
            yield Problem(at=at, message=f"`{found.name}` takes no value: {remedy}")


def _without_words(reading: Reading) -> Iterator[Problem]:
    if reading.flags and not reading.text:
        first = reading.flags[0]
        message = f"the prompt is only flags: say what to imagine before `{_shown(first.name)}`"
        yield Problem(at=first.at, message=message)


def _of_flags(reading: Reading) -> Iterator[Problem]:
    earlier: dict[str, Found] = {}
    for found in reading.flags:
        if found.flag is None:
            message = _unknown(found)
        elif not found.sure:
            message = _unsure(found, _repaired(found, found.flag))
        else:
            message = found.flag.refused or _clash(found, found.flag, earlier)
            earlier.setdefault(found.flag.name, found)
        if message:
            yield Problem(at=found.at, message=message)
        elif found.flag and (message := _value(found, found.flag)):
            yield Problem(at=found.value_at if found.value else found.at, message=message)


def _unsure(found: Found, meant: str) -> str:
    if found.lead in {"-", "-- "}:
        return f"`{found.name}` is no flag to Midjourney: write `{meant}`"
    return f"`{_shown(found.sent)}` looks like `{meant}`: write `{meant}`, or a comma for a mere dash"


def _unknown(found: Found) -> str:
    if _GLUED.search(found.word):
        return ""
    if meant := attached(found.word):
        return f"`{_shown(found.name)}` is no flag: write `{_written(*meant)}`"
    if near := nearest(found.word):
        return f"unknown flag `{_shown(found.name)}`: did you mean `--{near}`?"
    return f"unknown flag `{_shown(found.name)}`: remove it (`--no-lint` sends it, if it is newer than this program)"


def _clash(found: Found, flag: Flag, earlier: dict[str, Found]) -> str:
    if first := earlier.get(flag.name):
        together = first.value and found.value and flag.name in ("no", "sref", "cref", "profile")
        remedy = f"put all its values after one `{first.name}`" if together else "keep one of them"
        return (
            f"`{found.name}` is there twice: {remedy}"
            if found.word == first.word
            else (f"`{found.name}` and `{first.name}` are the same flag: {remedy}")
        )
    if other := earlier.get(_EITHER.get(flag.name, "")):
        return f"`{found.name}` and `{other.name}` both choose the model: keep one of them"
    return ""


def _value(found: Found, flag: Flag) -> str:
    if not found.value:
        return f"`{found.name}` has no value: it takes {flag.takes.says}" if flag.takes.needed else ""
    if flag.takes.fits(found.value) or _GLUED.search(found.value):
        return ""
    wrong = f"`{found.name}` takes {flag.takes.says}, not `{_shown(found.value)}`"
    return wrong if flag.takes.repaired(found.value) is None else f"{wrong}: write `{_repaired(found, flag)}`"


def _repaired(found: Found, flag: Flag) -> str:
    repaired = None if flag.takes.fits(found.value) else flag.takes.repaired(found.value)
    return _written(found.word, repaired or found.value)


def _written(word: str, value: str) -> str:
    return f"--{word} {_shown(value)}" if value else f"--{word}"


def _shown(text: str) -> str:
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return "".join(character if character.isprintable() else "�" for character in short)
