"""A request as it is sent, and the endpoints that take one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

IMAGINE = "/submit/imagine"
BLEND = "/submit/blend"
DESCRIBE = "/submit/describe"
SHORTEN = "/submit/shorten"
SWAP_FACE = "/insight-face/swap"
EDITS = "/submit/edits"
VIDEO = "/submit/video"
UPLOAD = "/submit/upload-discord-images"
ACTION = "/submit/action"
CHANGE = "/submit/change"
SIMPLE_CHANGE = "/submit/simple-change"
MODAL = "/submit/modal"
SEED = "/task/{}/image-seed"


class UnaskableError(Exception):
    """What was said is not enough to ask for the task. The message is for a person, and says what to add."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request without the address of the server: a POST of `body`, or a GET where there is none."""

    endpoint: str
    """Begins below `/mj`. `{}` stands for the id of the task that is asked about."""
    body: dict[str, Any] | None
    about: str = ""

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"

    @property
    def path(self) -> str:
        return self.endpoint.format(quote(self.about, safe=""))
