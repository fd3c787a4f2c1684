"""Large bodies are sent as they are, and within a time."""

from __future__ import annotations

import json
from itertools import count
from types import SimpleNamespace

import httpx
import pytest

from pipeline import dispatch
from pipeline.action import Action
from pipeline.api import line, upload
from pipeline.api.client import SUBMIT_TIMEOUT, Api
from pipeline.api.upload import PIECE
from pipeline.outcome import Accepted, Outcome, TryAgain
from pipeline.settings import Dialect
from tests.unit.claimed import attached, task

PICTURE = "data:image/png;base64," + "A" * 10 * PIECE
ACCEPTED = {"code": 1, "description": "ok", "result": "77"}


def described(transport: httpx.BaseTransport, picture: str = PICTURE) -> Outcome:
    api = Api("http://api.test", "k", Dialect.PLUS, transport=transport)
    return api.submit(task(Action.DESCRIBE, attached=attached(picture)))


@pytest.mark.parametrize("picture", ["data:image/png;base64,AAAA", PICTURE, "data:image/png;base64,\U0001f98a" * 9_999])
def test_a_body_of_any_size_arrives_as_it_is(picture: str) -> None:
    sent: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=ACCEPTED)

    assert described(httpx.MockTransport(server), picture) == Accepted(remote_id="77", code=1, detail="ok")
    (request,) = sent
    assert json.loads(request.content) == {"base64": picture, "state": "token"}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.content))
    assert "transfer-encoding" not in request.headers


def test_an_upload_that_takes_too_long_is_ended_and_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = count(0, 60)
    monkeypatch.setattr(upload, "time", SimpleNamespace(monotonic=lambda: next(minutes)))
    outcome = described(httpx.MockTransport(lambda _: httpx.Response(200, json=ACCEPTED)))
    assert isinstance(outcome, TryAgain)
    assert outcome.reason == (
        "the request was cut short (the server took 0.1 of 0.7 MB in 120 seconds), so the API made nothing of it"
    )


def test_no_post_lasts_as_long_as_its_lease() -> None:
    times = {name: seconds or 0.0 for name, seconds in SUBMIT_TIMEOUT.as_dict().items()}
    reply = 2 * times["read"] + line.SLOWEST_REPLY
    assert 2 * times["connect"] + times["write"] + reply < dispatch.LEASE / 2
