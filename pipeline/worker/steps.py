"""The steps. Each loads, does one stage, saves, and rings the next doorbell once that is committed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import ParamSpec

from sqlalchemy.exc import DBAPIError, OperationalError

from pipeline import dispatch, follow_up, submit, track
from pipeline.api.client import IDS_A_CALL, QueryError
from pipeline.errors import PipelineError, UsageError
from pipeline.manifest import Manifest
from pipeline.outcome import Accepted, Outcome, Report
from pipeline.plan import tasks as planned_tasks
from pipeline.store import accounts, batches, claims, deliveries, moves
from pipeline.task import ClaimedTask, TaskAtApi
from pipeline.wiring import Runtime, runtime
from pipeline.worker import delivering
from pipeline.worker.app import Doorbell, app

log = logging.getLogger("pipeline.worker")

SAVE_FOR = 600.0
"""Seconds for which the outcomes of POSTs are kept while Postgres is away; after that those tasks are in doubt."""
bell = Doorbell()


P = ParamSpec("P")


def step(name: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Plumbing: no result, no events, no retries of Celery's own."""
    decorate: Callable[[Callable[P, None]], Callable[P, None]] = app.task(
        name=f"pipeline.{name}", ignore_result=True, send_events=False
    )
    return decorate


@step("read")
def read(batch_id: int) -> None:
    """Manifest to tasks, in one transaction."""
    at = runtime()
    try:
        with at.store.begin() as tx:
            taken = batches.take_to_read(tx, batch_id)
            if taken is None:
                return
            filename, content = taken
            added = batches.write_tasks(tx, batch_id, planned_tasks(Manifest.from_bytes(content, filename).rows()))
            tx.after_commit(partial(bell.submit, at.account, at.account_id))
        log.info("batch_planned batch=%s new_rows=%s", batch_id, added)
    except PipelineError as problem:
        with at.store.begin() as tx:
            batches.unreadable(tx, batch_id, str(problem))
        log.warning("batch_unreadable batch=%s why=%s", batch_id, problem)


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
    with at.store.begin() as tx:
        handful = dispatch.take(tx, account_id)
        if handful.more:
            tx.after_commit(partial(bell.submit, at.account, account_id))
    for ended in submit.send(handful, at.api, at.pool):
        _save_at_last(at, account_id, ended)


def _save_at_last(at: Runtime, account_id: int, ended: Sequence[tuple[ClaimedTask, Outcome]]) -> None:
    """Saves outcomes even if Postgres is away for a while: they are known here only. Saving twice changes nothing."""
    give_up = time.monotonic() + SAVE_FOR
    while True:
        try:
            return _save(at, account_id, ended)
        except DBAPIError as failure:
            if not failure.connection_invalidated and not isinstance(failure, OperationalError):
                raise
            if time.monotonic() > give_up:
                raise
            log.warning("save_waits account=%s tasks=%s why=%s", at.account, len(ended), type(failure.orig).__name__)
            time.sleep(1.0)


def _save(at: Runtime, account_id: int, ended: Sequence[tuple[ClaimedTask, Outcome]]) -> None:
    refusal = submit.account_refusal([outcome for _, outcome in ended])
    with at.store.begin() as tx:
        moves.settle(tx, [submit.settlement(task, outcome, at.max_attempts, at.rng) for task, outcome in ended])
        if refusal:
            seconds = submit.account_pause(refusal, accounts.refusals(tx, account_id), at.rng)
            accounts.block(tx, account_id, seconds=seconds, reason=refusal.reason)
            log.warning("account_blocked account=%s seconds=%.1f why=%s", at.account, seconds, refusal.reason)
        elif any(isinstance(outcome, Accepted) for _, outcome in ended):
            accounts.unblock(tx, account_id)


@step("track")
def track_account(account_id: int) -> None:
    """Asks what has become of the account's tasks, a hundred a call, and applies the reports."""
    at = _runtime_for(account_id)
    began = time.monotonic()
    with at.store.begin() as tx:
        known = claims.at_the_api(tx, account_id)
    try:
        reports = _ask(at, known)
    except QueryError as failure:
        log.warning("poll_failed account=%s why=%s", at.account, failure)
        with at.store.begin() as tx:
            accounts.poll_again(tx, account_id, after=track.LONGEST_POLL)
        return
    with at.store.begin() as tx:
        moves.missing(tx, [task.id for task in track.missing(known, reports)])
        finished = moves.report(tx, track.changes(known, reports), "poll")
        moves.add_children(tx, account_id, follow_up.children(finished))
        accounts.poll_again(tx, account_id, after=track.poll_interval(known) - (time.monotonic() - began))
        if finished:
            tx.after_commit(partial(bell.submit, at.account, account_id))
            tx.after_commit(partial(bell.deliver, at.account, [task.id for task in finished if task.to_deliver]))


def _ask(at: Runtime, known: Sequence[TaskAtApi]) -> list[Report]:
    ids = [task.remote_id for task in known]
    calls = [ids[start : start + IDS_A_CALL] for start in range(0, len(ids), IDS_A_CALL)]
    reports = [report for reports in at.pool.map(at.api.reports, calls) for report in reports]
    unlisted = [task.remote_id for task in track.missing(known, reports)]
    return reports + [report for report in at.pool.map(at.api.fetch, unlisted[:IDS_A_CALL]) if report]


@step("deliver")
def deliver(task_ids: Sequence[int]) -> None:
    """Pictures to disk, many at once."""
    at = runtime()
    with at.store.begin() as tx:
        taken = deliveries.claim_for_delivery(tx, task_ids, lease=delivering.LEASE)
    started = time.monotonic()
    ends = list(at.pool.map(partial(delivering.bring_home, at), taken))
    with at.store.begin() as tx:
        deliveries.record(tx, ends)
    log.info(
        "delivered tasks=%s failed=%s seconds=%.2f",
        len(ends),
        sum(end.reason is not None for end in ends),
        time.monotonic() - started,
    )


@step("rescue")
def rescue() -> None:
    """What was left behind: POSTs that nobody answers for, manifests nobody read, pictures nobody brought."""
    at = runtime()
    with at.store.begin() as tx:
        doubted = moves.rescue(tx)
        for batch_id, account in batches.unread(tx):
            tx.after_commit(partial(bell.read, account, batch_id))
        for due in deliveries.due(tx, most=1_000):
            tx.after_commit(partial(bell.deliver, due.account, due.ids))
    if doubted:
        log.warning("rescued in_doubt=%s", doubted)
