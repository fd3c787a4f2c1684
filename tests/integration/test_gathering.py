"""Pictures on their way into a task: from the store, from an address, from another row; and what keeps them away."""

from __future__ import annotations

import json
import random
import threading
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from pipeline.action import Action
from pipeline.api.client import Api
from pipeline.deliver import Folder, LocalFolder
from pipeline.dispatch import now
from pipeline.inputs import Input, Picture, Role
from pipeline.outcome import Accepted, Blame, Outcome, Refused, TryAgain
from pipeline.settings import Dialect
from pipeline.store import pictures
from pipeline.store.presence import Presence
from pipeline.task import ClaimedTask, NewTask, State
from pipeline.wiring import Runtime
from pipeline.worker import gathering
from tests.integration.conftest import World
from tests.integration.test_needs_and_turns import claim, end, imagine, send, write


def png(colour: str = "red") -> bytes:
    file = BytesIO()
    Image.new("RGB", (4, 4), colour).save(file, "PNG")
    return file.getvalue()


class Host(BaseHTTPRequestHandler):
    """A picture host with one good picture and several bad ones."""

    def do_GET(self) -> None:
        status, content = {
            "/good.png": (200, png()),
            "/page.png": (200, b"<!doctype html><p>Sign in"),
            "/torn.png": (200, png()[:40]),
        }.get(self.path.partition("?")[0], (404, b""))
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class Remote:
    """The API: takes every POST, remembers its body, and knows where finished pictures are."""

    def __init__(self, world: World, home: Folder, host: str) -> None:
        self.bodies: list[dict[str, object]] = []
        self._link = f"http://{host}/good.png"
        pools = [ThreadPoolExecutor(1) for _ in range(4)]
        self.at = Runtime(
            store=world.store,
            presence=Presence(world.store.engine),
            api=Api("http://acme.test", "k", Dialect.PLUS, transport=httpx.MockTransport(self._answer)),
            account="acme",
            account_id=world.account_id,
            home=home,
            max_attempts=8,
            horizon=60.0,
            pool=pools[0],
            uploads=pools[1],
            questions=pools[2],
            downloads=pools[3],
            rng=random.Random(1),
        )

    def post(self, task: ClaimedTask, send_before: float | None = None) -> Outcome:
        return gathering.post(self.at, now() + 60 if send_before is None else send_before, task)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"id": "r1", "status": "SUCCESS", "imageUrl": self._link})
        self.bodies.append(json.loads(request.content))
        return httpx.Response(200, json={"code": 1, "description": "ok", "result": "7"})


@pytest.fixture
def remote(world: World, tmp_path: Path, host: str) -> Iterator[Remote]:
    remote = Remote(world, LocalFolder(tmp_path), host)
    yield remote
    remote.at.api.close()


def describe(world: World, one: Input) -> ClaimedTask:
    write(world, NewTask(key="cat", stem="cat", action=Action.DESCRIBE, prompt="", inputs=(one,)))
    world.change("UPDATE tasks SET next_attempt_at = now() WHERE key = 'cat'")
    return next(task for task in claim(world) if task.action is Action.DESCRIBE)


def address(url: str) -> Input:
    return Input(role=Role.IMAGE, url=url)


def sent(remote: Remote) -> str:
    (body,) = remote.bodies
    return str(body["base64"])


def test_a_file_goes_in_as_its_bytes_are(world: World, remote: Remote) -> None:
    with world.store.begin() as tx:
        pictures.keep(tx, Picture(sha256="ab", media_type="image/webp", width=1, height=1), b"bytes")
    assert isinstance(remote.post(describe(world, Input(role=Role.IMAGE, sha256="ab"))), Accepted)
    assert sent(remote) == "data:image/webp;base64,Ynl0ZXM="


def test_an_address_is_fetched_for_what_cannot_take_one(world: World, remote: Remote, host: str) -> None:
    assert isinstance(remote.post(describe(world, address(f"http://{host}/good.png"))), Accepted)
    assert sent(remote).startswith("data:image/png;base64,iVBOR")


def test_an_address_stands_before_the_prompt_of_an_imagine(world: World, remote: Remote) -> None:
    task = NewTask(
        key="fox", stem="fox", action=Action.IMAGINE, prompt="a fox", inputs=(address("https://acme.test/style.png"),)
    )
    write(world, task)
    (claimed,) = claim(world)
    assert isinstance(remote.post(claimed), Accepted)
    assert remote.bodies[0]["prompt"] == "https://acme.test/style.png a fox"


@pytest.mark.parametrize(
    ("at_home", "colour"), [(True, "blue"), (False, "red")], ids=["from-its-file", "from-the-api-s-link"]
)
def test_a_row_s_picture_goes_in(world: World, remote: Remote, tmp_path: Path, at_home: bool, colour: str) -> None:
    write(world, imagine("fox"))
    send(world)
    end(world, "fox", State.SUCCEEDED)
    if at_home:
        (tmp_path / "fox.png").write_bytes(png("blue"))
        world.change(
            "INSERT INTO artifacts (task_id, path, bytes, sha256, media_type) "
            "VALUES (1, 'fox.png', 1, 'x', 'image/png')"
        )
    assert isinstance(remote.post(describe(world, Input(role=Role.IMAGE, stems=("fox",)))), Accepted)
    with Image.open(BytesIO(b64decode(sent(remote).partition(",")[2]))) as image:
        assert image.getpixel((0, 0)) == {"blue": (0, 0, 255), "red": (255, 0, 0)}[colour]


@pytest.mark.parametrize("name", ["gone.png", "page.png", "torn.png"])
def test_a_host_s_bad_moment_is_waited_for_and_costs_a_try(world: World, remote: Remote, host: str, name: str) -> None:
    outcome = remote.post(describe(world, address(f"http://user:secret@{host}/{name}?signature=secret")))
    assert isinstance(outcome, TryAgain)
    assert (outcome.blame, remote.bodies) == (Blame.TASK, [])
    assert "nothing was sent" in outcome.reason
    assert "secret" not in outcome.reason


def test_an_address_that_is_none_is_refused(world: World, remote: Remote) -> None:
    outcome = remote.post(describe(world, address("file:///etc/passwd")))
    assert isinstance(outcome, Refused)
    assert remote.bodies == []


def test_a_fault_of_ours_before_the_post_leaves_no_doubt(world: World, remote: Remote) -> None:
    outcome = remote.post(describe(world, Input(role=Role.IMAGE, sha256="never kept")))
    assert isinstance(outcome, Refused)
    assert "nothing was sent" in outcome.reason


def test_what_was_gathered_too_late_is_not_sent(world: World, remote: Remote, host: str) -> None:
    outcome = remote.post(describe(world, address(f"http://{host}/good.png")), send_before=now() - 1)
    assert isinstance(outcome, TryAgain)
    assert (outcome.blame, remote.bodies) == (Blame.NOBODY, [])
