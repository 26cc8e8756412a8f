"""Declare the body of POST /v1/recommendations, with a sentence for each error."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, NoReturn

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic import WithJsonSchema as Described

from serving.publications.format import MAX_ID, PublicationError
from serving.publications.newcomers.discovery import WHOLE
from serving.publications.newcomers.fold_in import Rating
from serving.publications.times import parse_time
from serving.recommendations.answers import problems
from serving.recommendations.answers.parameters import (
    DEFAULT_LIMIT,
    MAX_EXCLUDED,
    MAX_LIMIT,
    MAX_TEXT,
    MAX_YEAR,
    MIN_YEAR,
    MovieFilter,
    movie_filter,
)
from serving.recommendations.answers.refusals import Says, refusal
from serving.web.problems import ProblemError

MAX_RATINGS = 500
MAX_STARS = 10.0


def _says(sentence: str) -> Says:
    return Says(problems.BAD_BODY, sentence)


def _whole(name: str, low: int, high: int) -> Says:
    return _says(f"{name} must be a whole number from {low} to {high}.")


def _time(value: Any) -> int | None:
    try:
        return parse_time(value, "rated_at")
    except (PublicationError, OverflowError) as error:
        raise ValueError from error


def _has_letters(text: str) -> str:
    if not 1 <= len(text.strip()) <= MAX_TEXT:
        raise ValueError
    return text


_Id = Annotated[int, Field(ge=1, le=MAX_ID)]
_Year = Annotated[int, Field(ge=MIN_YEAR, le=MAX_YEAR), _whole("{name}", MIN_YEAR, MAX_YEAR)]
_Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT), _whole("{name}", 1, MAX_LIMIT)]
_Genre = Annotated[
    str,
    AfterValidator(_has_letters),
    Described({"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": r"\S"}),
    _says(f"genre must be a text of 1 to {MAX_TEXT} characters."),
]


class _Body(BaseModel):
    """A JSON object of just these members, each of just its JSON type."""

    model_config = ConfigDict(extra="forbid", strict=True)
    example: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _members(cls, value: Any) -> Any:
        """Return the members; a required one that is missing is null, and so wrong."""
        if not isinstance(value, dict):
            raise refusal(cls.example, problems.BAD_BODY)
        for name in value:
            if name not in cls.model_fields:
                unknown = repr(name[:40]).replace("{", "{{").replace("}", "}}")
                there = ", ".join(sorted(cls.model_fields))
                raise refusal(f"{unknown} is no member of {{name}}; there are: {there}.", problems.BAD_BODY)
        return {name: None for name, field in cls.model_fields.items() if field.is_required()} | value


class RatingBody(_Body):
    """A movie and its stars."""

    example = '{name} must be an object such as {{"movie_id": 318, "rating": 5}}.'
    movie_id: Annotated[_Id, _whole("{name}", 1, MAX_ID)]
    rating: Annotated[
        float,
        Field(ge=0, le=MAX_STARS, allow_inf_nan=False),
        _says(f"{{name}} must be a number from 0 to {MAX_STARS:.0f}."),
        Field(description="Stars; see `because`."),
    ]
    rated_at: Annotated[
        int | None,
        BeforeValidator(_time),
        Described(
            {"type": ["string", "integer", "null"], "format": "date-time", "minimum": 0, "maximum": 253402300799}
        ),
        _says("{name} must be Unix seconds or an ISO 8601 time such as 2016-10-17T03:37:41Z."),
        Field(description="When, ISO 8601 or Unix seconds: older ratings weigh less. Without it: just now."),
    ] = None


class NewcomerRequest(_Body):
    """What an unknown person rated, and which movies to recommend."""

    example = 'give a JSON object such as {{"ratings": [{{"movie_id": 318, "rating": 5}}]}}.'
    ratings: Annotated[
        list[RatingBody],
        Field(min_length=1, max_length=MAX_RATINGS),
        _says(f"ratings must be a list of 1 to {MAX_RATINGS} ratings."),
        AfterValidator(lambda ratings: _each_once(ratings)),
        Field(
            description="Each movie once.", examples=[[{"movie_id": 1, "rating": 4.5}, {"movie_id": 527, "rating": 5}]]
        ),
    ]
    genre: _Genre | None = None
    exclude: Annotated[
        list[Annotated[_Id, _whole("exclude", 1, MAX_ID)]],
        Field(max_length=MAX_EXCLUDED),
        _says(f"exclude must be a list of up to {MAX_EXCLUDED} movie ids."),
    ] = []
    year_from: _Year | None = None
    year_to: _Year | None = None
    limit: Annotated[_Limit | None, Field(examples=[10])] = DEFAULT_LIMIT
    discovery: Annotated[
        float,
        Field(ge=0, le=1),
        _says("discovery must be a number from 0 to 1."),
        Field(
            description="Share of the places that movies of the long tail have, in hundredths: 0 is the familiar list.",
            examples=[0.3],
        ),
    ] = 0

    @property
    def wanted(self) -> MovieFilter | None:
        """Return the filter by genre, year and excluded ids, or None without one."""
        return movie_filter(self.genre, self.year_from, self.year_to, self.exclude)

    @property
    def hundredths(self) -> int:
        """Return how many hundredths of the places are discoveries."""
        return round(self.discovery * WHOLE)

    @property
    def given(self) -> list[Rating]:
        """Return the ratings as the fold-in takes them."""
        return [Rating(each.movie_id, each.rating, each.rated_at) for each in self.ratings]


def _each_once(ratings: list[RatingBody]) -> list[RatingBody]:
    if len({rating.movie_id for rating in ratings}) != len(ratings):
        raise refusal("ratings must name each movie once.", problems.BAD_BODY)
    return ratings


def json_of(body: bytes) -> Any:
    """Return a body as JSON data. Raise a problem for one that is not JSON."""
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ProblemError(problems.BAD_BODY, "The body is not JSON.") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
