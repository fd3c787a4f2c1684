"""A callback receiver for tests: served for real, in this process, with a doorbell that remembers its rings."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from pipeline.hooks.metrics import Access
from pipeline.hooks.receiver import app
from pipeline.hooks.serving import Server, listen, serve
from pipeline.store.engine import Store

UNKNOWN = "0" * 32
PRIVATE = Access(private=True)


@dataclass
class Hooks:
    """Where it listens, and what it rang: the account's name, its id, tasks."""

    port: int
    rings: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)
    client: httpx.Client = field(default_factory=httpx.Client)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ring(self, account: str, account_id: int, task_ids: Sequence[int]) -> None:
        self.rings.append((account, account_id, tuple(task_ids)))

    def post(self, token: str, body: object) -> int:
        return self.client.post(f"{self.url}/hooks/{token}", content=json.dumps(body)).status_code

    def rung(self) -> list[tuple[str, int, tuple[int, ...]]]:
        """The rings, once there are any: they come a moment after the answer."""
        deadline = time.monotonic() + 10
        while not self.rings and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.rings

    def later(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(4)


@contextmanager
def served(store: Store, access: Access = PRIVATE) -> Iterator[Hooks]:
    ready = threading.Event()
    with listen("127.0.0.1", 0) as listener, httpx.Client() as client:
        hooks = Hooks(listener.getsockname()[1], client=client)
        server = Server(app(store, hooks.ring, access), ready.set)
        thread = threading.Thread(target=serve, args=(server, listener))
        thread.start()
        assert ready.wait(10)
        try:
            yield hooks
        finally:
            client.close()
            server.should_exit = True
            thread.join()


def body(remote_id: object, status: str, progress: str | None = None, **more: object) -> dict[str, object]:
    return {"id": remote_id, "action": "IMAGINE", "status": status, "progress": progress} | more
