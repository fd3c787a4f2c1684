"""One picture at a time, against a transport that answers from memory."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from pipeline.action import Action
from pipeline.deliver import (
    Cause,
    Delivered,
    Delivery,
    Facts,
    Folder,
    Limits,
    LocalFolder,
    NotDelivered,
    download,
)
from pipeline.task import Mode

FACTS = Facts(
    key="fox",
    batch="spring",
    action=Action.UPSCALE,
    index=1,
    prompt="a red fox --ar 3:2 --seed 7",
    mode=Mode.FAST,
    remote_id="1320098173412546",
    parent_remote_id="1320098173412545",
    account="main",
    submitted_at=datetime(2025, 5, 1, 12, 0, tzinfo=UTC),
)
HTML = b"<!DOCTYPE html><html><title>Sign in</title></html>"


def picture(kind: str = "PNG", color: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), color).save(buffer, kind)
    return buffer.getvalue()


def delivery(home: Path | Folder, **changed: Any) -> Delivery:
    home = LocalFolder(home) if isinstance(home, Path) else home
    values: dict[str, Any] = {
        "task_id": 5,
        "folder": home.inside("spring"),
        "stem": "fox-U1",
        "url": "https://cdn.test/fox.png?ex=secret",
        "facts": FACTS,
    }
    return Delivery(**(values | changed))


def answering(body: bytes = b"", status: int = 200, content_type: str = "image/png") -> httpx.Client:
    return client(lambda _: httpx.Response(status, content=body, headers={"content-type": content_type}))


def client(handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(handler), **options)


def refused(outcome: Delivered | NotDelivered) -> NotDelivered:
    assert isinstance(outcome, NotDelivered), outcome
    return outcome


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_picture_and_its_record_come_home(tmp_path: Path) -> None:
    body = picture()
    outcome = download(answering(body), delivery(tmp_path))
    assert outcome == Delivered(
        task_id=5,
        path=Path("spring/fox-U1.png"),
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        width=64,
        height=48,
        media_type="image/png",
    )
    assert (tmp_path / outcome.path).read_bytes() == body
    record = json.loads((tmp_path / "spring/fox-U1.json").read_text())
    assert record["parameters"] == {"ar": "3:2", "seed": "7"}
    assert (record["mode"], record["seed"], record["file"]) == ("fast", "7", "fox-U1.png")
    assert record["submitted_at"] == "2025-05-01T12:00:00Z"
    assert record["url"] == "https://cdn.test/fox.png"
    assert record["sha256"] == outcome.sha256


def test_twice_leaves_what_once_leaves(tmp_path: Path) -> None:
    def both() -> dict[str, bytes]:
        assert isinstance(download(answering(picture()), delivery(tmp_path)), Delivered)
        return {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}

    assert both() == both()
    assert files(tmp_path) == ["spring/fox-U1.json", "spring/fox-U1.png"]


def test_a_new_format_replaces_the_file_of_the_old_one(tmp_path: Path) -> None:
    download(answering(picture("WEBP")), delivery(tmp_path))
    download(answering(picture("PNG")), delivery(tmp_path))
    assert files(tmp_path) == ["spring/fox-U1.json", "spring/fox-U1.png"]


@pytest.mark.parametrize(("kind", "name"), [("JPEG", "jpg"), ("WEBP", "webp"), ("GIF", "gif"), ("PNG", "png")])
def test_the_bytes_decide_the_extension_and_not_the_link(tmp_path: Path, kind: str, name: str) -> None:
    outcome = download(answering(picture(kind), content_type="text/plain"), delivery(tmp_path))
    assert isinstance(outcome, Delivered)
    assert outcome.path.name == f"fox-U1.{name}"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_that_is_cut_short_is_refused(tmp_path: Path, kind: str) -> None:
    whole = picture(kind)
    outcome = refused(download(answering(whole[: len(whole) * 3 // 4]), delivery(tmp_path)))
    assert outcome.cause is Cause.NO_PICTURE
    assert "cut short or damaged" in outcome.reason
    assert files(tmp_path) == []


def test_a_png_without_its_last_byte_is_refused(tmp_path: Path) -> None:
    assert "its end is missing" in refused(download(answering(picture()[:-1]), delivery(tmp_path))).reason


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (HTML, "text/html; charset=utf-8", "the link answered a web page (text/html) instead of a picture"),
        (HTML, "image/png", "the link answered a web page (image/png) instead of a picture"),
        (b'{"error": "gone"}', "application/json", 'text (application/json) instead of a picture: {"error": "gone"}'),
        (b"", "image/png", "the link answered nothing (0 bytes) instead of a picture"),
        (b"\0\1\2\xff", "", "4 bytes (no content type) that are no PNG, JPEG, WEBP or GIF picture"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path: Path, body: bytes, content_type: str, reason: str) -> None:
    outcome = refused(download(answering(body, content_type=content_type), delivery(tmp_path)))
    assert reason in outcome.reason
    assert (outcome.retryable, outcome.link_dead) == (True, False)
    assert files(tmp_path) == []


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_dead_link_asks_for_a_fresh_one(tmp_path: Path, status: int) -> None:
    outcome = refused(download(answering(b"gone", status=status), delivery(tmp_path)))
    assert outcome.link_dead
    assert f"cdn.test answered {status}" in outcome.reason


@pytest.mark.parametrize("status", [204, 401, 429, 500, 503, 599])
def test_any_other_status_may_be_tried_again(tmp_path: Path, status: int) -> None:
    outcome = refused(download(answering(status=status), delivery(tmp_path)))
    assert (outcome.cause, outcome.retryable, outcome.link_dead) == (Cause.NETWORK, True, False)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("broke")]
)
def test_a_broken_network_may_be_tried_again(tmp_path: Path, error: httpx.HTTPError) -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise error

    outcome = refused(download(client(broken), delivery(tmp_path)))
    assert outcome.cause is Cause.NETWORK
    assert "cdn.test" in outcome.reason
    assert files(tmp_path) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "data:image/png;base64,AA", "ftp://a/b", "", "https://", "a b"])
def test_only_web_links_are_followed(tmp_path: Path, url: str) -> None:
    outcome = refused(download(answering(picture()), delivery(tmp_path, url=url)))
    assert not outcome.retryable
    assert files(tmp_path) == []


def test_the_key_is_never_sent_to_a_picture_host(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def host(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=picture())

    careless = client(host, headers={"mj-api-secret": "sk-1", "authorization": "Bearer sk-1"})
    assert isinstance(download(careless, delivery(tmp_path)), Delivered)
    assert "sk-1" not in str(seen[0].headers.raw)


@pytest.mark.parametrize("stem", ["../fox", "a/b", "/etc/fox", "..", ".", "", "a\0b", "..\\fox"])
def test_no_stem_leads_out_of_the_batch_folder(tmp_path: Path, stem: str) -> None:
    outcome = refused(download(answering(picture()), delivery(tmp_path, stem=stem)))
    assert outcome.cause is Cause.REFUSED
    assert files(tmp_path) == []


def test_a_longer_body_than_allowed_is_refused(tmp_path: Path) -> None:
    outcome = refused(download(answering(bytes(5000)), delivery(tmp_path), Limits(bytes=4096)))
    assert "more than 0.00390625 MiB" in outcome.reason
    assert files(tmp_path) == []


def test_a_picture_of_too_many_pixels_is_not_opened(tmp_path: Path) -> None:
    outcome = refused(download(answering(picture()), delivery(tmp_path), Limits(pixels=1000)))
    assert "more pixels" in outcome.reason


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no permission to write"),
    ],
)
def test_a_disk_that_says_no_is_named_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    outcome = refused(download(answering(picture()), delivery(tmp_path)))
    assert outcome.cause is Cause.DISK
    assert words in outcome.reason
    assert str(tmp_path / "spring") in outcome.reason
    assert "PIPELINE_OUTPUT_DIR" in outcome.reason
    assert files(tmp_path) == []


def test_a_file_in_the_place_of_the_batch_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "spring").write_text("mine")
    outcome = refused(download(answering(picture()), delivery(tmp_path)))
    assert "a file is in the place of a folder" in outcome.reason
    assert (tmp_path / "spring").read_text() == "mine"
