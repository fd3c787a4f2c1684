"""What people are shown of a batch, from a real database: its trees, its gallery, its export."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from pipeline.cli.export import export
from pipeline.cli.gallery import write_batch_gallery
from pipeline.deliver.files import LocalFolder
from pipeline.errors import PipelineError
from pipeline.inputs import Picture
from pipeline.store import batches, pictures, records
from pipeline.store.records import Record
from tests.integration.conftest import World

DIGEST = sha256(b"a picture").hexdigest()


def add(world: World, key: str, parent: str | None = None, **columns: Any) -> None:
    """A task as it is found after its work; what is not said is as of an imagine that was delivered."""
    values = {
        "batch_id": world.batch_id,
        "account_id": world.account_id,
        "key": key,
        "stem": key,
        "action": "imagine",
        "prompt": f"a {key}",
        "state": "delivered",
        "remote_id": f"r-{key}",
    } | {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in columns.items()}
    if parent:
        values["parent_id"] = task_id(world, parent)
        values["depth"] = parent.count("-") + 1
        values["word"] = key.removeprefix(f"{parent}-")
    names = ", ".join(values)
    with world.store.begin() as tx:
        tx.run(f"INSERT INTO tasks ({names}) VALUES ({', '.join(f':{name}' for name in values)})", **values)


def task_id(world: World, key: str) -> int:
    with world.store.begin() as tx:
        return int(tx.scalar("SELECT id FROM tasks WHERE key = :key", key=key))


def bring_home(world: World, key: str, path: str, media_type: str = "image/png", **size: int) -> None:
    with world.store.begin() as tx:
        tx.run(
            "INSERT INTO artifacts (task_id, path, bytes, sha256, width, height, media_type) "
            "VALUES (:id, :path, 1, :digest, :width, :height, :media_type)",
            id=task_id(world, key),
            path=path,
            digest=DIGEST,
            width=size.get("width"),
            height=size.get("height"),
            media_type=media_type,
        )


def keys(tree: Record) -> list[Any]:
    return [tree.key, *(keys(child) for child in tree.children)]


@pytest.fixture
def batch_of_everything(world: World, tmp_path: Path) -> World:
    add(world, "cat", action="describe", prompt="", inputs=[{"role": "image", "sha256": DIGEST}],
        options={"state": "=for Ada"}, result={"text": "1 a cat\n2 a dog", "prompts": ["a cat", "a dog"]})  # fmt: skip
    add(world, "fox", properties={"seed": "99"}, attempt=2)
    add(world, "clip", action="video", inputs=[{"role": "image", "stems": ["fox", "fox-U1"]}])
    for word, columns in {
        "zoom-2": {"action": "zoom"},
        "zoom-1.5": {"action": "zoom"},
        "seed": {"action": "seed", "result": {"text": "636", "seed": "636"}},
        "U1": {"action": "upscale", "index": 1},
        "R": {"action": "reroll", "state": "failed", "reason": "banned"},
    }.items():
        add(world, f"fox-{word}", "fox", **columns)
    add(world, "cat-imagine-2", "cat", prompt="a dog")
    bring_home(world, "fox-U1", "spring/fox-U1.png", width=9, height=6)
    bring_home(world, "clip", "spring/clip.mp4", "video/mp4")
    bring_home(world, "cat", "spring/cat.txt", "text/plain")
    return world


def test_rows_come_in_their_order_and_follow_ups_as_people_list_them(batch_of_everything: World) -> None:
    trees = [keys(tree) for tree in records.trees(batch_of_everything.store, batch_of_everything.batch_id)]
    assert trees == [
        ["cat", ["cat-imagine-2"]],
        ["fox", ["fox-U1"], ["fox-R"], ["fox-zoom-1.5"], ["fox-zoom-2"], ["fox-seed"]],
        ["clip"],
    ]


def test_a_result_that_goes_in_is_known_by_its_file(batch_of_everything: World) -> None:
    _, _, clip = records.trees(batch_of_everything.store, batch_of_everything.batch_id)
    assert clip.input_paths == ("spring/fox-U1.png",)


def test_more_rows_than_a_page_come_once_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_ROWS_A_PAGE", 3)
    for number in range(10):
        add(world, f"k{number}")
        add(world, f"k{number}-U1", f"k{number}")
    trees = [keys(tree) for tree in records.trees(world.store, world.batch_id)]
    assert trees == [[f"k{number}", [f"k{number}-U1"]] for number in range(10)]


def test_the_gallery_of_a_batch_shows_all_of_it(batch_of_everything: World, tmp_path: Path) -> None:
    world, folder, file = batch_of_everything, tmp_path / "spring", io.BytesIO()
    folder.mkdir()
    Image.new("RGB", (9, 6)).save(folder / "fox-U1.png")
    Image.new("RGB", (9, 6), "teal").save(file, "PNG")
    (folder / "clip.mp4").write_bytes(b"a film")
    with world.store.begin() as tx:
        found = batches.get(tx, world.batch_id)
        picture = Picture(sha256=DIGEST, media_type="image/png", width=9, height=6)
        pictures.keep(tx, picture, file.getvalue())
    html = Path(write_batch_gallery(world.store, found, LocalFolder(tmp_path))).read_text()
    assert f"./thumbnails/inputs/{DIGEST}.jpg" in html
    assert 'poster="./thumbnails/fox-U1.jpg"' in html
    assert "seed <b>636</b>" in html
    assert "<b>8</b> delivered" in html
    assert "Zoom 1.5" in html


@pytest.fixture
def run(world: World, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("PIPELINE_DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(export)

    def run(*words: str) -> str:
        ended = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    return run


def test_the_export_has_a_line_for_each_task(batch_of_everything: World, run: Callable[..., str]) -> None:
    listed = list(csv.DictReader(io.StringIO(run("spring"))))
    assert [line["key"] for line in listed[:3]] == ["cat", "cat-imagine-2", "fox"]
    cat, _, fox, single, failed = listed[:5]
    assert (cat["note"], cat["prompts"], cat["file"], cat["media_type"]) == (
        "'=for Ada", "a cat\na dog", "spring/cat.txt", "text/plain"
    )  # fmt: skip
    assert (fox["seed"], fox["attempts"], fox["account"], fox["batch"]) == ("99", "2", "acme", "spring")
    assert (single["parent_key"], single["width"], single["height"], single["sha256"]) == ("fox", "9", "6", DIGEST)
    assert (failed["state"], failed["reason"]) == ("failed", "banned")


def test_the_export_goes_to_a_file_whole_or_not_at_all(
    batch_of_everything: World, run: Callable[..., str], tmp_path: Path
) -> None:
    assert run("spring", "--format", "jsonl", "--output", "spring.jsonl") == ""
    lines = [json.loads(line) for line in (tmp_path / "spring.jsonl").read_text().splitlines()]
    assert len(lines) == 9
    with pytest.raises(PipelineError, match=r"could not be written to no/spring\.csv: No such file or directory"):
        run("spring", "--output", "no/spring.csv")
    assert [path.name for path in tmp_path.iterdir() if path.name != "spring.jsonl"] == []


def test_the_export_goes_straight_into_what_is_no_ordinary_file(
    batch_of_everything: World, run: Callable[..., str], tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(pipe.read_text)
        run("spring", "--output", str(pipe))
        assert len(list(csv.DictReader(io.StringIO(read.result(timeout=30))))) == 9
    assert pipe.is_fifo()
