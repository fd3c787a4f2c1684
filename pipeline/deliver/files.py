"""Files that appear whole or not at all, inside the batch folder only, and sentences for a disk that says no."""

from __future__ import annotations

import errno
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.deliver.delivery import Cause, Delivered, Delivery, NotDelivered, Picture

PART_SUFFIX = ".part"
STALE_SECONDS = 3600
"""Far beyond the longest download: a part file this old belongs to a process that was killed."""

DISK_TROUBLE = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("the disk quota is used up", "free some space"),
    errno.EFBIG: ("the largest allowed file size is too small", "raise it (ulimit -f)"),
    errno.EROFS: ("the file system is read-only", "make it writable"),
    errno.EACCES: ("no permission to write", "make it writable for this user"),
    errno.EPERM: ("no permission to write", "make it writable for this user"),
    errno.EEXIST: ("a file is in the place of a folder", "move it away"),
    errno.ENOTDIR: ("a file is in the place of a folder", "move it away"),
    errno.EISDIR: ("a folder is in the place of a file", "move it away"),
    errno.EIO: ("the disk fails", "check it"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is still being written, beside the place that it will take."""

    path: Path
    file: BinaryIO

    def become(self, target: Path) -> None:
        """Take the place of `target` in one step, with the bytes safely on disk first."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.path.replace(target)


def disk_sentence(error: OSError, folder: Path) -> str:
    """What the disk refused, where, and what to do."""
    where = error.filename if isinstance(error.filename, str) else str(folder)
    what, remedy = DISK_TROUBLE.get(error.errno or 0, (error.strerror or "it could not be written", "see to it"))
    return f"{what}: {where}; {remedy}, or set PIPELINE_OUTPUT_DIR to another place, then run it again"


def refusal_of_place(delivery: Delivery) -> NotDelivered | None:
    """Why nothing is written under this stem, or None. The plan makes safe stems; this is the second lock."""
    folder, stem = delivery.folder, delivery.stem
    plain = stem not in ("", ".", "..") and not any(sign in stem for sign in "/\\\0")
    try:
        inside = plain and (folder / f"{stem}.png").parent.resolve() == folder.resolve()
    except (OSError, RuntimeError, ValueError):
        inside = False
    if inside:
        return None
    reason = f"the file name {stem!r} would leave the folder {folder}; nothing was written"
    return NotDelivered(reason=reason, cause=Cause.REFUSED)


@contextmanager
def part_file(delivery: Delivery) -> Iterator[Part]:
    """A fresh part file in the batch folder, which is made if need be. It is gone afterwards, whatever happens."""
    delivery.folder.mkdir(parents=True, exist_ok=True)
    with _part_in(delivery.folder, delivery.stem) as part:
        yield part


@contextmanager
def _part_in(folder: Path, stem: str) -> Iterator[Part]:
    short = stem.encode()[:80].decode(errors="ignore")
    path = folder / f".{short}.{os.getpid()}-{secrets.token_hex(4)}{PART_SUFFIX}"
    with path.open("xb") as file:
        try:
            yield Part(path, file)
        finally:
            path.unlink(missing_ok=True)


def keep_picture(delivery: Delivery, part: Part, picture: Picture, record: dict[str, Any]) -> Delivered:
    """Give the picture its name, then write its record: for a moment a whole picture may be without one."""
    folder, name = delivery.folder, delivery.stem + picture.extension
    before = _recorded_file(folder / f"{delivery.stem}.json")
    part.become(folder / name)
    write_whole(folder, f"{delivery.stem}.json", json.dumps(record, ensure_ascii=False, indent=2) + "\n")
    if before and before != name and Path(before).stem == delivery.stem:
        (folder / before).unlink(missing_ok=True)
    _sync_folder(folder)
    return Delivered(
        task_id=delivery.task_id,
        path=Path(folder.name) / name,
        bytes=record["bytes"],
        sha256=record["sha256"],
        width=picture.width,
        height=picture.height,
        media_type=picture.media_type,
    )


def write_whole(folder: Path, name: str, text: str) -> None:
    """Write a text file in one step: a reader sees the old one or the new one. Raises OSError."""
    with _part_in(folder, name) as part:
        part.file.write(text.encode("utf-8", errors="replace"))
        part.become(folder / name)


def remove_stale_parts(folder: Path) -> int:
    """Remove what killed processes left half-written in a batch folder, and say how many. Raises OSError."""
    oldest, removed = time.time() - STALE_SECONDS, 0
    for path in folder.glob(f".*{PART_SUFFIX}"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
    return removed


def _recorded_file(sidecar: Path) -> str | None:
    """The file that an earlier delivery of the same stem recorded: replaced even if its format was another."""
    try:
        file = json.loads(sidecar.read_bytes())["file"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return file if isinstance(file, str) and Path(file).name == file else None


def _sync_folder(folder: Path) -> None:
    """Make the new names survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
