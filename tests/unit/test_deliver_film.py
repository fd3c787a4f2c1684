"""Films that come home: whole MP4s are kept, everything else is named."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.action import Action
from pipeline.deliver import Cause, Delivered, download
from pipeline.sandbox import film
from pipeline.sandbox.tasks import Action as Asked
from pipeline.sandbox.tasks import Order
from tests.unit.test_deliver import FACTS, HTML, answering, delivery, files, picture, refused


def box(kind: bytes, content: int = 8) -> bytes:
    return struct.pack(">I4s", 8 + content, kind) + bytes(content)


HEAD = box(b"ftyp") + box(b"moov")
FILM = film.mp4(Order(action=Asked.VIDEO, prompt="a fox"), 64)
TO_COME = {"facts": replace(FACTS, action=Action.VIDEO, word=None), "stem": "clip"}


def bring(folder: Path, body: bytes, content_type: str = "video/mp4") -> object:
    return download(answering(body, content_type=content_type), delivery(folder, **TO_COME))


def test_a_film_comes_home_without_a_size_in_pixels(tmp_path: Path) -> None:
    outcome = bring(tmp_path, FILM)
    assert isinstance(outcome, Delivered)
    assert (outcome.path, outcome.media_type, outcome.bytes) == (Path("spring/clip.mp4"), "video/mp4", len(FILM))
    assert (outcome.width, outcome.height) == (None, None)
    assert files(tmp_path) == ["spring/clip.json", "spring/clip.mp4"]


@pytest.mark.parametrize(
    "body",
    [
        HEAD + box(b"mdat"),
        HEAD + struct.pack(">I4s", 0, b"mdat") + bytes(90),
        HEAD + struct.pack(">I4sQ", 1, b"mdat", 24) + bytes(8),
        box(b"ftyp") + box(b"mdat") + box(b"free", 0) + box(b"moov"),
        FILM + bytes(64),
    ],
    ids=["plain", "to the end", "large", "moov last", "padded"],
)
def test_every_way_to_write_the_length_of_a_box_is_read(tmp_path: Path, body: bytes) -> None:
    assert isinstance(bring(tmp_path, body), Delivered)


@pytest.mark.parametrize(
    "body",
    [
        FILM[: len(FILM) // 2],
        FILM[:-1],
        FILM + b"\0\0",
        HEAD + box(b"mdat") + box(b"mdat", 100)[:50],
        HEAD,
        HEAD + struct.pack(">I4s", 3, b"mdat"),
        HEAD + struct.pack(">I4s", 1, b"mdat"),
        HEAD + struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1),
    ],
    ids=["half", "last byte", "in a header", "second mdat", "no frames", "too short", "torn length", "endless"],
)
def test_a_film_that_is_cut_short_is_refused(tmp_path: Path, body: bytes) -> None:
    outcome = refused(bring(tmp_path, body))  # type: ignore[arg-type]
    assert outcome.cause is Cause.NO_PICTURE
    assert outcome.reason == f"the film is cut short or damaged ({len(body):,} bytes came)"
    assert files(tmp_path) == []


@pytest.mark.parametrize("body", [HTML, picture(), b"", b"\0\0", bytes(100)])
def test_what_is_no_film_is_named(tmp_path: Path, body: bytes) -> None:
    outcome = refused(bring(tmp_path, body, "text/plain"))  # type: ignore[arg-type]
    assert outcome.reason == f"the link answered {len(body):,} bytes (text/plain) that are no MP4"
    assert outcome.retryable


def test_only_a_video_may_be_a_film(tmp_path: Path) -> None:
    outcome = refused(download(answering(FILM), delivery(tmp_path)))
    assert "no PNG, JPEG, WEBP or GIF picture" in outcome.reason
