from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.api.reports import read_report, read_reports
from pipeline.task import State

DONE = {
    "id": "1689231405853400",
    "action": "IMAGINE",
    "status": "SUCCESS",
    "startTime": 1689231442755,
    "finishTime": 1689231544312,
    "progress": "100%",
    "imageUrl": "https://cdn.example/cat.png?ex=1&is=2&hm=3",
    "properties": {"finalPrompt": "Cat", "messageHash": "abc", "notifyHook": "https://secret.example"},
    "buttons": [
        {"customId": "MJ::JOB::upsample::1::abc", "emoji": "", "label": "U1", "type": 2, "style": 2},
        {"customId": None},
        "nonsense",
    ],
}


def test_a_finished_task_is_read_whole() -> None:
    report = read_report(DONE)
    assert report is not None
    assert report.state is State.SUCCEEDED
    assert report.image_url == DONE["imageUrl"]
    assert report.buttons == ("MJ::JOB::upsample::1::abc",)
    assert report.started_at == datetime(2023, 7, 13, 6, 57, 22, 755000, UTC)
    assert report.properties == {"finalPrompt": "Cat", "messageHash": "abc"}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (None, State.SUBMITTED),
        ("", State.SUBMITTED),
        ("NOT_START", State.SUBMITTED),
        ("SUBMITTED", State.SUBMITTED),
        ("IN_PROGRESS", State.RUNNING),
        ("SOMETHING_NEW", State.RUNNING),
        ("FAILURE", State.FAILED),
        ("CANCEL", State.CANCELLED),
        ("MODAL", State.FAILED),
    ],
)
def test_status_words_become_ours(status: str | None, state: State) -> None:
    report = read_report({"id": 5, "status": status})
    assert report is not None
    assert (report.remote_id, report.state) == ("5", state)


def test_100_percent_is_not_success() -> None:
    report = read_report({"id": "5", "status": "FAILURE", "progress": "100%", "failReason": "[Banned] no"})
    assert report is not None
    assert (report.state, report.reason) == (State.FAILED, "[Banned] no")


@pytest.mark.parametrize("moment", [None, 0, "", "1689231442755", -5, True, 10**30])
def test_times_that_are_unset_or_nonsense_are_none(moment: object) -> None:
    report = read_report(DONE | {"startTime": moment})
    assert report is not None
    assert report.started_at is None


@pytest.mark.parametrize("body", [None, [], "x", {}, {"id": None}, {"id": ""}])
def test_what_is_no_task_is_no_report(body: object) -> None:
    assert read_report(body) is None


def test_of_an_id_that_is_listed_twice_the_most_advanced_counts() -> None:
    frozen = {"id": DONE["id"], "status": "IN_PROGRESS"}
    for listed in ([DONE, frozen], [frozen, DONE]):
        (report,) = read_reports(listed)
        assert report.state is State.SUCCEEDED


@pytest.mark.parametrize("body", [None, {}, "x", [None, 3]])
def test_a_list_that_is_none_has_no_reports(body: object) -> None:
    assert read_reports(body) == []
