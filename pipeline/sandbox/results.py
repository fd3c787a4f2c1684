"""What a submit is answered: the SubmitResult of the API, and the two ways of saying no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.sandbox.tasks import encode

ACCOUNT = "1118138338562560102"
"""The account's instance id."""
REQUEST_ID = "(request id: sandbox)"
"""The end of everything that the relay says in OpenAI's shape."""


class MalformedError(Exception):
    """Not what the framework can read. Each dialect has its own page for that, by HTTP status."""

    def __init__(self, status: int = 400) -> None:
        super().__init__(status)
        self.status = status


class RefusedError(Exception):
    """Read, and answered with a code that accepts nothing."""

    def __init__(self, code: int, description: str, *, status: int = 200, **properties: object) -> None:
        super().__init__(description)
        self.code = code
        self.status = status
        self.answer = result(code, description, properties=properties)


class RelayRefusedError(RefusedError):
    """A refusal of the relay's own: status 400, and a body of its own shape. Its words end in a space."""

    def __init__(self, description: str, code: int = 4, status: int = 400) -> None:
        super().__init__(code, description, status=status)
        self.answer = encode({"description": f"{description} ", "type": "upstream_error", "code": code}).encode()


class NoChannelError(RefusedError):
    """A model that the relay can ask nobody for: status 503."""

    def __init__(self, model: str) -> None:
        super().__init__(503, no_channel(model), status=503)
        self.answer = encode(open_ai(no_channel(model), "new_api_error")).encode()


class EnvelopeError(RefusedError):
    """A refusal of trueai outside of its return codes, with status 200."""

    def __init__(self, message: str) -> None:
        super().__init__(-1, message)
        self.answer = encode(envelope(message)).encode()


def result(code: int, description: str, outcome: Any = None, properties: Mapping[str, object] | None = None) -> bytes:
    """A SubmitResult: all four keys, always."""
    return encode(
        {"code": code, "description": description, "result": outcome, "properties": properties or {}}
    ).encode()


def open_ai(message: str, kind: str, **more: str) -> dict[str, object]:
    """An error as OpenAI words it, and as gateways do after it."""
    return {"error": {"message": message, "type": kind, **more}}


def no_channel(model: str) -> str:
    return f"当前分组 default 下对于模型 {model} 无可用渠道 {REQUEST_ID}"


def envelope(message: str) -> dict[str, object]:
    return {"success": False, "code": -1, "message": message, "timestamp": "638000000000000000"}
