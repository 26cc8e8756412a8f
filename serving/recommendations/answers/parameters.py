"""Declare the API's parameters: rule, example, and sentence for a wrong value."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic import WithJsonSchema as Described

from serving.publications.format import MAX_ID, PUBLICATION_ID
from serving.publications.newcomers.discovery import WHOLE
from serving.publications.reading.catalogue import Movie
from serving.recommendations.answers import problems
from serving.recommendations.answers.refusals import Digits, Says

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
MAX_TEXT = 100
MAX_EXCLUDED = 200
MIN_YEAR, MAX_YEAR = 1800, 2999
EXAMPLE_PUBLICATION = "20261123T190000"
_NUMBER = re.compile(r"[0-9]{1,10}")
_SHARE = re.compile(r"0(\.[0-9]{1,2})?|1(\.00?)?")
_CURSOR = re.compile(r"([0-9]{8}T[0-9]{6})\.([0-9]{1,10})")


def _has_letters(text: str) -> str:
    if not 1 <= len(text.strip()) <= MAX_TEXT:
        raise ValueError
    return text


def _ids(text: str) -> frozenset[int]:
    parts = text.split(",")
    if len(parts) > MAX_EXCLUDED or not all(_NUMBER.fullmatch(part) and 1 <= int(part) <= MAX_ID for part in parts):
        raise ValueError
    return frozenset(map(int, parts))


def _position(text: str) -> tuple[str, int]:
    match = _CURSOR.fullmatch(text)
    if not match:
        raise ValueError
    return match[1], int(match[2])


def _hundredths(text: str) -> int:
    if not _SHARE.fullmatch(text):
        raise ValueError
    return round(float(text) * WHOLE)


def _publication_id(text: str) -> str:
    if not PUBLICATION_ID.fullmatch(text):
        raise ValueError
    return text


def _moment(text: str) -> datetime:
    # A plus sign that was not encoded arrives as a space.
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_ID = Annotated[
    int,
    Digits(1, MAX_ID),
    Says(problems.BAD_ID, "The {name} id is {value}; give a whole number from 1 to " + f"{MAX_ID}."),
]
PUBLICATION = {"type": "string", "pattern": r"^\d{8}T\d{6}$"}
Text = Annotated[
    str,
    AfterValidator(_has_letters),
    Described({"type": "string", "minLength": 1, "maxLength": MAX_TEXT}),
    Says(problems.BAD_PARAMETER, f"{{name}} must have 1 to {MAX_TEXT} characters."),
]
_Year = Annotated[
    int,
    Digits(MIN_YEAR, MAX_YEAR),
    Says(problems.BAD_PARAMETER, "{name} is {value}; give a year such as 1994."),
]
_Limit = Annotated[
    int,
    Digits(1, MAX_LIMIT),
    Says(problems.BAD_LIMIT, f"limit is {{value}}; give a whole number from 1 to {MAX_LIMIT}."),
]
_AsOf = Annotated[
    str,
    AfterValidator(_publication_id),
    Described(PUBLICATION),
    Says(problems.BAD_PARAMETER, "as_of is {value}; give a publication id such as 20261123T190000."),
]
_Cursor = Annotated[
    tuple[str, int],
    BeforeValidator(_position),
    Described({"type": "string", "pattern": r"^\d{8}T\d{6}\.[0-9]{1,10}$"}),
    Says(problems.BAD_PARAMETER, "cursor is not one that this API gave: follow the `next` link."),
]
_Excluded = Annotated[
    frozenset[int],
    BeforeValidator(_ids),
    Described({"type": "string", "pattern": r"^[0-9]{1,10}(,[0-9]{1,10})*$"}),
    Says(problems.BAD_PARAMETER, f"exclude must be up to {MAX_EXCLUDED} movie ids with commas, such as 318,527."),
]
_Hundredths = Annotated[
    int,
    BeforeValidator(_hundredths),
    Described({"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.01}),
    Says(problems.BAD_PARAMETER, "discovery is {value}; give a number from 0 to 1 with two decimals at most."),
]
_Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    Says(problems.BAD_PARAMETER, "{name} is {value}; give a time such as 2026-11-23T19:00:00Z."),
]


class UserPath(BaseModel):
    """A user in the path."""

    user: Annotated[
        _ID,
        Field(
            description="User id. In a publication of own data: the own id, percent-encoded, or account:1000000001 for an account.",
            examples=[1],
        ),
    ]


class MoviePath(BaseModel):
    """A movie in the path."""

    movie: Annotated[
        _ID, Field(description="Movie id. In a publication of own data: the own id, percent-encoded.", examples=[318])
    ]


# The last base comes first in the description.
class UserMoviePath(MoviePath, UserPath):
    """A user and a movie of the user's list in the path."""


