"""Expected failures: what happened, where, and what to do next.

    PipelineError
    ├── UsageError            exit status 2: nothing was sent
    │   └── ManifestError     every fault of a manifest at once
    └── ServiceError          exit status 3: a service cannot be reached or refuses us

Each message is a sentence for the person at the terminal; the command line prints it without a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class PipelineError(Exception):
    """An expected failure. `exit_status` is what the command line ends with."""

    exit_status = 1


class UsageError(PipelineError):
    """The manifest, a setting or an argument is wrong; nothing was sent."""

    exit_status = 2


class ServiceError(PipelineError):
    """A service (database, broker, API) cannot be reached or refuses us."""

    exit_status = 3


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong in a manifest. Lines and columns count from 1; `path` is a YAML key path (`tasks[3].then`)."""

    file: str
    line: int
    column: int
    message: str
    path: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        return where + (f"{self.path}: " if self.path else "") + self.message


class ManifestError(UsageError):
    """A manifest with at least one fault. Nothing of it is sent."""

    def __init__(self, faults: Sequence[Fault], unlisted: int = 0) -> None:
        self.faults = tuple(faults)
        self.unlisted = unlisted
        lines = [str(fault) for fault in self.faults]
        if unlisted:
            lines.append(f"... and {unlisted} more")
        super().__init__("\n".join(lines))
