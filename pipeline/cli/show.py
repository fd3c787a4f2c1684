"""`pipeline show TASK`: everything that is known of one task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.cli.embedded import place
from pipeline.cli.look import AsJson
from pipeline.cli.ready import ready_transaction
from pipeline.report import duration
from pipeline.settings import load
from pipeline.store.history import History, Move, Post, history
from pipeline.task import State


def show(
    task: Annotated[str, typer.Argument(metavar="TASK", help="BATCH/KEY, such as spring/fox-U1, or a task's id.")],
    as_json: AsJson = False,
) -> None:
    """Everything that is known of a task: what was asked, each POST, each move, and what came of it."""
    with place(load()) as here, ready_transaction(here.settings) as tx:
        found = history(tx, task, here.account_name)
    if as_json:
        print(json.dumps(asdict(found), default=str))
        return
    console = Console()
    console.print(Text.assemble((f"{found.batch}/{found.key}", "bold"), f" is {found.state}"))
    if found.reason:
        console.print(Text(f"  {found.reason}"))
    console.print(_grid(_facts(found)))
    if found.posts:
        console.print(Text("\nPOSTs, one line each", style="bold"))
        console.print(_grid(map(_post, found.posts)))
    if found.moves:
        console.print(Text("\nMoves (UTC)", style="bold"))
        console.print(_grid(map(_move, found.moves)))


def _grid(rows: Iterator[tuple[str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold", ratio=1)
    for name, value in rows:
        grid.add_row(Text(f"  {name}"), Text(value))
    return grid


def _facts(task: History) -> Iterator[tuple[str, str]]:
    yield "task", f"{task.id}, {task.action}, on {task.account}"
    for name, value in (
        ("prompt", task.prompt),
        ("follows", task.parent),
        ("needs", ", ".join(task.needs)),
        ("followed by", ", ".join(task.follow_ups)),
        ("at the API", task.remote_id),
        ("progress", task.progress if task.finished_at is None else None),
        ("made in", _made_in(task)),
        ("address", task.image_url),
        ("text", json.dumps(task.result, ensure_ascii=False) if task.result else None),
        ("file", task.path),
        ("money", _money(task)),
        ("next try", _time(task.next_attempt_at) if task.next_attempt_at else None),
        ("waits", _waits(task)),
        ("wanted", None if task.wanted else f"no: {_why_unwanted(task)}"),
    ):
        if value:
            yield name, value


def _waits(task: History) -> str | None:
    paused = task.paused and task.state is State.PLANNED
    return f"its batch is paused: pipeline resume {task.batch}" if paused else None


def _why_unwanted(task: History) -> str:
    return "its batch was cancelled" if task.cancelled else "its manifest does not ask for it any more"


def _made_in(task: History) -> str | None:
    began = task.started_at or task.submitted_at
    return duration((task.finished_at - began).total_seconds()) if task.finished_at and began else None


def _money(task: History) -> str | None:
    said = [f"{amount:,f} {word}" for amount, word in ((task.spent, "spent"), (task.reserved, "reserved")) if amount]
    return ", ".join(said)


def _post(post: Post) -> tuple[str, str]:
    took = "" if post.ended_at is None else f" in {(post.ended_at - post.sent_at).total_seconds():.1f} s"
    code = "" if post.code is None else f" (code {post.code})"
    named = f" as {post.remote_id}" if post.remote_id else ""
    detail = f": {post.detail}" if post.detail else ""
    return f"{post.number}, {_time(post.sent_at)}", f"{post.outcome or 'not answered yet'}{took}{code}{named}{detail}"


def _move(move: Move) -> tuple[str, str]:
    return _time(move.at), f"{move.to_state}, by {move.cause}" + (f": {move.detail}" if move.detail else "")


def _time(moment: datetime) -> str:
    return moment.strftime("%m-%d %H:%M:%S")
