"""Pictures and films: what was made, and what was sent."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from io import BytesIO

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from pipeline.sandbox.answers import Sandbox
from pipeline.sandbox.film import mp4
from pipeline.sandbox.pages import JSON
from pipeline.sandbox.pictures import drawing_of, picture, png
from pipeline.sandbox.tasks import Action, Order, Task, Upload
from pipeline.sandbox.view import extension

GONE = "This content is no longer available."
PREVIEW_SIDE = 256
"""Of an unfinished grid, in pixels at most."""
TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}


class Media:
    """Nobody needs a key for these, as at the real servers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        routes = [
            Route("/pictures/{id}.png", self.picture),
            Route("/pictures/{id}_grid_0.webp", self.preview),
            Route("/films/{id}-{n:int}.mp4", self.film),
            Route("/uploads/{digest}.{extension}", self.upload),
        ]
        return [*routes, Route("/mj/image/{id}", self.image)] if self._sandbox.dialect.polls else routes

    async def picture(self, request: Request) -> Response:
        task = self._made(request.path_params["id"])
        if (fault := self._fault("/pictures/{id}.png")) is not None:
            return fault
        if task is None or task.order.action is Action.SHORTEN:
            return PlainTextResponse(GONE, 404)
        return await self._shown(task, request)

    async def preview(self, request: Request) -> Response:
        """An unfinished grid, which is gone as soon as the task is over."""
        task = self._unfinished(request.path_params["id"])
        if (fault := self._fault("/pictures/{id}_grid_0.webp")) is not None:
            return fault
        return PlainTextResponse(GONE, 404) if task is None else await self._sketched(task)

    async def image(self, request: Request) -> Response:
        """The relay's own link: what it finds behind it."""
        task = self._made(request.path_params["id"])
        if (fault := self._fault("/mj/image/{id}")) is not None:
            return fault
        if (unfinished := self._unfinished(request.path_params["id"])) is not None:
            return await self._sketched(unfinished)
        if task is None or task.order.action is Action.SHORTEN:
            return Response('{"error":"midjourney_task_not_found"}', 400, media_type=JSON)
        if task.order.action is Action.DESCRIBE and task.order.images:
            return _sent(task.order.images[0])
        return await self._shown(task, request)

    async def film(self, request: Request) -> Response:
        task, n = self._made(request.path_params["id"]), request.path_params["n"]
        if (fault := self._fault("/films/{id}-{n}.mp4")) is not None:
            return fault
        if task is None or task.order.action is not Action.VIDEO or not 1 <= n <= 4:
            return PlainTextResponse(GONE, 404)
        content = await self._painted(partial(mp4, task.order, self._sandbox.options.picture_size))
        return Response(content, media_type="video/mp4")

    async def upload(self, request: Request) -> Response:
        if (fault := self._fault("/uploads/{digest}.{extension}")) is not None:
            return fault
        found = self._sandbox.journal.uploads.find(request.path_params["digest"])
        return PlainTextResponse(GONE, 404) if found is None else _sent(found)

    def _made(self, task_id: str) -> Task | None:
        self._sandbox.engine.advance()
        task = self._sandbox.engine.tasks.get(task_id)
        return task if task is not None and task.status == "SUCCESS" else None

    def _unfinished(self, task_id: str) -> Task | None:
        now = self._sandbox.engine.advance()
        task = self._sandbox.engine.tasks.get(task_id)
        return task if task is not None and task.previewed(task.standing(now)) else None

    def _fault(self, path: str) -> Response | None:
        fault = self._sandbox.faults.scripted(path)
        return PlainTextResponse(GONE, fault) if isinstance(fault, int) else None

    def _expired(self, task: Task, request: Request) -> bool:
        """A link says when it ends (`ex`, in hexadecimal epoch seconds); a relay's own ends with what is behind it."""
        seconds = self._sandbox.options.link_seconds
        if not seconds or task.finished is None:
            return False
        try:
            ends = int(request.query_params.get("ex", ""), 16)
        except ValueError:
            ends = int(task.finished / 1000 + seconds)
        return time.time() > ends

    async def _shown(self, task: Task, request: Request) -> Response:
        spoilt = self._sandbox.faults.spoils(task.order)
        if self._expired(task, request):
            return PlainTextResponse(GONE, 403)
        if spoilt == "missing":
            return PlainTextResponse(GONE, 404)
        if spoilt == "html":
            return HTMLResponse("<!doctype html><title>Sign in</title><p>Please sign in to see this picture.")
        content = await self._painted(partial(_drawn, task.order, self._sandbox.options.picture_size))
        return Response(content[: len(content) // 2] if spoilt else content, media_type="image/png")

    async def _sketched(self, task: Task) -> Response:
        side = min(self._sandbox.options.picture_size, PREVIEW_SIDE)
        return Response(await self._painted(partial(_sketch, task.order, side)), media_type="image/webp")

    async def _painted(self, paint: partial[bytes]) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._sandbox.painters, paint)


def _drawn(order: Order, side: int) -> bytes:
    return png(drawing_of(order, side))


def _sketch(order: Order, side: int) -> bytes:
    file = BytesIO()
    picture(drawing_of(order, side)).save(file, "WEBP", quality=30)
    return file.getvalue()


def _sent(upload: Upload) -> Response:
    return Response(upload.content, media_type=TYPES[extension(upload.content)])
