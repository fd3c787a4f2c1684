"""Export: a batch for spreadsheets and programs."""

from __future__ import annotations

import io
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from pipeline.cli.embedded import place
from pipeline.cli.look import BatchWord
from pipeline.cli.ready import ready_store
from pipeline.errors import PipelineError
from pipeline.report.export import Format, lines, write_lines
from pipeline.settings import load
from pipeline.store import batches
from pipeline.store.records import trees

AsFormat = Annotated[
    Format,
    typer.Option(
        "--format",
        help="csv: several prompts or links share a cell, one on each line of it, and a cell that starts with "
        "= + - or @ gets a leading apostrophe, so that no spreadsheet computes it. jsonl: values as they are.",
    ),
]
ToFile = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Where to write it; without it, on stdout.")
]


def export(batch: BatchWord, form: AsFormat = Format.CSV, output: ToFile = None) -> None:
    """Write one line for each task of a batch: what was asked, how it ended, its file, its texts.

    Rows come in the order of the manifest, each followed by its follow-ups. Files are relative to the output folder;
    times are in UTC; `note` is the `state` that the row said.
    """
    with place(load()) as here, closing(ready_store(here.settings, migrate_first=True)) as store:
        with store.begin() as tx:
            found = batches.find(tx, batch, here.account_name)
        with _opened(output) as file:
            count = write_lines(lines(found.name, found.account, trees(store, found.id)), form, file)
    if output is not None:
        print(f"{count:,} tasks written to {output}", file=sys.stderr)


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Stdout, or the file. Raises `PipelineError` when the disk says no."""
    try:
        with _whole_file(output) if output else _stdout() as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        where = str(output or "stdout")
        raise PipelineError(f"the export could not be written to {where}: {error.strerror or error}") from error


@contextmanager
def _stdout() -> Iterator[TextIO]:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    yield sys.stdout
    sys.stdout.flush()


@contextmanager
def _whole_file(path: Path) -> Iterator[TextIO]:
    """The file has its name once it is whole; what is no ordinary file (a pipe, a terminal) is written directly."""
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    path = path.resolve()
    part = path.with_name(f".{path.name[:80]}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with part.open("x", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
