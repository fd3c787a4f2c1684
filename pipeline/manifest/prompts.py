"""The texts of a manifest that are sent as prompts: made tidy, and what is wrong with them told at its column."""

from __future__ import annotations

import re
from typing import Protocol

from pipeline.manifest.place import Faults, Place
from pipeline.manifest.text import CONTROL, INVISIBLE, invisible, named
from pipeline.prompt import lint

MAX_PROMPT = 6000
"""Characters. What Discord takes; the servers let much longer ones hang for ever."""


_PICTURE = re.compile(r"(?<!\S)(row:[^\s,;]+|[^\s:,;]+\.(?:png|jpe?g|webp|gif))(?=[,;.]?(?:\s|$))", re.IGNORECASE)
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+/")


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
        if hidden := list(INVISIBLE.finditer(text)):
            for one in hidden:
                self._faults.add(where(one.start()).fault(f"the prompt contains {invisible(one[0])}: remove it"))
            return self._plain(text, text.strip(), where)
        linted = lint(text)
        for problem in linted.problems:
            self._faults.add(where(problem.at).fault(problem.message))
        return self._plain(text, linted.prompt, where)

    def imagined(self, text: str, where: Where) -> str:
        """The prompt of an imagine, which may not name pictures that stand in files or rows: these are never sent."""
        for match in _PICTURE.finditer(text) if self._linted else ():
            before = text[: match.start()].rsplit(maxsplit=1)[-1:]
            of_a_flag = before and before[0].startswith(("-", "—", "–"))
            if not of_a_flag and not _DOMAIN.match(match[1]):
                message = f"`{match[1]}` is a picture, and here it would be words: name it under `images`"
                self._faults.add(where(match.start()).fault(message))
        return self.flagged(text, where)

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
