"""The store's records as the gallery's values."""

from __future__ import annotations

from pathlib import Path, PurePath

from pipeline.deliver import Folder, remove_stale_parts
from pipeline.inputs import Input
from pipeline.report import GalleryBatch, GalleryInput, GalleryRow, GalleryTask, write_gallery
from pipeline.report.told import told_of
from pipeline.store import pictures
from pipeline.store.batches import Batch
from pipeline.store.engine import Store
from pipeline.store.progress import progress_of
from pipeline.store.records import Record, trees


def write_batch_gallery(store: Store, batch: Batch, home: Folder) -> str:
    """Writes the batch's gallery beside its pictures; where the page to open is."""
    folder = home.inside(batch.folder)
    remove_stale_parts(folder)
    with store.begin() as tx:
        over = progress_of(tx, batch.id).over

    def picture(sha256: str) -> bytes | None:
        with store.begin() as tx:
            kept = pictures.contents(tx, [sha256]).get(sha256)
        return kept[1] if kept else None

    return write_gallery(
        folder,
        GalleryBatch(
            name=batch.name,
            rows=(_row(record) for record in trees(store, batch.id) if _is_shown(record)),
            created_at=batch.created_at,
            account=batch.account,
            over=over,
            picture=picture,
        ),
    )


def _is_shown(record: Record) -> bool:
    """What the manifest no longer asks for is shown where it has a picture."""
    return record.wanted or record.path is not None or any(map(_is_shown, record.children))


def _row(record: Record) -> GalleryRow:
    return GalleryRow(key=record.key, prompt=record.prompt, task=_task(record))


def _task(record: Record) -> GalleryTask:
    return GalleryTask(
        word=record.word or "",
        action=record.action,
        prompt=record.prompt,
        inputs=tuple(map(_input, record.inputs, record.input_paths)),
        state=record.state,
        reason=record.reason or "",
        path=_in_its_folder(record.path),
        width=record.width,
        height=record.height,
        told=told_of(record.result),
        remote_id=record.remote_id or "",
        submitted_at=record.submitted_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        children=tuple(_task(child) for child in record.children if _is_shown(child)),
    )


def _input(one: Input, path: str | None) -> GalleryInput:
    return GalleryInput(
        path=_in_its_folder(path), of_row=len(one.stems) == 1, sha256=one.sha256 or "", url=one.url or ""
    )


def _in_its_folder(path: str | None) -> Path | None:
    """A file of the output folder, seen from the folder of its batch."""
    return Path(*PurePath(path).parts[1:]) if path else None
