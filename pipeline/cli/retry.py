"""`pipeline retry BATCH`: what failed is sent again, what was made is brought home."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from pipeline import track
from pipeline.action import Action
from pipeline.api.client import IDS_A_CALL, Api, QueryError
from pipeline.cli.embedded import place
from pipeline.cli.look import AsJson, BatchWord, go_on
from pipeline.cli.ready import ready_store
from pipeline.errors import ServiceError
from pipeline.outcome import Report
from pipeline.settings import load
from pipeline.store import batches, claims, deliveries, needs, retrying
from pipeline.store.batches import Batch
from pipeline.store.conditions import Which
from pipeline.store.engine import Store
from pipeline.store.retrying import Retried
from pipeline.task import TaskAtApi
from pipeline.wiring import open_api


def retry(
    batch: BatchWord,
    failed: Annotated[bool, typer.Option("--failed", help="Only send again what failed; bring nothing home.")] = False,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only tasks whose reason says this, in any capitals.")
    ] = None,
    action: Annotated[Action | None, typer.Option(help="Only tasks of this action.", show_choices=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Send again what failed, and bring home what is made. What the API has made meanwhile is not sent again."""
    which = Which(action=action, reason=reason)
    with place(load()) as here:
        store = ready_store(here.settings, migrate_first=True)
        with store.begin() as tx:
            found = batches.find(tx, batch, here.account_name)
        here.refuse_other_account(found)
        here.bring_up_api()
        with open_api(here.settings) as api:
            late = _adopt_what_the_api_has(store, api, found, which)
        with store.begin() as tx:
            retried = retrying.retry(tx, found.id, which)
            needs.settle(tx, found.account_id)
            waiting = 0 if failed else deliveries.deliver_again(tx, found.id, which)
        _tell(found, late, retried, waiting)
        go_on(here, store, found, work=True, as_json=as_json)


def _adopt_what_the_api_has(store: Store, api: Api, batch: Batch, which: Which) -> int:
    """What failed here and was made there, or still is being made. Raises `ServiceError` when it cannot be asked."""
    from pipeline.worker.applying import adopt  # noqa: PLC0415 - Celery is slow to import

    with store.begin() as tx:
        ids = retrying.ended_at_the_api(tx, batch.id, which)
    adopted = 0
    for start in range(0, len(ids), IDS_A_CALL):
        with store.begin() as tx:
            known = claims.at_the_api(tx, batch.account_id, ids[start : start + IDS_A_CALL])
        reports = _asked(api, known)
        with store.begin() as tx:
            adopted += len(adopt(tx, batch.account_id, track.changes(known, reports), "retry"))
            adopted += retrying.resume(tx, track.unfinished(known, reports))
    return adopted


def _asked(api: Api, known: Sequence[TaskAtApi]) -> list[Report]:
    """What is not listed is asked for one by one: some servers have no list."""
    try:
        listed = api.list([task.remote_id for task in known])
        fetched = [api.fetch(task.remote_id) for task in track.unlisted(known, listed)]
        return listed + [report for report in fetched if report]
    except QueryError as failure:
        raise ServiceError(f"{failure}: it must be asked first, since what failed may have been made late") from None


def _tell(batch: Batch, late: int, retried: Retried, waiting: int) -> None:
    parts = [
        f"{count:,} {words}"
        for count, words in (
            (retried.again, "tasks are sent again"),
            (late, "are made at the API after all, and are not"),
            (waiting, "pictures are brought home"),
        )
        if count
    ]
    print(f"{batch.name}: {'; '.join(parts) or 'nothing to try again'}", file=sys.stderr, flush=True)
    if retried.doubtful:
        print(
            f"{retried.doubtful:,} were given up while in doubt, and may be made already: settle each one with "
            f"pipeline resolve {batch.name}/KEY --found ID | --resend",
            file=sys.stderr,
            flush=True,
        )
