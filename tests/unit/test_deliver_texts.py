"""Texts that come home: a file to read, and the record with what was made of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.action import Action
from pipeline.deliver import Cause, Delivered, write_text
from tests.unit.test_deliver import FACTS, delivery, files, refused

DESCRIBED = {"text": "1️⃣ a fox --ar 3:2\r\n\r\n2️⃣ ثعلب\n", "prompts": ["a fox --ar 3:2", "ثعلب"]}


def write(folder: Path, result: dict[str, Any], **facts: Any) -> Delivered:
    told = replace(FACTS, action=Action.DESCRIBE, prompt="", **facts)
    outcome = write_text(delivery(folder, stem="cat", url="", facts=told), result)
    assert isinstance(outcome, Delivered), outcome
    return outcome


def record(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "spring/cat.json").read_text()))


def test_a_text_and_its_record_come_home(tmp_path: Path) -> None:
    outcome = write(tmp_path, DESCRIBED)
    content = (tmp_path / outcome.path).read_bytes()
    assert content.decode() == "1️⃣ a fox --ar 3:2\r\n\r\n2️⃣ ثعلب\n"
    assert (outcome.path, outcome.media_type) == (Path("spring/cat.txt"), "text/plain")
    assert (outcome.bytes, outcome.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (outcome.width, outcome.height) == (None, None)
    assert record(tmp_path)["result"] == DESCRIBED
    assert (record(tmp_path)["file"], record(tmp_path)["format"], record(tmp_path)["url"]) == ("cat.txt", "TEXT", "")


def test_twice_leaves_what_once_leaves(tmp_path: Path) -> None:
    assert write(tmp_path, DESCRIBED) == write(tmp_path, DESCRIBED)
    assert files(tmp_path) == ["spring/cat.json", "spring/cat.txt"]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"prompts": ["a fox", "an owl"]}, "a fox\n\nan owl\n"),
        ({"urls": ["https://cdn.test/a.png"]}, "https://cdn.test/a.png\n"),
        ({"seed": "636"}, "636\n"),
        ({"text": "lone \ud800 surrogate"}, "lone ? surrogate\n"),
        ({}, "\n"),
    ],
)
def test_without_a_text_the_file_says_what_is_known(tmp_path: Path, result: dict[str, Any], text: str) -> None:
    assert (tmp_path / write(tmp_path, result).path).read_text() == text


def test_the_record_of_a_seed_says_the_seed_that_was_told(tmp_path: Path) -> None:
    write(tmp_path, {"seed": "636"}, seed="7")
    assert record(tmp_path)["seed"] == "636"


def test_no_stem_leads_out_of_the_batch_folder(tmp_path: Path) -> None:
    outcome = refused(write_text(delivery(tmp_path, stem="../cat"), DESCRIBED))
    assert outcome.cause is Cause.REFUSED
    assert files(tmp_path) == []


def test_a_disk_that_says_no_is_named(tmp_path: Path) -> None:
    (tmp_path / "spring").write_text("mine")
    outcome = refused(write_text(delivery(tmp_path), DESCRIBED))
    assert outcome.cause is Cause.DISK
    assert "a file is in the place of a folder" in outcome.reason
