"""The one door for reports: what a report changes of a task, and how soon to ask again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.action import TEXTS
from pipeline.outcome import Accepted, Outcome, Report
from pipeline.store.moves import Change
from pipeline.task import ClaimedTask, State, TaskAtApi

SHORTEST_POLL, LONGEST_POLL = 0.1, 5.0
"""Seconds between two polls of an account."""
SHORTEST_NET, LONGEST_NET = 1.0, 60.0
"""The same, where the server reports by itself."""
LONGEST_ROUND = 15.0
"""Seconds after which an account is polled again although nobody has said how the last round ended."""
PROGRESS_EVERY = 2.0
"""Seconds between two notes of a task's progress, when nothing else changes."""
FORGOTTEN_AFTER = 15 * 60.0
FORGOTTEN_MISSES = 20
"""Seconds and looks after which a task that the API does not list any more is forgotten: some keep tasks in memory."""
EMPTY_HANDED_AFTER = 5 * 60.0
"""Seconds after which a success that brings nothing has failed: servers say SUCCESS a moment before they know it."""
GIVEN_UP_AFTER = 24 * 3_600.0
"""Seconds after which a task that the API never finishes has failed. Known servers give up within an hour."""

_UNFINISHED = (State.SUBMITTED, State.RUNNING)
_NOTHING_YET = "finished, and nothing to fetch yet"


def changes(known: Iterable[TaskAtApi], reports: Iterable[Report]) -> list[Change]:
    """What the reports change. Nothing moves backwards; a report that says nothing new changes nothing."""
    by_id = {report.remote_id: report for report in reports}
    pairs = ((task, by_id[task.remote_id]) for task in known if task.remote_id in by_id)
    return [change for task, report in pairs if (change := _change(task, report))]


def forgotten(missed: Iterable[TaskAtApi]) -> list[Change]:
    """What the API's silence on tasks that it was asked for changes: in the end it counts as forgetting."""
    return [
        Change(
            id=task.id,
            remote_id=task.remote_id,
            state=State.FAILED,
            reason=f"the API no longer knows task {task.remote_id}: "
            f"it has not listed it for {round(task.seconds_missing / 60)} minutes",
            settles=False,
        )
        for task in missed
        # Of the answer to a window nothing is known when the window is gone: that stays in doubt.
        if task.state is not State.IN_DOUBT
        and task.seconds_missing is not None
        and task.seconds_missing >= FORGOTTEN_AFTER
        and task.misses >= FORGOTTEN_MISSES
    ]


def at_once(ended: Iterable[tuple[ClaimedTask, Outcome]]) -> list[Change]:
    """What the replies of POSTs change that were the result already: a seed, a link."""
    return [
        _final(task.id, outcome.remote_id, outcome.report)
        for task, outcome in ended
        if isinstance(outcome, Accepted) and outcome.report is not None
    ]


def _change(task: TaskAtApi, report: Report) -> Change | None:
    if task.state is State.IN_DOUBT:
        return _out_of_doubt(task, report)
    if report.state is State.SUCCEEDED and not _has_come(task, report):
        return _empty_handed(task, report)
    if report.window and not task.answered:
        return Change(
            id=task.id,
            remote_id=task.remote_id,
            state=State.PLANNED,
            reason="the API has opened a window, which is answered next",
        )
    if report.state in _UNFINISHED:
        if task.seconds_since_submit > GIVEN_UP_AFTER:
            return Change(
                id=task.id,
                remote_id=task.remote_id,
                state=State.FAILED,
                reason="the API did not finish it within a day",
                settles=False,
            )
        state = State.RUNNING if task.state is State.RUNNING else report.state
        moved = state is not task.state
        progressed = report.progress != task.progress and task.seconds_since_update > PROGRESS_EVERY
        if not (moved or progressed or task.seconds_missing is not None):
            return None
        return Change(
            id=task.id, remote_id=task.remote_id, state=state, progress=report.progress, started_at=report.started_at
        )
    return _final(task.id, task.remote_id, report)


def _out_of_doubt(task: TaskAtApi, report: Report) -> Change | None:
    """Whether the answer to its window was taken, of which the reply was lost: then it has begun, or ended.

    A window that is still open proves nothing: a relay may show it long after the server behind it has begun.
    """
    if report.window or report.state is State.SUBMITTED:
        return None
    return Change(id=task.id, remote_id=task.remote_id, state=State.SUBMITTED)


def _final(task_id: int, remote_id: str, report: Report) -> Change:
    return Change(
        id=task_id,
        remote_id=remote_id,
        state=report.state,
        reason=report.reason,
        progress=report.progress,
        image_url=report.image_url,
        result=report.result,
        buttons=report.buttons or None,
        properties=report.properties,
        started_at=report.started_at,
        finished_at=report.finished_at,
    )


def _has_come(task: TaskAtApi, report: Report) -> bool:
    """Whether a success brings what was asked for: a text where text is made, a link everywhere else."""
    return bool(report.result if task.action in TEXTS else report.image_url)


def _empty_handed(task: TaskAtApi, report: Report) -> Change | None:
    if task.progress == _NOTHING_YET:
        if task.seconds_since_update < EMPTY_HANDED_AFTER:
            return None
        what = "brings no text" if task.action in TEXTS else "names no picture"
        return Change(
            id=task.id,
            remote_id=task.remote_id,
            state=State.FAILED,
            reason=f"the API says SUCCESS, and {what}",
            settles=False,
        )
    return Change(
        id=task.id, remote_id=task.remote_id, state=State.RUNNING, progress=_NOTHING_YET, started_at=report.started_at
    )


def unlisted(known: Iterable[TaskAtApi], reports: Iterable[Report]) -> list[TaskAtApi]:
    """The tasks that the API did not list."""
    listed = {report.remote_id for report in reports}
    return [task for task in known if task.remote_id not in listed]


def unfinished(known: Iterable[TaskAtApi], reports: Iterable[Report]) -> list[int]:
    """Those of the tasks that the API is still making."""
    live = {report.remote_id for report in reports if report.state in _UNFINISHED and not report.window}
    return [task.id for task in known if task.remote_id in live]


def poll_interval(tasks: Sequence[TaskAtApi], *, called_back: bool = False) -> float:
    """Seconds until the next poll: a sixth of the tasks' mean age.

    So a picture waits for us a fraction of the time that it took, whether jobs last a second or ten minutes. Where the
    server reports by itself, polling is the net beneath it: a picture whose report is lost waits as long as it took.
    """
    if not tasks:
        return SHORTEST_POLL
    mean_age = sum(task.seconds_since_submit for task in tasks) / len(tasks)
    if called_back:
        return min(LONGEST_NET, max(SHORTEST_NET, mean_age))
    return min(LONGEST_POLL, max(SHORTEST_POLL, mean_age / 6))
