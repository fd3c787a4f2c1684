"""What clients that others wrote rely on: each of these once went wrong with one of them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.contract.emulated import DIALECTS, KEYS, Caller, emulated, faults_of, picture

TEAL, GOLD = picture("teal"), picture("gold", (24, 32))
PROXIES = ("plus", "novicezk", "trueai")
OPEN_TO_PAGES = ("plus", "trueai", "relay")
UNKNOWN = "1111111111111111"
IMAGINE, CHANGE, LIST = "/mj/submit/imagine", "/mj/submit/change", "/mj/task/list-by-condition"
BY_A_PAGE = {"Origin": "http://gallery.example"}


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Caller]]:
    with ExitStack() as stack:
        yield {dialect: stack.enter_context(emulated(dialect)) for dialect in DIALECTS}


@pytest.fixture(params=DIALECTS)
def server(request: pytest.FixtureRequest, servers: dict[str, Caller]) -> Caller:
    servers[request.param].client.post("/sandbox/reset").raise_for_status()
    return servers[request.param]


def refusal(reply: httpx.Response) -> tuple[int, int, str]:
    return reply.status_code, reply.json()["code"], reply.json()["description"]


def open_ai_message(reply: httpx.Response) -> str:
    """What an error in OpenAI's shape says; it has nothing else beside its type."""
    error: dict[str, str] = reply.json()["error"]
    assert set(error) == {"message", "type"}
    return error["message"]


# What a task says.


def test_what_a_describe_says_stands_where_each_server_writes_it(server: Caller) -> None:
    task = server.made("describe", base64=TEAL)
    text, told = task["properties"]["finalPrompt"], task["properties"].get("finalZhPrompt")
    expected = {
        "plus": (text, text, text),
        "novicezk": (text, text, None),
        "trueai": (None, text, ""),
        "relay": ("", text, text),
    }
    assert (task["prompt"], task["promptEn"], told) == expected[server.dialect]
    if server.dialect != "relay":
        assert task["description"] == f"/describe {task['id']}.png"
        assert "messageContent" not in task["properties"]


def test_novicezk_knows_neither_bots_nor_accounts(servers: dict[str, Caller]) -> None:
    server = servers["novicezk"]
    task = server.made("imagine", prompt="a fox", botType="NOBODY", accountFilter={"instanceId": "9"})
    later = {"botType", "discordChannelId", "finalZhPrompt", "messageContent"}
    assert later.isdisjoint(task["properties"])
    assert servers["plus"].submit("imagine", prompt="a fox", accountFilter={"instanceId": "9"})["code"] == 3


@pytest.mark.parametrize(
    ("dialect", "action"), [("plus", "IMAGINE"), ("novicezk", "REROLL"), ("trueai", "IMAGINE"), ("relay", "REROLL")]
)
def test_only_some_servers_have_an_action_for_a_reroll(dialect: str, action: str, servers: dict[str, Caller]) -> None:
    server = servers[dialect]
    grid = server.made("imagine", prompt="a fox")
    if dialect == "novicezk":
        again = server.place("change", taskId=grid["id"], action="REROLL")
    else:
        again = server.press(grid, "reroll")["result"]
    assert server.finished(again)["action"] == action


@pytest.mark.parametrize("dialect", ["plus", "trueai"])
def test_displays_show_the_time_as_people_write_it(dialect: str, servers: dict[str, Caller]) -> None:
    server = servers[dialect]
    task = server.made("imagine", prompt="a fox")
    (shown,) = server.post("/mj/task/list-by-ids", {"ids": [task["id"]]}).json()
    for name in ("submitTime", "startTime", "finishTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", shown["displays"][name])
        written = time.strptime(shown["displays"][name], "%Y-%m-%d %H:%M:%S")
        assert int(time.mktime(written)) == task[name] // 1000


def test_at_a_relay_a_window_changes_the_task_but_not_the_prompt_of_its_row(servers: dict[str, Caller]) -> None:
    server = servers["relay"]
    grid = server.made("imagine", prompt="a fox")
    single = server.finished(server.press(grid, "upsample::1")["result"])
    window = server.press(single, "CustomZoom")["result"]
    server.place("modal", taskId=window, prompt="an owl --zoom 2")
    task = server.finished(window)
    assert (task["prompt"], task["promptEn"], task["properties"]["finalPrompt"]) == ("a fox", *["an owl --zoom 2"] * 2)


