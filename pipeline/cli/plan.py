"""`pipeline plan FILE`: what a manifest would send, and what that may cost. Sends nothing."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from pipeline.action import Action
from pipeline.manifest import open_manifest
from pipeline.plan import Branch, Summary, summarise
from pipeline.settings import Settings, load


def plan(
    file: Annotated[Path, typer.Argument(help="Manifest: a CSV or YAML file.", show_default=False)],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a manifest and show what it asks for and costs at worst, made from the start. Sends nothing."""
    settings = load()
    manifest = open_manifest(file)
    summary = summarise(manifest.rows())
    if json:
        typer.echo(json_format.dumps(_as_json(file, manifest.name, summary, settings), ensure_ascii=False))
    else:
        _show(Console(highlight=False), manifest.name, summary, settings)


def _as_json(file: Path, batch: str, summary: Summary, settings: Settings) -> dict[str, Any]:
    cost = summary.most_cost(settings.prices)
    return {
        "file": str(file),
        "batch": batch,
        "rows": summary.rows,
        "tasks": summary.tasks,
        "actions": dict(summary.actions),
        "tree": [_branch_as_json(branch) for branch in summary.tree],
        "worst_case": {
            "api_calls": summary.most_posts(settings.max_attempts),
            "cost": None if cost is None else str(cost),
            "unpriced": list(summary.unpriced(settings.prices)),
        },
    }


def _branch_as_json(branch: Branch) -> dict[str, Any]:
    then = [_branch_as_json(one) for one in branch.then]
    return {"word": branch.word, "action": branch.action, "count": branch.count, "then": then}


def _show(console: Console, batch: str, summary: Summary, settings: Settings) -> None:
    console.print(Text.assemble(("Batch ", "dim"), (batch, "bold"), f": {_many(summary.rows, 'row')}, "), end="")
    console.print(Text(_many(summary.tasks, "task"), "bold"))
    console.print()
    console.print(_table(summary, settings.prices))
    console.print()
    for branch in summary.tree:
        root = Tree(_label(branch.word, branch.count), guide_style="dim")
        _grow(root, branch.then)
        console.print(root)
    console.print()
    calls = summary.most_posts(settings.max_attempts)
    console.print(
        f"At worst {_many(calls, 'API call')} ({_many(summary.tasks, 'task')}, each tried up to "
        f"{_many(settings.max_attempts, 'time')}); each picture is paid for once.",
    )
    console.print(_cost_line(summary, settings.prices), markup=False, soft_wrap=True)
    console.print("Nothing was sent.", style="dim")


def _table(summary: Summary, prices: Mapping[Action, Decimal]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("action")
    table.add_column("tasks", justify="right")
    if prices:
        table.add_column("price", justify="right")
        table.add_column("at worst", justify="right")
    for action, count in summary.actions.items():
        price = prices.get(action)
        money = ("", "") if price is None else (f"{price:f}", f"{price * count:,f}")
        table.add_row(action.value, f"{count:,}", *(money if prices else ()))
    return table


def _cost_line(summary: Summary, prices: Mapping[Action, Decimal]) -> str:
    cost = summary.most_cost(prices)
    if cost is not None:
        return f"At worst it costs {cost:,f}: every task is made and paid for once."
    missing = ", ".join(f'"{action}": 0.04' for action in summary.unpriced(prices))
    return f"No cost, because there is no price for each action: set PIPELINE_PRICES='{{{missing}}}'"


def _grow(tree: Tree, branches: Iterable[Branch]) -> None:
    for words, branch in _alike(branches):
        _grow(tree.add(_label(words, branch.count)), branch.then)


def _alike(branches: Iterable[Branch]) -> Iterator[tuple[str, Branch]]:
    """Neighbours that differ in their number only, as one: U1 to U4 with equal counts are `U1-U4`."""
    for _, group in groupby(branches, key=lambda one: (one.action, one.count, one.then)):
        same = list(group)
        runs = groupby(enumerate(same), key=lambda pair: int(pair[1].word[1:] or 0) - pair[0])
        for _, run in runs:
            words = [branch.word for _, branch in run]
            yield (words[0] if len(words) == 1 else f"{words[0]}-{words[-1]}"), same[0]


def _label(words: str, count: int) -> Text:
    each = " each" if "-" in words else ""
    return Text.assemble((words, "bold"), (f"  {count:,}{each}", "dim"))


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"
