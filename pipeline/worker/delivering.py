"""One delivery, between the store's words and the deliver stage's: a fresh link where the old one is dead, and when to
try again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace

from pipeline import backoff, submit
from pipeline.action import TEXTS
from pipeline.api.client import QueryError
from pipeline.deliver import (
    LIMITS,
    Cause,
    Delivered,
    Delivery,
    Facts,
    NotDelivered,
    download,
    thread_client,
    write_text,
)
from pipeline.deliver.remote import SECONDS
from pipeline.dispatch import now
from pipeline.log import Log
from pipeline.store.deliveries import DeliveryEnd, Undelivered
from pipeline.wiring import Runtime
from pipeline.worker import stopping

log = Log("worker")

_REQUESTS = 6
"""To a store elsewhere, at most: an older record is read, picture and record are each put and asked for, and an older
picture of another format is removed."""
_LONGEST = 2 * LIMITS.seconds + _REQUESTS * SECONDS + 60.0
LEASE = 2 * _LONGEST
"""Seconds until another worker may bring the picture: twice what two downloads, those requests, and a look-up can
take."""

_ASK_AGAIN = (Cause.DEAD_LINK, Cause.NO_PICTURE)


def bring_all_home(at: Runtime, taken: Sequence[Undelivered]) -> Iterator[list[DeliveryEnd]]:
    """Downloads the pictures; how it ended, all at once at the end. What waits when this process is told to stop is
    handed back before that."""
    taken_at = now()
    pending: dict[Future[DeliveryEnd | None], Undelivered] = {
        at.downloads.submit(bring_home, at, taken_at, task): task for task in taken
    }
    ends: list[DeliveryEnd] = []
    for ended, left in submit.as_they_end(pending, stopping.told):
        ends += [end for _, end in ended if end]
        if left:
            yield [DeliveryEnd(id=task.id, wait=0.0) for task in left]
    yield ends


def bring_home(at: Runtime, taken_at: float, task: Undelivered) -> DeliveryEnd | None:
    """Downloads the picture. None when it came too late to its turn: its lease could end, and rescue finds it again."""
    if now() - taken_at > LEASE - _LONGEST:
        return None
    try:
        return _bring_home(at, task)
    except Exception as bug:
        # One task that meets a fault of ours must not keep the others from being recorded.
        log.exception("delivery_crashed", task=task.id)
        reason = f"this program failed while it brought the picture home ({type(bug).__name__}); see the worker's log"
        return DeliveryEnd(id=task.id, reason=reason)


def _bring_home(at: Runtime, task: Undelivered) -> DeliveryEnd:
    """A link that leads to no picture is replaced once by what the API says now."""
    delivery = _delivery(at, task)
    if task.action in TEXTS:
        return _end(at, task, write_text(delivery, task.result or {}), None)
    result = download(thread_client(), delivery)
    fresh = _fresh_link(at, task) if isinstance(result, NotDelivered) and result.cause in _ASK_AGAIN else None
    if fresh:
        result = download(thread_client(), replace(delivery, url=fresh))
    return _end(at, task, result, fresh)


def _fresh_link(at: Runtime, task: Undelivered) -> str | None:
    try:
        report = at.api.fetch(task.remote_id)
    except QueryError:
        return None
    return report.image_url if report else None


def _delivery(at: Runtime, task: Undelivered) -> Delivery:
    facts = Facts(
        key=task.key,
        batch=task.batch,
        action=task.action,
        prompt=task.prompt,
        word=task.word,
        index=task.index,
        mode=task.mode,
        state=task.state,
        remote_id=task.remote_id,
        parent_remote_id=task.parent_remote_id,
        seed=task.seed,
        account=task.account,
        attempts=task.attempts,
        submitted_at=task.submitted_at,
        started_at=task.started_at,
        finished_at=task.finished_at,
    )
    folder = at.home.inside(task.folder)
    return Delivery(task_id=task.id, folder=folder, stem=task.stem, url=task.image_url or "", facts=facts)


def _end(at: Runtime, task: Undelivered, result: Delivered | NotDelivered, fresh: str | None) -> DeliveryEnd:
    if isinstance(result, Delivered):
        return DeliveryEnd(
            id=task.id,
            path=result.path.as_posix(),
            bytes=result.bytes,
            sha256=result.sha256,
            width=result.width,
            height=result.height,
            media_type=result.media_type,
            image_url=fresh,
        )
    tries = task.tries + 1
    policy = backoff.AWAY if result.cause is Cause.NETWORK else backoff.DOWNLOAD
    wait = backoff.delay(policy, tries, task.seconds_failing, None, at.rng) if result.retryable else None
    reason = result.reason if wait is not None else f"{result.reason}; it waits for the next `pipeline run`"
    return DeliveryEnd(id=task.id, reason=reason, wait=wait, image_url=fresh)
