"""Schedules: manifests that are made again and again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

from sqlalchemy import Row

from pipeline.action import Action
from pipeline.errors import UsageError
from pipeline.schedule import CatchUp, Overlap, Per, Rules
from pipeline.store.engine import Transaction, words
from pipeline.task import Policy
from pipeline.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule as it stands at `now`, a moment of the database's clock."""

    id: int
    account_id: int
    account: str
    name: str
    rules: Rules
    filename: str
    lint: bool
    deliver: bool
    terms: Terms
    """Of each of its batches."""
    batches_made: int
    settled_until: datetime
    next_fire_at: datetime | None
    problem: str | None
    """Why what is due could not be settled: a sentence."""
    paused_at: datetime | None
    now: datetime


_COLUMNS = """s.id, s.account_id, a.name AS account, s.name, s.cron, s.timezone, s.overlap, s.catch_up,
    s.within_minutes, s.at_most, s.budget, s.per, s.filename, s.lint, s.deliver, s.batch_budget, s.prices, s.in_doubt,
    s.priority, s.batches_made, s.settled_until, s.next_fire_at, s.problem, s.paused_at,
    coalesce(CAST(:now AS timestamptz), now()) AS now"""
_FROM = "FROM schedules s JOIN accounts a ON a.id = s.account_id"
_BY_NAME = f"SELECT {_COLUMNS} {_FROM} WHERE a.name = :account AND s.name = :name"
_HAS_COME = "s.paused_at IS NULL AND s.next_fire_at <= coalesce(CAST(:now AS timestamptz), now())"
_WAITS = """s.paused_at IS NULL AND EXISTS (
    SELECT FROM schedule_fires f WHERE f.schedule_id = s.id AND f.outcome = 'queued'
)"""


def due(tx: Transaction, account: str, *, waiting: bool = True, now: datetime | None = None) -> list[int]:
    """The account's schedules of which a fire time has come, and those of which one is `waiting`.

    `now` is the database's clock, except in tests.
    """
    which = f"({_HAS_COME} OR {_WAITS})" if waiting else _HAS_COME
    rows = tx.rows(f"SELECT s.id {_FROM} WHERE a.name = :account AND {which} ORDER BY s.id", account=account, now=now)
    return [row.id for row in rows]


def take_due(tx: Transaction, schedule_id: int, *, now: datetime | None = None) -> Schedule | None:
    """The schedule, for the caller alone until commit; None while somebody else has it, and when nothing is due."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} {_FROM} WHERE s.id = :id AND ({_HAS_COME} OR {_WAITS}) FOR NO KEY UPDATE OF s SKIP LOCKED",
        id=schedule_id,
        now=now,
    )
    return _schedule(rows[0]) if rows else None


def known(tx: Transaction, account: str, name: str) -> Schedule | None:
    """The account's schedule of this name, for the caller alone until commit; None where there is none."""
    rows = tx.rows(f"{_BY_NAME} FOR NO KEY UPDATE OF s", account=account, name=name, now=None)
    return _schedule(rows[0]) if rows else None


def take(tx: Transaction, account: str, name: str) -> Schedule:
    """The same; raises `UsageError` where there is none."""
    return known(tx, account, name) or _refuse_unknown(account, name)


def find(tx: Transaction, account: str, name: str) -> Schedule:
    """The account's schedule of this name, to look at. Raises `UsageError`."""
    rows = tx.rows(_BY_NAME, account=account, name=name, now=None)
    return _schedule(rows[0]) if rows else _refuse_unknown(account, name)


def _refuse_unknown(account: str, name: str) -> NoReturn:
    raise UsageError(f"there is no schedule {name!r} of account {account}: `pipeline schedule list` lists them")


def every(tx: Transaction) -> list[Schedule]:
    """All schedules, by name."""
    rows = tx.rows(f"SELECT {_COLUMNS} {_FROM} ORDER BY s.name, a.name", now=None)
    return [_schedule(row) for row in rows]


def remove(tx: Transaction, schedule: Schedule) -> None:
    """The schedule and its history. Its batches stay."""
    tx.run("DELETE FROM schedule_fires WHERE schedule_id = :id", id=schedule.id)
    tx.run("DELETE FROM schedule_pictures WHERE schedule_id = :id", id=schedule.id)
    tx.run("DELETE FROM schedules WHERE id = :id", id=schedule.id)


def settled(tx: Transaction, schedule: Schedule, until: datetime, rules: Rules) -> None:
    """What became of every fire time up to `until` is recorded; the next one is as the `rules` say."""
    reached = max(until, schedule.settled_until)
    tx.run(
        "UPDATE schedules SET settled_until = :reached, next_fire_at = :next, problem = NULL WHERE id = :id",
        id=schedule.id,
        reached=reached,
        next=rules.calendar.next(reached),
    )


def cannot_settle(tx: Transaction, schedule_id: int, problem: str) -> None:
    tx.run("UPDATE schedules SET problem = :problem WHERE id = :id", id=schedule_id, problem=words(problem))


def pause(tx: Transaction, schedule: Schedule) -> None:
    tx.run("UPDATE schedules SET paused_at = :now WHERE id = :id", id=schedule.id, now=schedule.now)


def resume(tx: Transaction, schedule: Schedule) -> None:
    tx.run("UPDATE schedules SET paused_at = NULL WHERE id = :id", id=schedule.id)


def count_batch(tx: Transaction, schedule: Schedule) -> int:
    """The number of the batch that is being made: 1 for the first."""
    sql = "UPDATE schedules SET batches_made = batches_made + 1 WHERE id = :id RETURNING batches_made"
    return int(tx.scalar(sql, id=schedule.id))


def _schedule(row: Row[Any]) -> Schedule:
    rules = Rules(
        cron=row.cron,
        timezone=row.timezone,
        overlap=Overlap(row.overlap),
        catch_up=CatchUp(row.catch_up),
        within=timedelta(minutes=row.within_minutes),
        at_most=row.at_most,
        budget=row.budget,
        per=row.per and Per(row.per),
    )
    prices = {Action(action): Decimal(price) for action, price in row.prices.items()}
    own = ("id", "account_id", "account", "name", "filename", "lint", "deliver", "batches_made")
    moments = ("settled_until", "next_fire_at", "problem", "paused_at", "now")
    return Schedule(
        **{name: getattr(row, name) for name in own + moments},
        rules=rules,
        terms=Terms(budget=row.batch_budget, prices=prices, in_doubt=Policy(row.in_doubt), priority=row.priority),
    )
