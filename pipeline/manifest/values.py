"""`{{ date }}` and the like in a manifest: put in as text before it is read, so that no format has to know them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from pipeline.errors import Fault
from pipeline.manifest.place import Place, Unreadable
from pipeline.manifest.text import lines
from pipeline.manifest.vocabulary import listed, nearest
from pipeline.schedule import NAMES

_VALUE = re.compile(r"\{\{([^{}\r\n]*)\}\}")
_IN_BYTES = re.compile(_VALUE.pattern.encode())

Values = Mapping[str, str]
"""By their names, see `pipeline.schedule.values`."""


def put_in(data: bytes, values: Values) -> bytes:
    """The manifest with its values in their places. Names that are not known stay as they are written."""

    def value(found: re.Match[bytes]) -> bytes:
        known = values.get(found[1].strip().decode(errors="replace"))
        return found[0] if known is None else known.encode()

    return _IN_BYTES.sub(value, data)


def left(source: BinaryIO, file: str) -> Iterator[Fault]:
    """Tells each place where a value is still asked for: its name is not known, or there are no values here."""
    if not any(b"{{" in line for line in source):
        return
    source.seek(0)
    with suppress(Unreadable):  # which reading the rows meets again
        for number, line in lines(source, file):
            for found in _VALUE.finditer(line):
                place = Place(file=file, line=number, column=found.start() + 1)
                yield place.fault(_why_left(found[1].strip()))


def _why_left(name: str) -> str:
    if name in NAMES:
        return (
            f"`{name}` has a value only on a schedule: `pipeline schedule add NAME FILE`, then "
            "`pipeline schedule run-now NAME` to make it at once"
        )
    near = nearest(name.casefold(), NAMES)
    return f"there is no value `{name}`: " + (f"did you mean `{near}`?" if near else f"known are {listed(NAMES)}")


def as_written(faults: Sequence[Fault], written: BinaryIO, values: Values) -> Iterator[Fault]:
    """The faults with their columns as in the file: a value may be longer or shorter than what asks for it."""
    wanted = {fault.line for fault in faults}
    texts: dict[int, str] = {}
    with suppress(Unreadable):
        texts.update((number, line) for number, line in lines(written, "") if number in wanted)
    for fault in faults:
        yield replace(fault, column=_column(texts.get(fault.line, ""), fault.column - 1, values) + 1)


def _column(line: str, at: int, values: Values) -> int:
    """Where the character stands in the line as it was written that is number `at` in the line with its values."""
    longer = 0
    for found in _VALUE.finditer(line):
        start, value = found.start() + longer, values.get(found[1].strip())
        if value is None or at < start:
            continue
        if at < start + len(value):
            return found.start()
        longer += len(value) - len(found[0])
    return at - longer
