"""How a batch stands: the numbers, the sentence, and the exit status."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from rich.console import Console

from pipeline.report import Failure, RunSummary, print_summary
from pipeline.store import records
from pipeline.store.batches import Batch
from pipeline.store.engine import Transaction
from pipeline.store.progress import Progress, posts, progress_of
from pipeline.store.spending import Spending, spending_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a batch stands now; at the end of a run also what this run did."""

    batch: Batch
    progress: Progress
    spending: Spending
    failures: tuple[Failure, ...]
    sent: int
    seconds: float | None = None
    gallery: str | None = None

    @property
    def exit_status(self) -> int:
        return 0 if self.progress.whole and not self.progress.cancelled else 1

    def at_the_end_of_a_run(self, *, seconds: float, gallery: str | None) -> Ending:
        return replace(self, seconds=seconds, gallery=gallery)

    def as_json(self) -> dict[str, Any]:
        return {
            "batch": self.batch.id,
            "standing": self.progress.standing,
            "tasks": self.progress.tasks,
            "sent": self.sent,
            "delivered": self.progress.done,
            "failed": self.progress.failed,
            "in_doubt": self.progress.in_doubt,
            "not_reached": self.progress.not_reached,
            "not_affordable": self.progress.unaffordable,
            "money": self._money(),
            "seconds": None if self.seconds is None else round(self.seconds, 2),
            "gallery": self.gallery,
        }

    def _money(self) -> dict[str, str | None]:
        """As decimals in text, which no reader rounds."""
        return {name: None if amount is None else f"{amount:f}" for name, amount in asdict(self.spending).items()}

    def print(self, *, as_json: bool) -> None:
        if as_json:
            print(json.dumps(self.as_json()), flush=True)
            return
        if self.progress.problem:
            print(self.progress.problem, file=sys.stderr)
        print_summary(
            Console(),
            RunSummary(
                batch=self.batch.name,
                standing=self.progress.standing,
                tasks=self.progress.tasks,
                delivered=self.progress.done,
                failed=self.progress.failed,
                in_doubt=self.progress.in_doubt,
                unaffordable=self.progress.unaffordable,
                spending=self.spending,
                undelivered=self.progress.stranded,
                not_reached=self.progress.not_reached,
                unfinished=self.progress.unfinished + self.progress.to_follow,
                bring_home=self.batch.deliver,
                sent=self.sent,
                seconds=self.seconds,
                gallery=self.gallery,
                failures=self.failures,
            ),
        )


def ending(tx: Transaction, batch: Batch, *, since: datetime | None = None) -> Ending:
    """How the batch stands; `sent` counts the POSTs since a moment of the database's clock, or all of them."""
    return Ending(
        batch=batch,
        progress=progress_of(tx, batch.id),
        spending=spending_of(tx, batch.id),
        failures=tuple(
            Failure(name=trouble.key, state=trouble.state, reason=trouble.reason, perhaps_spent=trouble.reserved)
            for trouble in records.troubles(tx, batch.id, most=10)
        ),
        sent=posts(tx, batch.id, since=since),
    )
