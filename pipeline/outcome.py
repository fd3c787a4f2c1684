"""What the API tells us, as values: how a POST ended, and what a report says of a task.

The question behind every outcome is whether the API may have created a job that costs money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.task import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Surely accepted: the API named the task."""

    remote_id: str
    code: int
    detail: str
    report: Report | None = None
    """Where the reply is the result already: a seed, a link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The API has opened a window and named it. It starts, and costs, once the window is answered."""

    remote_id: str
    code: int
    reason: str


class Blame(StrEnum):
    """Whose turn it is to wait after a refusal."""

    TASK = "task"
    """This task only: it spends one of its tries."""
    ACCOUNT = "account"
    """The whole account is busy (queue full, rate limit, no money): it pauses, and nobody spends a try."""
    SERVER = "server"
    """The server cannot be reached or fails: the account pauses, and a free question goes before its next task."""
    KEY = "key"
    """The key is refused, or refused this: as if the server failed, unless it took other tasks at the same time."""
    NOBODY = "nobody"
    """Nothing was sent, for a reason of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain:
    """Surely not accepted, for a reason that may pass. `after`: seconds, from Retry-After."""

    reason: str
    blame: Blame = Blame.TASK
    after: float | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Surely not accepted, and never will be. `reason` carries the API's own words."""

    reason: str
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubt:
    """Perhaps accepted: the reply was lost or says nothing. Never sent again blindly."""

    reason: str
    code: int | None = None


Outcome = Accepted | Window | TryAgain | Refused | InDoubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the API says of one task, in our words. Times are UTC."""

    remote_id: str
    state: State
    progress: str | None = None
    reason: str | None = None
    window: bool = False
    """It waits for an answer to its window."""
    image_url: str | None = None
    """Of a film: the film's."""
    result: dict[str, Any] | None = None
    """The text that was made: `text` as it came, and of it `prompts` (of a describe or a shorten), `tokens` (of a
    shorten), `seed`, `urls` (of an upload)."""
    buttons: tuple[str, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    properties: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """What a look for tasks by their tokens has found."""

    found: Mapping[str, Report] = field(default_factory=dict)
    """By token."""
    complete: bool = False
    """Whether what was not found surely is not there."""
    why: str = ""
    """Why it is not complete."""
