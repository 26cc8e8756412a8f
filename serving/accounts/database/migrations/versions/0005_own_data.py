"""Keep of which own data a movie is, and its own id.

Ratings name a movie's row. With these columns they stay true when another data set goes live.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
# The version before leaves the new columns empty.
phase = "expand"


def upgrade() -> None:
    """Add the columns, which the version before leaves empty.

    Own data's numbers are above 20,000,000. Which data set such movies are of is said when a publication that has them is loaded.
    The live one is loaded again.
    """
    op.add_column("movies", sa.Column("dataset", sa.String(63), nullable=True))
    op.add_column("movies", sa.Column("own_id", sa.String(256), nullable=True))
    op.create_index("ix_movies_dataset", "movies", ["dataset", "own_id"], unique=True)
    op.add_column("catalogue_load", sa.Column("dataset", sa.String(63), nullable=True))
    op.execute("UPDATE movies SET dataset = '' WHERE movie_id BETWEEN 20000001 AND 999999999")
    op.execute("UPDATE catalogue_load SET source = 'revision 0004' WHERE source LIKE '________T______'")


def downgrade() -> None:
    """Drop the columns; the movies and their ratings stay."""
    op.drop_column("catalogue_load", "dataset")
    op.drop_index("ix_movies_dataset", "movies")
    op.drop_column("movies", "own_id")
    op.drop_column("movies", "dataset")
