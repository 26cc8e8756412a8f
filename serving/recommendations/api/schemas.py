"""The shapes of the API's answers and of the one body it takes, as JSON schemas, with the values that examples share."""

from __future__ import annotations

from typing import Any

from serving.publications.format import MAX_ID
from serving.recommendations.answers.newcomer_request import MAX_RATINGS, MAX_STARS
from serving.recommendations.answers.parameters import (
    DEFAULT_LIMIT,
    MAX_EXCLUDED,
    MAX_LIMIT,
    MAX_TEXT,
    MAX_YEAR,
    MIN_YEAR,
)

Schema = dict[str, Any]

ID: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
_STRING: Schema = {"type": "string"}
_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
PUBLICATION: Schema = {"type": "string", "pattern": r"^\d{8}T\d{6}$"}
EXAMPLE_PUBLICATION = "20261123T190000"
EXAMPLE_TIME = "2016-10-16T17:57:24Z"
EXAMPLE_MOVIE = {
    "movie_id": 318,
    "title": "Shawshank Redemption, The",
    "release_year": 1994,
    "genres": ["Crime", "Drama"],
}
EXAMPLE_PROVENANCE = {"publication": EXAMPLE_PUBLICATION, "data_through": EXAMPLE_TIME}


def _object(properties: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def reference(name: str) -> Schema:
    """Return a reference to one of the schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


_MOVIE_PROPERTIES: dict[str, Schema] = {
    "movie_id": ID,
    "title": _STRING,
    "release_year": {"type": ["integer", "null"]},
    "genres": _array(_STRING),
}
_RANK: Schema = {"type": "integer", "minimum": 1, "description": "Rank in the whole list: a filter leaves gaps."}
_RANKED: dict[str, Schema] = {
    "rank": _RANK,
    **_MOVIE_PROPERTIES,
    "score": {"type": "number", "description": "Compares entries of one list only."},
}


def _provenance_of(policy: str) -> dict[str, Schema]:
    return {
        "publication": {**PUBLICATION, "description": "The publication that the answer comes from."},
        "policy": {"const": policy},
        "data_through": {**_TIME, "description": "Time of the latest rating that the lists have seen."},
    }


def _statistics_of(row: Schema) -> Schema:
    return _object({**_provenance_of("statistics"), "items": _array(row)})


def _newcomer_request() -> Schema:
    rating = _object(
        {
            "movie_id": ID,
            "rating": {"type": "number", "minimum": 0, "maximum": MAX_STARS, "description": "Stars; see `because`."},
            "rated_at": {
                "type": ["string", "integer", "null"],
                "format": "date-time",
                "minimum": 0,
                "maximum": 253402300799,
                "description": "When, ISO 8601 or Unix seconds: older ratings weigh less. Without it: just now.",
            },
        },
        optional=("rated_at",),
    )
    return _object(
        {
            "ratings": {**_array(rating), "minItems": 1, "maxItems": MAX_RATINGS, "description": "Each movie once."},
            "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
            "genre": {"type": ["string", "null"], "minLength": 1, "maxLength": MAX_TEXT, "pattern": r"\S"},
            "year_from": {"type": ["integer", "null"], "minimum": MIN_YEAR, "maximum": MAX_YEAR},
            "year_to": {"type": ["integer", "null"], "minimum": MIN_YEAR, "maximum": MAX_YEAR},
            "exclude": {**_array(ID), "maxItems": MAX_EXCLUDED},
        },
        optional=("limit", "genre", "year_from", "year_to", "exclude"),
    )


def _list_of(item: Schema, policy: str, extra: dict[str, Schema] | None = None) -> Schema:
    return _object(
        {
            **(extra or {}),
            **_provenance_of(policy),
            "items": _array(item),
            "next": {"type": ["string", "null"], "description": "Address of the next page, within this publication."},
        }
    )


def schemas() -> dict[str, Schema]:
    """Return the schemas by name."""
    because = _object({"movie_id": ID, "title": _STRING})
    movie = reference("Movie")
    recommended = _object({**_RANKED, "because": {**_array(because), "description": "Rated movies that led here."}})
    publication = _object(
        {
            "publication": PUBLICATION,
            "live": {"type": "boolean"},
            "live_since": {**_TIME, "description": "Since when it is the live one."},
            "pinned": {"type": "boolean"},
            "schema_version": {"type": "integer"},
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "bytes": {"type": "integer"},
            "rows": {"type": "object", "additionalProperties": {"type": "integer"}},
            "figures": {
                "type": "object",
                "description": "What the build measured: users, and shares of catalogue and entries.",
                "additionalProperties": {"type": "number"},
            },
            "data_through": _TIME,
            "lineage": {"type": "object", "description": "Where it comes from, as the pipeline recorded it."},
            "lineage_missing": {**_array(_STRING), "description": "What a complete lineage would also tell."},
        }
    )
    number: Schema = {"type": "number"}
    count: Schema = {"type": "integer", "minimum": 0}
    mean: Schema = {"type": "number", "minimum": 0, "maximum": 5}
    parts = {
        "score": {**number, "description": "The sum of `personal` and `popularity`."},
        "personal": {**number, "description": "What the person's own ratings add."},
        "popularity": {**number, "description": "What recent popularity adds, for everybody alike."},
    }
    folded_in = _object(
        {
            "rank": _RANK,
            **_MOVIE_PROPERTIES,
            **parts,
            "because": {
                **_array(_object({"movie_id": ID, "title": _STRING, "adds": number})),
                "description": "The ratings that add most to the score, and how much.",
            },
        }
    )
    newcomer = _object(
        {
            "publication": PUBLICATION,
            "policy": {"enum": ["folded-in", "popular"]},
            "data_through": _TIME,
            "ignored": {**_array(ID), "description": "Rated movies that the model does not know."},
            "items": _array(folded_in),
        }
    )
    explanation = _object(
        {
            "user_id": ID,
            **_provenance_of("personalised"),
            "rank": _RANK,
            "of": {"type": "integer", "description": "The length of the user's list."},
            "movie": movie,
            **{name: {**schema, "type": ["number", "null"]} for name, schema in parts.items()},
            "because": _array(
                _object(
                    {
                        "movie_id": ID,
                        "title": _STRING,
                        "similarity": {
                            "type": ["number", "null"],
                            "description": "Cosine of the two movies' factors; null where it is not among the nearest.",
                        },
                    }
                )
            ),
        }
    )
    year = {"rating_year": {"type": "integer"}, "ratings": count}
    statistics = _object(
        {
            "ratings": count,
            "mean_rating": mean,
            "bayesian_mean": {**mean, "description": "The mean drawn to the mean of all ratings by ten of them."},
            "first_rated_at": _TIME,
            "last_rated_at": _TIME,
            "by_year": _array(_object({**year, "mean_rating": mean})),
        }
    )
    accounted = dict.fromkeys(("rows_in", "rows_clean", "rows_quarantined", "rows_superseded"), count)
    problem = {
        "type": "object",
        "properties": {
            "type": _STRING,
            "title": _STRING,
            "status": {"type": "integer"},
            "detail": _STRING,
            "instance": _STRING,
        },
        "required": ["type", "title", "status", "detail", "instance"],
    }
    entry = _object(
        {
            "at": {"type": "string", "format": "date-time"},
            "action": _STRING,
            "publication": {"type": ["string", "null"]},
            "actor": _STRING,
            "reason": _STRING,
            "since": _STRING,
            "detail": {"type": "object"},
        },
        optional=("since", "detail"),
    )
    listed = _object({"publication": PUBLICATION, "live": {"type": "boolean"}, "pinned": {"type": "boolean"}})
    at = _object({"at": _STRING, "publication": PUBLICATION, "entry": entry})
    return {
        "Movie": _object(_MOVIE_PROPERTIES),
        "Recommendations": _list_of(recommended, "personalised", {"user_id": ID}),
        "SimilarMovies": _list_of(_object(_RANKED), "similar", {"movie": movie}),
        "PopularMovies": _list_of(_object({**_RANKED, "ratings": {"type": "integer"}}), "popular", {"scope": _STRING}),
        "NewcomerRecommendations": newcomer,
        "NewcomerRequest": _newcomer_request(),
        "Explanation": explanation,
        "RatingsByYear": _statistics_of(_object({**year, "users": count, "movies": count, "mean_rating": mean})),
        "RowAccounting": _statistics_of(_object({"source_file": _STRING, **accounted})),
        "MovieStatistics": _object(
            {
                **_provenance_of("statistics"),
                "movie": movie,
                "statistics": {"oneOf": [statistics, {"type": "null"}]},
            }
        ),
        "PopularByGenre": _list_of(
            _object({"rank": _RANK, **_MOVIE_PROPERTIES, "bayesian_mean": mean, "ratings": count}),
            "statistics",
            {"genre": _STRING},
        ),
        "Genres": _object({"publication": PUBLICATION, "genres": _array(_STRING)}),
        "Movies": _list_of(movie, "catalogue"),
        "Scopes": _object({"publication": PUBLICATION, "scopes": _array(_STRING)}),
        "Users": _object({"publication": PUBLICATION, "items": _array(ID), "next": {"type": ["string", "null"]}}),
        "Publication": publication,
        "Publications": {"oneOf": [_object({"items": _array(listed)}), at]},
        "Health": _object({"status": {"const": "alive"}}),
        "Ready": _object(
            {
                "status": {"enum": ["ready", "degraded"]},
                "publication": PUBLICATION,
                "live": {"type": ["string", "null"]},
                "data_through": _TIME,
                "detail": _STRING,
            },
            optional=("detail",),
        ),
        "Problem": problem,
    }
