"""What the emulated server refuses, in the words of the real ones."""

from __future__ import annotations

import json

import pytest

from pipeline.sandbox import submits
from pipeline.sandbox.faults import Faults
from pipeline.sandbox.options import Options
from pipeline.sandbox.tasks import Action, Order, Task

GRID = Task(
    id="1700000000000001", order=Order(action=Action.IMAGINE, prompt="a fox"), submitted=1, started=1, finished=2
)
RUNNING = Task(id="1700000000000002", order=GRID.order, submitted=1, started=1)
UPSCALE = Task(
    id="1700000000000003",
    order=Order(action=Action.UPSCALE, prompt="a fox", parent=GRID, index=1),
    submitted=1,
    started=1,
    finished=2,
)
KNOWN = {task.id: task for task in (GRID, RUNNING, UPSCALE)}
HASH = GRID.message_hash


@pytest.mark.parametrize(
    ("read", "body", "code", "words"),
    [
        (submits.imagine, {"prompt": "  "}, 4, "prompt不能为空"),
        (submits.imagine, {}, 4, "prompt不能为空"),
        (submits.imagine, {"prompt": "a Nude fox"}, 24, "可能包含敏感词"),
        (submits.change, {"action": "UPSCALE", "index": 1}, 4, "taskId不能为空"),
        (submits.change, {"taskId": GRID.id, "action": "ZOOM"}, 4, "action参数错误"),
        (submits.change, {"taskId": GRID.id, "action": "UPSCALE", "index": 5}, 4, "index参数错误"),
        (submits.change, {"taskId": GRID.id, "action": "VARIATION"}, 4, "index参数错误"),
        (submits.change, {"taskId": "1", "action": "REROLL"}, 3, "关联任务不存在或已失效"),
        (submits.change, {"taskId": RUNNING.id, "action": "REROLL"}, 4, "关联任务状态错误"),
        (submits.change, {"taskId": UPSCALE.id, "action": "UPSCALE", "index": 1}, 4, "关联任务不允许执行变化"),
        (submits.simple_change, {"content": f"{GRID.id}  U1"}, 4, "content参数错误"),
        (submits.simple_change, {"content": f"{GRID.id} U5"}, 4, "content参数错误"),
        (submits.press, {"taskId": GRID.id, "customId": "MJ::CustomZoom::" + HASH}, 4, "未知的 Action 类型"),
        (submits.press, {"taskId": GRID.id, "customId": "MJ::JOB::upsample::2::else"}, 4, "customId参数错误"),
        (submits.press, {"taskId": "9", "customId": f"MJ::JOB::upsample::2::{HASH}"}, 3, "关联任务不存在或已失效"),
    ],
)
def test_a_wrong_order_is_refused(read: submits.Reader, body: submits.Body, code: int, words: str) -> None:
    with pytest.raises(submits.RefusedError) as refused:
        read(body, KNOWN)
    answer = json.loads(refused.value.answer)
    assert (answer["code"], answer["description"], answer["result"]) == (code, words, None)
    assert set(answer) == {"code", "description", "result", "properties"}


@pytest.mark.parametrize(
    ("read", "body", "word"),
    [
        (submits.change, {"taskId": GRID.id, "action": "UPSCALE", "index": 2}, "U2"),
        (submits.change, {"taskId": GRID.id, "action": "REROLL", "index": 1}, "R"),
        (submits.simple_change, {"content": f"{GRID.id} u3"}, "U3"),
        (submits.simple_change, {"content": f"{GRID.id} U12"}, "U1"),
        (submits.simple_change, {"content": f"{GRID.id} r"}, "R"),
        (submits.press, {"taskId": GRID.id, "customId": f"MJ::JOB::variation::4::{HASH}"}, "V4"),
        (submits.press, {"taskId": GRID.id, "customId": f"MJ::JOB::reroll::0::{HASH}::SOLO"}, "R"),
    ],
)
def test_three_ways_of_asking_mean_the_same_work(read: submits.Reader, body: submits.Body, word: str) -> None:
    order = read({**body, "state": "b1.7"}, KNOWN)
    assert (order.parent, order.work, order.state) == (GRID, f"{GRID.id} {word}", "b1.7")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"prompt"', b"\xff"])
def test_what_is_no_json_object_is_malformed(raw: bytes) -> None:
    with pytest.raises(submits.MalformedError):
        submits.parse(raw)


def test_answers_are_compact_so_that_a_relay_can_rewrite_them() -> None:
    assert b'"code":22,' in submits.placed(GRID, 3)
    assert b'"result":"1700000000000001"' in submits.placed(GRID, 0)


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
