"""The rows that stand above: their keys, which are unique, and what a later row may use of them."""

from __future__ import annotations

import unicodedata
from array import array
from collections import deque
from dataclasses import dataclass
from difflib import get_close_matches

from pipeline.action import MADE_OF, Action, Makes
from pipeline.then import FollowUp

_REMEMBERED = 1000
"""Keys that are kept as texts, for a hint at the nearest one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a row makes and what follows it: the same for most rows of a manifest, and kept once."""

    action: Action
    then: tuple[FollowUp, ...]

    def makes(self, words: tuple[str, ...]) -> Makes | None:
        """What comes of the follow-up that these words lead to, or of the row; None where there is no such one."""
        made, siblings = MADE_OF[self.action], self.then
        for word in words:
            one = next((one for one in siblings if one.word == word), None)
            if one is None:
                return None
            made, siblings = one.makes, one.then
        return made


class KnownRows:
    """Remembers a few numbers of each row, never its texts."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._lines = array("L")
        self._spellings = array("q")
        self._kinds_of = array("L")
        self._kinds: dict[Kind, int] = {}
        self._by_number: list[Kind] = []
        self._recent: deque[str] = deque(maxlen=_REMEMBERED)

    def add(self, key: str, line: int, kind: Kind) -> None:
        """Notes a row. Of two with one key, which is a fault, the first one stays known."""
        self._numbers.setdefault(_identity(key), len(self._lines))
        self._lines.append(line)
        self._spellings.append(hash(key))
        self._kinds_of.append(self._number(kind))
        self._recent.append(key)

    def line_of(self, key: str) -> int | None:
        """Where this key stands, or one that some disk would take for the same name."""
        number = self._numbers.get(_identity(key))
        return None if number is None else self._lines[number]

    def kind_of(self, key: str) -> Kind | None:
        """Of the row with exactly this key."""
        number = self._numbers.get(_identity(key))
        if number is None or self._spellings[number] != hash(key):
            return None
        return self._by_number[self._kinds_of[number]]

    def nearest(self, key: str) -> str | None:
        return next(iter(get_close_matches(key, self._recent, n=1)), None)

    def _number(self, kind: Kind) -> int:
        # Neighbours mostly share one tree: comparing the two costs less than hashing it.
        if self._kinds_of and self._by_number[self._kinds_of[-1]] == kind:
            return self._kinds_of[-1]
        number = self._kinds.setdefault(kind, len(self._by_number))
        if number == len(self._by_number):
            self._by_number.append(kind)
        return number


def _identity(key: str) -> int:
    """Equal for keys that some disk would take for the same name. 64 bits of a hash, so that memory stays flat."""
    return hash(unicodedata.normalize("NFC", key.casefold()))
