"""YAML events to nodes that know their line and column, one task at a time.

Composed here rather than by PyYAML, so that a long file streams and a hostile one (tags, aliases to themselves,
endless nesting) meets a sentence instead of an object, a loop or a crash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Any, BinaryIO

import yaml

from pipeline.manifest.nodes import Cut, Items, Node, Pairs, Scalar
from pipeline.manifest.place import LISTED, Place, Unreadable
from pipeline.manifest.text import CONTROL, lines, named

MAX_NESTING = 24

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = {None, *(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map"))}

_MAYBE_COMMENT = re.compile(r"[^\s#][^\S\n]+#[^\s#]")
_COMMENT = re.compile(r"\s*(#[^\s#].*)")


class Document:
    """The one document of a file: a mapping, whose `tasks` are handed out one by one."""

    def __init__(self, source: BinaryIO, file: str) -> None:
        """Raises `Unreadable` when the bytes are not text."""
        self._comments = _read_through(source, file)
        self._file = file
        self._events = self._parsed(source)
        self._anchors: dict[str, Node | None] = {}

    def pairs(self, streamed: str) -> Iterator[tuple[Scalar, int | None, Node]]:
        """Each key with its value; a sequence under the key `streamed` comes empty, then item by item."""
        first = self._start()
        if first is None:
            return
        if not isinstance(first, yaml.MappingStartEvent):
            raise self._stop(
                first, "the file must start with words such as `batch:` and `tasks:`; rows go under `tasks:`"
            )
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event)
            value = self._next()
            if key.text == streamed and isinstance(value, yaml.SequenceStartEvent) and not value.anchor:
                line, column = _position(value.start_mark)
                yield key, None, Items(line=line, column=column, nodes=[])
                for index in count():
                    if isinstance(event := self._next(), yaml.SequenceEndEvent):
                        break
                    yield key, index, self._node(event, 2)
            else:
                yield key, None, self._node(value, 1)
        self._expect_end()

    def _start(self) -> yaml.Event | None:
        for event in self._events:
            if isinstance(event, yaml.StreamEndEvent):
                return None
            if not isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
                return event
        return None

    def _expect_end(self) -> None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise self._stop(event, "a second document starts here (`---`): put each batch in its own file")

    def _next(self) -> yaml.Event:
        return next(self._events)

    def _key(self, event: yaml.Event) -> Scalar:
        node = self._node(event, 0)
        if not isinstance(node, Scalar):
            raise self._stop(event, "a key must be a word, not a list or a mapping")
        return node

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        assert isinstance(event, yaml.NodeEvent)  # noqa: S101 - the parser's grammar: narrows the type
        tag = getattr(event, "tag", None)
        if tag not in _PLAIN_TAGS:
            raise self._stop(event, f"the tag `{_short(str(tag))}` is not used in manifests: remove it")
        if depth > MAX_NESTING:
            raise self._stop(event, f"nested more than {MAX_NESTING} deep")
        if event.anchor:
            self._anchors[event.anchor] = None
        node = self._composed(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _composed(self, event: yaml.Event, depth: int) -> Node:
        line, column = _position(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event, line, column, self._cut(event))
        if isinstance(event, yaml.SequenceStartEvent):
            nodes: list[Node] = []
            while not isinstance(event := self._next(), yaml.SequenceEndEvent):
                nodes.append(self._node(event, depth + 1))
            return Items(line=line, column=column, nodes=nodes)
        pairs: list[tuple[Scalar, Node]] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event)
            pairs.append((key, self._node(self._next(), depth + 1)))
        return Pairs(line=line, column=column, pairs=pairs)

    def _cut(self, event: yaml.ScalarEvent) -> Cut | None:
        """What follows an unquoted text behind a `#` that no space follows."""
        line, column = _position(event.end_mark)
        if event.style or not event.value or line not in self._comments:
            return None
        found = _COMMENT.match(self._comments[line], column - 1)
        return found and Cut(line, found.start(1) + 1, found[1].rstrip())

    def _aliased(self, event: yaml.AliasEvent) -> Node:
        if event.anchor not in self._anchors:
            raise self._stop(
                event, f"`*{event.anchor}` is named nowhere above: write `&{event.anchor}` where it is meant"
            )
        node = self._anchors[event.anchor]
        if node is None:
            raise self._stop(event, f"`*{event.anchor}` stands inside itself and would never end")
        return node

    def _parsed(self, source: BinaryIO) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(source, _LOADER)
        except yaml.MarkedYAMLError as wrong:
            line, column = _position(_mark(wrong))
            place = Place(file=self._file, line=line, column=column)
            raise Unreadable(place.fault(_in_words(wrong, _character_at(source, place)))) from None
        except yaml.YAMLError as wrong:
            raise Unreadable(Place(file=self._file, line=1).fault(f"this is not YAML: {wrong}")) from None

    def _stop(self, event: yaml.Event, message: str) -> Unreadable:
        line, column = _position(event.start_mark)
        return Unreadable(Place(file=self._file, line=line, column=column).fault(message))


def _scalar(event: yaml.ScalarEvent, line: int, column: int, cut: Cut | None) -> Scalar:
    quoted = not event.implicit[0]
    last, end = _position(event.end_mark)
    quotes = 1 if event.style in {"'", '"'} else 0
    as_it_reads = last == line and end - column == len(event.value) + 2 * quotes and event.style not in {"|", ">"}
    text_column = column + quotes if as_it_reads else None
    return Scalar(line=line, column=column, text=event.value, quoted=quoted, text_column=text_column, cut=cut)


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!", 1)


def _position(mark: Any) -> tuple[int, int]:
    """Line and column from 1; of the first character where the parser says nothing."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _read_through(source: BinaryIO, file: str) -> dict[int, str]:
    """Lines by number in which a text may be cut short by a comment. Refuses what is not text."""
    comments: dict[int, str] = {}
    for number, line in lines(source, file):
        if control := CONTROL.search(line):
            place = Place(file=file, line=number, column=control.start() + 1)
            raise Unreadable(place.fault(f"{named(control[0])} cannot stand in YAML: remove it"))
        if len(comments) < LISTED and _MAYBE_COMMENT.search(line):
            comments[number] = line
    source.seek(0)
    return comments


