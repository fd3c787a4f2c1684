"""Bytes to lines of text: UTF-8 with or without BOM, any line ends. Knows nothing of CSV or YAML."""

from __future__ import annotations

import re
import unicodedata
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from pipeline.manifest.place import Place, Unreadable

LINE_END = re.compile("\r\n|\r|\n")
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
"""Control characters, those that mean a space or a line end excepted."""

INVISIBLE = re.compile("[\u00ad\u180e\u200b\u2060\ufeff]|(?<=[ -~])[\u200c\u200d]|[\u200c\u200d](?=[ -~])")
"""Characters without width, joiners excepted where scripts and emoji need them."""

LINE_BREAK = re.compile("[\t-\r\x85\u2028\u2029]")
"""Those others, for a text that must fit on a line."""

SAVE_AS_UTF8 = "save the file as UTF-8 (in a spreadsheet: `CSV UTF-8`)"


def lines(source: BinaryIO, file: str) -> Iterator[tuple[int, str]]:
    """Each physical line with its number, line end included. The first thing that is not text raises `Unreadable`."""
    for number, raw in enumerate(_physical(source), 1):
        if number == 1:
            _refuse_other_formats(raw, file)
            raw = raw.removeprefix(BOM_UTF8)  # noqa: PLW2901
        try:
            line = raw.decode()
        except UnicodeDecodeError as bad:
            place = Place(file=file, line=number, column=len(raw[: bad.start].decode()) + 1)
            message = f"the byte 0x{raw[bad.start]:02x} is not UTF-8: {SAVE_AS_UTF8}"
            raise Unreadable(place.fault(message)) from None
        if "\0" in line:
            place = Place(file=file, line=number, column=line.index("\0") + 1)
            raise Unreadable(place.fault(f"a NUL byte, which no text contains: {SAVE_AS_UTF8}"))
        yield number, line


def named(control: str) -> str:
    """What to call a character that cannot be shown."""
    return f"the control character U+{ord(control):04X}"


def invisible(character: str) -> str:
    """What to call a character that takes no room."""
    return f"the invisible character U+{ord(character):04X} ({unicodedata.name(character).lower()})"


def _physical(source: Iterable[bytes]) -> Iterator[bytes]:
    for raw in source:
        # A file of lone carriage returns, as old spreadsheets write it, is one "line" to Python.
        if b"\r" in raw[:-2]:
            yield from raw.splitlines(keepends=True)
        else:
            yield raw


def _refuse_other_formats(start: bytes, file: str) -> None:
    first = Place(file=file, line=1)
    if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in start[:4]:
        raise Unreadable(first.fault(f"this is UTF-16 (`Unicode text`), not UTF-8: {SAVE_AS_UTF8}"))
    if start.startswith(b"PK\x03\x04"):
        raise Unreadable(first.fault("this is a spreadsheet or zip file, not text: export it as `CSV UTF-8`"))
