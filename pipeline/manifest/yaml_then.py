"""`then` as YAML writes it: the shorthand as text, or lists and mappings of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pipeline.manifest.follow_up_names import Unnamed, named
from pipeline.manifest.nodes import Items, Node, Pairs, Scalar
from pipeline.manifest.place import Faults, Place, Unreadable
from pipeline.manifest.then_tree import MAX_DEPTH, MAX_TASKS, Ground, grown
from pipeline.manifest.then_words import Said, Then, Word, split
from pipeline.manifest.vocabulary import nearest, plain, unknown

VALUE_WORDS = ("by", "to", "how", "number")
"""What the value of a word may be called beside its other words: `{zoom: {by: 1.5, then: U1}}`."""

BESIDE = ("then", "prompt", "mask")


def read_then(node: Node, place: Place, ground: Ground) -> Then:
    """The follow-ups of a `then` that stands at `place`."""
    try:
        words = _Walk(place.file, ground.faults).words(node, place.path, 1)
    except Unreadable as stop:
        ground.faults.add(stop.fault)
        return Then()
    return grown(words, place, ground)


class _Walk:
    """One walk through a `then`. Counts what it meets: aliases may make a short text endless."""

    def __init__(self, file: str, faults: Faults) -> None:
        self._file = file
        self._faults = faults
        self._met = 0

    def words(self, node: Node, path: str, depth: int) -> list[Word]:
        if isinstance(node, Scalar):
            return [] if node.is_nothing else self._split(node, path)
        return list(self._listed(node, path, depth) if isinstance(node, Items) else self._mapped(node, path, depth))

    def _listed(self, node: Items, path: str, depth: int) -> Iterator[Word]:
        for index, item in enumerate(node.nodes):
            where = f"{path}[{index}]"
            self._count(item, where)
            if isinstance(item, Items):
                message = "a list inside a list: write what follows a word under it, as in `V2: U1-U4`"
                self._faults.add(self._place(item, where).fault(message))
            else:
                yield from self.words(item, where, depth)

    def _mapped(self, node: Pairs, path: str, depth: int) -> Iterator[Word]:
        for key, value in node.pairs:
            where = f"{path}.{key.text}"
            self._count(key, where)
            if depth > MAX_DEPTH:
                self._faults.add(self._place(key, where).fault(f"follow-ups are nested more than {MAX_DEPTH} deep"))
                return
            yield from self._with(self._split(key, where), value, where, depth)

    def _with(self, words: list[Word], value: Node, path: str, depth: int) -> list[Word]:
        """The words of a key, with what its value says of them."""
        if len(words) == 1 and _wants_value(words[0]):
            if isinstance(value, Pairs):
                return self._described(words, value, path, depth)
            return self._valued(words[0], value, path)
        if isinstance(value, Pairs) and any(_is_beside(key.text) for key, _ in value.pairs):
            return self._described(words, value, path, depth)
        if len(words) == 1 and _family(words[0].text) == "vary_region" and isinstance(value, Scalar):
            words[0].mask = None if value.is_nothing else self._said(value, path)
        elif not _is_yes(value) and all(_family(word.text) for word in words):
            self._put(self.words(value, path, depth + 1), words)
        return words

    def _valued(self, word: Word, value: Node, path: str) -> list[Word]:
        """`zoom: 1.5` and `imagine: [1, 2]`."""
        if isinstance(value, Scalar):
            return [Word(word.text, word.place, value=None if value.is_nothing else value.text)]
        words = []
        for index, one in enumerate(value.nodes if isinstance(value, Items) else []):
            place = self._place(one, f"{path}[{index}]")
            self._count(one, place.path)
            if isinstance(one, Scalar):
                words.append(Word(word.text, place, value=one.text))
            else:
                self._faults.add(place.fault(f"`{word.text}` takes one word here, or a list of them"))
        return words

    def _described(self, words: list[Word], value: Pairs, path: str, depth: int) -> list[Word]:
        """`{zoom: {by: 1.5, prompt: wider, then: U1}}`."""
        for key, node in value.pairs:
            where = f"{path}.{key.text}"
            self._count(key, where)
            name = plain(key.text)
            if name == "then":
                self._put(self.words(node, where, depth + 1), words)
            elif name not in (*BESIDE, *VALUE_WORDS):
                self._faults.add(self._place(key, where).fault(unknown("key", key.text, (*BESIDE, *VALUE_WORDS))))
            elif not isinstance(node, Scalar):
                self._faults.add(self._place(node, where).fault(f"`{key.text}` must be a text: write it on one line"))
            elif not node.is_nothing:
                for word in words:
                    self._say(word, name, node, where)
        return words

    def _say(self, word: Word, name: str, node: Scalar, path: str) -> None:
        if name == "prompt":
            word.prompt = self._said(node, path)
        elif name == "mask":
            word.mask = self._said(node, path)
        else:
            word.value = node.text

    def _put(self, children: list[Word], words: list[Word]) -> None:
        for word in words:
            word.then.extend(children)

    def _said(self, node: Scalar, path: str) -> Said:
        return Said(node, partial(self._within, node, path))

    def _within(self, node: Scalar, path: str, at: int | None = None) -> Place:
        return Place(
            file=self._file, line=node.line, column=node.column if at is None else node.column_of(at), path=path
        )

    def _split(self, scalar: Scalar, path: str) -> list[Word]:
        try:
            return split(scalar.text, self._place(scalar, path))
        except Unreadable as stop:
            self._faults.add(stop.fault)
            return []

    def _count(self, node: Node, path: str) -> None:
        self._met += 1
        if self._met > MAX_TASKS:
            message = f"this `then` names more than {MAX_TASKS} follow-ups: split the row"
            raise Unreadable(self._place(node, path).fault(message))

    def _place(self, node: Node, path: str) -> Place:
        return Place(file=self._file, line=node.line, column=node.column, path=path)


def _family(text: str) -> str | None:
    try:
        return named(text).family
    except Unnamed:
        return None


def _wants_value(word: Word) -> bool:
    try:
        return named(word.text).lacks_value and not word.then
    except Unnamed:
        return False


def _is_beside(text: str) -> bool:
    """Whether a key says something of the word above it, and does not follow it. `promt` is meant to."""
    name = plain(text)
    return name in (*BESIDE, *VALUE_WORDS) or (nearest(name, BESIDE) is not None and _family(text) is None)


def _is_yes(node: Node) -> bool:
    """`seed: true` says no more than `seed`."""
    return isinstance(node, Scalar) and not node.quoted and node.text.casefold() in {"true", "yes", "on"}