def _character_at(source: BinaryIO, place: Place) -> str:
    source.seek(0)
    line = next((line for number, line in lines(source, place.file) if number == place.line), "")
    return line[place.column - 1 : place.column]


def _mark(wrong: yaml.MarkedYAMLError) -> Any:
    """Where a person should look: for what was opened and never closed, at its opening."""
    if wrong.context_mark and any(sign in (wrong.problem or "") for sign in ("end of stream", "expected ','")):
        return wrong.context_mark
    return wrong.problem_mark or wrong.context_mark


def _in_words(wrong: yaml.MarkedYAMLError, text_at: str) -> str:
    """The parser's complaint as a sentence with a remedy."""
    problem = wrong.problem or ""
    if "cannot start any token" in problem and text_at == "\t":
        return "a tab in the indentation: indent with spaces"
    return next((said for sign, said in _SAID.items() if sign in problem), f"this is not YAML: {problem}")


_SAID = {
    "mapping values are not allowed": "a second `: ` in this line, or a wrong indentation: "
    "put a text that contains `: ` in quotes",
    "tab character": "a tab in the indentation: indent with spaces",
    "expected alphabetic or numeric character": "a text cannot start with this character: put the text in quotes",
    "cannot start any token": "a text cannot start with this character: put the text in quotes",
    "expected key": "this does not fit the lines above: give the keys of one task the same indentation, "
    "and put nothing after a closing quote",
    "expected <block end>": "this does not fit the lines above: give the keys of one task the same indentation, "
    "and put nothing after a closing quote",
    "expected '-' indicator": "a list starts above, so this line must start with `- ` or stand elsewhere",
    "expected ',' or ']'": "a `[` is not closed, or a comma is missing",
    "expected ',' or '}'": "a `{` is not closed, or a comma is missing",
    "unexpected end of stream": "this quote is never closed",
    "could not find expected ':'": "a key without its `:`, or a `-` without a space after it",
    "unknown escape": "a backslash in double quotes starts an escape: use single quotes, or write it twice",
    "incompatible YAML": "this version of YAML is not known: remove the line that starts with %YAML",
}
