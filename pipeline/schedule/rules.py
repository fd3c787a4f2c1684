"""What a person says of a schedule: when it fires, and what holds for its batches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pipeline.errors import UsageError
from pipeline.schedule.calendar import Calendar, Per

MOST_CAUGHT_UP = 100
"""Fire times that are made up for at once."""
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Overlap(StrEnum):
    """What becomes of a fire time while a batch of the schedule is not over."""

    SKIP = "skip"
    QUEUE = "queue"
    """One waits until that batch is over; more are skipped."""
    ALLOW = "allow"
    CANCEL = "cancel"
    """The batch that is not over is cancelled."""


class CatchUp(StrEnum):
    """Which fire times are made up for that nobody looked at in time, since no beat was running."""

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"
    """The newest `at_most` of those `within` a time."""


class FireOutcome(StrEnum):
    """What became of a fire time."""

    MADE = "made"
    """A batch."""
    QUEUED = "queued"
    """It waits until the batch before is over."""
    SKIPPED = "skipped"
    """The batch before was not over."""
    MISSED = "missed"
    """Nobody looked at it in time."""
    PAUSED = "paused"
    UNAFFORDABLE = "unaffordable"
    """The budget of its window is used up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Raises `UsageError` for rules that cannot be kept."""

    cron: str
    timezone: str = "UTC"
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.LATEST
    within: timedelta = timedelta(hours=24)
    at_most: int = 10
    budget: Decimal | None = None
    """What the batches of one window may cost together; None: no limit but their own."""
    per: Per | None = None

    def __post_init__(self) -> None:
        _ = self.calendar
        if not 1 <= self.at_most <= MOST_CAUGHT_UP:
            raise UsageError(f"`at_most` is a number from 1 to {MOST_CAUGHT_UP}, not {self.at_most}")
        if (self.budget is None) != (self.per is None):
            raise UsageError("the budget of a schedule is for a window: say both `budget` and `per` day, week or month")

    @property
    def calendar(self) -> Calendar:
        return Calendar(self.cron, self.timezone)


def rules_of(block: Mapping[str, Any], options: Mapping[str, Any]) -> Rules:
    """The rules of a manifest's `schedule:` block, in which options win. Raises `UsageError`."""
    said = {**block, **{word: value for word, value in options.items() if value is not None}}
    if "cron" not in said:
        raise UsageError("when is it to fire? Say `--cron`, or write a `schedule:` block with `cron` in the manifest")
    if said.get("catch_up") is not CatchUp.ALL:
        for word in ("within", "at_most"):
            if options.get(word) is not None:
                raise UsageError(f"--{word.replace('_', '-')} belongs to `--catch-up all`")
    return Rules(**said | {"cron": " ".join(said["cron"].split())})


def duration(text: str) -> timedelta:
    """`90m`, `24h`, `7d` or `2w`. Raises `UsageError`."""
    found = re.fullmatch(r"(\d{1,5})\s*([mhdw])", text.strip())
    if not found or not int(found[1]):
        raise UsageError(f"`{text}` is no span of time such as 90m, 24h, 7d or 2w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def in_short(span: timedelta) -> str:
    """The inverse of `duration`."""
    minutes = int(span.total_seconds()) // 60
    return next(f"{minutes // size}{unit}" for size, unit in ((1440, "d"), (60, "h"), (1, "m")) if not minutes % size)
