"""A manifest that recurs: its values, and its `schedule:` block."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.handover import read_checked
from pipeline.errors import ManifestError, UsageError
from pipeline.manifest import Manifest, put_in
from pipeline.schedule import NAMES, CatchUp, Overlap, Per, batch_names, rules_of, values
from pipeline.settings import load

MONDAY = datetime(2026, 11, 30, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
VALUES = values(MONDAY, 12)


def manifest(text: str, file: str = "m.csv") -> Manifest:
    return replace(Manifest.from_bytes(text.encode(), file), values=VALUES)


def faults(of: Manifest) -> list[str]:
    with pytest.raises(ManifestError) as refused:
        of.check()
    return [str(fault) for fault in refused.value.faults]


def test_the_values_are_of_the_fire_time() -> None:
    assert VALUES == {
        "date": "2026-11-30",
        "time": "09-00",
        "week": "2026-W49",
        "month": "2026-11",
        "year": "2026",
        "weekday": "monday",
        "number": "12",
    }
    assert values(datetime(2027, 1, 1, 0, 5), 1)["week"] == "2026-W53"  # noqa: DTZ001 - of a wall clock


@given(st.datetimes(), st.integers(1))
def test_no_value_has_a_character_that_csv_or_yaml_read_specially(local: datetime, number: int) -> None:
    found = values(local, number)
    assert tuple(found) == NAMES
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", value) for value in found.values())


def test_they_stand_where_they_are_asked_for_in_any_spelling() -> None:
    rows = list(manifest("key,prompt\nfox-{{ date }},a fox on a {{weekday}}\n").rows())
    assert [(row.key, row.prompt) for row in rows] == [("fox-2026-11-30", "a fox on a monday")]
    text = "batch: b-{{ month }}\ntasks:\n- key: {{ week }}\n  imagine: 'x {{ number }}'\n"
    of = manifest(text, "m.yaml")
    assert (of.name, [(row.key, row.prompt) for row in of.rows()]) == ("b-2026-11", [("2026-W49", "x 12")])


def test_what_is_put_in_is_not_looked_at_again_and_the_rest_stays_as_it_is() -> None:
    data = "{ date } {{date {{ }} {{ dat }} \xe9 {{{date}}}".encode() + b"\xff"
    assert put_in(data, VALUES) == "{ date } {{date {{ }} {{ dat }} \xe9 {2026-11-30}".encode() + b"\xff"


def test_an_unknown_value_is_told_with_its_place_and_the_nearest() -> None:
    assert faults(manifest("key,prompt\n{{ date }},{{ weak }}\n,{{ x }}\n")) == [
        "m.csv:2:12: there is no value `weak`: did you mean `week`?",
        "m.csv:3:2: there is no value `x`: known are `date`, `time`, `week`, `month`, `year`, `weekday`, `number`",
    ]


def test_a_fault_behind_a_value_stands_where_the_file_has_it() -> None:
    written = "prompt,then\na {{date}} {{ number }} fox --arr 3:2,U1\n"
    (told,) = faults(manifest(written))
    assert told.startswith(f"m.csv:2:{1 + written.splitlines()[1].index('--arr')}: unknown flag `--arr`")
    within = "key,prompt\n{{ date }},a\n{{ date }},b\n"
    assert faults(manifest(within))[0].startswith("m.csv:3:1: the key `2026-11-30` is taken by line 2")


def test_without_a_schedule_there_are_no_values_and_nothing_is_paid_twice(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("key,prompt\nfox-{{ date }},a fox\n")
    with pytest.raises(ManifestError, match=r"m.csv:2:5: `date` has a value only on a schedule: `pipeline"):
        read_checked(file, load(), lint=True)


BLOCK = """
tasks: [{imagine: a fox}]
schedule:
  cron: "0  9 * * 1"
  timezone: Europe/Berlin
  overlap: queue
  catch_up: all
  within: 7d
  at-most: 2
  budget: 60.50
  per: Month
"""


def test_a_block_says_what_the_options_say() -> None:
    rules = rules_of(manifest(BLOCK, "m.yaml").head.schedule, {})
    assert (rules.cron, rules.timezone) == ("0 9 * * 1", "Europe/Berlin")
    assert (rules.overlap, rules.catch_up, rules.within, rules.at_most) == (
        Overlap.QUEUE,
        CatchUp.ALL,
        timedelta(days=7),
        2,
    )
    assert (rules.budget, rules.per) == (Decimal("60.50"), Per.MONTH)
    assert manifest(BLOCK, "m.yaml").check() == 1


def test_options_win() -> None:
    block = manifest(BLOCK, "m.yaml").head.schedule
    rules = rules_of(block, {"timezone": "UTC", "catch_up": CatchUp.SKIP, "overlap": None})
    assert (rules.timezone, rules.catch_up, rules.overlap, rules.cron) == (
        "UTC",
        CatchUp.SKIP,
        Overlap.QUEUE,
        "0 9 * * 1",
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "when is it to fire"),
        ({"cron": "0 9 * * 1", "budget": Decimal(1)}, "say both `budget` and `per`"),
        ({"cron": "0 9 * * 1", "per": Per.DAY}, "say both `budget` and `per`"),
        ({"cron": "0 9 * * 1", "at_most": 3}, "--at-most belongs to `--catch-up all`"),
        ({"cron": "0 9 * * 1", "catch_up": CatchUp.SKIP, "within": timedelta(1)}, "--within belongs to"),
        ({"cron": "0 9 * * 1", "timezone": "Mars"}, "there is no time zone 'Mars'"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        rules_of({}, options)


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        ("{cron: 0 9 * *}", "2:18: schedule.cron: the cron line `0 9 * *` does not have five fields"),
        ("{corn: 0 9 * * 1}", "2:12: schedule.corn: unknown key `corn`: did you mean `cron`?"),
        ("{timezone: Berlin}", "2:22: schedule.timezone: there is no time zone 'Berlin': did you mean Europe/Berlin?"),
        ("{overlap: never}", "2:21: schedule.overlap: `never` is none of skip, queue, allow, cancel"),
        ("{within: soon}", "2:20: schedule.within: `soon` is no span of time such as 90m, 24h, 7d or 2w"),
        ("{at_most: 101}", "2:21: schedule.at_most: `at_most` is a number from 1 to 100"),
        ("{budget: much, per: day}", "2:20: schedule.budget: a budget is an amount of money"),
        ("{budget: 5}", "2:11: schedule: the budget of a schedule is for a window"),
        ("{cron: [1]}", "2:18: schedule.cron: the cron line `` does not have five fields"),
        ("weekly", "2:11: schedule: `schedule` must be a mapping such as"),
        ("\n  cron: */5 * * * *", "3:10: a text cannot start with this character: put the text in quotes"),
    ],
)
def test_a_wrong_block_is_told_with_its_place_even_where_it_is_not_used(block: str, fault: str) -> None:
    (told,) = faults(Manifest.from_bytes(f"tasks: [{{imagine: x}}]\nschedule: {block}\n".encode(), "m.yaml"))
    assert told.startswith(f"m.yaml:{fault}")


def test_the_names_of_batches_sort_by_time_and_an_hour_that_comes_twice_has_two() -> None:
    names = batch_names("weekly", MONDAY)
    assert [next(names), next(names)] == ["weekly-2026-11-30T0900", "weekly-2026-11-30T0900-2"]
    assert next(batch_names("weekly", MONDAY.replace(second=7), by_hand=True)) == "weekly-2026-11-30T090007"
