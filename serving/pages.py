"""The web page: a user's recommendations, similar or popular movies, and where they come from.

Rendered on the server without scripts, so it works in any browser and needs nothing but this server.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, make_response, render_template, request

from serving import problems
from serving.chosen_publication import current
from serving.live_publication import LivePublication
from serving.problems import ProblemError
from serving.publication_reader import Publication
from serving.query_parameters import Parameters, identifier

_SHOWN = 20
_EXAMPLE_USERS = 50


def page_routes(app: Flask, live: LivePublication) -> None:
    """Add the page."""

    @app.get("/")
    def page() -> Response:
        try:
            publication = current(live)
        except ProblemError as error:
            return _page(error.kind.status, heading=error.kind.title, notice=error.detail)
        common = {
            "publication": publication,
            "scopes": publication.scopes,
            "users": publication.user_ids(0, _EXAMPLE_USERS),
        }
        try:
            return _page(200, **common, **_content(publication))
        except ProblemError as error:
            unknown_user = error.kind is problems.UNKNOWN_USER
            popular = _popular(publication, "all") if unknown_user else {"policy": "none"}
            return _page(
                error.kind.status, **{**common, **popular, "heading": error.kind.title, "notice": error.detail}
            )


def _page(status: int, **values: Any) -> Response:
    response = make_response(render_template("recommendations.html", **values), status)
    response.headers["Cache-Control"] = "no-cache"
    return response


def _content(publication: Publication) -> dict[str, Any]:
    """Return the heading, the items and their policy for what the address asks for."""
    parameters = Parameters(request.args, frozenset({"user", "movie", "scope"}))
    # An empty field is a form that was sent without an entry.
    if user := request.args.get("user", "").strip():
        return _personal(publication, identifier(user, "user"))
    if movie := request.args.get("movie", "").strip():
        return _similar(publication, identifier(movie, "movie"))
    return _popular(publication, parameters.text("scope") or "all")


def _personal(publication: Publication, user_id: int) -> dict[str, Any]:
    entries = publication.recommendations(user_id)
    if entries is None:
        detail = f"There is no list for user {user_id}: here are the popular movies instead."
        raise ProblemError(problems.UNKNOWN_USER, detail)
    movies = publication.movies
    items = [
        {"movie": movies[movie_id], "because": [movies[reason] for reason in reasons]}
        for movie_id, _, reasons in entries[:_SHOWN]
    ]
    return {"heading": f"For user {user_id}", "user": user_id, "items": items, "policy": "personalised"}


def _similar(publication: Publication, movie_id: int) -> dict[str, Any]:
    movie = publication.movies.get(movie_id)
    if movie is None:
        raise ProblemError(problems.UNKNOWN_MOVIE, f"There is no movie {movie_id}.")
    items = [{"movie": publication.movies[entry[0]]} for entry in publication.similar_movies(movie_id)[:_SHOWN]]
    return {"heading": f"Similar to {movie.title}", "items": items, "policy": "similar"}


def _popular(publication: Publication, scope: str) -> dict[str, Any]:
    entries = publication.popular_movies(scope)
    if entries is None:
        raise ProblemError(problems.UNKNOWN_SCOPE, f"There is no list of popular movies for {scope[:40]!r}.")
    items = [{"movie": publication.movies[entry[0]], "ratings": entry[2]} for entry in entries[:_SHOWN]]
    return {"heading": f"Popular: {scope}", "scope": scope, "items": items, "policy": "popular"}
