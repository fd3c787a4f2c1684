"""On which terms a batch is sent: what its POSTs cost, what they may cost together, and what becomes of doubt. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from pipeline.action import Action
from pipeline.errors import UsageError
from pipeline.task import Policy, Row
from pipeline.then import FollowUp

FREE = frozenset({Action.SEED, Action.BOOKMARK})
"""Actions that make nothing, and cost nothing unless a price says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Money is in the currency of the prices."""

    budget: Decimal | None = None
    """None: no limit."""
    prices: Mapping[Action, Decimal] = field(default_factory=dict)
    in_doubt: Policy = Policy.HOLD
    priority: int | None = None
    """From 1 to 100; None: as it was, at first 1."""


def amount(text: str) -> Decimal:
    """An amount of money as a person writes it. Raises `UsageError`."""
    if not re.fullmatch(r"\d{1,12}(\.\d{1,6})?", text.strip()):
        raise UsageError("a budget is an amount of money such as `12.50`, in the currency of PIPELINE_PRICES")
    return Decimal(text.strip())


def smaller(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """The smaller of two budgets: what a manifest says does not lift what the settings say."""
    said = [budget for budget in (one, other) if budget is not None]
    return min(said, default=None)


def actions_of(row: Row) -> frozenset[Action]:
    """What a row asks for, follow-ups included."""
    return frozenset({row.action}).union(*(_actions_of(one) for one in row.then))


@lru_cache(maxsize=1024)
def _actions_of(one: FollowUp) -> frozenset[Action]:
    return frozenset({one.action}).union(*(_actions_of(child) for child in one.then))


def unpriced(actions: Iterable[Action], prices: Mapping[Action, Decimal]) -> tuple[Action, ...]:
    """The actions whose cost is not known, in the order of `actions`."""
    return tuple(action for action in actions if action not in prices and action not in FREE)


def refuse_unpriced(terms: Terms, actions: Iterable[Action]) -> None:
    """Raises `UsageError` when there is a budget, and something that it cannot be kept for."""
    missing = unpriced(sorted(actions), terms.prices)
    if terms.budget is not None and missing:
        example = ", ".join(f'"{action}": 0.04' for action in missing)
        raise UsageError(
            f"the budget of {terms.budget:f} cannot be kept, because not every action has a price: "
            f"set PIPELINE_PRICES='{{{example}}}'; nothing was sent"
        )
