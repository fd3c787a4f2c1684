"""Where a worker can be killed: between any two lines of the flow that matter. Nothing in the product knows of it.

A point is a function of the product, and a moment: before it is called, after it (if it has a transaction, inside
that), or once its transaction has committed and nobody has been told yet. What counts as a passage is said by `counts`,
so that no worker dies in a step that finds nothing to do.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from importlib import import_module
from typing import Any, NoReturn

import httpx

from pipeline.store.engine import Transaction


class When(StrEnum):
    """The moment, as seen from the function."""

    BEFORE = "before"
    AFTER = "after"
    COMMITTED = "committed"
    SENT = "http11.receive_response_headers.started"
    """A POST has left whole, and nothing of its reply is read."""
    ANSWERED = "http11.receive_response_headers.complete"
    """The reply to a POST has begun to arrive."""


Passage = Callable[[Sequence[Any], Any], Any]
"""Whether a call counts: its arguments, and what it returned (before the call, nothing)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """`where` is `module:name` or `module:Class.name`, as the product itself looks it up."""

    where: str
    when: When
    worker: str
    """Which kind of worker passes it: flow or deliver."""
    counts: Passage = lambda _, __: True

    def found(self) -> tuple[Any, str]:
        """What has the function as its attribute, and under which name."""
        module, _, path = self.where.partition(":")
        *outer, name = path.split(".")
        owner = import_module(module)
        for part in outer:
            owner = getattr(owner, part)
        return owner, name

    def arm(self, nth: int) -> None:
        """Makes this process die at the n-th passage."""
        owner, name = self.found()
        passages = itertools.count(1)

        def passed() -> None:
            if next(passages) == nth:
                die()

        setattr(owner, name, _WRAPPED[self.when](self, getattr(owner, name), passed))


