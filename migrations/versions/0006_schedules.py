"""Schedules, and what became of each of their fire times"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_schedules()
    op.create_table(
        "schedule_pictures",
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_schedule_pictures_schedule_id")),
        sa.ForeignKeyConstraint(["sha256"], ["pictures.sha256"], name=op.f("fk_schedule_pictures_sha256")),
        sa.PrimaryKeyConstraint("schedule_id", "name", name=op.f("pk_schedule_pictures")),
    )
    _add_fires()


def _add_schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "cron", "timezone", "overlap", "catch_up")),
        sa.Column("within_minutes", sa.BigInteger(), nullable=False),
        sa.Column("at_most", sa.BigInteger(), nullable=False),
        sa.Column("budget", sa.Numeric(), nullable=True),
        sa.Column("per", sa.Text(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("lint", sa.Boolean(), nullable=False),
        sa.Column("deliver", sa.Boolean(), nullable=False),
        sa.Column("batch_budget", sa.Numeric(), nullable=True),
        sa.Column("prices", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("in_doubt", sa.Text(), nullable=False),
        sa.Column("priority", sa.BigInteger(), nullable=True),
        sa.Column("batches_made", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("settled_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_fire_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("overlap IN ('skip', 'queue', 'allow', 'cancel')", name=op.f("ck_schedules_overlap")),
        sa.CheckConstraint("catch_up IN ('skip', 'latest', 'all')", name=op.f("ck_schedules_catch_up")),
        sa.CheckConstraint("per IN ('day', 'week', 'month')", name=op.f("ck_schedules_per")),
        sa.CheckConstraint("in_doubt IN ('hold', 'resubmit', 'fail')", name=op.f("ck_schedules_in_doubt")),
        sa.CheckConstraint("priority BETWEEN 1 AND 100", name=op.f("ck_schedules_priority")),
        sa.CheckConstraint("(budget IS NULL) = (per IS NULL)", name=op.f("ck_schedules_window")),
        sa.CheckConstraint("least(budget, batch_budget) >= 0", name=op.f("ck_schedules_budgets")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_schedules_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_schedules_account_id_name")),
    )


def _add_fires() -> None:
    outcomes = "'made', 'queued', 'skipped', 'missed', 'paused', 'unaffordable'"
    op.create_table(
        "schedule_fires",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("fire_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_fire_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fire_times", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("by_hand", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"outcome IN ({outcomes})", name=op.f("ck_schedule_fires_outcome")),
        sa.CheckConstraint("(outcome = 'made') = (batch_id IS NOT NULL)", name=op.f("ck_schedule_fires_made")),
        sa.CheckConstraint("(fire_times = 1) = (fire_at = last_fire_at)", name=op.f("ck_schedule_fires_fire_times")),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_schedule_fires_batch_id")),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_schedule_fires_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_fires")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_schedule_fires_batch_id")),
        sa.UniqueConstraint(
            "schedule_id", "fire_at", "by_hand", name=op.f("uq_schedule_fires_schedule_id_fire_at_by_hand")
        ),
    )
    op.create_index(
        "uq_schedule_fires_queued",
        "schedule_fires",
        ["schedule_id"],
        unique=True,
        postgresql_where=sa.text("outcome = 'queued'"),
    )
    op.create_index(
        "ix_schedule_fires_running",
        "schedule_fires",
        ["schedule_id"],
        postgresql_where=sa.text("batch_id IS NOT NULL AND over_at IS NULL"),
    )
