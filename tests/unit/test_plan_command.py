"""`pipeline plan FILE`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli.plan import plan
from pipeline.errors import ManifestError

app = typer.Typer()
app.command()(plan)


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PIPELINE_PRICES", raising=False)
    path = tmp_path / "posters.csv"
    path.write_text("key,prompt,then\nfox,a fox,U1-U4\nowl,an owl,V2(U1)\n")
    return path


def test_it_prints_counts_tree_and_worst_case(manifest: Path) -> None:
    told = CliRunner().invoke(app, [str(manifest)]).stdout
    assert "Batch posters: 2 rows, 8 tasks" in told
    assert "├── U1-U4  1 each" in told
    assert "64 API calls" in told
    assert 'PIPELINE_PRICES=\'{"imagine": 0.04' in told
    assert "Nothing was sent." in told
    assert "\x1b" not in told


def test_prices_make_a_cost(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_PRICES", '{"imagine": 0.04, "upscale": "0.01", "variation": "0.02"}')
    assert "At worst it costs 0.15" in CliRunner().invoke(app, [str(manifest)]).stdout


def test_json_is_one_object_on_stdout(manifest: Path) -> None:
    told = json.loads(CliRunner().invoke(app, [str(manifest), "--json"]).stdout)
    assert told["batch"] == "posters"
    assert told["actions"] == {"imagine": 2, "upscale": 5, "variation": 1}
    assert told["tree"][0]["then"][0] == {"word": "U1", "action": "upscale", "count": 1, "then": []}
    assert told["worst_case"] == {
        "api_calls": 64,
        "cost": None,
        "unpriced": ["imagine", "upscale", "variation"],
    }


def test_faults_are_raised_for_the_command_line_to_print(manifest: Path) -> None:
    manifest.write_text("prompt,then\nfox,U5\n")
    outcome = CliRunner().invoke(app, [str(manifest)])
    assert isinstance(outcome.exception, ManifestError)
    assert outcome.stdout == ""


def test_rows_that_wait_for_each_other_are_told(manifest: Path) -> None:
    manifest.write_text("key,prompt\na,a fox\nb,a fox\nc,an owl\n")
    told = CliRunner().invoke(app, [str(manifest)]).stdout
    assert "2 rows share their prompt with another: they are sent one after the other, because servers swap" in told
    assert json.loads(CliRunner().invoke(app, [str(manifest), "--json"]).stdout)["sharing_prompts"] == 2


def test_what_the_dialect_cannot_do_is_refused_or_skipped(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_API_DIALECT", "novicezk")
    manifest.write_text("key,prompt,then\nfox,a fox,U1\nowl,an owl,U2(zoom-2)\n")
    outcome = CliRunner().invoke(app, [str(manifest)])
    assert isinstance(outcome.exception, ManifestError)
    assert str(outcome.exception) == (
        f"{manifest}:3:1: novicezk cannot zoom: remove `zoom` from `then`, or write `requires: zoom` to have the "
        "whole row, 3 tasks, skipped there"
    )
    manifest.write_text("key,prompt,then,requires\nfox,a fox,U1,\nowl,an owl,U2(zoom-2),zoom\n")
    told = CliRunner().invoke(app, [str(manifest)]).stdout
    assert "1 row, 2 tasks" in told
    assert "Skipped: owl (line 3), because it requires zoom, which the server lacks." in told
    monkeypatch.setenv("PIPELINE_API_DIALECT", "plus")
    assert "2 rows, 5 tasks" in CliRunner().invoke(app, [str(manifest)]).stdout


def test_follow_ups_that_differ_in_their_number_only_are_shown_as_one(manifest: Path) -> None:
    manifest.write_text("prompt,then\nx,U1(pan-left pan-right) V1-V3 describe(imagine-1-4) U3 U4\n")
    told = CliRunner().invoke(app, [str(manifest)]).stdout
    for label in ("pan-left  1", "pan-right  1", "V1-V3  1 each", "imagine-1-4  1 each", "U3-U4  1 each", "U1  1"):
        assert f"── {label}\n" in told


def test_a_wrong_flag_is_told_unless_prompts_go_as_written(manifest: Path) -> None:
    manifest.write_text("prompt\na fox --arr 3:2\n")
    assert "2:7: unknown flag `--arr`" in str(CliRunner().invoke(app, [str(manifest)]).exception)
    assert CliRunner().invoke(app, [str(manifest), "--no-lint"]).exit_code == 0


def test_prompts_that_are_sent_otherwise_than_written_are_shown(manifest: Path) -> None:
    rows = [f"f{n},a {n} fox \u2014ar 3:2 in  snow" for n in range(7)]
    manifest.write_text("\n".join(["key,prompt", "owl,  an  owl ", *rows]))
    told = CliRunner().invoke(app, [str(manifest)]).stdout
    assert (
        "7 prompts made tidy before sending:\n  f0: a 0 fox \u2014ar 3:2 in snow -> a 0 fox in snow --ar 3:2\n" in told
    )
    assert "  f4: " in told
    assert "f5: " not in told
    assert "  ... and 2 more\n" in told
    tidied = json.loads(CliRunner().invoke(app, [str(manifest), "--json"]).stdout)["tidied"]
    assert len(tidied) == 7
    assert tidied[6] == {
        "key": "f6",
        "written": "a 6 fox \u2014ar 3:2 in snow",
        "sent": "a 6 fox in snow --ar 3:2",
    }
    assert "made tidy" not in CliRunner().invoke(app, [str(manifest), "--no-lint"]).stdout
