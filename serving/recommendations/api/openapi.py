"""The API's description (OpenAPI 3.1), the one place where addresses, parameters and answers are written down.

/openapi.json serves it, /docs renders it, and tests hold the application to it.
"""

from __future__ import annotations

from typing import Any

from serving.recommendations.answers import problems
from serving.recommendations.answers.parameters import (
    DEFAULT_LIMIT,
    MAX_EXCLUDED,
    MAX_LIMIT,
    MAX_TEXT,
    MAX_YEAR,
    MIN_YEAR,
)
from serving.recommendations.api.schemas import (
    EXAMPLE_MOVIE,
    EXAMPLE_PROVENANCE,
    EXAMPLE_PUBLICATION,
    EXAMPLE_TIME,
    ID,
    PUBLICATION,
    Schema,
    reference,
    schemas,
)
from serving.web.problems import MEDIA_TYPE, ProblemKind, problem_document


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
    f"{EXAMPLE_PUBLICATION}.10",
)
_AS_OF = _parameter("as_of", PUBLICATION, "Answer from this publication and not the live one.", EXAMPLE_PUBLICATION)
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_YEAR: Schema = {"type": "integer", "minimum": MIN_YEAR, "maximum": MAX_YEAR}
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
            {"description": "", "content": {MEDIA_TYPE: {"schema": reference("Problem"), "examples": {}}}},
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
        "content": {"application/json": {"schema": reference(schema), "example": example}},
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


_MART = (problems.NOT_IN_PUBLICATION, problems.BAD_PARAMETER, problems.UNKNOWN_PUBLICATION, *_SERVED)


def _statistics(row: Any) -> Any:
    return {**EXAMPLE_PROVENANCE, "policy": "statistics", "items": [row]}


def _newcomers() -> Schema:
    operation: Schema = _get(
        "recommend_for_newcomer",
        "Movies for a person who has no list, from the ratings in the body; nothing of them is kept.",
        [_AS_OF],
        "NewcomerRecommendations",
        {
            **EXAMPLE_PROVENANCE,
            "policy": "folded-in",
            "ignored": [],
            "items": [
                {
                    "rank": 1,
                    **EXAMPLE_MOVIE,
                    "score": 0.27,
                    "personal": 0.2,
                    "popularity": 0.07,
                    "because": [{"movie_id": 527, "title": "Schindler's List", "adds": 0.12}],
                }
            ],
        },
        (
            *(problems.BAD_BODY, problems.UNSUPPORTED_MEDIA_TYPE, problems.TOO_LARGE, problems.NOT_IN_PUBLICATION),
            *(problems.BAD_PARAMETER, problems.UNKNOWN_PUBLICATION, *_SERVED),
        ),
    )["get"]
    example = {"ratings": [{"movie_id": 1, "rating": 4.5}, {"movie_id": 527, "rating": 5}], "limit": 10}
    content = {"application/json": {"schema": reference("NewcomerRequest"), "example": example}}
    return {"post": {**operation, "requestBody": {"required": True, "content": content}}}


