"""The steps. Each loads, does one stage, saves, and rings the next doorbell once that is committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import ParamSpec

from sqlalchemy.exc import OperationalError

from pipeline import dispatch, follow_up, track
from pipeline.api.client import IDS_A_CALL, QueryError
from pipeline.cancel import ask_to_stop
from pipeline.errors import PipelineError, UsageError
from pipeline.log import Log
from pipeline.manifest import Manifest
from pipeline.manifest.pictures import KnownPictures
from pipeline.outcome import Report
from pipeline.plan import tasks as planned_tasks
from pipeline.store import accounts, batches, claims, deliveries, moves, needs, pictures, rows
from pipeline.store import rescue as abandoned
from pipeline.task import TaskAtApi
from pipeline.wiring import Runtime, runtime
from pipeline.worker import applying, delivering, looking, sending, stopping
from pipeline.worker.app import app
from pipeline.worker.applying import bell

log = Log("worker")

P = ParamSpec("P")


def step(name: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Plumbing: no result, no events, no retries of Celery's own. Nothing begins once this process is told to stop."""
    decorate: Callable[[Callable[P, None]], Callable[P, None]] = app.task(
        name=f"pipeline.{name}", ignore_result=True, send_events=False
    )

    def unless_told_to_stop(work: Callable[P, None]) -> Callable[P, None]:
        @wraps(work)
        def begin(*args: P.args, **kwargs: P.kwargs) -> None:
            if not stopping.told():
                work(*args, **kwargs)

        return decorate(begin)

    return unless_told_to_stop


@step("read")
def read(batch_id: int) -> None:
    """Manifest to tasks, in one transaction."""
    at = runtime()
    try:
        with at.store.begin() as tx:
            unread = batches.take_to_read(tx, batch_id)
            if unread is None:
                return
            known = KnownPictures(pictures.named(tx, batch_id))
            manifest = Manifest.from_bytes(unread.content, unread.filename, pictures=known, lint=unread.lint)
            grown = rows.write_tasks(tx, batch_id, planned_tasks(manifest.rows(), at.api.traits.lacks))
            moves.add_children(tx, at.account_id, follow_up.children(grown))
            needs.settle(tx, at.account_id)
            tx.after_commit(partial(bell.submit, at.account, at.account_id))
        log.info("batch_planned", batch_id=batch_id)
    except PipelineError as problem:
        _unreadable(at, batch_id, str(problem))
    except OperationalError:
        raise
    except Exception as bug:
        log.exception("read_crashed", batch_id=batch_id)
        _unreadable(at, batch_id, f"this program failed while it read the manifest ({type(bug).__name__})")


def _unreadable(at: Runtime, batch_id: int, problem: str) -> None:
    with at.store.begin() as tx:
        batches.unreadable(tx, batch_id, problem)
    log.warning("batch_unreadable", batch_id=batch_id, why=problem)


def _runtime_for(account_id: int) -> Runtime:
    """This process's runtime. Its key must be that account's: another would make, and pay for, the wrong thing."""
    at = runtime()
    if at.account_id != account_id:
        raise UsageError(f"this worker has the key of {at.account}, not of account {account_id}")
    return at


@step("submit")
def submit_some(account_id: int) -> None:
    """A handful of planned tasks to the API: intent committed, POSTs sent at once, outcomes committed as they come."""
    at = _runtime_for(account_id)
    owner = at.presence.hold()
    if not sending.is_open(at):
        return
    with at.presence.sending() as take_in_hand:
        with at.store.begin() as tx:
            handful = dispatch.take(tx, account_id, owner)
            take_in_hand(task.id for task in handful.tasks)
            if handful.more:
                tx.after_commit(partial(bell.submit, at.account, account_id))
        freed = sending.send_and_save(at, handful)
    if freed:
        bell.submit(at.account, account_id)


