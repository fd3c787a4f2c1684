"""The API as the flow uses it: submit a task, ask about tasks, cancel one, find one, and tell what server it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Self
from urllib.parse import quote

import httpx

from pipeline.action import Action
from pipeline.api.at_once import is_free, settled
from pipeline.api.dialects import TRAITS, key_headers
from pipeline.api.endpoints import IMAGINE, Request
from pipeline.api.follow_ups import word_of
from pipeline.api.line import LONGEST_REPLY, Line, LostReplyError, NeverSentError, QueryError
from pipeline.api.look_up import find
from pipeline.api.probe import probe
from pipeline.api.replies import no_such_endpoint, object_in, read_reply, words_in
from pipeline.api.reports import read_report, read_reports
from pipeline.api.requests import request_for
from pipeline.api.upload import CutShortError
from pipeline.errors import ServiceError
from pipeline.outcome import Blame, InDoubt, Outcome, Refused, Report, Sightings, TryAgain
from pipeline.settings import Dialect
from pipeline.task import ClaimedTask

__all__ = ["IDS_A_CALL", "LONGEST_REPLY", "SEED_TIMEOUT", "SUBMIT_TIMEOUT", "Api", "QueryError"]

SUBMIT_TIMEOUT = httpx.Timeout(60.0, connect=10.0, write=180.0)
"""Seconds. Relays themselves give the server behind them 60. Five pictures of 10 MB are sent in time at 5 Mbit/s."""
SEED_TIMEOUT = httpx.Timeout(20.0, connect=10.0, read=75.0)
"""Seconds. Servers wait up to 60 for a seed to come by message."""
IDS_A_CALL = 100
"""How many tasks one list-by-condition asks for; servers state no limit below 500."""
FORGET_MISSING_AFTER = 600.0
"""Seconds for which a server is not asked again for an endpoint that it did not have, where there is another way."""
ASK_MISSING_AFTER = 30.0
"""Seconds after which it is asked again where there is none: a proxy that restarts says 404 of everything."""
LIST = "/task/list-by-condition"
_TELLS_NOTHING = {*range(300, 400), 401, 403, 407, 408, 429}
"""Statuses that say nothing about a task: those of a proxy, of a wrong key, of a server that is busy."""


class Api:
    """One account. Safe to share between threads. `hook_url` is where the server reports, if it is to."""

    def __init__(
        self,
        base_url: str,
        key: str,
        dialect: Dialect,
        *,
        hook_url: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.dialect = dialect
        self.traits = TRAITS[dialect]
        self._key = key
        self._hook_url = hook_url.rstrip("/") if hook_url else None
        self._missing: dict[str, float] = {}
        """Endpoints that this server did not have, and when that was seen."""
        self._line = Line(self.base_url, key_headers(key, self.traits.key_header), transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections. Only once no thread uses them."""
        self._line.close()

    def submit(self, task: ClaimedTask) -> Outcome:
        """Asks for the task, once."""
        mode = f"/mj-{task.mode}" if task.mode and task.action is not Action.SEED else ""
        request = self._request(task, self._missing_in(mode))
        if not isinstance(request, Request):
            return request
        try:
            timeout = SEED_TIMEOUT if request.body is None else SUBMIT_TIMEOUT
            reply = self._line.send(request.method, f"{mode}/mj{request.path}", request.body, timeout)
        except NeverSentError as error:
            return TryAgain(reason=f"{self.base_url} cannot be reached ({error}); nothing was sent", blame=Blame.SERVER)
        except CutShortError as error:
            return TryAgain(reason=f"the request was cut short ({error}), so the API made nothing of it")
        except LostReplyError as error:
            return self._lost(task, error)
        if no_such_endpoint(reply.status, reply.text):
            return self._without(task, request, mode)
        outcome = read_reply(reply.status, reply.headers, reply.text, windows=self.traits.windows)
        return settled(task, request, outcome, reply.text, self.traits)

    def _request(self, task: ClaimedTask, missing: set[str]) -> Request | Refused | TryAgain:
        """The best way that is not missing; where all are, the best one is asked for again."""
        best = request_for(task, self.traits, missing, self._hook_url)
        return request_for(task, self.traits, (), self._hook_url) if isinstance(best, TryAgain) else best

    def _lost(self, task: ClaimedTask, error: LostReplyError) -> Outcome:
        if is_free(task):
            return TryAgain(reason=f"the reply was lost ({error}); asking again costs nothing")
        return InDoubt(reason=f"the reply was lost ({error}), so the API may or may not have taken the task")

    def _without(self, task: ClaimedTask, request: Request, mode: str) -> Outcome:
        """One 404 proves nothing: where there is no other way the same one is tried again, as often as a task may."""
        said = f"{self.base_url} says that it has no {mode}/mj{request.path}"
        if mode:
            return TryAgain(reason=f"{said}: if it stays so, leave `mode` out", after=ASK_MISSING_AFTER)
        if request.endpoint == IMAGINE:
            return TryAgain(reason=f"{said}: check PIPELINE_API_BASE_URL", blame=Blame.SERVER)
        others = {*self._missing_in(mode), request.endpoint}
        if isinstance(request_for(task, self.traits, others), Request):
            self._missing[request.endpoint] = time.monotonic()
            return TryAgain(reason=f"{said}; the next best way is used", blame=Blame.NOBODY)
        what = word_of(task) or task.action
        return TryAgain(
            reason=f"{said}, and there is no other way to ask for {what}: if it stays so, leave {what} out, "
            "or see with `pipeline check` whether PIPELINE_API_DIALECT is right",
            after=ASK_MISSING_AFTER,
        )

    def _missing_in(self, mode: str) -> set[str]:
        since = time.monotonic() - FORGET_MISSING_AFTER
        # A copy, because other threads add to it.
        return set() if mode else {path for path, seen in self._missing.copy().items() if seen > since}

    def list(self, remote_ids: Sequence[str]) -> list[Report]:
        """What the API says of these tasks, at most `IDS_A_CALL`; those that it leaves out may be fetched.

        Raises `QueryError`.
        """
        if LIST in self._missing_in(""):
            return []
        reply = self._line.ask("POST", LIST, {"ids": [*remote_ids]})
        if no_such_endpoint(reply.status, reply.text):
            self._missing[LIST] = time.monotonic()
            return []
        body = reply.json()
        if not isinstance(body, list):
            raise QueryError(f"{reply.url} answered something that is no list of tasks")
        return read_reports(body)

    def fetch(self, remote_id: str) -> Report | None:
        """What the API says of one task; None when it says that it does not know it. Raises `QueryError`.

        Servers say so with an empty 200 or 204, with 404, or with 400 and code 4 (`task_no_found`).
        """
        reply = self._line.ask("GET", f"/task/{quote(remote_id, safe='')}/fetch")
        if reply.status == 404 or (reply.status in {200, 204} and reply.empty):
            return None
        if reply.status == 400 and '"code":4' in reply.text.replace(" ", ""):
            return None
        report = read_report(reply.json())
        if report is None:
            raise QueryError(f"{reply.url} answered something that is no task")
        return report

    def find(self, tokens: Sequence[str], since: datetime) -> Sightings:
        """The tasks that carry these tokens, none of which was sent before `since`. Raises `QueryError`.

        Plus is asked by `state`, novicezk lists all, trueai its newest 100, and relays offer no way at all.
        """
        return find(self._line, tokens, self.traits.look_ups, since)

    def cancel(self, remote_id: str) -> str | None:
        """Asks the server to stop a task. None when it does, else why not, in its own words. Raises `QueryError`."""
        reply = self._line.ask("POST", f"/task/{quote(remote_id, safe='')}/cancel")
        if no_such_endpoint(reply.status, reply.text):
            return "it cannot stop tasks"
        body = object_in(reply.text)
        if (
            reply.status in _TELLS_NOTHING
            or reply.status >= 500
            or (reply.status < 400 and not body and not reply.empty)
        ):
            raise QueryError(f"{reply.url} answered HTTP {reply.status}, which tells nothing")
        if reply.status >= 400 or (body.get("code") != 1 and not reply.empty):
            said = words_in(body) or " ".join(reply.text.split())[:200] or "without a word"
            return f"it answered HTTP {reply.status}: {said}"
        return None

    def check(self) -> None:
        """Asks for no task at all, which every server answers. Raises `ServiceError` with what to do."""
        try:
            reply = self._line.ask("POST", LIST, {"ids": []})
            if reply.status in {401, 403}:
                raise ServiceError(f"{self.base_url} refuses the key (HTTP {reply.status}): check PIPELINE_API_KEY")
            answer = reply.json()
        except QueryError as failure:
            raise ServiceError(f"{failure}: check PIPELINE_API_BASE_URL") from None
        if not isinstance(answer, list):
            raise ServiceError(f"{self.base_url} does not speak the midjourney-proxy API: check PIPELINE_API_BASE_URL")

    def probe(self) -> tuple[Dialect | None, str]:
        """Which dialect the server speaks, whichever was set, or None where it cannot be told; and what was seen.

        The words follow the server's name, as in "https://api.example.com: it answers ...".
        """
        return probe(self._line, self._key)
