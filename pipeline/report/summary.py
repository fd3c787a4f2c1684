"""The end of a run in the terminal: what came home, what did not and why, and where to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.report.page import duration
from pipeline.report.rows import STATE_WORDS, kind_of
from pipeline.store.spending import Spending
from pipeline.task import State

FAILURES_SHOWN = 10
NAME_COLUMNS = 24
REASON_CHARACTERS = 400
STYLES = {"failed": "red", "doubt": "yellow", "waiting": "cyan", "delivered": "green"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One task that is not delivered: its name for people (`fox-U3`) and why, with the API's own words."""

    name: str
    state: State
    reason: str
    perhaps_spent: Decimal = Decimal()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """How a batch stands, at the end of a run (`seconds` long) or in between.

    `undelivered` pictures are made and paid for, and not on disk yet.

    `failures` holds ten or more of what failed, is in doubt or undelivered; the counts say how many there are.
    """

    batch: str
    standing: str = "over"
    """A word of `Progress.standing`."""
    tasks: int
    delivered: int
    failed: int = 0
    in_doubt: int = 0
    undelivered: int = 0
    unaffordable: int = 0
    """Not sent, because the rest of the budget does not pay for them."""
    unfinished: int = 0
    not_reached: int = 0
    bring_home: bool = True
    """Whether pictures are brought home, or left at the server."""
    sent: int = 0
    seconds: float | None
    gallery: str | None = None
    failures: Sequence[Failure] = ()
    spending: Spending | None = None


def print_summary(console: Console, run: RunSummary) -> None:
    """Print the summary and the way to the gallery: colours in a terminal, plain lines in a file."""
    console.print(run_summary(run))
    if run.gallery is not None:
        # Soft: a path that is broken over two lines cannot be clicked or copied.
        console.print(Text(f"\nGallery: {run.gallery}"), soft_wrap=True)


def run_summary(run: RunSummary) -> RenderableType:
    """The summary without the gallery: counts, the first failures with their reasons, what to do."""
    parts: list[RenderableType] = [_headline(run)]
    shown = tuple(run.failures[:FAILURES_SHOWN])
    if shown:
        parts += ["", _failures(shown)]
    more = run.failed + run.in_doubt + run.undelivered - len(shown)
    if more > 0:
        parts.append(Text(f"  and {more:,} more: pipeline status {run.batch}"))
    if run.spending is not None and run.spending.any:
        parts += ["", _money(run.spending)]
    advice = list(_advice(run))
    if advice:
        parts += ["", *advice]
    return Group(*parts)


def _headline(run: RunSummary) -> Text:
    cancelled = run.standing == "cancelled"
    whole = run.delivered == run.tasks and not cancelled
    end = "delivered" if run.bring_home else "made, and left at the server"
    counts = f"cancelled; {run.delivered:,}" if cancelled else f"{run.delivered:,} of {run.tasks:,}"
    line = Text(f"{counts} pictures {end}", style="bold green" if whole else "bold")
    for count, words, kind in (
        (run.failed, "failed", "failed"),
        (run.in_doubt, "in doubt", "doubt"),
        (run.undelivered, "made but not here yet", "waiting"),
        (run.unaffordable, "beyond the budget", "doubt"),
        (run.unfinished, "on their way", "waiting"),
        (run.not_reached, "not reached", "waiting"),
    ):
        if count:
            line.append(", ").append(f"{count:,} {words}", style=STYLES[kind])
    took = "" if run.seconds is None else f", in {duration(run.seconds)}"
    return line.append(f"{took}; {run.sent:,} sent", style="not bold default")


def _money(spending: Spending) -> Text:
    """What it has cost, may still cost, and was spared."""
    line = Text(f"Money: {spending.spent:,f} spent")
    on_its_way = spending.reserved - spending.in_doubt
    for amount, words in (
        (on_its_way, "reserved for what is being made"),
        (spending.in_doubt, "perhaps spent, in doubt"),
        (spending.avoided, "not paid twice"),
    ):
        if amount:
            line.append(f", {amount:,f} {words}")
    return line if spending.budget is None else line.append(f"; the budget is {spending.budget:,f}")


def _failures(failures: Sequence[Failure]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=NAME_COLUMNS)
    table.add_column(overflow="fold", ratio=1)
    for one in failures:
        cost = f", perhaps {one.perhaps_spent:,f} spent" if one.perhaps_spent else ""
        why = Text(f"{STATE_WORDS[one.state]}{cost}: ", style=STYLES[kind_of(one.state)])
        table.add_row(Text(_one_line(one.name)), why.append(_one_line(one.reason), style="default"))
    return Padding(table, (0, 0, 0, 2))


def _advice(run: RunSummary) -> list[Text]:
    lines = []
    if run.standing == "paused":
        lines.append(Text(f"Paused: nothing more is sent until pipeline resume {run.batch}"))
    if run.standing == "cancelled":
        lines.append(Text("Cancelled: nothing more is sent, unless its manifest is run again."))
        if run.undelivered:
            lines.append(Text(f"What is made is paid for and kept: pipeline retry {run.batch} brings it home."))
    if run.in_doubt:
        lines.append(
            Text(
                "In doubt: perhaps accepted, so never sent again by itself. Settle each one with\n"
                f"  pipeline resolve {run.batch}/KEY --found ID | --resend | --give-up"
            )
        )
    if run.failed:
        lines.append(
            Text(f"Failed: correct the row and run again, or try them all once more: pipeline retry {run.batch}")
        )
    if run.unaffordable:
        lines.append(Text("Beyond the budget: not sent. Raise `budget:` or PIPELINE_BUDGET, and run it again."))
    if run.undelivered and run.standing != "cancelled":
        lines.append(Text("Made but not here yet: paid for and kept. The same run again tries to bring it home."))
    return lines


def _one_line(text: str) -> str:
    """Words from outside, without line breaks and without signs that steer a terminal."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= REASON_CHARACTERS else line[:REASON_CHARACTERS].rstrip() + " ..."
