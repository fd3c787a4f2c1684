"""How far moves have been written to a log"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "logged_moves",
        sa.Column("id", sa.SmallInteger(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("missing", postgresql.INT8MULTIRANGE(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_logged_moves_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logged_moves")),
    )
    # What happened before there was such a log is not written to it at once.
    op.execute(
        "INSERT INTO logged_moves (last_id, missing) SELECT max(id), '{}' FROM task_events HAVING max(id) IS NOT NULL"
    )
