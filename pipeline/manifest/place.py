"""Where a word stands in a manifest, and the faults that are found there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import Fault, ManifestError

LISTED = 1000
"""How many faults are told; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position as editors count it: lines and columns (in characters) from 1. `path` is a YAML key path."""

    file: str
    line: int
    column: int = 1
    path: str = ""

    def fault(self, message: str) -> Fault:
        return Fault(self.file, self.line, self.column, message, self.path)


class Unreadable(Exception):  # noqa: N818 - a signal inside this package, told to people as a Fault
    """A fault after which nothing more of the file can be understood."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Faults:
    """Every fault of one reading, in flat memory however many there are."""

    def __init__(self) -> None:
        self.count = 0
        self._listed: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self.count += 1
        if len(self._listed) < LISTED:
            self._listed.append(fault)

    def reword(self, fault: Fault, message: str) -> None:
        """Says a fault better, once more of the file is known."""
        if fault in self._listed:
            better = Fault(fault.file, fault.line, fault.column, message, fault.path)
            self._listed[self._listed.index(fault)] = better

    def raise_any(self, as_written: Callable[[Sequence[Fault]], Iterable[Fault]] = iter) -> None:
        """Raises `ManifestError` if there is a fault. `as_written` tells where the faults stand in the file itself."""
        if self._listed:
            raise ManifestError(sorted(as_written(self._listed)), self.count - len(self._listed))
