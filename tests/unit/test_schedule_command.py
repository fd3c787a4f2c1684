"""`pipeline schedule`, as far as it needs no database: what is refused before one is asked, and what is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import schedule_view
from pipeline.cli.schedule import schedule
from pipeline.errors import UsageError
from pipeline.schedule import Calendar, CatchUp, FireOutcome, Per, Rules
from pipeline.store.fires import Fire
from pipeline.store.schedules import Schedule
from pipeline.terms import Terms

WEEKLY = """
schedule: {cron: 0 9 * * 1, timezone: Europe/Berlin}
tasks: [{key: "fox-{{ week }}", imagine: a fox}]
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("weekly.yaml").write_text(WEEKLY)
    Path("faulty.yaml").write_text(WEEKLY.replace("{{ week }}", "{{ weak }}").replace("imagine", "imagin"))
    Path("block.yaml").write_text(WEEKLY.replace("0 9 * * 1", "0 9 * *"))
    Path("plain.csv").write_text("prompt\na fox\n")
    Path("picture.yaml").write_text(WEEKLY.replace("imagine: a fox", 'describe: "art/{{ year }}.png"'))
    Path("art").mkdir()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            "weekly faulty.yaml",
            ["faulty.yaml:3:20: there is no value `weak`", "faulty.yaml:3:33: tasks[0].imagin: "],
        ),
        ("weekly block.yaml", ["block.yaml:2:18: schedule.cron: the cron line `0 9 * *` does not have five fields"]),
        ("weekly missing.yaml", ["missing.yaml: no such file"]),
        ("weekly plain.csv", ["when is it to fire? Say `--cron`, or write a `schedule:` block"]),
        ("weekly weekly.yaml --cron 1", ["the cron line `1` does not have five fields"]),
        (
            "weekly weekly.yaml --timezone Europe/Berln",
            ["there is no time zone 'Europe/Berln': did you mean"],
        ),
        ("weekly weekly.yaml --within 3h", ["--within belongs to `--catch-up all`"]),
        ("weekly weekly.yaml --catch-up all --within soon", ["`soon` is no span of time such as 90m, 24h, 7d or 2w"]),
        ("weekly weekly.yaml --budget much --per day", ["a budget is an amount of money such as `12.50`"]),
        ("weekly weekly.yaml --budget 5", ["the budget of a schedule is for a window: say both"]),
        (
            "weekly weekly.yaml --budget 5 --per day",
            ["the budget of 5 cannot be kept, because not"],
        ),
        ("week/ly weekly.yaml", ["a schedule's name is at most 50 letters, digits"]),
        (f"{'x' * 51} weekly.yaml", ["a schedule's name is at most 50 letters, digits"]),
    ],
)
def test_what_is_wrong_is_said_in_a_line_for_each_fault_and_nothing_is_kept(words: str, says: list[str]) -> None:
    outcome = CliRunner().invoke(schedule, ["add", *words.split()])
    assert isinstance(outcome.exception, UsageError)
    told = str(outcome.exception).splitlines()
    assert len(told) == len(says)
    assert all(line.startswith(start) for line, start in zip(told, says, strict=True)), told
    assert not Path(".pipeline").exists()


def test_a_picture_that_would_change_with_the_time_is_refused(tmp_path: Path) -> None:
    cat = Path(__file__).parents[2] / "jobs/art/cat.png"
    for year in (datetime.now(UTC).year, datetime.now(UTC).year + 1):
        Path(f"art/{year}.png").write_bytes(cat.read_bytes())
    outcome = CliRunner().invoke(schedule, ["add", "weekly", "picture.yaml"])
    assert "was not handed over with this manifest" in str(outcome.exception)
    assert "at another time only: is a value in the name of a picture?" in str(outcome.exception)


def preview(*words: str) -> list[dict[str, object]]:
    outcome = CliRunner().invoke(schedule, ["preview", *words, "--json"])
    assert outcome.exit_code == 0, outcome.exception
    found = json.loads(outcome.stdout)
    assert isinstance(found, list)
    return found


def test_a_preview_needs_no_database() -> None:
    of_a_line = preview("--cron", "0 9 * * 1", "--timezone", "Europe/Berlin")
    assert of_a_line == preview("weekly.yaml")
    assert len(of_a_line) >= 10
    assert preview("weekly.yaml", "--timezone", "UTC") != of_a_line
    assert not Path(".pipeline").exists()


