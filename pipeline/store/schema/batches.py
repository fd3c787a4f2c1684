"""Accounts, batches, and the pictures that go into them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.conditions import one_of
from pipeline.store.schema.base import Base
from pipeline.task import Policy


class Account(Base):
    """A server and a key, by name. The key itself stays in the settings of the workers."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    base_url: Mapped[str]
    max_running: Mapped[int]
    max_queued: Mapped[int]
    next_dispatch_at: Mapped[datetime] = mapped_column(server_default=func.now())
    next_poll_at: Mapped[datetime] = mapped_column(server_default=func.now())
    refusals: Mapped[int] = mapped_column(server_default="0")
    """How often in a row the account as a whole was refused; an acceptance sets it back."""
    blocked_until: Mapped[datetime | None]
    blocked_reason: Mapped[str | None]
    down: Mapped[bool] = mapped_column(server_default=text("false"))
    """It failed or refused the key, rather than being busy: a question that costs nothing goes before the next task."""
    poll_problem: Mapped[str | None]
    """Why the last question about its tasks was not answered."""
    called_back_at: Mapped[datetime | None]
    """When its server last reported by itself. While that is recent, polling is a safety net."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Batch(Base):
    """One run of a manifest. Running the same manifest again continues it."""

    __tablename__ = "batches"
    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        CheckConstraint(one_of("state", ("received", "planned", "unreadable")), name="state"),
        CheckConstraint(one_of("in_doubt", Policy), name="in_doubt"),
        CheckConstraint("budget >= 0", name="budget"),
        CheckConstraint("priority BETWEEN 1 AND 100", name="priority"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    name: Mapped[str]
    folder: Mapped[str] = mapped_column(unique=True)
    filename: Mapped[str]
    manifest: Mapped[bytes]
    manifest_sha256: Mapped[str]
    lint: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether prompts are tidied before they are sent."""
    deliver: Mapped[bool]
    budget: Mapped[Decimal | None]
    """What all its POSTs together may cost at most, in the currency of `prices`. NULL: no limit."""
    prices: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    """What a POST costs by its action, as the person who ran it last has set."""
    in_doubt: Mapped[str] = mapped_column(server_default=Policy.HOLD)
    """What becomes of a task in doubt of which the API can tell nothing."""
    state: Mapped[str] = mapped_column(server_default="received")
    problem: Mapped[str | None]
    priority: Mapped[int] = mapped_column(server_default="1")
    """Its weight among the batches of its account: one of 3 has three places for each one of a batch of 1."""
    paused_at: Mapped[datetime | None]
    """Since when nothing of it is sent, until a person resumes it."""
    cancelled_at: Mapped[datetime | None]
    """When a person cancelled it. Its manifest, run again, starts where it stopped."""
    task_count: Mapped[int] = mapped_column(server_default="0")
    """How many tasks this batch comes to, follow-ups included, when every one succeeds."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Picture(Base):
    """A picture file that goes into tasks, once for each content. Its bytes travel here, so any host can send it."""

    __tablename__ = "pictures"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    content: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class BatchPicture(Base):
    """Which picture a manifest means by which name."""

    __tablename__ = "batch_pictures"

    batch_id: Mapped[int] = mapped_column(ForeignKey(Batch.id), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey(Picture.sha256))


class Process(Base):
    """A worker process, so that another one on its host can see that it is dead, not merely cut off from here."""

    __tablename__ = "processes"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    host: Mapped[str]
    """The kernel and the namespace in which `pid` means something."""
    pid: Mapped[int]
    began: Mapped[int]
    """Ticks since that kernel started: a pid is given again, never at the same moment."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
