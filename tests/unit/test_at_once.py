"""Replies that are the result already, and replies to the answer to a window."""

from __future__ import annotations

import httpx
import pytest

from pipeline.action import Action
from pipeline.api.client import Api
from pipeline.outcome import Accepted, InDoubt, Outcome, Refused, TryAgain, Window
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask, State
from tests.unit.claimed import FIRST, attached, follow_up, task

SEED, WINDOW, HEART = follow_up("seed"), follow_up("R", window_id="78"), follow_up("bookmark", "MJ::BOOKMARK::hash")
DOG = {"prompt": "a dog", "own_prompt": True}
UPLOAD = task(Action.UPLOAD, attached=attached(FIRST))


def outcome_of(claimed: ClaimedTask, status: int, dialect: Dialect = Dialect.TRUEAI, **content: object) -> Outcome:
    answer = httpx.Response(status, **content)  # type: ignore[arg-type]
    return Api("http://api.test", "k", dialect, transport=httpx.MockTransport(lambda _: answer)).submit(claimed)


def code(number: int, result: object = None) -> dict[str, object]:
    return {"code": number, "description": "words", "result": result}


@pytest.mark.parametrize("seed", ["636646138", 636646138])
def test_a_seed_is_there_at_once_under_the_parents_id(seed: object) -> None:
    outcome = outcome_of(SEED, 200, json=code(1, seed))
    assert isinstance(outcome, Accepted)
    assert outcome.report is not None
    assert (outcome.remote_id, outcome.report.remote_id, outcome.report.state) == ("77", "77", State.SUCCEEDED)
    assert outcome.report.result == {"seed": "636646138", "text": "636646138"}


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (502, {}),
        (200, {"json": code(9)}),
        (200, {"json": code(1)}),
        (400, {"json": {"code": 5, "description": "do_request_failed ", "type": "upstream_error"}}),
        (404, {"json": code(3)}),
    ],
)
def test_a_seed_that_did_not_come_is_asked_for_again_because_it_is_free(
    status: int, content: dict[str, object]
) -> None:
    assert isinstance(outcome_of(SEED, status, **content), TryAgain)


def test_a_task_that_has_no_seed_is_not_asked_again() -> None:
    assert isinstance(outcome_of(SEED, 400, json=code(4)), Refused)


@pytest.mark.parametrize("claimed", [UPLOAD, HEART, SEED], ids=lambda claimed: claimed.action)
@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, httpx.ConnectError])
def test_a_lost_reply_about_what_makes_no_picture_is_no_doubt(
    claimed: ClaimedTask, error: type[httpx.RequestError]
) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    remote = Api("http://api.test", "k", Dialect.PLUS, transport=httpx.MockTransport(server))
    assert isinstance(remote.submit(claimed), TryAgain)


def test_the_links_of_an_upload_are_there_at_once_under_our_own_token() -> None:
    outcome = outcome_of(UPLOAD, 200, json=code(1, ["https://x.test/1", "https://x.test/2"]))
    assert isinstance(outcome, Accepted)
    assert outcome.remote_id == "token"
    assert outcome.report is not None
    assert outcome.report.result == {
        "urls": ["https://x.test/1", "https://x.test/2"],
        "text": "https://x.test/1\nhttps://x.test/2",
    }


@pytest.mark.parametrize("link", ["https://x.test/1.png", "http://x.test/" + "1" * 300])
def test_a_link_that_comes_without_a_list_is_a_list_of_one(link: str) -> None:
    outcome = outcome_of(UPLOAD, 200, json=code(1, link))
    assert isinstance(outcome, Accepted)
    assert outcome.report is not None
    assert (outcome.remote_id, outcome.report.result) == ("token", {"urls": [link], "text": link})


@pytest.mark.parametrize("result", [None, [], [1], "", {}])
def test_an_upload_without_links_is_asked_for_again(result: object) -> None:
    assert isinstance(outcome_of(UPLOAD, 200, json=code(1, result)), TryAgain)