# How it is asked.


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("path", [IMAGINE, LIST])
@pytest.mark.parametrize("dialect", PROXIES)
def test_a_proxy_takes_nothing_but_json(dialect: str, path: str, kind: str, servers: dict[str, Caller]) -> None:
    server = servers[dialect]
    reply = server.client.post(path, content=b'{"prompt":"a fox"}', headers={"Content-Type": kind} if kind else {})
    assert reply.status_code == 415
    assert faults_of("post", path, reply, dialect) == []
    assert reply.json()["title" if dialect == "trueai" else "error"] == "Unsupported Media Type"


def test_json_is_told_by_its_type_whatever_else_that_says(server: Caller) -> None:
    for kind in ("application/json;charset=UTF-8", "application/json; charset=utf-8"):
        body, headers = b'{"prompt":"a fox"}', {"Content-Type": kind}
        assert server.client.post(IMAGINE, content=body, headers=headers).json()["code"] == 1


def test_a_relay_sees_nothing_in_a_body_of_another_type(servers: dict[str, Caller]) -> None:
    server = servers["relay"]
    body = b'{"prompt":"a fox","customId":"MJ::JOB::upsample::1::x","ids":[]}'
    for path, words in ((IMAGINE, "prompt_is_required "), ("/mj/submit/action", "custom_id_is_required ")):
        reply = server.client.post(path, content=body, headers={"Content-Type": "text/plain"})
        assert refusal(reply) == (400, 4, words)
    assert server.client.post(LIST, content=body).json() == []


def test_a_relay_has_one_refusal_for_wrong_types_in_a_submit_and_another_in_a_list(servers: dict[str, Caller]) -> None:
    server = servers["relay"]
    for wrong in ({"prompt": 5}, {"prompt": "a fox", "base64Array": "x"}, {"prompt": "a fox", "index": "1"}):
        reply = server.post(IMAGINE, wrong)
        assert (reply.status_code, open_ai_message(reply)) == (400, "无效的请求 (request id: sandbox)")
    for ids in ([5], "x", {}):
        assert refusal(server.post(LIST, {"ids": ids})) == (400, 4, "do_request_failed ")


@pytest.mark.parametrize("dialect", OPEN_TO_PAGES)
def test_pages_of_other_sites_may_call(dialect: str, servers: dict[str, Caller]) -> None:
    server = servers[dialect]
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    with httpx.Client(base_url=server.client.base_url, headers=BY_A_PAGE) as page:
        allowed = page.options(IMAGINE, headers=asks)
        assert allowed.status_code == 200
        assert "POST" in allowed.headers["access-control-allow-methods"]
        assert "authorization" in allowed.headers["access-control-allow-headers"]
        link = server.made("imagine", prompt="a fox")["imageUrl"]
        submitted = page.post(IMAGINE, json={"prompt": "a fox"}, headers=KEYS[dialect])
        replies = [submitted, page.post(IMAGINE, json={}), page.get(link), page.get("/mj/nowhere")]
        assert [reply.status_code for reply in replies] == [200, 401, 200, 404]
        assert {reply.headers["access-control-allow-origin"] for reply in (allowed, *replies)} == {"*"}


def test_novicezk_answers_no_page(servers: dict[str, Caller]) -> None:
    client = servers["novicezk"].client
    replies = [client.options(IMAGINE, headers=BY_A_PAGE), client.get("/mj/task/list", headers=BY_A_PAGE)]
    assert [reply.status_code for reply in replies] == [405, 200]
    assert not any("access-control-allow-origin" in reply.headers for reply in replies)


def test_an_address_is_a_picture_in_a_prompt_but_among_pictures_only_at_trueai(server: Caller) -> None:
    link = server.made("describe", base64=TEAL)["imageUrl"]
    assert server.submit("imagine", prompt=f"{link} a fox")["code"] == 1
    answers = [
        server.submit("imagine", prompt="a fox", base64Array=[link]),
        server.submit("describe", base64=link),
        server.submit("blend", base64Array=[link, GOLD]),
    ]
    expected = (1, "提交成功") if server.dialect == "trueai" else (4, "base64格式错误")
    assert {(answer["code"], answer["description"]) for answer in answers} == {expected}


