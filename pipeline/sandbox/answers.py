"""The parts of the emulated server, and a call to it: who is let in, and how no is said."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Scope

from pipeline.sandbox.audit import Audit
from pipeline.sandbox.bodies import Body
from pipeline.sandbox.callbacks import Callbacks
from pipeline.sandbox.dialects import DIALECTS, Dialect
from pipeline.sandbox.engine import Engine
from pipeline.sandbox.faults import Faults
from pipeline.sandbox.journal import Journal
from pipeline.sandbox.options import Options
from pipeline.sandbox.printer import Printer
from pipeline.sandbox.submission import Pictures


@dataclass(slots=True)
class Call:
    """A request to a route of the API."""

    path: str
    """The route, as the documentation writes it: `/mj/task/{id}/fetch`."""
    raw: bytes
    scope: Scope
    dialect: Dialect
    fault: int | str | None = None
    """The scripted fault that it meets."""
    pictures: Pictures = field(default_factory=dict)
    _body: Body | None = None

    @property
    def body(self) -> Body:
        """Raises MalformedError."""
        if self._body is None:
            kind = dict(self.scope["headers"]).get(b"content-type", b"")
            self._body = self.dialect.read(self.path, kind, self.raw)
        return self._body

    @property
    def task_id(self) -> str:
        named: str = self.scope["path_params"]["id"]
        return named


class Sandbox:
    """The server's parts. None for an answer hangs up."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.dialect = DIALECTS[options.dialect]
        self.faults = Faults(options)
        self.audit = Audit()
        self.journal = Journal(options.journal)
        self.engine = Engine(options, self.journal)
        self.printer = Printer(self.dialect, options)
        self.callbacks = Callbacks(options, self.dialect, self.engine, self.printer)
        self.painters = ThreadPoolExecutor(max_workers=2, thread_name_prefix="painter")
        self._key = options.key.encode()

    def reset(self) -> None:
        """Forgets every task, upload, count and fault."""
        self.engine.reset()
        self.callbacks.reset()
        self.audit.reset()
        self.faults.reset()

    async def close(self) -> None:
        await self.callbacks.close()
        self.engine.advance()
        self.journal.close()
        self.painters.shutdown()

    def is_let_in(self, scope: Scope) -> bool:
        return not self._key or self.dialect.admits(self._key, scope["headers"])

    def turned_away(self, call: Call) -> Response | None:
        """The answer to a caller without the key, or to a request that meets a fault at the door."""
        if not self.is_let_in(call.scope):
            return self.page(401, call.scope)
        if self.faults.too_many():
            self.audit.refused["429"] += 1
            return Response(status_code=429, headers={"Retry-After": "1"})
        call.fault = self.faults.struck(call.path)
        if call.fault is None:
            return None
        self.audit.struck[str(call.fault)] += 1
        if isinstance(call.fault, int):
            return self.page(call.fault, call.scope)
        return Response(status_code=200) if call.fault == "empty" else None

    def page(self, status: int, scope: Scope) -> Response:
        """An error in the dialect's own shape."""
        self.audit.refused[str(status)] += 1
        return self.dialect.page(status, scope["method"], scope["path"])
