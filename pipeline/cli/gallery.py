"""The store's records as the gallery's values."""

from __future__ import annotations

from pathlib import Path, PurePath

from pipeline.deliver import remove_stale_parts
from pipeline.report import GalleryBatch, GalleryPicture, GalleryRow, write_gallery
from pipeline.store import records
from pipeline.store.batches import Batch
from pipeline.store.engine import Store
from pipeline.store.records import Record


def write_batch_gallery(store: Store, batch: Batch, output_dir: Path) -> Path:
    """Writes the batch's gallery beside its pictures; the page to open."""
    remove_stale_parts(output_dir / batch.folder)
    with store.begin() as tx:
        counts = records.counts(tx, batch.id)
        span = tx.rows(
            "SELECT min(submitted_at) AS first, max(finished_at) AS last FROM tasks WHERE batch_id = :id", id=batch.id
        )[0]
    return write_gallery(
        output_dir / batch.folder,
        GalleryBatch(
            name=batch.name,
            rows=(_row(record) for record in records.trees(store, batch.id)),
            counts=counts,
            created_at=batch.created_at,
            finished_at=span.last,
            seconds=(span.last - span.first).total_seconds() if span.first and span.last else None,
            account=batch.account,
        ),
    )


def _row(record: Record) -> GalleryRow:
    return GalleryRow(key=record.key, prompt=record.prompt, task=_picture(record, ""))


def _picture(record: Record, word: str) -> GalleryPicture:
    return GalleryPicture(
        word=word,
        state=record.state,
        reason=record.reason or "",
        path=Path(*PurePath(record.path).parts[1:]) if record.path else None,
        width=record.width,
        height=record.height,
        remote_id=record.remote_id or "",
        started_at=record.started_at,
        finished_at=record.finished_at,
        children=tuple(_picture(child, child.key.removeprefix(f"{record.key}-")) for child in record.children),
    )
