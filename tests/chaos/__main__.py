"""`make chaos`: the whole matrix, one line for each scenario, and a status other than 0 if anything was paid twice,
lost, left hanging, or ended in a traceback.

`SEED=n make chaos` draws the same faults again. Which process the system lets run first is not drawn, so a run is
replayed as far as anybody can replay one. `ONLY=words` runs the scenarios whose name contains the words.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.scenarios import MATRIX
from tests.chaos.trial import Outcome, Trial

COLUMNS = (
    "API tasks",
    "faults",
    "duplicates",
    "lost",
    "in doubt",
    "recovered",
    "resubmits",
    "moves again",
    "settled",
    "took",
)


def main() -> int:
    seed, only = int(os.environ.get("SEED") or secrets.randbelow(1_000_000)), os.environ.get("ONLY", "")
    print(f"SEED={seed}", flush=True)
    chosen = [scenario for scenario in MATRIX if only in scenario.name]
    if not chosen:
        print(f"no scenario is called {only!r}", file=sys.stderr)
        return 2
    outcomes: list[Outcome] = []
    broken = 0
    for scenario in chosen:
        home = Path(tempfile.mkdtemp(prefix="pipeline-chaos-"))
        try:
            outcome = Trial(scenario, seed, home / "fleet").run()
        except Exception:  # noqa: BLE001 - the other scenarios are still worth knowing
            broken += 1
            print(f"BROKEN  {scenario.name}, see {home}\n{traceback.format_exc()}", flush=True)
            continue
        outcomes.append(outcome)
        _tell(outcome, home)
    _table(outcomes, seed)
    wrong = broken + sum(bool(outcome.verdict.violations) for outcome in outcomes)
    if wrong:
        print(f"{wrong} of {len(chosen)} scenarios are not as promised: SEED={seed} draws them again", file=sys.stderr)
    return int(bool(wrong))


def _tell(outcome: Outcome, home: Path) -> None:
    """At once, since the table comes only at the end. What is in order leaves nothing behind."""
    found = outcome.verdict.violations
    print(f"{'ok     ' if not found else 'WRONG  '} {outcome.scenario} ({outcome.took:.0f} s)", flush=True)
    for violation in found:
        print(f"        {violation}", flush=True)
    if found:
        print(f"        everything is kept in {home}", flush=True)
    else:
        shutil.rmtree(home, ignore_errors=True)


def _table(outcomes: list[Outcome], seed: int) -> None:
    table = Table(title=f"chaos, SEED={seed}, {time.strftime('%Y-%m-%d %H:%M')}", show_footer=False)
    table.add_column("scenario")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for outcome in outcomes:
        table.add_row(outcome.scenario, *_cells([outcome]))
    table.add_section()
    table.add_row("all", *_cells(outcomes))
    Console(width=max(160, Console().width)).print(table)


def _cells(outcomes: list[Outcome]) -> list[str]:
    """The figures of one scenario, or of all: times are the longest ones."""
    found = [outcome.verdict for outcome in outcomes]
    counts = [
        sum(one.accepted for one in found),
        sum(one.faults for one in found),
        sum(one.duplicates for one in found),
        sum(one.lost for one in found),
        sum(one.in_doubt for one in found),
        sum(one.recovered for one in found),
        sum(one.resubmits for one in found),
    ]
    times = [max((getattr(outcome, name) for outcome in outcomes), default=0.0) for name in ("again", "settled")]
    times.append(sum(outcome.took for outcome in outcomes))
    return [f"{count:,}" for count in counts] + [f"{seconds:.1f} s" for seconds in times]


if __name__ == "__main__":
    sys.exit(main())
