"""The example manifests: each one is read and planned, and the commented one names every word there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from pipeline.action import MADE_OF
from pipeline.api.dialects import TRAITS
from pipeline.cli.handover import as_of_now
from pipeline.manifest import DiskPictures, open_manifest
from pipeline.manifest.vocabulary import DEFAULTS_WORDS, DOING, FILE_WORDS, ROW_WORDS, SCHEDULE_WORDS
from pipeline.plan import Skipped, needs, possible, stem, summarise, tasks
from pipeline.schedule import rules_of, values
from pipeline.settings import Dialect
from pipeline.task import Mode
from pipeline.then import FAMILIES, FollowUp, family_and_value

JOBS = Path(__file__).parents[2] / "jobs"


MANIFESTS = sorted(path for path in JOBS.iterdir() if path.is_file())


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_every_job_is_read_and_planned(path: Path) -> None:
    manifest = as_of_now(open_manifest(path))
    planned = list(tasks(manifest.rows()))
    assert planned
    assert len({task.stem for task in planned}) == len(planned)
    assert summarise(manifest.rows()).rows == len(planned) == manifest.check()


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    "path", [path for path in MANIFESTS if path.name != "example.yaml"], ids=lambda path: path.name
)
def test_every_job_can_be_planned_for_every_dialect(path: Path, dialect: Dialect) -> None:
    manifest = as_of_now(open_manifest(path))
    skipped: list[Skipped] = []
    sent = list(possible(manifest.rows(), manifest.file, dialect, TRAITS[dialect].lacks, skipped))
    assert len(sent) + len(skipped) == manifest.check()
    assert [task.key for task in tasks(manifest.rows(), TRAITS[dialect].lacks)] == [row.key for row in sent]


def test_every_picture_is_used_and_small() -> None:
    used: set[str] = set()
    for path in MANIFESTS:
        manifest = as_of_now(open_manifest(path))
        manifest.check()
        assert isinstance(manifest.pictures, DiskPictures)
        used |= set(manifest.pictures.found)
    assert used == {f"art/{path.name}" for path in (JOBS / "art").iterdir()}
    assert all(path.stat().st_size < 10_000 for path in (JOBS / "art").iterdir())


def test_everything_is_in_everything() -> None:
    rows = list(open_manifest(JOBS / "everything.yaml").rows())
    assert {row.action for row in rows} == set(MADE_OF)
    assert {row.mode for row in rows} == {None, *Mode}
    assert set().union(*(needs(row) for row in rows)) == set(DOING)
    said = {family_and_value(one.word) for row in rows for one in every(row.then)}
    assert {family for family, _ in said} == set(FAMILIES)
    assert {(name, value) for name, family in FAMILIES.items() for value in family.values} <= said
    assert {"1.25", "1.5", "2"} <= {value for family, value in said if family == "zoom"}


def test_the_oldest_server_still_makes_the_rows_without_requirements() -> None:
    rows = open_manifest(JOBS / "everything.yaml").rows()
    lacks = TRAITS[Dialect.NOVICEZK].lacks
    actions = summarise(possible(rows, "everything.yaml", Dialect.NOVICEZK, lacks, [])).actions
    assert {action.value for action in actions} == {"imagine", "blend", "describe", "upscale", "variation", "reroll"}


def every(then: tuple[FollowUp, ...]) -> Iterator[FollowUp]:
    for one in then:
        yield one
        yield from every(one.then)


def test_the_quickstart_is_five_rows_with_every_upscale() -> None:
    for name in ("quickstart.csv", "quickstart.yaml"):
        summary = summarise(open_manifest(JOBS / name).rows())
        assert (summary.rows, summary.tasks) == (5, 25)


def test_the_weekly_one_has_a_schedule_and_keys_of_its_week() -> None:
    manifest = open_manifest(JOBS / "weekly.yaml")
    rules = rules_of(manifest.head.schedule, {})
    fire_time = rules.calendar.local(datetime(2026, 11, 30, 8, tzinfo=UTC))
    given = replace(manifest, values=values(fire_time, 1))
    assert [row.key for row in given.rows()] == ["cover-2026-W49", "banner-2026-W49"]
    assert (rules.cron, rules.timezone) == ("0 9 * * 1", "Europe/Berlin")


def test_both_quickstarts_say_the_same() -> None:
    said = [
        [(row.key, row.prompt, row.then) for row in open_manifest(JOBS / f"quickstart.{ending}").rows()]
        for ending in ("csv", "yaml")
    ]
    assert said[0] == said[1]


def test_the_example_names_every_word_and_no_other() -> None:
    example = yaml.safe_load((JOBS / "example.yaml").read_text())
    assert set(example) == set(FILE_WORDS)
    assert set(example["defaults"]) == set(DEFAULTS_WORDS)
    assert set(example["schedule"]) == set(SCHEDULE_WORDS)
    assert {word for row in example["tasks"] for word in row} == set(ROW_WORDS)


@pytest.mark.parametrize(("key", "size"), [("kite", 5), ("dragon", 21), ("balloon", 10), ("comet", 3)])
def test_the_counts_in_the_comments_of_variations_are_true(key: str, size: int) -> None:
    (row,) = (row for row in open_manifest(JOBS / "variations.yaml").rows() if row.key == key)
    assert 1 + sum(one.size for one in row.then) == size
    assert stem(key) == key
