"""What the model says of a movie's reviews: as they are now, and as the mart has them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from serving.reviews.database.models import MartBatch, MovieSentiment, Review

_ALL = "all"


@dataclass(frozen=True)
class Figures:
    """Number, mean probability and share of positive of judged reviews.

    The latter two are None where there are no reviews.
    """

    reviews: int
    mean_probability: float | None
    share_positive: float | None


@dataclass(frozen=True)
class MartFigures:
    """The mart's figures of a movie, and which batch and publication made them."""

    batch_id: str
    publication: str
    total: Figures
    months: dict[str, Figures]


def figures_of_movie(database: Session, movie_id: int) -> tuple[Figures, dict[str, Figures]]:
    """Return the figures of a movie's reviews, of all and by month.

    Hidden reviews and those that no model has judged do not count. A month is that of the writing, in UTC: `2026-11`.
    """
    count = func.count()
    mean = func.avg(Review.probability)
    positive = func.avg(case((Review.label == "positive", 1.0), else_=0.0))
    counted = (Review.movie_id == movie_id, Review.hidden_at.is_(None), Review.label.is_not(None))
    total = database.execute(select(count, mean, positive).where(*counted)).one()
    month = func.to_char(func.timezone("UTC", Review.created_at), "YYYY-MM")
    rows = database.execute(select(month, count, mean, positive).where(*counted).group_by(month).order_by(month))
    return _figures(*total), {row[0]: _figures(*row[1:]) for row in rows}


def mart_of_movie(database: Session, movie_id: int) -> MartFigures | None:
    """Return the mart's figures of a movie, or None while no batch is loaded.

    One statement reads one batch. A movie without reviews has no row in the mart.
    """
    mart = MovieSentiment
    rows = database.execute(
        select(
            *(MartBatch.batch_id, MartBatch.publication),
            *(mart.month, mart.reviews, mart.mean_probability, mart.share_positive),
        )
        .outerjoin(mart, mart.movie_id == movie_id)
        .order_by(mart.month)
    ).all()
    if not rows:
        return None
    found = {
        row.month: _figures(row.reviews, row.mean_probability, row.share_positive)
        for row in rows
        if row.month is not None
    }
    return MartFigures(rows[0].batch_id, rows[0].publication, found.pop(_ALL, Figures(0, None, None)), found)


def _figures(count: int, mean: float | None, positive: float | None) -> Figures:
    return Figures(count, None if mean is None else float(mean), None if positive is None else float(positive))
