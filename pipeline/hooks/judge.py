"""What a report may change: of the POST whose address it came to, and of that POST's task. Pure.

The table of what is believed, by the state in which the task is:

| task | a report of it |
|---|---|
| submitting, in doubt, planned, failed or cancelled and never named | names it, as the reply of its POST would have |
| submitted, running | shows progress; an end, or a window, has the API asked |
| failed, cancelled | a success has the API asked: what was made is delivered, however late |
| succeeded, delivered | changes nothing |
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.hooks.callback import Verdict
from pipeline.outcome import Report
from pipeline.store.callbacks import Attempted, Reported
from pipeline.task import AT_THE_API, State

_UNSETTLED = (State.PLANNED, State.SUBMITTING, State.IN_DOUBT)
_ENDS = (State.SUCCEEDED, State.FAILED, State.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`names`: the POST had no id yet. `accepts`: the task moves to submitted. `shows`: progress, perhaps a start.
    `asks`: the API is asked what has become of the task."""

    verdict: Verdict = Verdict.TAKEN
    names: bool = False
    accepts: bool = False
    shows: bool = False
    asks: bool = False


def judge(post: Attempted, task: Reported, report: Report) -> Judgement:
    """What the report may do, no matter who sent it."""
    name = _name(post, task)
    if name and name != report.remote_id:
        return Judgement(verdict=Verdict.FOREIGN)
    names = post.remote_id is None
    if _is_accepted(post, task, report):
        # A reply that is still under way outranks the report, and can mend the id while the task only waits.
        return Judgement(names=names, accepts=True, shows=post.ended and _is_live(report), asks=_tells_an_end(report))
    if task.known.remote_id != report.remote_id:
        return Judgement(names=names)
    if task.known.state in AT_THE_API:
        old_news = report.window and task.known.answered
        shows = _is_live(report) and post.ended and not _is_behind(task.known.progress, report.progress)
        return Judgement(names=names, shows=shows, asks=_tells_an_end(report) and not old_news)
    late = task.known.state in {State.FAILED, State.CANCELLED} and report.state is State.SUCCEEDED
    return Judgement(names=names, asks=late)


def _name(post: Attempted, task: Reported) -> str | None:
    """What the API calls the POST's task, if that is known."""
    settled = post.number == task.attempt and task.known.state not in _UNSETTLED
    return post.remote_id or (task.known.remote_id if settled else None)


def _is_accepted(post: Attempted, task: Reported, report: Report) -> bool:
    """Whether the report shows that the API has a task of which we did not know that."""
    state = task.known.state
    given_up = state in {State.FAILED, State.CANCELLED} and not task.known.remote_id
    if report.remote_id == task.window_id:
        # The window's own reports prove nothing while its answer is on its way; in doubt, whatever followed it does.
        followed = not report.window and report.state is not State.SUBMITTED
        is_failure = report.state in {State.FAILED, State.CANCELLED}
        return followed and (state is State.IN_DOUBT or (given_up and not is_failure))
    if state not in _UNSETTLED and not given_up:
        return False
    if post.number < task.attempt and (state is State.SUBMITTING or post.newer_named):
        return False
    # That an earlier POST has failed, or one of which that is known, says nothing of the one that is in doubt now.
    is_old_news = post.refused or post.accepted or post.number < task.attempt
    return not (is_old_news and report.state in {State.FAILED, State.CANCELLED})


def _is_live(report: Report) -> bool:
    return report.state in AT_THE_API and not report.window


def _tells_an_end(report: Report) -> bool:
    return report.window or report.state in _ENDS


def _is_behind(known: str | None, told: str | None) -> bool:
    """Reports overtake each other: a percentage never falls."""
    before, now = _percent(known), _percent(told)
    return before is not None and (now is None or now < before)


def _percent(progress: str | None) -> int | None:
    digits = (progress or "").removesuffix("%")
    return int(digits) if digits.isascii() and digits.isdigit() else None
