"""Whatever is reported, in whatever order and by whomever: what a report may do, and what it never does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.action import Action
from pipeline.hooks.callback import Callback, Verdict, read_callback
from pipeline.hooks.door import Batch
from pipeline.hooks.judge import judge
from pipeline.outcome import Report
from pipeline.store.callbacks import Attempted, Reported
from pipeline.task import AT_THE_API, State, TaskAtApi

FOX, AGAIN, OWL = "f" * 32, "a" * 32, "0" * 32
IDS = ("77", "88", "99")
STATUSES = ("", "NOT_START", "SUBMITTED", "IN_PROGRESS", "SUCCESS", "FAILURE", "CANCEL", "MODAL", "PAUSED")
PROGRESS = (None, "", "0%", "15%", "46%", "100%", "Waiting to start")
RANK = {State.SUBMITTED: 1, State.RUNNING: 2}

states = st.sampled_from(State)


def _read(token: str, remote_id: str, status: str, progress: str | None) -> Callback:
    callback = read_callback(token, json.dumps({"id": remote_id, "status": status, "progress": progress}).encode())
    assert callback is not None
    return callback


reports = st.builds(
    _read,
    st.sampled_from((FOX, AGAIN, OWL)),
    st.sampled_from(IDS),
    st.sampled_from(STATUSES),
    st.sampled_from(PROGRESS),
)


def post(id_: int, task_id: int, number: int, outcome: str | None, remote_id: str | None = None) -> Attempted:
    return Attempted(
        id=id_,
        task_id=task_id,
        number=number,
        ended=outcome is not None,
        refused=outcome in {"try_again", "refused"},
        accepted=outcome == "accepted",
        remote_id=remote_id,
        newer_named=False,
    )


def task(id_: int, state: State, attempt: int, remote_id: str | None = None, window: str | None = None) -> Reported:
    known = TaskAtApi(
        id=id_,
        action=Action.IMAGINE,
        remote_id=remote_id or "",
        state=state,
        answered=window is not None,
        progress=None,
        seconds_since_update=60.0,
        seconds_since_submit=60.0,
        seconds_missing=None,
        misses=0,
    )
    return Reported(account="acme", account_id=1, attempt=attempt, window_id=window, known=known)


@st.composite
def worlds(draw: st.DrawFn) -> Batch:
    """A fox that was POSTed twice and an owl that was POSTed once, as they may stand."""
    outcomes = st.sampled_from((None, "in_doubt", "try_again", "refused", "window"))
    fox, owl = draw(states), draw(states)
    named = fox not in {State.PLANNED, State.SUBMITTING, State.IN_DOUBT, State.FAILED}
    last = draw(st.sampled_from((1, 2)))
    window = draw(st.sampled_from((None, *IDS)))
    return Batch(
        {
            FOX: post(
                1, 1, 1, "accepted" if named and last == 1 else draw(outcomes), "77" if last == 1 and named else None
            ),
            AGAIN: post(2, 1, 2, "accepted" if named else draw(outcomes), "88" if named else None),
            OWL: post(3, 2, 1, draw(outcomes)),
        },
        {
            1: task(1, fox, last, ("77" if last == 1 else "88") if named else None, window),
            2: task(2, owl, 1, "99" if owl in {*AT_THE_API, State.SUCCEEDED, State.DELIVERED} else None),
        },
    )


@given(worlds(), st.lists(reports, max_size=30))
def test_no_sequence_of_reports_takes_a_task_where_only_the_api_may(world: Batch, sent: Sequence[Callback]) -> None:
    for callback in sent:
        task_id = world.attempts[callback.token].task_id
        before = world.tasks[task_id].known
        verdict = world.apply(callback)
        after = world.tasks[task_id].known
        if after.state is not before.state:
            assert after.state in AT_THE_API
            assert RANK[after.state] > RANK.get(before.state, 0)
            assert before.state not in {State.SUCCEEDED, State.DELIVERED}
            assert before.state is not State.CANCELLED or not before.remote_id
        if before.remote_id and before.state in {*AT_THE_API, State.SUCCEEDED, State.DELIVERED, State.CANCELLED}:
            assert after.remote_id == before.remote_id
        if verdict is Verdict.FOREIGN:
            assert after == before
        if (before.progress, after.progress) != (None, None) and before.progress in {"15%", "46%", "100%"}:
            assert int((after.progress or "")[:-1]) >= int(before.progress[:-1])


@given(worlds(), st.lists(reports, max_size=10))
def test_a_report_that_comes_twice_says_nothing_the_second_time(world: Batch, sent: Sequence[Callback]) -> None:
    for callback in sent:
        verdict = world.apply(callback)
        attempts, tasks = dict(world.attempts), dict(world.tasks)
        assert world.apply(callback) is verdict
        assert (world.attempts, world.tasks) == (attempts, tasks)


@given(worlds(), reports, reports)
def test_a_post_has_one_name_for_ever(world: Batch, first: Callback, second: Callback) -> None:
    if world.apply(first) is Verdict.TAKEN and first.token == second.token:
        agrees = first.report.remote_id == second.report.remote_id
        assert world.apply(second) is (Verdict.TAKEN if agrees else Verdict.FOREIGN)


@pytest.mark.parametrize("state", [State.PLANNED, State.IN_DOUBT, State.SUBMITTING])
@pytest.mark.parametrize("outcome", ["accepted", "in_doubt"])
def test_that_an_earlier_post_failed_says_nothing_of_the_one_that_is_in_doubt(state: State, outcome: str) -> None:
    """A person has had it tried again, and the server repeats itself."""
    earlier = post(1, 1, 1, outcome, "77" if outcome == "accepted" else None)
    judgement = judge(earlier, task(1, state, 2), _read(FOX, "77", "FAILURE", None).report)
    assert not judgement.accepts
    made = judge(earlier, task(1, State.IN_DOUBT, 2), _read(FOX, "77", "SUCCESS", "100%").report)
    assert made.accepts


def test_of_a_large_body_only_what_is_used_waits_to_be_written() -> None:
    large = "x" * 500_000
    properties = {"finalPrompt": large, "messageHash": "abc"}
    body = {"id": "77", "action": "DESCRIBE", "status": "SUCCESS", "progress": "100%", "startTime": 1689231442755}
    more = {"imageUrl": large, "failReason": large, "properties": properties, "buttons": [{"customId": large}]}
    callback = read_callback(FOX, json.dumps(body | more).encode())
    assert callback is not None
    assert callback.report == Report(
        remote_id="77",
        state=State.SUCCEEDED,
        progress="100%",
        started_at=datetime(2023, 7, 13, 6, 57, 22, 755000, UTC),
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_a_report_or_none(sent: bytes) -> None:
    assert read_callback(FOX, sent) is None or json.loads(sent)["id"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
    )
)
def test_any_json_in_any_field_is_read(odd: object) -> None:
    names = ("status", "progress", "failReason", "imageUrl", "buttons", "startTime", "properties", "seed", "videoUrls")
    for name in names:
        callback = read_callback(FOX, json.dumps({"id": "77", name: odd}).encode())
        assert callback is not None
        assert callback.report.progress is None or len(callback.report.progress) <= 100
