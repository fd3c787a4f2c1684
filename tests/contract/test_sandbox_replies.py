"""Every endpoint of the emulated server in each dialect, each reply as the contract says, and what differs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.contract.emulated import DIALECTS, Caller, emulated, picture

TEAL, GOLD = picture("teal"), picture("gold", (24, 32))
MASK = picture("white")
WITH_BUTTONS = ("plus", "trueai", "relay")
UNKNOWN = "1111111111111111"


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Caller]]:
    with ExitStack() as stack:
        yield {dialect: stack.enter_context(emulated(dialect)) for dialect in DIALECTS}


@pytest.fixture(params=DIALECTS)
def server(request: pytest.FixtureRequest, servers: dict[str, Caller]) -> Caller:
    return fresh(servers[request.param])


@pytest.fixture(params=WITH_BUTTONS)
def pressable(request: pytest.FixtureRequest, servers: dict[str, Caller]) -> Caller:
    return fresh(servers[request.param])


def fresh(server: Caller) -> Caller:
    server.client.post("/sandbox/reset").raise_for_status()
    return server


def shown(server: Caller, task: dict[str, Any]) -> Image.Image:
    reply = server.client.get(task["imageUrl"])
    assert reply.status_code == 200, reply.text
    return Image.open(BytesIO(reply.content))


def test_an_imagine_with_everything_that_it_may_say(server: Caller) -> None:
    body: dict[str, Any] = {
        "botType": "MID_JOURNEY",
        "state": "s1",
        "mode": "fast",
        "accountFilter": {"modes": ["FAST"]},
    }
    task = server.made("imagine", prompt="a fox --ar 3:2", base64Array=[TEAL, GOLD], base64=TEAL, **body)
    assert task["state"] == "s1"
    assert shown(server, task).width > shown(server, task).height
    ids = {"ids": [task["id"], UNKNOWN]}
    assert [one["id"] for one in server.post("/mj/task/list-by-condition", ids).json()] == [task["id"]]


def test_a_blend_and_a_describe(server: Caller) -> None:
    blend = server.made("blend", base64Array=[TEAL, GOLD], dimensions="PORTRAIT")
    assert blend["action"] == "BLEND"
    assert shown(server, blend).width < shown(server, blend).height
    described = server.made("describe", base64=TEAL)
    assert shown(server, described).size == (32, 24)
    text = described["properties"]["finalPrompt"]
    assert [text.count(f"{n}️⃣") for n in range(1, 5)] == [1, 1, 1, 1]
    assert ("\r\n" in text) is (server.dialect == "trueai")


def test_every_button_of_a_single_picture_makes_a_picture(pressable: Caller) -> None:
    grid = pressable.made("imagine", prompt="a fox --ar 3:2")
    single = pressable.finished(pressable.press(grid, "upsample::3")["result"])
    assert single["status"] == "SUCCESS"
    for button in single["buttons"]:
        asked = pressable.press(single, button["customId"])
        assert asked["code"] in {1, 21, 22}, asked
        if "BOOKMARK" in button["customId"]:
            assert asked["result"] == single["id"]
            continue
        if asked["code"] == 21:
            body = {"prompt": "a fox --zoom 1.2", "maskBase64": MASK}
            assert pressable.submit("modal", taskId=asked["result"], **body)["code"] in {1, 22}
        made = pressable.finished(asked["result"])
        assert made["status"] == "SUCCESS", made
        shown(pressable, made).load()


def test_shorten_swap_upload_and_seed(pressable: Caller) -> None:
    text = pressable.made("shorten", prompt="a cat, in the style of expert draftsmanship, ethereal fog")
    assert "## Shortened prompts" in text["properties"]["finalPrompt"]
    assert not text["imageUrl"]
    swap = pressable.made("/mj/insight-face/swap", sourceBase64=TEAL, targetBase64=GOLD)
    assert swap["action"] == "SWAP_FACE"
    shown(pressable, swap).load()
    (link,) = pressable.submit("upload-discord-images", base64Array=[GOLD])["result"]
    assert Image.open(BytesIO(pressable.client.get(link).content)).size == (24, 32)
    assert pressable.made("imagine", prompt=f"{link} a fox")["prompt"].endswith(f"{link} a fox")
    seed = pressable.get(f"/mj/task/{swap['id']}/image-seed").json()
    assert (seed["code"], seed["result"].isdecimal()) == (1, True)


@pytest.mark.parametrize("dialect", ["trueai", "relay"])
def test_edits_and_films(dialect: str, servers: dict[str, Caller]) -> None:
    server = fresh(servers[dialect])
    edit = server.made("edits", prompt="at night", image=TEAL)
    assert len(edit["buttons"]) == 9
    film = server.made("video", prompt="the fox runs", image=TEAL, motion="high")
    assert len(film["videoUrls"]) == 4
    for link in film["videoUrls"]:
        assert server.client.get(link["url"]).content[4:8] == b"ftyp"
    longer = server.made("video", prompt="and jumps", action="extend", taskId=film["id"], index=0)
    assert server.client.get(longer["videoUrl"]).content[4:8] == b"ftyp"


@pytest.mark.parametrize("dialect", ["plus", "trueai"])
def test_describe_and_shorten_can_be_imagined_at_proxies(dialect: str, servers: dict[str, Caller]) -> None:
    server = fresh(servers[dialect])
    described = server.made("describe", base64=TEAL)
    again = server.press(described, "Picread::Retry")
    assert server.finished(again["result"])["action"] == "DESCRIBE"
    asked = server.press(described, "PicReader::2")
    assert asked["code"] == 21
    assert server.task(asked["result"])["status"] == "MODAL"
    assert server.submit("modal", taskId=asked["result"], prompt="")["result"] == asked["result"]
    made = server.finished(asked["result"])
    assert made["action"] == "IMAGINE"
    assert made["prompt"] == asked["properties"]["finalPrompt"]
    assert f"2️⃣ {made['prompt']}" in described["properties"]["finalPrompt"]
    shortened = server.made("shorten", prompt="a very long prompt, with fog, and a fox")
    assert server.press(shortened, "PromptAnalyzer::5")["code"] == 21


def test_trueai_imagines_all_four_prompts_at_once(servers: dict[str, Caller]) -> None:
    server = fresh(servers["trueai"])
    described = server.made("describe", base64=TEAL)
    answer = server.press(described, "PicReader::all", state="s")
    assert answer["code"] == 1
    made = [server.finished(one) for one in answer["result"].split(",")]
    assert [task["state"] for task in made] == ["s::1", "s::2", "s::3", "s::4"]


def test_a_window_is_answered_once_and_costs_only_then(pressable: Caller) -> None:
    grid = pressable.made("imagine", prompt="a fox")
    single = pressable.finished(pressable.press(grid, "upsample::1")["result"])
    window = pressable.press(single, "CustomZoom", state="z")
    audit = pressable.client.get("/sandbox/audit").json()
    assert (window["code"], audit["accepted"], audit["windows_open"], audit["running"]) == (21, 2, 1, 0)
    assert pressable.submit("modal", taskId=window["result"], prompt="a fox")["code"] == 4
    assert pressable.submit("modal", taskId=window["result"], prompt="a fox --zoom 2")["code"] in {1, 22}
    assert pressable.submit("modal", taskId=window["result"], prompt="a fox --zoom 2")["code"] == 4
    assert pressable.finished(window["result"])["status"] == "SUCCESS"
    audit = pressable.client.get("/sandbox/audit").json()
    assert (audit["accepted"], audit["windows_open"], audit["windows_answered_again"]) == (3, 0, 1)
    assert (audit["by_state"], audit["duplicates"]) == ({"z": 1}, [])


def test_with_remix_a_relay_hides_the_window_until_the_task_is_fetched() -> None:
    for dialect, code in (("plus", 21), ("trueai", 21), ("relay", 1)):
        with emulated(dialect, remix=True) as server:
            grid = server.made("imagine", prompt="a fox")
            asked = server.press(grid, "variation::2")
            assert asked["code"] == code
            while (task := server.task(asked["result"]))["status"] == "":
                pass
            assert task["status"] == "MODAL"
            assert server.submit("modal", taskId=asked["result"], prompt="a red fox")["code"] == 1
            server.finished(asked["result"])


def test_change_and_simple_change_where_they_are(server: Caller) -> None:
    parent = server.made("imagine", prompt="a fox")
    change = server.post("/mj/submit/change", {"taskId": parent["id"], "action": "REROLL", "index": 1})
    simple = server.post("/mj/submit/simple-change", {"content": f"{parent['id']} U2"})
    assert (change.status_code == 200) is (server.dialect != "trueai")
    assert (simple.status_code == 200) is (server.dialect in {"plus", "novicezk"})


def test_an_unknown_parent_and_an_unknown_task(server: Caller) -> None:
    if server.dialect != "novicezk":
        reply = server.post("/mj/submit/action", {"taskId": UNKNOWN, "customId": "MJ::JOB::upsample::1::x"})
        refusals = {"plus": (200, 3), "trueai": (404, 3), "relay": (400, 4)}
        assert (reply.status_code, reply.json()["code"]) == refusals[server.dialect]
    fetched = server.get(f"/mj/task/{UNKNOWN}/fetch")
    empty = {"plus": (200, b""), "novicezk": (200, b""), "trueai": (204, b"")}
    relay = (400, b'{"description":"task_no_found ","type":"upstream_error","code":4}')
    assert (fetched.status_code, fetched.content) == empty.get(server.dialect, relay)


def test_a_banned_word_is_refused_or_fails_later(server: Caller) -> None:
    answer = server.submit("imagine", prompt="a nude fox")
    if server.dialect == "trueai":
        assert server.finished(answer["result"])["failReason"] == "可能包含敏感词"
    else:
        assert (answer["code"], answer["properties"]["bannedWord"]) == (24, "nude")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_full_queue_and_a_place_in_it(dialect: str) -> None:
    with emulated(dialect, slots=1, queue=2, imagine_seconds=60) as server:
        codes = [server.submit("imagine", prompt=f"fox {n}")["code"] for n in range(4)]
        assert codes == [1, 1, 1 if dialect == "relay" else 22, 9 if dialect == "trueai" else 23]


def test_a_failure_shows_its_reason(server: Caller) -> None:
    task = server.finished(server.place("imagine", prompt="a fox --sandbox fail"))
    assert task["failReason"].startswith("[Invalid parameter]")
    assert task["progress"] == ("100%" if server.dialect == "relay" else "")


def test_a_file_that_is_no_picture_is_accepted_and_fails(server: Caller) -> None:
    task = server.finished(server.place("describe", base64="data:image/png;base64,aGVsbG8="))
    assert "could not be read" in task["failReason"]


def test_bare_base64_is_a_picture_only_at_trueai(server: Caller) -> None:
    answer = server.submit("describe", base64=TEAL.partition(",")[2])
    assert answer["code"] == (1 if server.dialect == "trueai" else 4)


def test_the_wrong_key_is_answered_in_the_dialects_own_words(server: Caller) -> None:
    with httpx.Client(base_url=server.client.base_url, headers={"mj-api-secret": "wrong"}) as client:
        reply = Caller(client, server.dialect).get(f"/mj/task/{UNKNOWN}/fetch")
    kinds = {"trueai": "text/plain; charset=utf-8", "relay": "application/json"}
    assert (reply.status_code, reply.headers.get("content-type")) == (401, kinds.get(server.dialect))


def test_a_body_that_cannot_be_read(server: Caller) -> None:
    reply = server.client.post("/mj/submit/imagine", content=b"{", headers={"Content-Type": "application/json"})
    assert reply.status_code == (200 if server.dialect == "trueai" else 400)
    assert ("success" if server.dialect == "trueai" else "error") in reply.json()


def test_a_relay_knows_nothing_before_its_first_look() -> None:
    with emulated("relay", staleness=60) as server:
        task = server.task(server.place("imagine", prompt="a fox", state="s", notifyHook="http://hook.example"))
        assert (task["status"], task["progress"], task["state"]) == ("", "0%", "")
        assert (task["buttons"], task["properties"], task["startTime"], task["finishTime"]) == (None, None, 0, 0)
        assert (task["action"], task["description"]) == ("IMAGINE", "提交成功")


def test_a_relay_links_to_itself(servers: dict[str, Caller]) -> None:
    server = fresh(servers["relay"])
    task = server.made("imagine", prompt="a fox")
    assert task["imageUrl"] == f"{str(server.client.base_url).rstrip('/')}/mj/image/{task['id']}"
    assert server.get(f"/mj/image/{UNKNOWN}").status_code == 400


def test_lists_queues_pages_and_cancels(server: Caller) -> None:
    ids = [server.place("imagine", prompt=f"fox {n}", state=f"s{n}") for n in range(3)]
    for one in ids:
        server.finished(one)
    listed = server.get("/mj/task/list")
    if server.dialect == "relay":
        assert listed.status_code == 404
    else:
        assert [task["id"] for task in listed.json()] == ids[::-1]
    assert (server.get("/mj/task/queue").status_code == 200) is (server.dialect in {"plus", "novicezk"})
    by_ids = server.post("/mj/task/list-by-ids", {"ids": ids})
    assert by_ids.status_code == (200 if server.dialect in {"plus", "trueai"} else 404)
    assert by_ids.status_code == 404 or by_ids.json()[0]["displays"]["status"] == "SUCCESS"
    cancelled = server.post(f"/mj/task/{ids[0]}/cancel")
    assert cancelled.status_code == {"plus": 200, "trueai": 400}.get(server.dialect, 404)


def test_plus_finds_a_task_by_its_state_and_pages_through_all(servers: dict[str, Caller]) -> None:
    server = fresh(servers["plus"])
    ids = [server.place("imagine", prompt=f"fox {n}", state=f"s{n}") for n in range(5)]
    page = server.post("/mj/task/query", {"state": "s3", "pageNumber": 0, "pageSize": 10}).json()
    assert [task["id"] for task in page["content"]] == [ids[3]]
    page = server.post("/mj/task/query", {"pageNumber": 1, "pageSize": 2, "sort": "id,asc"}).json()
    assert [task["id"] for task in page["content"]] == ids[2:4]
    assert (page["totalElements"], page["totalPages"], page["last"]) == (5, 3, False)


def test_plus_cancels_what_is_not_over() -> None:
    with emulated("plus", slots=1, imagine_seconds=60) as server:
        running, waiting = (server.place("imagine", prompt=f"fox {n}") for n in range(2))
        assert server.post(f"/mj/task/{running}/cancel").json()["code"] == 1
        assert (server.task(running)["status"], server.task(waiting)["status"]) == ("CANCEL", "SUBMITTED")
        assert server.post(f"/mj/task/{running}/cancel").json()["code"] == 4


@pytest.mark.parametrize(
    ("dialect", "prefix", "status"),
    [
        *((dialect, prefix, 200) for dialect in WITH_BUTTONS for prefix in ("mj-fast", "mj-turbo-relay", "fast")),
        ("plus", "mj-proxy", 200),
        ("relay", "whatever", 200),
        ("plus", "whatever", 404),
        ("novicezk", "mj-fast", 404),
    ],
)
def test_speeds_are_prefixes(dialect: str, prefix: str, status: int, servers: dict[str, Caller]) -> None:
    server = fresh(servers[dialect])
    assert server.post(f"/{prefix}/mj/submit/imagine", {"prompt": "a fox"}).status_code == status


def test_some_habits_can_be_chosen() -> None:
    with emulated("plus", result_as_integer=True, progress_text=True, imagine_seconds=8, slots=1) as server:
        assert isinstance(server.submit("imagine", prompt="a fox")["result"], int)
