"""The data folder of the embedded services: who may enter, the lock, the control socket, logs and what is remembered.

supervisor.lock  supervisor.sock  remembered.json  log/  postgres/  redis/
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import secrets
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

LOG_LIMIT = 64 * 1024 * 1024  # bytes; a longer log starts anew, and what it held is kept once
TAIL_LINES = 15
PORTS = range(15_000, 30_000)  # below the ports that Linux and macOS lend to outgoing connections
SOCKET = "supervisor.sock"


class EmbeddedError(Exception):
    """An embedded service cannot be had. The message says which, why, and what to do."""


def open_lair(folder: Path) -> Path:
    """The data folder, absolute, made private to the current user.

    Raises EmbeddedError if it belongs to somebody else or cannot be written.
    """
    folder = folder.expanduser().resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "log").mkdir(mode=0o700, exist_ok=True)
        state = folder.stat()
        if state.st_uid == os.geteuid() and state.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise EmbeddedError(
            f"the data folder {folder} cannot be used: {error.strerror}; choose another folder"
        ) from error
    if state.st_uid != os.geteuid():
        raise EmbeddedError(
            f"the data folder {folder} belongs to user {state.st_uid} and this is user {os.geteuid()}: "
            "run as that user, or choose another folder"
        )
    return folder


def take_lock(folder: Path) -> int | None:
    """A file descriptor that holds the election lock, or None while another supervisor lives."""
    lock = os.open(folder / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except BaseException:
        os.close(lock)
        raise
    return lock


@contextlib.contextmanager
def socket_address(folder: Path) -> Iterator[str]:
    """The control socket's address. Through an open directory, as AF_UNIX takes 108 bytes and folders can be deep."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{SOCKET}"
    finally:
        os.close(directory)


def open_log(folder: Path, name: str) -> BinaryIO:
    """The log of one child, to append to."""
    cut_log(folder, name)
    descriptor = os.open(log_path(folder, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)


def cut_log(folder: Path, name: str) -> bool:
    """Starts a log anew that has grown past `LOG_LIMIT`, while its child goes on appending; whether it had.

    What it held becomes `NAME.log.1`. A line that is written at that very moment may be in neither.
    """
    path = log_path(folder, name)
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT:
            shutil.copyfile(path, path.with_name(f"{path.name}.1"))
            os.truncate(path, 0)
            return True
    return False


def log_path(folder: Path, name: str) -> Path:
    return folder / "log" / f"{name}.log"


def log_tail(folder: Path, name: str, since: int = 0) -> tuple[str, ...]:
    """The last lines of a log, of those written after byte `since`."""
    try:
        with log_path(folder, name).open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(since if since <= end else 0, end - 8192))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-TAIL_LINES:]


def with_tail(folder: Path, name: str, sentence: str, since: int = 0) -> str:
    """A sentence, followed by the last lines of the log that explains it."""
    lines = log_tail(folder, name, since)
    if not lines:
        return f"{sentence} ({log_path(folder, name)} says nothing)"
    return "\n".join((f"{sentence}. Last lines of {log_path(folder, name)}:", *(f"  {line}" for line in lines)))


class Memory:
    """Ports and passwords, kept in `remembered.json` (mode 0600) so that URLs outlive a restart."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "remembered.json"
        self._words: dict[str, dict[str, Any]] = self._read()
        self._settled: set[str] = set()

    def port(self, name: str) -> int:
        """A loopback port for `name`: the one it had, unless somebody else has taken it since."""
        port = self._words.get(name, {}).get("port")
        if name in self._settled and isinstance(port, int):
            return port
        if not isinstance(port, int) or not is_free(port):
            port = self._new_port()
            self._keep(name, "port", port)
        self._settled.add(name)
        return port

    def secret(self, name: str) -> str | None:
        """The password of `name`, if one is remembered."""
        secret = self._words.get(name, {}).get("password")
        return secret if isinstance(secret, str) else None

    def new_secret(self) -> str:
        return secrets.token_hex(16)

    def keep_secret(self, name: str, password: str) -> None:
        self._keep(name, "password", password)

    def _new_port(self) -> int:
        taken = {words.get("port") for words in self._words.values()}
        for port in random.sample(PORTS, 200):
            if port not in taken and is_free(port):
                return port
        raise EmbeddedError("no free loopback port was found between 15000 and 29999")

    def _keep(self, name: str, key: str, value: object) -> None:
        self._words.setdefault(name, {})[key] = value
        draft = self._file.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._words, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            words = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return words if isinstance(words, dict) else {}


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True