@step("track")
def track_account(account_id: int, task_ids: Sequence[int] | None = None) -> None:
    """Asks what has become of the account's tasks, a hundred a call, and applies the reports.

    With `task_ids` of these only: their server has reported them, and is asked whether that is so.
    """
    at = _runtime_for(account_id)
    began = time.monotonic()
    with at.store.begin() as tx:
        known = claims.at_the_api(tx, account_id, task_ids)
        if task_ids is None:
            accounts.poll_again(tx, account_id, after=track.LONGEST_ROUND)
    try:
        reports, unknown = _ask(at, known)
    except QueryError as failure:
        log.warning("poll_failed", account=at.account, why=failure)
        with at.store.begin() as tx:
            accounts.polled(tx, account_id, again=track.LONGEST_POLL, problem=str(failure))
        return
    with at.store.begin() as tx:
        moves.missed(tx, [task.id for task in unknown])
        applying.apply(at, tx, track.changes(known, reports) + track.forgotten(unknown), "poll")
        if task_ids is None:
            again = track.poll_interval(known, called_back=accounts.calls_back(tx, account_id))
            accounts.polled(tx, account_id, again=again - (time.monotonic() - began))


def _ask(at: Runtime, known: Sequence[TaskAtApi]) -> tuple[list[Report], list[TaskAtApi]]:
    """What the API says, and the tasks that it was asked for by name and does not know."""
    ids = [task.remote_id for task in known]
    calls = [ids[start : start + IDS_A_CALL] for start in range(0, len(ids), IDS_A_CALL)]
    reports = [report for reports in at.questions.map(at.api.list, calls) for report in reports]
    asked = track.unlisted(known, reports)[:IDS_A_CALL]
    fetched = list(zip(asked, at.questions.map(partial(_fetch, at), asked), strict=True))
    reports += [answer for _, answer in fetched if isinstance(answer, Report)]
    return reports, [task for task, answer in fetched if answer is None]


def _fetch(at: Runtime, task: TaskAtApi) -> Report | QueryError | None:
    """A question that fails is an answer here: it must not cost the other tasks their reports."""
    try:
        return at.api.fetch(task.remote_id)
    except QueryError as failure:
        return failure


@step("look")
def look(account_id: int) -> None:
    """What is in doubt is looked for at the API; what has ended here, and may still succeed there, as well."""
    looking.look_for(_runtime_for(account_id))


@step("cancel")
def cancel(account_id: int) -> None:
    """The API is asked to stop what cancelled batches have there."""
    at = _runtime_for(account_id)
    try:
        asked = ask_to_stop(at.store, at.api, account_id, at.questions.map)
    except QueryError as failure:
        log.warning("cancel_failed", account=at.account, why=str(failure))
        return
    log.info("asked_to_stop", account=at.account, stopped=asked.stopped, refused=asked.refused, why=asked.why)


@step("deliver")
def deliver(task_ids: Sequence[int]) -> None:
    """Pictures to disk, many at once."""
    at = runtime()
    owner = at.presence.hold()
    with at.store.begin() as tx:
        taken = deliveries.claim_for_delivery(tx, task_ids, lease=delivering.LEASE, owner=owner)
    for ends in delivering.bring_all_home(at, taken):
        with at.store.begin() as tx:
            deliveries.record(tx, ends)
        log.info(
            "delivered",
            tasks=sum(end.path is not None for end in ends),
            failed=sum(end.reason is not None for end in ends),
        )


@step("rescue")
def rescue(thorough: bool = False) -> None:
    """What was left behind: POSTs that nobody answers for, manifests nobody read, pictures nobody brought.

    `thorough`: also rows that wait for pictures which are there; that is rare, and costs a look at every such row.
    """
    at = runtime()
    with at.store.begin() as tx:
        doubted = abandoned.rescue(tx, at.presence)
        if thorough:
            needs.settle(tx, at.account_id)
        for batch_id in batches.unread(tx, at.account_id):
            tx.after_commit(partial(bell.read, at.account, batch_id))
        tx.after_commit(partial(bell.deliver, at.account, deliveries.due(tx, at.account_id, most=1_000)))
    if doubted:
        log.warning("rescued", in_doubt=doubted)
