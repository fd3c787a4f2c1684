"""Paid once, lost never: doubt that is settled, money that is counted, rows that are known by what they send"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "processes",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_processes")),
    )
    op.add_column("accounts", sa.Column("down", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _change_batches()
    _change_tasks()


def _change_batches() -> None:
    op.add_column("batches", sa.Column("budget", sa.Numeric(), nullable=True))
    op.add_column(
        "batches",
        sa.Column("prices", postgresql.JSONB(none_as_null=True), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
    op.add_column("batches", sa.Column("in_doubt", sa.Text(), server_default="hold", nullable=False))
    op.create_check_constraint(op.f("ck_batches_in_doubt"), "batches", "in_doubt IN ('hold', 'resubmit', 'fail')")
    op.create_check_constraint(op.f("ck_batches_budget"), "batches", "budget >= 0")


def _change_tasks() -> None:
    op.add_column("tasks", sa.Column("fingerprint", sa.Text(), nullable=True))
    op.add_column("tasks", sa.Column("wanted", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    for name in ("doubted_at", "absent_since"):
        op.add_column("tasks", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in ("price", "reserved", "spent", "released"):
        op.add_column("tasks", sa.Column(name, sa.Numeric(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_tasks_money"), "tasks", "least(price, reserved, spent, released) >= 0")
    # Until now a person settled doubt: what waits is looked for at the API, and then waits for a person as before.
    op.execute("UPDATE tasks SET doubted_at = updated_at, next_attempt_at = now() WHERE state = 'in_doubt'")
    op.drop_index("uq_tasks_root_key", "tasks")
    op.create_index(
        "uq_tasks_root_key",
        "tasks",
        ["batch_id", "key", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_index(
        "ix_tasks_to_look_for",
        "tasks",
        ["account_id", "next_attempt_at"],
        postgresql_where=sa.text("state IN ('in_doubt', 'failed', 'cancelled') AND next_attempt_at IS NOT NULL"),
    )
