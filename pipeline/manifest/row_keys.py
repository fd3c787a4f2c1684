"""Keys of rows: those that people write are unique, and the others are made from what the row says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.action import Action
from pipeline.inputs import inputs_to_json
from pipeline.manifest.entry import Entry
from pipeline.manifest.known_rows import KnownRows
from pipeline.manifest.names import key_from_content
from pipeline.manifest.place import Faults
from pipeline.manifest.sources import Found
from pipeline.manifest.text import CONTROL, LINE_BREAK, named
from pipeline.task import Mode

MAX_KEY = 200
"""Characters."""


class RowKeys:
    """Gives each row of one manifest its key."""

    def __init__(self, known: KnownRows, faults: Faults) -> None:
        self._known = known
        self._faults = faults
        self._repeats: dict[str, int] = {}

    def written(self, entry: Entry) -> str:
        """The key that the entry says; empty where it says none."""
        key = entry.text("key")
        if not key:
            return ""
        problem = None
        if control := CONTROL.search(key) or LINE_BREAK.search(key):
            problem = f"the key contains {named(control[0])}: remove it"
        elif len(key) > MAX_KEY:
            problem = f"the key has {len(key)} characters, at most {MAX_KEY} are taken: shorten it"
        elif line := self._known.line_of(key):
            problem = f"the key `{key}` is taken by line {line} (capitals make no difference): keys are unique"
        if problem:
            self._faults.add(entry.place("key").fault(problem))
        return key

    def made(
        self, action: Action, written: str, mode: Mode | None, found: Sequence[Found], options: Mapping[str, Any]
    ) -> str:
        """A key that says what the row is about, the same wherever the row stands and however its prompt is tidied.

        `written` is the prompt as the person wrote it, but for white space.
        """
        base = key = key_from_content(
            written or " ".join([action, *(one.name for one in found)]),
            f"{written}\0{mode or ''}{_beside_the_prompt(action, found, options)}",
        )
        while self._known.line_of(key):
            self._repeats[base] = self._repeats.get(base, 1) + 1
            key = f"{base}-{self._repeats[base]}"
        return key


def _beside_the_prompt(action: Action, found: Sequence[Found], options: Mapping[str, Any]) -> str:
    """The rest of what the row says. Nothing for a plain imagine, whose key must stay what it always was."""
    if action is Action.IMAGINE and not found and not options:
        return ""
    sent = [action, inputs_to_json(one.input for one in found), dict(options)]
    return "\0" + json.dumps(sent, sort_keys=True)
