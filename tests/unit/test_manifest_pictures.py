"""Picture files: found by the manifest's name, and looked at before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pipeline.inputs import Picture
from pipeline.manifest import DiskPictures, KnownPictures, PictureFault


def noise(width: int = 60, height: int = 40) -> Image.Image:
    return Image.effect_noise((width, height), 80).convert("RGB")


@pytest.fixture
def disk(tmp_path: Path) -> DiskPictures:
    noise().save(tmp_path / "fox.png")
    return DiskPictures(tmp_path)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.png", "image/png"), ("a.jpg", "image/jpeg"), ("a.webp", "image/webp"), ("a.gif", "image/gif")],
)
def test_whole_pictures_are_taken_and_known_by_their_bytes(tmp_path: Path, name: str, media_type: str) -> None:
    noise().save(tmp_path / name)
    found = DiskPictures(tmp_path).find(name)
    assert (found.media_type, found.width, found.height) == (media_type, 60, 40)
    (tmp_path / "other.txt").write_bytes((tmp_path / name).read_bytes())
    assert DiskPictures(tmp_path).find("other.txt") == found


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif"])
@pytest.mark.parametrize("part", [0.5, 0.99])
def test_a_picture_that_ends_too_early_is_refused(tmp_path: Path, name: str, part: float) -> None:
    noise().save(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * part)])
    with pytest.raises(PictureFault, match="is cut short or damaged: save it again"):
        DiskPictures(tmp_path).find(name)


def _holding(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _text(path: Path) -> None:
    path.write_text("not a picture")


def _fifty_megabytes(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(50_000_000)


def _eighty_one_megapixels(path: Path) -> None:
    Image.new("1", (9_000, 9_000)).save(path)


def _a_bomb(path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_text, "`p.png` is no PNG, JPEG, WEBP or GIF picture, whatever its name says"),
        (_fifty_megabytes, "`p.png` has 50.0 MB, at most 10 MB are taken: make it smaller"),
        (_eighty_one_megapixels, "`p.png` has more than 80 megapixels: make it smaller"),
        (_a_bomb, "`p.png` has more than 80 megapixels: make it smaller"),
        (Path.touch, "`p.png` is an empty file: save the picture again"),
        (_holding(b"\0\0\0\x20ftypheic\0"), "`p.png` is a HEIC picture: export it as PNG or JPEG"),
        (_holding(b"\0\0\0\x20ftypavif\0"), "`p.png` is an AVIF picture: export it as PNG or JPEG"),
        (_holding(b"<?xml version='1.0'?><svg/>"), "`p.png` is an SVG drawing: export it as PNG or JPEG"),
        (_holding(b"%PDF-1.7"), "`p.png` is a PDF document: export it as PNG or JPEG"),
        (Path.mkdir, "`p.png` is no picture file, but a folder or device"),
    ],
)
def test_what_no_server_takes_is_refused_with_a_remedy(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path / "p.png")
    with pytest.raises(PictureFault, match=message):
        DiskPictures(tmp_path).find("p.png")


def test_the_largest_upscale_can_be_used_again(tmp_path: Path) -> None:
    Image.new("1", (8_192, 8_192)).save(tmp_path / "p.png")
    assert DiskPictures(tmp_path).find("p.png").width == 8_192


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fux.png", "there is no picture `fux.png`: did you mean `fox.png`?"),
        ("owl.png", "there is no picture `owl.png`: paths start at the manifest's folder"),
        ("art/fox.png", "there is no picture `art/fox.png`: paths start at the manifest's folder"),
        ("x" * 300, "cannot be read: File name too long"),
    ],
)
def test_a_missing_picture_is_told_with_the_nearest_name(disk: DiskPictures, name: str, message: str) -> None:
    with pytest.raises(PictureFault, match=message):
        disk.find(name)


@pytest.mark.parametrize("name", ["a\0b", "\ud800.png", "~/no such folder/a.png", ""])
def test_any_name_is_a_picture_or_a_fault(disk: DiskPictures, name: str) -> None:
    with pytest.raises(PictureFault):
        disk.find(name)


def test_a_picture_is_read_once_however_many_rows_name_it(disk: DiskPictures, tmp_path: Path) -> None:
    first = disk.find("fox.png")
    (tmp_path / "fox.png").unlink()
    assert disk.find("fox.png") is first
    assert disk.found == {"fox.png": first}
    with pytest.raises(PictureFault):
        disk.find("owl.png")
    noise().save(tmp_path / "owl.png")
    with pytest.raises(PictureFault, match="there is no picture"):
        disk.find("owl.png")


def test_bytes_are_those_that_were_judged(disk: DiskPictures, tmp_path: Path) -> None:
    disk.find("fox.png")
    assert disk.read("fox.png") == (tmp_path / "fox.png").read_bytes()
    noise(61).save(tmp_path / "fox.png")
    with pytest.raises(PictureFault, match="was changed while it was being read"):
        disk.read("fox.png")


def test_pictures_that_were_looked_at_before_need_no_file() -> None:
    fox = Picture(sha256="0" * 64, media_type="image/png", width=3, height=2)
    known = KnownPictures({"fox.png": fox})
    assert known.find("fox.png") is fox
    with pytest.raises(PictureFault, match="was not handed over"):
        known.find("owl.png")


def test_a_picture_of_nothing_but_black_or_white_is_known(tmp_path: Path) -> None:
    Image.new("L", (60, 40), 0).save(tmp_path / "black.png")
    Image.new("RGB", (60, 40), "white").save(tmp_path / "white.png")
    noise().save(tmp_path / "fox.png")
    disk = DiskPictures(tmp_path)
    assert [disk.colour(name) for name in ("black.png", "white.png", "fox.png")] == ["black", "white", None]
