"""The body of a request, as far as its Content-Type lets a server read it."""

from __future__ import annotations

import json
import re
from typing import Any

from pipeline.sandbox.results import MalformedError
from pipeline.sandbox.tasks import encode

Body = dict[str, Any]

JSON = b"application/json"
_JSON = re.compile(rb"\s*application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)


def read_typed(path: str, kind: bytes, raw: bytes) -> Body:  # noqa: ARG001 - every route alike
    """As Spring and ASP.NET do. Raises MalformedError: with status 415 for another Content-Type, or for none."""
    if kind != JSON and (kind or raw) and not _JSON.fullmatch(kind):
        raise MalformedError(415)
    return parse(raw)


def parse(raw: bytes) -> Body:
    """The JSON object of a request. Raises MalformedError."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedError from error
    if not isinstance(body, dict):
        raise MalformedError
    return _whole(body) if b"\\ud" in raw or b"\\uD" in raw else body


def _whole(body: Body) -> Body:
    """Halves of a character (lone surrogates) can be read, but not be written again."""
    whole: Body = json.loads(encode(body).encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return whole
