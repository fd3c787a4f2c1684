"""The values of a delivery: what is asked for, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pipeline.action import Action
from pipeline.deliver.folder import Folder
from pipeline.task import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the record beside the picture says of its task. `prompt` is as the person wrote it, flags included."""

    key: str
    batch: str
    action: Action
    prompt: str
    word: str | None = None
    """Of a follow-up."""
    index: int | None = None
    mode: Mode | None = None
    state: str | None = None
    """The person's own note."""
    remote_id: str = ""
    parent_remote_id: str | None = None
    seed: str | None = None
    account: str = ""
    attempts: int = 1
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One picture to bring home: from `url` to `<folder>/<stem>.<format>`. `folder` is `<output>/<batch>`."""

    task_id: int
    folder: Folder
    stem: str
    url: str
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A picture, film or text in its folder, verified. `path` is relative to the output folder (`spring/fox-U1.png`).

    Only a picture has a width and a height, in pixels.
    """

    task_id: int
    path: Path
    bytes: int
    sha256: str
    media_type: str
    width: int | None = None
    height: int | None = None


class Cause(StrEnum):
    """Why a picture is not here, as far as it decides what to do next."""

    DEAD_LINK = "dead_link"
    """404, 403 or 410: the API may have a fresh link."""
    NETWORK = "network"
    """Host unreachable, too slow, or in trouble, or the store that it goes to: the same may work later."""
    NO_PICTURE = "no_picture"
    """Something came, but not a whole picture: a web page, text, a torn file."""
    DISK = "disk"
    """It cannot be written where it belongs. Nothing is wrong with the link."""
    REFUSED = "refused"
    """Not a link that we follow, not a place that we write to, or over a limit. Trying again changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDelivered:
    """A picture that is not at home. `reason` is a sentence for people, without secrets."""

    reason: str
    cause: Cause

    @property
    def link_dead(self) -> bool:
        """Ask the API for a fresh link before trying again."""
        return self.cause is Cause.DEAD_LINK

    @property
    def retryable(self) -> bool:
        """Whether it may end better later (with a fresh link where `link_dead`)."""
        return self.cause is not Cause.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a picture is taken. Midjourney's largest is 8192 x 8192 (67 million pixels)."""

    bytes: int = 64 * 1024 * 1024
    seconds: float = 180.0
    pixels: int = 80_000_000


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What the link answered, now in the part file."""

    bytes: int
    sha256: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the bytes turned out to be, film included. `format` is Pillow's word (`PNG`), or `MP4`."""

    format: str
    extension: str
    media_type: str
    width: int | None = None
    height: int | None = None
