"""Ratings: a user's own, and everybody's by change."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from serving.accounts.domain.schemas.bases import Answer, Body
from serving.accounts.domain.schemas.fields import DatasetName, Moment, MovieId, Stars


class RatingBody(Body):
    """A rating."""

    rating: Stars


class OwnRating(Answer):
    """A rating and its movie."""

    movie_id: MovieId
    title: str
    rating: Stars
    rated_at: Moment
    change: Annotated[int, Field(description="Number of the change that wrote it: see an export's watermark.")]
    dataset: DatasetName | None = None


class OwnRatings(Answer):
    """A page of a user's ratings, the latest first."""

    items: list[OwnRating]
    next: Annotated[str | None, Field(description="Address of the next page.")]


class ChangedRating(Answer):
    """A rating of some user."""

    user_id: int
    movie_id: MovieId
    rating: Stars
    rated_at: Moment
    change: int
    dataset: DatasetName | None = None


class ChangedRatings(Answer):
    """Ratings by change, and up to which change they go."""

    items: list[ChangedRating]
    watermark: Annotated[
        int,
        Field(
            description="Every rating whose last change is up to this one is in the pages up to here. "
            "Ratings that were taken back are in none."
        ),
    ]
    next: Annotated[str | None, Field(description="Address of the next page.")]
