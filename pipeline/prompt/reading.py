"""A prompt taken apart: its words, and its flags with their values and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.prompt.flags import Flag, find
from pipeline.prompt.spaced import Dash, meant, spaced_lead
from pipeline.prompt.values import FULL_WIDTH, Nothing, Words

_HYPHENS = "-‐‑−﹣－"
_LONG_DASHES = "–—―‒⸺⸻﹘"
DASHES = _HYPHENS + _LONG_DASHES

_START = re.compile(rf"([{DASHES}]{{1,4}})(\s*)([^\W\d_]\S*)\s*")
"""Also finds dashes inside words: a look behind at every character would cost more than dropping these."""

_NAME = re.compile(r"[^\W\d_]+")
_VALUE = re.compile(rf"(?=\S)(?![{DASHES}]+(?:[^\W\d_]|\s|$))")

_ANYTHING = Words(says="anything")
_ALONE = Dash(repaired=False, follows_flag=False)


class Found(NamedTuple):
    """One flag as written. A tuple, because a manifest holds hundreds of thousands."""

    flag: Flag | None
    """None if Midjourney has no flag of this name."""
    word: str
    """What stands after the dashes: a known name in small letters."""
    lead: str
    """The dashes to send. Not `--` where Midjourney would take them for words, as in `-ar 3:2`."""
    at: int
    value: str
    value_at: int
    end: int

    @property
    def name(self) -> str:
        return self.lead + self.word

    @property
    def sure(self) -> bool:
        return self.lead == "--"

    @property
    def sent(self) -> str:
        return f"{self.name} {self.value}" if self.value else self.name


class Reading(NamedTuple):
    """`words` has one piece more than there are flags: what stands before, between and after them."""

    words: tuple[str, ...]
    flags: tuple[Found, ...]

    @property
    def text(self) -> str:
        return " ".join(piece for piece in self.words if piece)

    @property
    def flags_last(self) -> str:
        return " ".join(piece for piece in (*self.words, *(found.sent for found in self.flags)) if piece)

    @property
    def in_order(self) -> str:
        flags = (*(found.sent for found in self.flags), "")
        pairs = zip(self.words, flags, strict=True)
        return " ".join(piece for pair in pairs for piece in pair if piece)

    def stays(self, moved: str) -> bool:
        """Whether the text with its flags moved last still has these words and these flags.

        Words that come together may read as a flag that nobody wrote, as in `— --tile ar 3:2`.
        """
        if all(found.sure for found in self.flags) and not any(flag for _, flag in _candidates(self.text)):
            return True
        again = read(moved)
        return again.text == self.text and [flag.sent for flag in again.flags] == [flag.sent for flag in self.flags]


def read(text: str) -> Reading:
    """The text taken apart. White space is collapsed in what is kept; nothing is judged."""
    starts = list(_starts(text))
    stops = [*(match.start() for match, _, _ in starts), len(text)]
    words = [collapsed(text[: stops[0]])]
    flags: list[Found] = []
    for (match, lead, flag), stop in zip(starts, stops[1:], strict=True):
        found = _found(match, lead, flag, text, stop)
        flags.append(found)
        words.append(collapsed(text[found.end : stop]))
    return Reading(tuple(words), tuple(flags))


def collapsed(text: str) -> str:
    return " ".join(text.split())


def attached(word: str) -> tuple[str, str] | None:
    """Name and value of a word such as `v6` or `ar=3:2` that lacks a space."""
    name = _NAME.match(word)
    flag = find(name[0]) if name else None
    if not name or not flag:
        return None
    value = word[name.end() :].lstrip("=:-")
    meant = value if flag.takes.fits(value) else flag.takes.repaired(value)
    return None if meant is None else (name[0].lower(), meant)


def _candidates(text: str) -> Iterator[tuple[re.Match[str], Flag | None]]:
    """Every dash that a word follows, and the flag of this name."""
    for match in _START.finditer(text):
        at = match.start()
        if not at or text[at - 1].isspace():
            yield match, find(match[3])


def _starts(text: str) -> Iterator[tuple[re.Match[str], str, Flag | None]]:
    """Every flag: where it starts, the dashes to send, and which it is."""
    candidates = list(_candidates(text))
    repaired = any(match[1] != "--" and _lead(match, flag, text, _ALONE) == "--" for match, flag in candidates)
    after: tuple[re.Match[str], Flag | None] | None = None
    for match, flag in candidates:
        dash = Dash(repaired=repaired, follows_flag=after is not None and _touch(*after, match, text))
        if lead := _lead(match, flag, text, dash):
            yield match, lead, flag
            after = match, flag


def _touch(match: re.Match[str], flag: Flag | None, following: re.Match[str], text: str) -> bool:
    """Whether nothing but its values stands between a flag and the dash that follows."""
    end = (flag.takes if flag else _ANYTHING).end(text, match.end(), following.start())
    return not text[end : following.start()].strip()


def _found(match: re.Match[str], lead: str, flag: Flag | None, text: str, stop: int) -> Found:
    start = match.end()
    takes = flag.takes if flag else _ANYTHING
    if not isinstance(takes, Words):
        text = text.translate(FULL_WIDTH)
    end = takes.end(text, start, stop)
    return Found(
        flag=flag,
        word=match[3].lower() if flag else match[3],
        lead=lead,
        at=match.start(),
        value=collapsed(text[start:end]),
        value_at=start,
        end=end,
    )


def _lead(match: re.Match[str], flag: Flag | None, text: str, dash: Dash) -> str:
    """The dashes to send, or nothing where a dash is only punctuation or part of a word."""
    dashes, space, word = match.groups()
    if dashes == "--" and not space:
        return dashes
    if not flag:
        return ""
    hyphen = len(dashes) == 1 and dashes in _HYPHENS
    value = _value_after(match, flag, text)
    if space:
        return spaced_lead(flag, word, value, dashes, dash, hyphen=hyphen, last=_is_last(match, flag, text))
    if hyphen:
        return "-" if _meant(flag, value) else ""
    # A phone makes `—no` of `--no`; but `—s` and `—c` may also be a word that was cut short.
    plain = len(dashes) > 1 or len(word) > 1 or _meant(flag, value)
    return "--" if plain else ""


def _is_last(match: re.Match[str], flag: Flag, text: str) -> bool:
    """Whether only another dash can follow the values."""
    end = flag.takes.end(text.translate(FULL_WIDTH), match.end(), len(text))
    return text[end:].lstrip()[:1] in DASHES


def _value_after(match: re.Match[str], flag: Flag, text: str) -> str:
    start = match.end()
    if not _VALUE.match(text, start):
        return ""
    text = text.translate(FULL_WIDTH)
    return collapsed(text[start : flag.takes.end(text, start, len(text))])


def _meant(flag: Flag, value: str) -> bool:
    return isinstance(flag.takes, Nothing) or meant(flag.takes, value)