def _paths() -> dict[str, Schema]:
    ranked = {"rank": 1, **EXAMPLE_MOVIE, "score": 0.912345}
    example_publication = {
        "publication": EXAMPLE_PUBLICATION,
        "live": True,
        "live_since": "2026-11-23T19:12:41.000Z",
        "pinned": False,
        "schema_version": 2,
        "sha256": "79e71c983eaf1843e69e111a1182c3271ef108d4dd14dfee0c4eec36fea7bda4",
        "bytes": 10473472,
        "rows": {"movies": 9066, "recommendations": 67100, "similar_movies": 450000, "popular_movies": 500},
        "figures": {"users": 671, "coverage": 0.31, "coverage_at_10": 0.05, "explained": 0.98},
        "data_through": EXAMPLE_TIME,
        "lineage": {"git_commit": "3f1c2ab", "model": {"name": "marquee-als", "version": "3"}},
        "lineage_missing": ["quality"],
    }

    def page(policy: str, item: Any, **extra: Any) -> Any:
        return {**extra, **EXAMPLE_PROVENANCE, "policy": policy, "items": [item], "next": None}

    user = _parameter("user", ID, "User id.", 1, "path")
    movie = _parameter("movie", ID, "Movie id.", 318, "path")
    name = _parameter("name", PUBLICATION, "Publication id.", EXAMPLE_PUBLICATION, "path")
    scope = _parameter("scope", {**_TEXT, "default": "all"}, "One of /v1/popular/scopes.", "genre:Comedy")
    search = _parameter("q", _TEXT, "Words of the title, in any order; case and accents do not matter.", "redemption")
    at = _parameter("at", {"type": "string", "format": "date-time"}, "Only what was live then.", "2026-11-23T19:00:00Z")
    movies_link = f"/v1/movies?limit=1&cursor={EXAMPLE_PUBLICATION}.318"
    return {
        "/v1/users/{user}/recommendations": _get(
            "user_recommendations",
            "Movies for a user, none of which the user has rated.",
            [user, *_FILTERS],
            "Recommendations",
            page("personalised", {**ranked, "because": [{"movie_id": 527, "title": "Schindler's List"}]}, user_id=1),
            (problems.BAD_ID, problems.UNKNOWN_USER, *_CHOSEN),
        ),
        "/v1/users/{user}/recommendations/{movie}": _get(
            "explanation",
            "Why a movie stands where it does in a user's list.",
            [user, movie, _AS_OF],
            "Explanation",
            {
                "user_id": 1,
                **EXAMPLE_PROVENANCE,
                "policy": "personalised",
                "rank": 1,
                "of": 100,
                "movie": EXAMPLE_MOVIE,
                "score": 0.27,
                "personal": 0.2,
                "popularity": 0.07,
                "because": [{"movie_id": 527, "title": "Schindler's List", "similarity": 0.61}],
            },
            (
                *(problems.BAD_ID, problems.UNKNOWN_USER, problems.UNKNOWN_MOVIE, problems.NOT_RECOMMENDED),
                *(problems.BAD_PARAMETER, problems.UNKNOWN_PUBLICATION, *_SERVED),
            ),
        ),
        "/v1/recommendations": _newcomers(),
        "/v1/movies/{movie}": _get(
            "movie_with_similar",
            "A movie, and the movies most similar to it.",
            [movie, *_FILTERS],
            "SimilarMovies",
            page("similar", {**ranked, "movie_id": 527, "title": "Schindler's List"}, movie=EXAMPLE_MOVIE),
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
            {"publication": EXAMPLE_PUBLICATION, "scopes": ["all", "decade:1990", "genre:Comedy", "recent"]},
            (problems.BAD_PARAMETER, problems.UNKNOWN_PUBLICATION, *_SERVED),
        ),
        "/v1/marts/ratings_by_year": _get(
            "ratings_by_year",
            "Ratings, users, movies and mean rating of each calendar year (UTC).",
            [_AS_OF],
            "RatingsByYear",
            _statistics({"rating_year": 2015, "ratings": 6610, "users": 60, "movies": 2880, "mean_rating": 3.55}),
            _MART,
            "marts",
        ),
        "/v1/marts/popular_by_genre": _get(
            "genres",
            "The genres that have a list of their best movies.",
            [_AS_OF],
            "Genres",
            {"publication": EXAMPLE_PUBLICATION, "genres": ["Action", "Comedy"]},
            (problems.BAD_PARAMETER, problems.UNKNOWN_PUBLICATION, *_SERVED),
            "marts",
        ),
        "/v1/marts/popular_by_genre/{genre}": _get(
            "popular_by_genre",
            "The best movies of a genre, by a mean rating that few ratings cannot carry far.",
            [_parameter("genre", _TEXT, "One of /v1/marts/popular_by_genre.", "Drama", "path"), *_FILTERS],
            "PopularByGenre",
            page("statistics", {"rank": 1, **EXAMPLE_MOVIE, "bayesian_mean": 4.41, "ratings": 311}, genre="Drama"),
            (problems.UNKNOWN_GENRE, *_CHOSEN),
            "marts",
        ),
        "/v1/marts/movie_statistics/{movie}": _get(
            "movie_statistics",
            "How often and how well a movie is rated, in all and by year; null where nobody has rated it.",
            [movie, _AS_OF],
            "MovieStatistics",
            {
                **EXAMPLE_PROVENANCE,
                "policy": "statistics",
                "movie": EXAMPLE_MOVIE,
                "statistics": {
                    "ratings": 311,
                    "mean_rating": 4.49,
                    "bayesian_mean": 4.46,
                    "first_rated_at": "1996-05-12T10:00:00Z",
                    "last_rated_at": "2016-10-12T18:20:11Z",
                    "by_year": [{"rating_year": 2015, "ratings": 24, "mean_rating": 4.4}],
                },
            },
            (
                *(problems.BAD_ID, problems.UNKNOWN_MOVIE),
                *(problems.BAD_PARAMETER, problems.UNKNOWN_PUBLICATION, *_SERVED),
            ),
            "marts",
        ),
        "/v1/marts/row_accounting": _get(
            "row_accounting",
            "Where the rows of each source file went: rows_in is the sum of the others.",
            [_AS_OF],
            "RowAccounting",
            _statistics(
                {
                    "source_file": "ratings.csv",
                    "rows_in": 100004,
                    "rows_clean": 100001,
                    "rows_quarantined": 2,
                    "rows_superseded": 1,
                }
            ),
            _MART,
            "marts",
        ),
        "/v1/movies": _get(
            "movies",
            "The catalogue by movie id, or the movies whose titles have the words.",
            [search, *_FILTERS],
            "Movies",
            {**page("catalogue", EXAMPLE_MOVIE), "next": movies_link},
            _CHOSEN,
            "catalogue",
        ),
        "/v1/users": _get(
            "users",
            "Ids of the users who have a list.",
            [_LIMIT, _CURSOR, _AS_OF],
            "Users",
            {"publication": EXAMPLE_PUBLICATION, "items": [1, 2, 3], "next": None},
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
            {"items": [{"publication": EXAMPLE_PUBLICATION, "live": True, "pinned": False}]},
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
                "publication": EXAMPLE_PUBLICATION,
                "live": EXAMPLE_PUBLICATION,
                "data_through": EXAMPLE_TIME,
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
            "description": "Read-only movie recommendations. Each list names the publication it comes from "
            "and its policy: `personalised`, `folded-in`, `similar`, `popular`, `statistics` or "
            "`catalogue`. Errors are problem+json (RFC 9457). Answers "
            "carry an ETag per publication; pages of one list stay with one publication.",
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {"schemas": schemas()},
    }
