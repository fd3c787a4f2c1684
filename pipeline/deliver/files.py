"""A folder of this machine: files that appear whole or not at all, and sentences for a disk that says no."""

from __future__ import annotations

import errno
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from pipeline.deliver.folder import Folder, Name, Part
from pipeline.errors import ServiceError

PART = re.compile(r"\..*\.\d+-[0-9a-f]{8}\.part")
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
ELSEWHERE = "or set PIPELINE_OUTPUT_DIR to another place, then run it again"
DRAFTS_ELSEWHERE = "or set TMPDIR to another folder where the workers run, then run it again"


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A `Folder` on a disk of this machine, or on one that is mounted here."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def drafts(self) -> Path:
        return self.path

    def inside(self, name: str) -> LocalFolder:
        return LocalFolder(self.path / name)

    def exists(self) -> bool:
        return self.path.exists()

    def keep(self, part: Part, name: Name, *, surely: bool = True) -> None:
        """Takes the place of an older file in one step; `surely` with the bytes safely on disk first."""
        target = self.path / name
        part.file.flush()
        if surely:
            os.fsync(part.file.fileno())
        if target.parent != self.path:
            target.parent.mkdir(parents=True, exist_ok=True)
        part.path.replace(target)

    def settle(self) -> None:
        """Makes the new names survive a power cut."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open(self, name: Name) -> BinaryIO:
        return (self.path / name).open("rb")

    def modified(self, name: Name) -> float | None:
        path = self.path / name
        return path.stat().st_mtime if path.is_file() else None

    def files(self, pattern: str) -> list[str]:
        return [path.name for path in self.path.glob(pattern)]

    def remove(self, name: Name) -> None:
        (self.path / name).unlink(missing_ok=True)

    def check(self) -> None:
        """Writes where the folder is, or will be, and leaves nothing there."""
        there = next(path for path in (self.path.absolute(), *self.path.absolute().parents) if path.exists())
        try:
            with TemporaryFile(dir=there) as file:
                file.write(b"\0")
        except OSError as error:
            nameless = OSError(error.errno, error.strerror)  # the name was of a file that is no more
            raise ServiceError(disk_sentence(nameless, LocalFolder(there))) from None


def disk_sentence(error: OSError, folder: Folder) -> str:
    """What the disk refused, where, and what to do. What is elsewhere has said so itself: then drafts are refused."""
    if isinstance(error, ServiceError):
        return str(error)
    where = error.filename if isinstance(error.filename, str) else str(folder.drafts)
    what, remedy = DISK_TROUBLE.get(error.errno or 0, (error.strerror or "it could not be written", "see to it"))
    return f"{what}: {where}; {remedy}, {ELSEWHERE if isinstance(folder, LocalFolder) else DRAFTS_ELSEWHERE}"


@contextmanager
def part_for(folder: Folder, name: str) -> Iterator[Part]:
    """A fresh part file on this machine, beside its place if that is here. It is gone afterwards, whatever happens."""
    folder.drafts.mkdir(parents=True, exist_ok=True)
    short = name.encode()[:80].decode(errors="ignore")
    path = folder.drafts / f".{short}.{os.getpid()}-{secrets.token_hex(4)}.part"
    with path.open("xb") as file:
        try:
            yield Part(path, file)
        finally:
            path.unlink(missing_ok=True)


def write_whole(folder: Folder, name: str, text: str) -> None:
    """Write a text file in one step: a reader sees the old one or the new one. Raises OSError."""
    with part_for(folder, name) as part:
        part.file.write(text.encode("utf-8", errors="replace"))
        folder.keep(part, name)


def remove_stale_parts(folder: Folder) -> int:
    """Remove what killed processes left half-written on this machine, and say how many. Raises OSError.

    Of a folder here, what is in the folders in it too: each batch has one.
    """
    oldest, removed = time.time() - STALE_SECONDS, 0
    inside = folder.drafts.glob("*/.*.part") if isinstance(folder, LocalFolder) else ()
    for path in chain(folder.drafts.glob(".*.part"), inside):
        try:
            if PART.fullmatch(path.name) and path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
        except (FileNotFoundError, PermissionError):  # somebody else's, in a folder that is shared
            continue
    return removed
