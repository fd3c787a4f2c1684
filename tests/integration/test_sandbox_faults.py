"""What the emulated server gets wrong when it is told to."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.contract.emulated import DIALECTS, Caller, emulated, picture


@pytest.mark.parametrize("dialect", DIALECTS)
def test_success_can_come_before_its_picture(dialect: str) -> None:
    with emulated(dialect, late_pictures=3) as server:
        task_id = server.place("imagine", prompt="a fox")
        links = [server.finished(task_id)["imageUrl"] for _ in range(4)]
        assert [bool(link) for link in links] == [False, False, False, True]


def test_a_link_ends_and_a_new_look_brings_a_new_one() -> None:
    with emulated("plus", link_seconds=1) as server:
        task = server.made("imagine", prompt="a fox")
        assert server.client.get(task["imageUrl"]).status_code == 200
        gives_up = time.monotonic() + 10
        while server.client.get(task["imageUrl"]).status_code != 403:
            assert time.monotonic() < gives_up
            time.sleep(0.05)
        assert server.client.get(server.task(task["id"])["imageUrl"]).status_code == 200


def test_the_first_follow_ups_are_refused_as_if_the_parent_were_not_there_yet() -> None:
    with emulated("plus", hasty=2) as server:
        grid = server.made("imagine", prompt="a fox")
        answers = [server.press(grid, "upsample::1") for _ in range(3)]
        assert [answer["code"] for answer in answers] == [3, 4, 1]


def test_equal_prompts_in_flight_get_each_others_picture() -> None:
    with emulated("plus", swap_pictures=True, imagine_seconds=0.8) as server:
        one, two, other = (server.place("imagine", prompt=prompt) for prompt in ("a fox", "a fox", "an owl"))
        assert [server.finished(task)["imageUrl"].rpartition("/")[2] for task in (one, two, other)] == [
            f"{two}.png",
            f"{one}.png",
            f"{other}.png",
        ]
        alone = server.made("imagine", prompt="a fox")
        assert alone["id"] in alone["imageUrl"]
        assert server.client.get("/sandbox/audit").json()["swapped"] == 1


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_has_the_dialects_shape_and_accepts_nothing(dialect: str, status: int) -> None:
    with emulated(dialect, refusal_rates=((status, 1.0),)) as server:
        assert server.post("/mj/submit/imagine", {"prompt": "a fox"}).status_code == status
        audit = server.client.get("/sandbox/audit").json()
        assert (audit["accepted"], audit["refused"], audit["struck"]) == (0, {str(status): 1}, {str(status): 1})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_known_task_can_be_denied(dialect: str) -> None:
    with emulated(dialect, empty_fetch_rate=1) as server:
        reply = server.get(f"/mj/task/{server.place('imagine', prompt='a fox')}/fetch")
        assert reply.content == b"" or reply.json()["description"] == "task_no_found "


def test_a_script_strikes_the_requests_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    rules = [(1, "503"), (2, "hang_up"), (3, "lost"), (4, "full"), (5, "fail"), (6, "empty")]
    path.write_text("".join(f"- {{path: /mj/submit/imagine, nth: {n}, fault: {fault}}}\n" for n, fault in rules))
    with emulated("plus", script=path) as server:

        def ask(state: str) -> httpx.Response:
            return server.client.post("/mj/submit/imagine", json={"prompt": "a fox", "state": state})

        assert ask("503").status_code == 503
        for lost in ("hang_up", "lost"):
            with pytest.raises(httpx.RemoteProtocolError):
                ask(lost)
        assert ask("full").json()["code"] == 23
        assert server.finished(ask("fail").json()["result"])["status"] == "FAILURE"
        assert ask("empty").content == b""
        assert server.finished(ask("well").json()["result"])["status"] == "SUCCESS"
        assert server.client.get("/sandbox/audit").json()["by_state"] == {"lost": 1, "fail": 1, "well": 1}


def test_a_seed_can_take_its_time() -> None:
    with emulated("plus", seed_seconds=0.5) as server:
        task = server.made("imagine", prompt="a fox --seed 42")
        began = time.monotonic()
        assert server.get(f"/mj/task/{task['id']}/image-seed").json()["result"] == "42"
        assert time.monotonic() - began >= 0.5


def test_a_restart_can_forget(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    for forgetful, left in ((False, 1), (True, 0)):
        with emulated("plus", journal=journal) as server:
            server.made("imagine", prompt="a fox")
        with emulated("plus", journal=journal, forgetful=forgetful) as server:
            assert len(server.get("/mj/task/list").json()) == left


def windows_and_pictures(server: Caller) -> tuple[str, str]:
    described = server.made("describe", base64=picture("teal"))
    window = server.press(described, "PicReader::1")["result"]
    return described["id"], window


def test_a_journal_keeps_pictures_windows_and_what_became_of_them(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with emulated("plus", journal=journal, imagine_seconds=60) as server:
        described, window = windows_and_pictures(server)
        (link,) = server.submit("upload-discord-images", base64Array=[picture("gold")])["result"]
        running = server.place("imagine", prompt="an owl")
        assert server.post(f"/mj/task/{running}/cancel").json()["code"] == 1
    with emulated("plus", journal=journal) as server:
        text = server.task(described)["properties"]["finalPrompt"]
        assert server.client.get("/uploads" + server.task(described)["imageUrl"].partition("/uploads")[2]).content
        assert server.client.get("/uploads" + link.partition("/uploads")[2]).status_code == 200
        assert server.task(window)["status"] == "MODAL"
        assert server.task(running)["status"] == "CANCEL"
        assert server.submit("modal", taskId=window, prompt="an answer")["code"] == 1
    with emulated("plus", journal=journal) as server:
        assert server.finished(window)["prompt"] == "an answer"
        assert server.submit("modal", taskId=window)["code"] == 4
        assert server.task(described)["properties"]["finalPrompt"] == text
        server.client.post("/sandbox/reset").raise_for_status()
        assert server.client.get("/uploads" + link.partition("/uploads")[2]).status_code == 404
