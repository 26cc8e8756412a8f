"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, the clock at 0, and ids of users that begin above MovieLens's."""
    op.create_table(
        "catalogue_load",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("movies", sa.Integer(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("load_id = 1", name="ck_catalogue_load_one_row"),
        sa.PrimaryKeyConstraint("load_id", name="pk_catalogue_load"),
    )
    clock = op.create_table(
        "change_clock",
        sa.Column("clock_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("clock_id = 1", name="ck_change_clock_one_row"),
        sa.PrimaryKeyConstraint("clock_id", name="pk_change_clock"),
    )
    op.create_table(
        "clients",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name="pk_clients"),
    )
    op.create_table(
        "movies",
        sa.Column("movie_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("release_year", sa.SmallInteger(), nullable=True),
        sa.Column("genres", sa.String(length=300), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("movie_id BETWEEN 1 AND 2147483647", name="ck_movies_id_range"),
        sa.CheckConstraint("release_year BETWEEN 1870 AND 2100", name="ck_movies_year_range"),
        sa.PrimaryKeyConstraint("movie_id", name="pk_movies"),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_sign_in_attempts"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sign_in_attempts_address", "sign_in_attempts", ["address"])
    op.create_index("ix_sign_in_attempts_at", "sign_in_attempts", ["at"])
    op.create_index("ix_sign_in_attempts_name_key", "sign_in_attempts", ["name_key"])
    op.create_table(
        "users",
        sa.Column("user_id", sa.Integer(), sa.Identity(always=False, start=1000000001), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role IN ('user', 'admin')", name="ck_users_role"),
        sa.CheckConstraint("user_id >= 1000000001", name="ck_users_id_above_movielens"),
        sa.PrimaryKeyConstraint("user_id", name="pk_users"),
        sa.UniqueConstraint("name_key", name="uq_users_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ratings",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("movie_id", sa.Integer(), nullable=False),
        sa.Column("half_stars", sa.SmallInteger(), nullable=False),
        sa.Column("rated_at", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("half_stars BETWEEN 1 AND 10", name="ck_ratings_half_stars"),
        sa.ForeignKeyConstraint(["movie_id"], ["movies.movie_id"], name="fk_ratings_movie_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_ratings_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "movie_id", name="pk_ratings"),
        sa.UniqueConstraint("change", name="uq_ratings_change"),
    )
    op.create_index("ix_ratings_movie_id", "ratings", ["movie_id"])
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("client_id", sa.String(length=40), nullable=True),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(user_id IS NULL) <> (client_id IS NULL)", name="ck_sessions_one_owner"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.client_id"], name="fk_sessions_client_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_sessions_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_client_id", "sessions", ["client_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "refresh_tokens",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.session_id"], name="fk_refresh_tokens_session_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sha256", name="pk_refresh_tokens"),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])
    op.bulk_insert(clock, [{"clock_id": 1, "value": 0, "moment": 0}])
    if op.get_bind().dialect.name == "sqlite":
        # SQLite knows no start of an identity: the next id is one above what this row says.
        op.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('users', 1000000000)")


def downgrade() -> None:
    """Drop all tables."""
    op.drop_table("refresh_tokens")
    op.drop_table("sessions")
    op.drop_table("ratings")
    op.drop_table("users")
    op.drop_table("sign_in_attempts")
    op.drop_table("movies")
    op.drop_table("clients")
    op.drop_table("change_clock")
    op.drop_table("catalogue_load")
