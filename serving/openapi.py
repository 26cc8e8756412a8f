"""The API's description (OpenAPI 3.1), the one place where addresses, parameters and answers are written down.

/openapi.json serves it, /docs renders it, and tests hold the application to it.
"""

from __future__ import annotations

from typing import Any

from serving import problems
from serving.problems import MEDIA_TYPE, ProblemKind, problem_document
from serving.publication_format import MAX_ID
from serving.query_parameters import DEFAULT_LIMIT, MAX_EXCLUDED, MAX_LIMIT, MAX_TEXT

Schema = dict[str, Any]

_ID: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_PUBLICATION: Schema = {"type": "string", "pattern": r"^\d{8}T\d{6}$"}
_EXAMPLE_PUBLICATION = "20261123T190000"
_EXAMPLE_TIME = "2016-10-16T17:57:24Z"
_EXAMPLE_MOVIE = {
    "movie_id": 318,
    "title": "Shawshank Redemption, The",
    "release_year": 1994,
    "genres": ["Crime", "Drama"],
}
_EXAMPLE_PROVENANCE = {"publication": _EXAMPLE_PUBLICATION, "data_through": _EXAMPLE_TIME}


def _object(properties: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_MOVIE_PROPERTIES: dict[str, Schema] = {
    "movie_id": _ID,
    "title": {"type": "string"},
    "release_year": {"type": ["integer", "null"]},
    "genres": _array({"type": "string"}),
}
_RANKED: dict[str, Schema] = {
    "rank": {"type": "integer", "minimum": 1, "description": "Rank in the whole list: a filter leaves gaps."},
    **_MOVIE_PROPERTIES,
    "score": {"type": "number", "description": "Compares entries of one list only."},
}


def _list_of(item: Schema, policy: str, extra: dict[str, Schema] | None = None) -> Schema:
    return _object(
        {
            **(extra or {}),
            "publication": {**_PUBLICATION, "description": "The publication that the list comes from."},
            "policy": {"const": policy},
            "data_through": {**_TIME, "description": "Time of the latest rating that the lists have seen."},
            "items": _array(item),
            "next": {"type": ["string", "null"], "description": "Address of the next page, within this publication."},
        }
    )


def _schemas() -> dict[str, Schema]:
    because = _object({"movie_id": _ID, "title": {"type": "string"}})
    movie = _reference("Movie")
    recommended = _object({**_RANKED, "because": {**_array(because), "description": "Rated movies that led here."}})
    publication = _object(
        {
            "publication": _PUBLICATION,
            "live": {"type": "boolean"},
            "pinned": {"type": "boolean"},
            "schema_version": {"type": "integer"},
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "bytes": {"type": "integer"},
            "rows": {"type": "object", "additionalProperties": {"type": "integer"}},
            "data_through": _TIME,
            "lineage": {"type": "object", "description": "Where it comes from, as the pipeline recorded it."},
        }
    )
    problem = {
        "type": "object",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string"},
        },
        "required": ["type", "title", "status", "detail", "instance"],
    }
    entry = _object(
        {
            "at": {"type": "string", "format": "date-time"},
            "action": {"type": "string"},
            "publication": {"type": ["string", "null"]},
            "actor": {"type": "string"},
            "reason": {"type": "string"},
            "since": {"type": "string"},
            "detail": {"type": "object"},
        },
        optional=("since", "detail"),
    )
    listed = _object({"publication": _PUBLICATION, "live": {"type": "boolean"}, "pinned": {"type": "boolean"}})
    at = _object({"at": {"type": "string"}, "publication": _PUBLICATION, "entry": entry})
    return {
        "Movie": _object(_MOVIE_PROPERTIES),
        "Recommendations": _list_of(recommended, "personalised", {"user_id": _ID}),
        "SimilarMovies": _list_of(_object(_RANKED), "similar", {"movie": movie}),
        "PopularMovies": _list_of(
            _object({**_RANKED, "ratings": {"type": "integer"}}), "popular", {"scope": {"type": "string"}}
        ),
        "Movies": _list_of(movie, "catalogue"),
        "Scopes": _object({"publication": _PUBLICATION, "scopes": _array({"type": "string"})}),
        "Users": _object({"publication": _PUBLICATION, "items": _array(_ID), "next": {"type": ["string", "null"]}}),
        "Publication": publication,
        "Publications": {"oneOf": [_object({"items": _array(listed)}), at]},
        "Health": _object({"status": {"const": "alive"}}),
        "Ready": _object(
            {
                "status": {"enum": ["ready", "degraded"]},
                "publication": _PUBLICATION,
                "live": {"type": ["string", "null"]},
                "data_through": _TIME,
                "detail": {"type": "string"},
            },
            optional=("detail",),
        ),
        "Problem": problem,
    }


