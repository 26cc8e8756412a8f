"""Answer retries alike, and compare names by how they read.

Each account gets the skeleton of its name. Of accounts that read alike the oldest gets it, and the others none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from serving.accounts.names import skeleton

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table, and fill the skeletons of names.

    SQLite adds columns in place: it need not copy tables to whose rows others refer.
    """
    op.add_column("refresh_tokens", sa.Column("used_by", sa.String(length=64), nullable=True))
    op.add_column("users", sa.Column("name_skeleton", sa.String(length=400), nullable=True))
    users = sa.table("users", sa.column("user_id"), sa.column("name"), sa.column("name_skeleton"))
    connection = op.get_bind()
    given: set[str] = set()
    for user_id, name in connection.execute(sa.select(users.c.user_id, users.c.name).order_by(users.c.user_id)).all():
        form = skeleton(name)
        if form not in given:
            given.add(form)
            connection.execute(sa.update(users).where(users.c.user_id == user_id).values(name_skeleton=form))
    op.create_index("ix_users_name_skeleton", "users", ["name_skeleton"], unique=True)
    op.create_table(
        "idempotency_keys",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("made", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_idempotency_keys_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sha256", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_index("ix_idempotency_keys_user_id", "idempotency_keys", ["user_id"])


def downgrade() -> None:
    """Drop what the upgrade added."""
    op.drop_table("idempotency_keys")
    op.drop_index("ix_users_name_skeleton", "users")
    op.drop_column("users", "name_skeleton")
    op.drop_column("refresh_tokens", "used_by")
