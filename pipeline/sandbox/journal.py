"""The memory of the emulated server: a file of JSON lines, one when a task is accepted and one when it ends.

A line reaches the system before the caller gets its answer, so that a killed server has forgotten nothing it said.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.sandbox.tasks import Action, Order, Task, encode


class Journal:
    """Appends to `path`; with None it forgets. Raises OSError where the file cannot be opened or written."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self._end_torn_line(self._file)

    def accepted(self, task: Task) -> None:
        if self._file is None:
            return
        order = task.order
        self._append(
            {
                "id": task.id,
                "action": order.action,
                "prompt": order.prompt,
                "state": order.state,
                "hook": order.notify_hook,
                "bot": order.bot_type,
                "parent": order.parent.id if order.parent else None,
                "index": order.index,
                "submitted": task.submitted,
                "doom": task.doom,
            }
        )

    def finished(self, task: Task) -> None:
        if self._file is not None:
            self._append({"id": task.id, "started": task.started, "finished": task.finished})

    def clear(self) -> None:
        if self._file is not None:
            os.ftruncate(self._file, 0)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def tasks(self) -> Iterator[Task]:
        """Every task that was accepted, in the order of acceptance. What was not finished has yet to begin."""
        found: dict[str, Task] = {}
        for record in self._records():
            if "action" in record:
                found[record["id"]] = _task(record, found)
            elif record["id"] in found:
                task = found[record["id"]]
                task.started, task.finished = record["started"], record["finished"]
        yield from found.values()

    def _records(self) -> Iterator[dict[str, Any]]:
        if self._path is None:
            return
        with self._path.open("rb") as lines:
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue  # torn by a kill: its caller was never answered

    def _append(self, record: dict[str, Any]) -> None:
        if self._file is not None:
            os.write(self._file, encode(record).encode() + b"\n")

    @staticmethod
    def _end_torn_line(file: int) -> None:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            os.write(file, b"\n")


def _task(record: dict[str, Any], known: dict[str, Task]) -> Task:
    order = Order(
        action=Action(record["action"]),
        prompt=record["prompt"],
        state=record["state"],
        notify_hook=record["hook"],
        bot_type=record["bot"],
        parent=known.get(record["parent"]),
        index=record["index"],
    )
    return Task(id=record["id"], order=order, submitted=record["submitted"], doom=record["doom"])
