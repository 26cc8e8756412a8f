"""Predictions and feedback."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from serving.reviews.api.schemas.fields import Answer, Body, Language, PredictionId, Probability, Publication, Text

Label = Literal["positive", "negative"]


class SentimentRequest(Body):
    """A text to predict."""

    text: Text
    language: Language | None = None
    store: Annotated[
        bool,
        Field(
            description="Keep the text under the prediction's id, for the account that is signed in.", examples=[False]
        ),
    ] = False


class TermWeight(Answer):
    """A term, and what it adds to the log-odds of positive."""

    term: Annotated[str, Field(examples=["wonderful"])]
    weight: Annotated[float, Field(examples=[3.2])]


class Sentiment(Answer):
    """What the model says of one text."""

    label: Annotated[Label, Field(examples=["positive"])]
    probability: Probability
    confident: Annotated[
        bool, Field(description="False near one half, without a known term, or in a language without a model.")
    ]
    language: Annotated[str, Field(description="Given or found; `other`: no model knows it.", examples=["en"])]
    terms: Annotated[list[TermWeight], Field(description="The terms that decided, strongest first.")]
    known: Annotated[float, Field(ge=0, le=1, description="Share of the text's n-grams that the model knows.")]
    model_version: Annotated[str, Field(examples=["3"])]
    publication: Publication
    prediction: PredictionId
    stored: Annotated[bool, Field(description="The text is kept.", examples=[False])] = False


class BatchRequest(Body):
    """Texts to predict."""

    texts: Annotated[
        list[Any],
        Field(
            min_length=1,
            max_length=1000,
            description="1 to 1,000 texts; one that is refused has an error in its place.",
            examples=[["A wonderful film.", "정말 재밌는 영화", ""]],
            json_schema_extra={"items": {"type": "string"}},
        ),
    ]
    language: Language | None = None


class TextError(Answer):
    """Why one text of a batch was refused."""

    type: Annotated[str, Field(examples=["/docs#problem-bad-text"])]
    title: str
    detail: str


class RefusedText(Answer):
    """The place of a text that was refused."""

    error: TextError


class BatchAnswer(Answer):
    """Predictions in the order of the texts."""

    results: list[Sentiment | RefusedText]


class FeedbackRequest(Body):
    """Whether a prediction was right."""

    right: Annotated[bool, Field(examples=[False])]
    text: Annotated[
        Text | None, Field(description="The predicted text; needed for training unless the service keeps it.")
    ] = None
    may_train: Annotated[
        bool, Field(description="The text's author agrees that it trains the next model.", examples=[True])
    ] = False


class FeedbackAnswer(Answer):
    """What was noted."""

    prediction: PredictionId
    predicted: Label
    truth: Label
    trains: Annotated[bool, Field(description="The text is kept for the next training.")]