@pytest.mark.parametrize("claimed", [UPLOAD, HEART, SEED], ids=lambda claimed: claimed.action)
@pytest.mark.parametrize(("status", "content"), [(502, {}), (200, {"json": code(9)}), (200, {"text": "<html>"})])
def test_what_makes_no_picture_is_never_in_doubt(claimed: ClaimedTask, status: int, content: dict[str, object]) -> None:
    outcome = outcome_of(claimed, status, **content)
    assert isinstance(outcome, TryAgain)
    assert outcome.reason.startswith(f"the {claimed.action} did not come: ")


def test_an_upload_that_is_refused_is_refused() -> None:
    assert isinstance(outcome_of(UPLOAD, 200, json=code(4)), Refused)


def test_a_bookmark_is_set_when_the_server_answers_with_the_parent() -> None:
    outcome = outcome_of(HEART, 200, json=code(1, "77"))
    assert isinstance(outcome, Accepted)
    assert outcome.report is not None
    assert outcome.report.result == {"text": "bookmarked"}


def test_a_bookmark_that_is_a_task_of_its_own_is_waited_for() -> None:
    assert outcome_of(HEART, 200, json=code(1, "80")) == Accepted(remote_id="80", code=1, detail="words")


@pytest.mark.parametrize(("result", "remote_id"), [("78", "78"), (None, "78"), ("79", "79")])
def test_an_answered_window_is_a_task_under_its_own_id(result: object, remote_id: str) -> None:
    outcome = outcome_of(WINDOW, 200, json=code(1, result))
    assert outcome == Accepted(remote_id=remote_id, code=1, detail="words")


@pytest.mark.parametrize("content", [{"json": code(21, "78")}, {"text": ""}])
def test_a_window_whose_answer_is_not_understood_is_in_doubt(content: dict[str, object]) -> None:
    assert isinstance(outcome_of(WINDOW, 200, **content), InDoubt)


def test_the_lost_reply_of_an_answer_is_in_doubt() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    remote = Api("http://api.test", "k", Dialect.PLUS, transport=httpx.MockTransport(server))
    assert isinstance(remote.submit(WINDOW), InDoubt)


def test_a_window_that_opens_is_a_window() -> None:
    outcome = outcome_of(follow_up("zoom-1.7", "MJ::CustomZoom::hash"), 200, json=code(21, "78"))
    assert outcome == Window(remote_id="78", code=21, reason="words")


@pytest.mark.parametrize(
    ("word", "button"),
    [
        ("V1", "MJ::JOB::variation::1::hash"),
        ("R", "MJ::JOB::reroll::0::hash::SOLO"),
        ("pan-left", "MJ::JOB::pan_left::1::hash::SOLO"),
        ("vary-strong", "MJ::JOB::high_variation::1::hash::SOLO"),
    ],
)
@pytest.mark.parametrize("number", [1, 22])
def test_a_task_that_began_without_its_own_prompt_says_so(word: str, button: str, number: int) -> None:
    outcome = outcome_of(follow_up(word, button, **DOG), 200, Dialect.PLUS, json=code(number, "80"))
    assert outcome == Accepted(
        remote_id="80",
        code=number,
        detail=f"the server opened no window, so this {word} is made with its parent's prompt and not with its own "
        "(the API said: words)",
    )


def test_a_relay_may_have_a_window_that_it_does_not_tell_of() -> None:
    outcome = outcome_of(
        follow_up("V1", "MJ::JOB::variation::1::hash", **DOG), 200, Dialect.RELAY, json={"code": 1, "result": "80"}
    )
    assert isinstance(outcome, Accepted)
    assert outcome.detail == (
        "if the server shows no window later, this V1 is made with its parent's prompt and not with its own"
    )


def test_a_window_that_was_answered_had_the_prompt() -> None:
    outcome = outcome_of(follow_up("V1", window_id="78", **DOG), 200, json=code(1, "78"))
    assert outcome == Accepted(remote_id="78", code=1, detail="words")
