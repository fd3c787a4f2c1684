"""The check that makes a row of an entry, or tells everything that is wrong with it."""

from __future__ import annotations

from functools import partial

from pipeline.action import Action
from pipeline.manifest.entry import Defaults, Entry
from pipeline.manifest.following import CALLED
from pipeline.manifest.known_rows import Kind
from pipeline.manifest.options import mode, options, required
from pipeline.manifest.place import Faults
from pipeline.manifest.prompts import Prompts
from pipeline.manifest.row_inputs import inputs
from pipeline.manifest.row_keys import RowKeys
from pipeline.manifest.row_then import RowThen
from pipeline.manifest.shapes import shape_of_row
from pipeline.manifest.sources import Sources
from pipeline.manifest.vocabulary import ACTION_WORDS, FIELDS_OF, listed
from pipeline.task import Row

_EMPTY = {
    Action.IMAGINE: "the prompt is empty: say what to imagine",
    Action.SHORTEN: "the prompt is empty: write the one that is too long",
    Action.EDIT: "the prompt is empty: say what to change",
    Action.VIDEO: "the prompt is empty: say what moves",
}


class RowCheck:
    """Makes rows of the entries of one manifest. Remembers a few numbers for each row, never the rows."""

    def __init__(self, faults: Faults, defaults: Defaults, sources: Sources, prompts: Prompts) -> None:
        self._faults = faults
        self._mode = defaults.mode
        self._prompts = prompts
        self._sources = sources
        self._keys = RowKeys(sources.rows, faults)
        self._thens = RowThen(defaults.then, sources, prompts, faults)

    def row(self, entry: Entry) -> Row:
        """The row, to be used only as long as there is no fault."""
        action, word = self._action(entry)
        if word:
            self._refuse_foreign_fields(entry, action)
        prompt = self._prompt(entry, action, word)
        speed = mode(entry, self._faults) if entry.says("mode") else self._mode
        others = options(entry, self._faults)
        found = inputs(entry, action, word, self._sources, self._faults) if word else []
        shape = partial(shape_of_row, action, prompt, others)
        then = self._thens.follow_ups(entry, action if word else None, shape)
        written = " ".join(entry.texts.get(word, "").split()) if prompt else ""
        key = self._keys.written(entry) or self._keys.made(action, written, speed, found, others)
        self._sources.rows.add(key, entry.line, Kind(action, then))
        self._sources.note(key, entry.line)
        return Row(
            key=key,
            prompt=prompt,
            written=written if written and written != " ".join(prompt.split()) else None,
            mode=speed,
            then=then,
            line=entry.line,
            action=action,
            inputs=tuple(one.input for one in found),
            options=others,
            requires=required(entry, self._faults) if entry.says("requires") else (),
        )

    def _action(self, entry: Entry) -> tuple[Action, str]:
        """What the row does, and its own word for that; no word where that is not clear."""
        said = [word for word in ACTION_WORDS if word in entry.words and entry.says(word)]
        if not said:
            face = next((word for word in ("source", "target") if entry.says(word)), None)
            if face:
                return Action.SWAP_FACE, face
            if not entry.incomplete:
                self._tell_what_is_empty(entry)
            return Action.IMAGINE, ""
        first = ACTION_WORDS[said[0]]
        if len(said) > 1 and ACTION_WORDS[said[1]] is first:
            self._tell(entry, said[1], f"{listed(said[:2])} mean the same: keep one of them")
        elif len(said) > 1:
            hint = "keep one of them"
            if first is Action.IMAGINE and said[1] in {"edit", "video"}:
                hint = f"write the text under `{said[1]}` and the picture under `image`"
            both = f"`{said[0]}` and `{said[1]}`"
            self._tell(entry, said[1], f"{both} are different things to make, and a row makes one: {hint}")
            return first, ""
        return first, said[0]

    def _tell_what_is_empty(self, entry: Entry) -> None:
        written = [word for word in ACTION_WORDS if word in entry.texts]
        actions = {ACTION_WORDS[word] for word in written}
        if len(actions) == 1:
            missing = f"`{written[0]}` is empty: name a picture"
            self._tell(entry, written[0], _EMPTY.get(actions.pop(), missing))
        elif written:
            self._tell(entry, written[0], f"this row says nothing to make: fill one of {listed(written)}")
        else:
            self._tell(entry, "prompt", "this row says nothing to make: write `imagine` and a prompt, or another word")

    def _refuse_foreign_fields(self, entry: Entry, action: Action) -> None:
        for word, owners in FIELDS_OF.items():
            if word in entry.words and action not in owners and entry.says(word):
                hint = "did you mean `images`?" if (word, action) == ("image", Action.IMAGINE) else "remove it"
                belongs = " and ".join(owners)
                self._tell(entry, word, f"`{word}` belongs to {belongs}, and this is {CALLED[action]}: {hint}")

    def _prompt(self, entry: Entry, action: Action, word: str) -> str:
        if not word or action not in _EMPTY:
            return ""
        text, where = entry.texts.get(word, ""), entry.where(word)
        if action is Action.SHORTEN:
            return self._prompts.flagless(text, where)
        if action is Action.IMAGINE:
            return self._prompts.imagined(text, where)
        return self._prompts.flagged(text, where)

    def _tell(self, entry: Entry, word: str, message: str) -> None:
        self._faults.add(entry.place(word).fault(message))
