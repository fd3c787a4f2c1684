"""Which dialect a server speaks, found by asking for a task that nobody has: nothing is made and nothing is paid."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.api.dialects import KeyHeader, key_headers
from pipeline.api.line import Line, QueryError, Reply
from pipeline.api.replies import no_such_endpoint, object_in
from pipeline.settings import Dialect

NOBODYS = "0000000000000000"
"""An id of the right form. Servers make ids of the time, so this one was never given."""


def probe(line: Line, key: str) -> tuple[Dialect | None, str]:
    """The dialect, or None where the answers fit none; and what was seen, as words for a person."""
    refusal = ""
    try:
        for way, headers in _ways(key):
            with line.showing(headers) as shown:
                reply = shown.ask("GET", f"/task/{NOBODYS}/fetch")
                if reply.status not in {401, 403}:
                    dialect, seen = _told(shown, reply)
                    return dialect, f"{seen}{way}"
            refusal = f"it refuses the key however it is shown (HTTP {reply.status}): check PIPELINE_API_KEY"
    except QueryError as failure:
        return None, str(failure)
    return None, refusal


def _ways(key: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Both headers first: a server that reads one of them ignores the other, but for the one that reads it verbatim."""
    yield "", key_headers(key, KeyHeader.BOTH)
    if key:
        yield ", and it takes the key as `Authorization`", key_headers(key, KeyHeader.VERBATIM)
        yield ", and it takes the key as `mj-api-secret`", key_headers(key, KeyHeader.SECRET)


def _told(line: Line, reply: Reply) -> tuple[Dialect | None, str]:
    """By how it says that it does not know a task."""
    said = f"it answers an unknown task with HTTP {reply.status}"
    if reply.status == 204:
        return Dialect.TRUEAI, f"{said}, as trueai-org/midjourney-proxy does"
    if reply.status == 400 and object_in(reply.text).get("code") == 4:
        return Dialect.RELAY, f"{said} and code 4, as new-api and its kin do"
    if reply.status == 200 and reply.empty:
        return _plus_or_original(line, f"{said} and nothing else")
    return None, f"{said}, as no known server of the family does"


def _plus_or_original(line: Line, said: str) -> tuple[Dialect | None, str]:
    """By what only plus has: a query, which its operators may hide, and seeds. Both are asked of nobody's task."""
    reply = line.ask("POST", "/task/query", {"id": NOBODYS, "pageNumber": 0, "pageSize": 1})
    if reply.status == 200 and "content" in object_in(reply.text):
        return Dialect.PLUS, f"{said}, and has /mj/task/query, as midjourney-proxy-plus does"
    reply = line.ask("GET", f"/task/{NOBODYS}/image-seed")
    if not no_such_endpoint(reply.status, reply.text):
        return Dialect.PLUS, f"{said}, and has seeds, as midjourney-proxy-plus does"
    return Dialect.NOVICEZK, f"{said}, and has neither /mj/task/query nor seeds, as novicezk/midjourney-proxy"
