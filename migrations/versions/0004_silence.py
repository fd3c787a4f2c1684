"""What a server does not tell: since when, and what it took just before"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("unknown_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        op.f("ix_tasks_submitted"),
        "tasks",
        ["account_id", "submitted_at"],
        postgresql_where=sa.text("submitted_at IS NOT NULL"),
    )
