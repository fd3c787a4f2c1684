"""What may follow a flag: where its values end, whether they are right, and what was probably meant.

Lenient by intent: Midjourney learns new values faster than this table, so only what is surely wrong does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

_TOKEN = re.compile(r"\S+")
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_NUMBER_PERHAPS = re.compile(r"-?[0-9.]*[0-9][0-9.]*[,;]*(?!\S)")
_RATIO = re.compile(r"([0-9]{1,5}):([0-9]{1,5})")
_RATIO_PERHAPS = re.compile(r"([0-9]{0,5}\.?[0-9]{1,5})(?:\s*[:xX×/*∶：]\s*([0-9]{0,5}\.?[0-9]{1,5}))?[,.;]*(?!\S)")
_LINK = re.compile(r"<?(?:https?://|[\w-]+(?:\.[\w-]+)+/)\S+")
_CODE = re.compile(r"[0-9]+(?:::[0-9.]+)?,?")
_CODE_PERHAPS = re.compile(r"\w*[0-9]\w*(?:::[0-9.]+)?,?")
_PROFILE = re.compile(r"(?=\S*[0-9])[A-Za-z0-9]{5,}(?:::[0-9.]+)?,?")
_WEIGHT = re.compile(r"::[0-9]*\.?[0-9]+,?")
_WEIGHT_APART = re.compile(r"\s+(?=::)")
_ENDS_A_SENTENCE = ",.;:!?)\"'”’"

FULL_WIDTH = str.maketrans("０１２３４５６７８９：．", "0123456789:.")
"""Digits and signs as East Asian keyboards write them."""


class Takes(Protocol):
    """What one kind of flag takes after its name."""

    @property
    def needed(self) -> bool:
        """Whether the flag is wrong without a value."""

    @property
    def says(self) -> str:
        """What it takes, for a person: `a whole number from 0 to 100`."""

    def end(self, text: str, start: int, stop: int) -> int:
        """Where the values end that may begin at `start`, no white space there; `start` if there are none."""

    def fits(self, value: str) -> bool: ...

    def repaired(self, value: str) -> str | None:
        """What was meant by a value that does not fit, as far as that is plain."""


def numbers_of_ratio(value: str) -> tuple[int, int] | None:
    """Width and height of `3:2`; None unless both are whole and above 0."""
    read = _RATIO.fullmatch(value)
    sides = (int(read[1]), int(read[2])) if read else (0, 0)
    return sides if min(sides) > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """The flag stands alone; what follows is prompt."""

    needed: bool = False
    says: str = "no value"

    def end(self, text: str, start: int, stop: int) -> int:  # noqa: ARG002
        return start

    def fits(self, value: str) -> bool:
        return not value

    def repaired(self, value: str) -> str | None:
        return "" if not value.strip(_ENDS_A_SENTENCE) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything up to the next flag."""

    needed: bool = True
    says: str = "words"

    def end(self, text: str, start: int, stop: int) -> int:  # noqa: ARG002
        return stop

    def fits(self, value: str) -> bool:
        return bool(value)

    def repaired(self, value: str) -> str | None:  # noqa: ARG002
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word, any if `known` is empty."""

    says: str
    known: tuple[str, ...] = ()
    needed: bool = True

    def end(self, text: str, start: int, stop: int) -> int:
        return _token_end(text, start, stop)

    def fits(self, value: str) -> bool:
        return bool(value) and (not self.known or value.lower() in self.known)

    def repaired(self, value: str) -> str | None:
        return _if_fits(self, value.strip(_ENDS_A_SENTENCE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number from `low` to `high`, both included; one of `only` if that is given."""

    low: float
    high: float
    says: str
    whole: bool = True
    only: tuple[float, ...] = ()
    needed: bool = True

    def end(self, text: str, start: int, stop: int) -> int:
        if not self.needed and not _NUMBER_PERHAPS.match(text, start, stop):
            return start
        return _token_end(text, start, stop)

    def fits(self, value: str) -> bool:
        if not _NUMBER.fullmatch(value) or (self.whole and "." in value):
            return False
        number = float(value)
        return self.low <= number <= self.high and (not self.only or number in self.only)

    def repaired(self, value: str) -> str | None:
        bare = value.strip(_ENDS_A_SENTENCE)
        return _if_fits(self, bare) or _if_fits(self, bare.replace(",", "" if self.whole else "."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Width to height in whole numbers."""

    needed: bool = True
    says: str = "width and height in whole numbers, such as `3:2`"

    def end(self, text: str, start: int, stop: int) -> int:
        perhaps = _RATIO_PERHAPS.match(text, start, stop)
        return perhaps.end() if perhaps else _token_end(text, start, stop)

    def fits(self, value: str) -> bool:
        return numbers_of_ratio(value) is not None

    def repaired(self, value: str) -> str | None:
        meant = _RATIO_PERHAPS.fullmatch(value)
        if not meant or (meant[2] is None and "." not in meant[1]):
            return None
        wide, high = Fraction(meant[1]), Fraction(meant[2] or 1)
        if not wide or not high:
            return None
        if wide.denominator == high.denominator == 1:
            return f"{wide}:{high}"
        shape = wide / high
        return _if_fits(self, f"{shape.numerator}:{shape.denominator}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Links to pictures, with or without weights; `codes` if numbers and `random` may stand for styles too."""

    says: str
    codes: bool = False
    needed: bool = True

    def end(self, text: str, start: int, stop: int) -> int:
        end = start
        for token in _tokens(text, start, stop):
            # The first is meant as the value, right or wrong; later ones only if nothing else can be meant.
            if end > start and not (self._surely(token[0]) or (self.codes and _WEIGHT.fullmatch(token[0]))):
                break
            end = token.end()
        return end

    def fits(self, value: str) -> bool:
        return bool(value) and all(self._perhaps(token) for token in value.split())

    def repaired(self, value: str) -> str | None:
        return _if_fits(self, _WEIGHT_APART.sub("", value)) if self.codes else None

    def _surely(self, token: str) -> bool:
        return bool(_LINK.fullmatch(token) or (self.codes and (token.lower() == "random" or _CODE.fullmatch(token))))

    def _perhaps(self, token: str) -> bool:
        return self._surely(token) or (self.codes and bool(_CODE_PERHAPS.fullmatch(token)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """Codes of profiles or mood boards, or nothing for one's own."""

    needed: bool = False
    says: str = "codes of profiles, or nothing"

    def end(self, text: str, start: int, stop: int) -> int:
        end = start
        for token in _tokens(text, start, stop):
            if not _PROFILE.fullmatch(token[0]):
                # A code may lack digits: a single word before the next flag is one, several words are prompt.
                alone = end == start and not text[token.end() : stop].strip()
                return token.end() if alone else end
            end = token.end()
        return end

    def fits(self, value: str) -> bool:  # noqa: ARG002
        return True

    def repaired(self, value: str) -> str | None:  # noqa: ARG002
        return None


def _tokens(text: str, start: int, stop: int) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text, start, stop)


def _token_end(text: str, start: int, stop: int) -> int:
    token = _TOKEN.match(text, start, stop)
    return token.end() if token else start


def _if_fits(takes: Takes, value: str) -> str | None:
    return value if takes.fits(value) else None
