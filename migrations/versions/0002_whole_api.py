"""Everything that the API family makes: pictures that go in, windows, texts that come out, callbacks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ACTIONS = (
    *("imagine", "blend", "swap_face", "edit", "video", "describe", "shorten", "upload"),
    *("upscale", "variation", "reroll", "zoom", "pan", "seed", "bookmark"),
)
_OUTCOMES = ("accepted", "window", "try_again", "refused", "in_doubt")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("called_back_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("batches", sa.Column("lint", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.create_table(
        "pictures",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_pictures")),
    )
    op.create_table(
        "batch_pictures",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_batch_pictures_batch_id")),
        sa.ForeignKeyConstraint(["sha256"], ["pictures.sha256"], name=op.f("fk_batch_pictures_sha256")),
        sa.PrimaryKeyConstraint("batch_id", "name", name=op.f("pk_batch_pictures")),
    )
    _change_tasks()
    _change_check("attempts", "outcome", _one_of("outcome", _OUTCOMES))
    op.alter_column("artifacts", "width", existing_type=sa.BigInteger(), nullable=True)
    op.alter_column("artifacts", "height", existing_type=sa.BigInteger(), nullable=True)


def _change_tasks() -> None:
    for column in (
        sa.Column("word", sa.Text(), nullable=True),
        sa.Column("own_prompt", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("inputs", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("needs", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column(
            "options", postgresql.JSONB(none_as_null=True), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("window_id", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True), nullable=True),
    ):
        op.add_column("tasks", column)
    op.execute("UPDATE tasks t SET word = substr(t.key, length(p.key) + 2) FROM tasks p WHERE p.id = t.parent_id")
    op.execute(
        """
        UPDATE tasks t SET turn = v.turn FROM (
            SELECT id, row_number() OVER (PARTITION BY batch_id, prompt ORDER BY id) - 1 AS turn
            FROM tasks WHERE action = 'imagine' AND state = 'planned'
        ) AS v WHERE t.id = v.id AND v.turn > 0
        """
    )
    _change_check("tasks", "action", _one_of("action", _ACTIONS))
    _change_check("tasks", "index", "index BETWEEN 1 AND 5")
    op.drop_index("ix_tasks_planned", "tasks")
    op.create_index(
        "ix_tasks_planned",
        "tasks",
        ["account_id", sa.literal_column("depth DESC"), "turn", "id"],
        postgresql_where=sa.text("state IN ('planned')"),
    )
    op.create_index(
        "ix_tasks_needy",
        "tasks",
        ["needs"],
        postgresql_using="gin",
        postgresql_where=sa.text("needs IS NOT NULL AND state = 'planned'"),
    )


def _change_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"
