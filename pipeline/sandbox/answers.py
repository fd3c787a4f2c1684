"""What the emulated server answers: one function per route of the API, from the request's body to a response."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Scope

from pipeline.sandbox import submits
from pipeline.sandbox.audit import Audit
from pipeline.sandbox.engine import Engine
from pipeline.sandbox.faults import Faults
from pipeline.sandbox.journal import Journal
from pipeline.sandbox.options import Options
from pipeline.sandbox.tasks import encode

JSON = "application/json"


class Sandbox:
    """The server's parts, and its answers. None for an answer hangs up."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.faults = Faults(options)
        self.audit = Audit()
        self.journal = Journal(options.journal)
        self.engine = Engine(options, self.journal)
        self.painters = ThreadPoolExecutor(max_workers=2, thread_name_prefix="painter")
        key = options.key.encode()
        self._keys = {(b"authorization", key), (b"authorization", b"Bearer " + key), (b"mj-api-secret", key)}

    def reset(self) -> None:
        """Forgets every task, count and fault."""
        self.engine.reset()
        self.audit.reset()
        self.faults.reset()

    def close(self) -> None:
        self.engine.advance()
        self.journal.close()
        self.painters.shutdown()

    def turned_away(self, scope: Scope) -> Response | None:
        """The answer to a caller without the key, or to one of the first requests that come too soon."""
        if self.options.key and self._keys.isdisjoint(scope["headers"]):
            self.audit.refused["401"] += 1
            return Response(status_code=401)
        if self.faults.too_many():
            self.audit.refused["429"] += 1
            return Response(status_code=429, headers={"Retry-After": "1"})
        return None

    def submit(self, read: submits.Reader, raw: bytes, scope: Scope) -> Response | None:
        self.engine.advance()
        try:
            order = read(submits.parse(raw), self.engine.tasks)
        except submits.MalformedError:
            return self._error(400, scope)
        except submits.RefusedError as refused:
            self.audit.refused[str(refused.code)] += 1
            return Response(refused.answer, media_type=JSON)
        if self.faults.breaks(order):
            return self._error(500, scope)
        task, ahead = self.engine.accept(order, self.faults.doom(order))
        if task is None:
            self.audit.refused["23"] += 1
            return Response(submits.QUEUE_FULL, media_type=JSON)
        if self.faults.loses(order):
            self.audit.lost_replies += 1
            return None
        return Response(submits.placed(task, ahead), media_type=JSON)

    def list_by_condition(self, raw: bytes, scope: Scope) -> Response:
        try:
            ids = submits.parse(raw).get("ids") or []
        except submits.MalformedError:
            return self._error(400, scope)
        if not isinstance(ids, list):
            return self._error(400, scope)
        # The real servers read a hash set: never the order of the request.
        return self._tasks(sorted(set(map(str, ids)), reverse=True))

    def fetch(self, _: bytes, scope: Scope) -> Response:
        now = self.engine.advance()
        task = self.engine.tasks.get(scope["path_params"]["id"])
        return Response(task.wire(now, self.options.link_base) if task else b"", media_type=JSON)

    def list_all(self, _: bytes, __: Scope) -> Response:
        return self._tasks(reversed(self.engine.tasks))

    def list_queue(self, _: bytes, __: Scope) -> Response:
        self.engine.advance()
        return self._tasks(task.id for task in self.engine.unfinished())

    def _tasks(self, ids: Iterable[str]) -> Response:
        now, base = self.engine.advance(), self.options.link_base
        tasks = self.engine.tasks
        found = [tasks[one].wire(now, base) for one in ids if one in tasks]
        return Response(b"[" + b",".join(found) + b"]", media_type=JSON)

    def _error(self, status: int, scope: Scope) -> Response:
        self.audit.refused[str(status)] += 1
        return spring_error(status, scope["path"])


def spring_error(status: int, path: str) -> Response:
    """An error page as the framework of the real servers writes it."""
    page = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "status": status,
        "error": HTTPStatus(status).phrase,
        "path": path,
    }
    return Response(encode(page), status, media_type=JSON)
