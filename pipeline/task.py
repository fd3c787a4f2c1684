"""The words of the flow: the states of a task, the moves between them, and a task at each station of its way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

from pipeline.action import Action
from pipeline.inputs import Attached, Input, inputs_to_json
from pipeline.prompt import tidied
from pipeline.then import FollowUp


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
    State.SUBMITTED: frozenset({State.RUNNING, State.PLANNED, State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.RUNNING: frozenset({State.PLANNED, State.SUCCEEDED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset({State.DELIVERED}),
    State.DELIVERED: frozenset(),
    State.FAILED: frozenset({State.SUBMITTED, State.SUCCEEDED}),
    State.CANCELLED: frozenset({State.SUBMITTED, State.SUCCEEDED}),
}
"""The only moves that this program makes by itself.

Planned, failed or cancelled to submitted: the reply of a POST that was in doubt came after that was settled. Submitted
or running to planned: the API has opened a window, and starts once that is answered. Failed or cancelled to succeeded:
what was made and paid for is delivered, however late the report.
"""

REVIVALS: dict[State, frozenset[State]] = {
    State.FAILED: frozenset({State.PLANNED}),
    State.CANCELLED: frozenset({State.PLANNED}),
}
"""Moves that a person asks for: a retry, a row that is back in the manifest after it was removed unsent. Or that undo
what followed from another task's failure, once that has succeeded after all."""

AT_THE_API = (State.SUBMITTED, State.RUNNING)
"""Accepted and not yet reported final: what is polled."""

IN_FLIGHT = (State.SUBMITTING, State.IN_DOUBT, *AT_THE_API)
"""What takes room on an account. Doubt counts for an hour: the API may be working on it."""


class Policy(StrEnum):
    """What becomes of a task in doubt once the API was asked as long as that helps, and could not tell."""

    HOLD = "hold"
    """It waits for a person."""
    RESUBMIT = "resubmit"
    """It is sent again, and may be paid for twice."""
    FAIL = "fail"
    """It is given up, and may have been paid for."""


class Mode(StrEnum):
    """Speed that is asked of the API. It travels in the path (`/mj-fast/mj/submit/...`)."""

    FAST = "fast"
    RELAX = "relax"
    TURBO = "turbo"


OPTIONS = ("dimensions", "bot", "account_filter", "state", "motion", "loop")
"""`dimensions` of a blend (PORTRAIT, SQUARE, LANDSCAPE), `bot` (MID_JOURNEY, NIJI_JOURNEY), `account_filter` (an object
that goes to the server as it is), `state` (the person's own note, kept in our records), `motion` (low, high) and `loop`
of a film."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry of a manifest, checked. `key` is unique in its manifest: the person's, else made from the content."""

    key: str
    prompt: str
    """Empty where the action needs none."""
    written: str | None = None
    """The prompt as the person wrote it, where it was tidied by more than its white space."""
    mode: Mode | None = None
    then: tuple[FollowUp, ...] = ()
    line: int = 0

    action: Action = Action.IMAGINE
    inputs: tuple[Input, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    """What else the request says, by the words of `OPTIONS`."""
    requires: tuple[str, ...] = ()
    """The row is skipped where the server lacks one of these abilities."""


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
    word: str | None = None
    """Of a follow-up."""
    own_prompt: bool = False
    """Whether a follow-up has a prompt of its own, not its parent's."""
    inputs: tuple[Input, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """What is sent, in short; the person's own note and how the prompt is spaced make no difference."""
        sent = {name: value for name, value in self.options.items() if name != "state"}
        what = [self.action, tidied(self.prompt), self.mode, inputs_to_json(self.inputs), sent]
        return sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]

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
    word: str | None = None
    """Of a follow-up."""
    own_prompt: bool = False
    """Whether a follow-up has a prompt of its own, not its parent's."""
    inputs: tuple[Input, ...] = ()
    attached: tuple[Attached, ...] = ()
    """The inputs as they are sent."""
    options: Mapping[str, Any] = field(default_factory=dict)
    window_id: str | None = None
    """The API has opened a window under this id, and waits for the answer."""
    parent_remote_id: str | None = None
    parent_buttons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAtApi:
    """A task that was accepted and is not finished, as the store knows it."""

    id: int
    action: Action
    remote_id: str
    state: State
    answered: bool
    """Its window was answered: what the API still says of a window is old news."""
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
    late: bool = False
    """It had been given up before."""
    prompts: tuple[str, ...] = ()
    """What a describe or a shorten made."""
    options: Mapping[str, Any] = field(default_factory=dict)
