"""The server reports by itself: to the embedded receiver on loopback, and to `pipeline hooks` as on a server."""

from __future__ import annotations

import json
import re

import httpx

from tests.acceptance.conftest import Host, MakeServer
from tests.acceptance.outside import Command, Folder, until


def start_hooks(folder: Folder) -> Command:
    command = folder.start("hooks", "--port", "0")
    until(lambda: address(command), "the receiver does not start")
    return command


def address(hooks: Command) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", hooks.err)
    return found[0] if found else ""


def test_an_embedded_run_is_told_and_hardly_asks(folder: Folder) -> None:
    ended = folder.pipeline("run", folder.rows("told.csv", 4), "--json")
    assert ended.status == 0, ended.err
    log = [json.loads(line) for line in (folder.path / ".pipeline/log/hooks.log").read_text().splitlines()]
    told = [line for line in log if line["event"] == "callbacks"]
    assert sum(line["taken"] for line in told) >= 2 * 20
    assert {(line["unknown"], line["foreign"]) for line in told} == {(0, 0)}


def test_a_server_of_its_own_reports_to_hooks_and_a_lost_reply_settles_itself(
    folder: Folder, serve: MakeServer, host: Host
) -> None:
    """Without callbacks a lost reply waits for a person."""
    server = serve(imagine_seconds=0.5)
    folder.settings |= server.settings | host()
    assert folder.pipeline("migrate").status == 0
    hooks = start_hooks(folder)
    folder.settings["hook_url"] = address(hooks)
    checked = folder.pipeline("check")
    assert checked.status == 0
    assert f"ok    hooks: {address(hooks)} receives" in checked.out.splitlines()

    folder.manifest("lost.csv", "owl,an owl --sandbox lost,U1-U2", "fox,a fox,U1")
    ended = folder.pipeline("run", "lost.csv", "--json")
    assert ended.status == 0, ended.err
    assert {"sent": 5, "delivered": 5, "in_doubt": 0}.items() <= ended.json.items()
    assert (server.accepted(), server.audit()["duplicates"]) == (5, [])
    hooks.process.terminate()
    assert hooks.wait().status == 0


def test_a_receiver_that_is_away_costs_time_and_no_picture(folder: Folder, serve: MakeServer) -> None:
    server = serve()
    folder.settings |= server.settings | {"hook_url": "http://127.0.0.1:9"}
    ended = folder.pipeline("run", folder.rows("away.csv", 2), "--json")
    assert ended.status == 0, ended.err
    assert (ended.json["delivered"], server.accepted()) == (10, 10)


def test_nobody_can_say_that_a_task_has_ended_but_the_api(folder: Folder, serve: MakeServer, host: Host) -> None:
    """Other users of a server see the address: a forged success, with a picture of the forger's, changes nothing."""
    server = serve(imagine_seconds=3)
    folder.settings |= server.settings | host()
    assert folder.pipeline("migrate").status == 0
    folder.settings["hook_url"] = url = address(start_hooks(folder))
    run = folder.start("run", folder.manifest("forged.csv", "fox,a fox", columns="key,prompt"), "--json")
    (task,) = until(server.tasks, "nothing was sent")
    forged = task | {"status": "SUCCESS", "progress": "100%", "imageUrl": f"{url}/healthz"}
    hook = task["properties"]["notifyHook"]
    assert hook.startswith(f"{url}/hooks/")
    answers = [
        httpx.post(hook, json=forged).status_code,
        httpx.post(hook, json=forged | {"id": "another"}).status_code,
        httpx.post(f"{url}/hooks/{'0' * 32}", json=forged).status_code,
        httpx.post(hook, content=b"no json").status_code,
        httpx.post(hook, content=json.dumps(forged | {"prompt": "x" * 2_000_000})).status_code,
        httpx.get(hook).status_code,
    ]
    assert answers == [200, 409, 404, 400, 413, 405]
    ended = run.wait()
    assert (ended.status, ended.json["delivered"]) == (0, 1)
    assert len(folder.pictures("forged")) == 1
