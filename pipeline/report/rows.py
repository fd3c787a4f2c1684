"""What the gallery shows, as plain values: a batch, its rows, and each row's tree of tasks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.action import TEXTS, Action
from pipeline.report.told import NOTHING, Told
from pipeline.task import State

_IMAGINED = re.compile(r"imagine-(\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryInput:
    """A picture that went in: a file of the batch folder, the digest of a person's file, or an address."""

    path: Path | None = None
    of_row: bool = False
    """Whether the file is a row's own result, not a follow-up's."""
    sha256: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryTask:
    """One task of a row. `path` is relative to the batch folder, and None while there is no file.

    `word` is the follow-up's own (`U1`, `zoom-1.5`), empty for the row's first task. `reason` is a sentence.
    """

    word: str = ""
    action: Action = Action.IMAGINE
    prompt: str = ""
    inputs: tuple[GalleryInput, ...] = ()
    state: State
    reason: str = ""
    path: Path | None = None
    width: int | None = None
    height: int | None = None
    told: Told = NOTHING
    remote_id: str = ""
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    children: tuple[GalleryTask, ...] = ()

    @property
    def is_text(self) -> bool:
        return self.action in TEXTS

    @property
    def is_film(self) -> bool:
        return self.action is Action.VIDEO

    @property
    def is_mark(self) -> bool:
        """Whether it is a small thing to be noted on its parent's picture."""
        return self.action in (Action.SEED, Action.BOOKMARK)

    @property
    def of_prompt(self) -> int:
        """Which of its parent's prompts it was made of, from 1; 0 for what was made otherwise."""
        found = _IMAGINED.match(self.word)
        return int(found[1]) if found else 0

    @property
    def kind(self) -> str:
        """The way it is shown, see `kind_of`."""
        return kind_of(self.state)

    def family(self, trail: str = "") -> Iterator[tuple[str, GalleryTask]]:
        """This task and all beneath it, each with the words that lead to it (`V2 U1`)."""
        here = f"{trail} {self.word}".strip()
        yield here, self
        for child in self.children:
            yield from child.family(here)


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryRow:
    """One row of the manifest: its first task, with what followed as that task's `children`."""

    key: str
    prompt: str
    """Empty where the action needs none."""
    task: GalleryTask


def _no_picture(sha256: str) -> bytes | None:  # noqa: ARG001 - the signature of `GalleryBatch.picture`
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryBatch:
    """A batch to show. `rows` is read once, so it may stream from the database."""

    name: str
    rows: Iterable[GalleryRow]
    created_at: datetime | None = None
    account: str = ""
    over: bool = True
    """Whether nothing more is on its way."""
    picture: Callable[[str], bytes | None] = _no_picture
    """The bytes of a picture that went in, by its digest. Called from several threads."""


STATE_WORDS = {
    State.PLANNED: "waiting to be sent",
    State.SUBMITTING: "being sent",
    State.IN_DOUBT: "in doubt",
    State.SUBMITTED: "queued at the API",
    State.RUNNING: "being made",
    State.SUCCEEDED: "made, not here yet",
    State.DELIVERED: "delivered",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
}
"""Each state as a person would say it."""


def kind_of(state: State) -> str:
    """The four ways a task is shown: `delivered`, `failed`, `doubt` or `waiting`."""
    if state is State.DELIVERED:
        return "delivered"
    if state in (State.FAILED, State.CANCELLED):
        return "failed"
    return "doubt" if state is State.IN_DOUBT else "waiting"
