"""`then` as YAML writes it: the shorthand as text, or lists and mappings of it."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.manifest.place import Faults, Place, Unreadable
from pipeline.manifest.then_words import MAX_DEPTH, MAX_TASKS, Word, split, tree
from pipeline.manifest.yaml_nodes import Items, Node, Pairs, Scalar
from pipeline.then import FollowUp


def read_then(node: Node, place: Place, faults: Faults) -> tuple[FollowUp, ...]:
    """The follow-ups of a `then` that stands at `place`."""
    try:
        words = _Walk(place.file, faults).words(node, place.path, 1)
    except Unreadable as stop:
        faults.add(stop.fault)
        return ()
    return tree(words, place, faults)


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
            words = self._split(key, where)
            below, where = _unwrapped(value, where)
            children = self.words(below, where, depth + 1) if all(word.is_follow_up for word in words) else []
            for word in words:
                word.then.extend(children)
            yield from words

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


def _unwrapped(value: Node, path: str) -> tuple[Node, str]:
    """`{V2: {then: U1}}` says the same as `{V2: U1}`."""
    if isinstance(value, Pairs) and [key.text for key, _ in value.pairs] == ["then"]:
        return value.pairs[0][1], f"{path}.then"
    return value, path