def test_a_preview_shows_what_a_change_of_the_clocks_does(capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime(2026, 3, 27, 12, tzinfo=UTC)
    schedule_view.preview(Calendar("30 2 * * *", "Europe/Berlin"), now, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert " ".join(lines[1].split()) == "Sat 2026-03-28 02:30 +01:00 2026-03-28 01:30"
    assert lines[2].split() == [
        "Sun",
        "2026-03-29",
        "03:00",
        "+02:00",
        "2026-03-29",
        "01:00",
        "clocks",
        "have",
        "changed",
    ]
    assert " ".join(lines[3].split()) == "Mon 2026-03-30 02:30 +02:00 2026-03-30 00:30"


def test_a_change_that_is_far_off_is_shown_below(capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    schedule_view.preview(Calendar("0 * * * *", "Europe/Berlin"), now, as_json=False)
    *_, dots, before, after = capsys.readouterr().out.splitlines()
    assert dots.strip() == "..."
    assert before.split()[:3] == ["Sun", "2026-03-29", "01:00"]
    assert after.split()[:3] == ["Sun", "2026-03-29", "03:00"]


@pytest.mark.parametrize(("cron", "zone"), [("0 * * * *", "Asia/Kolkata"), ("0 12 1 1 *", "Europe/Berlin")])
def test_where_no_change_of_the_clocks_is_met_none_is_shown(
    cron: str, zone: str, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule_view.preview(Calendar(cron, zone), datetime(2026, 1, 1, tzinfo=UTC), as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == 11


NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SCHEDULE = Schedule(
    id=1,
    account_id=1,
    account="api.example.com",
    name="weekly",
    rules=Rules(
        cron="0 9 * * 1", timezone="Europe/Berlin", catch_up=CatchUp.ALL, budget=Decimal("20.50"), per=Per.MONTH
    ),
    filename="weekly.yaml",
    lint=True,
    deliver=True,
    terms=Terms(budget=Decimal(5)),
    batches_made=1,
    settled_until=NOW,
    next_fire_at=datetime(2026, 12, 7, 8, tzinfo=UTC),
    problem=None,
    paused_at=None,
    now=NOW,
)
MADE = Fire(
    fire_at=datetime(2026, 11, 30, 8, tzinfo=UTC),
    last_fire_at=datetime(2026, 11, 30, 8, tzinfo=UTC),
    fire_times=1,
    by_hand=False,
    outcome=FireOutcome.MADE,
    reason=None,
    batch_id=7,
    batch="weekly-2026-11-30T0900",
    problem=None,
)
MISSED = replace(
    MADE,
    fire_at=MADE.fire_at - timedelta(days=14),
    last_fire_at=MADE.fire_at - timedelta(days=7),
    fire_times=2,
    outcome=FireOutcome.MISSED,
    reason="no beat looked at it in time, and it is not made up for",
    batch_id=None,
    batch=None,
)


def test_show_says_the_rules_what_comes_and_what_was(capsys: pytest.CaptureFixture[str]) -> None:
    unreadable = replace(MADE, problem="weekly.yaml:3:1: there are no rows: nothing to make")
    schedule_view.show_one(SCHEDULE, [MADE, MISSED, unreadable], as_json=False)
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "schedule weekly, of account api.example.com" in shown
    assert "manifest weekly.yaml, 1 batch made" in shown
    assert "catch up all 10 within 1d" in shown
    assert "budget 20.50 per month" in shown
    assert "each batch at most 5" in shown
    assert "next Mon 2026-12-07 09:00 +01:00" in shown
    assert "2026-11-30 09:00 made weekly-2026-11-30T0900" in shown
    assert any(line.startswith("2026-11-16 09:00 to missed no beat looked at it in time") for line in shown)
    assert any(line.startswith("2026-11-23 09:00, 2") for line in shown)
    assert any(line.startswith("2026-11-30 09:00 unreadable weekly-2026-11-30T0900: weekly.yaml:3:1") for line in shown)


def test_every_line_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    schedule_view.show_one(SCHEDULE, [MADE, MISSED], as_json=False)
    schedule_view.show_all([(SCHEDULE, MISSED), (replace(SCHEDULE, paused_at=NOW), None)], as_json=False)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert "2026-12-07 09:00 CET" in shown
    assert "paused" in shown


def test_json_has_moments_in_utc_and_money_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    schedule_view.show_one(SCHEDULE, [MISSED], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["budget"], told["per"], told["paused"]) == ("20.50", "month", False)
    assert told["next"][0] == told["next_fire_at"] == "2026-12-07T08:00:00+00:00"
    assert (told["fires"][0]["outcome"], told["fires"][0]["fire_times"]) == ("missed", 2)
