"""What the emulated server refuses, in the words of the real ones, and what it understands."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.sandbox import follow_ups, submits, windows
from pipeline.sandbox.bodies import parse, read_typed
from pipeline.sandbox.buttons import buttons_of
from pipeline.sandbox.dialects import DIALECTS
from pipeline.sandbox.faults import Faults
from pipeline.sandbox.options import DialectName, Options
from pipeline.sandbox.results import MalformedError, RefusedError
from pipeline.sandbox.submission import Submission
from pipeline.sandbox.tasks import Action, Order, Task, Upload, Window

Read = Callable[[Submission], Order]


def done(number: int, order: Order) -> Task:
    return Task(id=f"17000000000000{number:02}", order=order, submitted=1, started=1, finished=2)


PICTURE = Upload("digest", b"")
GRID = done(1, Order(action=Action.IMAGINE, prompt="a fox --ar 3:2"))
RUNNING = Task(id="1700000000000002", order=GRID.order, submitted=1, started=1)
SINGLE = done(3, Order(action=Action.UPSCALE, prompt="a fox --ar 3:2", parent=GRID, index=1))
SHORT = done(4, Order(action=Action.SHORTEN, prompt="a very long prompt, with fog"))
KNOWN = {task.id: task for task in (GRID, RUNNING, SINGLE, SHORT)}
HASH = GRID.message_hash


def asked(body: dict[str, Any], dialect: str = "plus", **more: Any) -> Submission:
    return Submission(body=body, known=KNOWN, dialect=DIALECTS[DialectName(dialect)], **more)


def press(form: Submission) -> Order:
    return follow_ups.press(form, *follow_ups.pressed(form))


@pytest.mark.parametrize(
    ("read", "body", "code", "words"),
    [
        (submits.imagine, {"prompt": "  "}, 4, "prompt不能为空"),
        (submits.imagine, {}, 4, "prompt不能为空"),
        (submits.imagine, {"prompt": "a Nude fox"}, 24, "可能包含敏感词"),
        (submits.imagine, {"prompt": "a fox", "base64Array": ["iVBORw0KGgo="]}, 4, "base64格式错误"),
        (submits.imagine, {"prompt": "a fox", "accountFilter": {"instanceId": "9"}}, 3, "无可用的账号实例"),
        (submits.blend, {"base64Array": ["a"]}, 4, "base64List参数错误"),
        (submits.blend, {"base64Array": ["a", "b"], "dimensions": None}, 4, "dimensions参数错误"),
        (submits.describe, {"base64": ""}, 4, "base64不能为空"),
        (submits.swap, {"targetBase64": "x"}, 4, "sourceBase64不能为空"),
        (follow_ups.change, {"action": "UPSCALE", "index": 1}, 4, "taskId不能为空"),
        (follow_ups.change, {"taskId": GRID.id, "action": "ZOOM"}, 4, "action参数错误"),
        (follow_ups.change, {"taskId": GRID.id, "action": "UPSCALE", "index": 5}, 4, "index参数错误"),
        (follow_ups.change, {"taskId": GRID.id, "action": "VARIATION"}, 4, "index参数错误"),
        (follow_ups.change, {"taskId": "1", "action": "REROLL"}, 3, "关联任务不存在或已失效"),
        (follow_ups.change, {"taskId": RUNNING.id, "action": "REROLL"}, 4, "关联任务状态错误"),
        (follow_ups.change, {"taskId": SINGLE.id, "action": "UPSCALE", "index": 1}, 4, "关联任务不允许执行变化"),
        (follow_ups.simple_change, {"content": f"{GRID.id}  U1"}, 4, "content参数错误"),
        (follow_ups.simple_change, {"content": f"{GRID.id} U5"}, 4, "content参数错误"),
        (press, {"taskId": GRID.id, "customId": "MJ::CustomZoom::" + HASH}, 4, "未知的 Action 类型"),
        (press, {"taskId": GRID.id, "customId": "MJ::JOB::upsample::2::else"}, 4, "customId参数错误"),
        (press, {"taskId": "9", "customId": f"MJ::JOB::upsample::2::{HASH}"}, 3, "关联任务不存在或已失效"),
    ],
)
def test_a_wrong_order_is_refused(read: Read, body: dict[str, Any], code: int, words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read(asked(body))
    answer = json.loads(refused.value.answer)
    assert (answer["code"], answer["description"], answer["result"]) == (code, words, None)
    assert set(answer) == {"code", "description", "result", "properties"}


@pytest.mark.parametrize(
    ("read", "body", "word"),
    [
        (follow_ups.change, {"taskId": GRID.id, "action": "UPSCALE", "index": 2}, "U2"),
        (follow_ups.change, {"taskId": int(GRID.id), "action": "UPSCALE", "index": "2"}, "U2"),
        (follow_ups.change, {"taskId": GRID.id, "action": "REROLL", "index": 1}, "R"),
        (follow_ups.simple_change, {"content": f"{GRID.id} u3"}, "U3"),
        (follow_ups.simple_change, {"content": f"{GRID.id} U12"}, "U1"),
        (follow_ups.simple_change, {"content": f"{GRID.id} r"}, "R"),
        (press, {"taskId": GRID.id, "customId": f"MJ::JOB::variation::4::{HASH}"}, "V4"),
        (press, {"taskId": GRID.id, "customId": f"MJ::JOB::reroll::0::{HASH}::SOLO"}, "R"),
    ],
)
def test_three_ways_of_asking_mean_the_same_work(read: Read, body: dict[str, Any], word: str) -> None:
    order = read(asked({**body, "state": "b1.7"}))
    assert (order.parent, order.work, order.state) == (GRID, f"{GRID.id} {word}", "b1.7")


def test_every_button_of_a_single_picture_is_an_order_of_its_own() -> None:
    of, words = SINGLE.message_hash, {}
    for button in buttons_of(SINGLE, extras=False):
        words[press(asked({"taskId": SINGLE.id, "customId": button.custom_id})).word] = button.custom_id
    assert words == {
        "UPSCALE subtle": f"MJ::JOB::upsample_v6_2x_subtle::1::{of}::SOLO",
        "UPSCALE creative": f"MJ::JOB::upsample_v6_2x_creative::1::{of}::SOLO",
        "VARIATION subtle": f"MJ::JOB::low_variation::1::{of}::SOLO",
        "VARIATION strong": f"MJ::JOB::high_variation::1::{of}::SOLO",
        "VARIATION region": f"MJ::Inpaint::1::{of}::SOLO",
        "ZOOM 2": f"MJ::Outpaint::50::1::{of}::SOLO",
        "ZOOM 1.5": f"MJ::Outpaint::75::1::{of}::SOLO",
        "ZOOM": f"MJ::CustomZoom::{of}",
        "ZOOM square": f"MJ::Outpaint::100::1::{of}::SOLO",
        "PAN left": f"MJ::JOB::pan_left::1::{of}::SOLO",
        "PAN right": f"MJ::JOB::pan_right::1::{of}::SOLO",
        "PAN up": f"MJ::JOB::pan_up::1::{of}::SOLO",
        "PAN down": f"MJ::JOB::pan_down::1::{of}::SOLO",
        "R": f"MJ::JOB::reroll::0::{of}::SOLO",
    }


def test_a_square_picture_cannot_be_made_square() -> None:
    single = done(9, Order(action=Action.UPSCALE, prompt="a fox", parent=GRID, index=1))
    assert not [button for button in buttons_of(single, extras=False) if "::100::" in button.custom_id]


def test_version_5_is_upscaled_by_factors() -> None:
    single = done(9, Order(action=Action.UPSCALE, prompt="a fox --v 5.2", parent=GRID, index=1))
    assert [button.variant for button in buttons_of(single, extras=False)[:2]] == ["2x", "4x"]


@pytest.mark.parametrize(
    ("family", "remix", "window"),
    [
        ("MJ::CustomZoom", False, Window.ZOOM),
        ("MJ::Inpaint", False, Window.REGION),
        ("MJ::JOB::pan_left", False, None),
        ("MJ::JOB::pan_left", True, Window.PROMPT),
        ("MJ::JOB::low_variation", True, Window.PROMPT),
        ("MJ::JOB::upsample_v6_2x_subtle", True, None),
    ],
)
def test_some_buttons_open_a_window(family: str, remix: bool, window: Window | None) -> None:
    (button,) = (one for one in buttons_of(SINGLE, extras=False) if one.custom_id.startswith(family))
    body = {"taskId": SINGLE.id, "customId": button.custom_id}
    assert press(asked(body, remix=remix)).window is window
    assert press(asked({**body, "enableRemix": True})).window in set(Window)


@pytest.mark.parametrize(
    ("window", "body", "words"),
    [
        (Window.ZOOM, {"prompt": "a fox"}, "prompt参数错误，缺少 --zoom 1~2"),
        (Window.ZOOM, {"prompt": "a fox --zoom 2.5"}, "prompt参数错误，缺少 --zoom 1~2"),
        (Window.REGION, {"prompt": "a hat"}, "maskBase64不能为空"),
        (Window.REGION, {"maskBase64": "no data url"}, "base64格式错误"),
    ],
)
def test_a_window_that_is_filled_in_wrongly_is_refused(window: Window, body: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        windows.filled(asked(body), Order(action=Action.ZOOM, prompt="a fox", parent=SINGLE, window=window))


def test_a_window_that_is_filled_in_becomes_an_order() -> None:
    zoom = Order(action=Action.ZOOM, prompt="a fox", parent=SINGLE, window=Window.ZOOM)
    filled = windows.filled(asked({"prompt": "a fox --zoom 1.50"}), zoom)
    assert (filled.variant, filled.prompt, filled.window) == ("1.5", "a fox --zoom 1.50", None)
    region = Order(action=Action.VARIATION, variant="region", prompt="a fox", parent=SINGLE, window=Window.REGION)
    filled = windows.filled(asked({"maskBase64": "mask"}, pictures={"mask": PICTURE}), region)
    assert (filled.prompt, filled.mask, filled.window) == ("a fox", PICTURE, None)


def test_a_shortened_prompt_is_shown_in_its_window() -> None:
    order = press(asked({"taskId": SHORT.id, "customId": "MJ::Job::PromptAnalyzer::2"}))
    assert (order.action, order.window, order.index) == (Action.IMAGINE, Window.PROMPT, 2)
    assert order.prompt
    assert not order.prompt.startswith("2")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"prompt"', b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(raw)


@pytest.mark.parametrize(
    ("kind", "raw", "status"),
    [
        (b"application/json", b"{}", None),
        (b"Application/JSON ; charset=utf-8", b"{}", None),
        (b"application/vnd.api+json", b"{}", None),
        (b"application/jsonlines", b"{}", 415),
        (b"text/plain", b"", 415),
        (b"", b"{}", 415),
        (b"", b"", 400),
    ],
)
def test_a_body_is_read_by_its_content_type(kind: bytes, raw: bytes, status: int | None) -> None:
    if status is None:
        assert read_typed("/mj/submit/imagine", kind, raw) == {}
        return
    with pytest.raises(MalformedError) as malformed:
        read_typed("/mj/submit/imagine", kind, raw)
    assert malformed.value.status == status


@pytest.mark.parametrize("dialect", ["trueai", "relay"])
def test_a_strict_dialect_takes_no_number_for_a_string(dialect: str) -> None:
    form = asked({"taskId": int(GRID.id), "customId": "x"}, dialect)
    with pytest.raises(MalformedError):
        follow_ups.pressed(form)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "custom_id_is_required"),
        ({"customId": "MJ::Job::PicReader::1"}, "unknown_action:MJ::Job::PicReader::1"),
        ({"customId": f"MJ::BOOKMARK::{HASH}"}, f"unknown_action:MJ::BOOKMARK::{HASH}"),
        ({"customId": f"MJ::JOB::upsample::1::{HASH}", "taskId": "9"}, "task_not_found"),
    ],
)
def test_a_relay_refuses_what_it_cannot_charge_for(body: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        DIALECTS[DialectName.RELAY].screen("/mj/submit/action", {"taskId": GRID.id, **body}, KNOWN)
    answer = {"description": f"{words} ", "type": "upstream_error", "code": 4}
    assert (refused.value.status, json.loads(refused.value.answer)) == (400, answer)


def test_a_prompt_can_ask_for_its_own_fault_but_not_for_its_follow_ups() -> None:
    faults = Faults(Options())
    order = Order(action=Action.IMAGINE, prompt="a fox --sandbox lost")
    assert faults.loses(order)
    assert not faults.breaks(order)
    child = Order(action=Action.UPSCALE, prompt=order.prompt, parent=GRID, index=1)
    assert not faults.loses(child)


def test_the_same_seed_meets_the_same_faults() -> None:
    order = Order(action=Action.IMAGINE, prompt="a fox")
    runs = []
    for _ in range(2):
        faults = Faults(Options(error_rate=0.3, seed=7))
        runs.append([faults.breaks(order) for _ in range(50)])
    assert runs[0] == runs[1]
    assert 0 < sum(runs[0]) < 50
