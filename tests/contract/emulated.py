"""The sandbox in each dialect, served by a thread, and every reply held against `openapi.yaml`."""

from __future__ import annotations

import re
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import yaml
from jsonschema import Draft202012Validator
from PIL import Image

from pipeline.sandbox.options import DialectName, Options
from pipeline.sandbox.server import configured

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "openapi.yaml").read_text())
KEYS = {
    "plus": {"Authorization": "Bearer sandbox"},
    "novicezk": {"mj-api-secret": "sandbox"},
    "trueai": {"Authorization": "sandbox"},
    "relay": {"Authorization": "Bearer sandbox"},
}
DIALECTS = tuple(KEYS)
SHORT_NAMES = {"novicezk": "nz", "trueai": "ta"}
ALIASES = {"/mj/submit/edit": "/mj/submit/edits", "/mj/submit/retexture": "/mj/submit/edits"}


def picture(colour: str = "teal", size: tuple[int, int] = (32, 24)) -> str:
    """A small PNG as a data URL."""
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return "data:image/png;base64," + b64encode(file.getvalue()).decode()


class Caller:
    """A client of one dialect. Each reply must be one that the contract knows."""

    def __init__(self, client: httpx.Client, dialect: str) -> None:
        self.client = client
        self.dialect = dialect

    def get(self, path: str) -> httpx.Response:
        return self._checked("get", path, self.client.get(path))

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self._checked("post", path, self.client.post(path, json=body))

    def submit(self, path: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.post(path if path.startswith("/mj") else f"/mj/submit/{path}", body).json()
        return answer

    def place(self, path: str, **body: Any) -> str:
        """The id of what was accepted."""
        answer = self.submit(path, **body)
        assert answer["code"] in {1, 22}, answer
        return str(answer["result"])

    def task(self, task_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/mj/task/{task_id}/fetch").json()
        return found

    def finished(self, task_id: str) -> dict[str, Any]:
        gives_up = time.monotonic() + 10
        while (task := self.task(task_id))["status"] not in {"SUCCESS", "FAILURE", "CANCEL"}:
            assert time.monotonic() < gives_up, task
            time.sleep(0.005)
        return task

    def made(self, path: str, **body: Any) -> dict[str, Any]:
        task = self.finished(self.place(path, **body))
        assert task["status"] == "SUCCESS", task
        return task

    def press(self, task: dict[str, Any], wanted: str, **body: Any) -> dict[str, Any]:
        """Presses the button whose customId contains `wanted`."""
        custom_id = next(one["customId"] for one in task["buttons"] if wanted in one["customId"])
        return self.submit("action", taskId=task["id"], customId=custom_id, **body)

    def _checked(self, method: str, path: str, reply: httpx.Response) -> httpx.Response:
        bare = re.sub(r"^/[^/]+(?=/mj/)", "", path)
        template = re.sub(r"(?<=/mj/task/)\w+(?=/(fetch|image-seed|cancel))", "{id}", ALIASES.get(bare, bare))
        template = re.sub(r"(?<=/mj/image/)\w+", "{id}", template)
        if template in CONTRACT["paths"]:
            problems = faults_of(method, template, reply, self.dialect)
            assert problems == [], (method, path, reply.status_code, reply.text[:500], problems)
        return reply


def faults_of(method: str, template: str, reply: httpx.Response, dialect: str) -> list[str]:
    """What the contract has against a reply."""
    operation = CONTRACT["paths"][template][method]
    known = operation["responses"]
    if reply.status_code == 404 and SHORT_NAMES.get(dialect, dialect) not in operation["x-availability"]:
        known = {"404": {"$ref": "#/components/responses/NotFound"}}
    if (answer := known.get(str(reply.status_code))) is None:
        return [f"status {reply.status_code} is not in the contract"]
    if "$ref" in answer:
        answer = CONTRACT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    if not reply.content:
        return []
    kind = reply.headers["content-type"].partition(";")[0]
    if (content := answer.get("content", {}).get(kind)) is None:
        return [f"content type {kind} is not in the contract"]
    if kind != "application/json":
        return []
    return [error.message for error in _validator(repr(content["schema"])).iter_errors(reply.json())]


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({"allOf": [yaml.safe_load(schema)], "components": CONTRACT["components"]})


@contextmanager
def emulated(dialect: str, **options: Any) -> Iterator[Caller]:
    """A fast sandbox on a port of its own."""
    quick = {"imagine_seconds": 0.02, "upscale_seconds": 0.01, "staleness": 0.01, "picture_size": 32}
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port = listener.getsockname()[1]
        chosen = Options(dialect=DialectName(dialect), port=port, **(quick | options))
        server = uvicorn.Server(configured(chosen))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with httpx.Client(base_url=chosen.address, headers=KEYS[dialect], trust_env=False) as client:
                yield Caller(client, dialect)
        finally:
            server.should_exit = True
            thread.join()
