"""Everything that the API family makes, from one manifest, on each kind of server."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.acceptance.conftest import Host, MakeServer
from tests.acceptance.outside import Folder

JOBS = Path(__file__).parents[2] / "jobs"
DIALECTS = ("plus", "novicezk", "trueai", "relay")


def with_jobs(folder: Folder) -> Folder:
    shutil.copytree(JOBS, folder.path / "jobs")
    return folder


ROOM = {"max_running": "12", "max_queued": "30"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_everything_is_made_on_each_kind_of_server(folder: Folder, serve: MakeServer, host: Host, dialect: str) -> None:
    server = serve(dialect=dialect, slots=12, queue=30)
    with_jobs(folder).settings |= server.settings | host() | ROOM | {"api_dialect": dialect}
    planned = folder.pipeline("plan", "jobs/everything.yaml", "--json").json
    ended = folder.pipeline("run", "jobs/everything.yaml", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["delivered"] == ended.json["tasks"] == planned["tasks"]
    assert (ended.json["failed"], ended.json["in_doubt"]) == (0, 0)
    assert server.audit()["duplicates"] == []

    exported = folder.pipeline("export", "everything", "--format", "jsonl")
    records = [json.loads(line) for line in exported.out.splitlines()]
    assert {record["state"] for record in records} == {"delivered"}
    assert len(records) == planned["tasks"]
    for record in records:
        assert (folder.path / "pictures" / record["file"]).stat().st_size, record["key"]
    described = next(record for record in records if record["action"] == "describe")
    assert len(described["prompts"]) == 4

    again = folder.pipeline("run", "jobs/everything.yaml", "--json")
    assert (again.status, again.json["sent"]) == (0, 0)
    assert server.audit()["duplicates"] == []


def test_without_a_server_the_sandbox_speaks_the_dialect_that_is_asked_for(folder: Folder) -> None:
    """And a file that has changed is another picture, under the same name or not."""
    with_jobs(folder).settings |= ROOM | {"api_dialect": "novicezk"}
    ended = folder.pipeline("run", "jobs/describe.yaml", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["delivered"] == ended.json["tasks"]
    shutil.copy(folder.path / "jobs/art/waves.png", folder.path / "jobs/art/cat.png")
    changed = folder.pipeline("run", "jobs/describe.yaml", "--json")
    assert changed.status == 0, changed.err
    assert "0 new, 1 changed (cat: pictures)" in changed.err
    assert 0 < changed.json["sent"] < ended.json["sent"]
    checked = folder.pipeline("status", "--json")
    assert [batch["account"] for batch in json.loads(checked.out)] == ["sandbox-novicezk"]


def test_nothing_of_it_is_left_out_where_the_server_can_do_most(folder: Folder) -> None:
    """Every row is made somewhere: what one server skips another makes."""
    with_jobs(folder)
    skipped = [
        {
            row["key"]
            for row in folder.pipeline("plan", "jobs/everything.yaml", "--json", api_dialect=one).json["skipped"]
        }
        for one in DIALECTS
    ]
    assert skipped[1]
    assert set.intersection(*skipped) == set()


def test_what_a_server_cannot_do_is_said_before_anything_is_sent(folder: Folder, serve: MakeServer) -> None:
    server = serve(dialect="novicezk")
    folder.settings |= server.settings | {"api_dialect": "novicezk"}
    folder.manifest("zoom.csv", "fox,a fox,U1(zoom-1.5)")
    for command in ("plan", "run"):
        ended = folder.pipeline(command, "zoom.csv")
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith("zoom.csv:2:1: novicezk cannot zoom")
        assert "requires: zoom" in ended.err
    assert server.accepted() == 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_check_finds_out_what_a_server_speaks(folder: Folder, serve: MakeServer, dialect: str) -> None:
    folder.settings |= serve(dialect=dialect).settings
    right = folder.pipeline("check", api_dialect=dialect)
    assert right.status == 0, right.out
    assert f"it speaks {dialect}" in right.out
    wrong = folder.pipeline("check", api_dialect="novicezk" if dialect != "novicezk" else "plus")
    assert wrong.status == 2, wrong.out
    assert f"speaks {dialect}" in wrong.out
    assert f"set it to {dialect}" in wrong.out


def test_pictures_travel_with_their_manifest_to_workers_that_have_no_files(
    tmp_path: Path, folder: Folder, serve: MakeServer, host: Host
) -> None:
    server = serve()
    folder.settings |= server.settings | host()
    shutil.copytree(JOBS / "art", folder.path / "art")
    art = sorted(path.name for path in (folder.path / "art").glob("*.png"))[:2]
    (folder.path / "mash.yaml").write_text(f"tasks: [{{key: mash, blend: [art/{art[0]}, art/{art[1]}], then: U1}}]\n")
    assert folder.pipeline("migrate").status == 0
    batch = folder.pipeline("submit", "mash.yaml").out.strip()

    elsewhere = Folder(tmp_path / "elsewhere", **folder.settings)
    processes = [elsewhere.start("worker"), elsewhere.start("beat")]
    watched = folder.pipeline("watch", batch, "--json")
    for process in processes:
        process.process.terminate()
        process.wait()
    assert (watched.status, watched.json["delivered"]) == (0, 2), watched.err
    assert [picture.name for picture in elsewhere.pictures("mash")] == ["mash-U1.png", "mash.png"]
    elsewhere.leave()


def test_an_export_can_be_opened_as_a_table(folder: Folder) -> None:
    assert folder.pipeline("run", folder.rows("table.csv", 1, then="U1")).status == 0
    exported = folder.pipeline("export", "table", "--format", "csv")
    rows = list(csv.DictReader(exported.out.splitlines()))
    assert [(row["key"], row["action"], row["state"]) for row in rows] == [
        ("row0", "imagine", "delivered"),
        ("row0-U1", "upscale", "delivered"),
    ]