def _parameter(name: str, schema: Schema, description: str, example: Any, place: str = "query") -> Schema:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "schema": schema,
        "description": description,
        "example": example,
    }


_LIMIT = _parameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    "How many entries at most.",
    10,
)
_CURSOR = _parameter(
    "cursor",
    {"type": "string", "pattern": r"^\d{8}T\d{6}\.[0-9]{1,10}$"},
    "Continues a list; comes from `next`.",
    f"{_EXAMPLE_PUBLICATION}.10",
)
_AS_OF = _parameter("as_of", _PUBLICATION, "Answer from this publication and not the live one.", _EXAMPLE_PUBLICATION)
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_YEAR: Schema = {"type": "integer", "minimum": 1800, "maximum": 2999}
_FILTERS = [
    _LIMIT,
    _CURSOR,
    _parameter("genre", _TEXT, "Only movies of this genre.", "Drama"),
    _parameter("year_from", _YEAR, "Only movies released in this year or later.", 1990),
    _parameter("year_to", _YEAR, "Only movies released in this year or earlier.", 1999),
    _parameter(
        "exclude",
        {"type": "string", "pattern": r"^[0-9]{1,10}(,[0-9]{1,10})*$"},
        f"Up to {MAX_EXCLUDED} movie ids to leave out.",
        "318,527",
    ),
    _AS_OF,
]


def _problem_answers(kinds: tuple[ProblemKind, ...]) -> dict[str, Schema]:
    answers: dict[str, Schema] = {}
    for kind in kinds:
        answer = answers.setdefault(
            str(kind.status),
            {"description": "", "content": {MEDIA_TYPE: {"schema": _reference("Problem"), "examples": {}}}},
        )
        answer["description"] = (answer["description"] + f" {kind.title}: {kind.meaning}").strip()
        example = problem_document(kind, kind.meaning, "/v1/…")
        answer["content"][MEDIA_TYPE]["examples"][kind.name] = {"summary": kind.title, "value": example}
    return answers


def _get(
    name: str,
    summary: str,
    parameters: list[Schema],
    schema: str,
    example: Any,
    kinds: tuple[ProblemKind, ...],
    tag: str = "lists",
) -> Schema:
    answer = {
        "description": summary,
        "content": {"application/json": {"schema": _reference(schema), "example": example}},
    }
    operation = {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": parameters,
        "responses": {"200": answer, **_problem_answers((*kinds, problems.INTERNAL))},
    }
    return {"get": operation}


_SERVED = (problems.NOTHING_PUBLISHED, problems.NO_SOUND_PUBLICATION)
_CHOSEN = (problems.BAD_LIMIT, problems.BAD_PARAMETER, problems.UNKNOWN_PUBLICATION, *_SERVED)


