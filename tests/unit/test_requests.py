from __future__ import annotations

import pytest

from pipeline.action import Action
from pipeline.api.dialects import TRAITS
from pipeline.api.requests import ACTION, CHANGE, IMAGINE, SIMPLE_CHANGE, Request, request_for
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask

PLUS = TRAITS[Dialect.PLUS]
BUTTONS = (
    "MJ::JOB::upsample::1::hash",
    "MJ::JOB::upsample::2::hash",
    "MJ::JOB::reroll::0::hash::SOLO",
    "MJ::JOB::variation::2::hash",
)


def task(action: Action, index: int | None = None, buttons: tuple[str, ...] = ()) -> ClaimedTask:
    return ClaimedTask(
        id=1,
        attempt=1,
        token="token",
        action=action,
        prompt="a fox",
        index=index,
        mode=None,
        tries=0,
        seconds_failing=0,
        parent_remote_id=None if action is Action.IMAGINE else "77",
        parent_buttons=buttons,
    )


def test_every_request_carries_the_attempts_token() -> None:
    assert request_for(task(Action.IMAGINE), PLUS, ()) == Request(IMAGINE, {"prompt": "a fox", "state": "token"})


@pytest.mark.parametrize(
    ("action", "index", "button"),
    [(Action.UPSCALE, 2, BUTTONS[1]), (Action.VARIATION, 2, BUTTONS[3]), (Action.REROLL, None, BUTTONS[2])],
)
def test_a_button_that_is_offered_is_pressed(action: Action, index: int | None, button: str) -> None:
    request = request_for(task(action, index, BUTTONS), PLUS, ())
    assert request == Request(ACTION, {"taskId": "77", "customId": button, "state": "token"})


def test_a_button_that_is_not_offered_is_not_guessed() -> None:
    request = request_for(task(Action.UPSCALE, 3, BUTTONS), PLUS, ())
    assert request == Request(CHANGE, {"taskId": "77", "action": "UPSCALE", "index": 3, "state": "token"})


def test_a_reroll_by_change_names_an_index_because_relays_insist() -> None:
    request = request_for(task(Action.REROLL), PLUS, ())
    assert request is not None
    assert request.body["index"] == 1


@pytest.mark.parametrize(
    ("action", "index", "content"),
    [(Action.UPSCALE, 4, "77 U4"), (Action.VARIATION, 1, "77 V1"), (Action.REROLL, None, "77 R")],
)
def test_simple_change_is_the_last_resort(action: Action, index: int | None, content: str) -> None:
    request = request_for(task(action, index, BUTTONS), PLUS, {ACTION, CHANGE})
    assert request == Request(SIMPLE_CHANGE, {"content": content, "state": "token"})


def test_a_server_that_has_no_way_is_asked_for_nothing() -> None:
    assert request_for(task(Action.UPSCALE, 4), PLUS, {ACTION, CHANGE, SIMPLE_CHANGE}) is None
