"""A manifest on its way from a person's folder to the store: read once, found right, handed over with its pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.action import Action
from pipeline.api.dialects import TRAITS
from pipeline.cli.differences import in_a_line
from pipeline.cli.embedded import Place
from pipeline.deliver import refuse_unknown_pictures
from pipeline.inputs import Picture
from pipeline.manifest import DiskPictures, Manifest, Values, open_manifest
from pipeline.plan import Skipped, possible, tasks
from pipeline.schedule import values
from pipeline.settings import Settings
from pipeline.store import batches, deliveries, pictures, rows
from pipeline.store.batches import Batch, Handed
from pipeline.store.changes import compare
from pipeline.store.engine import Store, Transaction
from pipeline.task import NewTask
from pipeline.terms import Terms, actions_of, refuse_unpriced, smaller
from pipeline.wiring import open_home, register_account

MOST_SKIPPED = 5
"""Skipped rows that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Content:
    """A manifest that was read once and found right: what was checked is what is handed over."""

    file: Path
    data: bytes
    manifest: Manifest
    files: DiskPictures
    lacks: frozenset[str]
    terms: Terms
    actions: frozenset[Action]
    """What it asks for."""

    @property
    def pictures(self) -> Mapping[str, Picture]:
        """The picture files that it names."""
        return self.files.found

    def handed(self, *, deliver: bool) -> Handed:
        return Handed(
            name=self.manifest.name,
            filename=self.file.name,
            manifest=self.data,
            deliver=deliver,
            lint=self.manifest.lint,
            pictures=tuple(picture.sha256 for picture in self.pictures.values()),
        )

    def tasks(self) -> Iterator[NewTask]:
        return tasks(self.manifest.rows(), self.lacks)


def read_checked(
    file: Path, settings: Settings, *, lint: bool, priority: int | None = None, given: Values | None = None
) -> Content:
    """Raises `ManifestError` with every fault, what the server cannot do included.

    `priority` wins over its own. `given`: values for `{{ date }}` and the like.
    """
    open_manifest(file)
    data = file.read_bytes()
    files = DiskPictures(file.parent)
    manifest = replace(Manifest.from_bytes(data, str(file), pictures=files, lint=lint), values=given)
    lacks = TRAITS[settings.api_dialect].lacks
    skipped: list[Skipped] = []
    actions: set[Action] = set()
    for row in possible(manifest.rows(), str(file), settings.api_dialect, lacks, skipped):
        actions |= actions_of(row)
    terms = terms_of(manifest, settings, priority)
    refuse_unpriced(terms, actions)
    _tell(skipped)
    return Content(file, data, manifest, files, lacks, terms, frozenset(actions))


def as_of_now(manifest: Manifest) -> Manifest:
    """With the values that a schedule would give it now, by its own time zone."""
    zone = ZoneInfo(manifest.head.schedule.get("timezone", "UTC"))
    return replace(manifest, values=values(datetime.now(zone), 1))


def terms_of(manifest: Manifest, settings: Settings, priority: int | None = None) -> Terms:
    """What the manifest says of money and doubt, within what the settings say."""
    head = manifest.head  # read once: for YAML that is the whole file
    return Terms(
        budget=smaller(head.budget, settings.budget),
        prices=settings.prices,
        in_doubt=head.in_doubt or settings.in_doubt,
        priority=priority or head.priority,
    )


def _tell(skipped: list[Skipped]) -> None:
    for one in skipped[:MOST_SKIPPED]:
        print(f"skipped {one.key} (line {one.line}): {one.reason}", file=sys.stderr)
    if more := len(skipped[MOST_SKIPPED:]):
        print(f"skipped {more} more: `pipeline plan` names them all", file=sys.stderr)


def hand_over(
    store: Store, here: Place, content: Content, *, delivery: bool, fresh: bool = False
) -> tuple[Batch, bool]:
    """Gives the manifest and its pictures to the store: the batch, and whether a worker has to read it.

    `fresh`: to a new batch, whatever was made before.
    """
    account_id = register_account(store, here.settings)
    handed = content.handed(deliver=delivery)
    if not fresh:
        _look_before(store, here, content, handed)
    keep_pictures(store, content)
    with store.begin() as tx:
        handed = _started_over(tx, here, handed) if fresh else handed
        batch_id, to_read = batches.receive(tx, account_id, handed)
        batches.agree(tx, batch_id, content.terms)
        pictures.name_them(tx, batch_id, content.pictures)
        deliveries.deliver_again(tx, batch_id)
        return batches.get(tx, batch_id), to_read


def _look_before(store: Store, here: Place, content: Content, handed: Handed) -> None:
    """Says what the manifest changes of a known batch; of an unknown one, refuses to pay for what is there already."""
    with store.begin() as tx:
        known = batches.known(tx, here.account_name, handed.name)
        if known is None and not here.is_sandbox:
            refuse_unknown_pictures(open_home(here.settings), handed.name, here.account_name)
        if known is not None and not batches.is_of(tx, known, handed):
            changes = compare(tx, known, content.tasks())
            if changes.differs:
                print(in_a_line(known.name, changes), file=sys.stderr, flush=True)


def _started_over(tx: Transaction, here: Place, handed: Handed) -> Handed:
    """The manifest as that of a new batch. What is known under its name gets another, and sends nothing more."""
    used, home = batches.folders(tx), open_home(here.settings)
    names = chain([handed.name], (f"{handed.name}-{number}" for number in count(2)))
    folder = next(name for name in names if name not in used and not home.inside(name).exists())
    known = batches.known(tx, here.account_name, handed.name)
    before = ""
    if known is not None:
        before = f"; what was made before is batch {batches.leave_name(tx, known)}, in {home.inside(known.folder)}"
        rows.write_tasks(tx, known.id, ())
    print(f"{handed.name}: starts over in {home.inside(folder)}{before}", file=sys.stderr, flush=True)
    return replace(handed, folder=folder)


def keep_pictures(store: Store, content: Content) -> None:
    """The pictures' bytes go into the store, one by one, so that neither memory nor a transaction holds them all."""
    by_digest = {picture.sha256: (name, picture) for name, picture in content.pictures.items()}
    with store.begin() as tx:
        absent = pictures.missing(tx, by_digest)
    for digest in absent:
        name, picture = by_digest[digest]
        with store.begin() as tx:
            pictures.keep(tx, picture, content.files.read(name))
