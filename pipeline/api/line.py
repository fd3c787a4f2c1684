"""The HTTP edge: every httpx error is mapped here, and nothing outside this folder catches one.

Sync on purpose: one client per thread costs less CPU per request than one shared client of either colour (measured).
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from pipeline.api.trail import Trail
from pipeline.api.upload import CutShortError, Upload

QUERY_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
"""Seconds."""
LONGEST_REPLY = 32 * 1024 * 1024
"""Bytes. A hundred tasks with every field that is known come to 0.3 MB."""
SLOWEST_REPLY = 40.0
"""Seconds from the beginning of a reply to its end."""
KEEP = httpx.Limits(keepalive_expiry=1.0)
"""Seconds for which an idle connection is used again. Servers close theirs after two or more, and a request that goes
out just then is not sent again by httpx: it would be in doubt."""

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
"""With httpx's own transport these mean that no byte of the request left this machine (measured)."""


class NeverSentError(Exception):
    """No byte of the request has left this machine."""


class LostReplyError(Exception):
    """The request may have arrived, and its reply did not."""


class QueryError(Exception):
    """A question about tasks was not answered; asking again is free. The message is for a person."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that was read to its end."""

    url: httpx.URL
    status: int
    headers: httpx.Headers
    text: str

    @property
    def empty(self) -> bool:
        """Whether it says nothing, as servers do of a task that they do not know."""
        return self.text.strip() in {"", "null"}

    def json(self) -> Any:
        """Raises `QueryError` for an error status, and for what is no JSON."""
        if self.status >= 400:
            raise QueryError(f"{self.url} answered HTTP {self.status}")
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            kind = self.headers.get("content-type", "an unnamed type").split(";")[0]
            raise QueryError(f"{self.url} answered {kind} that is no JSON") from None


class Line:
    """The way to one server with one key. Safe to share between threads."""

    def __init__(self, base_url: str, headers: Mapping[str, str], transport: httpx.BaseTransport | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._transport = transport
        self._tls = ssl.create_default_context()
        self._local = threading.local()
        self._clients: list[httpx.Client] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections of every thread. Only once no thread uses them."""
        while self._clients:
            self._clients.pop().close()

    @property
    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._new_client()
            self._clients.append(client)
        return client

    def _new_client(self) -> httpx.Client:
        settings: dict[str, Any] = {"headers": self._headers, "timeout": QUERY_TIMEOUT, "limits": KEEP}
        try:
            return httpx.Client(transport=self._transport, verify=self._tls, **settings)
        except (ValueError, ImportError, httpx.InvalidURL) as unusable:
            # Its words are left out, since a proxy's address may hold a password.
            raise NeverSentError(
                "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names a proxy that cannot be used: its address must begin with "
                f"http:// or https:// ({type(unusable).__name__})"
            ) from None

    def showing(self, headers: Mapping[str, str]) -> Line:
        """The same way with other headers."""
        return Line(self.base_url, headers, self._transport)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Reply:
        """A question, which costs nothing. `path` begins below `/mj`. Raises `QueryError`."""
        try:
            return self.send(method, f"/mj{path}", body, QUERY_TIMEOUT)
        except (NeverSentError, CutShortError, LostReplyError) as error:
            raise QueryError(f"{self.base_url} cannot be reached ({error})") from None

    def send(self, method: str, path: str, body: dict[str, Any] | None, timeout: httpx.Timeout) -> Reply:
        """Raises `NeverSentError`, `CutShortError` or `LostReplyError`, the last for a reply without an end too.

        `timeout.write` bounds the whole upload; the other times are httpx's own.
        """
        upload = None if body is None else Upload(body, timeout.write or 0.0)
        trail = Trail()
        try:
            return self._send(method, path, upload, timeout, trail)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            words = str(error) or type(error).__name__
            if isinstance(error, _NEVER_SENT) or trail.nothing_sent:
                raise NeverSentError(words) from None
            raise (CutShortError if trail.cut_short else LostReplyError)(words) from None

    def _send(self, method: str, path: str, upload: Upload | None, timeout: httpx.Timeout, trail: Trail) -> Reply:
        sent: dict[str, Any] = {"timeout": timeout, "extensions": {"trace": trail}}
        if upload is not None:
            stall = httpx.Timeout(**(timeout.as_dict() | {"write": upload.stall}))
            sent |= {"content": upload.content, "headers": upload.headers, "timeout": stall}
        with self._client.stream(method, self.base_url + path, **sent) as reply:
            ends = time.monotonic() + SLOWEST_REPLY
            content = bytearray()
            for chunk in reply.iter_bytes():
                content += chunk
                if len(content) > LONGEST_REPLY or time.monotonic() > ends:
                    raise httpx.ReadError("the reply does not end")
        text = _decoded(bytes(content), reply.charset_encoding or "utf-8")
        return Reply(reply.url.copy_with(query=None), reply.status_code, reply.headers, text)


def _decoded(content: bytes, charset: str) -> str:
    """A server that names a charset that nobody knows has answered all the same."""
    try:
        return content.decode(charset, errors="replace")
    except (LookupError, ValueError):
        return content.decode(errors="replace")
