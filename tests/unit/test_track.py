from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline import track
from pipeline.action import Action
from pipeline.outcome import Accepted, Report
from pipeline.task import ClaimedTask, State, TaskAtApi

TASK = TaskAtApi(
    id=1,
    action=Action.IMAGINE,
    remote_id="77",
    state=State.SUBMITTED,
    answered=False,
    progress=None,
    seconds_since_update=0.5,
    seconds_since_submit=60,
    seconds_missing=None,
    misses=0,
)
RUNNING = replace(TASK, state=State.RUNNING, progress="31%")


def report(state: State, progress: str | None = None) -> Report:
    reason = "why" if state is State.FAILED else None
    url = "http://acme.test/1.png" if state is State.SUCCEEDED else None
    return Report(remote_id="77", state=state, progress=progress, reason=reason, image_url=url)


@pytest.mark.parametrize("state", [State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_a_report_moves_a_task(state: State) -> None:
    (change,) = track.changes([TASK], [report(state)])
    assert change.state is state


def test_nothing_moves_backwards() -> None:
    assert track.changes([RUNNING], [report(State.SUBMITTED, "0%")]) == []


def test_progress_alone_is_noted_now_and_then() -> None:
    assert track.changes([RUNNING], [report(State.RUNNING, "46%")]) == []
    (change,) = track.changes([replace(RUNNING, seconds_since_update=3)], [report(State.RUNNING, "46%")])
    assert (change.state, change.progress) == (State.RUNNING, "46%")


def test_a_report_that_says_nothing_new_changes_nothing() -> None:
    assert track.changes([replace(RUNNING, seconds_since_update=60)], [report(State.RUNNING, "31%")]) == []


def test_a_report_on_a_task_that_is_not_ours_is_dropped() -> None:
    assert track.changes([TASK], [replace(report(State.SUCCEEDED), remote_id="99")]) == []


def test_what_is_not_listed_is_named() -> None:
    other = replace(TASK, remote_id="78")
    assert track.unlisted([TASK, other], [report(State.RUNNING)]) == [other]


@pytest.mark.parametrize(
    ("seconds", "misses", "forgotten"),
    [(None, 0, False), (60, 99, False), (track.FORGOTTEN_AFTER, 2, False), (track.FORGOTTEN_AFTER, 20, True)],
)
def test_silence_is_forgetting_after_a_while_and_many_looks(
    seconds: float | None, misses: int, forgotten: bool
) -> None:
    """A night between two looks is one look, not a night of silence."""
    changes = track.forgotten([replace(TASK, seconds_missing=seconds, misses=misses)])
    assert [change.state for change in changes] == [State.FAILED] * forgotten
    answered = replace(TASK, seconds_missing=seconds, misses=misses, state=State.IN_DOUBT, answered=True)
    assert track.forgotten([answered]) == []


def test_a_success_without_a_link_is_waited_for_and_then_failed_with_its_own_words() -> None:
    linkless = replace(report(State.SUCCEEDED), image_url=None)
    (change,) = track.changes([RUNNING], [linkless])
    assert change.state is State.RUNNING
    waiting = replace(RUNNING, progress=change.progress)
    assert track.changes([waiting], [linkless]) == []
    (change,) = track.changes([replace(waiting, seconds_since_update=track.EMPTY_HANDED_AFTER)], [linkless])
    assert (change.state, change.reason) == (State.FAILED, "the API says SUCCESS, and names no picture")


@pytest.mark.parametrize("action", [Action.DESCRIBE, Action.SHORTEN])
def test_a_text_needs_no_link_but_its_words(action: Action) -> None:
    asked = replace(RUNNING, action=action)
    wordless = replace(report(State.SUCCEEDED), result=None)
    (change,) = track.changes([asked], [wordless])
    assert change.state is State.RUNNING
    waiting = replace(asked, progress=change.progress, seconds_since_update=track.EMPTY_HANDED_AFTER)
    (change,) = track.changes([waiting], [wordless])
    assert (change.state, change.reason) == (State.FAILED, "the API says SUCCESS, and brings no text")
    (change,) = track.changes([waiting], [replace(wordless, image_url=None, result={"prompts": ["a fox"]})])
    assert (change.state, change.result) == (State.SUCCEEDED, {"prompts": ["a fox"]})


def test_a_window_is_answered_once() -> None:
    window = replace(report(State.SUBMITTED), window=True)
    (change,) = track.changes([TASK], [window])
    assert change.state is State.PLANNED
    assert track.changes([replace(TASK, answered=True)], [window]) == []


def test_a_reply_that_is_the_result_changes_its_task_at_once() -> None:
    seed = Report(remote_id="77", state=State.SUCCEEDED, result={"seed": "5"})
    task = ClaimedTask(
        id=3,
        attempt=1,
        token="t",
        action=Action.SEED,
        prompt="",
        index=None,
        mode=None,
        tries=0,
        seconds_failing=0,
    )
    accepted = Accepted(remote_id="77", code=1, detail="", report=seed)
    (change,) = track.at_once([(task, accepted), (task, replace(accepted, report=None))])
    assert (change.id, change.state, change.result) == (3, State.SUCCEEDED, {"seed": "5"})


@pytest.mark.parametrize(("age", "seconds"), [(0, 1), (12, 12), (600, 60)])
def test_polling_is_a_net_where_the_server_reports_by_itself(age: float, seconds: float) -> None:
    asked = [replace(TASK, seconds_since_submit=age)]
    assert track.poll_interval(asked, called_back=True) == pytest.approx(seconds)


def test_a_task_that_is_listed_again_is_not_missing_any_more() -> None:
    (change,) = track.changes([replace(RUNNING, seconds_missing=60)], [report(State.RUNNING, "31%")])
    assert change.state is State.RUNNING


def test_a_task_that_never_ends_is_given_up() -> None:
    old = replace(RUNNING, seconds_since_submit=track.GIVEN_UP_AFTER + 1)
    (change,) = track.changes([old], [report(State.RUNNING, "31%")])
    assert change.state is State.FAILED


def test_a_task_that_ends_at_last_is_taken_however_late() -> None:
    old = replace(RUNNING, seconds_since_submit=track.GIVEN_UP_AFTER + 1)
    (change,) = track.changes([old], [report(State.SUCCEEDED)])
    assert change.state is State.SUCCEEDED


@pytest.mark.parametrize(("age", "seconds"), [(0, 0.1), (0.3, 0.1), (3, 0.5), (12, 2), (600, 5)])
def test_the_poll_interval_follows_the_age_of_what_is_polled(age: float, seconds: float) -> None:
    assert track.poll_interval([replace(TASK, seconds_since_submit=age)]) == pytest.approx(seconds)
