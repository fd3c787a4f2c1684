"""The server's own description of what it serves in its dialect: OpenAPI 3.1, made of what really answers."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from pipeline.sandbox import schemas
from pipeline.sandbox.dialects import Dialect
from pipeline.sandbox.options import DialectName

SAYS = {
    "/mj/submit/imagine": "Four pictures from a prompt, in one grid",
    "/mj/submit/change": "Upscale, vary or reroll a grid",
    "/mj/submit/simple-change": "The same, as text: `<id> U2`",
    "/mj/submit/action": "Press one of a task's buttons. Code 21 opens a window: answer it with modal",
    "/mj/submit/modal": "Answer a window, under the id that came with code 21",
    "/mj/submit/blend": "Two to five pictures made one",
    "/mj/submit/describe": "Four prompts for a picture",
    "/mj/submit/shorten": "Five shorter versions of a prompt",
    "/mj/submit/upload-discord-images": "Pictures in, addresses out",
    "/mj/submit/edits": "A picture, changed by a prompt",
    "/mj/submit/edit": "The same as edits",
    "/mj/submit/retexture": "The same as edits",
    "/mj/submit/video": "A short film of a picture",
    "/mj/insight-face/swap": "A face from one picture in another",
    "/mj/task/{id}/fetch": "One task. An unknown id is answered with nothing, or refused",
    "/mj/task/{id}/image-seed": "The seed of a finished picture",
    "/mj/task/{id}/cancel": "Stop a task that is not over",
    "/mj/task/list": "Tasks, newest first",
    "/mj/task/queue": "Tasks that run or wait, oldest first",
    "/mj/task/list-by-condition": "The tasks with these ids, in no order; unknown ones are left out",
    "/mj/task/list-by-ids": "The same, with `displays` for a person's eyes",
    "/mj/task/query": "A page of the tasks that fit",
    "/mj/image/{id}": "The picture of a task",
}
GET = frozenset(
    {"/mj/task/{id}/fetch", "/mj/task/{id}/image-seed", "/mj/task/list", "/mj/task/queue", "/mj/image/{id}"}
)
HEADERS = {
    DialectName.PLUS: "mj-api-secret",
    DialectName.NOVICEZK: "mj-api-secret",
    DialectName.TRUEAI: "Authorization",
    DialectName.RELAY: "Authorization",
}
NEVER_WORKS = frozenset({(DialectName.RELAY, "/mj/submit/simple-change")})
"""Routed, and always answered 503: nothing that a caller should be told of."""
ERRORS = (400, 401, 403, 404, 429, 500, 503)


def document(dialect: Dialect, base: str) -> dict[str, Any]:
    """The whole description. `base` is the address of the server."""
    named = schemas.answers()
    named["Task"] = schemas.task(buttons=dialect.name is not DialectName.NOVICEZK, relay=dialect.polls)
    bodies = schemas.requests(schemas.LOOSE_PICTURE if dialect.loose_pictures else schemas.PICTURE)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"midjourney-proxy sandbox, {dialect.name} dialect",
            "version": "1",
            "description": "An emulated server: it costs nothing, and its pictures are drawings.",
        },
        "servers": [{"url": base}],
        "security": [{"key": []}],
        "paths": {path: _path(dialect, path, bodies.get(path)) for path in _served(dialect)},
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": HEADERS[dialect.name]}},
            "schemas": named,
        },
    }


def _served(dialect: Dialect) -> list[str]:
    return [path for path in SAYS if path in dialect.paths and (dialect.name, path) not in NEVER_WORKS]


def _path(dialect: Dialect, path: str, body: schemas.Schema | None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": SAYS[path],
        "operationId": path.removeprefix("/mj/").replace("/{id}", "").replace("/", "-"),
        "responses": _responses(dialect, path),
    }
    if body is not None:
        if not dialect.polls:
            operation["responses"]["415"] = _error(dialect, 415, path)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if path == "/mj/image/{id}":
        operation["security"] = []
    described: dict[str, Any] = {"get" if path in GET else "post": operation}
    if "{id}" in path:
        described["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": schemas.TASK_ID}]
    return described


def _responses(dialect: Dialect, path: str) -> dict[str, Any]:
    found = {str(status): _error(dialect, status, path) for status in ERRORS}
    kinds = {"/mj/task/query": "Page", "/mj/task/{id}/cancel": "Message", "/mj/task/{id}/fetch": "Task"}
    if path == "/mj/image/{id}":
        return {
            "200": {"description": "The picture", "content": {"image/png": {}, "image/webp": {}}},
            "400": {"description": "Unknown", "content": {"application/json": {}}},
        }
    answer: dict[str, Any] = _named(kinds.get(path, "SubmitResult"))
    if path.startswith("/mj/task/list") or path == "/mj/task/queue":
        answer = {"type": "array", "items": _named("Task")}
    if dialect.strict and not dialect.polls and path not in GET:
        answer = {"anyOf": [answer, _named("Envelope")]}
    found["200"] = {"description": "OK", "content": {"application/json": {"schema": answer}}}
    if path == "/mj/task/{id}/fetch" and dialect.unknown[0] == 204:
        found["204"] = {"description": "Unknown"}
    if path == "/mj/task/{id}/cancel" and not dialect.cancels:
        found["400"] = {"description": "Only for administrators", "content": {"text/plain": {"schema": schemas.TEXT}}}
    return dict(sorted(found.items()))


def _error(dialect: Dialect, status: int, path: str) -> dict[str, Any]:
    """As the dialect's page for this status really looks; what it is at trueai when a parent is unknown."""
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    page = dialect.page(status, "POST", path)
    if dialect.polls and status == 400:
        either = {"anyOf": [_named("RelayError"), _named("OpenAIError")]}
        return described | {"content": {"application/json": {"schema": either}}}
    if dialect.orphan().status == status == 404 or (dialect.strict and not dialect.polls and status == 400):
        return described | {"content": {"application/json": {"schema": _named("SubmitResult")}}}
    if not page.body:
        return described
    if page.media_type == "text/plain":
        return described | {"content": {"text/plain": {"schema": schemas.TEXT}}}
    schema = _named(_kind(json.loads(bytes(page.body))))
    return described | {"content": {page.media_type: {"schema": schema}}}


def _kind(page: dict[str, Any]) -> str:
    if "success" in page:
        return "Envelope"
    if "title" in page:
        return "ProblemDetails"
    if "timestamp" in page:
        return "SpringError"
    return "OpenAIError" if "error" in page else "RelayError"


def _named(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
