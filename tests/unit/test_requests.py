"""What a row is asked for with."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.action import MADE_OF, Action
from pipeline.api.dialects import TRAITS
from pipeline.api.endpoints import Request
from pipeline.api.requests import request_for
from pipeline.inputs import Attached, Role
from pipeline.outcome import Refused, TryAgain
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask
from tests.unit.claimed import FIRST, SECOND, attached, task

PLUS = TRAITS[Dialect.PLUS]
FACES = attached(FIRST, role=Role.SOURCE) + attached(SECOND, role=Role.TARGET)


def asked(claimed: ClaimedTask) -> tuple[str, dict[str, Any]]:
    request = request_for(claimed, PLUS)
    assert isinstance(request, Request)
    assert request.body is not None
    assert request.body.pop("state") == "token"
    return request.path, request.body


@pytest.mark.parametrize(
    ("action", "given", "options", "path", "body"),
    [
        (Action.IMAGINE, (), {}, "/submit/imagine", {"prompt": "a fox"}),
        (Action.BLEND, attached(FIRST, SECOND), {}, "/submit/blend", {"base64Array": [FIRST, SECOND]}),
        (Action.DESCRIBE, attached(FIRST), {}, "/submit/describe", {"base64": FIRST}),
        (Action.SHORTEN, (), {}, "/submit/shorten", {"prompt": "a fox"}),
        (Action.SWAP_FACE, FACES, {}, "/insight-face/swap", {"sourceBase64": FIRST, "targetBase64": SECOND}),
        (Action.EDIT, attached(FIRST), {}, "/submit/edits", {"prompt": "a fox", "image": FIRST}),
        (Action.VIDEO, attached(FIRST), {}, "/submit/video", {"prompt": "a fox", "image": FIRST, "batchSize": 1}),
        (Action.UPLOAD, attached(FIRST), {}, "/submit/upload-discord-images", {"base64Array": [FIRST]}),
    ],
)
def test_each_action_has_its_endpoint_and_its_fields(
    action: Action, given: tuple[Attached, ...], options: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    assert asked(task(action, attached=given, options=options)) == (path, body)


def test_every_action_of_a_row_can_be_asked_for() -> None:
    pictures = attached(FIRST, SECOND) + FACES
    assert all(isinstance(request_for(task(action, attached=pictures), PLUS), Request) for action in MADE_OF)


def test_references_are_sent_as_files_or_stand_before_the_prompt_as_addresses() -> None:
    references = attached("https://a.test/1.png", FIRST, "https://a.test/2.png")
    _, body = asked(task(attached=references))
    assert body == {"prompt": "https://a.test/1.png https://a.test/2.png a fox", "base64Array": [FIRST]}


def test_options_become_the_fields_of_the_api() -> None:
    options = {"bot": "NIJI_JOURNEY", "account_filter": {"modes": ["FAST"]}, "dimensions": "PORTRAIT"}
    _, body = asked(task(Action.BLEND, attached=attached(FIRST, SECOND), options=options))
    assert body["botType"] == "NIJI_JOURNEY"
    assert body["accountFilter"] == {"modes": ["FAST"]}
    assert body["dimensions"] == "PORTRAIT"


def test_only_endpoints_that_know_bots_are_told_which() -> None:
    _, body = asked(task(Action.SWAP_FACE, attached=FACES, options={"bot": "NIJI_JOURNEY"}))
    assert "botType" not in body


def test_a_film_has_two_ends_a_motion_and_perhaps_a_loop() -> None:
    frames = attached(FIRST) + attached(SECOND, role=Role.END)
    _, body = asked(task(Action.VIDEO, attached=frames, options={"motion": "high", "loop": False}))
    assert body == {
        "prompt": "a fox",
        "image": FIRST,
        "endImage": SECOND,
        "motion": "high",
        "loop": False,
        "batchSize": 1,
    }


@pytest.mark.parametrize("dialect", Dialect)
def test_a_task_names_where_it_is_reported_under_its_own_token(dialect: Dialect) -> None:
    request = request_for(task(), TRAITS[dialect], hook_url="https://me.test")
    assert isinstance(request, Request)
    assert request.body == {"prompt": "a fox", "state": "token", "notifyHook": "https://me.test/hooks/token"}


@pytest.mark.parametrize("action", [Action.BLEND, Action.DESCRIBE, Action.SWAP_FACE, Action.EDIT, Action.UPLOAD])
def test_without_its_picture_nothing_is_asked(action: Action) -> None:
    request = request_for(task(action), PLUS)
    assert isinstance(request, Refused)
    assert "there is no picture to" in request.reason


@pytest.mark.parametrize("pictures", [1, 6])
def test_a_blend_takes_two_to_five_pictures(pictures: int) -> None:
    request = request_for(task(Action.BLEND, attached=attached(*[FIRST] * pictures)), PLUS)
    assert isinstance(request, Refused)
    assert "a blend takes two to five pictures" in request.reason


def test_a_server_that_has_no_way_is_asked_for_nothing() -> None:
    request = request_for(task(Action.SHORTEN), PLUS, {"/submit/shorten"})
    assert request == TryAgain(reason="this server offers no way to ask for shorten")
