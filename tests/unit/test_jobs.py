"""The example manifests: each one is read and planned, and the commented one names every word there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipeline.manifest import open_manifest
from pipeline.manifest.vocabulary import DEFAULTS_WORDS, FILE_WORDS, ROW_WORDS
from pipeline.plan import stem, summarise, tasks

JOBS = Path(__file__).parents[2] / "jobs"


@pytest.mark.parametrize("path", sorted(JOBS.iterdir()), ids=lambda path: path.name)
def test_every_job_is_read_and_planned(path: Path) -> None:
    manifest = open_manifest(path)
    planned = list(tasks(manifest.rows()))
    assert planned
    assert len({task.stem for task in planned}) == len(planned)
    assert summarise(manifest.rows()).rows == len(planned) == manifest.check()


def test_the_quickstart_is_five_rows_with_every_upscale() -> None:
    for name in ("quickstart.csv", "quickstart.yaml"):
        summary = summarise(open_manifest(JOBS / name).rows())
        assert (summary.rows, summary.tasks) == (5, 25)


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
    assert {word for row in example["tasks"] for word in row} == set(ROW_WORDS)


@pytest.mark.parametrize(("key", "size"), [("kite", 5), ("dragon", 21), ("balloon", 10), ("comet", 3)])
def test_the_counts_in_the_comments_of_variations_are_true(key: str, size: int) -> None:
    (row,) = (row for row in open_manifest(JOBS / "variations.yaml").rows() if row.key == key)
    assert 1 + sum(one.size for one in row.then) == size
    assert stem(key) == key
