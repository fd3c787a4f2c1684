"""The client against `openapi.yaml`: it understands every example of a reply, and says nothing that is forbidden."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator

from pipeline.action import MADE_OF, Action
from pipeline.api.client import Api
from pipeline.api.dialects import TRAITS
from pipeline.api.endpoints import Request
from pipeline.api.replies import read_reply
from pipeline.api.reports import read_report
from pipeline.api.requests import request_for
from pipeline.inputs import Attached, Role
from pipeline.outcome import Accepted, Blame, InDoubt, Outcome, Refused, TryAgain, Window
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask, State
from pipeline.then import FAMILIES, FollowUp

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "openapi.yaml").read_text())
PICTURE, TARGET = "data:image/png;base64,iVBORw0KGgo=", "data:image/png;base64,iVBORw1KGgo="
HASH = "3dbbd469-36af-4a0f-8f02-df6c579e7011"
BUTTONS = (
    *(f"MJ::JOB::{name}::{n}::{HASH}" for name in ("upsample", "variation") for n in (1, 2, 3, 4)),
    *(f"MJ::JOB::{name}::1::{HASH}::SOLO" for name in ("upsample_v6_2x_subtle", "upsample_v6_2x_creative")),
    *(f"MJ::JOB::{name}::1::{HASH}::SOLO" for name in ("upsample_v5_2x", "upsample_v5_4x", "low_variation")),
    *(
        f"MJ::JOB::{name}::1::{HASH}::SOLO"
        for name in ("high_variation", "pan_left", "pan_right", "pan_up", "pan_down")
    ),
    *(f"MJ::Outpaint::{size}::1::{HASH}::SOLO" for size in (50, 75, 100)),
    *(f"MJ::{name}::{HASH}" for name in ("BOOKMARK", "CustomZoom", "Inpaint::1", "JOB::reroll::0")),
    *(f"MJ::Job::PicReader::{n}" for n in range(1, 5)),
    *(f"MJ::Job::PromptAnalyzer::{n}" for n in range(1, 6)),
)
PICTURES = tuple(Attached(role=role, content=TARGET if role is Role.TARGET else PICTURE) for role in Role)
OPTIONS = {
    "dimensions": "PORTRAIT",
    "bot": "NIJI_JOURNEY",
    "account_filter": {"modes": ["FAST"], "instanceId": "1118138338562560102", "remix": None},
    "motion": "high",
    "loop": True,
}


def pointed(part: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` stands for."""
    while "$ref" in part:
        name = part["$ref"].removeprefix("#/").split("/")
        part = CONTRACT
        for step in name:
            part = part[step]
    return part


def examples(of: str) -> Iterator[tuple[str, int, str, Any]]:
    """Path, status, name and value of every example of a reply whose schema is `of`, or one of those it may be."""
    for path, operations in CONTRACT["paths"].items():
        for method in ("get", "post"):
            for status, reply in operations.get(method, {}).get("responses", {}).items():
                content = pointed(reply).get("content", {}).get("application/json", {})
                if of in json.dumps(content.get("schema", {})):
                    named = content.get("examples", {}).items()
                    yield from ((path, int(status), name, example["value"]) for name, example in named)


def said(action: Action, **more: Any) -> ClaimedTask:
    known: dict[str, Any] = {"id": 1, "attempt": 1, "token": "job-000123", "prompt": "Cat", "index": None, "mode": None}
    return ClaimedTask(action=action, **(known | {"tries": 0, "seconds_failing": 0.0} | more))


def followed(word: str, **more: Any) -> ClaimedTask:
    named = FollowUp(word)
    parent = {"parent_remote_id": "14001934816969359", "parent_buttons": BUTTONS}
    return said(named.action, word=word, index=named.index, **(parent | more))


# What the server says.