class GenrePath(BaseModel):
    """A genre in the path; one without a list is unknown, however it is written."""

    genre: Annotated[
        str,
        Described({"type": "string", "minLength": 1, "maxLength": MAX_TEXT}),
        Field(description="One of /v1/marts/popular_by_genre.", examples=["Drama"]),
    ]


class PublicationPath(BaseModel):
    """A publication in the path; a name that is no publication id is unknown too."""

    name: Annotated[
        str,
        Described(PUBLICATION),
        Field(description="Publication id.", examples=[EXAMPLE_PUBLICATION]),
    ]


class NoParameters(BaseModel):
    """A query without parameters."""


class Moments(BaseModel):
    """A time to look back to."""

    at: Annotated[_Moment | None, Field(description="Only what was live then.", examples=["2026-11-23T19:00:00Z"])] = (
        None
    )


class AsOf(BaseModel):
    """The publication to answer from."""

    as_of: Annotated[
        _AsOf | None,
        Field(description="Answer from this publication and not the live one.", examples=[EXAMPLE_PUBLICATION]),
    ] = None


class Paged(BaseModel):
    """A page of a list."""

    limit: Annotated[_Limit, Field(description="How many entries at most.", examples=[10])] = DEFAULT_LIMIT
    cursor: Annotated[
        _Cursor | None,
        Field(description="Continues a list; comes from `next`.", examples=[f"{EXAMPLE_PUBLICATION}.10"]),
    ] = None


class Filtered(BaseModel):
    """Which movies a list keeps."""

    genre: Annotated[Text | None, Field(description="Only movies of this genre.", examples=["Drama"])] = None
    year_from: Annotated[
        _Year | None, Field(description="Only movies released in this year or later.", examples=[1990])
    ] = None
    year_to: Annotated[
        _Year | None, Field(description="Only movies released in this year or earlier.", examples=[1999])
    ] = None
    exclude: Annotated[
        _Excluded | None, Field(description=f"Up to {MAX_EXCLUDED} movie ids to leave out.", examples=["318,527"])
    ] = None

    @property
    def wanted(self) -> MovieFilter | None:
        """Return the filter by genre, year and excluded ids, or None without one."""
        return movie_filter(self.genre, self.year_from, self.year_to, self.exclude or ())


class Scoped(BaseModel):
    """Which list of popular movies."""

    scope: Annotated[Text, Field(description="One of /v1/popular/scopes.", examples=["genre:Comedy"])] = "all"


class Searched(BaseModel):
    """Which titles."""

    q: Annotated[
        Text | None,
        Field(
            description="What a person types of a title: words in any order, the likeliest movies first.",
            examples=["redemption"],
        ),
    ] = None


class UsersQuery(AsOf, Paged):
    """A page of users."""


class ListQuery(AsOf, Filtered, Paged):
    """A page of a list of movies."""


class Discovering(BaseModel):
    """How adventurous a list is."""

    discovery: Annotated[
        _Hundredths,
        Field(
            description="Share of the places that movies of the long tail have: 0 is the familiar list, 1 the list of discoveries.",
            examples=["0.3"],
        ),
    ] = 0


class UserListQuery(ListQuery, Discovering):
    """A page of a user's list."""


class PopularQuery(ListQuery, Scoped):
    """A page of popular movies."""


class SearchQuery(ListQuery, Searched):
    """A page of the catalogue."""


@dataclass(frozen=True)
class MovieFilter:
    """Which movies a list keeps. A movie of unknown year is in no range of years."""

    genre: str | None = None
    year_from: int | None = None
    year_to: int | None = None
    excluded: frozenset[int] = frozenset()

    def keeps(self, movie: Movie) -> bool:
        """Return whether the filter keeps a movie."""
        if movie.movie_id in self.excluded:
            return False
        if self.genre is not None and self.genre not in [genre.casefold() for genre in movie.genres]:
            return False
        if self.year_from is None and self.year_to is None:
            return True
        year = movie.release_year
        return year is not None and (self.year_from or 0) <= year <= (self.year_to or 9999)


def movie_filter(
    genre: str | None, year_from: int | None, year_to: int | None, excluded: Collection[int]
) -> MovieFilter | None:
    """Return the filter of a request, or None where it keeps all movies.

    The case of a genre does not matter.
    """
    if genre is None and year_from is None and year_to is None and not excluded:
        return None
    return MovieFilter(genre.casefold() if genre else None, year_from, year_to, frozenset(excluded))
