"""The shapes of the API's answers, with the examples that its description shows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.publications.format import MAX_ID
from serving.recommendations.answers.parameters import EXAMPLE_PUBLICATION, PUBLICATION

# Own data has texts.
Id = Annotated[int, Field(ge=1, le=MAX_ID)] | Annotated[str, Field(min_length=1, max_length=256)]
PublicationId = Annotated[str, Field(pattern=PUBLICATION["pattern"], examples=[EXAMPLE_PUBLICATION])]
Time = Annotated[datetime | None, Field(examples=["2016-10-16T17:57:24Z"])]
Count = Annotated[int, Field(ge=0)]
Mean = Annotated[float, Field(ge=0, le=5)]
Rank = Annotated[int, Field(ge=1, description="Rank in the whole list: a filter leaves gaps.", examples=[1])]
Next = Annotated[str | None, Field(description="Address of the next page, within this publication.", examples=[None])]


_DISCOVERY = "Share of the places that movies of the long tail have, where the request asks for one."


class Answer(BaseModel):
    """An answer's body, or a part of one: all its members are described."""

    model_config = ConfigDict(extra="forbid")


class Provenance(Answer):
    """Where an answer comes from."""

    publication: Annotated[PublicationId, Field(description="The publication that the answer comes from.")]
    data_through: Annotated[Time, Field(description="Time of the latest rating that the lists have seen.")]


class Movie(Answer):
    """A movie of the catalogue."""

    movie_id: Annotated[Id, Field(examples=[318])]
    title: Annotated[str, Field(examples=["Shawshank Redemption, The"])]
    release_year: Annotated[int | None, Field(examples=[1994])]
    genres: Annotated[list[str], Field(examples=[["Crime", "Drama"]])]
    number: Annotated[int | None, Field(description="Of own data alone: what the warehouse calls it.")] = None


class Reason(Answer):
    """A movie that the user has rated."""

    movie_id: Annotated[Id, Field(examples=[527])]
    title: Annotated[str, Field(examples=["Schindler's List"])]


class RankedMovie(Movie):
    """A movie of a list."""

    rank: Rank
    score: Annotated[float, Field(description="Compares entries of one list only.", examples=[0.912345])]


class SimilarMovie(RankedMovie):
    """A movie of the list of a movie."""

    movie_id: Annotated[Id, Field(examples=[527])]
    title: Annotated[str, Field(examples=["Schindler's List"])]


class RecommendedMovie(RankedMovie):
    """A movie of a user's list."""

    because: Annotated[list[Reason], Field(description="Rated movies that led here.")]


class PopularMovie(RankedMovie):
    """A movie of a list of popular movies."""

    ratings: Annotated[int, Field(examples=[311])]


class Recommendations(Provenance):
    """A page of a user's list."""

    user_id: Annotated[Id, Field(examples=[1])]
    discovery: Annotated[float, Field(ge=0, le=1, description=_DISCOVERY, examples=[0.3])] = 0
    policy: Literal["personalised"]
    items: list[RecommendedMovie]
    next: Next


class SimilarMovies(Provenance):
    """A movie, and a page of the movies most similar to it."""

    movie: Movie
    policy: Literal["similar"]
    items: list[SimilarMovie]
    next: Next


class PopularMovies(Provenance):
    """A page of popular movies."""

    scope: Annotated[str, Field(examples=["all"])]
    policy: Literal["popular"]
    items: list[PopularMovie]
    next: Next


class Scopes(Answer):
    """The scopes of popular movies."""

    publication: PublicationId
    scopes: Annotated[list[str], Field(examples=[["all", "decade:1990", "genre:Comedy", "recent"]])]


class AddingReason(Reason):
    """A rating, and how much it adds to a score."""

    adds: Annotated[float, Field(examples=[0.12])]


class FoldedInMovie(Movie):
    """A movie of a newcomer's list."""

    rank: Rank
    score: Annotated[float, Field(description="The sum of `personal` and `popularity`.", examples=[0.27])]
    personal: Annotated[float, Field(description="What the person's own ratings add.", examples=[0.2])]
    popularity: Annotated[
        float,
        Field(
            description="What recent popularity adds, for everybody alike; less its price for a movie of the long tail.",
            examples=[0.07],
        ),
    ]
    because: Annotated[list[AddingReason], Field(description="The ratings that add most to the score, and how much.")]


