"""Windows: what `/submit/modal` must bring before a task that waits for it can be made."""

from __future__ import annotations

import re
from dataclasses import replace

from pipeline.sandbox.results import RefusedError
from pipeline.sandbox.submission import Submission
from pipeline.sandbox.submits import BANNED
from pipeline.sandbox.tasks import Order, Task, Window

_ZOOM = re.compile(r"--zoom\s+(\d+(?:\.\d+)?)")


class AnsweredAgainError(RefusedError):
    """A window that was answered before: the task is being made already."""


def waiting(asked: Submission) -> Task:
    """The task whose window this request answers, if that is still open."""
    task = asked.known.get(asked.required("taskId").strip())
    if task is None:
        raise asked.dialect.orphan()
    if task.answered is not None:
        raise AnsweredAgainError(4, "关联任务状态错误")
    if task.order.window is None or task.finished is not None:
        raise RefusedError(4, "关联任务状态错误")
    return task


def filled(asked: Submission, order: Order) -> Order:
    """The order as its window was filled in. An empty prompt keeps the one that was shown."""
    prompt = asked.text("prompt").strip() or order.prompt
    if (banned := BANNED.search(prompt)) and not asked.dialect.bans_late:
        raise RefusedError(24, "可能包含敏感词", promptEn=prompt, bannedWord=banned.group())
    words = asked.dialect.words
    if order.window is Window.ZOOM:
        factor = _ZOOM.search(prompt)
        if factor is None or not 1 <= float(factor.group(1)) <= 2:
            raise RefusedError(4, words.zoom)
        return replace(order, prompt=prompt, variant=f"{float(factor.group(1)):g}", window=None)
    if order.window is Window.REGION:
        text = asked.text("maskBase64")
        if not text.strip():
            raise RefusedError(4, words.mask)
        return replace(order, prompt=prompt, mask=asked.picture(text), window=None)
    return replace(order, prompt=prompt, window=None)
