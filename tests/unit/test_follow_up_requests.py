"""What a follow-up is asked for with: a button, else the next best way."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.action import Action
from pipeline.api.dialects import TRAITS
from pipeline.api.endpoints import ACTION, CHANGE, SIMPLE_CHANGE, Request
from pipeline.api.requests import request_for
from pipeline.outcome import Refused, TryAgain
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask
from tests.unit.claimed import FIRST, attached, follow_up, task

PLUS = TRAITS[Dialect.PLUS]
GRID = (
    "MJ::JOB::upsample::1::hash",
    "MJ::JOB::upsample::2::hash",
    "MJ::JOB::reroll::0::hash::SOLO",
    "MJ::JOB::variation::2::hash",
)
SINGLE = (
    "MJ::JOB::upsample_v6r1_2x_subtle::1::hash::SOLO",
    "MJ::JOB::upsample_v7_2x_creative::1::hash::SOLO",
    "MJ::JOB::upsample_v5_2x::1::hash::SOLO",
    "MJ::JOB::upsample_v5_4x::1::hash::SOLO",
    "MJ::JOB::low_variation::1::hash::SOLO",
    "MJ::JOB::high_variation::1::hash::SOLO",
    "MJ::Inpaint::1::hash::SOLO",
    "MJ::Outpaint::50::1::hash::SOLO",
    "MJ::Outpaint::75::1::hash::SOLO",
    "MJ::CustomZoom::hash",
    "MJ::Outpaint::100::1::hash::SOLO",
    "MJ::JOB::pan_left::1::hash::SOLO",
    "MJ::JOB::pan_up::1::hash::SOLO",
    "MJ::BOOKMARK::hash",
)


def body(claimed: ClaimedTask, dialect: Dialect = Dialect.PLUS, *unavailable: str) -> tuple[str, dict[str, Any]]:
    request = request_for(claimed, TRAITS[dialect], unavailable)
    assert isinstance(request, Request), request
    assert request.body is not None
    assert request.body.pop("state") == "token"
    return request.path, request.body


@pytest.mark.parametrize(
    ("word", "button"),
    [
        ("U2", GRID[1]),
        ("V2", GRID[3]),
        ("R", GRID[2]),
        ("upscale-subtle", SINGLE[0]),
        ("upscale-creative", SINGLE[1]),
        ("upscale-2x", SINGLE[2]),
        ("upscale-4x", SINGLE[3]),
        ("vary-subtle", SINGLE[4]),
        ("vary-strong", SINGLE[5]),
        ("vary_region", SINGLE[6]),
        ("zoom-2", SINGLE[7]),
        ("zoom-2.0", SINGLE[7]),
        ("zoom-1.5", SINGLE[8]),
        ("zoom-1.7", SINGLE[9]),
        ("square", SINGLE[10]),
        ("pan-left", SINGLE[11]),
        ("pan-up~2", SINGLE[12]),
        ("bookmark", SINGLE[13]),
    ],
)
def test_each_word_presses_its_button(word: str, button: str) -> None:
    assert body(follow_up(word, *GRID, *SINGLE)) == (ACTION, {"taskId": "77", "customId": button})


@pytest.mark.parametrize("button", ["MJ::CustomZoom::1::hash", "MJ::customzoom::hash"])
def test_buttons_are_known_in_every_spelling(button: str) -> None:
    assert body(follow_up("zoom-1.2", button))[1]["customId"] == button


def test_a_zoom_whose_button_is_missing_is_a_custom_one() -> None:
    assert body(follow_up("zoom-2", "MJ::CustomZoom::hash"))[1]["customId"] == "MJ::CustomZoom::hash"


@pytest.mark.parametrize("word", ["V2", "R", "vary-strong", "pan-left"])
def test_a_prompt_of_its_own_asks_for_the_window(word: str) -> None:
    assert body(follow_up(word, *GRID, *SINGLE, own_prompt=True))[1]["enableRemix"] is True


@pytest.mark.parametrize(("word", "button"), [("zoom-1.5", SINGLE[9]), ("vary_region", SINGLE[6])])
def test_windows_that_open_anyway_are_not_asked_for(word: str, button: str) -> None:
    claimed = follow_up(word, *SINGLE, own_prompt=True)
    assert body(claimed) == (ACTION, {"taskId": "77", "customId": button})


@pytest.mark.parametrize(
    ("word", "change"),
    [
        ("U3", {"action": "UPSCALE", "index": 3}),
        ("V1", {"action": "VARIATION", "index": 1}),
        ("R", {"action": "REROLL", "index": 1}),
    ],
)
def test_a_button_that_is_not_offered_is_not_guessed(word: str, change: dict[str, Any]) -> None:
    assert body(follow_up(word)) == (CHANGE, {"taskId": "77"} | change)


@pytest.mark.parametrize(("word", "content"), [("U4", "77 U4"), ("V1", "77 V1"), ("R", "77 R")])
def test_simple_change_is_the_last_resort(word: str, content: str) -> None:
    assert body(follow_up(word, *GRID), Dialect.PLUS, ACTION, CHANGE) == (SIMPLE_CHANGE, {"content": content})


@pytest.mark.parametrize(
    ("action", "index", "content"),
    [(Action.UPSCALE, 4, "77 U4"), (Action.VARIATION, 1, "77 V1"), (Action.REROLL, None, "77 R")],
)
def test_tasks_without_a_word_go_by_their_action_and_index(action: Action, index: int | None, content: str) -> None:
    claimed = task(action, index=index, parent_remote_id="77")
    assert body(claimed, Dialect.PLUS, CHANGE) == (SIMPLE_CHANGE, {"content": content})


@pytest.mark.parametrize(
    ("dialect", "word", "said"),
    [
        (Dialect.TRUEAI, "U1", "the parent, task 77 of the API, has no button for U1 (`MJ::JOB::upsample::1`)"),
        (Dialect.PLUS, "zoom-2", "no button for zoom-2 (`MJ::Outpaint::50` or `MJ::CustomZoom`)"),
        (Dialect.PLUS, "upscale-2x", "(`MJ::JOB::upsample_*_2x`)"),
        (Dialect.NOVICEZK, "pan-left", "no button for pan-left"),
    ],
)
def test_a_follow_up_that_the_parent_does_not_offer_says_which_button_is_missing(
    dialect: Dialect, word: str, said: str
) -> None:
    request = request_for(follow_up(word), TRAITS[dialect])
    assert isinstance(request, Refused)
    assert said in request.reason


def test_no_picture_is_paid_for_that_would_not_follow_its_own_prompt() -> None:
    request = request_for(follow_up("V1", own_prompt=True), PLUS)
    assert isinstance(request, Refused)
    assert "V1 with a prompt of its own" in request.reason


def test_a_follow_up_without_any_way_left_may_have_one_later() -> None:
    request = request_for(follow_up("U4"), PLUS, {ACTION, CHANGE, SIMPLE_CHANGE})
    assert request == TryAgain(reason="this server offers no way to ask for U4")


@pytest.mark.parametrize(
    ("dialect", "button", "path"),
    [
        (Dialect.PLUS, "MJ::Job::PicReader::2", ACTION),
        (Dialect.PLUS, "MJ::JOB::PromptAnalyzer::2", ACTION),
        (Dialect.PLUS, "MJ::Job::PicReader::3", "/submit/imagine"),
        (Dialect.TRUEAI, "MJ::Job::PicReader::2", ACTION),
        (Dialect.TRUEAI, "MJ::Job::PromptAnalyzer::2", "/submit/imagine"),
        (Dialect.RELAY, "MJ::Job::PicReader::2", "/submit/imagine"),
        (Dialect.NOVICEZK, "", "/submit/imagine"),
    ],
)
def test_a_prompt_of_a_describe_is_imagined_by_its_button_or_anew(dialect: Dialect, button: str, path: str) -> None:
    asked, sent = body(follow_up("imagine-2", button, prompt="a second fox"), dialect)
    assert asked == path
    assert sent == ({"taskId": "77", "customId": button} if path == ACTION else {"prompt": "a second fox"})


def test_a_prompt_that_was_not_made_cannot_be_imagined() -> None:
    request = request_for(follow_up("imagine-4", "MJ::Job::PicReader::4", prompt=""), PLUS)
    assert request == Refused(reason="there is no prompt 4: the task before it made none")


def test_a_picture_that_was_made_is_described_from_its_file() -> None:
    assert body(follow_up("describe", attached=attached(FIRST))) == ("/submit/describe", {"base64": FIRST})


def test_a_seed_is_asked_of_the_parent() -> None:
    request = request_for(follow_up("seed", parent_remote_id="7/7"), PLUS)
    assert isinstance(request, Request)
    assert (request.method, request.path, request.body) == ("GET", "/task/7%2F7/image-seed", None)
