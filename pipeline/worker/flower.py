"""What Flower is told: each API task, and each batch, as a task of Celery's event protocol. Pure.

How Flower 2.2 and Celery 5.7 take such events is told in docs/how-it-works.md, under Flower.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pipeline.store.batches import Batch
from pipeline.store.events import Event
from pipeline.store.progress import Progress
from pipeline.task import State

LONGEST_PROMPT = 200
"""Characters of a prompt that are shown."""

Told = dict[str, Any]
"""One event: `type`, `uuid`, `hostname`, `timestamp`, and what is particular to its type."""

_GOES_ON = {State.IN_DOUBT, State.FAILED, State.CANCELLED}
"""From where a task that is submitted comes back. Celery takes nothing back of what has ended, but by a retry."""
_LINK = re.compile(r"https?://\S+")


def moved(event: Event) -> Iterator[Told]:
    """What a move is told as. Nothing where it changes nothing that Flower shows."""
    match event.to_state:
        case State.SUBMITTING:
            yield _of("task-received", event)
        case State.SUBMITTED if event.from_state in _GOES_ON:
            yield _of("task-retried", event, exception="the API has it after all", traceback="")
            yield _of("task-received", event)
        case State.PLANNED | State.IN_DOUBT if event.from_state is not State.PLANNED:
            yield _of("task-retried", event, exception=_why(event), traceback="")
        case State.RUNNING:
            yield started(event)
        case State.SUCCEEDED:
            yield started(event)
            yield _of("task-succeeded", event, result=event.image_url or "", runtime=_runtime(event))
        case State.FAILED:
            yield _of("task-failed", event, exception=_why(event), traceback="")
        case State.CANCELLED:
            yield _of("task-revoked", event, terminated=False, signum=None, expired=False)


def stands(event: Event) -> Iterator[Told]:
    """Everything about a task of which nothing was told before."""
    yield _of("task-received", event, timestamp=(event.submitted_at or event.at).timestamp())
    match event.to_state:
        case State.SUBMITTING | State.SUBMITTED:
            pass
        case State.SUCCEEDED | State.DELIVERED:
            ended = (event.finished_at or event.at).timestamp()
            yield started(event)
            yield _of("task-succeeded", event, timestamp=ended, result=event.image_url or "", runtime=_runtime(event))
        case _:
            yield from moved(event)


def started(event: Event, progress: str = "") -> Told:
    """It is being made. Told again with its progress, which Flower shows as a result until there is one."""
    began = event.started_at or event.submitted_at or event.at
    return _of("task-started", event, timestamp=began.timestamp(), result=progress)


def batch_stands(batch: Batch, progress: Progress) -> Iterator[Told]:
    """A batch with its counts: being made as long as anything of it goes on."""
    said = {
        "uuid": batch_uuid(batch.id),
        "name": "batch",
        "hostname": hostname(batch.account),
        "args": batch.name,
        "kwargs": repr({"account": batch.account}),
        "root_id": batch_uuid(batch.id),
        "retries": 0,
    }
    began, now = {"timestamp": batch.created_at.timestamp()}, {"timestamp": time.time()}
    counts = _counts(progress)
    yield said | began | {"type": "task-received"}
    yield said | began | {"type": "task-started", "result": counts}
    if progress.cancelled and progress.over:
        yield said | now | {"type": "task-revoked", "terminated": False, "expired": False, "result": counts}
    elif progress.whole:
        yield said | now | {"type": "task-succeeded", "result": counts}
    elif progress.over:
        yield said | now | {"type": "task-failed", "exception": counts, "traceback": ""}


def batch_uuid(batch_id: int) -> str:
    return f"batch-{batch_id}"


def hostname(account: str) -> str:
    """What Flower shows as the worker: the account that makes the picture."""
    return f"api@{account}"


def _of(type_: str, event: Event, **particular: Any) -> Told:
    batch = batch_uuid(event.batch_id)
    return {
        "type": type_,
        "uuid": str(event.task_id),
        "name": event.action,
        "hostname": hostname(event.account),
        "timestamp": event.at.timestamp(),
        "args": _readable(event.prompt),
        "kwargs": repr({"batch": event.batch, "key": event.key, "account": event.account}),
        "parent_id": batch if event.parent_id is None else str(event.parent_id),
        "root_id": batch,
        "retries": max(0, event.attempt - 1),
    } | particular


def _readable(prompt: str) -> str:
    """The prompt without what a link may carry besides host and path: passwords, signatures, tokens."""
    plain = _LINK.sub(lambda link: _plain(link[0]), prompt)
    return plain if len(plain) <= LONGEST_PROMPT else f"{plain[: LONGEST_PROMPT - 3]}..."


def _plain(link: str) -> str:
    try:
        parts = urlsplit(link)
    except ValueError:
        return "(link)"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _why(event: Event) -> str:
    reason = event.detail or ("a window was opened: it is answered now" if event.to_state is State.PLANNED else "")
    return f"in doubt: {reason}" if event.to_state is State.IN_DOUBT else reason


def _runtime(event: Event) -> float:
    """Seconds that the API took, by its own clock where it says so."""
    began, ended = event.started_at or event.submitted_at, event.finished_at or event.at
    return max(0.0, (ended - began).total_seconds()) if began else 0.0


def _counts(progress: Progress) -> str:
    more = {
        "failed": progress.failed,
        "in doubt": progress.in_doubt,
        "made but not here": progress.stranded,
        "beyond the budget": progress.unaffordable,
        "not reached": progress.not_reached,
    }
    standing = [progress.standing] if progress.standing in {"paused", "cancelled"} else []
    said = [
        *standing,
        f"{progress.done:,} of {progress.tasks:,} done",
        *(f"{n:,} {word}" for word, n in more.items() if n),
    ]
    return ", ".join(said)
