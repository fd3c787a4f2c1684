"""What a delivery and a gallery need of a folder, wherever it is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, Protocol

Name = str | PurePath
"""Of a file: relative to its folder."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is still being written, on this machine."""

    path: Path
    file: BinaryIO


class Folder(Protocol):
    """Files in it appear whole or not at all. Shown as text, it is where a person finds it.

    What goes wrong is an `OSError`; of a folder elsewhere, a `pipeline.deliver.remote.FarError`.
    """

    @property
    def name(self) -> str:
        """The last part of where it is."""

    @property
    def drafts(self) -> Path:
        """Where on this machine a file is written before it is kept."""

    def inside(self, name: str) -> Folder:
        """A folder in this one, which need not exist."""

    def exists(self) -> bool:
        """Whether there is anything."""

    def keep(self, part: Part, name: Name, *, surely: bool = True) -> None:
        """Makes the part file, all of it, the file of that name. What can be made again need not be kept `surely`."""

    def settle(self) -> None:
        """Has what was kept outlast a power cut."""

    def open(self, name: Name) -> AbstractContextManager[BinaryIO]:
        """The file, to be read. Raises FileNotFoundError."""

    def modified(self, name: Name) -> float | None:
        """When it was written, in seconds since 1970; None if there is no such file.

        A folder elsewhere is listed once for all these questions: ask a folder that was made for them.
        """

    def files(self, pattern: str) -> list[str]:
        """The names of its own files that match, such as `*.json`."""

    def remove(self, name: Name) -> None:
        """It may be gone already."""

    def check(self) -> None:
        """Writes there, and leaves nothing. Raises `ServiceError` with what to do."""
