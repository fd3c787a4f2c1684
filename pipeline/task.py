"""The words of the flow: actions, follow-ups, states and the moves between them.

Imports only the standard library, so that every part may import it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What a task asks the API to make."""

    IMAGINE = "imagine"
    UPSCALE = "upscale"
    VARIATION = "variation"
    REROLL = "reroll"


class State(StrEnum):
    """Where a task stands. `MOVES` says what may follow, and why."""

    PLANNED = "planned"
    """Waits in the database for room on its account, or for `next_attempt_at`."""
    SUBMITTING = "submitting"
    """The intent to POST is committed. A process that dies here leaves the task to rescue, which puts it in doubt."""
    IN_DOUBT = "in_doubt"
    """Perhaps accepted: never sent again blindly. Waits for a look-up, a report or a person."""
    SUBMITTED = "submitted"
    """The API accepted it and named it (`remote_id`)."""
    RUNNING = "running"
    """A report says that it is being made."""
    SUCCEEDED = "succeeded"
    """Made and paid for; the picture is still at the API."""
    DELIVERED = "delivered"
    """The picture is on disk, verified and recorded."""
    FAILED = "failed"
    """Refused for good, failed at the API, or attempts spent. A late success still wins."""
    CANCELLED = "cancelled"
    """A person said stop."""


MOVES: dict[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.SUBMITTING, State.SUBMITTED, State.FAILED, State.CANCELLED}),
    State.SUBMITTING: frozenset({State.SUBMITTED, State.PLANNED, State.IN_DOUBT, State.FAILED, State.CANCELLED}),
    State.IN_DOUBT: frozenset({State.SUBMITTED, State.PLANNED, State.FAILED, State.CANCELLED}),
    State.SUBMITTED: frozenset({State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.RUNNING: frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset({State.DELIVERED}),
    State.DELIVERED: frozenset(),
    State.FAILED: frozenset({State.SUBMITTED, State.SUCCEEDED}),
    State.CANCELLED: frozenset({State.SUCCEEDED}),
}
"""The only moves there are.

Planned or failed to submitted: the reply of a POST that was in doubt came after a person had settled it. Failed or
cancelled to succeeded: what was made and paid for is delivered, however late the report.
"""

AT_THE_API = (State.SUBMITTED, State.RUNNING)
"""Accepted and not yet reported final: what is polled."""

IN_FLIGHT = (State.SUBMITTING, State.IN_DOUBT, *AT_THE_API)
"""What takes room on an account. Doubt counts for an hour: the API may be working on it."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A task to create when its parent has finished, by its word (`U1`, `V3`, `R`)."""

    word: str
    then: tuple[FollowUp, ...] = ()

    @property
    def action(self) -> Action:
        return FOLLOW_UP_LETTERS[self.word[0]]

    @property
    def index(self) -> int | None:
        """Which of the four pictures, 1 to 4; None where the whole grid is meant."""
        return int(self.word[1:]) if len(self.word) > 1 else None

    @property
    def size(self) -> int:
        """How many tasks this becomes, itself included."""
        return 1 + sum(child.size for child in self.then)


def only_adds(old: Iterable[FollowUp], new: Iterable[FollowUp]) -> bool:
    """Whether the new follow-ups are the old ones and perhaps more, at any depth."""
    by_word = {one.word: one.then for one in new}
    return all(one.word in by_word and only_adds(one.then, by_word[one.word]) for one in old)


FOLLOW_UP_LETTERS = {"U": Action.UPSCALE, "V": Action.VARIATION, "R": Action.REROLL}
FOLLOW_UP_WORDS = (*(f"{letter}{n}" for letter in "UV" for n in range(1, 5)), "R")


def then_to_json(then: Iterable[FollowUp]) -> list[Any]:
    """A follow-up tree as JSON: `["U1", {"V2": ["U1"]}]`."""
    return [{one.word: then_to_json(one.then)} if one.then else one.word for one in then]


def then_from_json(tree: Sequence[Any]) -> tuple[FollowUp, ...]:
    """The inverse of `then_to_json`."""
    return tuple(
        FollowUp(item) if isinstance(item, str) else FollowUp(word, then_from_json(children))
        for item in tree
        for word, children in (item.items() if isinstance(item, dict) else (("", ()),))
    )


class Mode(StrEnum):
    """Speed that is asked of the API. It travels in the path (`/mj-fast/mj/submit/...`)."""

    FAST = "fast"
    RELAX = "relax"
    TURBO = "turbo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry of a manifest, checked. `key` is unique in its manifest: the person's, else made from the content."""

    key: str
    prompt: str
    mode: Mode | None = None
    then: tuple[FollowUp, ...] = ()
    line: int = 0

    action: Action = Action.IMAGINE


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task as the plan writes it: what to ask, under which key and file stem, and what follows."""

    key: str
    stem: str
    action: Action
    prompt: str
    index: int | None = None
    mode: Mode | None = None
    then: tuple[FollowUp, ...] = ()
    parent_id: int | None = None
    depth: int = 0

    @property
    def follow_up_count(self) -> int:
        """How many tasks come after it, when every one succeeds."""
        return sum(child.size for child in self.then)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedTask:
    """A task that one step may POST now, once, under `token`; the intent is committed."""

    id: int
    attempt: int
    token: str
    action: Action
    prompt: str
    index: int | None
    mode: Mode | None
    tries: int
    seconds_failing: float
    """Since the first failure that counts; 0 when there was none."""
    parent_remote_id: str | None = None
    parent_buttons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAtApi:
    """A task that was accepted and is not finished, as the store knows it."""

    id: int
    remote_id: str
    state: State
    progress: str | None
    seconds_since_update: float
    seconds_since_submit: float
    seconds_missing: float | None
    """Since the API stopped listing it; None while it does."""
    misses: int
    """How often in a row it was asked for and not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedTask:
    """A task that has just succeeded, with what its follow-ups inherit."""

    id: int
    key: str
    stem: str
    depth: int
    prompt: str
    mode: Mode | None
    then: tuple[FollowUp, ...]
    to_deliver: bool
