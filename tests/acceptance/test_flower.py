"""Pictures being made, seen in Flower through its own HTTP API."""

from __future__ import annotations

import os
import signal
import socket
from ast import literal_eval
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import Host, MakeServer
from tests.acceptance.outside import Folder, processes_of, until

ROWS = 20


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


class View:
    """What a person sees in Flower."""

    def __init__(self, port: str) -> None:
        self._address = f"http://127.0.0.1:{port}"

    def tasks(self) -> dict[str, dict[str, Any]]:
        try:
            answer = self.get("/api/tasks?limit=1000")
        except httpx.TransportError:
            return {}
        answer.raise_for_status()
        found: dict[str, dict[str, Any]] = answer.json()
        return found

    def states(self) -> Counter[tuple[str, str]]:
        return Counter((task["name"], task["state"]) for task in self.tasks().values())

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self._address}{path}", timeout=30)


WHOLE = Counter({("imagine", "SUCCESS"): ROWS, ("upscale", "SUCCESS"): 4 * ROWS, ("batch", "SUCCESS"): 1})


def test_every_picture_is_a_task_in_flower_and_its_view_comes_back_after_kill_9(
    folder: Folder, serve: MakeServer, host: Host
) -> None:
    server = serve(slots=12, queue=30, imagine_seconds=8.0, upscale_seconds=1.0)
    folder.settings |= server.settings | host() | {"max_running": "12", "max_queued": "30"}
    port = free_port()
    up = folder.start("up", "--flower-port", port)
    view = View(port)
    until(lambda: "Flower is at" in up.err or not up.is_running(), "it does not come up")
    run = folder.start("run", folder.rows("seen.csv", ROWS), "--json")
    until(lambda: view.states()["imagine", "STARTED"] > 0, "nothing is seen to be made")
    until(lambda: any("%" in str(task["result"]) for task in view.tasks().values()), "no progress is seen")
    assert run.wait().json["delivered"] == 5 * ROWS
    until(lambda: view.states() == WHOLE, f"{view.states()}")
    look_at(view.tasks(), server.tasks())

    (pid,) = [pid for pid, command, _ in processes_of(folder.path) if "pipeline flower" in command]
    os.kill(pid, signal.SIGKILL)
    until(lambda: view.tasks() and view.states() == WHOLE, "the view does not come back")
    look_at(view.tasks(), server.tasks())
    assert view.get("/tasks").status_code == 200

    up.interrupt()
    assert up.wait().status == 130


def look_at(seen: dict[str, dict[str, Any]], made: list[dict[str, Any]]) -> None:
    """Names, prompts, addresses and parents are right, and run times are those of the server's own clock."""
    seconds = {task["imageUrl"]: (task["finishTime"] - task["startTime"]) / 1000 for task in made}
    tasks = {uuid: task for uuid, task in seen.items() if task["name"] != "batch"}
    for task in tasks.values():
        assert task["runtime"] == pytest.approx(seconds[task["result"]], rel=0.1)
        assert task["args"].startswith("a bird of seen.csv number")
        assert literal_eval(task["kwargs"])["batch"] == "seen"
    children = Counter(task["parent_id"] for task in tasks.values() if task["name"] == "upscale")
    assert set(children.values()) == {4}
    assert {seen[parent]["name"] for parent in children} == {"imagine"}


def test_beyond_loopback_it_asks_for_a_login(folder: Folder, host: Host) -> None:
    folder.settings |= host()
    assert folder.pipeline("migrate").status == 0
    open_to_all = folder.pipeline("flower", "--host", "0.0.0.0")
    assert (open_to_all.status, len(open_to_all.err.splitlines())) == (2, 1)
    assert "PIPELINE_FLOWER_LOGIN" in open_to_all.err
    wrong = folder.pipeline("flower", flower_login="nobody")
    assert (wrong.status, "must look like user:password" in wrong.err) == (2, True)

    port = free_port()
    watched = folder.start("flower", "--host", "0.0.0.0", "--port", port, flower_login="ann:sk-very-secret-123")
    until(lambda: "flower_is_shown" in watched.err, "it does not start")
    view = View(port)
    assert view.get("/api/tasks").status_code == 401
    assert view.get("/tasks").status_code == 401
    with httpx.Client(auth=("ann", "sk-very-secret-123")) as ann:
        assert ann.get(f"http://127.0.0.1:{port}/api/tasks").json() == {}
        assert ann.post(f"http://127.0.0.1:{port}/api/task/revoke/7").status_code == 403
    taken = folder.pipeline("flower", "--port", port)
    assert (taken.status, len(taken.err.splitlines())) == (3, 1), taken.err
    watched.process.terminate()
    assert watched.wait(10).status == 0
    assert "secret" not in watched.err