def die() -> NoReturn:
    """No farewell: no `finally`, no buffer, no connection is closed by us."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a process survived SIGKILL")


def _before(point: Point, call: Callable[..., Any], passed: Callable[[], None]) -> Callable[..., Any]:
    @wraps(call)
    def doomed(*args: Any, **words: Any) -> Any:
        if point.counts(args, None):
            passed()
        return call(*args, **words)

    return doomed


def _after(point: Point, call: Callable[..., Any], passed: Callable[[], None]) -> Callable[..., Any]:
    @wraps(call)
    def doomed(*args: Any, **words: Any) -> Any:
        result = call(*args, **words)
        if point.counts(args, result):
            passed()
        return result

    return doomed


def _committed(point: Point, call: Callable[..., Any], passed: Callable[[], None]) -> Callable[..., Any]:
    """The first of what a transaction does once it has committed."""

    @wraps(call)
    def doomed(*args: Any, **words: Any) -> Any:
        result = call(*args, **words)
        if point.counts(args, result):
            next(one for one in args if isinstance(one, Transaction)).rings.insert(0, passed)
        return result

    return doomed


def _within_the_post(point: Point, call: Callable[..., Any], passed: Callable[[], None]) -> Callable[..., Any]:
    """httpx tells of each stage of a request, if it is asked to."""

    def stage(name: str, _: Any) -> None:
        if name == point.when:
            passed()

    @wraps(call)
    def doomed(client: httpx.Client, request: httpx.Request, **words: Any) -> Any:
        if request.method == "POST" and "/submit/" in request.url.path:
            request.extensions = {**request.extensions, "trace": stage}
        return call(client, request, **words)

    return doomed


_WRAPPED = {
    When.BEFORE: _before,
    When.AFTER: _after,
    When.COMMITTED: _committed,
    When.SENT: _within_the_post,
    When.ANSWERED: _within_the_post,
}


def _took_tasks(_: Sequence[Any], handful: Any) -> Any:
    return handful.tasks


def _has_tasks(args: Sequence[Any], _: Any) -> Any:
    return args[1].tasks


def _third(args: Sequence[Any], _: Any) -> Any:
    return args[2]


def _result(_: Sequence[Any], result: Any) -> Any:
    return result


def _is_the_picture(args: Sequence[Any], _: Any) -> bool:
    name: str = args[2]
    return not name.endswith(".json")


def _is_the_record(args: Sequence[Any], _: Any) -> bool:
    return not _is_the_picture(args, _)


def _flow(where: str, when: When, counts: Passage = lambda _, __: True) -> Point:
    return Point(where=where, when=when, worker="flow", counts=counts)


def _deliver(where: str, when: When, counts: Passage = lambda _, __: True) -> Point:
    return Point(where=where, when=when, worker="deliver", counts=counts)


READ = {
    "read: tasks written, not committed": _flow("pipeline.store.rows:write_tasks", When.AFTER),
    "read: tasks committed, nobody rung": _flow("pipeline.store.rows:write_tasks", When.COMMITTED),
}
SUBMIT = {
    "submit: claimed, not committed": _flow("pipeline.dispatch:take", When.AFTER, _took_tasks),
    "submit: claim committed, nobody rung": _flow("pipeline.dispatch:take", When.COMMITTED, _took_tasks),
    "submit: claimed, nothing sent": _flow("pipeline.worker.sending:send_and_save", When.BEFORE, _has_tasks),
    "submit: just before a POST": _flow("pipeline.api.client:Api.submit", When.BEFORE),
    "submit: sent, reply not read": _flow("httpx:Client.send", When.SENT),
    "submit: reply arriving": _flow("httpx:Client.send", When.ANSWERED),
    "submit: reply read, not noted": _flow("pipeline.api.client:Api.submit", When.AFTER),
    "submit: settled, not committed": _flow("pipeline.store.settlements:settle", When.AFTER),
    "submit: settled, nobody rung": _flow("pipeline.store.settlements:settle", When.COMMITTED),
}
TRACK = {
    "track: answered, nothing noted": _flow("pipeline.api.client:Api.list", When.AFTER, _result),
    "track: reports applied, not committed": _flow("pipeline.worker.applying:apply", When.AFTER, _third),
    "track: reports committed, nobody rung": _flow("pipeline.worker.applying:apply", When.COMMITTED, _third),
    "track: before follow-ups are created": _flow("pipeline.store.moves:add_children", When.BEFORE, _third),
    "track: follow-ups created, not committed": _flow("pipeline.store.moves:add_children", When.AFTER, _third),
}
DELIVER = {
    "deliver: claimed, nothing fetched": _deliver(
        "pipeline.store.deliveries:claim_for_delivery", When.COMMITTED, _result
    ),
    "deliver: downloaded, without its name": _deliver(
        "pipeline.deliver.files:LocalFolder.keep", When.BEFORE, _is_the_picture
    ),
    "deliver: named, without its record": _deliver(
        "pipeline.deliver.files:LocalFolder.keep", When.AFTER, _is_the_picture
    ),
    "deliver: record beside it, not in the database": _deliver(
        "pipeline.deliver.files:LocalFolder.keep", When.AFTER, _is_the_record
    ),
    "deliver: recorded, not committed": _deliver("pipeline.store.deliveries:record", When.AFTER),
    "deliver: recorded and committed": _deliver("pipeline.store.deliveries:record", When.COMMITTED),
}
RESCUE = {
    "rescue: put in doubt, not committed": _flow("pipeline.store.rescue:rescue", When.AFTER, _result),
    "rescue: put in doubt and committed": _flow("pipeline.store.rescue:rescue", When.COMMITTED, _result),
}
LOOK = {
    "look: tasks taken, nothing asked": _flow("pipeline.store.looks:take_to_look", When.COMMITTED, _result),
    "look: answered, nothing noted": _flow("pipeline.api.client:Api.find", When.AFTER),
    "look: doubt settled, not committed": _flow("pipeline.store.doubts:resolve", When.AFTER, _result),
    "look: doubt settled, nobody rung": _flow("pipeline.store.doubts:resolve", When.COMMITTED, _result),
}
POINTS = READ | SUBMIT | TRACK | DELIVER | RESCUE | LOOK
