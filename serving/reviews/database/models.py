"""The tables: reviews and votes, kept texts and feedback, jobs, and the mart.

Accounts and movies are the accounts service's: here are only their ids. `migrations/` makes the tables; a test holds both
together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True), float: Double(), dict[str, Any]: JSONB()}  # noqa: RUF012


class Review(Base):
    """What a person thinks of a movie, and what the model says of the text.

    `helpful` is the number of votes. The model's columns are empty where no model was live when the text was written.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("movie_id", "author_id"),
        CheckConstraint("movie_id BETWEEN 1 AND 2147483647", "movie_range"),
        CheckConstraint("helpful >= 0", "helpful"),
        CheckConstraint("(hidden_at IS NULL) = (hidden_reason IS NULL)", "hidden_with_reason"),
        Index("ix_reviews_newest", "movie_id", text("created_at DESC"), text("review_id DESC")),
        Index("ix_reviews_most_helpful", "movie_id", text("helpful DESC"), text("review_id DESC")),
    )

    review_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    # The key of the movie's row in the accounts service; for MovieLens it is the movie's id.
    movie_id: Mapped[int]
    # The own data that the movie is of, and its id there as it is shown. Both are empty for MovieLens.
    dataset: Mapped[str | None] = mapped_column(String(63))
    own_id: Mapped[str | None] = mapped_column(String(300))
    author_id: Mapped[int] = mapped_column(index=True)
    # As it was when the review was written last.
    author_name: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(8))
    label: Mapped[str | None] = mapped_column(String(8))
    # Of positive, 0 to 1.
    probability: Mapped[float | None]
    confident: Mapped[bool | None]
    publication: Mapped[str | None] = mapped_column(String(15))
    # The author agrees that the text and its label train the next model.
    may_train: Mapped[bool]
    helpful: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    hidden_at: Mapped[datetime | None]
    hidden_by: Mapped[int | None]
    hidden_reason: Mapped[str | None] = mapped_column(String(500))


class HelpfulVote(Base):
    """A person finds another's review helpful."""

    __tablename__ = "helpful_votes"

    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.review_id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(primary_key=True, index=True)


class KeptText(Base):
    """A predicted text that its sender asked to keep."""

    __tablename__ = "kept_texts"

    prediction: Mapped[str] = mapped_column(String(160), primary_key=True)
    owner_id: Mapped[int] = mapped_column(index=True)
    text: Mapped[str] = mapped_column(Text)
    kept_at: Mapped[datetime]


class Feedback(Base):
    """Whether a prediction was right; one a person and prediction.

    `text` is kept only where its author agrees that it trains the next model.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        CheckConstraint("predicted IN ('positive', 'negative')", "predicted"),
        CheckConstraint("truth IN ('positive', 'negative')", "truth"),
    )

    prediction: Mapped[str] = mapped_column(String(160), primary_key=True)
    user_id: Mapped[int] = mapped_column(primary_key=True, index=True)
    predicted: Mapped[str] = mapped_column(String(8))
    truth: Mapped[str] = mapped_column(String(8))
    probability: Mapped[float]
    language: Mapped[str] = mapped_column(String(8))
    publication: Mapped[str] = mapped_column(String(15), index=True)
    text: Mapped[str | None] = mapped_column(Text)
    given_at: Mapped[datetime] = mapped_column(index=True)


class Job(Base):
    """A file of texts to predict, cut into chunks.

    It is finished when all of them are.
    """

    __tablename__ = "jobs"
    __table_args__ = (CheckConstraint("format IN ('csv', 'jsonl')", "format"),)

    job_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner_id: Mapped[int] = mapped_column(index=True)
    format: Mapped[str] = mapped_column(String(5))
    # Of CSV the header as {"columns": [...]}; the file's name and the column of the texts.
    shape: Mapped[dict[str, Any]]
    rows: Mapped[int]
    chunks: Mapped[int]
    done_rows: Mapped[int] = mapped_column(default=0)
    done_chunks: Mapped[int] = mapped_column(default=0)
    refused_rows: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)


class Chunk(Base):
    """Some rows of a job's file, and their answers once a worker has written them.

    Both are compressed JSON in ASCII, which holds any text. A worker locks the row, answers, and commits: a worker that
    is killed leaves the row as it was.
    """

    __tablename__ = "job_chunks"
    __table_args__ = (
        Index("ix_job_chunks_waiting", "queued_at", "job_id", "number", postgresql_where=text("done_at IS NULL")),
    )

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    queued_at: Mapped[datetime]
    upload: Mapped[bytes] = mapped_column(LargeBinary)
    answers: Mapped[bytes | None] = mapped_column(LargeBinary)
    done_at: Mapped[datetime | None]


class MartBatch(Base):
    """The batch that the mart is of, and the model's publication; at most one row."""

    __tablename__ = "mart_batches"

    batch_id: Mapped[str] = mapped_column(String(15), primary_key=True)
    publication: Mapped[str] = mapped_column(String(15))
    loaded_at: Mapped[datetime]


class MovieSentiment(Base):
    """What the model says of a movie's reviews.

    Of a month (`2026-11`), or of all (`all`).
    """

    __tablename__ = "movie_sentiment"

    movie_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    reviews: Mapped[int]
    mean_probability: Mapped[float]
    share_positive: Mapped[float]
