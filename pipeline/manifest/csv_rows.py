"""CSV as people and spreadsheets write it: `,` or `;` or tab, quotes, line ends inside quotes.

Its own reader, because the csv module does not tell the column that a person has to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import BinaryIO

from pipeline.errors import Fault
from pipeline.manifest.entry import Entry
from pipeline.manifest.place import Faults, Place, Unreadable
from pipeline.manifest.text import LINE_END, lines
from pipeline.manifest.then_tree import Ground, from_text
from pipeline.manifest.then_words import Then
from pipeline.manifest.vocabulary import ACTION_WORDS, MEANT, ROW_WORDS, plain, unknown

MAX_RECORD = 65_536
"""Characters of one record. A quote that is still open after so many was never meant to be one."""

Lines = Iterator[tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record: its cells, and for a record with quotes where in `text` each of them starts."""

    line: int
    text: str
    cells: list[str]
    starts: list[int] | None = None

    def place(self, file: str, cell: int, at: int | None = None) -> Place:
        """Where a cell starts, or one character of its text; of the cell after the last one, where it is missing."""
        if cell >= len(self.cells):
            return _place(file, self.line, self.text, len(self.text))
        if self.starts is None:
            start = sum(len(text) + 1 for text in self.cells[:cell])
            found = self.cells[cell]
            return _place(file, self.line, self.text, start + (_indent(found) if at is None else at))
        start = self.starts[cell]
        if at is not None and self.text[start : start + 1] == '"':
            start += 1 + self.cells[cell].count('"', 0, at)
        return _place(file, self.line, self.text, start + (at or 0))


def entries(source: BinaryIO, file: str, faults: Faults) -> Iterator[Entry]:
    """The entries below the header. What is wrong with the file's shape, or with a `then`, goes to `faults`."""
    rest = lines(source, file)
    first = next(((number, line) for number, line in rest if line.strip()), None)
    if first is None:
        raise Unreadable(Place(file=file, line=1).fault("the file is empty: start it with the line `key,prompt,then`"))
    first, separator = _separated(first, rest)
    records = _records(chain([first], rest), separator, file, faults)
    header = next(records, None)
    columns = _columns(header, file, faults) if header else {}
    if not header or not columns:
        return
    unnamed = [cell for cell, name in enumerate(header.cells) if not name.strip()]
    for record in records:
        if not any(cell and not cell.isspace() for cell in record.cells):
            continue
        if _is_comment(record):
            faults.add(record.place(file, 0).fault(_COMMENT))
            continue
        if len(record.cells) != len(header.cells):
            faults.add(_wrong_count(record, len(header.cells), separator, file))
            continue
        for cell in unnamed:
            if record.cells[cell].strip():
                faults.add(record.place(file, cell).fault("this cell stands under no column name: name it or empty it"))
        yield _entry(record, columns, file)


def _separated(first: tuple[int, str], rest: Lines) -> tuple[tuple[int, str], str]:
    """The header's line, and what stands between its cells."""
    if declared := _DECLARED.fullmatch(first[1].strip("\r\n ")):
        return next(rest, (first[0] + 1, "")), declared[1]
    return first, max(",;\t", key=_QUOTED.sub("", first[1]).count)


def _entry(record: Record, columns: Mapping[str, int], file: str) -> Entry:
    return Entry(
        line=record.line,
        texts={word: record.cells[cell] for word, cell in columns.items()},
        then=partial(_then, record, columns, file) if "then" in columns else None,
        place=partial(_place_of, record, columns, file),
    )


def _then(record: Record, columns: Mapping[str, int], file: str, ground: Ground) -> Then:
    follow_ups, messages = from_text(record.cells[columns["then"]], ground.action, ground.mask)
    for message in messages:
        ground.faults.add(record.place(file, columns["then"]).fault(message))
    return Then(follow_ups=follow_ups)


def _place_of(record: Record, columns: Mapping[str, int], file: str, word: str, at: int | None = None) -> Place:
    return record.place(file, columns[word], at) if word in columns else record.place(file, 0)


def _columns(header: Record, file: str, faults: Faults) -> dict[str, int]:
    """Which cell holds which word. Columns that cannot be used are told and left out."""
    names = [plain(cell) for cell in header.cells]
    if not any(name in ROW_WORDS for name in names):
        raise Unreadable(header.place(file, 0).fault(_no_header(header)))
    columns: dict[str, int] = {}
    for cell, name in enumerate(names):
        if name in columns:
            faults.add(header.place(file, cell).fault(f"the column `{name}` is there twice: keep one of them"))
        elif name in ROW_WORDS:
            columns[name] = cell
        elif name:
            faults.add(header.place(file, cell).fault(unknown("column", header.cells[cell].strip(), ROW_WORDS)))
    if "prompt" in columns and "imagine" in columns:
        message = "`prompt` and `imagine` mean the same: keep one of the columns"
        faults.add(header.place(file, columns.pop("imagine")).fault(message))
    if not any(word in columns for word in (*ACTION_WORDS, "source", "target")):
        if any(MEANT.get(name) in ACTION_WORDS for name in names):
            return {}
        raise Unreadable(header.place(file, 0).fault("there is no column `prompt`: it says what to imagine"))
    return columns


