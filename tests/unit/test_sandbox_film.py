"""The films: real MP4 files, read here box by box."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from struct import unpack_from
from typing import Any

import pytest
from PIL import Image, ImageStat

from pipeline.sandbox.film import FRAMES, PER_SECOND, mp4
from pipeline.sandbox.tasks import Action, Order, Task, Upload

NESTED = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf"}


def film(prompt: str = "a whale", **fields: Any) -> bytes:
    return mp4(Order(action=Action.VIDEO, prompt=prompt, **fields), 96)


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, bytes]]:
    """Every box with its place and its content, those within others too. Each must end where its parent ends."""
    end = len(data) if end is None else end
    while start < end:
        length, kind = unpack_from(">I4s", data, start)
        assert 8 <= length <= end - start
        yield kind, start, data[start + 8 : start + length]
        if kind in NESTED:
            yield from boxes(data, start + 8, start + length)
        start += length


def content(data: bytes) -> dict[bytes, bytes]:
    return {kind: inside for kind, _, inside in boxes(data)}


def frames(data: bytes) -> list[Image.Image]:
    found = content(data)
    _, _, count = unpack_from(">3I", found[b"stsz"])
    lengths = unpack_from(f">{count}I", found[b"stsz"], 12)
    places = unpack_from(f">{count}I", found[b"stco"], 8)
    return [Image.open(BytesIO(data[at : at + n])) for at, n in zip(places, lengths, strict=True)]


def test_a_film_is_made_of_nested_boxes_that_fill_the_file() -> None:
    kinds = [kind for kind, _, _ in boxes(film())]
    assert kinds[0] == b"ftyp"
    assert kinds[-1] == b"mdat"
    assert {b"mvhd", b"tkhd", b"mdhd", b"hdlr", b"vmhd", b"stsd", b"stts", b"stsc", b"stsz", b"stco"} <= set(kinds)


def test_the_tables_lead_to_the_frames_which_are_jpegs_of_the_size_that_is_declared() -> None:
    made = film("a whale --ar 3:2")
    entry = content(made)[b"stsd"]
    assert entry[12:16] == b"mp4v"
    declared = unpack_from(">HH", entry, 40)
    shown = frames(made)
    assert len(shown) == FRAMES
    assert {(frame.format, frame.size) for frame in shown} == {("JPEG", declared)}
    assert declared[0] / declared[1] == pytest.approx(1.5, rel=0.05)


def test_the_frames_fill_the_media_data_without_a_gap() -> None:
    made = film()
    _, _, count = unpack_from(">3I", content(made)[b"stsz"])
    lengths = unpack_from(f">{count}I", content(made)[b"stsz"], 12)
    place = next(start for kind, start, _ in boxes(made) if kind == b"mdat")
    assert sum(lengths) == len(content(made)[b"mdat"])
    assert unpack_from(">I", content(made)[b"stco"], 8) == (place + 8,)


def test_a_film_lasts_as_long_as_its_frames() -> None:
    found = content(film())
    ticks, lasting = unpack_from(">II", found[b"mvhd"], 12)
    _, _, count, each = unpack_from(">4I", found[b"stts"])
    assert lasting == count * each
    assert lasting / ticks == FRAMES / PER_SECOND


def test_the_camera_moves_and_further_when_much_motion_is_asked_for() -> None:
    low, high = frames(film(variant="low")), frames(film(variant="high"))
    assert low[0].tobytes() == high[0].tobytes()
    assert len({low[0].tobytes(), low[-1].tobytes(), high[-1].tobytes()}) == 3


def test_each_film_of_a_batch_moves_its_own_way_and_the_same_one_always_the_same() -> None:
    assert len({film(index=n) for n in range(1, 5)}) == 4
    assert film(index=2) == film(index=2)


def test_a_film_shows_the_picture_that_was_given_and_ends_with_the_second() -> None:
    given = tuple(_plain(colour) for colour in ("red", "blue"))
    shown = frames(film(images=given))
    assert ImageStat.Stat(shown[0]).mean[0] > 240
    assert ImageStat.Stat(shown[-1]).mean[2] > 240


def test_a_film_of_a_task_shows_its_picture() -> None:
    parent = Task(id="1", order=Order(action=Action.IMAGINE, prompt="a fox --ar 2:3"), submitted=1)
    single = Task(id="2", order=Order(action=Action.UPSCALE, prompt="", parent=parent, index=2), submitted=1)
    first = frames(film("", parent=single))[0]
    assert first.width / first.height == pytest.approx(2 / 3, rel=0.05)


def _plain(colour: str) -> Upload:
    file = BytesIO()
    Image.new("RGB", (40, 40), colour).save(file, "PNG")
    return Upload(sha256(file.getvalue()).hexdigest(), file.getvalue())
