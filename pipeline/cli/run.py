"""Make pictures: run and submit."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.embedded import Place, place
from pipeline.cli.ending import ending
from pipeline.cli.gallery import write_batch_gallery
from pipeline.cli.handover import Content, hand_over, read_checked
from pipeline.cli.interruption import going_on_with
from pipeline.cli.live import follow
from pipeline.cli.ready import ready_store
from pipeline.deliver import Folder
from pipeline.errors import PipelineError, UsageError
from pipeline.settings import load
from pipeline.store import batches
from pipeline.store.batches import Batch
from pipeline.store.engine import Store
from pipeline.wiring import open_api, open_home

ManifestFile = Annotated[Path, typer.Argument(metavar="FILE", help="A manifest: CSV or YAML.")]
Delivery = Annotated[
    bool, typer.Option("--delivery/--no-delivery", help="Bring the pictures home, or leave them there.")
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Start over: make everything again, and pay for it, in a new folder.")
]
Lint = Annotated[bool, typer.Option("--lint/--no-lint", help="Tidy prompts and check their flags, or send as written.")]

Priority = Annotated[
    int | None, typer.Option(min=1, max=100, help="Places on the account for each one of a batch of priority 1.")
]


def run(
    file: ManifestFile,
    delivery: Delivery = True,
    lint: Lint = True,
    fresh: Fresh = False,
    priority: Priority = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout at the end.")] = False,
) -> None:
    """Make every picture of a manifest and bring it home. Run it again to go on where it stopped."""
    began = time.monotonic()
    settings = load()
    content = read_checked(file, settings, lint=lint, priority=priority)
    again = f"pipeline run {file}{'' if delivery else ' --no-delivery'}{'' if lint else ' --no-lint'}"
    with going_on_with(again), place(settings) as here:
        store = ready_store(here.settings, migrate_first=True)
        before = None if fresh else _done_before(store, here, content, delivery)
        batch, since = before or _make(store, here, content, delivery=delivery, fresh=fresh)
        gallery = _gallery(store, batch, open_home(here.settings)) if delivery else None
        with store.begin() as tx:
            end = ending(tx, batches.get(tx, batch.id), since=since)
        # Before the services stop, which takes a moment that nobody has to wait for.
        end.at_the_end_of_a_run(seconds=time.monotonic() - began, gallery=gallery).print(as_json=as_json)
    raise typer.Exit(end.exit_status)


def submit(
    file: ManifestFile,
    delivery: Delivery = True,
    lint: Lint = True,
    fresh: Fresh = False,
    priority: Priority = None,
) -> None:
    """Queue a manifest for workers that run elsewhere, and print the batch id."""
    settings = load()
    content = read_checked(file, settings, lint=lint, priority=priority)
    if settings.database_url is None or settings.redis_url is None:
        raise UsageError(
            "set PIPELINE_DATABASE_URL and PIPELINE_REDIS_URL to queue for workers elsewhere; "
            "`pipeline run` needs neither"
        )
    with place(settings) as here:
        open_api(settings)
        open_home(settings)
        here.check_broker()
        store = ready_store(settings, migrate_first=False)
        batch, to_read = hand_over(store, here, content, delivery=delivery, fresh=fresh)
        if to_read:
            here.ring_read(batch)
    print(batch.id)


def _gallery(store: Store, batch: Batch, home: Folder) -> str | None:
    """A page that cannot be written costs the page, not the result."""
    try:
        return write_batch_gallery(store, batch, home)
    except PipelineError as failure:
        print(failure, file=sys.stderr)
        return None


def _done_before(store: Store, here: Place, content: Content, delivery: bool) -> tuple[Batch, datetime] | None:
    """The batch, when this very manifest is done to the last picture: then nothing has to be brought up."""
    with store.begin() as tx:
        batch = batches.known(tx, here.account_name, content.manifest.name)
        if batch is None or not batches.is_of(tx, batch, content.handed(deliver=delivery)):
            return None
        if ending(tx, batch).exit_status:
            return None
        return batch, tx.scalar("SELECT now()")


def _whose(here: Place) -> str:
    """Whom the run asks, so that nobody takes drawings for pictures, or pays by mistake."""
    if here.is_sandbox:
        return f"the sandbox, which speaks {here.settings.api_dialect} (PIPELINE_API_BASE_URL names a real server)"
    return f"{here.account_name}, {here.settings.api_dialect}"


def _make(store: Store, here: Place, content: Content, *, delivery: bool, fresh: bool) -> tuple[Batch, datetime]:
    here.bring_up_api()
    open_api(here.settings).check()
    if delivery:
        open_home(here.settings).check()  # before anything is paid for that cannot be brought there
    with store.begin() as tx:
        since: datetime = tx.scalar("SELECT now()")
    batch, to_read = hand_over(store, here, content, delivery=delivery, fresh=fresh)
    here.start_work()
    print(f"{content.manifest.name}: on {_whose(here)}", file=sys.stderr, flush=True)
    if to_read:
        here.ring_read(batch)
    problem = follow(here, store, batch).problem
    if problem:
        raise UsageError(problem)
    return batch, since
