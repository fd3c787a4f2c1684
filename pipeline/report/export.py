"""A batch as lines for other programs: one for each task, as CSV or JSONL. Streams: a line is written and forgotten."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

from pipeline.action import TEXTS, Action
from pipeline.deliver import prompt_parameters
from pipeline.report.told import told_of
from pipeline.store.records import Record

Line = Mapping[str, Any]
"""Values by the names of `COLUMNS`: text, whole numbers, lists of text, None."""

COLUMNS = (
    "batch",
    "key",
    "parent_key",
    "action",
    "word",
    "prompt",
    "state",
    "reason",
    "file",
    "width",
    "height",
    "sha256",
    "media_type",
    "seed",
    "prompts",
    "text",
    "urls",
    "remote_id",
    "note",
    "account",
    "attempts",
    "submitted_at",
    "started_at",
    "finished_at",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t")
"""A cell that starts so is computed by spreadsheets: https://owasp.org/www-community/attacks/CSV_Injection"""
LINE_ENDS = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"})
"""What JSON allows in a string, and some readers take for the end of a line."""


class Format(StrEnum):
    """How lines are written."""

    CSV = "csv"
    JSONL = "jsonl"


def lines(batch: str, account: str, trees: Iterable[Record]) -> Iterator[Line]:
    """A line for each task, follow-ups after their parents."""
    for tree in trees:
        yield from _family(batch, account, tree, None)


def write_lines(lines: Iterable[Line], form: Format, file: TextIO) -> int:
    """Writes all lines, and says how many. Raises OSError."""
    return _write_csv(lines, file) if form is Format.CSV else _write_jsonl(lines, file)


def _family(batch: str, account: str, record: Record, parent: Record | None) -> Iterator[Line]:
    yield _line(batch, account, record, parent)
    for child in record.children:
        yield from _family(batch, account, child, record)


def _line(batch: str, account: str, record: Record, parent: Record | None) -> Line:
    told = told_of(record.result)
    return {
        "batch": batch,
        "key": record.key,
        "parent_key": parent.key if parent else None,
        "action": record.action.value,
        "word": record.word,
        "prompt": record.prompt,
        "state": record.state.value,
        "reason": record.reason,
        "file": record.path,
        "width": record.width,
        "height": record.height,
        "sha256": record.sha256,
        "media_type": record.media_type,
        "seed": told.seed or _seed(record),
        "prompts": list(told.prompts),
        "text": told.text or None,
        "urls": list(told.urls),
        "remote_id": record.remote_id,
        "note": record.note,
        "account": account,
        "attempts": record.attempts,
        "submitted_at": _iso(record.submitted_at),
        "started_at": _iso(record.started_at),
        "finished_at": _iso(record.finished_at),
    }


def _seed(record: Record) -> str | None:
    """Of a picture: as the server reported it, as a `seed` follow-up told it, or as its prompt asked for it."""
    if record.action in TEXTS:
        return None
    asked = (told_of(child.result).seed for child in record.children if child.action is Action.SEED)
    written = prompt_parameters(record.prompt).get("seed")
    return record.seed or next(filter(None, asked), None) or (written if isinstance(written, str) else None)


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _write_csv(lines: Iterable[Line], file: TextIO) -> int:
    writer, count = csv.writer(file, lineterminator="\n"), 0
    writer.writerow(COLUMNS)
    for count, line in enumerate(lines, 1):  # noqa: B007 - the last number is the result
        writer.writerow([_cell(line[name]) for name in COLUMNS])
    return count


def _cell(value: Any) -> str:
    """The value as text, with the line ends that every reader of CSV takes for its own."""
    if isinstance(value, list):
        value = "\n".join(value)
    text = "" if value is None else str(value).replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _write_jsonl(lines: Iterable[Line], file: TextIO) -> int:
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007 - the last number is the result
        file.write(json.dumps(line, ensure_ascii=False).translate(LINE_ENDS) + "\n")
    return count
