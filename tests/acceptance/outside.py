"""The product seen from outside: commands in a folder of their own, an emulated server, and what is left running."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from pipeline.sandbox.attach import Services, attach

COMMAND = (sys.executable, "-m", "pipeline")
DEADLINE = 60.0
"""Seconds that a command may take here, on a busy machine."""


def until(condition: Callable[[], Any], why: str = "waited in vain", seconds: float = DEADLINE) -> Any:
    """Waits for a condition, and returns what it gave; fails if it does not come true in time."""
    gives_up = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < gives_up, why
        time.sleep(0.02)
    return found


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Stdout, which is one JSON object and nothing else."""
        (line,) = self.out.splitlines()
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer


def _as_in_a_terminal() -> None:
    """Hears Ctrl-C, even when the tests themselves run in the background of a shell, where it is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Command:
    """A command that runs. Its output goes to files, so that nothing waits for a reader."""

    def __init__(self, words: Sequence[str], cwd: Path, env: dict[str, str]) -> None:
        self.words = words
        self._streams = [(cwd / ".outputs" / f"{time.monotonic_ns()}.{name}") for name in ("out", "err")]
        self._streams[0].parent.mkdir(exist_ok=True)
        with self._streams[0].open("xb") as out, self._streams[1].open("xb") as err:
            self.process = subprocess.Popen(
                words,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=_as_in_a_terminal,  # noqa: PLW1509 - nothing else runs in this process
            )

    @property
    def err(self) -> str:
        return self._streams[1].read_text()

    @property
    def log(self) -> list[dict[str, Any]]:
        """What a service has said so far: JSON, since its stderr is no terminal."""
        return [json.loads(line) for line in self.err.splitlines()]

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def wait(self, seconds: float = DEADLINE) -> Ended:
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.words} did not end; so far it said:\n{self.err}") from None
        return Ended(status, *(stream.read_text() for stream in self._streams))

    def is_running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Folder:
    """A folder of a person who types commands there. `settings` are PIPELINE_ variables without the prefix."""

    def __init__(self, path: Path, **settings: str) -> None:
        self.path = path
        self.given: dict[str, str] = {}
        """What else its commands find in their environment."""
        self.settings = {"workers": "1"} | settings
        self.commands: list[Command] = []
        path.mkdir(parents=True, exist_ok=True)

    def manifest(self, name: str, *rows: str, columns: str = "key,prompt,then") -> str:
        (self.path / name).write_text("\n".join((columns, *rows)) + "\n", encoding="utf-8")
        return name

    def rows(self, name: str, count: int, then: str = "U1-U4") -> str:
        """A manifest of so many rows; with U1-U4 each makes five tasks."""
        return self.manifest(name, *(f"row{number},a bird of {name} number {number},{then}" for number in range(count)))

    def environment(self, **settings: str) -> dict[str, str]:
        """A clean one: nothing of the person who runs the tests, except where programs are."""
        chosen = {f"PIPELINE_{name.upper()}": value for name, value in (self.settings | settings).items() if value}
        programs = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return {"HOME": str(self.path), "LANG": "C.UTF-8"} | programs | self.given | chosen

    def start(self, *words: str, before: Sequence[str] = (), **settings: str) -> Command:
        command = Command((*before, *COMMAND, *words), self.path, self.environment(**settings))
        self.commands.append(command)
        return command

    def pipeline(self, *words: str, before: Sequence[str] = (), **settings: str) -> Ended:
        """Runs `pipeline` with these words, to its end."""
        return self.start(*words, before=before, **settings).wait()

    def services(self) -> Services:
        """The embedded services of this folder, which stay up while the test is attached."""
        return attach(self.path / ".pipeline")

    def files(self, pattern: str) -> list[Path]:
        return sorted(self.path.glob(pattern))

    def pictures(self, batch: str) -> list[Path]:
        return self.files(f"pictures/{batch}/*.png")

    def holds(self, words: str) -> list[str]:
        """Files of the folder, logs and databases included, that contain these words."""
        return [
            str(file.relative_to(self.path))
            for file in self.path.rglob("*")
            if file.is_file() and not file.is_symlink() and words.encode() in file.read_bytes()
        ]

    def running(self) -> list[str]:
        """Command lines of living processes that name the folder or work in it."""
        return [command for _, command, _ in processes_of(self.path)]

    def leave(self) -> None:
        for command in self.commands:
            if command.is_running():
                command.kill()
        until(lambda: not self.running(), f"still running: {self.running()}")


def processes_of(folder: Path) -> Iterator[tuple[int, str, Path]]:
    """Pid, command line and working directory of whatever names the folder or works in it."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_text(errors="replace").replace("\0", " ")
                home = (entry / "cwd").readlink()
                if str(folder) in command or home.is_relative_to(folder):
                    yield int(entry.name), command, home


class Server:
    """An emulated server in a process of its own, which tests use as if it were a real one."""

    def __init__(self, home: Path, key: str = "sk-very-secret-123", **options: object) -> None:
        chosen = {"imagine-seconds": 0.2, "upscale-seconds": 0.05, "picture-size": 128, "port": 0, "key": key} | options
        words = [word for name, value in chosen.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        self.key = key
        self._log = home / f"server-{time.monotonic_ns()}.log"
        with self._log.open("xb") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "sandbox", *words], stdin=subprocess.DEVNULL, stderr=log, cwd=home, start_new_session=True
            )
        self.url = until(self._address, "the server does not start")
        self._client = httpx.Client(base_url=self.url, headers={"mj-api-secret": key})

    @property
    def settings(self) -> dict[str, str]:
        return {"api_base_url": self.url, "api_key": self.key}

    def audit(self) -> dict[str, Any]:
        """What was asked of it."""
        answer: dict[str, Any] = self._client.get("/sandbox/audit").json()
        return answer

    def accepted(self) -> int:
        return int(self.audit()["accepted"])

    def tasks(self) -> list[dict[str, Any]]:
        """Every task as the server shows it to anybody."""
        answer: list[dict[str, Any]] = self._client.get("/mj/task/list").json()
        return answer

    def task_ids(self, prompt: str) -> list[str]:
        """Ids of the accepted tasks with this prompt, as a person looks them up."""
        return [task["id"] for task in self.tasks() if task["prompt"] == prompt]

    def reset(self) -> None:
        """Has it forget everything."""
        self._client.post("/sandbox/reset").raise_for_status()

    def freeze(self) -> None:
        """Takes what comes, and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def _address(self) -> str:
        assert self._process.poll() is None, self._log.read_text()
        return self._log.read_text().partition("sandbox ready at ")[2].strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._process.kill()
        self._process.wait()


Started = tuple[Folder, Server, Command]
"""A command that was started in a folder, against a server."""
