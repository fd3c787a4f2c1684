"""Make pictures: run and submit."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.embedded import SANDBOX, Place, place
from pipeline.cli.ending import ending
from pipeline.cli.gallery import write_batch_gallery
from pipeline.cli.interruption import going_on_with
from pipeline.cli.live import follow
from pipeline.cli.ready import ready_store
from pipeline.deliver import refuse_unknown_pictures
from pipeline.errors import PipelineError, UsageError
from pipeline.manifest import Manifest, open_manifest
from pipeline.plan import tasks
from pipeline.settings import load
from pipeline.store import batches, deliveries, rows
from pipeline.store.batches import Batch
from pipeline.store.engine import Store
from pipeline.wiring import open_api, register_account

ManifestFile = Annotated[Path, typer.Argument(metavar="FILE", help="A manifest: CSV or YAML.")]
Delivery = Annotated[
    bool, typer.Option("--delivery/--no-delivery", help="Bring the pictures home, or leave them there.")
]


def run(
    file: ManifestFile,
    delivery: Delivery = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout at the end.")] = False,
) -> None:
    """Make every picture of a manifest and bring it home. Run it again to go on where it stopped."""
    began = time.monotonic()
    content = read_checked(file)
    with going_on_with(f"pipeline run {file}{'' if delivery else ' --no-delivery'}"), place(load()) as here:
        store = ready_store(here.settings, migrate_first=True)
        batch, since = _done_before(store, here, content, delivery) or _make(store, here, content, delivery)
        gallery = _gallery(store, batch, here.settings.output_dir) if delivery else None
        with store.begin() as tx:
            end = ending(tx, batches.get(tx, batch.id), since=since)
        # Before the services stop, which takes a moment that nobody has to wait for.
        end.at_the_end_of_a_run(seconds=time.monotonic() - began, gallery=gallery).print(as_json=as_json)
    raise typer.Exit(end.exit_status)


def submit(file: ManifestFile, delivery: Delivery = True) -> None:
    """Queue a manifest for workers that run elsewhere, and print the batch id."""
    content = read_checked(file)
    settings = load()
    if settings.database_url is None or settings.redis_url is None:
        raise UsageError(
            "set PIPELINE_DATABASE_URL and PIPELINE_REDIS_URL to queue for workers elsewhere; "
            "`pipeline run` needs neither"
        )
    with place(settings) as here:
        open_api(settings)
        here.check_broker()
        batch, to_read = hand_over(ready_store(settings, migrate_first=False), here, content, delivery)
        if to_read:
            here.ring_read(batch)
    print(batch.id)


def _gallery(store: Store, batch: Batch, output_dir: Path) -> Path | None:
    """A page that cannot be written costs the page, not the result."""
    try:
        return write_batch_gallery(store, batch, output_dir)
    except PipelineError as failure:
        print(failure, file=sys.stderr)
        return None


@dataclass(frozen=True, slots=True)
class Content:
    """A manifest that was read once and found right: what was checked is what is handed over."""

    file: Path
    data: bytes
    manifest: Manifest


def read_checked(file: Path) -> Content:
    """Raises `ManifestError` with every fault."""
    open_manifest(file)
    data = file.read_bytes()
    manifest = Manifest.from_bytes(data, str(file))
    manifest.check()
    return Content(file, data, manifest)


def _done_before(store: Store, here: Place, content: Content, delivery: bool) -> tuple[Batch, datetime] | None:
    """The batch, when this very manifest is done to the last picture: then nothing has to be brought up."""
    with store.begin() as tx:
        batch = batches.known(tx, here.account_name, content.manifest.name)
        if batch is None or not batches.is_of(tx, batch, content.data) or batch.deliver != delivery:
            return None
        if ending(tx, batch).exit_status:
            return None
        return batch, tx.scalar("SELECT now()")


def _make(store: Store, here: Place, content: Content, delivery: bool) -> tuple[Batch, datetime]:
    here.bring_up_api()
    open_api(here.settings).check()
    with store.begin() as tx:
        since: datetime = tx.scalar("SELECT now()")
    batch, to_read = hand_over(store, here, content, delivery)
    here.start_work()
    if to_read:
        here.ring_read(batch)
    problem = follow(here, store, batch).problem
    if problem:
        raise UsageError(problem)
    return batch, since


def hand_over(store: Store, here: Place, content: Content, delivery: bool) -> tuple[Batch, bool]:
    """Gives the manifest's bytes to the store: the batch, and whether a worker has to read it."""
    account_id = register_account(store, here.settings)
    name = content.manifest.name
    with store.begin() as tx:
        if here.account_name != SANDBOX and batches.known(tx, here.account_name, name) is None:
            refuse_unknown_pictures(here.settings.output_dir, name, here.account_name)
        rows.refuse_changed_rows(tx, account_id, name, tasks(content.manifest.rows()))
        batch_id, to_read = batches.receive(
            tx,
            account_id=account_id,
            name=name,
            filename=content.file.name,
            manifest=content.data,
            deliver=delivery,
        )
        deliveries.deliver_again(tx, batch_id)
        return batches.get(tx, batch_id), to_read
