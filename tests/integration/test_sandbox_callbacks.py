"""The emulated server reports to `notifyHook`, over real sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.contract.emulated import Caller, emulated

Told = tuple[str, str | None]


class Receiver:
    """Listens on a port, keeps every body, answers `status`."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base class
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def told(self, task_id: str) -> list[Told]:
        return [(body["status"], body["progress"]) for body in self.bodies if body["id"] == task_id]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def until(met: Callable[[], object]) -> None:
    gives_up = time.monotonic() + 10
    while not met():
        assert time.monotonic() < gives_up, "waited ten seconds"
        time.sleep(0.005)


def callbacks(server: Caller) -> dict[str, int]:
    counts: dict[str, int] = server.client.get("/sandbox/audit").json()["callbacks"]
    return counts


def ended(receiver: Receiver, task_id: str, times: int = 1) -> Callable[[], bool]:
    return lambda: sum(status in {"SUCCESS", "FAILURE"} for status, _ in receiver.told(task_id)) >= times


def test_every_step_is_reported_without_anybody_asking(receiver: Receiver) -> None:
    with emulated("plus", imagine_seconds=0.4) as server:
        task_id = server.place("imagine", prompt="a fox", state="b1.1", notifyHook=receiver.url)
        until(ended(receiver, task_id))
        steps = ["0%", "0%", "15%", "31%", "46%", "62%", "78%", "93%", "100%"]
        told = sorted(receiver.told(task_id), key=lambda one: (len(str(one[1])), str(one[1])))
        assert [progress for _, progress in told] == sorted(steps, key=lambda one: (len(one), one))
        assert {body["state"] for body in receiver.bodies} == {"b1.1"}
        assert server.task(task_id) in receiver.bodies
        assert callbacks(server)["delivered"] == 9


def test_who_waits_is_not_reported_until_it_begins(receiver: Receiver) -> None:
    with emulated("plus", slots=1, imagine_seconds=0.2) as server:
        server.place("imagine", prompt="first")
        waiting = server.place("imagine", prompt="second", notifyHook=receiver.url)
        until(ended(receiver, waiting))
        assert "NOT_START" not in [status for status, _ in receiver.told(waiting)]


def test_a_window_reports_nothing_until_it_is_answered(receiver: Receiver) -> None:
    with emulated("plus", remix=True) as server:
        grid = server.made("imagine", prompt="a fox")
        window = server.press(grid, "variation::1", notifyHook=receiver.url)["result"]
        assert callbacks(server) == {}
        server.place("modal", taskId=window)
        until(ended(receiver, window))
        assert receiver.told(window)[0][0] != "MODAL"


@pytest.mark.parametrize(("dialect", "times"), [("plus", 1), ("novicezk", 1), ("trueai", 2)])
def test_the_end_is_reported_as_often_as_the_dialect_does(receiver: Receiver, dialect: str, times: int) -> None:
    with emulated(dialect) as server:
        failing = server.place("imagine", prompt="a fox --sandbox fail", notifyHook=receiver.url)
        until(ended(receiver, failing, times))
        assert receiver.told(failing).count(("FAILURE", "")) == times


@pytest.mark.parametrize("allowed", [False, True])
def test_a_relay_strips_hooks_unless_it_is_told_not_to(receiver: Receiver, allowed: bool) -> None:
    with emulated("relay", relay_hooks=allowed) as server:
        task_id = server.place("imagine", prompt="a fox", notifyHook=receiver.url)
        server.finished(task_id)
        if allowed:
            until(ended(receiver, task_id))
            assert any(body["properties"]["messageHash"] for body in receiver.bodies)
            until(lambda: callbacks(server))  # counted when the answer to it has come
        else:
            assert callbacks(server) == {}


def test_reports_can_be_lost_doubled_late_or_out_of_order(receiver: Receiver) -> None:
    with emulated("plus", lost_callback_rate=1) as server:
        server.finished(server.place("imagine", prompt="a fox", notifyHook=receiver.url))
        assert callbacks(server) == {"lost": 9}
    with emulated("plus", doubled_callback_rate=1) as server:
        task_id = server.place("imagine", prompt="a fox", notifyHook=receiver.url)
        until(lambda: len(receiver.told(task_id)) == 18)
    with emulated("plus", reordered_callback_rate=1, imagine_seconds=0.4) as server:
        task_id = server.place("imagine", prompt="a fox", notifyHook=receiver.url)
        until(lambda: len(receiver.told(task_id)) == 9)
        assert receiver.told(task_id)[0] == ("IN_PROGRESS", "0%")
    with emulated("plus", late_callback_rate=1, late_callback_seconds=0.3, imagine_seconds=0) as server:
        task_id = server.place("imagine", prompt="a fox", notifyHook=receiver.url)
        assert server.finished(task_id)["status"] == "SUCCESS"
        assert receiver.told(task_id) == []
        until(ended(receiver, task_id))


def test_a_hook_that_cannot_be_reached_or_refuses_harms_nobody(receiver: Receiver) -> None:
    receiver.status = 500
    with emulated("plus") as server:
        hooks = ["http://127.0.0.1:9/", "no address", "http://[", receiver.url]
        for hook in hooks:
            assert server.finished(server.place("imagine", prompt="a fox", notifyHook=hook))["status"] == "SUCCESS"
        until(lambda: callbacks(server).get("failed") == 27 and callbacks(server).get("refused") == 9)


def test_a_restart_goes_on_reporting(receiver: Receiver, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with emulated("plus", journal=journal, imagine_seconds=60) as server:
        task_id = server.place("imagine", prompt="a fox", notifyHook=receiver.url)
    with emulated("plus", journal=journal, imagine_seconds=0.1):
        until(ended(receiver, task_id))
