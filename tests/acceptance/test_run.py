"""From a manifest to pictures on disk, as a person types it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

import pytest
from PIL import Image

from tests.acceptance.conftest import Host
from tests.acceptance.outside import Ended, Folder, Server

JSON_KEYS = {
    "batch",
    "standing",
    "tasks",
    "sent",
    "delivered",
    "failed",
    "in_doubt",
    "not_affordable",
    "not_reached",
    "money",
    "seconds",
    "gallery",
}


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Folder, Ended, list[str]]]:
    """A fresh folder without any configuration: the folder, how the run ended, and what it left running."""
    folder = Folder(tmp_path_factory.mktemp("fresh"), workers="")
    ended = folder.pipeline("run", folder.rows("first.csv", 2), "--json")
    yield folder, ended, folder.running()
    folder.leave()


def test_a_fresh_folder_gets_every_picture_without_configuration(first_run: tuple[Folder, Ended, list[str]]) -> None:
    folder, ended, left_running = first_run
    assert ended.status == 0, ended.err
    assert ended.json.keys() == JSON_KEYS
    wanted = {"tasks": 10, "sent": 10, "delivered": 10, "failed": 0, "in_doubt": 0}
    assert {key: ended.json[key] for key in wanted} == wanted
    assert 0 < ended.json["seconds"] < 60
    assert left_running == []
    row = ("", "-U1", "-U2", "-U3", "-U4")
    assert {picture.stem for picture in folder.pictures("first")} == {f"row{n}{word}" for n in range(2) for word in row}


def test_progress_is_told_in_plain_lines_where_stderr_is_no_terminal(
    first_run: tuple[Folder, Ended, list[str]],
) -> None:
    lines = first_run[1].err.splitlines()
    assert lines[-1].startswith("first: 10 of 10 done")
    assert all(line.startswith("first: ") and "\x1b" not in line for line in lines)


def test_each_picture_is_one_and_its_record_knows_its_hash(first_run: tuple[Folder, Ended, list[str]]) -> None:
    for picture in first_run[0].pictures("first"):
        with Image.open(picture) as image:
            image.verify()
        record = json.loads(picture.with_suffix(".json").read_text())
        assert record["file"] == picture.name
        assert record["sha256"] == hashlib.sha256(picture.read_bytes()).hexdigest()


def test_the_gallery_links_to_every_picture(first_run: tuple[Folder, Ended, list[str]]) -> None:
    folder, ended, _ = first_run
    page = folder.path / ended.json["gallery"]
    text = unquote(unescape(page.read_text()))
    assert page.is_relative_to(folder.path)
    assert [name.name for name in folder.pictures("first") if f'href="./{name.name}"' not in text] == []


def test_the_same_manifest_again_sends_nothing(first_run: tuple[Folder, Ended, list[str]]) -> None:
    folder, first, _ = first_run
    again = folder.pipeline("run", "first.csv", "--json")
    assert again.status == 0
    assert {"sent": 0, "delivered": 10, "batch": first.json["batch"]}.items() <= again.json.items()
    assert again.json["seconds"] < first.json["seconds"]


def test_a_folder_can_be_asked_how_its_batches_stand(first_run: tuple[Folder, Ended, list[str]]) -> None:
    folder, first, _ = first_run
    with folder.services():
        listed = folder.pipeline("status")
        one = folder.pipeline("status", "first", "--json")
        page = folder.pipeline("report", str(first.json["batch"]))
        plan = folder.pipeline("plan", "first.csv", "--json")
    assert [ended.status for ended in (listed, one, page, plan)] == [0, 0, 0, 0]
    assert "first" in listed.out
    assert {"tasks": 10, "sent": 10, "delivered": 10, "failed": 0, "in_doubt": 0}.items() <= one.json.items()
    assert (folder.path / page.out.strip()).is_file()
    assert json.loads(plan.out)["tasks"] == 10


def test_no_delivery_makes_the_pictures_and_leaves_them_there(folder: Folder, server: Server, host: Host) -> None:
    folder.settings |= server.settings | host()
    ended = folder.pipeline("run", folder.rows("there.csv", 1), "--no-delivery", "--json")
    assert ended.status == 0, ended.err
    assert {"tasks": 5, "sent": 5, "delivered": 5, "gallery": None}.items() <= ended.json.items()
    assert not (folder.path / "pictures").exists()
