"""The emulated server over a real socket, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, UnidentifiedImageError

PROGRAM = """
import ast, sys, pathlib
from pipeline.sandbox.options import Options
from pipeline.sandbox.server import serve
chosen = ast.literal_eval(sys.argv[1])
if "journal" in chosen:
    chosen["journal"] = pathlib.Path(chosen["journal"])
serve(Options(port=0, picture_size=64, **chosen))
"""
FAST = {"imagine_seconds": 0.05, "upscale_seconds": 0.02}


@contextmanager
def serving(**options: Any) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    arguments = [sys.executable, "-c", PROGRAM, repr(FAST | options)]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            ready = process.stderr.readline()
            assert ready.startswith("sandbox ready at "), ready
            address = ready.removeprefix("sandbox ready at ").strip()
            with httpx.Client(base_url=address, headers={"Authorization": "Bearer sandbox"}) as client:
                yield client, process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with serving() as (client, _):
        yield client


@pytest.fixture(autouse=True)
def _forget(request: pytest.FixtureRequest) -> None:
    if "client" in request.fixturenames:
        request.getfixturevalue("client").post("/sandbox/reset").raise_for_status()


def ask(client: httpx.Client, prompt: str, **more: str) -> str:
    answer = client.post("/mj/submit/imagine", json={"prompt": prompt, **more}).json()
    assert answer["code"] in {1, 22}, answer
    return str(answer["result"])


def until(look: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
    gives_up = time.monotonic() + 10
    while (seen := look()) is None:
        assert time.monotonic() < gives_up, "waited ten seconds"
        time.sleep(0.01)
    return seen


def finished(client: httpx.Client, task_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        task: dict[str, Any] = client.get(f"/mj/task/{task_id}/fetch").json()
        return task if task["status"] in {"SUCCESS", "FAILURE"} else None

    return until(look)


def test_an_imagine_and_its_four_upscales_from_submit_to_pictures(client: httpx.Client) -> None:
    grid = finished(client, ask(client, "a red fox in the snow --ar 3:2", state="b1.1", notifyHook="http://x/h"))
    assert (grid["status"], grid["progress"], grid["state"]) == ("SUCCESS", "100%", "b1.1")
    assert grid["properties"]["notifyHook"] == "http://x/h"
    picture = client.get(grid["imageUrl"])
    assert picture.headers["content-type"] == "image/png"
    whole = Image.open(BytesIO(picture.content))
    for n, button in enumerate(grid["buttons"][:4]):
        body = {"taskId": grid["id"], "customId": button["customId"], "state": f"b1.1.{n}"}
        child = finished(client, client.post("/mj/submit/action", json=body).json()["result"])
        assert child["action"] == "UPSCALE"
        assert child["description"] == f"/up {grid['id']} U{n + 1}"
        assert Image.open(BytesIO(client.get(child["imageUrl"]).content)).size == whole.size
    audit = client.get("/sandbox/audit").json()
    assert audit["accepted"] == 5
    assert audit["duplicates"] == []
    assert set(audit["by_work"].values()) == {1}


def test_the_audit_tells_what_was_asked_for_twice(client: httpx.Client) -> None:
    for _ in range(2):
        ask(client, "a fox", state="same")
    audit = client.get("/sandbox/audit").json()
    assert audit["duplicates"] == ["same"]
    assert audit["by_work"] == {"a fox": 2}
    assert audit["requests"]["/mj/submit/imagine"] == 2


def test_a_list_has_only_what_is_known_and_an_unknown_fetch_is_empty(client: httpx.Client) -> None:
    known = ask(client, "a fox")
    body = {"ids": ["1111111111111111", known, known]}
    assert [task["id"] for task in client.post("/mj/task/list-by-condition", json=body).json()] == [known]
    for nothing in ({}, {"ids": None}, {"ids": []}):
        assert client.post("/mj/task/list-by-condition", json=nothing).json() == []
    unknown = client.get("/mj/task/1111111111111111/fetch")
    assert (unknown.status_code, unknown.content) == (200, b"")


def test_every_speed_has_its_prefix_and_the_audit_keeps_them_apart(client: httpx.Client) -> None:
    for prefix in ("/mj-fast", "/mj-relax", "/mj-turbo"):
        answer = client.post(f"{prefix}/mj/submit/imagine", json={"prompt": "a fox"}).json()
        assert client.get(f"{prefix}/mj/task/{answer['result']}/fetch").json()["id"] == answer["result"]
    assert client.get("/sandbox/audit").json()["requests"]["/mj-turbo/mj/submit/imagine"] == 1


def test_queue_and_list_show_tasks_oldest_and_newest_first() -> None:
    with serving(imagine_seconds=60, slots=1) as (client, _):
        ids = [ask(client, f"fox {n}") for n in range(3)]
        assert [task["id"] for task in client.get("/mj/task/queue").json()] == ids
        assert [task["id"] for task in client.get("/mj/task/list").json()] == ids[::-1]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer sandbox"}, 200),
        ({"Authorization": "sandbox"}, 200),
        ({"mj-api-secret": "sandbox"}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({}, 401),
    ],
)
def test_only_the_key_opens_the_door(client: httpx.Client, headers: dict[str, str], status: int) -> None:
    answer = httpx.get(f"{client.base_url}/mj/task/list", headers=headers)
    assert answer.status_code == status
    assert status == 200 or answer.content == b""


def test_what_the_framework_cannot_read_is_its_own_error_page(client: httpx.Client) -> None:
    broken = client.post("/mj/submit/imagine", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["error"]) == (400, "Bad Request")
    assert client.get("/mj/submit/imagine").status_code == 405
    assert client.post("/mj/submit/video", json={}).json()["path"] == "/mj/submit/video"


def test_a_lost_reply_was_accepted_and_the_connection_just_ends(client: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        ask(client, "a fox --sandbox lost", state="lost.1")
    audit = client.get("/sandbox/audit").json()
    assert (audit["by_state"], audit["lost_replies"]) == ({"lost.1": 1}, 1)


def test_an_error_before_acceptance_accepts_nothing(client: httpx.Client) -> None:
    assert client.post("/mj/submit/imagine", json={"prompt": "a fox --sandbox 500"}).status_code == 500
    assert client.get("/sandbox/audit").json()["accepted"] == 0


def test_pictures_can_be_missing_a_web_page_or_cut_off(client: httpx.Client) -> None:
    def picture(word: str) -> httpx.Response:
        return client.get(finished(client, ask(client, f"a fox --sandbox {word}"))["imageUrl"])

    assert picture("missing").status_code == 404
    page = picture("html")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    with pytest.raises((OSError, UnidentifiedImageError)):
        Image.open(BytesIO(picture("truncated").content)).load()
    failed = finished(client, ask(client, "a fox --sandbox fail"))
    assert failed["failReason"].startswith("[Invalid parameter]")


def test_the_first_requests_can_be_told_to_come_later() -> None:
    with serving(too_many_requests=2) as (client, _):
        answers = [client.get("/mj/task/list") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [429, 429, 200]
        assert answers[0].headers["retry-after"] == "1"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_without_a_word_while_connections_are_open(how: signal.Signals) -> None:
    with serving() as (client, process):
        ask(client, "a fox")
        process.send_signal(how)
        assert process.wait(5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_accepted_tasks_survive_kill_9(tmp_path: Path) -> None:
    journal = str(tmp_path / "journal")
    with serving(journal=journal, imagine_seconds=60) as (client, process):
        task_id = ask(client, "a fox", state="kept")
        os.kill(process.pid, signal.SIGKILL)
    with serving(journal=journal) as (client, _):
        assert finished(client, task_id)["state"] == "kept"
