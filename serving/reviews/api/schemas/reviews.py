"""Reviews, votes, and what the model says of a movie's reviews."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from serving.reviews.api.schemas.fields import Answer, Body, PredictionId, Probability, Publication, Reason, ShownText

Order = Literal["newest", "helpful"]


class ReviewBody(Body):
    """A review as its author writes it."""

    text: ShownText
    may_train: Annotated[
        bool, Field(description="The author agrees that the text trains the next model.", examples=[False])
    ] = False


class HiddenBody(Body):
    """Why staff hide a review."""

    reason: Reason


class Author(Answer):
    """The author's account, with its name at the time of the writing."""

    user_id: Annotated[int, Field(examples=[1_000_000_001])]
    name: Annotated[str, Field(examples=["Ada"])]


class ReviewSentiment(Answer):
    """What the model said of the text when it was written."""

    label: Annotated[Literal["positive", "negative"], Field(examples=["positive"])]
    probability: Probability
    confident: bool
    language: Annotated[str, Field(examples=["en"])]
    publication: Publication


class Hidden(Answer):
    """When and why staff hid the review; its author and staff see this."""

    at: datetime
    reason: str


class Review(Answer):
    """A review. Its text is plain: HTML in it is to be shown as text."""

    review_id: Annotated[int, Field(examples=[1])]
    movie_id: Annotated[int | str, Field(description="For own data a text: the own id.", examples=[318])]
    dataset: Annotated[
        str | None,
        Field(
            description="The own data that the movie is of. MovieLens has no such member.",
            exclude_if=lambda name: name is None,
        ),
    ] = None
    author: Author
    text: str
    sentiment: Annotated[ReviewSentiment | None, Field(description="Null: no model was live.")]
    helpful: Annotated[int, Field(ge=0, description="Votes.")]
    created_at: datetime
    changed_at: datetime
    hidden: Hidden | None


class WrittenReview(Review):
    """A review as its author gets it back."""

    may_train: bool
    prediction: Annotated[PredictionId | None, Field(description="For feedback on the review's sentiment.")]


class ListedReview(Review):
    """A review in a movie's list."""

    voted: Annotated[
        bool | None, Field(description="Whether the account that asks finds it helpful. Null: no account asks.")
    ]


class Reviews(Answer):
    """A page of a movie's reviews."""

    items: list[ListedReview]
    next: Annotated[str | None, Field(description="Address of the next page; null on the last one.")]


class ReviewsOfAllMovies(Answer):
    """A page of all movies' reviews."""

    items: list[Review]
    next: Annotated[str | None, Field(description="Address of the next page; null on the last one.")]


class Figures(Answer):
    """What the model says of some reviews."""

    reviews: Annotated[int, Field(ge=0)]
    mean_probability: Annotated[float | None, Field(ge=0, le=1)]
    share_positive: Annotated[float | None, Field(ge=0, le=1)]


class MonthFigures(Figures):
    """What the model says of a month's reviews."""

    month: Annotated[str, Field(description="In UTC.", examples=["2026-11"])]


class LiveFigures(Figures):
    """The figures of now, and by month of the writing."""

    months: list[MonthFigures]


class MartFigures(LiveFigures):
    """The figures of the last nightly scoring, all of one model."""

    batch_id: Annotated[str, Field(description="Batch of the scoring, a UTC stamp.", examples=["20261123T190000"])]
    publication: Publication


class MovieSentiment(Answer):
    """What the model says of a movie's reviews."""

    movie_id: int | str
    live: LiveFigures
    mart: Annotated[
        MartFigures | None,
        Field(description="Of the nightly scoring by one model; null before the first."),
    ]