_COMMENT = "a CSV has no comments: remove this line, or put its first cell in double quotes if `#` belongs to the text"


def _is_comment(record: Record) -> bool:
    """Whether the line starts with a bare `#`. A line with quotes is one only if they do not hold that sign."""
    return record.text.lstrip().startswith("#")


def _no_header(first: Record) -> str:
    if _is_comment(first):
        return "a CSV has no comments: start it with its columns, `key,prompt`"
    if any(plain(name) in ROW_WORDS for name in first.text.split("|")):
        return "the cells stand apart by `|`: export the file with `,` or `;` or a tab between them"
    return "the first line must name the columns, such as `key,prompt,then`"


def _wrong_count(record: Record, expected: int, separator: str, file: str) -> Fault:
    shown = {"\t": "tab"}.get(separator, f"`{separator}`")
    found = len(record.cells)
    hint = (
        f"put a text that contains a {shown} in double quotes"
        if found > expected
        else f"leave a cell empty, but write its {shown}"
    )
    message = f"this row has {found} cell{'s' * (found != 1)}, but the header has {expected}: {hint}"
    return record.place(file, expected).fault(message)


def _records(physical: Lines, separator: str, file: str, faults: Faults) -> Iterator[Record]:
    for number, line in physical:
        if '"' not in line:
            text = line.rstrip("\r\n")
            yield Record(line=number, text=text, cells=text.split(separator))
            continue
        scan = _Scan(number, line, physical, separator, file)
        try:
            yield scan.record()
        except _BadQuote as bad:
            faults.add(bad.fault)


class _BadQuote(Unreadable):
    """A quote that spoils its record only: the next line starts a new one."""


class _Scan:
    """Reads one record that contains quotes, and takes further lines while a quote is open."""

    def __init__(self, line: int, text: str, more: Lines, separator: str, file: str) -> None:
        self._line, self._text, self._more, self._separator, self._file = line, text, more, separator, file

    def record(self) -> Record:
        cells: list[str] = []
        starts: list[int] = []
        at = 0
        while True:
            start = at
            while self._text[start : start + 1] == " ":
                start += 1
            quoted = self._text[start : start + 1] == '"'
            cell, at = self._quoted(start) if quoted else self._bare(start)
            cells.append(cell)
            starts.append(start)
            if self._text[at : at + 1] != self._separator:
                return Record(line=self._line, text=self._text.rstrip("\r\n"), cells=cells, starts=starts)
            at += 1

    def _bare(self, start: int) -> tuple[str, int]:
        end = self._text.find(self._separator, start)
        if end < 0:
            end = len(self._text.rstrip("\r\n"))
        return self._text[start:end], max(start, end)

    def _quoted(self, start: int) -> tuple[str, int]:
        closing = self._closing(start)
        end = closing + 1
        while self._text[end : end + 1] == " ":
            end += 1
        if self._text[end : end + 1] not in (self._separator, "\r", "\n", ""):
            message = 'text after a closing quote: write a quote inside a quoted text twice (`""`)'
            raise _BadQuote(self._place(end).fault(message))
        return self._text[start + 1 : closing].replace('""', '"'), end

    def _closing(self, start: int) -> int:
        at = start + 1
        while True:
            quote = self._text.find('"', at)
            if quote < 0:
                at = len(self._text)
                self._take_a_line(start)
            elif self._text[quote + 1 : quote + 2] == '"':
                at = quote + 2
            else:
                return quote

    def _take_a_line(self, opening: int) -> None:
        _, line = next(self._more, (0, ""))
        if not line or len(self._text) > MAX_RECORD:
            message = 'this quote is never closed: close it, or write a quote inside a text as `""`'
            raise Unreadable(self._place(opening).fault(message))
        self._text += line

    def _place(self, at: int) -> Place:
        return _place(self._file, self._line, self._text, at)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip() or text)


def _place(file: str, line: int, text: str, at: int) -> Place:
    """The position of a character in a record that starts on `line` and may span several."""
    ends = [end.end() for end in LINE_END.finditer(text, 0, at)]
    return Place(file=file, line=line + len(ends), column=at - (ends[-1] if ends else 0) + 1)


_DECLARED = re.compile('"?sep=([,;\t])"?')
"""The line that tells a spreadsheet how to read the file."""

_QUOTED = re.compile('"[^"]*"')
