"""The pictures that go into a row, by what names them: a file, an address, or another row's result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from pipeline.action import Makes
from pipeline.errors import Fault
from pipeline.inputs import Input, Picture, Role
from pipeline.manifest.entry import Entry
from pipeline.manifest.follow_up_names import Unnamed, named, upscale_meant
from pipeline.manifest.known_rows import Kind, KnownRows
from pipeline.manifest.names import stem
from pipeline.manifest.nodes import Items, Node, Pairs, Scalar
from pipeline.manifest.pictures import PictureFault, Pictures
from pipeline.manifest.place import LISTED, Faults, Place
from pipeline.manifest.then_words import Said
from pipeline.manifest.vocabulary import plain

_PICTURES = {Makes.GRID, Makes.PICTURE, Makes.PLAIN_PICTURE}
_SAYS_NOTHING = {"black": "all black, so nothing would vary", "white": "all white, so everything would vary"}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://|data:", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_SEVERAL = re.compile(r"\s*[,;]\s*")
_LIKE_A_PICTURE = re.compile(r"row:\S+|\S+\.(?:png|jpe?g|webp|gif)", re.IGNORECASE)
_PART = re.compile(r"[^|]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A picture as it was named: its file, its address, or `row:` and the way to another row's result."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A picture that goes in, and a short name for it."""

    input: Input
    name: str