@pytest.mark.parametrize(
    ("dialect", "action", "said"),
    [
        ("plus", "FOO", (400, "Bad Request")),
        ("novicezk", "FOO", (400, "Bad Request")),
        ("novicezk", "ZOOM", (400, "Bad Request")),
        ("plus", "ZOOM", (200, "action参数错误")),
        ("novicezk", "DESCRIBE", (200, "action参数错误")),
        ("novicezk", None, (200, "action参数错误")),
        ("novicezk", "UPSCALE", (200, "index参数错误")),
    ],
)
def test_an_action_that_there_is_not_is_the_frameworks_to_refuse(
    dialect: str, action: str | None, said: tuple[int, str], servers: dict[str, Caller]
) -> None:
    grid = servers[dialect].made("imagine", prompt="a fox")
    reply = servers[dialect].post(CHANGE, {"taskId": grid["id"], "action": action})
    assert (reply.status_code, reply.json().get("error") or reply.json()["description"]) == said


# What is refused, and how.


def test_simple_change_finds_no_channel_at_a_relay(servers: dict[str, Caller]) -> None:
    reply = servers["relay"].post("/mj/submit/simple-change", {"content": f"{UNKNOWN} U1"})
    words = "当前分组 default 下对于模型 mj_ 无可用渠道 (request id: sandbox)"
    assert (reply.status_code, open_ai_message(reply)) == (503, words)


def test_the_seed_of_an_unfinished_task_is_refused_by_the_server_behind_a_relay() -> None:
    for dialect, status in (("plus", 200), ("trueai", 400), ("relay", 200)):
        with emulated(dialect, imagine_seconds=60) as server:
            reply = server.get(f"/mj/task/{server.place('imagine', prompt='a fox')}/image-seed")
            assert refusal(reply) == (status, 4, "关联任务状态错误")


def test_trueai_takes_addresses_of_two_thousand_characters(servers: dict[str, Caller]) -> None:
    hook = "http://127.0.0.1:9/".ljust(2000, "x")
    assert servers["trueai"].submit("imagine", prompt="a fox", notifyHook=hook)["code"] == 1
    longer = servers["trueai"].submit("imagine", prompt="a fox", notifyHook=f"{hook}x")
    assert (longer["success"], longer["code"]) == (False, -1)
    assert servers["plus"].submit("imagine", prompt="a fox", notifyHook=f"{hook}x")["code"] == 1


def test_strangers_and_wrong_addresses_are_told_in_the_dialects_words(servers: dict[str, Caller]) -> None:
    stranger = {"mj-api-secret": "wrong", "Authorization": "wrong"}
    assert servers["trueai"].client.get("/mj/task/list", headers=stranger).text == "Authorization header missing."
    unwelcome = servers["relay"].client.get(f"/mj/task/{UNKNOWN}/fetch", headers=stranger)
    assert (unwelcome.status_code, open_ai_message(unwelcome)) == (401, "无效的令牌 (request id: sandbox)")
    lost = servers["relay"].client.get("/mj/task/list")
    assert (lost.status_code, None in lost.json()["error"].values()) == (404, False)


# What is seen while it is made.


def halfway(server: Caller, task_id: str) -> dict[str, Any]:
    """The task as it is shown with its first link. Before that it has none."""
    gives_up = time.monotonic() + 10
    while not (task := server.task(task_id))["imageUrl"]:
        assert task["progress"] in {None, "0%", "15%", "31%"}
        assert time.monotonic() < gives_up
        time.sleep(0.005)
    return task


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_link_of_an_unfinished_picture_is_not_the_link_of_the_picture(dialect: str) -> None:
    with emulated(dialect, imagine_seconds=1.5, picture_size=512) as server:
        task = halfway(server, server.place("imagine", prompt="a fox --ar 3:2"))
        assert task["status"] == "IN_PROGRESS"
        reply = server.client.get(task["imageUrl"])
        assert reply.headers["content-type"] == "image/webp"
        assert max(Image.open(BytesIO(reply.content)).size) < 400
        done = server.finished(task["id"])
        assert done["imageUrl"] != task["imageUrl"]
        assert server.client.get(done["imageUrl"]).headers["content-type"] == "image/png"
        if dialect == "relay":
            assert re.fullmatch(re.escape(done["imageUrl"]) + r"\?rand=\d{19}", task["imageUrl"])
        else:
            assert server.client.get(task["imageUrl"]).status_code == 404


def test_nothing_is_seen_of_what_is_made_in_one_step(servers: dict[str, Caller]) -> None:
    with emulated("plus", upscale_seconds=0.3) as server:
        grid = server.made("imagine", prompt="a fox")
        single = server.press(grid, "upsample::1")["result"]
        links = set()
        while (task := server.task(single))["status"] != "SUCCESS":
            links.add(task["imageUrl"])
        assert links == {None}
