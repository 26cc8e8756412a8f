"""All that the service keeps about one account."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from serving.reviews.api.schemas.fields import Answer, PredictionId, Probability, Publication
from serving.reviews.api.schemas.jobs import Job
from serving.reviews.api.schemas.reviews import WrittenReview
from serving.reviews.api.schemas.sentiment import Label


class OwnText(Answer):
    """A predicted text that the account asked to keep."""

    prediction: PredictionId
    text: str
    kept_at: datetime


class OwnFeedback(Answer):
    """What the account said of a prediction."""

    prediction: PredictionId
    predicted: Label
    truth: Label
    probability: Probability
    language: str
    publication: Publication
    text: Annotated[str | None, Field(description="The text, where it may train the next model.")]
    given_at: datetime


class OwnData(Answer):
    """Reviews, votes, feedback, kept texts and jobs of the account that asks."""

    reviews: list[WrittenReview]
    votes: Annotated[list[int], Field(description="Reviews that the account finds helpful.")]
    hid: Annotated[list[int], Field(description="Reviews that the account has hidden, as staff.")]
    feedback: list[OwnFeedback]
    kept_texts: list[OwnText]
    jobs: Annotated[list[Job], Field(description="A job's result has the texts that were sent.")]
