"""The texts of a manifest that are sent as prompts: made tidy, and what is wrong with them told at its column."""

from __future__ import annotations

from typing import Protocol

from pipeline.manifest.place import Faults, Place
from pipeline.manifest.text import CONTROL, named
from pipeline.prompt import lint

MAX_PROMPT = 6000
"""Characters. What Discord takes; the servers let much longer ones hang for ever."""


class Where(Protocol):
    """Where a text stands, and where one of its characters does."""

    def __call__(self, at: int | None = None) -> Place: ...


class Prompts:
    """Checks prompts in one way: all of a manifest, those of follow-ups too."""

    def __init__(self, faults: Faults, *, linted: bool) -> None:
        self._faults = faults
        self._linted = linted

    def flagged(self, text: str, where: Where) -> str:
        """A prompt with flags, as it is sent."""
        if not self._linted or CONTROL.search(text):
            return self._plain(text, text.strip(), where)
        linted = lint(text)
        for problem in linted.problems:
            self._faults.add(where(problem.at).fault(problem.message))
        return self._plain(text, linted.prompt, where)

    def flagless(self, text: str, where: Where) -> str:
        """A text that is looked at for its words only."""
        return self._plain(text, " ".join(text.split()) if self._linted else text.strip(), where)

    def _plain(self, text: str, sent: str, where: Where) -> str:
        if control := CONTROL.search(text):
            self._faults.add(where().fault(f"the prompt contains {named(control[0])}: remove it"))
        if len(sent) > MAX_PROMPT:
            message = f"the prompt has {len(sent)} characters, at most {MAX_PROMPT} are taken: shorten it"
            self._faults.add(where().fault(message))
        return sent