MEANINGS: dict[str, tuple[type, dict[str, Any]]] = {
    "accepted": (Accepted, {"remote_id": "14001929738841620", "code": 1}),
    "acceptedIntegerId": (Accepted, {"remote_id": "1320098173412546"}),
    "queued": (Accepted, {"code": 22}),
    "modal": (Window, {"remote_id": "14001929738841620"}),
    "existsOld": (Accepted, {"remote_id": "0741798445574458", "code": 21}),
    "queueFull": (TryAgain, {"blame": Blame.ACCOUNT}),
    "banned": (Refused, {"code": 24}),
    "invalid": (Refused, {"code": 4}),
    "noAccount": (TryAgain, {"blame": Blame.ACCOUNT}),
    "envelope": (TryAgain, {"blame": Blame.ACCOUNT}),
    "unknownTask": (TryAgain, {"blame": Blame.TASK}),
    "inDoubt": (InDoubt, {"code": 5}),
    "relay": (TryAgain, {"blame": Blame.KEY}),
    "parent": (TryAgain, {"blame": Blame.TASK, "code": 3}),
}
REPLIES = {
    (status, name): value
    for schema in ("SubmitAnswer", "RelayError", "SubmitResult", "OpenAIError")
    for path, status, name, value in examples(schema)
    if "/submit/" in path or "/insight-face/" in path
}


@pytest.mark.parametrize(("status", "name"), REPLIES)
def test_each_example_of_an_answer_means_one_thing(status: int, name: str) -> None:
    outcome: Outcome = read_reply(status, {}, json.dumps(REPLIES[status, name]))
    kind, facts = MEANINGS[name]
    assert isinstance(outcome, kind)
    assert {fact: getattr(outcome, fact) for fact in facts} == facts


def test_the_contract_has_an_example_for_each_meaning() -> None:
    assert {name for _, name in REPLIES} == MEANINGS.keys()


TASKS = {name: value for path, _, name, value in examples("schemas/Task") if path.endswith("/fetch") and "id" in value}
STATES = {"running": State.RUNNING, "done": State.SUCCEEDED, "failed": State.FAILED}


@pytest.mark.parametrize("name", STATES)
def test_each_example_of_a_task_is_a_report(name: str) -> None:
    report = read_report(TASKS[name])
    assert report is not None
    assert report.state is STATES[name]
    assert bool(report.image_url) is bool(report.buttons) is (name == "done")
    assert (report.reason or "") == (TASKS[name]["failReason"] or "")


def test_the_examples_of_tasks_are_all_tried() -> None:
    assert TASKS.keys() == STATES.keys()


@pytest.mark.parametrize(
    ("path", "task", "result"),
    [
        ("/mj/task/{id}/image-seed", followed("seed"), {"seed": "636646138", "text": "636646138"}),
        (
            "/mj/submit/upload-discord-images",
            said(Action.UPLOAD, attached=PICTURES),
            {
                "urls": ["https://cdn.discordapp.com/attachments/1/2/a.png?ex=1&is=1&hm=1"],
                "text": "https://cdn.discordapp.com/attachments/1/2/a.png?ex=1&is=1&hm=1",
            },
        ),
    ],
)
def test_examples_that_are_results_are_results_at_once(path: str, task: ClaimedTask, result: dict[str, Any]) -> None:
    ok = {name: value for of in ("SubmitResult", "UploadResult") for at, _, name, value in examples(of) if at == path}[
        "ok"
    ]
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=ok))
    outcome = Api("http://api.test", "k", Dialect.PLUS, transport=transport).submit(task)
    assert isinstance(outcome, Accepted)
    assert outcome.report is not None
    assert outcome.report.result == result


def test_the_example_of_a_cancel_is_a_cancel() -> None:
    ((_, _, _, value),) = examples("schemas/Message")
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=value))
    Api("http://api.test", "k", Dialect.PLUS, transport=transport).cancel("1")


# What the client says.


def faults(path: str, body: Any) -> list[str]:
    schema = CONTRACT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({"allOf": [schema], "components": CONTRACT["components"]})
    return [error.message for error in validator.iter_errors(body)]


def words() -> Iterator[str]:
    """Every follow-up there is."""
    for name, family in FAMILIES.items():
        if name == "zoom":
            yield from ("zoom-1.5", "zoom-2", "zoom-1.7")
        else:
            joint = "" if name in {"U", "V"} else "-"
            yield from (f"{name}{joint}{value}" for value in family.values) if family.values else [name]


