"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "feedback",
        sa.Column("prediction", sa.String(length=160), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("predicted", sa.String(length=8), nullable=False),
        sa.Column("truth", sa.String(length=8), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("publication", sa.String(length=15), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("predicted IN ('positive', 'negative')", name=op.f("ck_feedback_predicted")),
        sa.CheckConstraint("truth IN ('positive', 'negative')", name=op.f("ck_feedback_truth")),
        sa.PrimaryKeyConstraint("prediction", "user_id", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_given_at"), "feedback", ["given_at"], unique=False)
    op.create_index(op.f("ix_feedback_publication"), "feedback", ["publication"], unique=False)
    op.create_index(op.f("ix_feedback_user_id"), "feedback", ["user_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=5), nullable=False),
        sa.Column("shape", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("done_rows", sa.Integer(), nullable=False),
        sa.Column("done_chunks", sa.Integer(), nullable=False),
        sa.Column("refused_rows", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("format IN ('csv', 'jsonl')", name=op.f("ck_jobs_format")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_finished_at"), "jobs", ["finished_at"], unique=False)
    op.create_index(op.f("ix_jobs_owner_id"), "jobs", ["owner_id"], unique=False)
    op.create_table(
        "kept_texts",
        sa.Column("prediction", sa.String(length=160), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("prediction", name=op.f("pk_kept_texts")),
    )
    op.create_index(op.f("ix_kept_texts_owner_id"), "kept_texts", ["owner_id"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("review_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("movie_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("author_name", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("label", sa.String(length=8), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("confident", sa.Boolean(), nullable=True),
        sa.Column("publication", sa.String(length=15), nullable=True),
        sa.Column("may_train", sa.Boolean(), nullable=False),
        sa.Column("helpful", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_by", sa.Integer(), nullable=True),
        sa.Column("hidden_reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint("(hidden_at IS NULL) = (hidden_reason IS NULL)", name=op.f("ck_reviews_hidden_with_reason")),
        sa.CheckConstraint("helpful >= 0", name=op.f("ck_reviews_helpful")),
        sa.CheckConstraint("movie_id BETWEEN 1 AND 2147483647", name=op.f("ck_reviews_movie_range")),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("movie_id", "author_id", name=op.f("uq_reviews_movie_id")),
    )
    op.create_index(op.f("ix_reviews_author_id"), "reviews", ["author_id"], unique=False)
    op.create_index(
        "ix_reviews_most_helpful",
        "reviews",
        ["movie_id", sa.literal_column("helpful DESC"), sa.literal_column("review_id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_reviews_newest",
        "reviews",
        ["movie_id", sa.literal_column("created_at DESC"), sa.literal_column("review_id DESC")],
        unique=False,
    )
    op.create_table(
        "helpful_votes",
        sa.Column("review_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.review_id"], name=op.f("fk_helpful_votes_review_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("review_id", "user_id", name=op.f("pk_helpful_votes")),
    )
    op.create_index(op.f("ix_helpful_votes_user_id"), "helpful_votes", ["user_id"], unique=False)
    op.create_table(
        "job_chunks",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("upload", sa.LargeBinary(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_job_chunks_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_job_chunks")),
    )
    op.create_index(
        "ix_job_chunks_waiting",
        "job_chunks",
        ["queued_at", "job_id", "number"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index("ix_job_chunks_waiting", table_name="job_chunks", postgresql_where=sa.text("done_at IS NULL"))
    op.drop_table("job_chunks")
    op.drop_index(op.f("ix_helpful_votes_user_id"), table_name="helpful_votes")
    op.drop_table("helpful_votes")
    op.drop_index("ix_reviews_newest", table_name="reviews")
    op.drop_index("ix_reviews_most_helpful", table_name="reviews")
    op.drop_index(op.f("ix_reviews_author_id"), table_name="reviews")
    op.drop_table("reviews")
    op.drop_index(op.f("ix_kept_texts_owner_id"), table_name="kept_texts")
    op.drop_table("kept_texts")
    op.drop_index(op.f("ix_jobs_owner_id"), table_name="jobs")
    op.drop_index(op.f("ix_jobs_finished_at"), table_name="jobs")
    op.drop_table("jobs")
    op.drop_index(op.f("ix_feedback_user_id"), table_name="feedback")
    op.drop_index(op.f("ix_feedback_publication"), table_name="feedback")
    op.drop_index(op.f("ix_feedback_given_at"), table_name="feedback")
    op.drop_table("feedback")