def _paths() -> dict[str, Schema]:
    ranked = {"rank": 1, **_EXAMPLE_MOVIE, "score": 0.912345}
    example_publication = {
        "publication": _EXAMPLE_PUBLICATION,
        "live": True,
        "pinned": False,
        "schema_version": 1,
        "sha256": "79e71c983eaf1843e69e111a1182c3271ef108d4dd14dfee0c4eec36fea7bda4",
        "bytes": 10473472,
        "rows": {"movies": 9066, "recommendations": 67100, "similar_movies": 450000, "popular_movies": 500},
        "data_through": _EXAMPLE_TIME,
        "lineage": {"git_commit": "3f1c2ab", "model": {"name": "marquee-als", "version": "3"}},
    }

    def page(policy: str, item: Any, **extra: Any) -> Any:
        return {**extra, **_EXAMPLE_PROVENANCE, "policy": policy, "items": [item], "next": None}

    user = _parameter("user", _ID, "User id.", 1, "path")
    movie = _parameter("movie", _ID, "Movie id.", 318, "path")
    name = _parameter("name", _PUBLICATION, "Publication id.", _EXAMPLE_PUBLICATION, "path")
    scope = _parameter("scope", {**_TEXT, "default": "all"}, "One of /v1/popular/scopes.", "genre:Comedy")
    search = _parameter("q", _TEXT, "Words of the title, in any order; case and accents do not matter.", "redemption")
    at = _parameter("at", {"type": "string", "format": "date-time"}, "Only what was live then.", "2026-11-23T19:00:00Z")
    movies_link = f"/v1/movies?limit=1&cursor={_EXAMPLE_PUBLICATION}.318"
    return {
        "/v1/users/{user}/recommendations": _get(
            "user_recommendations",
            "Movies for a user, none of which the user has rated.",
            [user, *_FILTERS],
            "Recommendations",
            page("personalised", {**ranked, "because": [{"movie_id": 527, "title": "Schindler's List"}]}, user_id=1),
            (problems.BAD_ID, problems.UNKNOWN_USER, *_CHOSEN),
        ),
        "/v1/movies/{movie}": _get(
            "movie_with_similar",
            "A movie, and the movies most similar to it.",
            [movie, *_FILTERS],
            "SimilarMovies",
            page("similar", {**ranked, "movie_id": 527, "title": "Schindler's List"}, movie=_EXAMPLE_MOVIE),
            (problems.BAD_ID, problems.UNKNOWN_MOVIE, *_CHOSEN),
        ),
        "/v1/popular": _get(
            "popular_movies",
            "The most popular movies of all, of late, of a genre or of a decade.",
            [scope, *_FILTERS],
            "PopularMovies",
            page("popular", {**ranked, "ratings": 311}, scope="all"),
            (problems.UNKNOWN_SCOPE, *_CHOSEN),
        ),
        "/v1/popular/scopes": _get(
            "popular_scopes",
            "The scopes that have a list of popular movies.",
            [_AS_OF],
            "Scopes",
            {"publication": _EXAMPLE_PUBLICATION, "scopes": ["all", "decade:1990", "genre:Comedy", "recent"]},
            (problems.BAD_PARAMETER, problems.UNKNOWN_PUBLICATION, *_SERVED),
        ),
        "/v1/movies": _get(
            "movies",
            "The catalogue by movie id, or the movies whose titles have the words.",
            [search, *_FILTERS],
            "Movies",
            {**page("catalogue", _EXAMPLE_MOVIE), "next": movies_link},
            _CHOSEN,
            "catalogue",
        ),
        "/v1/users": _get(
            "users",
            "Ids of the users who have a list.",
            [_LIMIT, _CURSOR, _AS_OF],
            "Users",
            {"publication": _EXAMPLE_PUBLICATION, "items": [1, 2, 3], "next": None},
            _CHOSEN,
            "catalogue",
        ),
        "/v1/publication": _get(
            "live_publication",
            "The publication that is served now, with its lineage.",
            [],
            "Publication",
            example_publication,
            (problems.BAD_PARAMETER, *_SERVED),
            "publications",
        ),
        "/v1/publications": _get(
            "publications",
            "The publications in the store, or what was live at a time.",
            [at],
            "Publications",
            {"items": [{"publication": _EXAMPLE_PUBLICATION, "live": True, "pinned": False}]},
            (problems.BAD_PARAMETER, problems.UNKNOWN_PUBLICATION),
            "publications",
        ),
        "/v1/publications/{name}": _get(
            "publication_by_id",
            "A publication with its lineage: where every list in it comes from.",
            [name],
            "Publication",
            example_publication,
            (problems.BAD_PARAMETER, problems.UNKNOWN_PUBLICATION),
            "publications",
        ),
        "/health": _get("health", "Whether the process answers.", [], "Health", {"status": "alive"}, (), "operation"),
        "/ready": _get(
            "ready",
            "Whether lists can be served; `degraded` while an earlier publication stands in for one that is not sound.",
            [],
            "Ready",
            {
                "status": "ready",
                "publication": _EXAMPLE_PUBLICATION,
                "live": _EXAMPLE_PUBLICATION,
                "data_through": _EXAMPLE_TIME,
            },
            _SERVED,
            "operation",
        ),
    }


def openapi_document() -> dict[str, Any]:
    """Return the whole description as JSON data."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Marquee recommendations",
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Read-only movie recommendations. Each list names the publication it comes from and its "
            "policy: `personalised`, `similar`, `popular` or `catalogue`. Errors are problem+json (RFC 9457). Answers "
            "carry an ETag per publication; pages of one list stay with one publication.",
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {"schemas": _schemas()},
    }
