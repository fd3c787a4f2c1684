"""A task at the moment at which it is looked at, and the addresses of what was made of it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.sandbox.tasks import Task, Upload
from pipeline.sandbox.texts import text_of


class Links:
    """Addresses of what the server has made and was given."""

    def __init__(self, base: str, picture_path: str = "", preview_path: str = "") -> None:
        self.base = base
        self._picture = base + picture_path
        self._preview = base + preview_path

    def picture(self, task: Task) -> str:
        return self._picture.format(id=(task.shows or task).id)

    def preview(self, task: Task, now: int) -> str:
        """`now` is in epoch milliseconds."""
        return self._preview.format(id=task.id, moment=now * 1_000_000)

    def upload(self, upload: Upload) -> str:
        return f"{self.base}/uploads/{upload.sha256}.{extension(upload.content)}"

    def film(self, task: Task, n: int) -> str:
        return f"{self.base}/films/{task.id}-{n}.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A task at the moment at which it is looked at."""

    task: Task
    status: str
    progress: str | None
    image: str | None
    links: Links

    @property
    def made(self) -> bool:
        return self.status == "SUCCESS"

    @property
    def begun(self) -> bool:
        return self.status not in {"NOT_START", "MODAL"} and self.task.started is not None

    @property
    def text(self) -> str | None:
        """What a describe or a shorten says."""
        return text_of(self.task.order) if self.made else None


def extension(content: bytes) -> str:
    """By its first bytes."""
    if content.startswith(b"\xff\xd8"):
        return "jpg"
    if content[8:12] == b"WEBP":
        return "webp"
    return "gif" if content.startswith(b"GIF8") else "png"
