"""The gallery: one folder that opens from file://, beside the pictures, and survives being moved or zipped."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from html import escape
from itertools import islice
from tempfile import TemporaryFile

from pipeline.deliver import Folder
from pipeline.deliver.files import disk_sentence, write_whole
from pipeline.errors import PipelineError
from pipeline.report.card import Card, anchor_of, article
from pipeline.report.labels import trail_label
from pipeline.report.page import document, duration, moment
from pipeline.report.rows import STATE_WORDS, GalleryBatch, GalleryRow, GalleryTask, kind_of
from pipeline.report.thumbnails import GRID_EDGE, TILE_EDGE, Wanted, input_path, show
from pipeline.task import State

ROWS_ON_A_PAGE = 200
TROUBLES_LISTED = 100
PAGE_NAME = re.compile(r"page-(\d+)\.html")
THREADS = min(8, os.cpu_count() or 1)
HEADLINE = (State.DELIVERED, State.FAILED, State.CANCELLED, State.IN_DOUBT, State.SUCCEEDED, State.RUNNING)


@dataclass(slots=True)
class Tally:
    """What a batch comes to, noted as its rows stream by. Of what is not delivered, only the first hundred are kept."""

    states: Counter[State] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("failed", "doubt", "waiting"), 0))
    items: dict[str, list[str]] = field(default_factory=lambda: {"failed": [], "doubt": [], "waiting": []})

    def note(self, row: GalleryRow, page: int, anchor: str) -> None:
        for trail, task in row.task.family():
            self.states[task.state] += 1
            self.first = min(filter(None, (self.first, task.submitted_at)), default=None)
            self.last = max(filter(None, (self.last, task.finished_at)), default=None)
            if task.kind == "delivered":
                continue
            self.counts[task.kind] += 1
            if len(self.items[task.kind]) < TROUBLES_LISTED:
                self.items[task.kind].append(_trouble_item(row.key, trail, task, f"{_file(page)}#{anchor}"))

    @property
    def seconds(self) -> float | None:
        """From the first submission to the last result."""
        return (self.last - self.first).total_seconds() if self.first and self.last else None


def write_gallery(folder: Folder, batch: GalleryBatch) -> str:
    """Write `index.html` (and `page-2.html` ...) with thumbnails into the batch folder, and say where it is.

    Reads `batch.rows` once, 200 at a time. Raises PipelineError when the disk says no.
    """
    try:
        folder.drafts.mkdir(parents=True, exist_ok=True)
        return _write(folder, batch)
    except OSError as error:
        raise PipelineError(f"the gallery could not be written: {disk_sentence(error, folder)}") from error


def _write(folder: Folder, batch: GalleryBatch) -> str:
    tally, ends = Tally(), [0]
    # How many pages there are, and what failed on the last one, is known only after the last row.
    with TemporaryFile(dir=folder.drafts) as spool, ThreadPoolExecutor(THREADS) as pool:
        for body in _bodies(folder, batch, tally, pool):
            spool.write(body.encode("utf-8", errors="replace"))
            ends.append(spool.tell())
        pages = max(1, len(ends) - 1)
        spool.seek(0)
        for page in range(1, pages + 1):
            size = ends[page] - ends[page - 1] if page < len(ends) else 0
            rows = spool.read(size).decode("utf-8")
            write_whole(folder, _file(page), _page(batch, rows, tally, page, pages))
    _remove_old_pages(folder, pages)
    return f"{folder}/{_file(1)}"


def _bodies(folder: Folder, batch: GalleryBatch, tally: Tally, pool: ThreadPoolExecutor) -> Iterator[str]:
    rows, page, number = iter(batch.rows), 0, 0
    while some := tuple(islice(rows, ROWS_ON_A_PAGE)):
        page += 1
        shown = show(folder, (one for row in some for one in _wanted(batch, row)), pool)
        articles = []
        for row in some:
            number += 1
            tally.note(row, page, f"r{number}")
            articles.append(article(Card(anchor=f"r{number}", row=row, shown=shown)))
        yield "".join(articles)


def _wanted(batch: GalleryBatch, row: GalleryRow) -> Iterator[Wanted]:
    for _, one in row.task.family():
        if one.path is not None:
            edge = None if one.is_text or one.is_film else TILE_EDGE if one.word else GRID_EDGE
            yield Wanted(path=one.path, edge=edge, width=one.width, height=one.height)
    for given in row.task.inputs:
        if given.path is not None:
            yield Wanted(path=given.path, edge=GRID_EDGE if given.of_row else TILE_EDGE)
        elif given.sha256:
            content = partial(batch.picture, given.sha256)
            yield Wanted(path=input_path(given.sha256), edge=TILE_EDGE, content=content)


def _page(batch: GalleryBatch, rows: str, tally: Tally, page: int, pages: int) -> str:
    nothing = '<p class="nothing" hidden>Nothing on this page matches.</p>'
    wall = f'<main class="wall">{rows}</main>' if rows else '<p class="nothing">This batch has no rows yet.</p>'
    tools = (
        '<div class="tools"><input type="search" class="filter" aria-label="Filter" autocomplete="off" '
        f'placeholder="Filter {"this page" if pages > 1 else "by key or prompt"}">{_pager(page, pages)}</div>'
    )
    body = (
        _head(batch, tally)
        + (_troubles(tally) if page == 1 else "")
        + tools
        + wall
        + nothing
        + f'<footer>{_pager(page, pages)}<p class="keys">Click a picture to see it large. '
        "<kbd>←</kbd> <kbd>→</kbd> to walk, <kbd>Esc</kbd> to close.</p></footer>"
    )
    title = batch.name if pages == 1 else f"{batch.name}, page {page} of {pages}"
    return document(title=title, body=body)


def _head(batch: GalleryBatch, tally: Tally) -> str:
    counts = tally.states
    waiting = counts[State.PLANNED] + counts[State.SUBMITTING] + counts[State.SUBMITTED]
    named = [(kind_of(state), counts[state], STATE_WORDS[state]) for state in HEADLINE] + [
        ("waiting", waiting, "waiting")
    ]
    figures = "".join(
        f'<li class="{kind}"><b>{count:,}</b> {word}</li>'
        for kind, count, word in named
        if count or word == "delivered"
    )
    facts = [
        moment(batch.created_at) if batch.created_at else "",
        f"took {duration(tally.seconds)}" if tally.seconds is not None else "",
        f"account {escape(batch.account)}" if batch.account else "",
        "" if batch.over else "not finished yet",
    ]
    return (
        f'<header class="top"><h1 dir="auto">{escape(batch.name)}</h1><ul class="figures">{figures}</ul>'
        f'<p class="facts">{" · ".join(filter(None, facts))}</p></header>'
    )


def _troubles(tally: Tally) -> str:
    total = sum(tally.counts.values())
    if not total:
        return ""
    said = {"failed": "failed", "doubt": "in doubt", "waiting": "waiting"}
    heading = ", ".join(f"{count:,} {said[kind]}" for kind, count in tally.counts.items() if count)
    items = "".join(item for kind in said for item in tally.items[kind])
    unlisted = total - sum(len(some) for some in tally.items.values())
    rest = f'<li class="rest">and {unlisted:,} more</li>' if unlisted else ""
    opened = " open" if total <= 6 else ""
    return f'<details class="trouble"{opened}><summary>{heading}</summary><ul>{items}{rest}</ul></details>'


def _trouble_item(key: str, trail: str, task: GalleryTask, address: str) -> str:
    page, _, row = address.partition("#")
    name = escape(f"{key} {trail_label(trail)}".strip())
    why = escape(task.reason) or STATE_WORDS[task.state]
    goal = escape(f"{page}#{anchor_of(row, trail)}-p")
    named = f'<a href="{goal}" dir="auto">{name}</a> <span dir="auto">{why}</span>'
    return f'<li class="{task.kind}">{named}</li>'


def _pager(page: int, pages: int) -> str:
    if pages == 1:
        return ""
    near = sorted({1, pages, *range(max(1, page - 2), min(pages, page + 2) + 1)})
    links, before = [], 0
    for number in near:
        links.append("<i>…</i>" if number > before + 1 else "")
        here = ' aria-current="page"' if number == page else ""
        links.append(f'<a href="{_file(number)}"{here}>{number}</a>')
        before = number
    return f'<nav class="pages" aria-label="Pages">{"".join(links)}</nav>'


def _file(page: int) -> str:
    return "index.html" if page == 1 else f"page-{page}.html"


def _remove_old_pages(folder: Folder, pages: int) -> None:
    for name in folder.files("page-*.html"):
        named = PAGE_NAME.fullmatch(name)
        if named and int(named[1]) > pages:
            folder.remove(name)
