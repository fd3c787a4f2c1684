"""What the workers of `pipeline run` are given to work with."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline.cli.embedded import Place
from pipeline.settings import load


def test_only_workers_that_bring_pictures_to_a_store_get_its_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    here = Place(load(), ExitStack())._environment()
    assert (here["PIPELINE_OUTPUT_DIR"], "AWS_SECRET_ACCESS_KEY" in here) == (f"{tmp_path}/pictures", False)
    elsewhere = Place(load(output_dir="s3://studio/pictures"), ExitStack())._environment()
    assert elsewhere["PIPELINE_OUTPUT_DIR"] == "s3://studio/pictures"
    assert elsewhere["AWS_SECRET_ACCESS_KEY"] == "s3cret"
