"""What the gallery shows, as plain values: a batch, its rows, and each row's tree of pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipeline.task import State


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryPicture:
    """One task of a row. `path` is relative to the batch folder, and None while there is no picture.

    `word` is the follow-up's own (`U1`, `V2`, `R`), empty for the row's first picture. `reason` is a sentence.
    """

    word: str = ""
    state: State
    reason: str = ""
    path: Path | None = None
    width: int | None = None
    height: int | None = None
    remote_id: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    children: tuple[GalleryPicture, ...] = ()

    def family(self, trail: str = "") -> Iterator[tuple[str, GalleryPicture]]:
        """This picture and all beneath it, each with the words that lead to it (`V2 U1`)."""
        here = f"{trail} {self.word}".strip()
        yield here, self
        for child in self.children:
            yield from child.family(here)


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryRow:
    """One row of the manifest: its first picture, with what followed as that picture's `children`."""

    key: str
    prompt: str
    task: GalleryPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryBatch:
    """A batch to show. `rows` is read once, so it may stream from the database. `seconds` is how long it took."""

    name: str
    rows: Iterable[GalleryRow]
    counts: Mapping[State, int] = field(default_factory=dict)
    created_at: datetime | None = None
    finished_at: datetime | None = None
    seconds: float | None = None
    account: str = ""


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
