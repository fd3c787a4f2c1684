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
        ("MODAL", State.SUBMITTED),
    ],
)
def test_status_words_become_ours(status: str | None, state: State) -> None:
    report = read_report({"id": 5, "status": status})
    assert report is not None
    assert (report.remote_id, report.state) == ("5", state)


def test_only_modal_waits_for_an_answer_to_its_window() -> None:
    windows = [one.window for one in read_reports([{"id": "1", "status": "MODAL"}, {"id": "2", "status": "NOT_START"}])]
    assert windows == [True, False]


def test_of_a_window_that_is_listed_twice_the_answered_one_counts() -> None:
    listed = [{"id": "1", "status": "MODAL"}, {"id": "1", "status": "SUBMITTED"}]
    assert [one.window for one in read_reports(listed)] == [False]
    assert [one.window for one in read_reports(listed[::-1])] == [False]


@pytest.mark.parametrize(
    ("status", "progress", "said"),
    [
        ("NOT_START", None, None),
        ("SUBMITTED", "", None),
        ("IN_PROGRESS", "31%", "31%"),
        ("IN_PROGRESS", "Waiting to start", "Waiting to start"),
        ("FAILURE", "100%", None),
        ("FAILURE", "", None),
        ("SUCCESS", "100%", "100%"),
    ],
)
def test_progress_is_as_the_server_words_it(status: str, progress: str | None, said: str | None) -> None:
    report = read_report({"id": "1", "status": status, "progress": progress})
    assert report is not None
    assert report.progress == said


@pytest.mark.parametrize(
    "film",
    [
        {"videoUrl": "https://x.test/0.mp4"},
        {"videoUrl": None, "videoUrls": [{"url": "https://x.test/0.mp4", "thumbnail": None}, {"url": "1"}]},
        {"videoUrls": ["https://x.test/0.mp4"]},
        {"videoUrl": "", "videoUrls": [None, {}, {"url": "https://x.test/0.mp4"}]},
    ],
)
def test_the_link_of_a_film_is_the_films(film: dict[str, object]) -> None:
    report = read_report({"id": "1", "action": "VIDEO", "status": "SUCCESS", "imageUrl": "https://x.test/0.png"} | film)
    assert report is not None
    assert report.image_url == "https://x.test/0.mp4"


@pytest.mark.parametrize("action", ["VIDEO", "video", "VIDEO_EXTEND"])
@pytest.mark.parametrize(
    "film", [{}, {"videoUrl": None, "videoUrls": []}, {"videoUrl": "", "videoUrls": [{"url": ""}]}]
)
def test_the_first_frame_of_a_film_is_not_taken_for_the_film(action: str, film: dict[str, object]) -> None:
    body = {"id": "1", "action": action, "status": "SUCCESS", "imageUrl": "https://x.test/0.png"} | film
    report = read_report(body)
    assert report is not None
    assert (report.state, report.image_url) == (State.SUCCEEDED, None)


def test_a_film_where_pictures_stand_is_a_film() -> None:
    link = "https://x.test/0.MP4?ex=1&is=2&hm=3"
    report = read_report({"id": "1", "action": "VIDEO", "status": "SUCCESS", "imageUrl": link})
    assert report is not None
    assert report.image_url == link


@pytest.mark.parametrize("action", ["IMAGINE", "UPSCALE", "SWAP_FACE", "EDIT", "ACTION", "", None])
def test_a_picture_on_a_server_that_knows_films_is_a_picture(action: str | None) -> None:
    report = read_report(DONE | {"action": action, "videoUrl": None, "videoUrls": []})
    assert report is not None
    assert report.image_url == DONE["imageUrl"]


FOUR = "1️⃣ a fox --ar 3:2\n\n2️⃣ a dog\n\n3️⃣ a cat\n\n4️⃣ an owl"


@pytest.mark.parametrize(
    "said",
    [
        {"properties": {"finalPrompt": FOUR}},
        {"properties": {"finalPrompt": None}, "promptEn": FOUR, "prompt": FOUR},
        {"properties": None, "prompt": FOUR},
    ],
)
def test_a_describe_says_its_prompts_wherever_the_server_writes_them(said: dict[str, object]) -> None:
    report = read_report({"id": "1", "action": "DESCRIBE", "status": "SUCCESS"} | said)
    assert report is not None
    assert report.result == {"text": FOUR, "prompts": ["a fox --ar 3:2", "a dog", "a cat", "an owl"]}


@pytest.mark.parametrize(
    "unsaid",
    [
        {"action": "DESCRIBE", "status": "SUCCESS"},
        {"action": "DESCRIBE", "status": "IN_PROGRESS", "prompt": FOUR},
        {"action": "SHORTEN", "status": "SUCCESS", "prompt": "the prompt to shorten"},
        {"action": "IMAGINE", "status": "SUCCESS", "properties": {"finalPrompt": "a fox"}},
    ],
)
def test_no_text_is_made_up(unsaid: dict[str, object]) -> None:
    report = read_report({"id": "1"} | unsaid)
    assert report is not None
    assert report.result is None


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