class NewcomerRecommendations(Provenance):
    """A newcomer's list."""

    policy: Annotated[Literal["folded-in", "popular"], Field(examples=["folded-in"])]
    discovery: Annotated[float, Field(ge=0, le=1, description=_DISCOVERY, examples=[0.3])] = 0
    ignored: Annotated[list[Id], Field(description="Rated movies that the model does not know.", examples=[[]])]
    items: list[FoldedInMovie]


class SimilarReason(Reason):
    """A rated movie, and how similar it is."""

    similarity: Annotated[
        float | None,
        Field(
            description="Cosine of the two movies' factors; null where it is not among the nearest.", examples=[0.61]
        ),
    ]


class Explanation(Provenance):
    """Why a movie is in a user's list."""

    user_id: Annotated[Id, Field(examples=[1])]
    policy: Literal["personalised"]
    rank: Rank
    of: Annotated[int, Field(description="The length of the user's list.", examples=[100])]
    movie: Movie
    score: Annotated[float | None, Field(description="The sum of `personal` and `popularity`.", examples=[0.27])]
    personal: Annotated[float | None, Field(description="What the person's own ratings add.", examples=[0.2])]
    popularity: Annotated[
        float | None, Field(description="What recent popularity adds, for everybody alike.", examples=[0.07])
    ]
    because: list[SimilarReason]


class YearOfMovie(Answer):
    """A movie's ratings in a calendar year."""

    rating_year: Annotated[int, Field(examples=[2015])]
    ratings: Annotated[Count, Field(examples=[24])]
    mean_rating: Annotated[Mean, Field(examples=[4.4])]


class Year(Answer):
    """All ratings of a calendar year."""

    rating_year: Annotated[int, Field(examples=[2015])]
    ratings: Annotated[Count, Field(examples=[6610])]
    users: Annotated[Count, Field(examples=[60])]
    movies: Annotated[Count, Field(examples=[2880])]
    mean_rating: Annotated[Mean, Field(examples=[3.55])]


class RatingsByYear(Provenance):
    """Activity by year."""

    policy: Literal["statistics"]
    items: list[Year]


class SourceFile(Answer):
    """Where the rows of a source file went."""

    source_file: Annotated[str, Field(examples=["ratings.csv"])]
    rows_in: Annotated[Count, Field(examples=[100004])]
    rows_clean: Annotated[Count, Field(examples=[100001])]
    rows_quarantined: Annotated[Count, Field(examples=[2])]
    rows_superseded: Annotated[Count, Field(examples=[1])]


class RowAccounting(Provenance):
    """Where the rows of each source file went."""

    policy: Literal["statistics"]
    items: list[SourceFile]


class RatingsOfMovie(Answer):
    """How often and how well a movie is rated."""

    ratings: Annotated[Count, Field(examples=[311])]
    mean_rating: Annotated[Mean, Field(examples=[4.49])]
    bayesian_mean: Annotated[
        Mean, Field(description="The mean drawn to the mean of all ratings by ten of them.", examples=[4.46])
    ]
    first_rated_at: Annotated[Time, Field(examples=["1996-05-12T10:00:00Z"])]
    last_rated_at: Annotated[Time, Field(examples=["2016-10-12T18:20:11Z"])]
    by_year: list[YearOfMovie]


class MovieStatistics(Provenance):
    """A movie, and how it is rated."""

    policy: Literal["statistics"]
    movie: Movie
    statistics: RatingsOfMovie | None


class GenreMovie(Movie):
    """A movie of the best of a genre."""

    rank: Rank
    bayesian_mean: Annotated[Mean, Field(examples=[4.41])]
    ratings: Annotated[Count, Field(examples=[311])]


class PopularByGenre(Provenance):
    """A page of the best movies of a genre."""

    genre: Annotated[str, Field(examples=["Drama"])]
    policy: Literal["statistics"]
    items: list[GenreMovie]
    next: Next


class Genres(Answer):
    """The genres that have a list."""

    publication: PublicationId
    genres: Annotated[list[str], Field(examples=[["Action", "Comedy"]])]


class Movies(Provenance):
    """A page of the catalogue."""

    policy: Literal["catalogue"]
    items: list[Movie]
    next: Annotated[Next, Field(examples=[f"/v1/movies?limit=1&cursor={EXAMPLE_PUBLICATION}.318"])]


class Users(Answer):
    """A page of the users who have a list."""

    publication: PublicationId
    items: Annotated[list[Id], Field(examples=[[1, 2, 3]])]
    next: Annotated[str | None, Field(examples=[None])]
