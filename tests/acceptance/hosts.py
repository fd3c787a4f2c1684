"""Hosts on one network: each with an address, a name and process numbers of its own, and a cable that can be cut.

They are namespaces of this kernel where those can be made (root, iproute2, util-linux), else folders of this machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psycopg

from pipeline.sandbox.postgres_install import account_for, find_install
from pipeline.sandbox.redis import find_redis
from tests.acceptance.outside import Folder, until
from tests.bucket import free_port

HOLDER = ("unshare", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
NEEDED = ("ip", "unshare", "nsenter")


def sh(words: str) -> None:
    subprocess.run(words.split(), check=True, capture_output=True)


def way() -> str:
    """What hosts are made of here."""
    if os.geteuid() == 0 and all(map(shutil.which, NEEDED)):
        probe = (*HOLDER, "ip", "link", "add", "probe", "type", "bridge")
        if subprocess.run(probe, check=False, capture_output=True).returncode == 0:
            return "namespaces"
    return "folders"


class Lan:
    """A bridge of this machine, at `address`, to which hosts are plugged in; of mere folders, loopback."""

    def __init__(self, way: str) -> None:
        self.has_cables = way == "namespaces"
        self.number = os.getpid() % 250
        self._bridge = f"mjlan{self.number}"
        self.address = f"10.77.{self.number}.1" if self.has_cables else "127.0.0.1"
        self.subnet = f"10.77.{self.number}.0/24" if self.has_cables else "127.0.0.1/32"

    def __enter__(self) -> Self:
        if self.has_cables:
            sh(f"ip link add {self._bridge} type bridge")
            sh(f"ip address add {self.address}/24 dev {self._bridge}")
            sh(f"ip link set {self._bridge} up")
        return self

    def __exit__(self, *_: object) -> None:
        if self.has_cables:
            sh(f"ip link delete {self._bridge}")

    def plug_in(self, pid: int, place: int) -> str:
        """Gives the network namespace of a process the `place`-th address; the end of its cable that is here."""
        cable = f"mj{self.number}-{place}"
        sh(f"ip link add {cable} master {self._bridge} type veth peer name eth0 netns {pid}")
        sh(f"ip link set {cable} up")
        for inside in (
            f"address add 10.77.{self.number}.{place + 10}/24 dev eth0",
            "link set eth0 up",
            "link set lo up",
        ):
            sh(f"nsenter --target {pid} --net ip {inside}")
        return cable


class Host(Folder):
    """A machine on the network, with a folder to work in."""

    def __init__(self, lan: Lan, place: int, path: Path, **settings: str) -> None:
        super().__init__(path, **settings)
        (path / "tmp").mkdir()
        self.given["TMPDIR"] = str(path / "tmp")
        self._init, self._cable = 0, ""
        self._before: tuple[str, ...] = ()
        if lan.has_cables:
            self._begin(lan, place)

    def _begin(self, lan: Lan, place: int) -> None:
        named = f"echo {self.path.name} > /proc/sys/kernel/hostname; exec sleep infinity"
        self._holder = subprocess.Popen([*HOLDER, "sh", "-c", named], start_new_session=True, stderr=subprocess.DEVNULL)
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        self._init = int(until(children.read_text, "the namespaces are not made"))
        self._cable = lan.plug_in(self._init, place)
        enter = ("nsenter", "--target", str(self._init), "--net", "--uts", "--ipc", "--pid", "--mount")
        self._before = (*enter, "sh", "-c", 'cd "$0" && exec "$@"', str(self.path))

    def begin(self, *words: str) -> None:
        """Starts a service there."""
        self.start(*words, before=self._before)

    def is_home_of(self, host: str, pid: int) -> bool:
        """Whether a process that the database knows by these runs here."""
        if self._init:
            return host.endswith(str(Path(f"/proc/{self._init}/ns/pid").readlink()))
        return pid in {command.process.pid for command in self.commands}

    def lose(self) -> None:
        """The cable is cut, so that nobody hears it leave; then everything on it ends, as when the power fails."""
        if self._init:
            sh(f"ip link set {self._cable} down")
        self.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """As `kill -9` of everything does."""
        if self._init:
            os.kill(self._init, signal.SIGKILL)  # the first process of its namespace, with which all others end
            self._holder.wait()
            self._init = 0
            with contextlib.suppress(subprocess.CalledProcessError):
                # Connections that cannot say goodbye would keep it, and their namespace, for minutes.
                sh(f"ip link delete {self._cable}")
        for command in self.commands:
            command.kill()


@contextlib.contextmanager
def postgres(lan: Lan, home: Path) -> Iterator[str]:
    """The URL of a Postgres of the network."""
    data, port = home / "postgres", free_port(lan.address)
    data.mkdir(mode=0o700)
    account = account_for(data)
    install = find_install(account)
    user = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    if account:
        os.chown(data, account.uid, account.gid)
    here = {"cwd": data, "stdin": subprocess.DEVNULL, "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, **user}
    place = "/proc/self/cwd"  # folders above it may be closed to that user
    words = ("-D", place, "-U", "pipeline", "-A", "trust", "-E", "UTF8", "--no-sync")
    subprocess.run([install.programs / "initdb", *words], check=True, capture_output=True, **here)
    (data / "pg_hba.conf").write_text(f"host all pipeline {lan.subnet} trust\n")
    words = ("-D", place, "-h", lan.address, "-p", str(port), "-k", "", "-c", "fsync=off")
    with (home / "postgres.log").open("wb") as log:
        server = subprocess.Popen([install.programs / "postgres", *words], stdout=log, stderr=log, **here)
    url = f"postgresql://pipeline@{lan.address}:{port}/postgres"
    try:
        until(lambda: _answers(url), "Postgres does not start")
        yield url
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait()


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


@contextlib.contextmanager
def redis(lan: Lan, home: Path) -> Iterator[str]:
    """The URL of a Redis of the network."""
    port = free_port(lan.address)
    words = [find_redis(), "--bind", lan.address, "--port", str(port), "--save", "", "--protected-mode", "no"]
    server = subprocess.Popen(words, cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://{lan.address}:{port}/0"
    finally:
        server.kill()
        server.wait()
