"""The HTTP edge: every httpx error is mapped here, and nothing outside this folder catches one.

Sync on purpose: one client per thread costs less CPU per request than one shared client of either colour (measured).
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from pipeline.api.dialects import TRAITS
from pipeline.api.replies import no_such_endpoint, read_reply
from pipeline.api.reports import read_report, read_reports
from pipeline.api.requests import IMAGINE, Request, request_for
from pipeline.errors import ServiceError
from pipeline.outcome import Blame, InDoubt, Outcome, Refused, Report, TryAgain
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask

SUBMIT_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds. Relays themselves give the server behind them 60."""
QUERY_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
LONGEST_REPLY = 32 * 1024 * 1024
"""Bytes. A hundred tasks with every field that is known come to 0.3 MB."""
IDS_A_CALL = 100
"""How many tasks one list-by-condition asks for; servers state no limit below 500."""
FORGET_MISSING_AFTER = 600.0
"""Seconds for which a server is not asked again for an endpoint that it did not have."""
LIST = "/task/list-by-condition"

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""With httpx's own transport these mean that no byte of the request left this machine (measured)."""
_FAILURES = (httpx.HTTPError, httpx.InvalidURL)


class QueryError(Exception):
    """A question about tasks was not answered; asking again is free. The message is for a person."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that was read to its end."""

    url: httpx.URL
    status: int
    headers: httpx.Headers
    text: str


class Api:
    """One account. Safe to share between threads."""

    def __init__(self, base_url: str, key: str, dialect: Dialect, transport: httpx.BaseTransport | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.traits = TRAITS[dialect]
        self._missing: dict[str, float] = {}
        """Endpoints that this server did not have, and when that was seen."""
        self._headers = {"mj-api-secret": key, "Authorization": f"Bearer {key}"} if key else {}
        self._transport = transport
        self._tls = ssl.create_default_context()
        self._local = threading.local()

    @property
    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = httpx.Client(
                headers=self._headers, transport=self._transport, verify=self._tls, timeout=SUBMIT_TIMEOUT
            )
        return client

    def submit(self, task: ClaimedTask) -> Outcome:
        """POSTs the task, once."""
        mode = f"/mj-{task.mode}" if task.mode else ""
        request = request_for(task, self.traits, self._missing_in(mode))
        if request is None:
            return TryAgain(reason=f"this server offers no way to ask for {task.action}")
        try:
            reply = self._send("POST", f"{mode}/mj{request.path}", request.body, SUBMIT_TIMEOUT)
        except _NEVER_SENT as error:
            return TryAgain(
                reason=f"{self.base_url} cannot be reached ({_named(error)}); nothing was sent", blame=Blame.ACCOUNT
            )
        except httpx.HTTPError as error:
            return InDoubt(
                reason=f"the reply was lost ({_named(error)}), so the API may or may not have taken the task"
            )
        if no_such_endpoint(reply.status, reply.text):
            return self._without(request, mode)
        return read_reply(reply.status, reply.headers, reply.text)

    def _without(self, request: Request, mode: str) -> Outcome:
        """There may be another way to ask for a follow-up; there is none to imagine, and one 404 proves nothing."""
        if mode:
            return Refused(reason=f"this server has no {mode}/mj{request.path}: leave `mode` out")
        if request.path == IMAGINE:
            return TryAgain(
                reason=f"{self.base_url} has no /mj{request.path}: check PIPELINE_API_BASE_URL", blame=Blame.ACCOUNT
            )
        self._missing[request.path] = time.monotonic()
        return TryAgain(reason=f"this server has no /mj{request.path}; the next best way is used", blame=Blame.NOBODY)

    def _missing_in(self, mode: str) -> set[str]:
        since = time.monotonic() - FORGET_MISSING_AFTER
        return set() if mode else {path for path, seen in self._missing.items() if seen > since}

    def list(self, remote_ids: Sequence[str]) -> list[Report]:
        """What the API says of these tasks, at most `IDS_A_CALL`; those that it leaves out may be fetched.

        Raises `QueryError`.
        """
        if LIST in self._missing_in(""):
            return []
        reply = self._query("POST", LIST, {"ids": list(remote_ids)})
        if no_such_endpoint(reply.status, reply.text):
            self._missing[LIST] = time.monotonic()
            return []
        body = _json(reply)
        if not isinstance(body, list):
            raise QueryError(f"{reply.url} answered something that is no list of tasks")
        return read_reports(body)

    def fetch(self, remote_id: str) -> Report | None:
        """What the API says of one task; None when it says that it does not know it. Raises `QueryError`.

        Servers say so with an empty 200 or 204, with 404, or with 400 and code 4 (`task_no_found`).
        """
        reply = self._query("GET", f"/task/{quote(remote_id, safe='')}/fetch")
        if reply.status == 404 or (reply.status in {200, 204} and not reply.text.strip()):
            return None
        if reply.status == 400 and '"code":4' in reply.text.replace(" ", ""):
            return None
        report = read_report(_json(reply))
        if report is None:
            raise QueryError(f"{reply.url} answered something that is no task")
        return report

    def check(self) -> None:
        """Asks for no task at all, which every server answers. Raises `ServiceError` with what to do."""
        try:
            reply = self._query("POST", LIST, {"ids": []})
            if reply.status in {401, 403}:
                raise ServiceError(f"{self.base_url} refuses the key (HTTP {reply.status}): check PIPELINE_API_KEY")
            answer = _json(reply)
        except QueryError as failure:
            raise ServiceError(f"{failure}: check PIPELINE_API_BASE_URL") from None
        if not isinstance(answer, list):
            raise ServiceError(f"{self.base_url} does not speak the midjourney-proxy API: check PIPELINE_API_BASE_URL")

    def _query(self, method: str, path: str, body: dict[str, Any] | None = None) -> Reply:
        try:
            return self._send(method, f"/mj{path}", body, QUERY_TIMEOUT)
        except _FAILURES as error:
            raise QueryError(f"{self.base_url} cannot be reached ({_named(error)})") from None

    def _send(self, method: str, path: str, body: dict[str, Any] | None, timeout: httpx.Timeout) -> Reply:
        """Raises httpx errors; also for a reply that is endless in bytes or in time, which httpx does not bound."""
        ends = time.monotonic() + 2 * (timeout.read or 0.0)
        with self._client.stream(method, self.base_url + path, json=body, timeout=timeout) as reply:
            content = bytearray()
            for chunk in reply.iter_bytes():
                content += chunk
                if len(content) > LONGEST_REPLY or time.monotonic() > ends:
                    raise httpx.ReadError("the reply does not end")
        text = content.decode(reply.charset_encoding or "utf-8", errors="replace")
        return Reply(reply.url.copy_with(query=None), reply.status_code, reply.headers, text)


def _json(reply: Reply) -> Any:
    if reply.status >= 400:
        raise QueryError(f"{reply.url} answered HTTP {reply.status}")
    try:
        return json.loads(reply.text)
    except (ValueError, RecursionError):
        kind = reply.headers.get("content-type", "an unnamed type").split(";")[0]
        raise QueryError(f"{reply.url} answered {kind} that is no JSON") from None


def _named(error: Exception) -> str:
    return str(error) or type(error).__name__
