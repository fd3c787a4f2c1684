"""Tasks as JSON: what a caller may see of one at a moment, written again only when that has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.sandbox import wire
from pipeline.sandbox.dialects import Dialect
from pipeline.sandbox.options import Options
from pipeline.sandbox.tasks import Action, Task, encode
from pipeline.sandbox.view import Links, View

Standing = tuple[str, str | None]
UNSEEN: Standing = ("", None)
"""A relay that has not yet looked at the task."""


class Printer:
    """Prints for callers (`task`) and for hooks (`report`)."""

    def __init__(self, dialect: Dialect, options: Options) -> None:
        self._dialect = dialect
        self._options = options
        self._links = Links(options.link_base, dialect.picture_path, dialect.preview_path)
        self._stale = round(options.staleness * 1000) if dialect.polls else 0
        self._look: Callable[[Task, int], object] = self._seen if self._stale else Task.standing
        if options.late_pictures or options.link_seconds:
            self._look = self._closely

    def task(self, task: Task, now: int) -> bytes:
        look = self._look(task, now)
        if task.written[0] != look:
            task.written = (look, encode(self.fields(task, now)).encode())
        return task.written[1]

    def fields(self, task: Task, now: int) -> dict[str, Any]:
        return self._dialect.form(self._view(task, self._seen(task, now), now))

    def with_displays(self, task: Task, now: int) -> dict[str, Any]:
        view = self._view(task, self._seen(task, now), now)
        return self._dialect.form(view) | {"displays": wire.displays(view)}

    def report(self, task: Task, now: int) -> bytes:
        """What a hook is told. A relay does not report: the server behind it does."""
        form = wire.plus if self._dialect.polls else self._dialect.form
        return encode(form(self._view(task, task.standing(now), now))).encode()

    def _seen(self, task: Task, now: int) -> Standing:
        if not self._stale:
            return task.standing(now)
        moment = now - now % self._stale
        return task.standing(moment) if moment > task.submitted else UNSEEN

    def _closely(self, task: Task, now: int) -> object:
        """Counts the look where pictures come late; a link that ends is a new one with each of its lives."""
        standing = self._seen(task, now)
        task.looks += standing[0] == "SUCCESS"
        return standing, self._withheld(task), self._ends(now)

    def _withheld(self, task: Task) -> bool:
        return task.looks <= self._options.late_pictures > 0

    def _ends(self, now: int) -> int:
        """When a link that is given now ends, in epoch seconds."""
        return int(now / 1000 + self._options.link_seconds) + 1 if self._options.link_seconds else 0

    def _view(self, task: Task, standing: Standing, now: int) -> View:
        status, progress = standing
        if self._options.progress_text and standing == ("IN_PROGRESS", "0%"):
            progress = "Waiting to start"
        image = self._image(task, standing, now)
        return View(task=task, status=status, progress=progress, image=image, links=self._links)

    def _image(self, task: Task, standing: Standing, now: int) -> str | None:
        """The link: of what was made, or of what can be seen of it so far."""
        if task.previewed(standing):
            return self._links.preview(task, now)
        if standing[0] != "SUCCESS" or self._withheld(task) or task.order.action is Action.SHORTEN:
            return None
        if task.order.action is Action.DESCRIBE and not self._dialect.polls and task.order.images:
            return self._links.upload(task.order.images[0])
        link = self._links.picture(task)
        return f"{link}?ex={self._ends(now):x}" if self._options.link_seconds else link
