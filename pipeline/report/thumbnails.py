"""Small copies of the pictures, so that thousands open at once. Made once, in parallel, and reused while fresh."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePath
from typing import BinaryIO

from PIL import Image

from pipeline.deliver import Folder
from pipeline.deliver.files import part_for

FOLDER = "thumbnails"
GRID_EDGE = 800
"""Longest edge of a grid's thumbnail in pixels: it is shown some 400 wide, on screens of double density."""
TILE_EDGE = 400
QUALITY = 82
NO_PICTURE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands on the page for a picture: a path relative to the batch folder, and the picture's own size."""

    source: Path
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A picture to show, with its size where it is known. Without an `edge` the file is shown as it is: a film."""

    path: Path
    edge: int | None
    width: int | None = None
    height: int | None = None
    content: Callable[[], bytes | None] | None = None
    """Where the bytes come from when they are no file: `path` is then where the small copy will be."""


def show(folder: Folder, wanted: Iterable[Wanted], pool: ThreadPoolExecutor) -> Mapping[Path, Shown]:
    """A thumbnail for every picture that exists; a picture that is no longer there is left out."""
    wanted = tuple({one.path: one for one in wanted}.values())
    found = pool.map(lambda one: _shown(folder, one), wanted)
    return {one.path: shown for one, shown in zip(wanted, found, strict=True) if shown}


def is_inside(path: PurePath) -> bool:
    """Whether a relative path stays in the folder it is relative to."""
    return not path.is_absolute() and ".." not in path.parts and path.name != ""


def input_path(sha256: str) -> Path:
    """Where the small copy of a picture that went in is, relative to the batch folder."""
    return Path(FOLDER) / "inputs" / f"{sha256}.jpg"


def _shown(folder: Folder, wanted: Wanted) -> Shown | None:
    if not is_inside(wanted.path):
        return None
    if wanted.content:
        return _shown_input(folder, wanted)
    written = folder.modified(wanted.path)
    if written is None:
        return None
    if wanted.edge is None:
        return Shown(wanted.path, 0, 0)
    small = Path(FOLDER) / wanted.path.with_suffix(".jpg")
    made = folder.modified(small)
    if (made is not None and made >= written) or _make_of_file(folder, wanted.path, small, wanted.edge):
        source = small
    else:
        source = wanted.path
    if wanted.width and wanted.height:
        return Shown(source, wanted.width, wanted.height)
    return Shown(source, *_size(folder, wanted.path))


def _shown_input(folder: Folder, wanted: Wanted) -> Shown | None:
    """Named by its digest, so it never changes: fetched and made once."""
    if folder.modified(wanted.path) is None:
        content = wanted.content() if wanted.content else None
        if not content or not _make(folder, BytesIO(content), wanted.path, wanted.edge or TILE_EDGE):
            return None
    return Shown(wanted.path, *_size(folder, wanted.path))


def _make_of_file(folder: Folder, picture: Path, small: Path, edge: int) -> bool:
    with folder.open(picture) as file:
        return _make(folder, file, small, edge)


def _make(folder: Folder, picture: BinaryIO, small: Path, edge: int) -> bool:
    """Write the small copy in one step. False when the file is no picture: the page then shows the file itself."""
    try:
        with part_for(folder, small.stem) as part:
            with Image.open(picture) as image:
                image.thumbnail((edge, edge))
                image.convert("RGB").save(part.file, "JPEG", quality=QUALITY, optimize=True)
            folder.keep(part, small, surely=False)
    except NO_PICTURE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        return False
    return True


def _size(folder: Folder, picture: Path) -> tuple[int, int]:
    try:
        with folder.open(picture) as file, Image.open(file) as image:
            return image.width, image.height
    except NO_PICTURE:
        return 1, 1
