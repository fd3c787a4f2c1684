"""Make pictures: run and submit."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.embedded import Place, place
from pipeline.cli.ending import ending
from pipeline.cli.gallery import write_batch_gallery
from pipeline.cli.live import follow
from pipeline.cli.ready import ready_store
from pipeline.errors import UsageError
from pipeline.manifest import Manifest, open_manifest
from pipeline.plan import tasks
from pipeline.settings import load
from pipeline.store import batches, deliveries
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
    manifest = open_manifest(file)
    manifest.check()
    with place(load()) as here:
        here.bring_up_api()
        store = ready_store(here.settings, migrate_first=True)
        open_api(here.settings).check()
        batch, since, to_read = hand_over(store, here, manifest, file, delivery)
        try:
            _work_to_the_end(here, store, batch, to_read)
        except KeyboardInterrupt:
            print(f"\ninterrupted: nothing is lost. Go on with: pipeline run {file}", file=sys.stderr)
            raise
        with store.begin() as tx:
            gallery = write_batch_gallery(tx, batch, here.settings.output_dir) if delivery else None
            end = ending(tx, batches.get(tx, batch.id), since=since)
    end = end.at_the_end_of_a_run(seconds=time.monotonic() - began, gallery=gallery)
    if as_json:
        print(json.dumps(end.as_json()))
    else:
        end.print()
    raise typer.Exit(end.exit_status)


def submit(file: ManifestFile, delivery: Delivery = True) -> None:
    """Queue a manifest for workers that run elsewhere, and print the batch id."""
    manifest = open_manifest(file)
    manifest.check()
    settings = load()
    if settings.database_url is None or settings.redis_url is None:
        raise UsageError(
            "set PIPELINE_DATABASE_URL and PIPELINE_REDIS_URL to queue for workers elsewhere; "
            "`pipeline run` needs neither"
        )
    with place(settings) as here:
        open_api(settings)
        store = ready_store(settings, migrate_first=False)
        batch, _, to_read = hand_over(store, here, manifest, file, delivery)
        if to_read:
            here.ring_read(batch)
    print(batch.id)


def hand_over(
    store: Store, here: Place, manifest: Manifest, file: Path, delivery: bool
) -> tuple[Batch, datetime, bool]:
    """Gives the manifest's bytes to the store: the batch, the database's time, and whether it is to be read."""
    account_id = register_account(store, here.settings)
    name = manifest.name
    with store.begin() as tx:
        batches.refuse_changed_rows(tx, account_id, name, tasks(manifest.rows()))
        since: datetime = tx.scalar("SELECT now()")
        batch_id, to_read = batches.receive(
            tx,
            account_id=account_id,
            name=name,
            filename=file.name,
            manifest=file.read_bytes(),
            deliver=delivery,
        )
        deliveries.deliver_again(tx, batch_id)
        return batches.get(tx, batch_id), since, to_read


def _work_to_the_end(here: Place, store: Store, batch: Batch, to_read: bool) -> None:
    with store.begin() as tx:
        progress = batches.progress(tx, batch.id)
    if progress.over and not to_read:
        return
    here.start_work()
    if to_read:
        here.ring_read(batch)
    progress = follow(here, store, batch)
    if progress.problem:
        raise UsageError(progress.problem)
