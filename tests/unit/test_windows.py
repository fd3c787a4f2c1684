"""What a window that the API has opened is answered with."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.action import Action
from pipeline.api.dialects import TRAITS
from pipeline.api.endpoints import MODAL, Request
from pipeline.api.requests import request_for
from pipeline.inputs import Role
from pipeline.outcome import Refused
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask
from tests.unit.claimed import FIRST, attached, follow_up, task

MASK = attached(FIRST, role=Role.MASK)


def answer(claimed: ClaimedTask, dialect: Dialect = Dialect.PLUS) -> dict[str, Any]:
    request = request_for(claimed, TRAITS[dialect], hook_url="https://me.test")
    assert isinstance(request, Request), request
    assert request.path == MODAL
    assert request.body is not None
    assert request.body.pop("taskId") == "78"
    assert request.body.pop("state") == "token"
    return request.body


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("a fox", "a fox --zoom 1.7"),
        ("a fox --zoom 1.2 --ar 3:2", "a fox --ar 3:2 --zoom 1.7"),
        ("a fox --zoomed", "a fox --zoomed --zoom 1.7"),
        ("", "--zoom 1.7"),
    ],
)
def test_a_custom_zoom_says_its_factor_last(prompt: str, sent: str) -> None:
    assert answer(follow_up("zoom-1.7", window_id="78", prompt=prompt)) == {"prompt": sent}


def test_a_region_is_answered_with_its_mask() -> None:
    claimed = follow_up("vary_region", window_id="78", prompt="a hat", attached=MASK)
    assert answer(claimed) == {"prompt": "a hat", "maskBase64": FIRST}


@pytest.mark.parametrize("word", ["V1", "R", "pan-left", "imagine-2", "vary-subtle"])
def test_other_windows_are_answered_with_the_prompt(word: str) -> None:
    assert answer(follow_up(word, window_id="78")) == {"prompt": "a fox"}


def test_a_follow_up_of_a_picture_without_a_prompt_keeps_what_the_window_says() -> None:
    assert answer(follow_up("V1", window_id="78", prompt="")) == {}


@pytest.mark.parametrize(("dialect", "told"), [(Dialect.PLUS, False), (Dialect.TRUEAI, True)])
def test_an_answer_names_the_hook_where_the_server_reads_it(dialect: Dialect, told: bool) -> None:
    assert ("notifyHook" in answer(follow_up("R", window_id="78"), dialect)) is told


@pytest.mark.parametrize(
    ("claimed", "said"),
    [
        (follow_up("vary_region", window_id="78"), "add `mask` to this vary_region"),
        (task(Action.VIDEO, window_id="78", prompt=""), "add `prompt` to this video"),
    ],
)
def test_what_is_missing_is_said_with_the_word_to_add(claimed: ClaimedTask, said: str) -> None:
    request = request_for(claimed, TRAITS[Dialect.PLUS])
    assert isinstance(request, Refused)
    assert said in request.reason
