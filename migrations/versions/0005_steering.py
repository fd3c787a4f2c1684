"""Batches that are paused, cancelled and preferred; claims go batch by batch"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batches", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("batches", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("batches", sa.Column("priority", sa.BigInteger(), server_default="1", nullable=False))
    op.create_check_constraint(op.f("ck_batches_priority"), "batches", "priority BETWEEN 1 AND 100")
    op.add_column("tasks", sa.Column("stop_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_tasks_to_stop", "tasks", ["account_id"], postgresql_where=sa.text("stop_at IS NOT NULL"))
    op.drop_index("ix_tasks_planned", "tasks")
    op.create_index(
        "ix_tasks_planned",
        "tasks",
        ["account_id", "batch_id", sa.text("depth DESC"), "turn", "id"],
        postgresql_where=sa.text("state IN ('planned')"),
    )