def everything() -> Iterator[ClaimedTask]:
    """Every action, every follow-up with and without a prompt of its own, and the answer to every window."""
    for options in ({}, OPTIONS):
        for action in MADE_OF:
            yield said(action, attached=PICTURES[:1] + PICTURES, options=options)
            yield said(action, window_id="14001934816969359")
    for word in words():
        for own_prompt in (False, True):
            yield followed(word, attached=PICTURES, own_prompt=own_prompt)
            yield followed(word, attached=PICTURES, own_prompt=own_prompt, window_id="14001934816969359")
            yield followed(word, attached=PICTURES, own_prompt=own_prompt, parent_buttons=())


def requests(dialect: Dialect) -> Iterator[Request]:
    """Whatever the client can say in a dialect: the best way of each task, and each next best one."""
    for task in everything():
        missing: set[str] = set()
        while isinstance(request := request_for(task, TRAITS[dialect], missing, "https://client.example/mj"), Request):
            missing.add(request.endpoint)
            yield request


@pytest.mark.parametrize("dialect", Dialect)
def test_the_client_says_nothing_that_the_schema_forbids(dialect: Dialect) -> None:
    said_at: set[str] = set()
    for request in requests(dialect):
        if request.body is not None:
            path = f"/mj{request.path}"
            said_at.add(path)
            assert faults(path, request.body) == [], (path, request.body)
    assert {"/mj/submit/imagine", "/mj/submit/blend", "/mj/submit/describe"} <= said_at


def test_every_endpoint_that_makes_something_is_used() -> None:
    makes = {path for path in CONTRACT["paths"] if "/submit/" in path or "/insight-face/" in path}
    assert {f"/mj{request.path}" for request in requests(Dialect.PLUS) if request.body is not None} == makes


@pytest.mark.parametrize(
    ("path", "name", "task", "dialect"),
    [
        ("/mj/submit/imagine", "minimal", said(Action.IMAGINE, prompt="Cat --ar 3:2"), Dialect.PLUS),
        (
            "/mj/submit/imagine",
            "tracked",
            said(
                Action.IMAGINE,
                prompt="a red bicycle leaning on a wall --ar 16:9",
                attached=PICTURES[:1],
                options={"bot": "MID_JOURNEY"},
            ),
            Dialect.PLUS,
        ),
        (
            "/mj/submit/change",
            "upscale",
            followed("U2", parent_remote_id="1320098173412546", parent_buttons=()),
            Dialect.PLUS,
        ),
        (
            "/mj/submit/change",
            "reroll",
            followed("R", parent_remote_id="1320098173412546", parent_buttons=()),
            Dialect.RELAY,
        ),
        ("/mj/submit/action", "upscale2", followed("U2"), Dialect.PLUS),
        ("/mj/submit/modal", "customZoom", followed("zoom-1.5", window_id="14001934816969359"), Dialect.PLUS),
        (
            "/mj/submit/modal",
            "region",
            followed("vary_region", prompt="a hat", attached=PICTURES, window_id="14001934816969359"),
            Dialect.PLUS,
        ),
        (
            "/mj/submit/blend",
            "square",
            said(Action.BLEND, attached=PICTURES[:1] * 2, options={"dimensions": "SQUARE"}),
            Dialect.PLUS,
        ),
        ("/mj/submit/describe", "picture", said(Action.DESCRIBE, attached=PICTURES), Dialect.PLUS),
        (
            "/mj/submit/shorten",
            "simple",
            said(Action.SHORTEN, prompt="a cat, in the style of expert draftsmanship, ethereal"),
            Dialect.PLUS,
        ),
        ("/mj/submit/upload-discord-images", "one", said(Action.UPLOAD, attached=PICTURES[:1]), Dialect.PLUS),
        ("/mj/insight-face/swap", "swap", said(Action.SWAP_FACE, attached=PICTURES), Dialect.PLUS),
    ],
)
def test_each_example_of_a_request_is_what_the_client_says(
    path: str, name: str, task: ClaimedTask, dialect: Dialect
) -> None:
    content = CONTRACT["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    example = content["examples"][name]["value"]
    request = request_for(task, TRAITS[dialect])
    assert isinstance(request, Request)
    assert request.body is not None
    ours = {"state", "notifyHook"}
    assert f"/mj{request.path}" == path
    assert {key: value for key, value in request.body.items() if key not in ours} == {
        key: value for key, value in example.items() if key not in ours
    }