class Sources:
    """Finds what the rows of one manifest name, and tells what cannot be found."""

    def __init__(self, pictures: Pictures, rows: KnownRows, faults: Faults) -> None:
        self._pictures = pictures
        self._faults = faults
        self.rows = rows
        self._awaited: dict[str, list[Fault]] = {}
        self.masks: dict[str, Picture] = {}
        """What was found as a mask, by its digest."""

    def named(self, entry: Entry, word: str) -> list[Source]:
        """What the entry names under a word: a list, or a text with `|` between the pictures."""
        if word in entry.nodes:
            return list(self.in_node(entry.nodes[word], entry.place(word)))
        found = [
            Source(name=part[0].strip(), place=entry.place(word, part.start() + _indent(part[0])))
            for part in _PART.finditer(entry.texts.get(word, ""))
            if part[0].strip()
        ]
        return [one for one in found if not self._tell_separator(one)]

    def _tell_separator(self, source: Source) -> bool:
        """Whether one name is several, with another sign than `|` between them."""
        names = _SEVERAL.split(source.name)
        if len(names) < 2 or not all(_LIKE_A_PICTURE.fullmatch(name) for name in names):
            return False
        self._lost(source, f"between pictures stands a `|`: write `{' | '.join(names)}`")
        return True

    def note(self, key: str, line: int) -> None:
        """Tells the rows above that named this one in vain where it stands."""
        for fault in self._awaited.pop(key, []):
            if fault.line < line:
                self._faults.reword(fault, f"the row `{key}` stands below, on line {line}: move it above this one")

    def mask(self, said: Said) -> Input | None:
        """The mask that a follow-up names."""
        found = self.find(Source(name=said.node.text.strip(), place=said.where()), Role.MASK)
        return found.input if found else None

    def find(self, source: Source, role: Role) -> Found | None:
        """The picture, or None when it was told what is wrong with it."""
        row = source.name[4:] if source.name[:4].casefold() == "row:" else None
        if role is Role.MASK and (row is not None or _SCHEME.match(source.name)):
            return self._lost(source, "a mask is a file: its shape is checked before anything is sent")
        if row is not None:
            return self._of_row(row.strip(), source, role)
        if _SCHEME.match(source.name):
            return self._at_address(source, role)
        if source.name[:4].casefold() == "www.":
            return self._lost(source, f"write `https://{source.name}` for an address")
        try:
            picture = self._pictures.find(source.name)
            colour = self._pictures.colour(source.name) if role is Role.MASK else None
        except PictureFault as fault:
            return self._lost(source, str(fault))
        if role is Role.MASK:
            if picture.media_type != "image/png":
                kind = picture.media_type.removeprefix("image/").upper()
                return self._lost(source, f"the mask `{source.name}` is a {kind}: a mask must be a PNG")
            if colour in _SAYS_NOTHING:
                remedy = "paint white what is to vary, and black the rest"
                return self._lost(source, f"the mask `{source.name}` is {_SAYS_NOTHING[colour]}: {remedy}")
            self.masks[picture.sha256] = picture
        return Found(input=Input(role=role, sha256=picture.sha256), name=PurePosixPath(source.name).stem)

    def in_node(self, node: Node, place: Place) -> Iterator[Source]:
        if isinstance(node, Items):
            for index, one in enumerate(node.nodes):
                path = f"{place.path}[{index}]"
                at = Place(file=place.file, line=one.line, column=one.column, path=path)
                if isinstance(one, Items):
                    self._faults.add(at.fault("a list inside a list: name one picture here"))
                else:
                    yield from self.in_node(one, at)
        elif isinstance(node, Scalar):
            if not node.is_nothing:
                yield Source(name=node.text.strip(), place=place)
        else:
            yield from self._in_pairs(node, place)

    def _in_pairs(self, node: Pairs, place: Place) -> Iterator[Source]:
        said = {plain(key.text): value.text for key, value in node.pairs if isinstance(value, Scalar)}
        if len(said) != len(node.pairs) or set(said) - {"row", "picture"} or not said.get("row"):
            self._faults.add(place.fault("a picture is a path, an address, or a row such as `{row: fox, picture: U2}`"))
            return
        way = said.get("picture", "")
        yield Source(name=f"row:{said['row']}" + (f"/{way}" if way else ""), place=place)

    def _at_address(self, source: Source, role: Role) -> Found | None:
        try:
            address = urlsplit(source.name)
            host = address.hostname
        except ValueError:
            host = None
        if not host or address.scheme not in {"http", "https"}:
            return self._lost(source, "an address of a picture starts with http:// or https://; else name a file")
        if not (source.name.isascii() and source.name.isprintable()) or " " in source.name:
            return self._lost(source, "this address has characters that none has: write them as %20 and the like")
        return Found(input=Input(role=role, url=source.name), name=PurePosixPath(address.path).stem or host)

    def _of_row(self, text: str, source: Source, role: Role) -> Found | None:
        parts = text.split("/")
        for count in range(len(parts), 0, -1):
            key = "/".join(parts[:count])
            if kind := self.rows.kind_of(key):
                return self._of_kind(key, kind, parts[count:], source, role)
        if line := self.rows.line_of(parts[0]):
            return self._lost(source, f"the key on line {line} is written with other capitals than `{parts[0]}`")
        near = self.rows.nearest(parts[0])
        numbered = near and _DIGITS.sub("", near) == _DIGITS.sub("", parts[0])
        hint = f"did you mean `{near}`?" if near and not numbered else "a row can use what stands above it"
        fault = source.place.fault(f"no row above has the key `{parts[0]}`: {hint}")
        self._faults.add(fault)
        if self._faults.count <= LISTED:
            self._awaited.setdefault(parts[0], []).append(fault)
        return None

    def _of_kind(self, key: str, kind: Kind, parts: list[str], source: Source, role: Role) -> Found | None:
        words: list[str] = []
        for part in parts:
            word = _canonical(part, kind.makes(tuple(words)))
            if kind.makes((*words, word)) is None:
                way = "/".join([key, *words])
                return self._lost(source, f"`{way}` has no follow-up {part}: add it to the `then` of that row")
            words.append(word)
        made = kind.makes(tuple(words))
        if made not in _PICTURES:
            return self._lost(source, f"`{'/'.join([key, *words])}` makes no picture: it makes {_MADE[made]}")
        chain = [stem(key)]
        for word in words:
            chain.append(f"{chain[-1]}-{word}")
        return Found(input=Input(role=role, stems=tuple(chain)), name="-".join([key, *words]))

    def _lost(self, source: Source, why: str) -> Found | None:
        self._faults.add(source.place.fault(why))
        return None


_MADE = {
    Makes.FILM: "a film",
    Makes.PROMPTS: "prompts",
    Makes.SHORTENED: "prompts",
    Makes.TEXT: "a line of text",
    None: "nothing",
}


def _canonical(part: str, of: Makes | None) -> str:
    """A follow-up's word as the tree has it."""
    text, tilde, count = part.strip().partition("~")
    try:
        meant = named(text)
        if meant.family == "upscale" and meant.values and meant.values[0].isdigit():
            meant = upscale_meant(meant, of)
    except Unnamed:
        return part
    return f"{meant.words[0]}{tilde}{count}"


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())
