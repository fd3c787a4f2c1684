"""A batch as CSV and JSONL, as the program that reads it finds it."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from pipeline.action import Action
from pipeline.report.export import COLUMNS, Format, lines, write_lines
from pipeline.store.records import Record
from pipeline.task import State

NO_FILE = dict.fromkeys(("path", "sha256", "media_type", "width", "height"))
PROMPTS = ("a fox --ar 3:2", "=HYPERLINK(1)", 'ثعلب, "quoted"\u2028second')


def record(key: str, *children: Record, **fields: Any) -> Record:
    values: dict[str, Any] = {
        "id": 1,
        "key": key,
        "action": Action.IMAGINE,
        "word": None,
        "prompt": "a fox",
        "own_prompt": False,
        "inputs": (),
        "input_paths": (),
        "state": State.DELIVERED,
        "wanted": True,
        "reason": None,
        "note": None,
        **NO_FILE,
        "seed": None,
        "result": None,
        "remote_id": "13200",
        "attempts": 1,
        "submitted_at": None,
        "started_at": None,
        "finished_at": None,
    }
    return Record(**values | fields, children=children)


def written(form: Format, *trees: Record) -> str:
    file = io.StringIO()
    write_lines(lines("spring", "acme", trees), form, file)
    return file.getvalue()


def as_csv(*trees: Record) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(Format.CSV, *trees), newline="")))


def as_jsonl(*trees: Record) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(Format.JSONL, *trees).splitlines()]


DESCRIBED = record("cat", action=Action.DESCRIBE, prompt="", result={"text": "raw\r\ntext", "prompts": list(PROMPTS)})


def test_both_formats_have_the_same_columns() -> None:
    assert tuple(as_jsonl(DESCRIBED)[0]) == tuple(as_csv(DESCRIBED)[0]) == COLUMNS


def test_follow_ups_come_after_their_parents_and_name_them() -> None:
    tree = record("fox", record("fox-V1", record("fox-V1-U2", word="U2"), word="V1"), record("fox-U1", word="U1"))
    found = [(one["key"], one["parent_key"], one["word"]) for one in as_jsonl(tree, record("owl"))]
    assert found == [
        ("fox", None, None),
        ("fox-V1", "fox", "V1"),
        ("fox-V1-U2", "fox-V1", "U2"),
        ("fox-U1", "fox", "U1"),
        ("owl", None, None),
    ]


def test_prompts_are_a_list_in_jsonl_and_one_cell_in_csv() -> None:
    assert as_jsonl(DESCRIBED)[0]["prompts"] == list(PROMPTS)
    assert as_csv(DESCRIBED)[0]["prompts"] == "\n".join(PROMPTS)
    assert as_csv(DESCRIBED)[0]["text"] == "raw\ntext"


@pytest.mark.parametrize("prompt", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "--ar 3:2", "\t=1"])
def test_no_spreadsheet_computes_a_cell(prompt: str) -> None:
    assert as_csv(record("fox", prompt=prompt))[0]["prompt"] == f"'{prompt}"
    assert as_jsonl(record("fox", prompt=prompt))[0]["prompt"] == prompt


def test_what_is_not_there_is_empty_in_csv_and_null_in_jsonl() -> None:
    waiting = record("fox", state=State.PLANNED, remote_id=None)
    assert (as_csv(waiting)[0]["file"], as_csv(waiting)[0]["prompts"]) == ("", "")
    assert (as_jsonl(waiting)[0]["file"], as_jsonl(waiting)[0]["prompts"]) == (None, [])


def test_every_line_of_jsonl_is_one_line_to_every_reader() -> None:
    assert len(written(Format.JSONL, DESCRIBED, DESCRIBED).splitlines()) == 2


def test_times_are_in_utc() -> None:
    late = datetime(2025, 7, 14, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    assert as_jsonl(record("fox", finished_at=late))[0]["finished_at"] == "2025-07-15T01:30:00Z"


def test_a_picture_has_the_seed_that_is_known_of_it_from_wherever() -> None:
    told = record("fox-seed", action=Action.SEED, word="seed", result={"seed": "636"}, prompt="a fox --seed 7")
    assert [one["seed"] for one in as_jsonl(record("fox", told, prompt="a fox --seed 7"))] == ["636", "636"]
    assert as_jsonl(record("fox", told, seed="5"))[0]["seed"] == "5"
    assert as_jsonl(record("fox", prompt="a fox --seed 7"))[0]["seed"] == "7"
    assert as_jsonl(record("fox", prompt="a fox --seed 7", action=Action.SHORTEN))[0]["seed"] is None


def test_a_batch_without_rows_has_a_header_and_no_lines() -> None:
    assert written(Format.CSV).splitlines() == [",".join(COLUMNS)]
    assert written(Format.JSONL) == ""


def test_an_export_streams() -> None:
    asked = 0

    def trees() -> Any:
        nonlocal asked
        for asked in range(1, 1001):
            yield record(f"fox-{asked}")

    stream = lines("spring", "acme", trees())
    assert [next(stream)["key"] for _ in range(3)] == ["fox-1", "fox-2", "fox-3"]
    assert asked == 3
