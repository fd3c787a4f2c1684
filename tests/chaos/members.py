"""The processes of a fleet, and who starts them anew when they have died, as systemd or docker-compose does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.points import POINTS

RESTART_AFTER = 0.2
"""Seconds from a death to the next life."""
CANNOT_REACH_A_SERVICE = 3
"""Exit status of a process that found Postgres or Redis away. Its supervisor starts it again."""


@dataclass(frozen=True, slots=True)
class Doom:
    """At which passage of which point a worker is to die."""

    point: str
    nth: int

    @property
    def worker(self) -> str:
        return POINTS[self.point].worker


@dataclass(frozen=True, slots=True)
class Death:
    """`doom` is what the process was sentenced to; `ordered` says that the chaos killed it from outside."""

    name: str
    status: int
    doom: Doom | None
    ordered: bool
    at: float

    @property
    def met_its_doom(self) -> bool:
        return self.doom is not None and not self.ordered and self.status == -signal.SIGKILL

    @property
    def was_meant(self) -> bool:
        return self.ordered or self.met_its_doom


@dataclass(slots=True)
class Member:
    """One process: how it is started, and its present life. `kind` is the queue of dooms that it takes from."""

    name: str
    kind: str
    words: Sequence[str]
    visibility: float | None = None
    process: subprocess.Popen[bytes] | None = None
    doom: Doom | None = None
    ordered: bool = False
    held: bool = False
    """Whether it is to stay dead for now."""

    def argv(self) -> list[str]:
        options = ["--point", self.doom.point, "--nth", str(self.doom.nth)] if self.doom else []
        options += ["--visibility", str(self.visibility)] if self.visibility else []
        return [sys.executable, "-m", "tests.chaos.doomed", *options, "--", *self.words]

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass(slots=True)
class Crew:
    """All members, and the thread that watches them. Their output is appended to `<log>/<name>.log`."""

    home: Path
    env: dict[str, str]
    log: Path
    members: dict[str, Member] = field(default_factory=dict)
    deaths: list[Death] = field(default_factory=list)
    dooms: dict[str, deque[Doom]] = field(default_factory=dict)
    """What is still to be died of, by kind of worker."""
    on_doom: Callable[[], None] = lambda: None
    """Told of each death at a point."""
    _over: threading.Event = field(default_factory=threading.Event)
    _turn: threading.RLock = field(default_factory=threading.RLock)
    _thread: threading.Thread | None = None

    def add(self, member: Member) -> None:
        with self._turn:
            self.members[member.name] = member
            self._start(member)
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="crew", daemon=True)
            self._thread.start()

    def kill(self, *names: str, held: bool = False) -> None:
        """SIGKILL, to all of them at once. `held`: they stay dead until `release`."""
        with self._turn:
            for member in (self.members[name] for name in names):
                member.held = held
                if member.alive and member.process:
                    member.ordered = True
                    member.process.kill()

    def stop(self, name: str) -> None:
        """SIGTERM, as a deployment does; a life that has just begun does not know yet how to stop, and dies."""
        with self._turn:
            member = self.members[name]
            if member.alive and member.process:
                member.ordered = True
                member.process.terminate()

    def release(self, *names: str) -> None:
        with self._turn:
            for name in names:
                self.members[name].held = False

    def sentence(self, dooms: Sequence[Doom]) -> None:
        """Hands the dooms to workers, one to each life; those that live without one are started anew for it."""
        with self._turn:
            for doom in dooms:
                self.dooms.setdefault(doom.worker, deque()).append(doom)
            for member in self.members.values():
                if self.dooms.get(member.kind) and member.doom is None:
                    self.kill(member.name)

    @property
    def unmet(self) -> list[Doom]:
        """What nobody has died of yet."""
        with self._turn:
            waiting = [doom for queue in self.dooms.values() for doom in queue]
            return waiting + [member.doom for member in self.members.values() if member.doom]

    def ended_by_themselves(self) -> list[Death]:
        return [one for one in self.deaths if not one.was_meant and one.status != CANNOT_REACH_A_SERVICE]

    def disband(self) -> None:
        """Ends everything. What still runs had its time to finish."""
        self._over.set()
        if self._thread:
            self._thread.join()
        for member in self.members.values():
            if member.process:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(member.process.pid, signal.SIGKILL)
                member.process.wait()

    def _watch(self) -> None:
        while not self._over.wait(0.03):
            with self._turn:
                dead = [one for one in self.members.values() if one.process and not one.alive]
                for member in dead:
                    self._bury(member)
                waiting = [one for one in self.members.values() if one.process is None and not one.held]
            if waiting and not self._over.wait(RESTART_AFTER):
                with self._turn:
                    for member in waiting:
                        self._start(member)

    def _bury(self, member: Member) -> None:
        assert member.process
        status = member.process.wait()
        death = Death(member.name, status, member.doom, member.ordered, time.time())
        self.deaths.append(death)
        if death.met_its_doom:
            self.on_doom()
        elif member.doom:
            self.dooms[member.kind].appendleft(member.doom)
        member.process, member.doom, member.ordered = None, None, False

    def _start(self, member: Member) -> None:
        if (queue := self.dooms.get(member.kind)) and member.doom is None:
            member.doom = queue.popleft()
        with (self.log / f"{member.name}.log").open("ab") as log:
            member.process = subprocess.Popen(
                member.argv(),
                cwd=self.home,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
