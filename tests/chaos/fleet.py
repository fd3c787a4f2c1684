"""A fleet: a Postgres and a Redis of its own, an emulated server behind a network that can be cut, workers, a beat and
a receiver of callbacks, each an operating-system process that is started again when it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx
import psycopg
import redis

from pipeline.sandbox.attach import attach
from tests.acceptance.outside import COMMAND, Command
from tests.chaos.members import Crew, Member
from tests.chaos.proxy import Proxy

ROOT = Path(__file__).parents[2]
KEY = "sk-chaos-4711"
FLOW = ("flow-1", "flow-2")
WORKERS = (*FLOW, "deliver")
OURS = (*WORKERS, "beat", "hooks")
SERVER = {"slots": 24, "queue": 1000, "imagine_seconds": 0.4, "upscale_seconds": 0.1, "jitter": 0.5, "picture_size": 32}
AWAY = (psycopg.OperationalError, psycopg.InterfaceError)


class Fleet:
    """`server` are options of the sandbox, `settings` PIPELINE_ variables without the prefix."""

    def __init__(
        self,
        home: Path,
        *,
        server: Mapping[str, object],
        settings: Mapping[str, str],
        visibility: float | None = None,
        seed: int = 0,
    ) -> None:
        self.home = home
        self.faults: list[float] = []
        """When each fault was injected, in epoch seconds."""
        self._server = SERVER | {"seed": seed} | dict(server)
        self._settings = dict(settings)
        self._visibility = visibility
        self._stack = ExitStack()
        self._turn = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> Self:
        (self.home / "log").mkdir(parents=True)
        with ExitStack() as stack:
            self.services = stack.enter_context(attach(self.home / ".pipeline"))
            self.database_url, self.redis_url = self.services.postgres(), self.services.redis()
            ports = {name: self.services.port(name) for name in ("server", "proxy", "hooks")}
            self.api_url = f"http://127.0.0.1:{ports['server']}"
            self.env = self._environment(ports)
            self.proxy = Proxy(ports["proxy"], ports["server"])
            stack.callback(self.proxy.close)
            self.crew = Crew(self.home, self.env, self.home / "log", on_doom=self.struck)
            stack.callback(self.crew.disband)
            self.crew.add(Member("server", "server", self._sandbox(ports)))
            self.pipeline("migrate")
            self._muster(ports["hooks"])
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection:
            self._connection.close()
        self._stack.close()

    def _environment(self, ports: Mapping[str, int]) -> dict[str, str]:
        chosen = {
            "database_url": self.database_url,
            "redis_url": self.redis_url,
            "api_base_url": f"http://127.0.0.1:{ports['proxy']}",
            "api_key": KEY,
            "account": "chaos",
            "hook_url": f"http://127.0.0.1:{ports['hooks']}",
            "max_running": "1000",
            "max_queued": "0",
        } | self._settings
        programs = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
        paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        ours = {f"PIPELINE_{name.upper()}": value for name, value in chosen.items()}
        return {"HOME": str(self.home), "LANG": "C.UTF-8", "PYTHONPATH": paths} | programs | ours

    def _sandbox(self, ports: Mapping[str, int]) -> list[str]:
        where = {"port": ports["server"], "public_url": f"http://127.0.0.1:{ports['proxy']}"}
        options = self._server | where | {"key": KEY, "journal": self.journal}
        return [
            "sandbox",
            *(word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))),
        ]

    def _muster(self, hooks: int) -> None:
        for name in WORKERS:
            kind = "flow" if name in FLOW else "deliver"
            words = ("worker", "--only", kind, "--name", name)
            self.crew.add(Member(name, kind, words, visibility=self._visibility))
        self.crew.add(Member("beat", "beat", ("beat",)))
        self.crew.add(Member("hooks", "hooks", ("hooks", "--port", str(hooks))))

    @property
    def journal(self) -> Path:
        return self.home / "server.jsonl"

    @property
    def pictures(self) -> Path:
        return self.home / "pictures"

    def pipeline(self, *words: str, patience: float = 90.0) -> str:
        """Types a command as a person does, who tries again when a service is away; what it printed."""
        ends = time.monotonic() + patience
        while True:
            ended = Command((*COMMAND, *words), self.home, self.env).wait(patience)
            if ended.status == 0:
                return ended.out
            assert ended.status == 3, f"pipeline {' '.join(words)} ended with {ended.status}: {ended.err}"
            assert time.monotonic() < ends, ended.err
            time.sleep(0.3)

    def killed_command(self, after: float, *words: str) -> None:
        """Types a command, and kills it after so many seconds, if it has not ended by then."""
        command = Command((*COMMAND, *words), self.home, self.env)
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.process.wait(after)
        if command.is_running():
            self.struck()
            command.kill()

    def ask(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        """Rows of the database, however often it goes away meanwhile."""
        ends = time.monotonic() + 60
        while True:
            try:
                with self._turn:  # the faults ask too
                    return self._ask(sql, values)
            except AWAY:
                assert time.monotonic() < ends, "Postgres does not come back"
                time.sleep(0.05)

    def _ask(self, sql: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.database_url, autocommit=True, connect_timeout=5)
        try:
            return self._connection.execute(sql.encode(), values).fetchall()
        except AWAY:
            self._connection.close()
            raise

    def audit(self) -> dict[str, Any]:
        """What the emulated server was asked for."""
        answer: dict[str, Any] = httpx.get(
            f"{self.api_url}/sandbox/audit", headers={"mj-api-secret": KEY}, timeout=30
        ).json()
        return answer

    def struck(self) -> None:
        """Notes that a fault was injected just now."""
        self.faults.append(time.time())

    def signal_service(self, name: str, number: signal.Signals) -> None:
        """To Postgres or Redis, as their embedded keeper runs them; it starts them again."""
        pid = next(child.pid for child in self.services.status() if child.name == name)
        if pid:
            os.kill(pid, number)

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url)
