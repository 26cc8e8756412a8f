"""Keep how popular a movie is, which decides between titles that a search finds.

Titles are searched for in memory, and the column that was searched before goes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the one column and drop the other.

    The live publication is then loaded again, since it knows how popular each movie is.
    """
    op.add_column("movies", sa.Column("popularity", sa.Integer(), nullable=False, server_default="0"))
    op.drop_column("movies", "search_text")
    op.execute("DELETE FROM catalogue_load WHERE source LIKE '________T______'")


def downgrade() -> None:
    """Drop the one column and bring back the other, filled as far as SQL can."""
    op.add_column("movies", sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE movies SET search_text = lower(title)")
    op.drop_column("movies", "popularity")
