"""The HTTP edge: every httpx error is mapped here, and nothing outside this folder catches one.

Sync on purpose: one client per thread costs less CPU per request than one shared client of either colour (measured).
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx

from pipeline.api.dialects import TRAITS
from pipeline.api.replies import no_such_endpoint, read_reply
from pipeline.api.reports import read_report, read_reports
from pipeline.api.requests import Request, request_for
from pipeline.errors import ServiceError
from pipeline.outcome import Blame, InDoubt, Outcome, Refused, Report, TryAgain
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask

SUBMIT_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Seconds. Relays themselves give the server behind them 60."""
QUERY_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
IDS_A_CALL = 100
"""How many tasks one list-by-condition asks for; servers state no limit below 500."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""With httpx's own transport these mean that no byte of the request left this machine (measured)."""


class QueryError(Exception):
    """A question about tasks was not answered; asking again is free. The message is for a person."""


class Api:
    """One account. Safe to share between threads."""

    def __init__(self, base_url: str, key: str, dialect: Dialect, transport: httpx.BaseTransport | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.traits = TRAITS[dialect]
        self.unavailable: set[str] = set()
        """Paths that this server does not have, learned as we go."""
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
        request = request_for(task, self.traits, self.unavailable)
        if request is None:
            return Refused(reason=f"this server offers no way to ask for {task.action}")
        mode = f"/mj-{task.mode}" if task.mode else ""
        try:
            reply = self._client.post(f"{self.base_url}{mode}/mj{request.path}", json=request.body)
        except _NEVER_SENT as error:
            return TryAgain(
                reason=f"{self.base_url} cannot be reached ({_named(error)}); nothing was sent", blame=Blame.ACCOUNT
            )
        except httpx.HTTPError as error:
            return InDoubt(
                reason=f"the reply was lost ({_named(error)}), so the API may or may not have taken the task"
            )
        if no_such_endpoint(reply.status_code, reply.text):
            return self._without(request)
        return read_reply(reply.status_code, reply.headers, reply.text)

    def _without(self, request: Request) -> Outcome:
        self.unavailable.add(request.path)
        return TryAgain(reason=f"this server has no /mj{request.path}; the next best way is used", after=0.0)

    def reports(self, remote_ids: Sequence[str]) -> list[Report]:
        """What the API says of these tasks, at most `IDS_A_CALL`; one that it does not know is left out."""
        path = "/task/list-by-condition"
        if path not in self.unavailable:
            reply = self._query("POST", path, json={"ids": list(remote_ids)})
            if not no_such_endpoint(reply.status_code, reply.text):
                return read_reports(_json(reply))
            self.unavailable.add(path)
        return [report for remote_id in remote_ids if (report := self.fetch(remote_id))]

    def fetch(self, remote_id: str) -> Report | None:
        """What the API says of one task; None when it does not know it.

        Servers say "unknown" as 200 with an empty body, 204, 404, or 400 with `task_no_found`.
        """
        reply = self._query("GET", f"/task/{quote(remote_id, safe='')}/fetch")
        if reply.status_code in {204, 400, 404} or not reply.content.strip():
            return None
        return read_report(_json(reply))

    def check(self) -> None:
        """Asks for no task at all, which every server answers. Raises `ServiceError` with what to do."""
        try:
            reply = self._query("POST", "/task/list-by-condition", json={"ids": []})
        except QueryError as failure:
            raise ServiceError(f"{failure}: check PIPELINE_API_BASE_URL") from None
        if reply.status_code in {401, 403}:
            raise ServiceError(f"{self.base_url} refuses the key (HTTP {reply.status_code}): check PIPELINE_API_KEY")
        try:
            answer = _json(reply)
        except QueryError as failure:
            raise ServiceError(f"{failure}: check PIPELINE_API_BASE_URL") from None
        if not isinstance(answer, list):
            raise ServiceError(f"{self.base_url} does not speak the midjourney-proxy API: check PIPELINE_API_BASE_URL")

    def _query(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, f"{self.base_url}/mj{path}", timeout=QUERY_TIMEOUT, **options)
        except httpx.HTTPError as error:
            raise QueryError(f"{self.base_url} cannot be reached ({_named(error)})") from None


def _json(reply: httpx.Response) -> Any:
    if reply.status_code >= 400:
        raise QueryError(f"{reply.url.copy_with(query=None)} answered HTTP {reply.status_code}")
    try:
        return reply.json()
    except ValueError:
        kind = reply.headers.get("content-type", "an unnamed type").split(";")[0]
        raise QueryError(f"{reply.url.copy_with(query=None)} answered {kind} that is no JSON") from None


def _named(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
