"""The mart movie_sentiment, and the batch that it is of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "mart_batches",
        sa.Column("batch_id", sa.String(length=15), nullable=False),
        sa.Column("publication", sa.String(length=15), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_mart_batches")),
    )
    op.create_table(
        "movie_sentiment",
        sa.Column("movie_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("reviews", sa.Integer(), nullable=False),
        sa.Column("mean_probability", sa.Double(), nullable=False),
        sa.Column("share_positive", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("movie_id", "month", name=op.f("pk_movie_sentiment")),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("movie_sentiment")
    op.drop_table("mart_batches")
