"""How much there is of everything, over all accounts and batches: what a monitor plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline.store.conditions import HOLDS_ROOM
from pipeline.store.engine import Transaction

SECONDS = (1, 2, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400)
"""Bounds of the classes into which the way home is sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """Tasks of an account that are alike, and their money in the currency of the prices."""

    account: str
    action: str
    state: str
    tasks: int
    spent: Decimal
    reserved: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What an account has in flight, may have, and may still spend on batches that have a budget."""

    account: str
    in_flight: int
    most: int
    closed: bool
    """Whether nothing is sent to it just now, because it refused or its server is away."""
    budget: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Posts:
    """POSTs of an account that ended alike; `outcome` is empty while a reply is waited for."""

    account: str
    outcome: str
    posts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WayHome:
    """Seconds from the API's end of a task until its file was at home: `within[i]` took `SECONDS[i]` at most."""

    deliveries: int
    seconds: Decimal
    within: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is counted over all tasks."""

    tasks: Sequence[Tasks]
    posts: Sequence[Posts]
    way_home: WayHome


def rooms(tx: Transaction) -> list[Room]:
    rows = tx.rows(
        f"""
        SELECT name AS account, max_running + max_queued AS most, coalesce(blocked_until > now(), false) AS closed,
            (SELECT count(*) FROM tasks WHERE account_id = a.id AND {HOLDS_ROOM}) AS in_flight,
            (SELECT coalesce(sum(budget), 0) FROM batches WHERE account_id = a.id) AS budget
        FROM accounts a ORDER BY name
        """
    )
    return [Room(**row._asdict()) for row in rows]
