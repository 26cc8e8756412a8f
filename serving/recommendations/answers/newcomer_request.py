"""Read the body of POST /v1/recommendations: a wrong one is a problem that names what is wrong, never a guess."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from serving.publications.fold_in import Rating
from serving.publications.format import MAX_ID, PublicationError
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
)
from serving.web.problems import ProblemError

MAX_RATINGS = 500
MAX_STARS = 10.0
_MEMBERS = {"ratings", "limit", "genre", "year_from", "year_to", "exclude"}
_RATING_MEMBERS = {"movie_id", "rating", "rated_at"}


@dataclass(frozen=True)
class NewcomerRequest:
    """What an unknown person rated, and which movies to recommend."""

    ratings: list[Rating]
    limit: int
    wanted: MovieFilter


def parse_newcomer_request(body: bytes) -> NewcomerRequest:
    """Read the body. Raises a problem for anything that is not as openapi.py describes it."""
    try:
        document = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        _refuse("the body is not JSON.")
    if not isinstance(document, dict):
        _refuse('give a JSON object such as {"ratings": [{"movie_id": 318, "rating": 5}]}.')
    _check_members(document, _MEMBERS, "the body")
    given = document.get("ratings")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_RATINGS:
        _refuse(f"ratings must be a list of 1 to {MAX_RATINGS} ratings.")
    ratings = [_rating(entry, f"ratings[{at}]") for at, entry in enumerate(given)]
    if len({rating.movie_id for rating in ratings}) != len(ratings):
        _refuse("ratings must name each movie once.")
    genre = document.get("genre")
    if genre is not None and not (isinstance(genre, str) and 1 <= len(genre.strip()) <= MAX_TEXT):
        _refuse(f"genre must be a text of 1 to {MAX_TEXT} characters.")
    excluded = document.get("exclude", [])
    if not isinstance(excluded, list) or len(excluded) > MAX_EXCLUDED:
        _refuse(f"exclude must be a list of up to {MAX_EXCLUDED} movie ids.")
    wanted = MovieFilter(
        genre.casefold() if genre else None,
        _optional(document, "year_from", MIN_YEAR, MAX_YEAR),
        _optional(document, "year_to", MIN_YEAR, MAX_YEAR),
        frozenset(_whole(value, "exclude", 1, MAX_ID) for value in excluded),
    )
    return NewcomerRequest(ratings, _optional(document, "limit", 1, MAX_LIMIT) or DEFAULT_LIMIT, wanted)


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse(why: str) -> NoReturn:
    raise ProblemError(problems.BAD_BODY, why[0].upper() + why[1:])


def _check_members(document: dict[str, Any], allowed: set[str], what: str) -> None:
    for name in document:
        if name not in allowed:
            _refuse(f"{name[:40]!r} is no member of {what}; there are: {', '.join(sorted(allowed))}.")


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        _refuse(f"{name} must be a whole number from {low} to {high}.")
    return int(value)


def _optional(document: dict[str, Any], name: str, low: int, high: int) -> int | None:
    value = document.get(name)
    return None if value is None else _whole(value, name, low, high)


def _rating(entry: Any, name: str) -> Rating:
    if not isinstance(entry, dict):
        _refuse(f'{name} must be an object such as {{"movie_id": 318, "rating": 5}}.')
    _check_members(entry, _RATING_MEMBERS, name)
    movie_id = _whole(entry.get("movie_id"), f"{name}.movie_id", 1, MAX_ID)
    stars = entry.get("rating")
    if isinstance(stars, bool) or not isinstance(stars, int | float) or not 0 <= stars <= MAX_STARS:
        _refuse(f"{name}.rating must be a number from 0 to {MAX_STARS:.0f}.")
    try:
        rated_at = parse_time(entry.get("rated_at"), f"{name}.rated_at")
    except (PublicationError, OverflowError):
        _refuse(f"{name}.rated_at must be Unix seconds or an ISO 8601 time such as 2016-10-17T03:37:41Z.")
    return Rating(movie_id, float(stars), rated_at)
