"""Look: status, watch, report."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli.embedded import Place, place
from pipeline.cli.ending import ending
from pipeline.cli.gallery import write_batch_gallery
from pipeline.cli.interruption import going_on_with
from pipeline.cli.live import follow
from pipeline.cli.ready import ready_store, ready_transaction
from pipeline.settings import load
from pipeline.store import batches
from pipeline.store.batches import Batch
from pipeline.store.engine import Store, Transaction
from pipeline.store.progress import progress_of
from pipeline.wiring import open_api, open_home

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout instead of text.")]
BatchWord = Annotated[str, typer.Argument(metavar="BATCH", help="Name or id of a batch.")]


def status(
    batch: Annotated[str | None, typer.Argument(metavar="[BATCH]", help="Name or id; without it, all batches.")] = None,
    as_json: AsJson = False,
) -> None:
    """How far the batches are; or one of them, with what is wrong in it."""
    with place(load()) as here, ready_transaction(here.settings) as tx:
        if batch is None:
            _list_batches(tx, as_json)
            return
        found = ending(tx, batches.find(tx, batch, here.account_name))
    found.print(as_json=as_json)


def watch(batch: BatchWord, as_json: AsJson = False) -> None:
    """Watch a batch to its end. With embedded services, go on with the work of an interrupted run."""
    with place(load()) as here:
        store = ready_store(here.settings, migrate_first=True)
        with store.begin() as tx:
            found = batches.find(tx, batch, here.account_name)
        if here.has_services:
            here.refuse_other_account(found)
        go_on(here, store, found, work=here.has_services, as_json=as_json)


def go_on(here: Place, store: Store, batch: Batch, *, work: bool, as_json: bool) -> None:
    """Follows the batch to its end, with workers of its own if it is to `work`, and exits with how it ended."""
    if work:
        here.bring_up_api()
        open_api(here.settings).check()
        here.start_work()
    with going_on_with(f"pipeline watch {batch.name}"):
        follow(here, store, batch)
    with store.begin() as tx:
        end = ending(tx, batch)
    end.print(as_json=as_json)
    raise typer.Exit(end.exit_status)


def report(batch: BatchWord) -> None:
    """Write the gallery page of a batch, and say where it is."""
    with place(load()) as here:
        store = ready_store(here.settings, migrate_first=True)
        with store.begin() as tx:
            found = batches.find(tx, batch, here.account_name)
        print(write_batch_gallery(store, found, open_home(here.settings)))


def _list_batches(tx: Transaction, as_json: bool) -> None:
    listed = [(batch, progress_of(tx, batch.id)) for batch in batches.every(tx)]
    if as_json:
        rows = [
            {
                "batch": batch.id,
                "name": batch.name,
                "account": batch.account,
                "standing": how.standing,
                **asdict(how),
                "to_follow": how.to_follow,
            }
            for batch, how in listed
        ]
        print(json.dumps(rows))
        return
    table = Table("id", box=None, pad_edge=False)
    for heading in ("batch", "account", "is"):
        table.add_column(heading, overflow="fold")
    for heading in ("tasks", "done", "to come", "failed", "needs you"):
        table.add_column(heading, justify="right")
    for batch, how in listed:
        counts = (how.tasks, how.done, how.unfinished + how.to_follow, how.failed, how.needs_a_person)
        table.add_row(str(batch.id), batch.name, batch.account, how.standing, *(f"{count:,}" for count in counts))
    Console().print(table if listed else "no batch yet: `pipeline run FILE` makes one")
