"""Keep when a movie was added here.

An export for an earlier moment then leaves it out.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column.

    The moment of movies that were added earlier is not known: they stay in every export.
    """
    op.add_column("movies", sa.Column("created_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop the column.

    It has no constraint, so SQLite need not copy the table, to whose rows ratings refer.
    """
    op.drop_column("movies", "created_at")
