"""Tasks, and everything that is noted of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8MULTIRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.action import Action
from pipeline.store.conditions import TO_LOOK_FOR, one_of
from pipeline.store.schema.base import Base
from pipeline.store.schema.batches import Account, Batch
from pipeline.task import AT_THE_API, IN_FLIGHT, Mode, State

NAMED_BY_THE_API = (*AT_THE_API, State.SUCCEEDED, State.DELIVERED)


class Task(Base):
    """One request to the API and its result."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("batch_id", "stem"),
        CheckConstraint(one_of("state", State), name="state"),
        CheckConstraint(one_of("action", Action), name="action"),
        CheckConstraint(one_of("mode", Mode), name="mode"),
        CheckConstraint("index BETWEEN 1 AND 5", name="index"),
        CheckConstraint(f"remote_id IS NOT NULL OR NOT {one_of('state', NAMED_BY_THE_API)}", name="named_by_the_api"),
        CheckConstraint("least(price, reserved, spent, released) >= 0", name="money"),
        Index(
            "uq_tasks_root_key",
            "batch_id",
            "key",
            "fingerprint",
            unique=True,
            postgresql_where=text("parent_id IS NULL"),
        ),
        Index(
            "uq_tasks_child_key",
            "parent_id",
            "key",
            unique=True,
            postgresql_where=text("parent_id IS NOT NULL"),
        ),
        Index(
            "ix_tasks_planned",
            "account_id",
            "batch_id",
            text("depth DESC"),
            "turn",
            "id",
            postgresql_where=text(one_of("state", (State.PLANNED,))),
        ),
        Index(
            "ix_tasks_needy",
            "needs",
            postgresql_using="gin",
            postgresql_where=text("needs IS NOT NULL AND state = 'planned'"),
        ),
        Index("ix_tasks_in_flight", "account_id", postgresql_where=text(one_of("state", IN_FLIGHT))),
        Index(
            "ix_tasks_undelivered",
            "next_attempt_at",
            postgresql_where=text(one_of("state", (State.SUCCEEDED,))),
        ),
        Index("ix_tasks_to_look_for", "account_id", "next_attempt_at", postgresql_where=text(TO_LOOK_FOR)),
        Index("ix_tasks_to_stop", "account_id", postgresql_where=text("stop_at IS NOT NULL")),
        Index("ix_tasks_batch", "batch_id", "id"),
        Index("ix_tasks_submitted", "account_id", "submitted_at", postgresql_where=text("submitted_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey(Batch.id))
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.id))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("tasks.id"))
    depth: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    key: Mapped[str]
    stem: Mapped[str]
    action: Mapped[str]
    word: Mapped[str | None]
    """Of a follow-up: `U1`, `zoom-1.5`."""
    index: Mapped[int | None] = mapped_column(SmallInteger)
    prompt: Mapped[str]
    own_prompt: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether a follow-up has a prompt of its own, not its parent's."""
    inputs: Mapped[list[Any] | None]
    """The pictures that go in, see `inputs_to_json`."""
    needs: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """Stems of the tasks of this batch that must have succeeded before: their results go in."""
    options: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    turn: Mapped[int] = mapped_column(server_default="0")
    """How many rows of the batch before it have the same prompt: such tasks take turns, since servers mix them up."""
    mode: Mapped[str | None]
    fingerprint: Mapped[str | None]
    """Of a row: what it sends, in short. A row with other contents is another task."""
    wanted: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether the manifest, as it is now, asks for it. What it no longer asks for is not sent any more."""
    stop_at: Mapped[datetime | None]
    """A person cancelled it when the API had it, or may have had it: from then on the API is to be asked to stop it."""
    then: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    follow_up_count: Mapped[int] = mapped_column(server_default="0")
    """How many tasks come after it, when every one succeeds."""
    state: Mapped[str] = mapped_column(server_default=State.PLANNED)
    reason: Mapped[str | None]
    """Why it waits, failed or is in doubt: a sentence for a person."""
    attempt: Mapped[int] = mapped_column(server_default="0")
    """How many POSTs it has had; guards a late writer against a newer attempt."""
    tries: Mapped[int] = mapped_column(server_default="0")
    """Failures that count, of the stage it is in: POSTs while planned, downloads while succeeded."""
    first_failed_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None] = mapped_column(server_default=func.now())
    """Not before this moment: the POST while planned, the download while succeeded, the next look at the API while in
    doubt, failed or cancelled. NULL: waits for a person, or for nothing."""
    lease_until: Mapped[datetime | None]
    """Until then it belongs to the step that took it, while that step's process is alive. Of a task in doubt: until
    then its POST may still be on its way."""
    owner: Mapped[int | None]
    """The number of that process, see `presence`."""
    doubted_at: Mapped[datetime | None]
    """When the doubt about its last POST began."""
    absent_since: Mapped[datetime | None]
    """Since when the API, asked again and again, has answered each time that it does not have it."""
    unknown_since: Mapped[datetime | None]
    """Since when it has answered each time in a way that tells nothing of it."""
    price: Mapped[Decimal] = mapped_column(server_default="0")
    """What its last POST costs if it was accepted, in the currency of the batch's prices."""
    reserved: Mapped[Decimal] = mapped_column(server_default="0")
    """What its POSTs may still come to cost: those on their way, being made, or in doubt."""
    spent: Mapped[Decimal] = mapped_column(server_default="0")
    released: Mapped[Decimal] = mapped_column(server_default="0")
    """What was reserved and surely not spent. The three together are the price of all its POSTs."""
    remote_id: Mapped[str | None]
    window_id: Mapped[str | None]
    """The API has opened a window under this id: to be answered while the task is planned, answered afterwards."""
    progress: Mapped[str | None]
    missing_since: Mapped[datetime | None]
    """Since when the API does not list it."""
    misses: Mapped[int] = mapped_column(server_default="0")
    image_url: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    """The text that was made: prompts, tokens, a seed, links."""
    buttons: Mapped[list[Any] | None]
    properties: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    submitted_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Attempt(Base):
    """One POST for a task. The row is committed before the POST; `token` travels in its `state`."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("task_id", "number"),
        CheckConstraint(one_of("outcome", ("accepted", "window", "try_again", "refused", "in_doubt")), name="outcome"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey(Task.id))
    number: Mapped[int]
    token: Mapped[UUID] = mapped_column(unique=True, server_default=func.gen_random_uuid())
    sent_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    code: Mapped[int | None]
    detail: Mapped[str | None]
    remote_id: Mapped[str | None]
    """What the API called it. Kept here even if the task has moved on: it names what was paid for."""


class TaskEvent(Base):
    """One move of a task: when, from, to, why."""

    __tablename__ = "task_events"
    __table_args__ = (Index("ix_task_events_task", "task_id", "id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey(Task.id))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    from_state: Mapped[str]
    to_state: Mapped[str]
    cause: Mapped[str]
    detail: Mapped[str | None]


class LoggedMoves(Base):
    """How far moves have been written to a log, by whichever process: one row, none before the first."""

    __tablename__ = "logged_moves"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, server_default="1")
    last_id: Mapped[int]
    """The highest number of `task_events` that was written."""
    missing: Mapped[Sequence[Range[int]]] = mapped_column(INT8MULTIRANGE)
    """Lower numbers that were not there yet: they may be committed still."""


class Artifact(Base):
    """One file brought home. `path` is relative to the output folder."""

    __tablename__ = "artifacts"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey(Task.id), unique=True)
    path: Mapped[str]
    bytes: Mapped[int]
    sha256: Mapped[str]
    width: Mapped[int | None]
    """In pixels; NULL for what is no picture, as is `height`."""
    height: Mapped[int | None]
    media_type: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
