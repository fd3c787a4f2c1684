"""The memory of the emulated server: a file of JSON lines, one when a task is accepted, when its window is answered and
when it ends. Pictures that came with it lie beside it, each in a file named by its digest.

A line reaches the system before the caller gets its answer, so that a killed server has forgotten nothing it said.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.sandbox.tasks import Action, Order, Task, Upload, Window, encode
from pipeline.sandbox.uploads import Uploads


class Journal:
    """Appends to `path`; with None it forgets. Raises OSError where the file cannot be opened or written."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None
        self.uploads = Uploads(path.with_name(f"{path.name}.uploads") if path else None)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            self._end_torn_line(self._file)

    def accepted(self, task: Task) -> None:
        order = task.order
        for image in order.images:
            self.uploads.keep(image)
        if order.mask:
            self.uploads.keep(order.mask)
        if self._file is not None:
            self._append({"id": task.id, "submitted": task.submitted, **_doom(task), **_order(order)})

    def answered(self, task: Task) -> None:
        """Its window, and what it is told to make now."""
        if task.order.mask:
            self.uploads.keep(task.order.mask)
        if self._file is not None:
            anew = {key: value for key, value in _order(task.order).items() if key in {"prompt", "variant", "mask"}}
            self._append({"id": task.id, "answered": task.answered, **_doom(task), **anew})

    def finished(self, task: Task) -> None:
        if self._file is not None:
            end = {"id": task.id, "started": task.started, "finished": task.finished}
            self._append(end | ({"cancelled": True} if task.cancelled else {}))

    def clear(self) -> None:
        self.uploads.clear()
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
                found[record["id"]] = self._task(record, found)
            elif (task := found.get(record["id"])) is not None:
                self._follow(task, record)
        yield from found.values()

    def _follow(self, task: Task, record: dict[str, Any]) -> None:
        if "answered" not in record:
            task.started, task.finished = record["started"], record["finished"]
            task.cancelled = record.get("cancelled", False)
            return
        task.answered = record["answered"]
        task.doom, task.late_doom, task.ahead = record["doom"], record["late_doom"], record["ahead"]
        mask = self._upload(record["mask"])
        task.order = replace(task.order, prompt=record["prompt"], variant=record["variant"], mask=mask, window=None)

    def _task(self, record: dict[str, Any], known: dict[str, Task]) -> Task:
        window = record.get("window")
        images = (self._upload(digest) for digest in record.get("images", ()))
        order = Order(
            action=Action(record["action"]),
            prompt=record["prompt"],
            state=record["state"],
            notify_hook=record["hook"],
            bot_type=record["bot"],
            parent=known.get(record["parent"]),
            index=record["index"],
            variant=record.get("variant"),
            images=tuple(image for image in images if image is not None),
            mask=self._upload(record.get("mask")),
            mode=record.get("mode", "fast"),
            button=record.get("button", ""),
            window=Window(window) if window else None,
        )
        told = {"doom": record["doom"], "late_doom": record.get("late_doom", False), "ahead": record.get("ahead", 0)}
        return Task(id=record["id"], order=order, submitted=record["submitted"], **told)

    def _upload(self, digest: str | None) -> Upload | None:
        return self.uploads.find(digest) if digest else None

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


def _doom(task: Task) -> dict[str, Any]:
    return {"doom": task.doom, "late_doom": task.late_doom, "ahead": task.ahead}


def _order(order: Order) -> dict[str, Any]:
    return {
        "action": order.action,
        "prompt": order.prompt,
        "state": order.state,
        "hook": order.notify_hook,
        "bot": order.bot_type,
        "parent": order.parent.id if order.parent else None,
        "index": order.index,
        "variant": order.variant,
        "images": [image.sha256 for image in order.images],
        "mask": order.mask.sha256 if order.mask else None,
        "mode": order.mode,
        "button": order.button,
        "window": order.window,
    }
