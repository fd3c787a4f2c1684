"""What the query routes answer: one task, many, a page of them, a seed; and what cancels one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from starlette.responses import PlainTextResponse, Response

from pipeline.sandbox.answers import Call, Sandbox
from pipeline.sandbox.pages import JSON
from pipeline.sandbox.results import MalformedError, RefusedError, RelayRefusedError, result
from pipeline.sandbox.tasks import Task, encode

EXACT = ("id", "action", "status", "state")
PARTLY = ("prompt", "promptEn", "description", "failReason")
LARGEST_PAGE = 1000
UNSORTED = {"empty": True, "sorted": False, "unsorted": True}


class Queries:
    """One answer for each query route."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._engine = sandbox.engine
        self._printer = sandbox.printer
        self._dialect = sandbox.dialect

    def fetch(self, call: Call) -> Response:
        now = self._engine.advance()
        task = self._engine.tasks.get(call.task_id)
        if task is None or self._sandbox.faults.empties():
            return self._unknown()
        return Response(self._printer.task(task, now), media_type=JSON)

    def list_by_condition(self, call: Call) -> Response:
        try:
            return self._tasks(self._ids(call))
        except MalformedError as malformed:
            return self._sandbox.page(malformed.status, call.scope)

    def list_by_ids(self, call: Call) -> Response:
        """The same tasks with `displays`, strings for a person's eyes."""
        try:
            ids = self._ids(call)
        except MalformedError as malformed:
            return self._sandbox.page(malformed.status, call.scope)
        now, tasks = self._engine.advance(), self._engine.tasks
        shown = [self._printer.with_displays(tasks[one], now) for one in ids if one in tasks]
        return Response(encode(shown), media_type=JSON)

    def list_all(self, _: Call) -> Response:
        newest = list(reversed(self._engine.tasks))
        return self._tasks(newest[: self._dialect.listed])

    def list_queue(self, _: Call) -> Response:
        self._engine.advance()
        return self._tasks(task.id for task in self._engine.unfinished())

    def query(self, call: Call) -> Response:
        """A page, newest first unless `sort` says otherwise."""
        try:
            asked = call.body
            number, size = _count(asked, "pageNumber", 0), _count(asked, "pageSize", 10)
            fits = _filter(asked)
            field, ascending = _sort(asked)
        except MalformedError as malformed:
            return self._sandbox.page(malformed.status, call.scope)
        now = self._engine.advance()
        rows = [self._printer.fields(task, now) for task in self._engine.tasks.values()]
        found = sorted((row for row in rows if fits(row)), key=lambda row: _order(row, field), reverse=not ascending)
        return Response(encode(_page(found, number, min(max(size, 1), LARGEST_PAGE))), media_type=JSON)

    def cancel(self, call: Call) -> Response:
        if not self._dialect.cancels:
            return PlainTextResponse("演示模式，禁止操作", 400)
        self._engine.advance()
        task = self._engine.tasks.get(call.task_id)
        if task is None:
            return _message(3, "任务不存在或已失效")
        if task.finished is not None:
            return _message(4, "任务状态错误")
        self._engine.cancel(task)
        return _message(1, "成功")

    def seed(self, call: Call) -> Response:
        now = self._engine.advance()
        task = self._engine.tasks.get(call.task_id)
        try:
            if task is None:
                raise RelayRefusedError("task_no_found") if self._dialect.polls else self._dialect.orphan()
            if task.standing(now)[0] != "SUCCESS":
                raise RefusedError(4, "关联任务状态错误", status=self._dialect.seedless_status)
            patience, failure = self._dialect.seed_patience
            if self._sandbox.options.seed_seconds > patience:
                raise failure()
        except RefusedError as refused:
            self._sandbox.audit.refused[str(refused.code)] += 1
            return Response(refused.answer, refused.status, media_type=JSON)
        return Response(result(1, "成功", seed_of(task)), media_type=JSON)

    def _ids(self, call: Call) -> list[str]:
        """Known or not, each once. The real servers read a hash set: never the order of the request."""
        ids = call.body.get("ids")
        ids = [] if ids is None else ids
        kinds = (str,) if self._dialect.strict else (str, int, float)
        if not isinstance(ids, list) or not all(isinstance(one, kinds) for one in ids if one is not None):
            raise MalformedError
        return sorted({str(one) for one in ids}, reverse=True)

    def _tasks(self, ids: Iterable[str]) -> Response:
        now, tasks, written = self._engine.advance(), self._engine.tasks, self._printer.task
        found = [written(tasks[one], now) for one in ids if one in tasks]
        return Response(b"[" + b",".join(found) + b"]", media_type=JSON)

    def _unknown(self) -> Response:
        status, body = self._dialect.unknown
        return Response(body, status, media_type=JSON if status != 204 else None)


def seed_of(task: Task) -> str:
    """The prompt's, else one that belongs to the first task of its line."""
    while task.order.parent is not None:
        task = task.order.parent
    asked = re.search(r"--seed\s+(\d+)", task.order.prompt)
    return asked.group(1) if asked else str(int.from_bytes(task.digest[:4], "big"))


def _message(code: int, description: str) -> Response:
    return Response(encode({"code": code, "description": description}), media_type=JSON)


def _count(asked: dict[str, Any], name: str, default: int) -> int:
    value = asked.get(name)
    if value is None:
        return default
    if type(value) is not int or not 0 <= value < 2**31:
        raise MalformedError
    return value


def _filter(asked: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    """Exact fields, texts that contain what was asked for, ids, and a set of statuses."""
    fields = {name: asked.get(name) for name in (*EXACT, *PARTLY, "instanceId")}
    wanted = {name: value for name, value in fields.items() if value is not None and value != ""}
    sets = {name: asked[field] for field, name in (("ids", "id"), ("statusSet", "status")) if asked.get(field)}
    if not all(isinstance(value, str) for value in wanted.values()):
        raise MalformedError
    if not all(isinstance(values, list) for values in sets.values()):
        raise MalformedError

    def fits(row: dict[str, Any]) -> bool:
        known = row | {"instanceId": (row["properties"] or {}).get("discordInstanceId")}
        return all(
            value in (known[name] or "") if name in PARTLY else known[name] == value for name, value in wanted.items()
        ) and all(row[name] in values for name, values in sets.items())

    return fits


def _sort(asked: dict[str, Any]) -> tuple[str, bool]:
    written = asked.get("sort") or "submitTime,desc"
    if not isinstance(written, str):
        raise MalformedError
    field, _, direction = written.partition(",")
    return field.strip(), direction.strip().lower() != "desc"


def _order(row: dict[str, Any], field: str) -> tuple[bool, Any, str]:
    value = row.get(field)
    return value is not None, value if isinstance(value, int | str) else "", row["id"]


def _page(found: list[dict[str, Any]], number: int, size: int) -> dict[str, Any]:
    content = found[number * size : (number + 1) * size]
    pages = -(-len(found) // size)
    place = {"offset": number * size, "pageNumber": number, "pageSize": size, "paged": True, "unpaged": False}
    return {
        "content": content,
        "number": number,
        "size": size,
        "numberOfElements": len(content),
        "totalElements": len(found),
        "totalPages": pages,
        "first": number == 0,
        "last": number >= pages - 1,
        "empty": not content,
        "pageable": place | {"sort": UNSORTED},
        "sort": UNSORTED,
    }
