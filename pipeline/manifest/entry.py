"""An entry as a format hands it over: what it says under which word, and where. The same for CSV and YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from pipeline.manifest.nodes import Items, Node, Pairs, Scalar
from pipeline.manifest.place import Place
from pipeline.manifest.prompts import Where
from pipeline.manifest.then_tree import Ground
from pipeline.manifest.then_words import Then
from pipeline.task import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a row says when it says nothing itself."""

    mode: Mode | None = None
    then: Then = field(default_factory=Then)


class Places(Protocol):
    """Where the text of a word stands, or one of its characters; the start of the row where the word is missing."""

    def __call__(self, word: str, at: int | None = None) -> Place: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, unchecked."""

    line: int
    texts: Mapping[str, str]
    """By the words it used; empty where a word has no text, or something else than a text."""
    place: Places
    then: Callable[[Ground], Then] | None
    nodes: Mapping[str, Items | Pairs] = field(default_factory=dict)
    """Lists and mappings, which only YAML has."""
    incomplete: bool = False
    """Whether some of its words could not be used, which was told already."""

    @property
    def words(self) -> AbstractSet[str]:
        """Those it used, empty ones too."""
        return self.texts.keys() | self.nodes.keys() if self.nodes else self.texts.keys()

    def says(self, word: str) -> bool:
        return word in self.nodes or bool(self.texts.get(word, "").strip())

    def text(self, word: str) -> str:
        return self.texts.get(word, "").strip()

    def where(self, word: str) -> Where:
        return partial(self.place, word)

    def node(self, word: str) -> Node:
        """A list or mapping as it is; a text with the place where it starts."""
        place = self.place(word)
        return self.nodes.get(word) or Scalar(line=place.line, column=place.column, text=self.texts.get(word, ""))
