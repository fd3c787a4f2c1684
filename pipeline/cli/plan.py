"""`pipeline plan FILE`: what a manifest would send, and what that may cost. Sends nothing."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
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
from pipeline.api.dialects import TRAITS
from pipeline.cli.differences import as_json, differences, in_lines
from pipeline.cli.handover import as_of_now, terms_of
from pipeline.manifest import open_manifest
from pipeline.plan import Branch, Skipped, Summary, possible, summarise, tasks
from pipeline.settings import Settings, load
from pipeline.store.changes import Changes
from pipeline.terms import Terms
from pipeline.then import family_and_value

_SHOWN = 5
"""Tidied prompts that are shown; the others are counted."""


def plan(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Manifest: a CSV or YAML file.", show_default=False)],
    *,
    lint: Annotated[bool, typer.Option("--lint/--no-lint", help="Tidy prompts and check their flags, or not.")] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="As if nothing of it were made yet.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a manifest; show what it asks for, costs at worst, and changes of what was run before. Sends nothing."""
    settings = load()
    manifest = as_of_now(open_manifest(file, lint=lint))
    skipped: list[Skipped] = []
    dialect = settings.api_dialect
    lacks = TRAITS[dialect].lacks
    summary = summarise(possible(manifest.rows(), manifest.file, dialect, lacks, skipped))
    known = None if fresh else differences(settings, manifest.name, lambda: tasks(manifest.rows(), lacks))
    if json:
        changes = Changes(new=summary.rows, to_send=summary.actions) if known is None else known
        told = _as_json(file, manifest.name, summary, skipped, settings) | _changes_as_json(changes, settings)
        budget = terms_of(manifest, settings).budget
        told["budget"] = None if budget is None else f"{budget:f}"
        typer.echo(json_format.dumps(told, ensure_ascii=False))
    else:
        console = Console(highlight=False)
        _show(console, manifest.name, summary, skipped, settings)
        _show_budget(console, summary, terms_of(manifest, settings))
        _show_changes(console, manifest.name, known, settings)
        console.print("Nothing was sent.", style="dim")


def _changes_as_json(changes: Changes, settings: Settings) -> dict[str, Any]:
    now = Summary(rows=0, actions=changes.to_send, tree=())
    cost = now.most_cost(settings.prices)
    return {
        "changes": as_json(changes),
        "to_send": {
            "tasks": now.tasks,
            "actions": dict(now.actions),
            "cost": None if cost is None else str(cost),
        },
    }


def _show_budget(console: Console, summary: Summary, terms: Terms) -> None:
    """Whether the budget, if there is one, pays for all of it."""
    cost = summary.most_cost(terms.prices)
    if terms.budget is None:
        return
    if cost is None:
        said = (
            f"The budget of {terms.budget:,f} cannot be kept without a price for each action, so it would not be run."
        )
    elif cost > terms.budget:
        said = f"The budget of {terms.budget:,f} does not pay for all of that: what is beyond it would not be sent."
    else:
        said = f"The budget of {terms.budget:,f} pays for all of it."
    console.print(said, soft_wrap=True)


def _show_changes(console: Console, batch: str, changes: Changes | None, settings: Settings) -> None:
    """What it comes to now, where something of it was made before."""
    if changes is None:
        console.print("Every row is new.")
        return
    for line in in_lines(batch, changes):
        console.print(line, markup=False, soft_wrap=True)
    now = Summary(rows=0, actions=changes.to_send, tree=())
    cost = now.most_cost(settings.prices)
    at_worst = "" if cost is None else f", at worst {cost:,f}"
    console.print(Text.assemble("To be sent now: ", (_many(now.tasks, "task"), "bold"), f"{at_worst}."))


def _as_json(
    file: Path, batch: str, summary: Summary, skipped: Sequence[Skipped], settings: Settings
) -> dict[str, Any]:
    cost = summary.most_cost(settings.prices)
    return {
        "file": str(file),
        "batch": batch,
        "dialect": settings.api_dialect,
        "rows": summary.rows,
        "skipped": [asdict(one) for one in skipped],
        "sharing_prompts": summary.sharing_prompts,
        "tidied": [asdict(one) for one in summary.tidied],
        "tidied_count": summary.tidied_count,
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


def _show(console: Console, batch: str, summary: Summary, skipped: Sequence[Skipped], settings: Settings) -> None:
    console.print(Text.assemble(("Batch ", "dim"), (batch, "bold"), f": {_many(summary.rows, 'row')}, "), end="")
    console.print(Text(_many(summary.tasks, "task"), "bold"))
    console.print()
    if summary.tree:
        console.print(_table(summary, settings.prices))
        console.print()
    for branch in summary.tree:
        root = Tree(_label([branch]), guide_style="dim")
        _grow(root, branch.then)
        console.print(root)
    if summary.tree:
        console.print()
    _remarks(console, summary, skipped)
    calls = summary.most_posts(settings.max_attempts)
    console.print(
        f"At worst {_many(calls, 'API call')} ({_many(summary.tasks, 'task')}, each tried up to "
        f"{_many(settings.max_attempts, 'time')}); each picture is paid for once.",
    )
    console.print(_cost_line(summary, settings.prices), markup=False, soft_wrap=True)


def _remarks(console: Console, summary: Summary, skipped: Sequence[Skipped]) -> None:
    """What a person would not expect: rows that wait, prompts that are changed, and rows that are not sent."""
    if summary.sharing_prompts:
        console.print(
            f"{_many(summary.sharing_prompts, 'row')} share their prompt with another: they are sent one after the "
            "other, because servers swap pictures of equal prompts; give each a --seed of its own to send them "
            "together.",
            soft_wrap=True,
        )
        console.print()
    if summary.tidied:
        console.print(f"{_many(summary.tidied_count, 'prompt')} made tidy before sending:")
        for tidied in summary.tidied[:_SHOWN]:
            line = f"  {tidied.key}: {tidied.written} -> {tidied.sent}"
            console.print(line, markup=False, soft_wrap=True)
        if summary.tidied_count > _SHOWN:
            console.print(f"  ... and {summary.tidied_count - _SHOWN:,} more")
        console.print()
    for one in skipped:
        console.print(f"Skipped: {one.key} (line {one.line}), because {one.reason}.", markup=False, soft_wrap=True)
    if skipped:
        console.print()


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
    for alike in _alike(branches):
        _grow(tree.add(_label(alike)), alike[0].then)


def _alike(branches: Iterable[Branch]) -> Iterator[list[Branch]]:
    """Neighbours that differ in their number only, together: U1 to U4 with equal counts."""
    for _, group in groupby(branches, key=lambda one: (_counted(one) or one.word, one.count, one.then)):
        same = list(group)
        if not _counted(same[0]):
            yield same
            continue
        for _, run in groupby(enumerate(same), key=lambda pair: int(family_and_value(pair[1].word)[1]) - pair[0]):
            yield [branch for _, branch in run]


def _counted(branch: Branch) -> str | None:
    """The family of a word such as U2, whose value is the next one's less one."""
    family = family_and_value(branch.word)[0]
    return family if family in {"U", "V", "imagine"} and "~" not in branch.word else None


def _label(alike: Sequence[Branch]) -> Text:
    first, last = alike[0], alike[-1]
    words, each = first.word, ""
    if first is not last:
        words = f"{words}-{last.word.removeprefix('imagine-')}"
        each = " each"
    return Text.assemble((words, "bold"), (f"  {first.count:,}{each}", "dim"))


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"
