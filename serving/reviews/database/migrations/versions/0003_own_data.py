"""Keep of which own data a review's movie is, and its own id.

The key of the movie in the accounts service stays what joins reviews, votes and figures.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
# The version before leaves the new columns empty.
phase = "expand"


def upgrade() -> None:
    """Add two columns, which reviews of MovieLens's movies leave empty."""
    op.add_column("reviews", sa.Column("dataset", sa.String(length=63), nullable=True))
    op.add_column("reviews", sa.Column("own_id", sa.String(length=300), nullable=True))


def downgrade() -> None:
    """Drop the columns; the reviews stay."""
    op.drop_column("reviews", "own_id")
    op.drop_column("reviews", "dataset")
