"""An entry as a format hands it over, and the check that makes it a row. The same for CSV and YAML."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.manifest.names import key_from_content
from pipeline.manifest.place import Faults, Place
from pipeline.manifest.text import CONTROL, LINE_BREAK, named
from pipeline.manifest.vocabulary import NOT_A_GRID, OTHER_ACTIONS, SYNONYMS, listed, nearest
from pipeline.task import Mode, Row
from pipeline.then import FollowUp

MAX_PROMPT = 6000
"""Characters. What Discord takes; the servers let much longer ones hang for ever."""

MAX_KEY = 200
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a row says when it says nothing itself."""

    mode: Mode | None = None
    then: tuple[FollowUp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The texts of one entry by the words it used, unchecked. `place` tells where a word's text stands."""

    line: int
    texts: Mapping[str, str]
    then: tuple[FollowUp, ...] | None
    place: Callable[[str], Place]
    incomplete: bool = False
    """Whether some of its words could not be used, which was told already."""


class RowCheck:
    """Makes rows of the entries of one manifest. Remembers a number for each key, never the rows."""

    def __init__(self, faults: Faults, defaults: Defaults) -> None:
        self._faults = faults
        self._defaults = defaults
        self._lines: dict[int, int] = {}
        self._repeats: dict[str, int] = {}

    def row(self, entry: Entry) -> Row:
        """The row, to be used only as long as there is no fault."""
        prompt = self._prompt(entry)
        written = entry.texts.get("mode", "").strip()
        mode = read_mode(written, entry.place("mode"), self._faults) if written else self._defaults.mode
        key = self._key(entry, prompt, mode)
        self._refuse_follow_ups_without_a_grid(entry)
        then = self._defaults.then if entry.then is None else entry.then
        return Row(key=key, prompt=prompt, mode=mode, then=then, line=entry.line)

    def _prompt(self, entry: Entry) -> str:
        words = [word for word in ("prompt", *SYNONYMS) if entry.texts.get(word, "").strip()]
        if not words:
            if not entry.incomplete and not any(entry.texts.get(word) for word in OTHER_ACTIONS):
                written = next((word for word in ("prompt", *SYNONYMS) if word in entry.texts), "prompt")
                self._add(entry, written, "the prompt is empty: say what to imagine")
            return ""
        if len(words) > 1:
            self._add(entry, words[1], f"{listed(words)} mean the same: keep one of them")
        # Servers find their pictures by the prompt's text, and Midjourney rewrites runs of white space.
        prompt = " ".join(entry.texts[words[0]].split())
        if control := CONTROL.search(entry.texts[words[0]]):
            self._add(entry, words[0], f"the prompt contains {named(control[0])}: remove it")
        if len(prompt) > MAX_PROMPT:
            self._add(
                entry, words[0], f"the prompt has {len(prompt)} characters, at most {MAX_PROMPT} are taken: shorten it"
            )
        return prompt

    def _key(self, entry: Entry, prompt: str, mode: Mode | None) -> str:
        key = entry.texts.get("key", "").strip()
        if not key:
            return self._made_key(entry, prompt, mode)
        if control := CONTROL.search(key) or LINE_BREAK.search(key):
            self._add(entry, "key", f"the key contains {named(control[0])}: remove it")
        elif len(key) > MAX_KEY:
            self._add(entry, "key", f"the key has {len(key)} characters, at most {MAX_KEY} are taken: shorten it")
        elif line := self._lines.get(_identity(key)):
            self._add(
                entry, "key", f"the key `{key}` is taken by line {line} (capitals make no difference): keys are unique"
            )
        else:
            self._lines[_identity(key)] = entry.line
        return key

    def _made_key(self, entry: Entry, prompt: str, mode: Mode | None) -> str:
        base = key = key_from_content(prompt, mode)
        while _identity(key) in self._lines:
            self._repeats[base] = self._repeats.get(base, 1) + 1
            key = f"{base}-{self._repeats[base]}"
        self._lines[_identity(key)] = entry.line
        return key

    def _refuse_follow_ups_without_a_grid(self, entry: Entry) -> None:
        for action, why in NOT_A_GRID.items():
            if entry.then and entry.texts.get(action):
                first = entry.then[0]
                self._add(
                    entry, "then", f"{why}: there is nothing to {_DOES[first.word[0]]}, so {first.word} cannot follow"
                )

    def _add(self, entry: Entry, word: str, message: str) -> None:
        self._faults.add(entry.place(word).fault(message))


def read_mode(text: str, place: Place, faults: Faults) -> Mode | None:
    word = text.strip().casefold()
    if word in tuple(Mode):
        return Mode(word)
    near = nearest(word, tuple(Mode))
    hint = f"did you mean `{near}`?" if near else f"modes are {listed(Mode)}"
    faults.add(place.fault(f"unknown mode `{text.strip()}`: {hint}"))
    return None


def _identity(key: str) -> int:
    """Equal for keys that some disk would take for the same name. 64 bits of a hash, so that memory stays flat."""
    return hash(unicodedata.normalize("NFC", key.casefold()))


_DOES = {"U": "upscale", "V": "vary", "R": "make again"}
