"""A manifest: the CSV or YAML file that a person writes, read into rows with every fault at once.

Bytes in, rows out, and a look at the picture files that they name. Knows nothing of tasks, the network or the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePath
from typing import BinaryIO

from pipeline.errors import Fault, UsageError
from pipeline.manifest import csv_rows, yaml_rows
from pipeline.manifest.entry import Entry
from pipeline.manifest.known_rows import KnownRows
from pipeline.manifest.names import batch_name
from pipeline.manifest.pictures import DiskPictures, KnownPictures, PictureFault, Pictures
from pipeline.manifest.place import Faults, Place, Unreadable
from pipeline.manifest.prompts import Prompts
from pipeline.manifest.row_check import RowCheck
from pipeline.manifest.sources import Sources
from pipeline.manifest.then_tree import Ground
from pipeline.manifest.values import Values, as_written, left, put_in
from pipeline.task import Row

__all__ = [
    "ENDINGS",
    "DiskPictures",
    "KnownPictures",
    "Manifest",
    "PictureFault",
    "Pictures",
    "Values",
    "open_manifest",
    "put_in",
]

ENDINGS = (".csv", ".yaml", ".yml")
"""Of a manifest's file, in any capitals."""

_NO_PICTURES = KnownPictures({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One manifest, which can be read as often as needed. `file` is its name as faults print it."""

    file: str
    opened: Callable[[], BinaryIO]
    pictures: Pictures = _NO_PICTURES
    """Where the pictures are that its rows name."""
    lint: bool = True
    """Whether prompts are tidied and their flags checked; else they are sent as they are written."""
    values: Values | None = None
    """For `{{ date }}` and the like. None: there is no moment for which they could have any."""

    @classmethod
    def from_bytes(cls, data: bytes, file: str, *, pictures: Pictures = _NO_PICTURES, lint: bool = True) -> Manifest:
        """The manifest in `data`; the ending of `file` tells its format."""
        _refuse_other_endings(file)
        return cls(file=file, opened=lambda: BytesIO(data), pictures=pictures, lint=lint)

    @property
    def is_yaml(self) -> bool:
        return _ending(self.file) in {".yaml", ".yml"}

    @property
    def name(self) -> str:
        """The batch's name: what YAML says under `batch`, else the file's stem. Fit for a folder.

        Does not judge the file: `check` and `rows` do.
        """
        return self.head.batch or batch_name(PurePath(self.file).stem)

    @property
    def head(self) -> yaml_rows.Head:
        """What it says of all its rows. Does not judge the file."""
        faults = Faults()
        prompts = Prompts(faults, linted=False)
        return self._head(Ground(action=None, mask=None, faults=faults, prompts=prompts, mask_of=lambda _: None))

    def check(self) -> int:
        """How many rows there are. Raises `ManifestError` with every fault."""
        return sum(1 for _ in self.rows())

    def rows(self) -> Iterator[Row]:
        """The rows, as they are read. At the end, raises `ManifestError` with every fault if there was one.

        Nothing may be sent before the end is reached: only then is the manifest known to be good.
        """
        faults = Faults()
        count = 0
        prompts = Prompts(faults, linted=self.lint)
        sources = Sources(self.pictures, KnownRows(), faults)
        ground = Ground(action=None, mask=None, faults=faults, prompts=prompts, mask_of=sources.mask)
        check = RowCheck(faults, self._head(ground).defaults, sources, prompts)
        with self._source() as source:
            for fault in left(source, self.file):
                faults.add(fault)
        try:
            for entry in self._entries(faults):
                row = check.row(entry)
                count += 1
                if not faults.count:
                    yield row
        except Unreadable as stop:
            faults.add(stop.fault)
        if not count and not faults.count:
            faults.add(Place(file=self.file, line=1).fault("there are no rows: nothing to make"))
        faults.raise_any(self._as_written)

    def _head(self, ground: Ground) -> yaml_rows.Head:
        if not self.is_yaml:
            return yaml_rows.Head()
        with self._source() as source:
            return yaml_rows.read_head(source, self.file, ground)

    def _entries(self, faults: Faults) -> Iterator[Entry]:
        read = yaml_rows.entries if self.is_yaml else csv_rows.entries
        with self._source() as source:
            yield from read(source, self.file, faults)

    def _source(self) -> BinaryIO:
        """The manifest with its values in their places."""
        if self.values is None:
            return self.opened()
        with self.opened() as source:
            return BytesIO(put_in(source.read(), self.values))

    def _as_written(self, faults: Sequence[Fault]) -> Iterator[Fault]:
        if self.values is None:
            yield from faults
            return
        with self.opened() as source:
            yield from as_written(faults, source, self.values)


def open_manifest(path: Path, *, lint: bool = True) -> Manifest:
    """The manifest in a file, and the pictures by their paths from its folder.

    Raises `UsageError` when there is no such file, or none that can be read.
    """
    _refuse_other_endings(str(path))
    try:
        with path.open("rb"):
            pass
    except OSError as wrong:
        raise UsageError(f"{path}: {_WHY.get(type(wrong)) or wrong.strerror}") from None
    return Manifest(file=str(path), opened=lambda: path.open("rb"), pictures=DiskPictures(path.parent), lint=lint)


_WHY = {
    FileNotFoundError: "no such file: is the path right?",
    IsADirectoryError: "this is a folder: name the CSV or YAML file in it",
    PermissionError: "you may not read this file",
}


def _ending(file: str) -> str:
    return PurePath(file).suffix.casefold()


def _refuse_other_endings(file: str) -> None:
    if _ending(file) in {".tsv", ".tab"}:
        raise UsageError(f"{file}: rename it to .csv: tabs between cells are understood there")
    if _ending(file) not in ENDINGS:
        raise UsageError(f"{file}: a manifest is a .csv, .yaml or .yml file: rename it, or export it as CSV UTF-8")
