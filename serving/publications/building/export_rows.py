"""The columns of the exported tables, and a parser of rows for each, which refuses a row that may not be served."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Callable
from typing import Any

from serving.publications.format import MAX_ID, PublicationError

# Served scores have six decimals, so rounding may put close entries out of order.
SCORE_DECIMALS = 6
_MAX_COUNT = 2**53
_REPAIR = "Look at the task that fills the table."

Row = tuple[Any, ...]

# The columns that each export must have, in the order in which hql/export_*.hql writes them.
EXPORT_COLUMNS = {
    "movies": ("movie_id", "title", "release_year", "genres"),
    "recommendations": ("user_id", "rank", "movie_id", "score", "reason_movie_ids"),
    "similar_movies": ("movie_id", "rank", "similar_movie_id", "score"),
    "popular_movies": ("scope", "rank", "movie_id", "score", "ratings"),
}
# Tables that a publication may lack. The API then answers that the publication does not have them.
OPTIONAL_COLUMNS = {
    "movie_factors": ("movie_id", "gain", "prior", "factors"),
    "movie_neighbours": ("movie_id", "rank", "neighbour_id", "weight"),
    "discoveries": ("user_id", "rank", "movie_id", "score", "reason_movie_ids"),
    "discovery_prices": ("movie_id", "price"),
    "ratings_by_year": ("rating_year", "ratings", "users", "movies", "mean_rating"),
    "popular_by_genre": ("genre", "rank", "movie_id", "ratings", "bayesian_mean"),
    "movie_ratings_by_year": ("movie_id", "rating_year", "ratings", "mean_rating"),
    "movie_statistics": (
        *("movie_id", "ratings", "mean_rating", "bayesian_mean"),
        *("first_rated_at", "last_rated_at"),
    ),
    "row_accounting": ("source_file", "rows_in", "rows_clean", "rows_quarantined", "rows_superseded"),
    # The dictionary of own data, as ingest writes it to HDFS.
    "ids": ("kind", "number", "own_id"),
}


def _integer(place: str, column: str, text: str | None, low: int, high: int) -> int:
    try:
        value = int(text or "")
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise PublicationError(f"{place}: {column} is {text!r}, not a whole number from {low} to {high}. {_REPAIR}")
    return value


def _identifier(place: str, column: str, text: str | None) -> int:
    return _integer(place, column, text, 1, MAX_ID)


def _count(place: str, column: str, text: str | None) -> int:
    return _integer(place, column, text, 0, _MAX_COUNT)


def _number(place: str, column: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise PublicationError(f"{place}: {column} is {text!r}, not a finite number. {_REPAIR}")
    return value


def _score(place: str, text: str | None) -> float:
    # Adding zero turns -0.0 into 0.0.
    return round(_number(place, "score", text), SCORE_DECIMALS) + 0.0


def _mean(place: str, column: str, text: str | None) -> float:
    value = _number(place, column, text)
    if not 0 <= value <= 5:
        raise PublicationError(f"{place}: {column} is {text!r}, not a mean of ratings from 0 to 5. {_REPAIR}")
    return round(value, SCORE_DECIMALS)


def _movie(place: str, fields: list[str | None]) -> Row:
    movie_id, title, year, genres = fields
    if not title:
        raise PublicationError(f"{place}: title is empty. {_REPAIR}")
    release_year = None if year is None else _integer(place, "release_year", year, 1800, 2999)
    return _identifier(place, "movie_id", movie_id), title, release_year, genres or ""


def _recommendation(place: str, fields: list[str | None]) -> Row:
    user_id, rank, movie_id, score, reasons = fields
    # As the list's JSON has them: to make and read JSON for each of millions of rows takes a quarter of a build.
    reason_ids = [str(_identifier(place, "reason_movie_ids", text)) for text in (reasons or "").split(",") if text]
    return (
        _identifier(place, "user_id", user_id),
        _identifier(place, "rank", rank),
        _identifier(place, "movie_id", movie_id),
        _score(place, score),
        f"[{','.join(reason_ids)}]",
    )


def _similar(place: str, fields: list[str | None]) -> Row:
    movie_id, rank, similar_movie_id, score = fields
    return (
        _identifier(place, "movie_id", movie_id),
        _identifier(place, "rank", rank),
        _identifier(place, "similar_movie_id", similar_movie_id),
        _score(place, score),
    )


def _popular(place: str, fields: list[str | None]) -> Row:
    scope, rank, movie_id, score, ratings = fields
    if not scope:
        raise PublicationError(f"{place}: scope is empty. {_REPAIR}")
    return (
        scope,
        _identifier(place, "rank", rank),
        _identifier(place, "movie_id", movie_id),
        _score(place, score),
        _count(place, "ratings", ratings),
    )


def _movie_factors(place: str, fields: list[str | None]) -> Row:
    movie_id, gain, prior, text = fields
    try:
        factors = base64.b64decode(text or "", validate=True)
        numbers = struct.unpack(f"<{len(factors) // 4}f", factors)
    except (binascii.Error, struct.error, ValueError):
        raise PublicationError(f"{place}: factors are not base64 of little-endian float32. {_REPAIR}") from None
    if not numbers or not all(map(math.isfinite, numbers)):
        raise PublicationError(f"{place}: factors are empty or not all finite. {_REPAIR}")
    # Gain and prior keep all their digits, since scores are computed from them.
    return (
        _identifier(place, "movie_id", movie_id),
        _number(place, "gain", gain),
        _number(place, "prior", prior),
        factors,
    )


def _neighbour(place: str, fields: list[str | None]) -> Row:
    movie_id, rank, neighbour_id, weight = fields
    return (
        _identifier(place, "movie_id", movie_id),
        _identifier(place, "rank", rank),
        _identifier(place, "neighbour_id", neighbour_id),
        _number(place, "weight", weight),
    )


def _price(place: str, fields: list[str | None]) -> Row:
    movie_id, price = fields
    value = _number(place, "price", price)
    if value < 0:
        raise PublicationError(f"{place}: price is {price!r}, which is below 0. {_REPAIR}")
    return _identifier(place, "movie_id", movie_id), value


def _year_of_ratings(place: str, fields: list[str | None]) -> Row:
    year, ratings, users, movies, mean = fields
    return (
        _integer(place, "rating_year", year, 1900, 2999),
        _count(place, "ratings", ratings),
        _count(place, "users", users),
        _count(place, "movies", movies),
        _mean(place, "mean_rating", mean),
    )


def _popular_in_genre(place: str, fields: list[str | None]) -> Row:
    genre, rank, movie_id, ratings, mean = fields
    if not genre:
        raise PublicationError(f"{place}: genre is empty. {_REPAIR}")
    return (
        genre,
        _identifier(place, "rank", rank),
        _identifier(place, "movie_id", movie_id),
        _count(place, "ratings", ratings),
        _mean(place, "bayesian_mean", mean),
    )


def _movie_year(place: str, fields: list[str | None]) -> Row:
    movie_id, year, ratings, mean = fields
    return (
        _identifier(place, "movie_id", movie_id),
        _integer(place, "rating_year", year, 1900, 2999),
        _count(place, "ratings", ratings),
        _mean(place, "mean_rating", mean),
    )


def _movie_statistics(place: str, fields: list[str | None]) -> Row:
    movie_id, ratings, mean, bayesian, first, last = fields
    return (
        _identifier(place, "movie_id", movie_id),
        _count(place, "ratings", ratings),
        _mean(place, "mean_rating", mean),
        _mean(place, "bayesian_mean", bayesian),
        _count(place, "first_rated_at", first),
        _count(place, "last_rated_at", last),
    )


def _accounted_rows(place: str, fields: list[str | None]) -> Row:
    source_file, *texts = fields
    if not source_file:
        raise PublicationError(f"{place}: source_file is empty. {_REPAIR}")
    names = OPTIONAL_COLUMNS["row_accounting"][1:]
    counts = [_count(place, name, text) for name, text in zip(names, texts, strict=True)]
    if counts[0] != sum(counts[1:]):
        raise PublicationError(
            f"{place}: rows_in of {source_file} is {counts[0]}, but clean, quarantined and superseded rows are "
            f"{sum(counts[1:])}. Rows were lost on the way: look at load_row_accounting."
        )
    return (source_file, *counts)


def _own_id(place: str, fields: list[str | None]) -> Row:
    kind, number, own_id = fields
    if kind not in ("user", "item") or not own_id:
        raise PublicationError(f"{place}: {kind!r} {own_id!r} is no id of a user or an item. {_REPAIR}")
    return kind, _identifier(place, "number", number), own_id


PARSERS: dict[str, Callable[[str, list[str | None]], Row]] = {
    "movies": _movie,
    "recommendations": _recommendation,
    "similar_movies": _similar,
    "popular_movies": _popular,
    "movie_factors": _movie_factors,
    "movie_neighbours": _neighbour,
    "discoveries": _recommendation,
    "discovery_prices": _price,
    "ratings_by_year": _year_of_ratings,
    "popular_by_genre": _popular_in_genre,
    "movie_ratings_by_year": _movie_year,
    "movie_statistics": _movie_statistics,
    "row_accounting": _accounted_rows,
    "ids": _own_id,
}
