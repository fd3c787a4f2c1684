"""The POST, once for each claimed task, and what its outcome means for the task."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from dataclasses import replace
from typing import TypeVar

from pipeline import backoff
from pipeline.dispatch import Handful, now
from pipeline.doubt import FIRST_LOOK
from pipeline.log import Log
from pipeline.outcome import Accepted, Blame, InDoubt, Outcome, Refused, TryAgain, Window
from pipeline.store.settlements import Settlement
from pipeline.task import ClaimedTask, State

log = Log("submit")

LONGEST_PAUSE = 3_600.0
"""Seconds that a server may ask us to wait; more than that is looked at again after it."""

SAVE_EVERY = 0.1
"""Seconds after which the outcomes that are there are saved, however slow the rest: a crash leaves less in doubt."""

HANDED_BACK = TryAgain(
    reason="this worker was told to stop before it sent it; nothing was sent", blame=Blame.NOBODY, after=0.0
)

Post = Callable[[ClaimedTask], Outcome]
Told = Callable[[], bool]
"""Whether this process has been told to stop."""
Result = TypeVar("Result")
Work = TypeVar("Work")


def send(
    handful: Handful, post: Post, pool_for: Callable[[ClaimedTask], Executor], told: Told
) -> Iterator[list[tuple[ClaimedTask, Outcome]]]:
    """Sends all at once, each on its pool, and yields them as they end, many at a time."""
    pending: dict[Future[Outcome], ClaimedTask] = {
        pool_for(task).submit(_send_one, task, handful.send_before, post, told): task for task in handful.tasks
    }
    for ended, left in as_they_end(pending, told):
        yield ended + [(task, HANDED_BACK) for task in left]


def as_they_end(
    pending: dict[Future[Result], Work], told: Told
) -> Iterator[tuple[list[tuple[Work, Result]], list[Work]]]:
    """What has ended, many at a time; and what still waited when this process was told to stop, which never begins."""
    while pending:
        ended, _ = wait(pending, timeout=SAVE_EVERY)
        left = [future for future in pending.keys() - ended if future.cancel()] if told() else []
        if ended or left:
            yield [(pending.pop(one), one.result()) for one in ended], [pending.pop(one) for one in left]


def _send_one(task: ClaimedTask, send_before: float, post: Post, told: Told) -> Outcome:
    if told():
        return HANDED_BACK
    try:
        return too_late(send_before) or post(task)
    except Exception as bug:
        # One task that meets a fault of ours must not leave the whole handful without its outcomes.
        log.exception("submit_crashed", task=task.id)
        return InDoubt(
            reason=f"this program failed while it sent the task ({type(bug).__name__}); see the worker's log"
        )


def too_late(send_before: float) -> TryAgain | None:
    """A process that was suspended, or kept waiting, must not send what rescue may have given away meanwhile."""
    if now() < send_before:
        return None
    return TryAgain(reason="this worker was too busy to send it in time; nothing was sent", blame=Blame.NOBODY)


def settlement(task: ClaimedTask, outcome: Outcome, max_attempts: int, rng: random.Random) -> Settlement:
    """Where the outcome puts the task: the table from outcome to move."""
    match outcome:
        case Accepted():
            return _settled(task, State.SUBMITTED, "accepted", outcome, remote_id=outcome.remote_id)
        case Window():
            return _settled(task, State.PLANNED, "window", outcome, remote_id=outcome.remote_id, wait=0.0)
        case Refused():
            return _settled(task, State.FAILED, "refused", outcome)
        case InDoubt():
            return _settled(task, State.IN_DOUBT, "in_doubt", outcome, wait=FIRST_LOOK)
        case TryAgain(blame=Blame.ACCOUNT | Blame.SERVER | Blame.KEY):
            return _settled(task, State.PLANNED, "try_again", outcome, wait=0.0)
        case TryAgain(blame=Blame.NOBODY):
            return _settled(
                task, State.PLANNED, "try_again", outcome, wait=1.0 if outcome.after is None else outcome.after
            )
        case TryAgain():
            tries = task.tries + 1
            seconds = backoff.delay(backoff.refused(max_attempts), tries, task.seconds_failing, outcome.after, rng)
            if seconds is None:
                reason = f"given up after {tries} tries: {outcome.reason}"
                return _settled(task, State.FAILED, "try_again", Refused(reason=reason, code=outcome.code), counts=1)
            return _settled(task, State.PLANNED, "try_again", outcome, wait=seconds, counts=1)


def _settled(
    task: ClaimedTask,
    state: State,
    name: str,
    outcome: Outcome,
    *,
    remote_id: str | None = None,
    wait: float | None = None,
    counts: int = 0,
) -> Settlement:
    return Settlement(
        id=task.id,
        attempt=task.attempt,
        state=state,
        outcome=name,
        reason=None if isinstance(outcome, Accepted) else outcome.reason,
        code=outcome.code,
        remote_id=remote_id,
        wait=wait,
        counts=counts,
    )


def account_refusal(outcomes: Iterable[Outcome]) -> TryAgain | None:
    """The refusal that concerns the whole account, if there is one: the one that asks for the longest wait."""
    refusals = [one for one in outcomes if isinstance(one, TryAgain) and one.blame in _OF_THE_ACCOUNT]
    return max(refusals, key=lambda one: one.after or 0.0, default=None)


_OF_THE_ACCOUNT = frozenset({Blame.ACCOUNT, Blame.SERVER, Blame.KEY})


def is_of_the_key(outcome: Outcome) -> bool:
    return isinstance(outcome, TryAgain) and outcome.blame is Blame.KEY


def blame_the_task(outcome: Outcome) -> Outcome:
    """A refusal of the key while it took other tasks is about this task: what it asks for is not allowed."""
    return replace(outcome, blame=Blame.TASK) if isinstance(outcome, TryAgain) else outcome


def account_pause(refusal: TryAgain, refusals: int, rng: random.Random) -> float:
    """Seconds for which nothing is sent to an account that has been refused `refusals` times in a row before."""
    hint = None if refusal.after is None else min(refusal.after, LONGEST_PAUSE)
    seconds = backoff.delay(backoff.BUSY, refusals + 1, 0.0, hint, rng)
    return backoff.BUSY.cap if seconds is None else seconds
