"""What becomes of a task in doubt: the API has it, surely has it not, or cannot tell and the policy decides. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.outcome import Report
from pipeline.store.doubts import Resolution
from pipeline.store.looks import Sought
from pipeline.task import Policy, State

FIRST_LOOK = 1.0
"""Seconds from a lost reply to the first look for its task."""
LONGEST_PAUSE = 30.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look at the API has shown of one task."""

    report: Report | None = None
    """The API has it."""
    token: str | None = None
    """By which it was found."""
    absent: bool = False
    """The API surely has nothing of it now."""
    why: str = ""
    """Why neither is known."""


def window_seen(report: Report | None, *, told: bool) -> Seen:
    """What the window of a task shows, the answer to which may be lost. `told`: whether this server tells of windows.

    A relay does not, and may show a window as open long after the server behind it has begun.
    """
    if report is None:
        return Seen(why="the API does not know its window any more")
    if report.window or (report.state is State.SUBMITTED and not told):
        return Seen(absent=told, why="a relay may show its window as open long after it was answered")
    return Seen(report=report)


def resolution(task: Sought, seen: Seen, horizon: float, max_attempts: int) -> Resolution | None:
    """Where what was seen puts the task; None: it is looked for again.

    What is not there yet may still come, while the POST may be on its way and for `horizon` seconds after: a proxy may
    hold a request back. And a server that hung must have answered looks for as long: it works off what came meanwhile.
    Nor does one answer that tells nothing decide: a gateway may have given it while the server started.
    """
    if seen.report is not None:
        found = seen.report.remote_id
        return Resolution(id=task.id, attempt=task.attempt, state=State.SUBMITTED, remote_id=found, token=seen.token)
    if task.state is not State.IN_DOUBT or task.seconds_quiet < horizon:
        return None
    if (task.seconds_absent if seen.absent else task.seconds_unknown) < horizon:
        return None
    return _absent(task, max_attempts) if seen.absent else _by_policy(task, seen.why, max_attempts)


def _absent(task: Sought, max_attempts: int) -> Resolution:
    """Sent again, and that is one of its tries: a server that fails at this very task would be sent it for ever."""
    reason = f"the API was asked for it and does not have it, {_for(task.seconds_quiet)} after it was sent"
    if task.tries + 1 >= max_attempts:
        reason = f"{reason}; so it went {max_attempts} times. The last time: {task.reason}"
        return Resolution(id=task.id, attempt=task.attempt, state=State.FAILED, reason=reason, costs_nothing=True)
    return Resolution(
        id=task.id, attempt=task.attempt, state=State.PLANNED, reason=reason, wait=0.0, counts=1, costs_nothing=True
    )


def _by_policy(task: Sought, why: str, max_attempts: int) -> Resolution:
    policy = task.policy
    said = f"{task.reason}; it was looked for in vain: {why}"
    if policy is Policy.RESUBMIT and task.wanted and task.tries + 1 < max_attempts:
        reason = f"{said}. It is sent again, as the policy says"
        return Resolution(id=task.id, attempt=task.attempt, state=State.PLANNED, reason=reason, wait=0.0, counts=1)
    if policy is Policy.FAIL or (policy is Policy.RESUBMIT and not task.wanted):
        why_given_up = ", as the policy says" if policy is Policy.FAIL else ": the manifest no longer asks for it"
        reason = f"{said}. It was given up{why_given_up}"
        return Resolution(id=task.id, attempt=task.attempt, state=State.FAILED, reason=reason, wait=LONGEST_PAUSE)
    return Resolution(id=task.id, attempt=task.attempt, state=State.IN_DOUBT, reason=said)


def next_look(task: Sought, horizon: float) -> float:
    """Seconds until the task is looked for again: soon at first, and once more when the horizon is reached."""
    pause = min(LONGEST_PAUSE, max(FIRST_LOOK, task.seconds_in_doubt / 3))
    left = horizon - min(task.seconds_quiet, max(task.seconds_absent, task.seconds_unknown))
    return min(pause, left + 0.1) if left > 0 else pause


def _for(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
