"""Schedules, and what became of each of their fire times."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.schedule import CatchUp, FireOutcome, Overlap, Per
from pipeline.store.conditions import one_of
from pipeline.store.schema.base import Base
from pipeline.store.schema.batches import Account, Batch, Picture
from pipeline.task import Policy


class Schedule(Base):
    """A manifest that is made again and again. It is kept here whole, so that any host can make it."""

    __tablename__ = "schedules"
    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        CheckConstraint(one_of("overlap", Overlap), name="overlap"),
        CheckConstraint(one_of("catch_up", CatchUp), name="catch_up"),
        CheckConstraint(one_of("per", Per), name="per"),
        CheckConstraint(one_of("in_doubt", Policy), name="in_doubt"),
        CheckConstraint("priority BETWEEN 1 AND 100", name="priority"),
        CheckConstraint("(budget IS NULL) = (per IS NULL)", name="window"),
        CheckConstraint("least(budget, batch_budget) >= 0", name="budgets"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    name: Mapped[str]
    cron: Mapped[str]
    timezone: Mapped[str]
    overlap: Mapped[str]
    catch_up: Mapped[str]
    within_minutes: Mapped[int]
    at_most: Mapped[int]
    budget: Mapped[Decimal | None]
    """What the batches of one window may cost together."""
    per: Mapped[str | None]
    """That window."""
    filename: Mapped[str]
    manifest: Mapped[bytes]
    """As it was written, with `{{ date }}` and the like."""
    lint: Mapped[bool]
    deliver: Mapped[bool]
    batch_budget: Mapped[Decimal | None]
    """What each batch may cost at most, in the currency of `prices`."""
    prices: Mapped[dict[str, Any]]
    in_doubt: Mapped[str]
    priority: Mapped[int | None]
    batches_made: Mapped[int] = mapped_column(server_default="0")
    settled_until: Mapped[datetime]
    """What became of every fire time up to here is said in `schedule_fires`. It only moves forward."""
    next_fire_at: Mapped[datetime | None]
    """The first fire time after that."""
    problem: Mapped[str | None]
    """Why its last fire time could not be settled: a sentence. Tried again and again."""
    paused_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SchedulePicture(Base):
    """Which picture the manifest of a schedule means by which name."""

    __tablename__ = "schedule_pictures"

    schedule_id: Mapped[int] = mapped_column(ForeignKey(Schedule.id), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey(Picture.sha256))


class ScheduleFire(Base):
    """What became of a fire time. Of those that made no batch for one reason, one row may tell of many."""

    __tablename__ = "schedule_fires"
    __table_args__ = (
        UniqueConstraint("schedule_id", "fire_at", "by_hand"),
        CheckConstraint(one_of("outcome", FireOutcome), name="outcome"),
        CheckConstraint("(outcome = 'made') = (batch_id IS NOT NULL)", name="made"),
        CheckConstraint("(fire_times = 1) = (fire_at = last_fire_at)", name="fire_times"),
        Index("uq_schedule_fires_queued", "schedule_id", unique=True, postgresql_where=text("outcome = 'queued'")),
        Index(
            "ix_schedule_fires_running",
            "schedule_id",
            postgresql_where=text("batch_id IS NOT NULL AND over_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey(Schedule.id))
    fire_at: Mapped[datetime]
    """The fire time; the moment of the command, if it was `by_hand`."""
    last_fire_at: Mapped[datetime]
    """The last of the fire times that this row tells of."""
    fire_times: Mapped[int] = mapped_column(server_default="1")
    """How many they are."""
    by_hand: Mapped[bool] = mapped_column(server_default=text("false"))
    outcome: Mapped[str]
    reason: Mapped[str | None]
    """Why it made no batch, or waits: a sentence for a person."""
    batch_id: Mapped[int | None] = mapped_column(ForeignKey(Batch.id), unique=True)
    over_at: Mapped[datetime | None]
    """When its batch was seen to be over."""
    settled_at: Mapped[datetime] = mapped_column(server_default=func.now())
